public import SmithBytes
import SmithModel

/// Loader and partition table of a package for Qualcomm NAND flash; its images are the segments
/// of the ``FirmwareImage`` (Docs/Protocols/qualcomm-nand.md section 1).
public struct NANDPackage: Sendable {
  /// The program that writes.
  public var loader: RAMLoader
  /// Name of its file.
  public var loaderName: String
  /// What the stick's own table must equal.
  public var table: UserPartitionTable
  /// Model that the version text names, as in `MF667`; nil if it names none.
  public var model: String?
  /// Names of loaders that are in the package, too, and not used.
  public var otherLoaders: [String]

  /// An image that may be written, by the id of its boot header.
  struct Kind {
    let id: UInt32
    let partition: String
  }

  /// In the order in which they are written: applications first, boot loaders last. AMSS is the
  /// last application, so that the version, which only AMSS tells, is the old one while another
  /// is missing (Docs/Protocols/qualcomm-nand.md section 3).
  static let kinds: [Kind] = [
    Kind(id: 6, partition: "APPS"), Kind(id: 8, partition: "DSP1"),
    Kind(id: 0x0c, partition: "DSP2"), Kind(id: 2, partition: "AMSS"),
    Kind(id: 5, partition: "APPSBL"), Kind(id: 0x0b, partition: "OSBL"),
    Kind(id: 9, partition: "FSBL"),
  ]

  /// Whether the files of a folder are such a package, whole or not.
  public static func isOne(_ files: [(name: String, bytes: SharedBytes)]) -> Bool {
    files.contains { $0.bytes.bytes(0..<min(8, $0.bytes.count)) == UserPartitionTable.magic }
  }

  /// Puts the package together from its files, by what is in them and not by their names.
  ///
  /// - Throws: ``ImageError``.
  public static func read(_ files: [(name: String, bytes: SharedBytes)]) throws(ImageError)
    -> FirmwareImage
  {
    var parts = NANDParts()
    for file in files {
      do throws(QualcommImageError) {
        try parts.take(file.name, file.bytes, QualcommPart.recognise(file.bytes))
      } catch { throw .nand(.part(file.name, error)) }
    }
    do { return try parts.image() } catch { throw .nand(error) }
  }
}

/// The parts of a package while it is put together.
private struct NANDParts {
  private var tables: [(name: String, table: UserPartitionTable)] = []
  private var loaders: [(name: String, loader: RAMLoader)] = []
  private var images: [(name: String, header: MBNHeader, bytes: SharedBytes)] = []
  private var warnings: [ImageWarning] = []

  mutating func take(_ name: String, _ bytes: SharedBytes, _ part: QualcommPart?) {
    let stem = name.prefix { $0 != "." }
    // A dump of the modem's own file system is somebody's identity, whatever stands in it.
    if ProtectedPartitions.contains(String(stem)), !(part?.isTable ?? false) {
      warnings.append(.leftOut(name, why: "identity and calibration are never written"))
      return
    }
    switch part {
    case .table(let table): tables.append((name, table))
    case .loader(let loader): loaders.append((name, loader))
    case .image(let header): images.append((name, header, bytes))
    case .header: warnings.append(.leftOut(name, why: "it is a boot header without its image"))
    default: warnings.append(.fileIgnored(name))
    }
  }

  func image() throws(NANDPackageError) -> FirmwareImage {
    guard let table = tables.first?.table else { throw .noTable }
    guard tables.count == 1 else { throw .twoOfAKind("partition table", tables.map(\.name)) }
    let loader = try chosenLoader()
    let others = loaders.map(\.name).filter { $0 != loader.name }
    var warnings = warnings
    warnings += others.map { .leftOut($0, why: "another loader of the package is used") }
    var segments: [Segment] = []
    for kind in NANDPackage.kinds {
      let found = images.filter { $0.header.imageID == kind.id }
      guard let one = found.first else { continue }
      guard found.count == 1 else { throw .twoOfAKind(kind.partition, found.map(\.name)) }
      guard let entry = table.partitions.first(where: { $0.name == "0:" + kind.partition }) else {
        warnings.append(.leftOut(one.name, why: "the table has no partition for it"))
        continue
      }
      let room = entry.room
      guard one.bytes.count <= room else {
        throw .tooBig(one.name, size: one.bytes.count, room: room)
      }
      segments.append(
        Segment(
          index: segments.count, id: kind.id, name: kind.partition, size: one.bytes.count,
          stored: one.bytes))
    }
    for one in images where !NANDPackage.kinds.contains(where: { $0.id == one.header.imageID }) {
      warnings.append(.leftOut(one.name, why: "\(one.header.imageName) is nothing we write"))
    }
    guard segments.contains(where: { $0.id == 2 }) else { throw .noApplication }
    return finish(segments, table, loader, others, warnings)
  }

