public import SmithBytes

/// One partition as the flash itself knows it (Docs/Protocols/mibib.md section 2).
public struct NANDPartition: Equatable, Sendable {
  /// Name with its `0:` prefix.
  public var name: String
  /// First erase block.
  public var offset: UInt32
  /// Length in erase blocks; nil is the rest of the chip.
  public var length: UInt32?
  /// Three attribute bytes.
  public var attributes: [UInt8]
  /// Which flash chip.
  public var flash: UInt8

  /// Gathers the parts.
  public init(
    name: String, offset: UInt32, length: UInt32?, attributes: [UInt8] = [0xff, 0xff, 0xff],
    flash: UInt8 = 0
  ) {
    self.name = name
    self.offset = offset
    self.length = length
    self.attributes = attributes
    self.flash = flash
  }
}

/// The system ("read") table: where each partition begins (Docs/Protocols/mibib.md section 2).
public struct SystemPartitionTable: Equatable, Sendable {
  /// 3 or 4.
  public var version: UInt32
  /// Partitions in the order of the table.
  public var partitions: [NANDPartition]

  static let magic: [UInt8] = [0xaa, 0x73, 0xee, 0x55, 0xdb, 0xbd, 0x5e, 0xe3]

  /// Gathers the parts.
  public init(version: UInt32 = 3, partitions: [NANDPartition]) {
    self.version = version
    self.partitions = partitions
  }

  /// Reads the table at the start of `bytes`.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    var table = try NANDTableReader(bytes, magic: Self.magic)
    var partitions: [NANDPartition] = []
    var next: UInt64? = 0
    while let entry = table.next() {
      let length = entry.second == 0xffff_ffff ? nil : entry.second
      // Only the last may take the rest, and none may begin inside the one before.
      guard let border = next, UInt64(entry.first) >= border, !entry.name.isEmpty else {
        throw .tableEntry("\(entry.name) lies in the partition before it")
      }
      next = length.map { UInt64(entry.first) + UInt64($0) }
      partitions.append(
        NANDPartition(
          name: entry.name, offset: entry.first, length: length,
          attributes: Array(entry.tail[0..<3]), flash: entry.tail[3]))
    }
    self.init(version: table.version, partitions: partitions)
  }

  /// The table as it stands in flash, padded with FF to a multiple of 512 bytes.
  public func encoded() -> [UInt8] {
    var output = Self.magic
    output.append(little: version)
    output.append(little: UInt32(truncatingIfNeeded: partitions.count))
    for entry in partitions {
      output.append(text: entry.name, width: 16)
      output.append(little: entry.offset)
      output.append(little: entry.length ?? 0xffff_ffff)
      output += (entry.attributes + [0xff, 0xff, 0xff]).prefix(3)
      output.append(entry.flash)
    }
    output += [UInt8](repeating: 0xff, count: (512 - output.count % 512) % 512)
    return output
  }
}

/// One partition as a package asks for it (Docs/Protocols/mibib.md section 3).
public struct UserPartition: Equatable, Sendable {
  /// What the sizes count.
  public enum Unit: UInt8, Sendable {
    /// Sizes in KiB.
    case kibibytes = 0xff
    /// Sizes in erase blocks.
    case blocks = 0xfe
  }

  /// Name with its `0:` prefix.
  public var name: String
  /// Size in units; nil is the rest of the chip.
  public var size: UInt32?
  /// Reserve for bad blocks, in units.
  public var spare: UInt16
  /// Which flash chip.
  public var flash: UInt16
  /// Three attribute bytes.
  public var attributes: [UInt8]
  /// What the sizes count.
  public var unit: Unit

  /// Gathers the parts.
  public init(
    name: String, size: UInt32?, spare: UInt16, flash: UInt16 = 0,
    attributes: [UInt8] = [0xff, 0xff, 0xff], unit: Unit = .kibibytes
  ) {
    self.name = name
    self.size = size
    self.spare = spare
    self.flash = flash
    self.attributes = attributes
    self.unit = unit
  }

  /// Erase blocks of `blockKiB` that it takes; nil is the rest of the chip.
  public func blocks(of blockKiB: UInt32) -> UInt64? {
    guard let size else { return nil }
    guard unit == .kibibytes, blockKiB > 0 else { return UInt64(size) + UInt64(spare) }
    let block = UInt64(blockKiB)
    // Size and reserve are rounded up each for itself.
    return (UInt64(size) + block - 1) / block + (UInt64(spare) + block - 1) / block
  }
}

/// The user ("write") table: `partition.mbn`, what a loader is asked to accept
/// (Docs/Protocols/mibib.md section 3).
public struct UserPartitionTable: Equatable, Sendable {
  /// 3 or 4.
  public var version: UInt32
  /// Partitions in the order of the table.
  public var partitions: [UserPartition]

  static let magic: [UInt8] = [0x9a, 0x1b, 0x7d, 0xaa, 0xbc, 0x48, 0x7d, 0x1f]

  /// Gathers the parts.
  public init(version: UInt32 = 3, partitions: [UserPartition]) {
    self.version = version
    self.partitions = partitions
  }

