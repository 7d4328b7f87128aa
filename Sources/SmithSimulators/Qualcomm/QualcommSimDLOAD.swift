import SmithBytes

/// The download mode of a simulated boot ROM (Docs/Protocols/dload.md sections 1 to 3).
struct QualcommSimDLOAD: Sendable {
  enum Action: Sendable { case none, reset, start, crash }

  static let base = 0x0080_0000
  static let size = 0x0010_0000
  static let mostData = 0x0600
  private var memory: [UInt8] = []

  mutating func answer(_ frame: HDLCDecoder.Frame) -> (reply: [UInt8]?, action: Action) {
    guard case .body(let body) = frame else {
      if case .garbage(_, .tooShort) = frame { return (nil, .none) }
      return (nak(1), .none)
    }
    switch (body[0], body.count) {
    case (0x06, 1): return ([2], .none)
    case (0x07, 1): return ([8, 8, 1, 6, 0, 0x90, 0, 0], .none)
    case (0x0c, 1):
      let text = Array("PBL_DloadVER2.0".utf8)
      return ([0x0d, UInt8(text.count)] + text, .none)
    case (0x0a, 1): return ([2], .reset)
    case (0x05, 5): return go(number(body, 1, 4))
    case (0x0f, _): return (write(body), .none)
    case (0x01, _), (0x06, _), (0x07, _), (0x05, _): return (nak(3), .none)
    default: return (nak(6), .none)
    }
  }

  private mutating func write(_ body: [UInt8]) -> [UInt8] {
    guard body.count >= 7 else { return nak(4) }
    let offset = number(body, 1, 4) - Self.base
    let length = number(body, 5, 2)
    guard length == body.count - 7, length > 0 else { return nak(3) }
    guard length <= Self.mostData else { return nak(5) }
    guard offset >= 0, offset + length <= Self.size else { return nak(2) }
    if memory.count < offset + length {
      memory += [UInt8](repeating: 0, count: offset + length - memory.count)
    }
    memory.replaceSubrange(offset..<(offset + length), with: body[7...])
    return [2]
  }

  private func go(_ address: Int) -> (reply: [UInt8]?, action: Action) {
    guard address == Self.base, !memory.isEmpty else { return (nak(2), .none) }
    // Anything but a whole loader runs into the weeds.
    return ([2], QualcommSimImage.version(of: memory, id: nil) == nil ? .crash : .start)
  }

  private func nak(_ reason: UInt8) -> [UInt8] { [3, 0, reason] }

  private func number(_ body: [UInt8], _ at: Int, _ count: Int) -> Int {
    body[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) }
  }
}
