/// Sierra's CRC-32: polynomial 04C11DB7 reflected, start FFFFFFFF, not inverted at the end.
///
/// It is the bitwise opposite of zlib's CRC-32; the check of "123456789" is 340BC6D9
/// (Docs/Protocols/sierra-cwe.md section 2).
public struct CRC32Sierra: Sendable {
  private var state: UInt32 = 0xffff_ffff

  /// An empty message.
  public init() {}

  /// The CRC of everything that was added.
  public var value: UInt32 { state }

  /// Adds bytes, eight at a time.
  public mutating func update(_ bytes: RawSpan) {
    var crc = state
    var index = 0
    unsafe Self.tables.withUnsafeBufferPointer { t in
      while index + 8 <= bytes.byteCount {
        let word = unsafe UInt64(
          littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
        let mixed = word ^ UInt64(crc)
        var next: UInt32 = 0
        for lane in 0..<8 {
          let byte = Int(UInt8(truncatingIfNeeded: mixed >> UInt64(8 * lane)))
          next ^= unsafe t[(7 - lane) << 8 | byte]
        }
        crc = next
        index += 8
      }
      while index < bytes.byteCount {
        let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
        crc = unsafe crc >> 8 ^ t[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
        index += 1
      }
    }
    state = crc
  }

  /// The CRC of a whole message.
  public static func of(_ bytes: [UInt8]) -> UInt32 {
    var crc = CRC32Sierra()
    unsafe crc.update(bytes.span.bytes)
    return crc.value
  }

  /// The CRC of a slice, without copying it.
  public static func of(_ bytes: SharedBytes) -> UInt32 {
    var crc = CRC32Sierra()
    bytes.forEachWindow { span, _ in
      crc.update(span)
      return true
    }
    return crc.value
  }

  static let tables = SlicingTables.rows(8, of: UInt32(0xedb8_8320))
}

/// CRC-32 of IEEE 802.3 as zip, 7z and GPT use it: Sierra's, inverted at the end.
///
/// The check of "123456789" is CBF43926.
public enum CRC32 {
  /// The CRC of a whole message.
  public static func of(_ bytes: [UInt8]) -> UInt32 { ~CRC32Sierra.of(bytes) }
  /// The CRC of a slice, without copying it.
  public static func of(_ bytes: SharedBytes) -> UInt32 { ~CRC32Sierra.of(bytes) }
  /// The effect of each single byte: 256 numbers.
  public static let table = Array(CRC32Sierra.tables.prefix(256))
}
