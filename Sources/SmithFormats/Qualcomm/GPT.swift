public import SmithBytes

/// A GUID partition table with its checksums (Docs/Protocols/rawprogram.md section 4).
public struct GPT: Equatable, Sendable {
  /// One partition.
  public struct Entry: Equatable, Sendable {
    /// Kind of partition, sixteen bytes as stored.
    public var type: [UInt8]
    /// Its own identifier, sixteen bytes as stored.
    public var identifier: [UInt8]
    /// First sector.
    public var first: UInt64
    /// Last sector, inclusive.
    public var last: UInt64
    /// Attribute flags.
    public var flags: UInt64
    /// Name, at most 36 characters.
    public var name: String

    /// Gathers the parts.
    public init(
      type: [UInt8], identifier: [UInt8], first: UInt64, last: UInt64, flags: UInt64 = 0,
      name: String
    ) {
      self.type = type
      self.identifier = identifier
      self.first = first
      self.last = last
      self.flags = flags
      self.name = name
    }
  }

  /// Bytes of a sector: 512 or 4096.
  public var sectorSize: Int
  /// First sector that partitions may use.
  public var firstUsable: UInt64
  /// Last sector that partitions may use.
  public var lastUsable: UInt64
  /// Sixteen bytes as stored.
  public var disk: [UInt8]
  /// Used entries in their order.
  public var entries: [Entry]

  static let signature = [UInt8]("EFI PART".utf8)

  /// Gathers the parts.
  public init(
    sectorSize: Int, firstUsable: UInt64, lastUsable: UInt64, disk: [UInt8], entries: [Entry]
  ) {
    self.sectorSize = sectorSize
    self.firstUsable = firstUsable
    self.lastUsable = lastUsable
    self.disk = disk
    self.entries = entries
  }

  /// Reads the primary table of a storage that begins with `bytes`; finds the sector size itself.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    guard
      let size = [512, 4096].first(where: { bytes.bytes($0..<($0 + 8)) == Self.signature })
    else { throw .noGPT }
    var reader = ByteReader(bytes, at: size + 12)
    guard let headerSize = reader.little(UInt32.self), let crc = reader.little(UInt32.self),
      headerSize >= 92, headerSize <= size, reader.skip(4), reader.little(UInt64.self) == 1,
      reader.skip(8), let first = reader.little(UInt64.self), let last = reader.little(UInt64.self),
      let disk = reader.take(16), let table = reader.little(UInt64.self),
      let count = reader.little(UInt32.self), let entrySize = reader.little(UInt32.self),
      let tableCRC = reader.little(UInt32.self), bytes.count >= size + Int(headerSize)
    else { throw .gptEntry("the header is cut or stands in the wrong sector") }
    var header = bytes.bytes(size..<(size + Int(headerSize)))
    for offset in 16..<20 { header[offset] = 0 }
    guard GPTChecksum.of(header) == crc else { throw .gptChecksum("header") }
    guard count <= 1024, (128...4096).contains(entrySize), entrySize.isMultiple(of: 128),
      table >= 2, table <= UInt64(bytes.count), first <= last
    else { throw .gptEntry("\(count) entries of \(entrySize) bytes at sector \(table)") }
    let start = Int(table) * size
    guard let region = bytes.slice(start..<(start + Int(count) * Int(entrySize))) else {
      throw .gptEntry("the entries lie outside the bytes")
    }
    guard GPTChecksum.of(region.bytes()) == tableCRC else { throw .gptChecksum("entries") }
    self.init(
      sectorSize: size, firstUsable: first, lastUsable: last, disk: disk.bytes(), entries: [])
    for index in 0..<Int(count) {
      if let entry = try Self.entry(region, at: index * Int(entrySize)) { entries.append(entry) }
    }
    try checkPlaces()
  }

  /// Protective record, header and entries of the primary table, as they stand on the storage.
  public func encoded(sectors: UInt64) -> [UInt8] {
    var table: [UInt8] = []
    for entry in entries.prefix(128) {
      table += (entry.type + [UInt8](repeating: 0, count: 16)).prefix(16)
      table += (entry.identifier + [UInt8](repeating: 0, count: 16)).prefix(16)
      for value in [entry.first, entry.last, entry.flags] { table.append(little: value) }
      let units = Array(entry.name.utf16.prefix(36))
      for unit in units { table.append(little: unit) }
      table += [UInt8](repeating: 0, count: 72 - units.count * 2)
    }
    table += [UInt8](repeating: 0, count: 128 * 128 - table.count)
    var header = Self.signature
    for word in [0x10000, 92, 0, 0] as [UInt32] { header.append(little: word) }
    for value in [1, sectors &- 1, firstUsable, lastUsable] { header.append(little: value) }
    header += (disk + [UInt8](repeating: 0, count: 16)).prefix(16)
    header.append(little: UInt64(2))
    for word in [128, 128, GPTChecksum.of(table)] as [UInt32] { header.append(little: word) }
    var crc: [UInt8] = []
    crc.append(little: GPTChecksum.of(header))
    header.replaceSubrange(16..<20, with: crc)
    let protective = [UInt8](repeating: 0, count: sectorSize - 2) + [0x55, 0xaa]
    let gap = [UInt8](repeating: 0, count: sectorSize - header.count)
    let end = [UInt8](repeating: 0, count: (sectorSize - table.count % sectorSize) % sectorSize)
    return protective + header + gap + table + end
  }

  private static func entry(_ region: SharedBytes, at offset: Int) throws(QualcommImageError)
    -> Entry?
  {
    var reader = ByteReader(region, at: offset)
    guard let type = reader.take(16)?.bytes(), let identifier = reader.take(16)?.bytes(),
      let first = reader.little(UInt64.self), let last = reader.little(UInt64.self),
      let flags = reader.little(UInt64.self)
    else { throw .gptEntry("an entry is cut") }
    if type.allSatisfy({ $0 == 0 }) { return nil }
    var units: [UInt8] = []
    for _ in 0..<36 {
      guard let unit = reader.little(UInt16.self), unit != 0 else { break }
      units.append((0x20...0x7e).contains(unit) ? UInt8(unit) : 0x3f)
    }
    return Entry(
      type: type, identifier: identifier, first: first, last: last, flags: flags,
      name: String(printable: units))
  }

  private func checkPlaces() throws(QualcommImageError) {
    var border = firstUsable
    for entry in entries.sorted(by: { $0.first < $1.first }) {
      guard entry.first >= border, entry.first <= entry.last, entry.last <= lastUsable else {
        throw .gptEntry("\(entry.name) overlaps its neighbour or lies outside")
      }
      border = entry.last == .max ? .max : entry.last + 1
    }
  }
}

/// CRC-32 of IEEE 802.3 as GPT uses it: the bitwise opposite of Sierra's.
private enum GPTChecksum {
  static func of(_ bytes: [UInt8]) -> UInt32 { ~CRC32Sierra.of(bytes) }
}
