public import SmithBytes

extension ISO9660Image {
  /// Bytes of one sector.
  public static let sector = 2048
  /// The mark of every volume descriptor, behind its type byte.
  static let mark = [UInt8]("CD001".utf8)

  /// Whether the mark of a primary volume descriptor stands in its place
  /// (Docs/Protocols/iso9660.md section 1).
  public static func looksLikeOne(_ file: SharedBytes) -> Bool {
    file.bytes(16 * sector..<(16 * sector + 6)) == [1] + mark
  }

  /// Reads labels and directories; file contents stay where they are
  /// (Docs/Protocols/iso9660.md sections 1 to 3).
  ///
  /// - Parameters:
  ///   - file: the whole image, mapped; nothing of it is copied but names.
  ///   - limits: bounds for hostile images.
  /// - Throws: ``ISO9660Error``.
  public static func read(
    _ file: SharedBytes, limits: ISO9660Limits = .standard
  ) throws(ISO9660Error) -> ISO9660Image {
    guard looksLikeOne(file) else { throw .noDescriptor }
    guard let primary = ISO9660Volume(file, sector: 16) else { throw .noDescriptor }
    guard primary.blockSize == sector else { throw .blockSize(primary.blockSize) }
    guard primary.size <= file.count else {
      throw .truncated(expected: primary.size, found: file.count)
    }
    let joliet = jolietVolume(file)
    if let joliet, joliet.blockSize == sector {
      var walk = ISO9660Walk(file: file, limits: limits, isJoliet: true)
      do throws(ISO9660Error) {
        try walk.directory(joliet.root)
        return gather(primary, walk, label: joliet.label)
      } catch {
        guard error == .badRoot else { throw error }
      }
    }
    var walk = ISO9660Walk(file: file, limits: limits, isJoliet: false)
    if joliet != nil { walk.warn(.jolietBroken) }
    try walk.directory(primary.root)
    return gather(primary, walk, label: primary.label)
  }

  private static func gather(
    _ volume: ISO9660Volume, _ walk: ISO9660Walk, label: String
  ) -> ISO9660Image {
    var image = ISO9660Image(
      volume: label.isEmpty ? volume.label : label, system: volume.system,
      publisher: volume.publisher, preparer: volume.preparer, application: volume.application,
      created: volume.created, isJoliet: walk.isJoliet, size: volume.size, files: walk.files,
      warnings: walk.warnings)
    if let (one, other) = walk.overlap { image.warnings.append(.overlap(one, other)) }
    return image
  }

  /// The supplementary descriptor with one of Joliet's three escape sequences.
  private static func jolietVolume(_ file: SharedBytes) -> ISO9660Volume? {
    for index in 17..<48 {
      let head = file.bytes(index * sector..<(index * sector + 6))
      guard head.count == 6, head.dropFirst().elementsEqual(mark), head[0] != 0xff else {
        return nil
      }
      let escape = file.bytes((index * sector + 88)..<(index * sector + 91))
      if head[0] == 2, escape.starts(with: [0x25, 0x2f]), [0x40, 0x43, 0x45].contains(escape.last) {
        return ISO9660Volume(file, sector: index, isJoliet: true)
      }
    }
    return nil
  }
}

/// The fields of a volume descriptor (Docs/Protocols/iso9660.md section 1).
struct ISO9660Volume {
  var label: String
  var system: String
  var publisher: String
  var preparer: String
  var application: String
  var created: String?
  var blockSize: Int
  /// Bytes of the whole volume.
  var size: Int
  /// Where the root directory's record stands.
  var root: ISO9660Record

  init?(_ file: SharedBytes, sector: Int, isJoliet: Bool = false) {
    let start = sector * ISO9660Image.sector
    guard let cut = file.slice(start..<(start + ISO9660Image.sector)) else { return nil }
    let bytes = cut.bytes()
    func text(_ range: Range<Int>) -> String {
      ISO9660Names.label(bytes[range], isJoliet: isJoliet)
    }
    system = text(8..<40)
    label = text(40..<72)
    publisher = text(318..<446)
    preparer = text(446..<574)
    application = text(574..<702)
    created = ISO9660Names.date(bytes[813..<829])
    blockSize = Int(bytes[128]) | Int(bytes[129]) << 8
    let blocks = (0..<4).reduce(0) { $0 | Int(bytes[80 + $1]) << (8 * $1) }
    size = blocks * ISO9660Image.sector
    guard let record = ISO9660Record(bytes[156..<190]) else { return nil }
    root = record
  }
}

