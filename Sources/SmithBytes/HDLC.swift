/// The asynchronous HDLC framing of Huawei's and Qualcomm's download and DIAG protocols
/// (Docs/Protocols/hdlc.md).
public enum HDLC {
  static let flag: UInt8 = 0x7e
  static let escape: UInt8 = 0x7d

  /// Appends one frame to `output`: flag, escaped body and CRC, flag.
  public static func encode(_ body: [UInt8], into output: inout [UInt8]) {
    let crc = CRC16X25.of(body)
    output.reserveCapacity(output.count + body.count + body.count / 64 + 8)
    output.append(flag)
    for byte in body { append(byte, to: &output) }
    append(UInt8(truncatingIfNeeded: crc), to: &output)
    append(UInt8(truncatingIfNeeded: crc >> 8), to: &output)
    output.append(flag)
  }

  /// One frame around `body`.
  public static func frame(_ body: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    encode(body, into: &output)
    return output
  }

  private static func append(_ byte: UInt8, to output: inout [UInt8]) {
    if byte == flag || byte == escape {
      output.append(escape)
      output.append(byte ^ 0x20)
    } else {
      output.append(byte)
    }
  }
}

/// Takes frames out of a byte stream that may be split and joined anywhere.
///
/// Accepts frames without an opening flag and with flags shared between frames; skips empty
/// frames; never keeps more than `limit` bytes (Docs/Protocols/hdlc.md section 2).
public struct HDLCDecoder: Sendable {
  /// What stood between two flags.
  public enum Frame: Equatable, Sendable {
    /// A body whose CRC is right (the CRC itself is taken off).
    case body([UInt8])
    /// Bytes that are no frame: what they were and why.
    case garbage([UInt8], Flaw)
  }

  /// What is wrong with a garbage frame.
  public enum Flaw: Equatable, Sendable {
    case tooShort, badCRC, badEscape, tooLong
  }

  private let limit: Int
  private var pending: [UInt8] = []
  private var escaped = false
  private var flaw: Flaw?

  /// A decoder for bodies of at most `limit` bytes.
  public init(limit: Int = 65_536) {
    self.limit = limit
  }

  /// Bytes of a frame that has begun and not ended, unescaped.
  public var unfinished: [UInt8] { pending }

  /// Forgets what was begun.
  public mutating func reset() {
    pending.removeAll(keepingCapacity: true)
    escaped = false
    flaw = nil
  }

  /// Adds received bytes and returns the frames that they complete, in order.
  public mutating func feed(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    for byte in bytes {
      switch byte {
      case HDLC.flag:
        if let frame = finish() { frames.append(frame) }
      case HDLC.escape where !escaped:
        escaped = true
      default:
        add(byte)
      }
    }
    return frames
  }

  private mutating func add(_ byte: UInt8) {
    var value = byte
    if escaped {
      escaped = false
      value ^= 0x20
    }
    guard pending.count < limit + 2 else {
      flaw = flaw ?? .tooLong
      return
    }
    pending.append(value)
  }

  private mutating func finish() -> Frame? {
    defer { reset() }
    if escaped { flaw = flaw ?? .badEscape }
    if let flaw { return .garbage(pending, flaw) }
    if pending.isEmpty { return nil }
    guard pending.count >= 3 else { return .garbage(pending, .tooShort) }
    var crc = CRC16X25()
    unsafe crc.update(pending.span.bytes)
    guard crc.residueIsGood else { return .garbage(pending, .badCRC) }
    return .body([UInt8](pending.dropLast(2)))
  }
}
