public import SmithBytes

/// A folder of `rawprogram*.xml`, `patch*.xml`, a programmer and the images that they name
/// (Docs/Protocols/rawprogram.md section 5).
public struct RawProgramPackage: Sendable {
  /// A file of the folder.
  public typealias File = (name: String, bytes: SharedBytes)

  /// What kind of storage the description is for.
  public enum Storage: String, Sendable {
    case nand, emmc, ufs
  }

  /// One image and its place; the bytes are in the segment of the same index.
  public struct Write: Sendable, Equatable {
    /// The entry of the description.
    public var entry: RawProgram.Program
    /// First sector.
    public var first: UInt64
    /// Sectors that the description keeps for it, at least what the file needs.
    public var sectors: UInt64

    var range: Range<UInt64> { first..<(first + sectors) }
    var name: String { entry.label.isEmpty ? entry.file : entry.label }
  }

  /// What the boot ROM is given.
  public var programmer: QualcommProgrammer
  /// The writes in the order in which they are done.
  public var writes: [Write]
  /// The layout that the package brings; empty if it brings none. Never written, only compared.
  public var layout: [StoragePlace]
  /// What kind of storage it is for.
  public var storage: Storage
  /// Bytes of a sector.
  public var sectorSize: Int
  /// Pages of an erase block (NAND only).
  public var pagesPerBlock: Int?
  /// The files that matter, by name, for a fingerprint.
  public var parts: [SharedBytes]

  /// Whether a folder with these names is such a package.
  public static func isOne(_ names: some Sequence<String>) -> Bool {
    names.contains { isDescription($0, "rawprogram") }
  }

  static func isDescription(_ name: String, _ kind: String) -> Bool {
    let name = name.lowercased()
    return name.hasPrefix(kind) && name.hasSuffix(".xml")
  }

  /// Reads and checks a whole folder. Names inside the descriptions mean files of this folder and
  /// nothing else.
  public static func read(_ files: [File]) throws(RawProgramError) -> FirmwareImage {
    guard files.count <= 1024 else { throw .tooManyFiles(files.count) }
    var reader = try RawProgramReader(files.sorted { $0.name < $1.name })
    return try reader.image()
  }
}

/// Gathers a package from its files.
struct RawProgramReader {
  private let files: [RawProgramPackage.File]
  private var plan = RawProgram()
  private var used: Set<String> = []
  private var warnings: [ImageWarning] = []
  private var layout: [StoragePlace] = []

  init(_ files: [RawProgramPackage.File]) throws(RawProgramError) {
    self.files = files
    for file in files {
      guard
        RawProgramPackage.isDescription(file.name, "rawprogram")
          || RawProgramPackage.isDescription(file.name, "patch")
      else { continue }
      let part: RawProgram
      do throws(QualcommImageError) { part = try RawProgram(reading: file.bytes) } catch {
        throw .file(Self.shown(file.name), error)
      }
      plan.programs += part.programs
      plan.patches += part.patches
      plan.erases += part.erases
      used.insert(file.name)
    }
    used.formUnion(plan.programs.map(\.file))
  }

  mutating func image() throws(RawProgramError) -> FirmwareImage {
    let geometry = try geometry()
    var writes: [(write: RawProgramPackage.Write, bytes: SharedBytes)] = []
    for entry in plan.programs {
      let file = try file(entry)
      if try takeTable(entry, file, geometry) { continue }
      writes.append(try write(entry, file))
    }
    guard !writes.isEmpty else { throw .nothingToWrite }
    try checkPlaces(writes.map(\.write))
    noteLeftOut()
    // A stick with a whole boot chain still helps itself, so that chain comes last.
    let ordered =
      writes.filter { !Self.isBootChain($0.write) } + writes.filter { Self.isBootChain($0.write) }
    let programmer = try programmer()
    for file in files where !used.contains(file.name) && file.name != programmer.name {
      if warnings.count < 20 { warnings.append(.fileIgnored(Self.shown(file.name))) }
    }
    let needed = files.filter { used.contains($0.name) || $0.name == programmer.name }
    var image = FirmwareImage(
      format: .qualcommRawProgram, origin: 0..<needed.reduce(0) { $0 + $1.bytes.count },
      kinds: [.firmware],
      segments: ordered.enumerated().map { index, part in
        Segment(
          index: index, id: UInt32(index), name: Self.shown(part.write.name),
          size: part.bytes.count, offset: 0, stored: part.bytes)
      }, warnings: warnings)
    image.claims.signed = !programmer.certificates.isEmpty
    image.rawProgram = RawProgramPackage(
      programmer: programmer, writes: ordered.map(\.write), layout: layout,
      storage: geometry.storage, sectorSize: geometry.sectorSize,
      pagesPerBlock: geometry.pagesPerBlock, parts: needed.map(\.bytes))
    return image
  }