/// One record of a directory (Docs/Protocols/iso9660.md section 2).
struct ISO9660Record {
  var length: Int
  /// Offset of the data in the image.
  var offset: Int
  var size: Int
  var isDirectory: Bool
  /// Whether the file goes on in the next record.
  var goesOn: Bool
  /// Whether the record belongs to a file of another system.
  var isAssociated: Bool
  var name: [UInt8]

  /// Reads the record at the start of `bytes`; nil if it contradicts itself.
  init?(_ bytes: ArraySlice<UInt8>) {
    guard let first = bytes.first else { return nil }
    length = Int(first)
    guard length >= 34, length <= bytes.count else { return nil }
    let base = bytes.startIndex
    func little(_ at: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(bytes[base + at + $1]) << (8 * $1) }
    }
    let extended = Int(bytes[base + 1])
    offset = (little(2) + extended) * ISO9660Image.sector
    size = little(10)
    let flags = bytes[base + 25]
    isDirectory = flags & 2 != 0
    isAssociated = flags & 4 != 0
    goesOn = flags & 0x80 != 0
    let nameLength = Int(bytes[base + 32])
    guard nameLength >= 1, 33 + nameLength <= length else { return nil }
    name = [UInt8](bytes[(base + 33)..<(base + 33 + nameLength)])
  }

  /// Whether it stands for the directory itself or the one above.
  var isDots: Bool { name == [0] || name == [1] }
}

/// Texts of a CD-ROM image as people may see them (Docs/Protocols/iso9660.md section 3).
enum ISO9660Names {
  /// A label field, trimmed.
  static func label(_ bytes: ArraySlice<UInt8>, isJoliet: Bool) -> String {
    if isJoliet { return trimmed(wide(bytes)) }
    return String(printable: [UInt8](bytes))
  }

  /// A file or directory name without its version number.
  static func file(_ bytes: [UInt8], isJoliet: Bool) -> String {
    var name = isJoliet ? wide(bytes[...]) : String(printable: bytes)
    if let mark = name.lastIndex(of: ";"), name[mark...].dropFirst().allSatisfy(\.isNumber) {
      name = String(name[..<mark])
    }
    if !isJoliet, name.hasSuffix(".") { name.removeLast() }
    let safe = String(name.map { $0 == "/" || $0 == "\\" ? "?" : $0 })
    return safe.isEmpty || safe == "." || safe == ".." ? "?" : safe
  }

  /// Big-endian UCS-2; anything that could steer a terminal or mirror text is "?".
  static func wide(_ bytes: ArraySlice<UInt8>) -> String {
    var units: [UInt16] = []
    var index = bytes.startIndex
    while index + 1 < bytes.endIndex {
      let unit = UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
      if unit == 0 { break }
      units.append(unit)
      index += 2
    }
    return String(decoding: units, as: UTF16.self).shownSafely
  }

  /// Sixteen digits as `2014-06-11 17:25:43`; nil for anything else.
  static func date(_ bytes: ArraySlice<UInt8>) -> String? {
    let digits = [UInt8](bytes.prefix(14))
    guard digits.count == 14, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.contains(where: { $0 != 0x30 })
    else { return nil }
    func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
    return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8)) "
      + "\(part(8..<10)):\(part(10..<12)):\(part(12..<14))"
  }

  private static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

extension String {
  /// The text with everything that could steer a terminal or hide its end as "?".
  public var shownSafely: String {
    var scalars = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      let value = scalar.value
      let steers =
        value < 0x20 || (0x7f..<0xa0).contains(value) || (0x200b...0x200f).contains(value)
        || (0x2028...0x202e).contains(value) || (0x2060...0x206f).contains(value)
        || value == 0xfeff || value == 0xfffd || (0xfff0...0xfffb).contains(value)
        || (0xe0000...0xe0fff).contains(value)
      scalars.append(steers ? "?" : scalar)
    }
    return String(scalars)
  }
}
