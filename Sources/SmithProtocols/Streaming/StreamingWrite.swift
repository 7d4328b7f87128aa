import SmithBytes
import SmithLink

extension StreamingSession {
  /// How often progress is told.
  private static var progressStep: Int { 32_768 }

  /// Closes an image that an interrupted run may have left open; that none is open is no error.
  /// What was in it is incomplete: write it again from its start.
  public func closeLeftOpen() async throws(StreamingError) {
    for _ in 0..<tries {
      do throws(StreamingError) {
        let closed = try await once(
          [0x15], "close", answer: 0x16, within: .seconds(60), quiet: .milliseconds(50))
        if closed != nil { return }
      } catch .refused {
        // Nothing was open, or it could not be finished: closed in either case.
        return
      } catch .unexpected {
        continue
      } catch { throw error }
    }
    throw .silent(step: "close")
  }

  /// One piece on its way.
  private struct Piece {
    let address: UInt32
    let end: Int
    /// What is sent once more if no answer comes; empty where nothing is repeated.
    let frame: [UInt8]
  }

  func stream(
    _ size: Int, window: Int, next: (Int) -> [UInt8], progress: (Int) async -> Void
  ) async throws(StreamingError) {
    var waiting: [Piece] = []
    var first = 0
    var sent = 0
    var acknowledged = 0
    var told = 0
    var wire: [UInt8] = []
    while acknowledged < size {
      // Half a window at a time: fewer and longer transfers.
      if sent < size, waiting.count - first <= window / 2 {
        waiting.removeFirst(first)
        first = 0
        wire.removeAll(keepingCapacity: true)
        while sent < size, waiting.count < window {
          waiting.append(try piece(size, &sent, isRepeated: window == 1, next, into: &wire))
        }
        try await send(framed: wire)
      }
      let oldest = waiting[first]
      try await acknowledge(oldest.address, again: oldest.frame)
      first += 1
      if acknowledged == 0 || oldest.end - told >= Self.progressStep || oldest.end == size {
        told = oldest.end
        await progress(told)
      }
      acknowledged = oldest.end
    }
  }

  private func piece(
    _ size: Int, _ sent: inout Int, isRepeated: Bool, _ next: (Int) -> [UInt8],
    into wire: inout [UInt8]
  ) throws(StreamingError) -> Piece {
    let address = UInt32(truncatingIfNeeded: sent)
    var body: [UInt8] = [7]
    body.reserveCapacity(5 + most)
    body.append(little: address)
    let isWhole = body.pull(min(most, size - sent), from: next)
    sent += body.count - 5
    guard isWhole else { throw .sourceEnded(at: sent) }
    let start = wire.count
    HDLC.encode(body, into: &wire)
    return Piece(
      address: address, end: sent, frame: isRepeated ? Array(wire[start...]) : [])
  }

  /// Waits for the acknowledgement of one piece; `again` is sent anew when none comes.
  private func acknowledge(_ address: UInt32, again frame: [UInt8]) async throws(StreamingError) {
    // Erase blocks are at least 128 KiB; at their borders the loader may be busy erasing.
    let patience = Duration.seconds(address.isMultiple(of: 0x20000) ? 30 : 5)
    var stale = 0
    for attempt in 0..<tries {
      if attempt > 0 {
        if frame.isEmpty { break }
        try await settle("write", .milliseconds(50))
        try await send(framed: frame)
      }
      let deadline = line.link.now + patience
      while let reply = try await reply("write", answer: 8, until: deadline) {
        guard reply.count >= 5 else { throw .unexpected(step: "write", code: reply[0]) }
        let got = (1...4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(reply[$1]) }
        if got == address { return }
        // The late answer to a piece that was sent twice is no answer to this one.
        stale += 1
        guard got < address, stale <= 5 else {
          throw .wrongAddress(expected: address, got: got)
        }
      }
    }
    throw .silent(step: "write at \(address)")
  }

  private func send(framed bytes: [UInt8]) async throws(StreamingError) {
    do throws(LinkError) {
      try await line.send(framed: bytes)
    } catch {
      throw .link(step: "write", error)
    }
  }
}