  private func finish(
    _ segments: [Segment], _ table: UserPartitionTable, _ loader: (name: String, loader: RAMLoader),
    _ others: [String], _ warnings: [ImageWarning]
  ) -> FirmwareImage {
    var warnings = warnings
    let versions = segments.first { $0.id == 2 }.map { ZTEVersionText.all(in: $0.stored) } ?? []
    if versions.count > 1 { warnings.append(.versionsDiffer(versions)) }
    let version = versions.count == 1 ? versions[0] : nil
    var segments = segments
    for index in segments.indices where segments[index].id == 2 {
      segments[index].version = version ?? ""
    }
    var image = FirmwareImage(
      format: .qualcommNAND, origin: 0..<segments.reduce(0) { $0 + $1.size }, kinds: [.firmware],
      segments: segments,
      claims: ImageClaims(
        products: [loader.loader.chip].compactMap { $0 },
        firmware: version.map { FirmwareVersion($0) }), warnings: warnings)
    image.nand = NANDPackage(
      loader: loader.loader, loaderName: loader.name, table: table,
      model: version.flatMap { ZTEVersionText.model(in: $0) }, otherLoaders: others)
    return image
  }

  /// The loader that needs memory set up by the boot loader goes before the one that does not:
  /// a stick that is told to enter download mode has a boot loader.
  private func chosenLoader() throws(NANDPackageError) -> (name: String, loader: RAMLoader) {
    guard
      let chosen = loaders.first(where: { !$0.loader.needsNothing }) ?? loaders.first
    else { throw .noLoader }
    if chosen.loader.isPatched { throw .patchedLoader(chosen.name) }
    let same = loaders.filter { $0.loader.base == chosen.loader.base }
    guard same.count == 1 else { throw .twoOfAKind("loader", same.map(\.name)) }
    return chosen
  }
}

extension QualcommPart {
  fileprivate var isTable: Bool {
    if case .table = self { return true }
    return false
  }
}

extension UserPartition {
  /// Bytes that an image may have, the reserve for bad blocks left out. Blocks are taken for
  /// 128 KiB, the largest of this flash generation.
  fileprivate var room: Int {
    guard let size else { return .max }
    return Int(size) * (unit == .kibibytes ? 1024 : 131_072)
  }
}

/// Version texts in ZTE's firmware, as in `BD_O2MF667V1.0.0B03`
/// (Docs/Protocols/qualcomm-nand.md section 4).
enum ZTEVersionText {
  /// Every one that stands in `bytes`, each once, at most eight.
  static func all(in bytes: SharedBytes) -> [String] {
    var found: [String] = []
    QualcommTexts.scan(bytes, for: Array("BD_".utf8)) { offset in
      let raw = bytes.bytes(offset..<min(offset + 64, bytes.count))
      let text = String(
        decoding: raw.prefix {
          (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
            || [0x5f, 0x2e, 0x2d].contains($0)
        }, as: UTF8.self)
      if isWhole(text), !found.contains(text) { found.append(text) }
      return found.count < 8
    }
    return found
  }

  /// Ends in `V`, numbers between dots, `B` and digits.
  private static func isWhole(_ text: String) -> Bool {
    guard let mark = text.lastIndex(of: "V"), let build = text[mark...].lastIndex(of: "B") else {
      return false
    }
    let numbers = text[text.index(after: mark)..<build].split(
      separator: ".", omittingEmptySubsequences: false)
    let tail = text[text.index(after: build)...]
    return numbers.count == 3 && (numbers + [tail]).allSatisfy { $0.isNumber }
  }

  /// `MF667` in `BD_O2MF667V1.0.0B03`.
  static func model(in text: String) -> String? {
    guard let mark = text.lastIndex(of: "V") else { return nil }
    var digits: [Character] = []
    for character in text[..<mark].reversed() {
      if character.isASCII, character.isNumber { digits.append(character) } else { break }
    }
    let head = text[..<mark].dropLast(digits.count)
    guard head.hasSuffix("MF"), (2...4).contains(digits.count) else { return nil }
    return "MF" + String(digits.reversed())
  }
}

extension Substring {
  fileprivate var isNumber: Bool {
    !isEmpty && utf8.count <= 4 && utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
