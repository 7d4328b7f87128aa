public import SmithBytes
public import SmithLink
public import SmithModel

/// Limits of every wait and every repetition (Docs/Protocols/sierra-hip.md section 3).
public struct HIPLimits: Sendable {
  /// For the loopback.
  public var loopback: Duration = .seconds(2)
  /// For answers that need no flash: start, continue, end.
  public var answer: Duration = .seconds(30)
  /// For the answer that comes when the flash is written.
  public var program: Duration = .seconds(600)
  /// Quiet time that ends the discarding of old answers.
  public var quiet: Duration = .milliseconds(100)
  /// How often the loopback is sent before silence counts.
  public var tries = 6
  /// How often the image is begun.
  public var attempts = 3
  /// Bytes of the file in one message.
  public var chunkBytes = 1600

  /// The defaults.
  public init() {}
}

/// Where a download is.
public struct HIPProgress: Equatable, Sendable {
  /// Bytes that the loader has acknowledged.
  public var sent: Int
  /// Bytes of the file.
  public var size: Int
  /// Which beginning this is, from 1.
  public var attempt: Int
  /// Whether the loader was told to write its flash.
  public var isProgramming: Bool
  /// Whether the loader says that it has written it.
  public var isDone: Bool
}

/// Sends one application image to the boot loader of a Sierra 3G stick
/// (Docs/Protocols/sierra-hip.md section 3). Experimental: no such stick was ever seen.
public enum SierraHIP {
  /// Which program answers.
  public enum Side: Sendable {
    case loader, application
  }

  /// Loopback, start, continue, end, program, reset.
  ///
  /// - Parameters:
  ///   - file: header of 400 bytes and body.
  ///   - link: the loader's port, just opened.
  ///   - progress: called before the first byte of each attempt leaves and after each answer. A
  ///     throw stops there.
  /// - Throws: ``HIPError``; the stick is left in its loader and no reset is sent.
  public static func download(
    _ file: SharedBytes, over link: any ByteLink, limits: HIPLimits = HIPLimits(),
    progress: @escaping (HIPProgress) async throws(Trouble) -> Void = { _ in }
  ) async throws(HIPError) {
    guard file.count > 400 else { throw .badPlan("the file has no body") }
    var session = HIPSession(file: file, link: link, limits: limits, progress: progress)
    try await session.run()
    await leave(over: link)
  }

  /// Finds out what answers loopbacks. Changes nothing.
  ///
  /// - Throws: `.noAnswer` if nothing does.
  public static func probe(
    over link: any ByteLink, limits: HIPLimits = HIPLimits()
  ) async throws(HIPError) -> Side {
    var session = HIPSession(file: SharedBytes([]), link: link, limits: limits) { _ in }
    return try await session.greet()
  }

  /// Lets a loader start the firmware it has. There is no answer; the port goes away.
  public static func leave(over link: any ByteLink) async {
    // The loader may be off the bus before the write returns; that is what we asked for.
    do { try await link.send(HIPMessage(HIPMessage.reset).framed) } catch {}
  }
}

/// One download in the making.
struct HIPSession {
  let file: SharedBytes
  let link: any ByteLink
  let limits: HIPLimits
  let progress: (HIPProgress) async throws(Trouble) -> Void
  private var decoder = HIPDecoder()
  private var waiting: [HIPMessage] = []
  private var attempt = 1
  /// Makes the answer to each loopback different from those before.
  private var greetings: UInt8 = 0

  init(
    file: SharedBytes, link: any ByteLink, limits: HIPLimits,
    progress: @escaping (HIPProgress) async throws(Trouble) -> Void
  ) {
    self.file = file
    self.link = link
    self.limits = limits
    self.progress = progress
  }

  mutating func run() async throws(HIPError) {
    while true {
      guard try await greet() == .loader else { throw .application }
      guard let failure = try await collect() else { break }
      guard attempt < limits.attempts else { throw failure }
      attempt += 1
      try await drain()
    }
    try await program()
  }

  /// Sends loopbacks until one of ours comes back: everything before it is old.
  mutating func greet() async throws(HIPError) -> SierraHIP.Side {
    for _ in 0..<limits.tries {
      greetings &+= 1
      let payload: [UInt8] = [1, 2, 3, greetings]
      try await send(HIPMessage(HIPMessage.loopback, payload), at: .loopback)
      let end = link.now + limits.loopback
      while let message = try await next(until: end, at: .loopback) {
        guard message.id == HIPMessage.loopback | HIPMessage.answer, message.payload == payload
        else { continue }
        return message.parameter == 0 ? .loader : .application
      }
    }
    throw .noAnswer
  }

