import SmithBytes

/// The frame decoder of the download monitors (Docs/Protocols/hdlc.md section 5).
///
/// Its own, because each monitor has strictnesses that a host's decoder must not have: V3R3 knows
/// two escapes only, holds 8192 bytes, and after a 41 waits for a new opening flag.
struct BalongFrameDecoder: Equatable, Sendable {
  enum Outcome: Equatable {
    case frame
    case flawed(String)
  }

  let isV3R3: Bool
  private let limit: Int
  private var pending: [UInt8] = []
  private var escaped = false
  private var flaw: String?
  private var hunting: Bool

  init(_ monitor: HuaweiBalongStick.Monitor) {
    isV3R3 = monitor == .v3r3
    limit = isV3R3 ? 8192 : 8704
    hunting = isV3R3
  }

  /// Whether a frame has begun.
  var isMidFrame: Bool { !pending.isEmpty || escaped || flaw != nil }

  /// As after power-on: a V3R3 decoder then waits for an opening flag.
  mutating func restart() {
    forget()
    hunting = isV3R3
  }

  /// Goes on from `index` to the end of the next frame or of the bytes.
  mutating func next(_ bytes: [UInt8], _ index: inout Int) -> Outcome? {
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x7e {
        index += 1
        if let outcome = finish() { return outcome }
      } else if hunting {
        index += 1
      } else if escaped {
        index += 1
        escaped = false
        if isV3R3, byte != 0x5d, byte != 0x5e { flaw = flaw ?? "illegal escape" }
        append(byte ^ 0x20)
      } else if byte == 0x7d {
        index += 1
        escaped = true
      } else {
        let end = Self.plainEnd(bytes, index + 1)
        if pending.count + (end - index) <= limit {
          pending.append(contentsOf: bytes[index..<end])
        } else {
          flaw = flaw ?? "overflow"
        }
        index = end
      }
    }
    return nil
  }

  /// The body of the frame that ``next(_:_:)`` reported, CRC still at its end; give the storage
  /// back with ``recycle(_:)``.
  mutating func take() -> [UInt8] {
    var body: [UInt8] = []
    swap(&body, &pending)
    return body
  }

  mutating func recycle(_ body: consuming [UInt8]) {
    body.removeAll(keepingCapacity: true)
    pending = body
  }

  /// Where the next flag or escape is.
  private static func plainEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    unsafe bytes.withUnsafeBytes { bytes in
      var end = start
      while end + 8 <= bytes.count,
        unsafe HDLC.isPlain(bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self))
      {
        end += 8
      }
      while end < bytes.count, unsafe bytes[end] &- 0x7d > 1 { end += 1 }
      return end
    }
  }

  private mutating func append(_ byte: UInt8) {
    if pending.count < limit { pending.append(byte) } else { flaw = flaw ?? "overflow" }
  }

  private mutating func forget() {
    pending.removeAll(keepingCapacity: true)
    escaped = false
    flaw = nil
  }

  private mutating func finish() -> Outcome? {
    hunting = false
    if escaped { flaw = flaw ?? "illegal escape" }
    if let flaw {
      forget()
      return .flawed(flaw)
    }
    guard pending.count >= 3 else {
      forget()
      return nil
    }
    var crc = CRC16X25()
    unsafe crc.update(pending.span.bytes)
    if crc.residueIsGood { return .frame }
    forget()
    return .flawed("bad checksum")
  }
}