  /// Reads the table at the start of `bytes`.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    var table = try NANDTableReader(bytes, magic: Self.magic)
    var partitions: [UserPartition] = []
    while let entry = table.next() {
      guard let unit = UserPartition.Unit(rawValue: entry.tail[3]) else {
        throw .tableEntry("\(entry.name) counts in an unknown unit")
      }
      guard !entry.name.isEmpty, partitions.last.map({ $0.size != nil }) ?? true else {
        throw .tableEntry("\(entry.name) follows the partition that takes the rest")
      }
      partitions.append(
        UserPartition(
          name: entry.name, size: entry.first == 0xffff_ffff ? nil : entry.first,
          spare: UInt16(truncatingIfNeeded: entry.second),
          flash: UInt16(truncatingIfNeeded: entry.second >> 16),
          attributes: Array(entry.tail[0..<3]), unit: unit))
    }
    self.init(version: table.version, partitions: partitions)
  }

  /// The table as it is sent to a loader, without padding.
  public func encoded() -> [UInt8] {
    var output = Self.magic
    output.append(little: version)
    output.append(little: UInt32(truncatingIfNeeded: partitions.count))
    for entry in partitions {
      output.append(text: entry.name, width: 16)
      output.append(little: entry.size ?? 0xffff_ffff)
      output.append(little: entry.spare)
      output.append(little: entry.flash)
      output += (entry.attributes + [0xff, 0xff, 0xff]).prefix(3)
      output.append(entry.unit.rawValue)
    }
    return output
  }

  /// The system table that a loader makes of this one on flash with erase blocks of `blockKiB`:
  /// what must equal the stick's own table before anything is written.
  public func systemTable(blockKiB: UInt32) throws(QualcommImageError) -> SystemPartitionTable {
    var offset: UInt64 = 0
    var placed: [NANDPartition] = []
    for entry in partitions {
      let blocks = entry.blocks(of: blockKiB)
      guard let start = UInt32(exactly: offset), blocks ?? 0 < 0xffff_ffff else {
        throw .tableEntry("\(entry.name) lies behind any flash")
      }
      placed.append(
        NANDPartition(
          name: entry.name, offset: start, length: blocks.map { UInt32(truncatingIfNeeded: $0) },
          attributes: entry.attributes, flash: UInt8(truncatingIfNeeded: entry.flash)))
      offset += blocks ?? 0
    }
    return SystemPartitionTable(version: version, partitions: placed)
  }
}

/// The block of a NAND dump that holds both tables (Docs/Protocols/mibib.md section 1).
public struct MIBIB: Equatable, Sendable {
  /// Number of the erase block.
  public var block: Int
  /// Where the partitions are.
  public var system: SystemPartitionTable
  /// What the last flasher asked for, where it is there.
  public var user: UserPartitionTable?

  static let magic: [UInt8] = [0xac, 0x9f, 0x56, 0xfe, 0x7a, 0x12, 0x7f, 0xcd]

  /// Whether a block that begins with these bytes holds the tables.
  public static func begins(_ page: [UInt8]) -> Bool { page.starts(with: magic) }

  /// Looks through the first twelve erase blocks of a dump without spare bytes.
  public init(
    searching dump: SharedBytes, pageSize: Int = 2048, pagesPerBlock: Int = 64
  ) throws(QualcommImageError) {
    guard (512...16_384).contains(pageSize), (1...1024).contains(pagesPerBlock) else {
      throw .noTable
    }
    for block in 0..<12 {
      let start = block * pageSize * pagesPerBlock
      guard dump.bytes(start..<(start + 8)) == Self.magic, start + pageSize < dump.count,
        let second = dump.slice((start + pageSize)..<dump.count)
      else { continue }
      system = try SystemPartitionTable(reading: second)
      user = Self.user(in: dump, from: start, pageSize: pageSize, pages: pagesPerBlock)
      self.block = block
      return
    }
    throw .noTable
  }

  private static func user(in dump: SharedBytes, from start: Int, pageSize: Int, pages: Int)
    -> UserPartitionTable?
  {
    for page in 2..<max(2, pages) {
      let offset = start + page * pageSize
      guard dump.bytes(offset..<(offset + 8)) == UserPartitionTable.magic,
        let cut = dump.slice(offset..<dump.count)
      else { continue }
      return try? UserPartitionTable(reading: cut)
    }
    return nil
  }
}

/// What both tables have in common: magic, version, count, entries of 28 bytes.
private struct NANDTableReader {
  struct Entry {
    var name: String
    var first: UInt32
    var second: UInt32
    var tail: [UInt8]
  }

  /// Two sectors of 512 bytes.
  static let mostEntries = 36
  let version: UInt32
  private var left: Int
  private var reader: ByteReader

  init(_ bytes: SharedBytes, magic: [UInt8]) throws(QualcommImageError) {
    reader = ByteReader(bytes)
    guard reader.take(8)?.bytes() == magic, let version = reader.little(UInt32.self),
      let count = reader.little(UInt32.self)
    else { throw .noTable }
    guard version == 3 || version == 4 else { throw .tableVersion(version) }
    let fitting = min(Self.mostEntries, reader.left / 28)
    guard count <= fitting, count > 0 else {
      throw .tableTruncated(declared: Int(count), fitting: fitting)
    }
    self.version = version
    left = Int(count)
  }

  mutating func next() -> Entry? {
    guard left > 0, let name = reader.text(16), let first = reader.little(UInt32.self),
      let second = reader.little(UInt32.self), let tail = reader.take(4)
    else { return nil }
    left -= 1
    return Entry(name: name, first: first, second: second, tail: tail.bytes())
  }
}
