public import SmithBytes
public import SmithLink

/// The greeting of a Sahara device (Docs/Protocols/sahara.md section 1).
public struct SaharaHello: Equatable, Sendable {
  /// Version of the protocol.
  public var version: UInt32
  /// Oldest version that it understands.
  public var minimum: UInt32
  /// Longest packet that it takes.
  public var mostLength: UInt32
  /// 0 wants an image, 1 has one, 2 crashed, 3 takes commands.
  public var mode: UInt32
}

/// The upload protocol of newer Qualcomm boot ROMs: the device asks, the host serves
/// (Docs/Protocols/sahara.md). Writes nothing that survives a replug.
public final class SaharaSession {
  /// What the device can be asked in command mode.
  public enum Query: UInt32, Sendable {
    case serial = 1
    case hardware = 2
    case keyHash = 3
  }

  private let link: any ByteLink
  private var buffer: [UInt8]
  /// A greeting is answered once; the device sends another after each change of mode.
  private var greeting: SaharaHello?

  private struct Packet {
    var command: UInt32
    var fields: SharedBytes

    func word(_ index: Int) -> UInt32 {
      var reader = ByteReader(fields, at: index * 4)
      return reader.little(UInt32.self) ?? 0
    }

    func long(_ index: Int) -> UInt64 {
      var reader = ByteReader(fields, at: index * 8)
      return reader.little(UInt64.self) ?? 0
    }
  }

  /// Speaks over `link`; `received` are bytes that came before, such as a greeting that a probe
  /// has read: a device greets only once.
  public init(_ link: any ByteLink, received: [UInt8] = []) {
    self.link = link
    buffer = received
  }

  /// The greeting: waits a second; if none comes, asks the device to begin anew.
  public func hello() async throws(SaharaError) -> SaharaHello {
    if let greeting { return greeting }
    for attempt in 0..<3 {
      if attempt > 0 {
        buffer.removeAll()
        try await send(0x13, [], "reset state machine")
      }
      do throws(SaharaError) {
        let packet = try await packet("hello", within: .seconds(1))
        guard packet.command == 1 else {
          throw .unexpected(step: "hello", command: packet.command)
        }
        let hello = SaharaHello(
          version: packet.word(0), minimum: packet.word(1), mostLength: packet.word(2),
          mode: packet.word(3))
        greeting = hello
        return hello
      } catch .silent {
        continue
      } catch .unexpected(let step, let command) where attempt == 2 {
        throw .unexpected(step: step, command: command)
      } catch .unexpected {
        continue
      } catch {
        throw error
      }
    }
    throw .silent(step: "hello")
  }

  /// Serves every read of the device until it is content. `image` gives the file for an image id
  /// (Docs/Protocols/sahara.md section 2); reads outside a file end the session.
  ///
  /// A device that keeps asking for the same is stopped after four times the size of the files.
  public func upload(
    image: (UInt64) -> SharedBytes?, progress: (Int) -> Void = { _ in }
  ) async throws(SaharaError) {
    for _ in 0..<16 {
      let greeted = try await hello()
      if greeted.mode == 2 { throw .memoryDebug }
      try await answer(greeted, mode: 0)
      try await serve(image, progress)
      try await send(5, [], "done")
      let packet: Packet
      do throws(SaharaError) { packet = try await self.packet("done", within: .seconds(10)) } catch
      {
        // The loader may run already: whether it does, its own first answer shows.
        guard case .silent = error else { throw error }
        return
      }
      guard packet.command == 6 else {
        throw .unexpected(step: "done", command: packet.command)
      }
      if packet.word(0) == 1 { return }
      // "More to come", which some devices say although they are finished.
      do throws(SaharaError) {
        let next = try await self.packet("next hello", within: .seconds(2))
        guard next.command == 1 else { return }
        greeting = SaharaHello(
          version: next.word(0), minimum: next.word(1), mostLength: next.word(2),
          mode: next.word(3))
      } catch .silent {
        return
      } catch .link(_, .gone) {
        return
      } catch .unexpected {
        // A loader has taken over and speaks its own language.
        return
      } catch {
        throw error
      }
    }
    throw .runaway
  }

  /// Asks in command mode and leads the device back to image mode, where it greets again.
  public func ask(_ queries: [Query]) async throws(SaharaError) -> [Query: [UInt8]] {
    let greeted = try await hello()
    if greeted.mode == 2 { throw .memoryDebug }
    try await answer(greeted, mode: 3)
    _ = try await expect(0x0b, "command ready")
    var answers: [Query: [UInt8]] = [:]
    for query in queries { answers[query] = try await execute(query) }
    try await send(0x0c, [0], "switch mode")
    return answers
  }

  /// Lets the device begin anew after a refusal; it greets again.
  public func beginAnew() async throws(SaharaError) {
    greeting = nil
    buffer.removeAll()
    try await send(0x13, [], "reset state machine")
  }

