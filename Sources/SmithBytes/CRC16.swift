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

  /// Adds bytes, thirty-two at a time.
  ///
  /// Only the first two of the lookups wait for the state, and they are mixed in last, so that
  /// all others overlap with the step before.
  public mutating func update(_ bytes: RawSpan) {
    var crc = state
    let count = bytes.byteCount
    var index = 0
    unsafe Self.tables.withUnsafeBufferPointer { t in
      while index + 32 <= count {
        let first = Self.word(bytes, index)
        let rest =
          unsafe Self.lookup(first & ~0xffff, t, 24)
          ^ Self.lookup(Self.word(bytes, index + 8), t, 16)
          ^ Self.lookup(Self.word(bytes, index + 16), t, 8)
          ^ Self.lookup(Self.word(bytes, index + 24), t, 0)
        let mixed = Int(UInt16(truncatingIfNeeded: first) ^ crc)
        // A zero byte looks up zero, so the two bytes left out above can come now.
        crc = unsafe t[31 << 8 | mixed & 0xff] ^ t[30 << 8 | mixed >> 8] ^ rest
        index += 32
      }
      while index < count {
        let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
        crc = unsafe crc >> 8 ^ t[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
        index += 1
      }
    }
    state = crc
  }

  @inline(__always)
  private static func word(_ bytes: RawSpan, _ index: Int) -> UInt64 {
    unsafe UInt64(
      littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
  }

  /// The effect of eight bytes followed by `after` zero bytes.
  @inline(__always)
  private static func lookup(_ word: UInt64, _ t: UnsafeBufferPointer<UInt16>, _ after: Int)
    -> UInt16
  {
    var sum: UInt16 = 0
    for lane in 0..<8 {
      let byte = Int(UInt8(truncatingIfNeeded: word >> UInt64(8 * lane)))
      sum ^= unsafe t[(after + 7 - lane) << 8 | byte]
    }
    return sum
  }

  /// The CRC of a whole message.
  public static func of(_ bytes: [UInt8]) -> UInt16 {
    var crc = CRC16X25()
    unsafe crc.update(bytes.span.bytes)
    return crc.value
  }

  static let tables = SlicingTables.rows(32, of: UInt16(0x8408))
}

/// What reflected CRCs look up instead of computing.
enum SlicingTables {
  /// Rows of 256: row k is the effect of a byte followed by k zero bytes.
  static func rows<Word: FixedWidthInteger>(_ count: Int, of polynomial: Word) -> [Word] {
    var rows = [Word](repeating: 0, count: count * 256)
    for byte in 0..<256 {
      var crc = Word(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
      rows[byte] = crc
    }
    for index in 256..<rows.count {
      let previous = rows[index - 256]
      rows[index] = previous >> 8 ^ rows[Int(previous & 0xff)]
    }
    return rows
  }
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
