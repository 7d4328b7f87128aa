internal import SmithBytes

/// The 98 bytes in front of an item's CRC table (balong-image.md section 3).
struct BalongHeader {
  static let magic: UInt32 = 0xa55a_aa55
  static let magicBytes: [UInt8] = [0x55, 0xaa, 0x5a, 0xa5]
  static let size = 98
  static let crcOffset = 0x5c

  /// Offset in the file.
  var offset: Int
  var headerSize: Int
  var headerVersion: UInt32
  var compatibility: String
  var id: UInt32
  var dataSize: Int
  var date: String
  var time: String
  var versionText: String
  var crc: UInt16
  var blockSize: Int
  /// CRC that the 98 bytes really have; the magic counts as intact, so that a header that lost
  /// only its magic is still known.
  var trueCRC: UInt16
  var magicIsGood: Bool

  /// Reads the fields; nil if the file ends before.
  init?(_ file: SharedBytes, at offset: Int) {
    guard offset >= 0, let end = offset.checked(adding: Self.size), end <= file.count,
      let cut = file.slice(offset..<end)
    else { return nil }
    var reader = ByteReader(cut)
    guard let magic = reader.little(UInt32.self), let headerSize = reader.little(UInt32.self),
      let headerVersion = reader.little(UInt32.self), let compatibility = reader.text(8),
      let id = reader.little(UInt32.self), let dataSize = reader.little(UInt32.self),
      let date = reader.text(16), let time = reader.text(16), let version = reader.text(32),
      let crc = reader.little(UInt16.self), let blockSize = reader.little(UInt32.self)
    else { return nil }
    self.offset = offset
    self.headerSize = Int(headerSize)
    self.headerVersion = headerVersion
    self.compatibility = compatibility
    self.id = id
    self.dataSize = Int(dataSize)
    self.date = date
    self.time = time
    self.versionText = version
    self.crc = crc
    self.blockSize = Int(blockSize)
    magicIsGood = magic == Self.magic
    var bytes = cut.bytes()
    bytes.replaceSubrange(0..<4, with: Self.magicBytes)
    bytes.replaceSubrange(Self.crcOffset..<(Self.crcOffset + 2), with: [0, 0])
    trueCRC = CRC16X25.of(bytes)
  }

  var crcIsGood: Bool { crc == trueCRC }

  /// CRC entries that the data needs; nil without block size.
  var blocks: Int? {
    blockSize == 0 ? nil : dataSize / blockSize + (dataSize % blockSize == 0 ? 0 : 1)
  }

  /// Whether size, block size and header size fit each other: the test that stray bytes fail.
  var isConsistent: Bool {
    guard dataSize > 0, let blocks else { return false }
    return headerSize == Self.size + 2 * blocks
  }

  /// A header beyond doubt.
  var isGood: Bool { magicIsGood && isConsistent && crcIsGood }

  var tableOffset: Int { offset + Self.size }
  var dataOffset: Int { offset + headerSize }
  var dataEnd: Int { dataOffset + dataSize }

  /// Where the next header stands: the next multiple of 4 of the file.
  var next: Int { (dataEnd + 3) & ~3 }

  /// Whether the word at `offset` of the file could be the beginning of a consistent header; a
  /// cheap test before the CRC, so that a file full of magics costs no more than one without.
  static func looksConsistent(_ file: SharedBytes, at offset: Int) -> Bool {
    guard offset + size <= file.count else { return false }
    func word(_ field: Int) -> Int {
      file.load(UInt32.self, at: offset + field).map { Int(UInt32(littleEndian: $0)) } ?? 0
    }
    let block = word(0x5e)
    let data = word(0x18)
    guard block > 0, data > 0 else { return false }
    return word(4) == size + 2 * ((data + block - 1) / block)
  }

  /// Platform and version of the version text: `:platform:version`, or free text
  /// (balong-image.md section 3).
  var versionParts: (platform: String?, version: String) {
    guard versionText.hasPrefix(":") else { return (nil, versionText) }
    let parts = versionText.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 3 else { return (nil, String(versionText.dropFirst())) }
    return (String(parts[1]), parts[2...].joined(separator: ":"))
  }
}

extension Int {
  /// The sum, or nil if it does not fit.
  func checked(adding other: Int) -> Int? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }
}
