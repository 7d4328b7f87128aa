import SmithBytes
import SmithLink

/// The link with its frame decoder: sends requests, picks answers out of what arrives.
struct QDLWire {
  let link: any ByteLink
  private var decoder = HDLCDecoder(limit: 4096)
  private var waiting: [HDLCDecoder.Frame] = []
  private(set) var garbage = 0

  init(_ link: any ByteLink) {
    self.link = link
  }

  mutating func send(_ body: [UInt8], at step: QDLError.Step) async throws(QDLError) {
    try await sendRaw(HDLC.frame(body), at: step)
  }

  mutating func sendRaw(_ bytes: [UInt8], at step: QDLError.Step) async throws(QDLError) {
    do {
      try await link.send(bytes)
    } catch {
      throw Self.translate(error, step)
    }
  }

  /// The next whole frame with a good CRC, or nil if none ends before `end` of the link's time:
  /// frames that are left out do not prolong the wait for the right one.
  ///
  /// With `broken`, a frame that cannot be read shortens the wait to that: it was most likely the
  /// answer, and another will not come.
  mutating func next(
    until end: Duration, broken: Duration? = nil, at step: QDLError.Step
  ) async throws(QDLError) -> QDLAnswer? {
    var deadline = end
    while true {
      while !waiting.isEmpty {
        switch waiting.removeFirst() {
        case .body(let body): return QDLAnswer(body: body)
        case .garbage(let bytes, _):
          garbage += 1
          if Self.isSahara(bytes) { throw .sahara }
          if let broken { deadline = min(deadline, link.now + broken) }
        }
      }
      let left = deadline - link.now
      guard left > .zero else { return nil }
      do {
        waiting = decoder.feed(try await link.receive(within: left))
      } catch .silent {
        if Self.isSahara(decoder.unfinished) { throw .sahara }
        return nil
      } catch {
        throw Self.translate(error, step)
      }
    }
  }

  /// Throws away what is there and what still comes, until it has been quiet for `quiet`; ends
  /// after a hundred pieces at the latest, so that a babbling port cannot hold us.
  mutating func drain(quiet: Duration, at step: QDLError.Step) async throws(QDLError) {
    for _ in 0..<100 {
      do {
        _ = try await link.receive(within: quiet)
      } catch .silent {
        break
      } catch {
        throw Self.translate(error, step)
      }
    }
    decoder.reset()
    waiting = []
  }

  /// A Sahara hello: command 1, length 48, both little-endian words, without any frame.
  private static func isSahara(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [1, 0, 0, 0, 0x30, 0, 0, 0])
  }

  static func translate(_ error: LinkError, _ step: QDLError.Step) -> QDLError {
    error == .gone ? .gone(step) : .link(step, error)
  }
}
