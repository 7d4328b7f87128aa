public import SmithBytes

/// A Balong partition table (Docs/Protocols/balong-loader.md section 3).
public struct BalongTable: Sendable, Equatable {
  /// One partition.
  public struct Entry: Sendable, Equatable {
    /// Name, as in `/yaffs0`.
    public var name: String
    /// First byte in the flash.
    public var start: UInt32
    /// Bytes in the flash.
    public var length: UInt32
    /// Item number in the older layout.
    public var type: UInt32
  }

  /// Where it stands in what was searched.
  public var offset: Int
  /// Version text, as in `BOOTROM_V01.02`.
  public var version: String
  /// Product text, as in `V3R3_MBB_STICK`.
  public var product: String
  /// The partitions in order.
  public var entries: [Entry]

  /// Bytes of a table.
  public static let size = 0x800
  private static let mostEntries = 41
  private static let magic: [UInt8] = [UInt8]("pTableHead".utf8) + [0, 0, 0, 0, 0, 0x80]

  /// The first whole table on a 4-byte step; nil if there is none.
  public static func find(in bytes: SharedBytes) -> BalongTable? {
    var start = 0
    // "pTab": a file full of it costs one comparison a word.
    while let hit = ByteSearch.word(0x6261_5470, in: bytes, from: start) {
      if hit + size <= bytes.count, bytes.bytes(hit..<(hit + magic.count)) == magic {
        return read(bytes, at: hit)
      }
      start = hit + 4
    }
    return nil
  }

  private static func read(_ bytes: SharedBytes, at offset: Int) -> BalongTable? {
    var reader = ByteReader(bytes, at: offset + magic.count)
    guard let version = reader.text(16), let product = reader.text(16) else { return nil }
    var table = BalongTable(offset: offset, version: version, product: product, entries: [])
    while table.entries.count < mostEntries {
      guard let name = reader.text(16), !name.isEmpty, name != "T",
        let start = reader.little(UInt32.self), reader.skip(4),
        let length = reader.little(UInt32.self), reader.skip(8),
        let type = reader.little(UInt32.self), reader.skip(8)
      else { break }
      table.entries.append(Entry(name: name, start: start, length: length, type: type))
    }
    return table
  }
}