  private func execute(_ query: Query) async throws(SaharaError) -> [UInt8] {
    try await send(0x0d, [query.rawValue], "execute")
    let response = try await expect(0x0e, "execute")
    let length = response.word(1)
    guard response.word(0) == query.rawValue, length <= 4096 else {
      throw .unexpected(step: "execute", command: response.command)
    }
    try await send(0x0f, [query.rawValue], "execute data")
    return try await raw(Int(length), "execute data", within: .seconds(2))
  }

  /// Restarts the device. Silence and a vanishing port are usual.
  public func reset() async throws(SaharaError) {
    do throws(SaharaError) {
      try await send(7, [], "reset")
      _ = try await packet("reset", within: .seconds(1))
    } catch .silent {
      return
    } catch .link(_, .gone) {
      return
    } catch {
      throw error
    }
  }

  private func serve(_ image: (UInt64) -> SharedBytes?, _ progress: (Int) -> Void)
    async throws(SaharaError)
  {
    var served = 0
    var requests = 0
    var reach = 0
    while true {
      let packet = try await packet("image transfer", within: .seconds(30))
      switch packet.command {
      case 1 where served == 0:
        // The greeting crossed our reset of the state machine: it is the same one.
        continue
      case 4:
        let status = packet.word(1)
        if (0x21...0x25).contains(status) { throw .wrongLoader(status: status) }
        if status != 0 { throw .refused(status: status) }
        return
      case 3, 0x12:
        let wide = packet.command == 0x12
        let id = wide ? packet.long(0) : UInt64(packet.word(0))
        let offset = wide ? packet.long(1) : UInt64(packet.word(1))
        let length = wide ? packet.long(2) : UInt64(packet.word(2))
        guard let file = image(id) else { throw .unknownImage(id) }
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= UInt64(file.count), length > 0 else {
          throw .readOutOfBounds(offset: offset, length: length, size: file.count)
        }
        served += Int(length)
        requests += 1
        guard served <= 4 * file.count + (1 << 20), requests < 1_000_000 else { throw .runaway }
        try await sendRaw(file, Int(offset)..<Int(end))
        reach = max(reach, Int(end))
        progress(reach)
      default: throw .unexpected(step: "image transfer", command: packet.command)
      }
    }
  }

  private func answer(_ hello: SaharaHello, mode: UInt32) async throws(SaharaError) {
    greeting = nil
    let words = [min(hello.version, 2), 1, 0, mode] + [UInt32](repeating: 0, count: 6)
    try await send(2, words, "hello response")
  }
}

// MARK: - Packets

extension SaharaSession {
  private func expect(_ command: UInt32, _ step: String) async throws(SaharaError) -> Packet {
    var packet = try await packet(step, within: .seconds(5))
    // A greeting that was on its way when the one before it was answered is the same one.
    if packet.command == 1 { packet = try await self.packet(step, within: .seconds(5)) }
    if packet.command == 4 { throw .refused(status: packet.word(1)) }
    guard packet.command == command else {
      throw .unexpected(step: step, command: packet.command)
    }
    return packet
  }

  /// The next packet: command, length of the whole, fields.
  private func packet(_ step: String, within limit: Duration) async throws(SaharaError) -> Packet {
    let head = SharedBytes(try await raw(8, step, within: limit))
    var reader = ByteReader(head)
    let command = reader.little(UInt32.self) ?? 0
    let length = Int(reader.little(UInt32.self) ?? 0)
    let shortest: [UInt32: Int] = [1: 0x30, 3: 0x14, 0x12: 0x20, 4: 0x10, 6: 0x0c, 0x0e: 0x10]
    guard command <= 0x20, (max(8, shortest[command] ?? 8)...4096).contains(length) else {
      throw .unexpected(step: step, command: command)
    }
    let fields = try await raw(length - 8, step, within: .seconds(1))
    return Packet(command: command, fields: SharedBytes(fields))
  }

  private func raw(_ count: Int, _ step: String, within limit: Duration)
    async throws(SaharaError) -> [UInt8]
  {
    let deadline = link.now + limit
    while buffer.count < count {
      let left = deadline - link.now
      guard left > .zero else { throw .silent(step: step) }
      do throws(LinkError) {
        buffer += try await link.receive(within: left)
      } catch .silent {
        throw .silent(step: step)
      } catch {
        throw .link(step: step, error)
      }
    }
    let bytes = Array(buffer.prefix(count))
    buffer.removeFirst(count)
    return bytes
  }

  private func send(_ command: UInt32, _ words: [UInt32], _ step: String)
    async throws(SaharaError)
  {
    var bytes: [UInt8] = []
    bytes.append(little: command)
    bytes.append(little: UInt32(8 + words.count * 4))
    for word in words { bytes.append(little: word) }
    do throws(LinkError) {
      try await link.send(bytes)
    } catch {
      throw .link(step: step, error)
    }
  }

  private func sendRaw(_ file: SharedBytes, _ range: Range<Int>) async throws(SaharaError) {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 16_384) {
      let end = min(start + 16_384, range.upperBound)
      let piece = file.intact(start..<end)
      do throws(LinkError) {
        if piece.count < end - start { throw .broken("the loader file changed while it was sent") }
        try await link.send(piece)
      } catch {
        throw .link(step: "image transfer", error)
      }
    }
  }
}
