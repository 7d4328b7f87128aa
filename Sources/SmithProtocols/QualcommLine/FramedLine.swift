import SmithBytes
import SmithLink

/// One HDLC conversation over a link, shared by DIAG, DLOAD and streaming (Docs/Protocols/diag.md
/// section 1). Frames that are no frames are dropped here: all three protocols answer a damaged
/// request, if at all, with a frame of their own.
final class FramedLine {
  let link: any ByteLink
  private let openingFlag: Bool
  private var decoder = HDLCDecoder(limit: 8192)
  private var ready: [[UInt8]] = []

  init(_ link: any ByteLink, openingFlag: Bool) {
    self.link = link
    self.openingFlag = openingFlag
  }

  func send(_ body: [UInt8]) async throws(LinkError) {
    let frame = HDLC.frame(body)
    try await link.send(openingFlag ? frame : Array(frame.dropFirst()))
  }

  /// Sends several frames in one piece.
  func send(framed bytes: [UInt8]) async throws(LinkError) {
    try await link.send(bytes)
  }

  /// Forgets everything that arrived so far; waits until the line is quiet for `quiet`.
  ///
  /// A frame carries no number, so a late answer looks like the answer to the next request.
  func settle(_ quiet: Duration = .zero) async throws(LinkError) {
    decoder.reset()
    ready.removeAll()
    for _ in 0..<256 {
      do throws(LinkError) {
        _ = try await link.receive(within: quiet)
      } catch .silent {
        return
      } catch {
        throw error
      }
    }
  }

  /// The next whole frame, or nil if none is complete at `deadline` of the link's time.
  func next(until deadline: Duration) async throws(LinkError) -> [UInt8]? {
    for _ in 0..<100_000 {
      if !ready.isEmpty { return ready.removeFirst() }
      let left = deadline - link.now
      guard left > .zero else { return nil }
      do throws(LinkError) {
        for case .body(let body) in decoder.feed(try await link.receive(within: left)) {
          ready.append(body)
        }
      } catch .silent {
        return nil
      } catch {
        throw error
      }
    }
    // So many pieces without a frame are noise; to the caller that is the same as silence.
    return nil
  }
}

extension LinkError {
  /// The reason in words that end a sentence.
  var words: String {
    switch self {
    case .silent: "nothing arrived"
    case .gone: "the port vanished"
    case .busy(let holder): "the port is in use by \(holder ?? "another program")"
    case .notPermitted(let path): "no permission to open \(path)"
    case .notFound(let path): "there is no \(path)"
    case .broken(let text): text
    }
  }
}