  private struct Geometry {
    var storage: RawProgramPackage.Storage
    var sectorSize: Int
    var pagesPerBlock: Int?
  }

  private func geometry() throws(RawProgramError) -> Geometry {
    guard let first = plan.programs.first else { throw .nothingToWrite }
    guard plan.programs.count <= 1024 else { throw .tooManyFiles(plan.programs.count) }
    for entry in plan.programs
    where entry.sectorSize != first.sectorSize || entry.pagesPerBlock != first.pagesPerBlock {
      throw .contradiction("\(entry.file) has other sectors than \(first.file)")
    }
    let storage: RawProgramPackage.Storage =
      first.pagesPerBlock != nil ? .nand : first.sectorSize == 512 ? .emmc : .ufs
    if storage == .nand, plan.programs.contains(where: { $0.physicalPartition != 0 }) {
      throw .contradiction("a NAND chip has no second physical partition")
    }
    return Geometry(
      storage: storage, sectorSize: first.sectorSize, pagesPerBlock: first.pagesPerBlock)
  }

  private func file(_ entry: RawProgram.Program) throws(RawProgramError) -> SharedBytes {
    guard let file = files.first(where: { $0.name == entry.file }) else {
      throw .missingFile(Self.shown(entry.file), needed: entry.label)
    }
    let skipped = entry.fileSectorOffset.multipliedReportingOverflow(by: UInt64(entry.sectorSize))
    guard !skipped.overflow, skipped.partialValue < UInt64(file.bytes.count),
      let bytes = file.bytes.slice(Int(skipped.partialValue)..<file.bytes.count)
    else { throw .outOfBounds("\(entry.file) has nothing at its sector \(entry.fileSectorOffset)") }
    return bytes
  }

  /// Partition tables are kept for comparison and never written.
  private mutating func takeTable(
    _ entry: RawProgram.Program, _ file: SharedBytes, _ geometry: Geometry
  ) throws(RawProgramError) -> Bool {
    let label = entry.label.lowercased()
    guard ["primarygpt", "backupgpt", "mibib", "0:mibib", "partition", "ptable"].contains(label)
    else { return false }
    do throws(QualcommImageError) {
      if label == "primarygpt" {
        let table = try GPT(reading: file)
        guard table.sectorSize == geometry.sectorSize else {
          throw .gptEntry("it has sectors of \(table.sectorSize) bytes")
        }
        layout += StoragePlace.all(of: table, physicalPartition: entry.physicalPartition)
      } else if let pages = geometry.pagesPerBlock, label != "backupgpt" {
        let blockKiB = UInt32(max(1, pages * geometry.sectorSize / 1024))
        let table = try UserPartitionTable(reading: file).systemTable(blockKiB: blockKiB)
        layout += StoragePlace.all(
          of: table, sectorsPerBlock: UInt64(pages), sectors: 1 << 40)
      }
    } catch {
      throw .file(Self.shown(entry.file), error)
    }
    warnings.append(.leftOut(Self.shown(entry.file), why: "the partition table is only compared"))
    return true
  }

