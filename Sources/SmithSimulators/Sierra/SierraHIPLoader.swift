import SmithBytes
import SmithLink

/// The loader of the 3G sticks, as far as anything is known of it
/// (Docs/Protocols/sierra-hip.md section 6).
extension SierraStick {
  mutating func hipReceive(_ bytes: [UInt8], at now: Duration) -> [Emission] {
    loader.input += bytes
    var sent: [Emission] = []
    // While it writes its flash it reads nothing.
    while loader.flashing == nil, let end = loader.input.firstIndex(of: 0x7e) {
      let body = Self.unescaped(loader.input[..<end])
      loader.input.removeFirst(end + 1)
      if body.isEmpty { continue }
      guard body.count >= 4, (Int(body[0]) << 8 | Int(body[1])) & 0x7ff == body.count - 4,
        body.count - 4 <= 2000
      else {
        complaints.append("HIP frame of a wrong length")
        continue
      }
      sent += hipMessage(body[2], body[3], [UInt8](body.dropFirst(4)), at: now)
    }
    return sent
  }

  private mutating func hipMessage(
    _ id: UInt8, _ parameter: UInt8, _ payload: [UInt8], at now: Duration
  ) -> [Emission] {
    switch id {
    case 0x03: return hipAnswer([0x43, 0] + payload, at: now)
    case 0x00: return hipStart(payload, at: now)
    case 0x02: return hipMore(payload, at: now)
    case 0x01: return hipEnd(payload, at: now)
    case 0x04: return hipProgram(at: now)
    case 0x0b:
      leaving = (now + timing.leave, parameter == 1 || quirks.staysInBoot)
      return []
    default:
      complaints.append("HIP message \(id)")
      return []
    }
  }

  /// The whole header has to be in the first message.
  private mutating func hipStart(_ payload: [UInt8], at now: Duration) -> [Emission] {
    loader.state = .greeted
    loader.ram = []
    guard payload.count >= 400 else {
      complaints.append("HIP start without a whole header")
      return hipAnswer([0x40, 0x8b] + Array("header".utf8), at: now)
    }
    let header = [UInt8](payload[..<400])
    let status = quirks.openStatus.map { UInt8(truncatingIfNeeded: $0) } ?? hipStatus(header)
    guard status == 0 else {
      return hipAnswer([0x40, status] + Array("refused".utf8), at: now)
    }
    loader.state = .open
    loader.type = 0x80
    loader.header = header
    loader.size = Int(bigWord(header, 0x114))
    loader.ram = [UInt8](payload[400...])
    loader.sum = Self.sum(payload)
    return hipAnswer([0x40, 0], at: now)
  }

  private func hipStatus(_ header: [UInt8]) -> UInt8 {
    guard CRC32Sierra.of([UInt8](header[..<256])) == bigWord(header, 256) else { return 0x8b }
    guard String(printable: [UInt8](header[0x10c..<0x110])) == "APPL" else { return 0x80 }
    let product = String(printable: [UInt8](header[0x110..<0x114]))
    guard personality.products.contains(product) else { return 0x81 }
    return bigWord(header, 0x18c) == 1 ? 0 : 0x87
  }

  private mutating func hipMore(_ payload: [UInt8], at now: Duration) -> [Emission] {
    guard loader.state == .open else {
      complaints.append("HIP data without a start")
      return hipAnswer([0x42, 0x82] + Array("no image".utf8), at: now)
    }
    if let status = quirks.writeStatus { return hipAnswer([0x42, UInt8(status & 0xff)], at: now) }
    guard loader.ram.count + payload.count <= loader.size else {
      return hipAnswer([0x42, 0x82] + Array("too long".utf8), at: now)
    }
    loader.ram += payload
    loader.sum &+= Self.sum(payload)
    return hipAnswer([0x42, 0], at: now)
  }

  private mutating func hipEnd(_ payload: [UInt8], at now: Duration) -> [Emission] {
    guard loader.state == .open, payload.count == 2 else {
      complaints.append("HIP end out of place")
      return hipAnswer([0x41, 0x8f], at: now)
    }
    let wanted = UInt16(payload[0]) << 8 | UInt16(payload[1])
    var status: UInt8 = 0
    if loader.ram.count != loader.size { status = 0x82 }
    if status == 0, wanted != loader.sum { status = 0x8a }
    if status == 0, CRC32Sierra.of(loader.ram) != bigWord(loader.header, 0x118) { status = 0x89 }
    if let forced = quirks.doneStatus { status = UInt8(truncatingIfNeeded: forced) }
    loader.state = status == 0 ? .complete : .greeted
    return hipAnswer([0x41, status], at: now)
  }

  private mutating func hipProgram(at now: Duration) -> [Emission] {
    guard loader.state == .complete else {
      complaints.append("HIP program without a whole image")
      return hipAnswer([0x44, 0x8f] + Array("nothing to write".utf8), at: now)
    }
    loader.state = .greeted
    if !quirks.keepsOldVersion { flash.application = nil }
    let time = timing.flash + timing.flashPerMiB * (loader.size >> 20)
    loader.flashing = (now + time, [0x44, 0])
    return []
  }

  /// Sends an answer of number, parameter and payload, or spoils it as the quirks want.
  mutating func hipAnswer(_ body: [UInt8], at now: Duration) -> [Emission] {
    let id = body[0]
    var message = [UInt8(truncatingIfNeeded: (body.count - 2) >> 8)]
    message += [UInt8(truncatingIfNeeded: body.count - 2)] + body
    if !loader.spoiled.contains(id) {
      if quirks.losesFirst.contains(id) {
        loader.spoiled.insert(id)
        return []
      }
      if quirks.damagesFirst.contains(id) {
        loader.spoiled.insert(id)
        message[1] ^= 0x10
      }
    }
    return [Emission(port: 0, bytes: Self.escaped(message), at: now + quirks.answerDelay)]
  }

  private static func sum(_ bytes: [UInt8]) -> UInt16 {
    bytes.reduce(0) { $0 &+ UInt16($1) }
  }

  private static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var plain: [UInt8] = []
    var isEscaped = false
    for byte in bytes {
      if byte == 0x7d, !isEscaped {
        isEscaped = true
      } else {
        plain.append(isEscaped ? byte ^ 0x20 : byte)
        isEscaped = false
      }
    }
    return plain
  }

  private static func escaped(_ body: [UInt8]) -> [UInt8] {
    var wire: [UInt8] = [0x7e]
    for byte in body { wire += byte == 0x7e || byte == 0x7d ? [0x7d, byte ^ 0x20] : [byte] }
    return wire + [0x7e]
  }
}
