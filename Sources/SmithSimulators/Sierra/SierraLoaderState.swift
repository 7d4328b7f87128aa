import SmithBytes
import SmithLink

/// What the simulated boot loader has in memory.
struct SierraLoaderState: Sendable {
  enum State: Equatable { case dload, greeted, open, complete }
  var state = State.dload
  /// Bytes that make no whole message yet.
  var input: [UInt8] = []
  var type: UInt8 = 0
  /// Header of the image that is being collected.
  var header: [UInt8] = []
  var size = 0
  var sequence: UInt16 = 0
  var ram: [UInt8] = []
  /// Sum of every byte of a HIP download so far.
  var sum: UInt16 = 0
  /// A chunk whose payload is still coming: bytes to come, and since when nothing came.
  var chunk: (sequence: UInt16, left: Int)?
  var lastByteAt: Duration = .zero
  /// When flashing ends, and the answer that is due then.
  var flashing: (until: Duration, answer: [UInt8])?
  /// The application that was there before the flash was begun.
  var replaced: String?
  /// Whether the CRC of a complete image was wrong.
  var refusal: UInt16 = 0
  /// Kinds whose first answer was lost or damaged already.
  var spoiled: Set<UInt8> = []
  var chunkSilence: Duration = .seconds(10)

  var nextDue: Duration? {
    if let flashing { return flashing.until }
    return chunk == nil ? nil : lastByteAt + chunkSilence
  }
}

extension SierraStick {
  mutating func loaderDue(at now: Duration) -> [Emission] {
    if let flashing = loader.flashing {
      loader.flashing = nil
      finishFlash()
      if quirks.losesLastAnswer { return [] }
      if case .hip = personality.loader { return hipAnswer(flashing.answer, at: now) }
      return answer(flashing.answer, at: now)
    }
    loader.chunk = nil
    loader.state = .greeted
    loader.ram = []
    return error(0x19, at: now)
  }

  mutating func loaderReceive(_ bytes: [UInt8], at now: Duration) -> [Emission] {
    // Whoever talks to the loader in time keeps it.
    if quirks.bootHold != nil, loader.state == .dload { leaving = nil }
    loader.lastByteAt = now
    loader.chunkSilence = timing.chunkSilence
    if case .hip = personality.loader { return hipReceive(bytes, at: now) }
    loader.input += bytes
    var sent: [Emission] = []
    while let emissions = step(at: now) { sent += emissions }
    return sent
  }

  /// Takes one message, or one part of a chunk, off the input; nil if more has to come.
  private mutating func step(at now: Duration) -> [Emission]? {
    guard loader.flashing == nil, let first = loader.input.first else { return nil }
    if let chunk = loader.chunk { return collect(chunk, at: now) }
    if first == 0x27 { return beginChunk(at: now) }
    guard first == 0x7e else {
      complaints.append("noise")
      let next = loader.input.firstIndex { $0 == 0x7e || $0 == 0x27 } ?? loader.input.count
      loader.input.removeFirst(next)
      return []
    }
    guard let end = loader.input.dropFirst().firstIndex(of: 0x7e) else { return nil }
    let frame = [UInt8](loader.input[...end])
    guard frame.count > 2 else {
      // Two flags in a row: the second opens.
      loader.input.removeFirst()
      return []
    }
    loader.input.removeFirst(end + 1)
    guard let body = SierraFrames.bodies(in: frame).first else {
      complaints.append("frame with a wrong CRC")
      return error(0x17, at: now)
    }
    return message(body, at: now)
  }

  private mutating func message(_ body: [UInt8], at now: Duration) -> [Emission] {
    switch body.first {
    case 0x70: return switchOver(body, at: now)
    case 0x01: return hello(body, at: now)
    case 0x25: return open(body, at: now)
    case 0x29: return done(at: now)
    case 0x2d:
      reset(at: now)
      return []
    default:
      complaints.append("unknown command")
      return error(0x05, at: now)
    }
  }

  private mutating func switchOver(_ body: [UInt8], at now: Duration) -> [Emission] {
    guard case .qdl(_, let knowsSwitch) = personality.loader else { return [] }
    switch quirks.switchAnswer {
    case .silent: return []
    case .error(let code): return error(code, at: now)
    case .normal: return knowsSwitch ? answer([0x02], at: now) : error(0x16, at: now)
    }
  }

