public import SmithBytes
public import SmithLink

/// What a boot code says of itself (Docs/Protocols/dload.md section 1).
public struct DLOADParameters: Equatable, Sendable {
  /// Version of the protocol.
  public var version: UInt8
  /// Oldest version that it understands.
  public var minimum: UInt8
  /// Most data bytes of one write.
  public var mostData: Int
  /// A byte that tells the chip family; no list is published.
  public var model: UInt8
}

/// The download mode of a Qualcomm boot ROM or boot loader: puts a loader into RAM and starts it
/// (Docs/Protocols/dload.md). Writes nothing that survives a replug.
public final class DLOADSession {
  private let line: FramedLine
  private let answerLimit = Duration.seconds(1)
  private let tries = 3

  /// Speaks over `link`, which must lead to the download port.
  public init(_ link: any ByteLink) {
    line = FramedLine(link, openingFlag: true)
  }

  /// Asks whether anybody is there; harmless in every phase of a stick.
  public func knock() async throws(DLOADError) {
    _ = try await ask([6], "knock", answer: 2)
  }

  /// What the boot code says of itself.
  public func parameters() async throws(DLOADError) -> DLOADParameters {
    let body = try await ask([7], "parameters", answer: 8)
    guard body.count >= 6 else { throw .unexpected(step: "parameters", code: body[0]) }
    return DLOADParameters(
      version: body[1], minimum: body[2], mostData: Int(body[3]) << 8 | Int(body[4]),
      model: body[5])
  }

  /// The boot code's version text, for the log.
  public func version() async throws(DLOADError) -> String {
    let body = try await ask([12], "version", answer: 13)
    guard body.count >= 2 else { return "" }
    return String(printable: Array(body.dropFirst(2).prefix(Int(body[1]))))
  }

  /// Puts `loader` into memory from `base` on, each piece acknowledged, at most `mostData` bytes
  /// a piece (Docs/Protocols/dload.md section 3). Writing a piece again changes nothing, so a lost
  /// answer means the same piece again.
  public func upload(
    _ loader: SharedBytes, at base: UInt32, mostData: Int, progress: (Int) -> Void = { _ in }
  ) async throws(DLOADError) {
    let room = min(mostData, 1000)
    guard room > 0 else { throw .badLoader("the boot code takes no data") }
    guard !loader.isEmpty, UInt64(base) + UInt64(loader.count) <= 1 << 32 else {
      throw .badLoader("\(loader.count) bytes at \(base) leave the address space")
    }
    var offset = 0
    while offset < loader.count {
      let end = min(offset + room, loader.count)
      let piece = loader.intact(offset..<end)
      guard piece.count == end - offset else {
        throw .badLoader("it changed while it was sent")
      }
      var body: [UInt8] = [15]
      body.append(big: base + UInt32(truncatingIfNeeded: offset))
      body.append(big: UInt16(truncatingIfNeeded: piece.count))
      _ = try await ask(body + piece, "write at \(offset)", answer: 2)
      offset += piece.count
      progress(offset)
    }
  }

  /// Starts what was uploaded. Silence and a vanishing port are usual: whether it runs only the
  /// loader itself can say, so knock there next (Docs/Protocols/dload.md section 3).
  public func go(_ address: UInt32) async throws(DLOADError) {
    var body: [UInt8] = [5]
    body.append(big: address)
    try await sendOnce(body, "start")
  }

  /// Leaves download mode; what is on flash boots.
  public func reset() async throws(DLOADError) {
    try await sendOnce([10], "reset")
  }

  /// For requests after which the far end may be gone already.
  private func sendOnce(_ body: [UInt8], _ step: String) async throws(DLOADError) {
    do throws(DLOADError) {
      guard let answer = try await once(body, step, quiet: .zero) else { return }
      if answer[0] == 3 { throw .refused(step: step, reason: Self.reason(answer)) }
    } catch .link(_, .gone) {
      return
    } catch {
      throw error
    }
  }

  private func ask(_ body: [UInt8], _ step: String, answer: UInt8) async throws(DLOADError)
    -> [UInt8]
  {
    for attempt in 0..<tries {
      guard let got = try await once(body, step, quiet: attempt == 0 ? .zero : .milliseconds(50))
      else { continue }
      // After a second try the first one's answer may still come: it must not serve the next step.
      if attempt > 0 { try await settle(step) }
      if got[0] == answer { return got }
      guard got[0] == 3 else { throw .unexpected(step: step, code: got[0]) }
      // Only a damaged request is worth sending again.
      guard Self.reason(got) == 1, attempt + 1 < tries else {
        throw .refused(step: step, reason: Self.reason(got))
      }
    }
    throw .silent(step: step)
  }

  private func once(_ body: [UInt8], _ step: String, quiet: Duration) async throws(DLOADError)
    -> [UInt8]?
  {
    do throws(LinkError) {
      try await line.settle(quiet)
      try await line.send(body)
      return try await line.next(until: line.link.now + answerLimit)
    } catch {
      throw .link(step: step, error)
    }
  }

  private func settle(_ step: String) async throws(DLOADError) {
    do throws(LinkError) {
      try await line.settle(.milliseconds(50))
    } catch {
      throw .link(step: step, error)
    }
  }

  private static func reason(_ answer: [UInt8]) -> UInt16 {
    answer.count >= 3 ? UInt16(answer[1]) << 8 | UInt16(answer[2]) : 0
  }
}
