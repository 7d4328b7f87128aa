import SmithBytes
import SmithLink
import Synchronization

/// How the messages of a scripted port look on the wire.
struct Wire: Sendable {
  var unframed: @Sendable ([UInt8]) -> [UInt8]
  var framed: @Sendable ([UInt8]) -> [UInt8]

  /// QDL: a chunk has no frame and is handed on as it is.
  static let qdl = Wire(
    unframed: { bytes in
      var decoder = HDLCDecoder()
      guard bytes.first == 0x7e, case .body(let body)? = decoder.feed(bytes).first else {
        return bytes
      }
      return body
    }, framed: HDLC.frame)

  /// HIP: number, parameter, payload; the length is put in front, and nothing is escaped in answers.
  static let hip = Wire(
    unframed: { bytes in
      var plain: [UInt8] = []
      var isEscaped = false
      for byte in bytes where byte != 0x7e {
        if byte == 0x7d {
          isEscaped = true
        } else {
          plain.append(isEscaped ? byte ^ 0x20 : byte)
          isEscaped = false
        }
      }
      return Array(plain.dropFirst(2))
    },
    framed: { answer in
      let size = answer.count - 2
      return [0x7e, UInt8(size >> 8), UInt8(size & 0xff)] + answer + [0x7e]
    })
}

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
  private let wire: Wire

  /// Bodies that the script returns are framed.
  init(
    failing failure: LinkError? = nil, wire: Wire = .qdl,
    _ script: @escaping @Sendable ([UInt8], Int) -> [[UInt8]]
  ) {
    self.failure = failure
    self.wire = wire
    self.script = script
  }

  var sends: Int { state.withLock { $0.sends } }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    if let failure { throw failure }
    state.withLock { state in
      state.sends += 1
      state.answers += script(wire.unframed(bytes), state.sends).map(wire.framed)
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

  /// The same of a loader that speaks HIP; `override` gets the number of a message.
  static func hip(
    failing failure: LinkError? = nil,
    _ override: @escaping @Sendable (UInt8) -> [[UInt8]]? = { _ in nil }
  ) -> ScriptedLink {
    ScriptedLink(failing: failure, wire: .hip) { message, _ in
      let id = message.first ?? 0xff
      if let answers = override(id) { return answers }
      switch id {
      case 0x03: return [[0x43, 0] + message.dropFirst(2)]
      case 0x00, 0x01, 0x02, 0x04: return [[id | 0x40, 0]]
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
