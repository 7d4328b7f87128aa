/// CRC-16/X-25: polynomial 1021 reflected, start FFFF, inverted at the end.
///
/// The check of "123456789" is 906E; a body followed by its CRC (low byte first) leaves the
/// residue F0B8 before inversion (Docs/Protocols/hdlc.md section 1).
public struct CRC16X25: Sendable {
  private var state: UInt16 = 0xffff

  /// An empty message.
  public init() {}

  /// The CRC of everything that was added.
  public var value: UInt16 { ~state }
  /// Whether what was added ends with its own correct CRC.
  public var residueIsGood: Bool { state == 0xf0b8 }

  /// Adds one byte.
  public mutating func update(_ byte: UInt8) {
    state = state >> 8 ^ Self.tables[Int(UInt8(truncatingIfNeeded: state) ^ byte)]
  }

  /// Adds bytes, sixteen at a time.
  ///
  /// Only the first two of sixteen lookups wait for the state, so that the rest overlap.
  public mutating func update(_ bytes: RawSpan) {
    var crc = state
    let count = bytes.byteCount
    var index = 0
    unsafe Self.tables.withUnsafeBufferPointer { t in
      while index + 16 <= count {
        let low = unsafe UInt64(
          littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
        let high = unsafe UInt64(
          littleEndian: bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index + 8, as: UInt64.self))
        let mixed = low ^ UInt64(crc)
        var next: UInt16 = 0
        for lane in 0..<8 {
          let first = Int(UInt8(truncatingIfNeeded: mixed >> UInt64(8 * lane)))
          let second = Int(UInt8(truncatingIfNeeded: high >> UInt64(8 * lane)))
          next ^= unsafe t[(15 - lane) << 8 | first] ^ t[(7 - lane) << 8 | second]
        }
        crc = next
        index += 16
      }
      while index < count {
        let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
        crc = unsafe crc >> 8 ^ t[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
        index += 1
      }
    }
    state = crc
  }

  /// The CRC of a whole message.
  public static func of(_ bytes: [UInt8]) -> UInt16 {
    var crc = CRC16X25()
    unsafe crc.update(bytes.span.bytes)
    return crc.value
  }

  /// Slicing tables: row k is the effect of a byte followed by k zero bytes.
  static let tables: [UInt16] = {
    var rows = [UInt16](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      var crc = UInt16(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x8408 : crc >> 1 }
      rows[byte] = crc
    }
    for row in 1..<16 {
      for byte in 0..<256 {
        let previous = rows[(row - 1) << 8 | byte]
        rows[row << 8 | byte] = previous >> 8 ^ rows[Int(previous & 0xff)]
      }
    }
    return rows
  }()
}

/// CRC-16/XMODEM: polynomial 1021, start 0, not reflected, not inverted (check 31C3).
public enum CRC16XMODEM {
  /// The CRC of a whole message.
  public static func of(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var crc: UInt16 = 0
    for byte in bytes {
      crc ^= UInt16(byte) << 8
      for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
    return crc
  }
}
