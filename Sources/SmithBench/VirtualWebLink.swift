import SmithBytes
public import SmithLink
import Synchronization

/// Requests to the page of the stick on a ``VirtualBus``, in the virtual time of that bus.
///
/// It never suspends but for the caller's own `sent`. The stick lives on between requests, and
/// what it does on its serial ports is seen on the bus.
public final class VirtualWebLink<Body: WebBody>: WebLink {
  private let bus: VirtualBus<Body>
  private let state: Mutex<State>

  private struct State: Sendable {
    var weather: WebWeather
    var dice: Seeded
    var requests = 0
  }

  /// The page of the stick on `bus`.
  public init(_ bus: VirtualBus<Body>, weather: WebWeather = WebWeather(), seed: UInt64 = 1) {
    self.bus = bus
    state = Mutex(State(weather: weather, dice: Seeded(seed)))
  }

  /// The bus's time.
  public var now: Duration { bus.now }
  /// How many requests were made so far, those into the void too.
  public var requests: Int { state.withLock { $0.requests } }

  /// Changes the weather from now on.
  public func setWeather(_ weather: WebWeather) {
    state.withLock { $0.weather = weather }
  }

  /// Lets virtual time pass.
  public func pause(_ duration: Duration) async {
    await bus.pause(duration)
  }

  /// Sends one request and lets time pass until its end.
  public func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    let fate = state.withLock { state in
      state.requests += 1
      return WebFate(state.weather, &state.dice, request: state.requests)
    }
    let deadline = bus.now + limit
    guard let generation = bus.withWorld({ $0.connectWeb() }) else { throw .absent }
    let size = request.bodySize
    var done = 0
    while done < size {
      let step = min(65_536, size - done)
      // A cut before the stick acts is a cut in the middle of what is sent.
      if fate.cut == .before, done + step > size / 2 { break }
      done += step
      guard bus.withWorld({ $0.passWeb(step, generation) }) else { throw .gone }
      guard bus.now <= deadline else { throw .silent }
      await sent(done)
    }
    if fate.cut == .before {
      if fate.cutIsPower { bus.withWorld { $0.unplug() } }
      throw .gone
    }
    let call = Self.call(of: request)
    guard let reply = bus.withWorld({ $0.answerWeb(call, generation) }) else { throw .gone }
    if fate.cut == .after {
      if fate.cutIsPower { bus.withWorld { $0.unplug() } }
      throw .gone
    }
    return try take(
      fate.applied(to: reply), generation, until: deadline, limit: request.answerLimit)
  }

  private func take(
    _ reply: WebReply, _ generation: Int, until deadline: Duration, limit: Int
  ) throws(WebError) -> WebAnswer {
    var reader = WebReplyReader(limit: limit)
    var step = WebReplyReader.Step.more
    var pieces = reply.pieces[...]
    while step == .more {
      guard let piece = pieces.popFirst() else {
        switch reply.ending {
        case .close: step = reader.close()
        case .reset: throw .gone
        case .open, .stall:
          guard bus.withWorld({ $0.waitWeb(until: deadline, generation) }) else { throw .gone }
          throw .silent
        case .endless:
          guard let last = reply.pieces.last, !last.bytes.isEmpty, bus.now < deadline else {
            throw .silent
          }
          pieces.append(last)
        }
        continue
      }
      guard bus.withWorld({ $0.waitWeb(until: min(piece.at, deadline), generation) }) else {
        throw .gone
      }
      guard piece.at <= deadline else { throw .silent }
      guard bus.withWorld({ $0.passWeb(piece.bytes.count, generation) }) else { throw .gone }
      step = reader.take(piece.bytes)
    }
    switch step {
    case .done(let answer): return answer
    case .failed(let error): throw error
    case .more: throw .silent
    }
  }

  /// The request as the far end reads it.
  private static func call(of request: WebRequest) -> WebCall {
    let body =
      request.body.count == 1 ? request.body[0] : SharedBytes(request.body.flatMap { $0.bytes() })
    var headers = [WebHeader("Host", "192.168.8.1")] + request.headers
    if request.method != "GET" || !body.isEmpty {
      headers.append(WebHeader("Content-Length", "\(body.count)"))
    }
    return WebCall(request.method, request.path, headers: headers, body: body)
  }
}

/// What the weather holds for one request.
private struct WebFate {
  enum Cut { case none, before, after }
  var cut = Cut.none
  var cutIsPower = false
  private var late = Duration.zero
  private var isDropped = false
  private var isTruncated = false
  private var isGarbled = false
  private var place: UInt64 = 0

  init(_ weather: WebWeather, _ dice: inout Seeded, request: Int) {
    if weather.cutAtRequest == request { cut = weather.cutAfterActing ? .after : .before }
    cutIsPower = weather.cutIsPower
    isDropped = dice.happens(weather.drop)
    isTruncated = dice.happens(weather.truncate)
    isGarbled = dice.happens(weather.garble)
    if dice.happens(weather.delay) { late = weather.longestDelay * Int(dice.next() % 1000) / 1000 }
    if isTruncated || isGarbled { place = dice.next() }
  }

  func applied(to reply: WebReply) -> WebReply {
    var reply = reply
    if isDropped { return WebReply([], ending: .stall) }
    for index in reply.pieces.indices { reply.pieces[index].at += late }
    let total = reply.pieces.reduce(0) { $0 + $1.bytes.count }
    guard total > 0, isTruncated || isGarbled else { return reply }
    var at = Int(place % UInt64(total))
    for index in reply.pieces.indices {
      guard at < reply.pieces[index].bytes.count else {
        at -= reply.pieces[index].bytes.count
        continue
      }
      if isTruncated {
        reply.pieces[index].bytes.removeSubrange(at...)
        return WebReply([WebReply.Piece](reply.pieces[...index]), ending: .reset)
      }
      reply.pieces[index].bytes[at] ^= UInt8(1 << (place >> 32) % 8)
      break
    }
    return reply
  }
}

/// What the page of the stick does; only a ``VirtualWebLink`` asks, whose stick has one.
extension VirtualWorld {
  private var page: (any WebBody)? { body as? any WebBody }

  /// The enumeration on which a connection was made; nil if nothing listens.
  mutating func connectWeb() -> Int? {
    advanceBody()
    guard powered, !cable.hostIsDead, page?.isListening == true else { return nil }
    now += .milliseconds(1)
    return body.face?.generation
  }

  /// Lets the time pass that so many bytes take; false if the connection died.
  mutating func passWeb(_ bytes: Int, _ generation: Int) -> Bool {
    waitWeb(until: now + VirtualCable.time(of: bytes), generation)
  }

  /// Lets time pass; false if the connection died before its end.
  mutating func waitWeb(until end: Duration, _ generation: Int) -> Bool {
    while isWebAlive(generation), let next = body.nextDue, next <= end {
      now = max(now, next)
      advanceBody()
    }
    guard isWebAlive(generation) else { return false }
    now = max(now, end)
    return true
  }

  mutating func answerWeb(_ call: WebCall, _ generation: Int) -> WebReply? {
    advanceBody()
    guard isWebAlive(generation) else { return nil }
    guard var page else { return nil }
    defer { body = page }
    return page.answer(call, at: now)
  }

  private func isWebAlive(_ generation: Int) -> Bool {
    powered && !cable.hostIsDead && page?.isListening == true && body.face?.generation == generation
  }
}