  /// Hands the whole file to the loader; an error is the reason to begin again.
  private mutating func collect() async throws(HIPError) -> HIPError? {
    try await report(sent: 0)
    var sum: UInt16 = 0
    var offset = 0
    while offset < file.count {
      let end = min(file.count, offset + min(max(limits.chunkBytes, 400), 1900))
      let bytes = file.bytes(offset..<end)
      guard bytes.count == end - offset else { throw .sourceFailed(offset: offset) }
      for byte in bytes { sum &+= UInt16(byte) }
      let isFirst = offset == 0
      let id = isFirst ? HIPMessage.start : HIPMessage.more
      if let failure = try await ask(HIPMessage(id, bytes), at: isFirst ? .start : .data) {
        return failure
      }
      offset = end
      try await report(sent: offset)
    }
    var total: [UInt8] = []
    total.append(big: sum)
    return try await ask(HIPMessage(HIPMessage.end, total), at: .end)
  }

  /// Sends one request; an answer that does not come is a reason to begin again, never to send
  /// the same once more: the messages have no numbers, and the loader may have taken it.
  private mutating func ask(
    _ request: HIPMessage, at step: HIPError.Step
  ) async throws(HIPError) -> HIPError? {
    try await send(request, at: step)
    let end = link.now + limits.answer
    while let message = try await next(until: end, at: step) {
      guard message.id == request.id | HIPMessage.answer else {
        if message.isAside { continue }
        return .unexpected(step, id: message.id)
      }
      if message.parameter == 0 { return nil }
      let refusal = HIPError.refused(
        step, code: message.parameter, text: String(printable: message.payload))
      // The sums of what arrived are wrong: it is worth another beginning.
      if [0x89, 0x8a].contains(message.parameter), step == .end { return refusal }
      throw refusal
    }
    return .silent(step)
  }

  /// From here on the flash is written: nothing is sent twice, and silence says nothing.
  private mutating func program() async throws(HIPError) {
    try await report(sent: file.count, isProgramming: true)
    try await send(HIPMessage(HIPMessage.program), at: .program)
    let end = link.now + limits.program
    while let message = try await next(until: end, at: .program) {
      guard message.id == HIPMessage.program | HIPMessage.answer else { continue }
      guard message.parameter == 0 else {
        throw .refused(
          .program, code: message.parameter, text: String(printable: message.payload))
      }
      try await report(sent: file.count, isProgramming: true, isDone: true)
      return
    }
    throw .lastAnswerLost
  }

  private func report(sent: Int, isProgramming: Bool = false, isDone: Bool = false)
    async throws(HIPError)
  {
    do {
      try await progress(
        HIPProgress(
          sent: sent, size: file.count, attempt: attempt, isProgramming: isProgramming,
          isDone: isDone))
    } catch { throw .stopped(error) }
  }

  private func send(_ message: HIPMessage, at step: HIPError.Step) async throws(HIPError) {
    do { try await link.send(message.framed) } catch { throw HIPError(error, step) }
  }

  /// The next whole message, or nil if none ends before `end` of the link's time.
  private mutating func next(until end: Duration, at step: HIPError.Step) async throws(HIPError)
    -> HIPMessage?
  {
    while waiting.isEmpty {
      let left = end - link.now
      guard left > .zero else { return nil }
      do {
        waiting = decoder.feed(try await link.receive(within: left))
      } catch .silent {
        return nil
      } catch { throw HIPError(error, step) }
    }
    return waiting.removeFirst()
  }

  /// Throws away what still comes; ends after a hundred pieces at the latest.
  private mutating func drain() async throws(HIPError) {
    for _ in 0..<100 {
      do { _ = try await link.receive(within: limits.quiet) } catch .silent { break } catch {
        throw HIPError(error, .data)
      }
    }
    decoder = HIPDecoder()
    waiting = []
  }
}

extension HIPMessage {
  /// Messages that a loader sends by itself, or late answers to a loopback.
  fileprivate var isAside: Bool {
    [0x28, 0x60, 0x61, HIPMessage.loopback | HIPMessage.answer].contains(id)
  }
}
