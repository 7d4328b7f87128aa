import SmithLink
import Synchronization

/// A link with a script and virtual time: each command gets the next bytes of its script.
final class ScriptedLink: ByteLink {
  /// Bytes that arrive, each piece some time after the one before.
  struct Piece: Sendable {
    var after: Duration
    var bytes: [UInt8]
  }

  private struct State {
    var now: Duration = .zero
    var arriving: [(at: Duration, bytes: [UInt8])] = []
    var sent: [[UInt8]] = []
    var isGone = false
  }

  private let state = Mutex(State())
  private let react: @Sendable (String) -> [Piece]?

  /// `react` is called with each line sent, without its CR; nil means that the port vanishes.
  init(_ react: @escaping @Sendable (String) -> [Piece]?) {
    self.react = react
  }

  /// The same bytes for whatever is sent, in one piece.
  convenience init(always bytes: [UInt8]) {
    self.init { _ in [Piece(after: .milliseconds(5), bytes: bytes)] }
  }

  var sent: [String] {
    state.withLock { $0.sent.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Lets bytes arrive that nobody asked for.
  func arrive(_ bytes: [UInt8], after delay: Duration = .zero) {
    state.withLock { state in
      state.arriving.append((state.now + delay, bytes))
      state.arriving.sort { $0.at < $1.at }
    }
  }

  var now: Duration { state.withLock { $0.now } }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    let line = String(decoding: bytes.filter { $0 != 0x0d }, as: UTF8.self)
    state.withLock { $0.sent.append(bytes) }
    guard let pieces = react(line) else {
      state.withLock { $0.isGone = true }
      return
    }
    state.withLock { state in
      var at = state.now
      for piece in pieces {
        at += piece.after
        state.arriving.append((at, piece.bytes))
      }
      state.arriving.sort { $0.at < $1.at }
    }
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    let answer: Result<[UInt8], LinkError> = state.withLock { state in
      guard let next = state.arriving.first, next.at <= state.now + limit else {
        state.now += limit
        return .failure(state.isGone ? .gone : .silent)
      }
      state.arriving.removeFirst()
      state.now = max(state.now, next.at)
      return .success(next.bytes)
    }
    return try answer.get()
  }

  func pause(_ duration: Duration) async {
    state.withLock { $0.now += duration }
  }

  func close() async {
    state.withLock { $0.isGone = true }
  }
}

extension ScriptedLink.Piece {
  /// Text that arrives after five milliseconds.
  static func text(_ text: String, after delay: Duration = .milliseconds(5)) -> Self {
    .init(after: delay, bytes: [UInt8](text.utf8))
  }
}

/// A small generator with a seed that can be printed.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
