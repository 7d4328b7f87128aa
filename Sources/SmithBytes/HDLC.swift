/// The asynchronous HDLC framing of Huawei's and Qualcomm's download and DIAG protocols
/// (Docs/Protocols/hdlc.md).
public enum HDLC {
  static let flag: UInt8 = 0x7e
  static let escape: UInt8 = 0x7d

  /// Appends one frame to `output`: flag, escaped body and CRC, flag.
  public static func encode(_ body: [UInt8], into output: inout [UInt8]) {
    let crc = CRC16X25.of(body)
    // Every byte may need an escape; the spare word is for copying eight bytes at a time.
    let most = 2 * (body.count + 2) + 2 + 8
    output.append(addingCapacity: most) { room in
      unsafe room.withUnsafeMutableBufferPointer { bytes, count in
        unsafe count = write(body, crc, to: bytes)
      }
    }
  }

  /// One frame around `body`.
  public static func frame(_ body: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    encode(body, into: &output)
    return output
  }

  /// Whether none of eight bytes is a flag or an escape.
  @inlinable public static func isPlain(_ word: UInt64) -> Bool { special(in: word) == 0 }

  /// The bytes 7D and 7E of eight are the high bits of the result; no other bits are set.
  ///
  /// Seven bits plus three reach the eighth from 7D on, plus one only at 7F; bytes above 7F drop
  /// out by their own high bit. No sum carries into the next byte.
  @inline(__always) @usableFromInline
  static func special(in word: UInt64) -> UInt64 {
    let low = word & 0x7f7f_7f7f_7f7f_7f7f
    let from7D = low &+ 0x0303_0303_0303_0303
    let from7F = low &+ 0x0101_0101_0101_0101
    return (from7D ^ from7F) & ~word & 0x8080_8080_8080_8080
  }

  /// Writes the frame; `room` holds the longest one and a word more.
  private static func write(
    _ body: [UInt8], _ crc: UInt16, to room: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    guard let start = room.baseAddress else { return 0 }
    var out = unsafe start
    unsafe append(flag: &out)
    unsafe body.withUnsafeBytes { bytes in
      var index = 0
      while index + 8 <= bytes.count {
        let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        if special(in: word) == 0 {
          unsafe UnsafeMutableRawPointer(out).storeBytes(of: word, as: UInt64.self)
          unsafe out += 8
        } else {
          // No branch on the byte: a mispredicted one would cost more than all eight.
          for lane in 0..<8 { unsafe append(escaped: bytes[index + lane], to: &out) }
        }
        index += 8
      }
      while index < bytes.count {
        unsafe append(escaped: bytes[index], to: &out)
        index += 1
      }
    }
    unsafe append(escaped: UInt8(truncatingIfNeeded: crc), to: &out)
    unsafe append(escaped: UInt8(truncatingIfNeeded: crc >> 8), to: &out)
    unsafe append(flag: &out)
    return unsafe out - start
  }

  @inline(__always)
  private static func append(flag out: inout UnsafeMutablePointer<UInt8>) {
    unsafe out.pointee = flag
    unsafe out += 1
  }

  /// Writes the byte itself or its escape; always touches two bytes and keeps one or two.
  @inline(__always)
  private static func append(
    escaped byte: UInt8, to out: inout UnsafeMutablePointer<UInt8>
  ) {
    let isSpecial: UInt8 = byte &- 0x7d < 2 ? 1 : 0
    let mask = 0 &- isSpecial
    unsafe out[0] = byte & ~mask | escape & mask
    unsafe out[1] = byte ^ 0x20
    unsafe out += 1 + Int(isSpecial)
  }
}