  private func write(_ entry: RawProgram.Program, _ bytes: SharedBytes) throws(RawProgramError)
    -> (write: RawProgramPackage.Write, bytes: SharedBytes)
  {
    if ProtectedPartitions.contains(entry.label) {
      throw .protected(label: Self.shown(entry.label), file: Self.shown(entry.file))
    }
    if entry.isSparse || bytes.bytes(0..<min(4, bytes.count)) == [0x3a, 0xff, 0x26, 0xed] {
      throw .sparse(Self.shown(entry.file))
    }
    guard case .number(let first) = entry.start, first <= 1 << 48 else {
      throw .contradiction("only the stick can compute where \(Self.shown(entry.file)) goes")
    }
    let needed = UInt64((bytes.count - 1) / entry.sectorSize + 1)
    let sectors = entry.sectorCount == 0 ? needed : entry.sectorCount
    guard needed <= sectors else {
      throw .outOfBounds(
        "\(Self.shown(entry.file)) needs \(needed) sectors and \(entry.label) has \(sectors)")
    }
    if let last = entry.lastSector, last < first + needed - 1 {
      throw .outOfBounds("\(Self.shown(entry.file)) ends behind sector \(last)")
    }
    return (RawProgramPackage.Write(entry: entry, first: first, sectors: sectors), bytes)
  }

  /// No two writes may meet, and where the package brings a table every write must lie inside the
  /// partition of its name.
  private func checkPlaces(_ writes: [RawProgramPackage.Write]) throws(RawProgramError) {
    let order = writes.sorted {
      ($0.entry.physicalPartition, $0.first) < ($1.entry.physicalPartition, $1.first)
    }
    for (one, next) in zip(order, order.dropFirst())
    where one.entry.physicalPartition == next.entry.physicalPartition
      && next.first < one.first + one.sectors
    {
      throw .overlap(Self.shown(one.entry.file), Self.shown(next.entry.file))
    }
    for write in writes {
      let known = layout.filter { $0.physicalPartition == write.entry.physicalPartition }
      guard !known.isEmpty else { continue }
      let touched = known.filter { $0.sectors.overlaps(write.range) }
      if let bad = touched.first(where: { ProtectedPartitions.contains($0.name) }) {
        throw .protected(label: bad.name, file: Self.shown(write.entry.file))
      }
      guard touched.count == 1, touched[0].sectors.lowerBound <= write.first,
        write.range.upperBound <= touched[0].sectors.upperBound,
        write.entry.label.isEmpty || touched[0].isNamed(write.entry.label)
      else {
        throw .outOfBounds(
          "\(Self.shown(write.entry.file)) is not inside the partition \(Self.shown(write.name))")
      }
    }
  }

  /// Patches mend partition tables, and erasing is part of programming: neither is carried out.
  private mutating func noteLeftOut() {
    if !plan.patches.isEmpty {
      warnings.append(
        .leftOut("A list of \(plan.patches.count) patches", why: "they mend partition tables"))
    }
    for erase in plan.erases.prefix(8) {
      let name = erase.label.isEmpty ? "\(erase.sectorCount) sectors" : Self.shown(erase.label)
      warnings.append(.leftOut("A request to erase \(name)", why: "writing erases what it has to"))
    }
  }

  /// The one file that is a program and is written nowhere; a name decides only between several.
  private func programmer() throws(RawProgramError) -> QualcommProgrammer {
    let free = files.filter { !used.contains($0.name) }
    let found = free.compactMap { try? QualcommProgrammer(name: $0.name, reading: $0.bytes) }
    let named = found.filter { $0.name.lowercased().contains("firehose") }
    guard let first = found.count == 1 ? found.first : named.first else {
      if found.isEmpty { throw .noProgrammer }
      throw .severalProgrammers(found.prefix(8).map { Self.shown($0.name) })
    }
    guard found.count == 1 || named.count == 1 else {
      throw .severalProgrammers(named.prefix(8).map { Self.shown($0.name) })
    }
    return first
  }

  private static func isBootChain(_ write: RawProgramPackage.Write) -> Bool {
    var name = write.entry.label.lowercased()
    if name.hasPrefix("0:") { name.removeFirst(2) }
    let chain = ["sbl", "xbl", "dbl", "fsbl", "osbl", "aboot", "appsbl", "tz", "rpm", "hyp"]
    return chain.contains { name.hasPrefix($0) }
  }

  private static func shown(_ name: String) -> String {
    String(printable: [UInt8](name.utf8.prefix(80)))
  }
}
