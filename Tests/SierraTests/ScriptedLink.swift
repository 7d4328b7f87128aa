import SmithBytes
import SmithLink
import Synchronization

/// A port whose answers are written down: what comes in decides what goes out, at once.
final class ScriptedLink: ByteLink {
  private struct State {
    var now: Duration = .zero
    var answers: [[UInt8]] = []
    var sends = 0
  }
  private let state = Mutex(State())
  private let script: @Sendable (_ message: [UInt8], _ count: Int) -> [[UInt8]]
  private let failure: LinkError?

  /// Bodies that the script returns are framed.
  init(
    failing failure: LinkError? = nil,
    _ script: @escaping @Sendable ([UInt8], Int) -> [[UInt8]]
  ) {
    self.failure = failure
    self.script = script
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    if let failure { throw failure }
    state.withLock { state in
      state.sends += 1
      var decoder = HDLCDecoder()
      var message = bytes
      if case .body(let body)? = decoder.feed(bytes).first, bytes[0] == 0x7e { message = body }
      state.answers += script(message, state.sends).map(HDLC.frame)
    }
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    let answer: [UInt8]? = state.withLock { state in
      if !state.answers.isEmpty { return state.answers.removeFirst() }
      state.now += limit
      return nil
    }
    guard let answer else { throw .silent }
    return answer
  }

  func pause(_ duration: Duration) async { state.withLock { $0.now += duration } }
  var now: Duration { state.withLock { $0.now } }
  func close() async {}

  /// A loader that does everything right for one image sent in one chunk; `override` changes it.
  static func loader(
    _ override: @escaping @Sendable ([UInt8], Int) -> [[UInt8]]? = { _, _ in nil }
  ) -> ScriptedLink {
    ScriptedLink { message, count in
      if let answers = override(message, count) { return answers }
      switch message.first {
      case 0x70: return [[0x02]]
      case 0x01:
        var hello = [UInt8](repeating: 0, count: 49)
        hello[0] = 2
        (hello[33], hello[34]) = (6, 6)
        return [hello]
      case 0x25: return [[0x26, 0, 0, 1, 0, 0, 0x10, 0]]
      case 0x27: return [[0x28, message[1], message[2], 0, 0, 0, 0, 0, 0]]
      case 0x29: return [[0x2a, 0, 0, 0, 0]]
      default: return []
      }
    }
  }
}

/// A port on which the same bytes come every millisecond, whatever is sent.
final class EndlessLink: ByteLink {
  private let time = Mutex(Duration.zero)
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func send(_ bytes: [UInt8]) async throws(LinkError) {}
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    time.withLock { $0 += .milliseconds(1) }
    return bytes
  }
  func pause(_ duration: Duration) async { time.withLock { $0 += duration } }
  var now: Duration { time.withLock { $0 } }
  func close() async {}
}
