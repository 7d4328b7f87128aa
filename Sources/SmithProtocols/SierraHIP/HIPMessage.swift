/// One message of the loaders of Sierra's 3G sticks (Docs/Protocols/sierra-hip.md section 2).
struct HIPMessage: Equatable {
  /// Numbers of requests and answers.
  static let start: UInt8 = 0x00
  static let end: UInt8 = 0x01
  static let more: UInt8 = 0x02
  static let loopback: UInt8 = 0x03
  static let program: UInt8 = 0x04
  static let reset: UInt8 = 0x0b
  /// An answer has the number of its request and this bit.
  static let answer: UInt8 = 0x40
  /// The longest payload of a message, in bytes.
  static let most = 2000

  var id: UInt8
  var parameter: UInt8 = 0
  var payload: [UInt8] = []

  /// The message between its flags, escaped; there is no checksum.
  var framed: [UInt8] {
    var wire: [UInt8] = []
    wire.reserveCapacity(payload.count + 32)
    wire.append(HIPDecoder.flag)
    Self.escape(UInt8(truncatingIfNeeded: payload.count >> 8), into: &wire)
    Self.escape(UInt8(truncatingIfNeeded: payload.count), into: &wire)
    Self.escape(id, into: &wire)
    Self.escape(parameter, into: &wire)
    for byte in payload { Self.escape(byte, into: &wire) }
    wire.append(HIPDecoder.flag)
    return wire
  }

  private static func escape(_ byte: UInt8, into wire: inout [UInt8]) {
    if byte == HIPDecoder.flag || byte == HIPDecoder.escape {
      wire.append(HIPDecoder.escape)
      wire.append(byte ^ 0x20)
    } else {
      wire.append(byte)
    }
  }

  /// Takes a frame without its flags and escapes apart; nil if its length is not the declared one.
  init?(frame: [UInt8]) {
    guard frame.count >= 4 else { return nil }
    // The upper five bits of the length are used for something else.
    let declared = (Int(frame[0]) << 8 | Int(frame[1])) & 0x7ff
    guard declared == frame.count - 4 else { return nil }
    id = frame[2]
    parameter = frame[3]
    // A number with the highest bit has one byte in front of its payload.
    payload = [UInt8](frame.dropFirst(id & 0x80 == 0 ? 4 : 5))
  }

  init(_ id: UInt8, parameter: UInt8 = 0, _ payload: [UInt8] = []) {
    self.id = id
    self.parameter = parameter
    self.payload = payload
  }
}

/// Cuts what arrives into messages: reassembles, leaves out noise and what is damaged.
struct HIPDecoder {
  static let flag: UInt8 = 0x7e
  static let escape: UInt8 = 0x7d
  /// Longer than any message: what goes beyond is no frame.
  private static let limit = 4096

  private var frame: [UInt8] = []
  private var isEscaped = false
  /// Frames that could not be used.
  private(set) var garbage = 0

  mutating func feed(_ bytes: [UInt8]) -> [HIPMessage] {
    var found: [HIPMessage] = []
    for byte in bytes {
      switch byte {
      case Self.flag:
        // Two flags in a row are the end of one frame and the begin of the next.
        if !frame.isEmpty {
          if let message = HIPMessage(frame: frame) { found.append(message) } else { garbage += 1 }
        }
        frame.removeAll(keepingCapacity: true)
        isEscaped = false
      case Self.escape: isEscaped = true
      default:
        if frame.count < Self.limit { frame.append(isEscaped ? byte ^ 0x20 : byte) }
        isEscaped = false
      }
    }
    return found
  }
}
