public import SmithLink

/// Which program answers on a port of a Qualcomm stick (Docs/Protocols/dload.md section 4).
/// Found by asking, never from a USB id.
public enum QualcommPhase: Equatable, Sendable {
  /// The application firmware's DIAG.
  case application
  /// Boot ROM or boot loader in download mode.
  case download
  /// A loader in RAM that speaks streaming download.
  case loader
  /// Sahara; the greeting that it sent by itself is handed on, because it comes only once.
  case sahara([UInt8])
  /// A Firehose programmer.
  case firehose
  /// Nobody answers.
  case silent

  /// Listens shortly, then sends the DLOAD no-operation, which is harmless in every phase.
  ///
  /// experimental: the order of the probes is inferred (Docs/Protocols/dload.md section 4).
  public static func probe(_ link: any ByteLink) async throws(LinkError) -> QualcommPhase {
    let line = FramedLine(link, openingFlag: true)
    let first = try await listen(link, within: .milliseconds(100))
    if first.count >= 8, first.starts(with: [1, 0, 0, 0, 0x30, 0, 0, 0]) { return .sahara(first) }
    if first.starts(with: Array("<?xml".utf8)) { return .firehose }
    for _ in 0..<2 {
      try await line.settle(.milliseconds(50))
      try await line.send([6])
      // A loader sends a log and then the error; an application firmware one bad-command frame.
      if let answer = try await line.next(until: link.now + .milliseconds(300)) {
        let phase = named(answer)
        try await line.settle(.milliseconds(50))
        if phase != .silent { return phase }
      }
    }
    return .silent
  }

  private static func named(_ answer: [UInt8]) -> QualcommPhase {
    switch answer[0] {
    case 2: .download
    // Any refusal of a good no-operation is still the voice of DLOAD.
    case 3 where answer.count == 3: .download
    case 0x13, 0x14, 0x15, 0x16: .application
    case 0x0d, 0x0e: .loader
    default: .silent
    }
  }

  private static func listen(_ link: any ByteLink, within limit: Duration)
    async throws(LinkError) -> [UInt8]
  {
    var heard: [UInt8] = []
    for _ in 0..<64 {
      do throws(LinkError) {
        heard += try await link.receive(within: limit)
        if heard.count >= 48 { break }
      } catch .silent {
        break
      } catch {
        throw error
      }
    }
    return heard
  }
}
