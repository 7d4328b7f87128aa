import SmithBytes

/// The far end of a stick's network card: just enough of Ethernet, ARP, IPv4, ICMP and TCP for
/// one page (Docs/Protocols/usbip.md section 6). Frames in, frames out; nothing is sent twice,
/// because nothing is lost on a simulated bus.
struct CardNetwork: Sendable {
  private struct Peer: Hashable {
    let address: [UInt8]
    let port: UInt16
  }
  private struct Connection {
    var received: UInt32
    var sent: UInt32
    var request: [UInt8] = []
    var isAnswered = false
  }

  /// Most connections at once, and the longest request.
  private static let connectionLimit = 64
  private static let requestLimit = 65_536
  private static let segment = 1400

  let hardware: [UInt8]
  let address: [UInt8]
  private var connections: [Peer: Connection] = [:]
  private var identification: UInt16 = 0

  init(hardware: [UInt8], address: [UInt8]) {
    self.hardware = hardware
    self.address = address
  }

  /// Takes one frame; `page` answers a whole request with a whole answer.
  mutating func take(_ frame: [UInt8], page: (_ request: [UInt8]) -> [UInt8]) -> [[UInt8]] {
    guard frame.count >= 34 else { return [] }
    let host = Array(frame[6..<12])
    switch (frame[12], frame[13]) {
    case (0x08, 0x06): return resolve(frame, host)
    case (0x08, 0x00): return packet(Array(frame[14...]), host, page)
    default: return []
    }
  }

  private func ethernet(_ host: [UInt8], _ kind: [UInt8], _ body: [UInt8]) -> [UInt8] {
    let frame = host + hardware + kind + body
    return frame + [UInt8](repeating: 0, count: max(0, 60 - frame.count))
  }

  private func resolve(_ frame: [UInt8], _ host: [UInt8]) -> [[UInt8]] {
    guard frame.count >= 42, frame[21] == 1, Array(frame[38..<42]) == address else { return [] }
    let body = [0, 1, 8, 0, 6, 4, 0, 2] + hardware + address + Array(frame[22..<32])
    return [ethernet(host, [8, 6], body)]
  }

  private mutating func packet(
    _ bytes: [UInt8], _ host: [UInt8], _ page: ([UInt8]) -> [UInt8]
  ) -> [[UInt8]] {
    let head = Int(bytes[0] & 15) * 4
    let total = Int(bytes[2]) << 8 | Int(bytes[3])
    guard bytes[0] >> 4 == 4, head >= 20, total <= bytes.count, total >= head + 8,
      Array(bytes[16..<20]) == address
    else { return [] }
    let peer = Array(bytes[12..<16])
    let body = Array(bytes[head..<total])
    switch bytes[9] {
    case 1 where body[0] == 8:
      var echo = [0, 0, 0, 0] + Array(body[4...])
      echo.replaceSubrange(2..<4, with: Self.sum(echo))
      return [ethernet(host, [8, 0], internet(1, to: peer, echo))]
    case 6 where body.count >= 20:
      return segment(body, peer, page).map { ethernet(host, [8, 0], internet(6, to: peer, $0)) }
    default: return []
    }
  }

  private mutating func internet(_ kind: UInt8, to peer: [UInt8], _ body: [UInt8]) -> [UInt8] {
    identification &+= 1
    var head: [UInt8] = [0x45, 0]
    head.append(big: UInt16(clamping: body.count + 20))
    head.append(big: identification)
    head += [0x40, 0, 64, kind, 0, 0] + address + peer
    head.replaceSubrange(10..<12, with: Self.sum(head))
    return head + body
  }

  private mutating func segment(
    _ bytes: [UInt8], _ peer: [UInt8], _ page: ([UInt8]) -> [UInt8]
  ) -> [[UInt8]] {
    func word(_ place: Int) -> UInt32 {
      bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    let key = Peer(address: peer, port: UInt16(bytes[0]) << 8 | UInt16(bytes[1]))
    let target = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    let flags = bytes[13]
    let head = Int(bytes[12] >> 4) * 4
    guard head >= 20, head <= bytes.count, flags & 4 == 0 else {
      connections[key] = nil
      return []
    }
    if flags & 2 != 0 {
      guard target == 80 else {
        return [tcp(key, target, 0, word(4) &+ 1, 0x14, [])]
      }
      if connections.count >= Self.connectionLimit { connections = [:] }
      connections[key] = Connection(received: word(4) &+ 1, sent: 1001)
      return [tcp(key, 80, 1000, word(4) &+ 1, 0x12, [])]
    }
    guard var known = connections[key] else { return [] }
    let data = bytes[head...]
    var out: [[UInt8]] = []
    if word(4) == known.received, !data.isEmpty {
      known.received &+= UInt32(data.count)
      if known.request.count < Self.requestLimit { known.request += data }
    }
    if !known.isAnswered, Self.isWhole(known.request) {
      known.isAnswered = true
      let answer = page(known.request)
      for start in stride(from: 0, to: answer.count, by: Self.segment) {
        let piece = Array(answer[start..<min(start + Self.segment, answer.count)])
        out.append(tcp(key, 80, known.sent, known.received, 0x18, piece))
        known.sent &+= UInt32(piece.count)
      }
      out.append(tcp(key, 80, known.sent, known.received, 0x11, []))
      known.sent &+= 1
    }
    if flags & 1 != 0 { known.received &+= 1 }
    if out.isEmpty, !data.isEmpty || flags & 1 != 0 {
      out.append(tcp(key, 80, known.sent, known.received, 0x10, []))
    }
    connections[key] = flags & 1 != 0 ? nil : known
    return out
  }

  /// Whether the head is there, and as much of a body as it announces.
  private static func isWhole(_ request: [UInt8]) -> Bool {
    let text = String(decoding: request, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return false }
    let length = text[..<end.lowerBound].split(separator: "\r\n").lazy
      .map { $0.lowercased() }.first { $0.hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
    return text[end.upperBound...].utf8.count >= min(length ?? 0, requestLimit)
  }

  private func tcp(
    _ peer: Peer, _ port: UInt16, _ sequence: UInt32, _ acknowledged: UInt32, _ flags: UInt8,
    _ data: [UInt8]
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(big: port)
    bytes.append(big: peer.port)
    bytes.append(big: sequence)
    bytes.append(big: acknowledged)
    bytes += [0x50, flags, 0xff, 0xff, 0, 0, 0, 0] + data
    var checked = address + peer.address + [0, 6]
    checked.append(big: UInt16(clamping: bytes.count))
    bytes.replaceSubrange(16..<18, with: Self.sum(checked + bytes))
    return bytes
  }

  /// The checksum of the internet protocols.
  private static func sum(_ bytes: [UInt8]) -> [UInt8] {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    let folded = ~UInt16(truncatingIfNeeded: sum)
    return [UInt8(folded >> 8), UInt8(folded & 0xff)]
  }
}

extension String {
  /// Where `text` stands; the standard library has this only for single characters.
  fileprivate func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