  private mutating func hello(_ body: [UInt8], at now: Duration) -> [Emission] {
    guard case .qdl(let version, _) = personality.loader else { return [] }
    let magic = [UInt8]("QCOM high speed protocol hst".utf8) + [0, 0, 0, 0]
    guard body.count == 36 || body.count == 39, Array(body[1..<33]) == magic else {
      complaints.append("hello of \(body.count) bytes")
      return error(0x03, at: now)
    }
    guard body[34] <= version, version <= body[33] else { return error(0x07, at: now) }
    loader.state = .greeted
    loader.ram = []
    loader.refusal = 0
    var reply: [UInt8] = [0x02]
    reply.append(text: "QCOM high speed protocol", width: 24)
    reply += [0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, version, version]
    reply.append(little: UInt32(64 << 20))
    reply += [UInt8](repeating: 0, count: 5)
    reply += [1, 0, 0, 0, 0x30]
    return answer(reply, at: now)
  }

  private mutating func open(_ body: [UInt8], at now: Duration) -> [Emission] {
    guard loader.state != .dload else {
      complaints.append("open before hello")
      return error(0x18, at: now)
    }
    guard body.count >= 13 else { return error(0x04, at: now) }
    let type = body[1]
    let total = Int(word(body, 2))
    let header = [UInt8](body.dropFirst(13))
    let status = quirks.openStatus ?? openStatus(type, total, header)
    if status == 0 {
      loader.state = .open
      loader.type = type
      loader.header = header
      loader.size = total - header.count
      loader.sequence = 0
      loader.ram = []
      loader.refusal = 0
    }
    var reply: [UInt8] = [0x26]
    reply.append(little: status)
    reply.append(1)
    reply.append(little: quirks.largestChunk)
    return answer(reply, at: now)
  }

  private func openStatus(_ type: UInt8, _ total: Int, _ header: [UInt8]) -> UInt16 {
    guard total > header.count, total < 512 << 20 else { return 1 }
    if personality.products.isEmpty {
      guard [0x05, 0x06, 0x0d].contains(type) else { return 2 }
      return header.isEmpty ? 0 : 4
    }
    guard type == 0x80 else { return 2 }
    guard !header.isEmpty else { return 5 }
    guard header.count == 400 else { return 3 }
    guard CRC32Sierra.of([UInt8](header[..<256])) == bigWord(header, 256),
      bigWord(header, 0x104) == 3
    else { return 0x8b }
    let kind = String(printable: [UInt8](header[0x10c..<0x110]))
    guard Self.acceptedTypes.contains(kind) else { return 0x80 }
    let product = String(printable: [UInt8](header[0x110..<0x114]))
    guard personality.products.contains(product) || kind == "SWOC" || kind == "HDAT" else {
      return 0x81
    }
    guard Int(bigWord(header, 0x114)) == total - 400 else { return 0x82 }
    guard kind != "APPL" || bigWord(header, 0x18c) == 1 else { return 0x87 }
    return 0
  }

  private static let acceptedTypes: Set<String> = [
    "SPKG", "BOOT", "APPL", "MODM", "FILE", "NVUP", "AMSS", "DSP2", "SWOC", "HDAT", "EXEC",
  ]

  func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
  }

  func bigWord(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[offset + $1]) }
  }

  /// Sends one framed answer, or spoils it as the quirks want.
  mutating func answer(_ body: [UInt8], at now: Duration) -> [Emission] {
    let kind = body[0]
    var bytes = SierraFrames.frame(body)
    if !loader.spoiled.contains(kind) {
      if quirks.losesFirst.contains(kind) {
        loader.spoiled.insert(kind)
        return []
      }
      if quirks.damagesFirst.contains(kind) {
        loader.spoiled.insert(kind)
        bytes[1] ^= 0x80
      }
    }
    return [Emission(port: 0, bytes: bytes, at: now + quirks.answerDelay)]
  }

  mutating func error(_ code: UInt32, at now: Duration) -> [Emission] {
    var reply: [UInt8] = [0x0d]
    reply.append(little: code)
    reply.append(0)
    return answer(reply, at: now)
  }
}
