import Foundation
import SmithBytes
import SmithPorts
import SmithProtocols

/// The far end of a measured streaming download: a loader that takes everything and keeps nothing.
struct StreamingSink {
  let descriptor: Int32

  /// Answers until the port is closed; the answers to one read leave in one write.
  func run() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var decoder = HDLCDecoder(limit: 2048)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return }
      var replies: [UInt8] = []
      for case .body(let body) in decoder.feed([UInt8](buffer[..<count])) {
        HDLC.encode(answer(body), into: &replies)
      }
      var rest = replies[...]
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
      }
    }
  }

  private func answer(_ body: [UInt8]) -> [UInt8] {
    switch body[0] {
    case 0x01:
      [2] + Array("QCOM fast download protocol targ".utf8) + [3, 2, 0, 4, 0, 0, 0, 0, 0, 0, 4]
        + Array("SINK".utf8) + [100, 0, 0, 0, 9]
    case 0x07: [8] + Array(body[1..<5])
    case 0x1b, 0x19: [body[0] + 1, 0]
    default: [body[0] + 1]
    }
  }

  /// One image of `bytes` over a PTY, the real procedure on our side.
  static func measure(_ bytes: Int) async throws -> Cable.Result {
    let (pty, process) = try Cable.farEnd("streaming-sink", "0")
    let link = try SerialLink(path: pty.path, lockDirectory: nil)
    let content = Cable.content
    let session = StreamingSession(link)
    _ = try await session.hello()
    try await session.security()
    var position = 0
    let before = usage()
    let start = ContinuousClock.now
    try await session.write(
      .amss, size: bytes, window: 32,
      next: { count in
        // The content repeats, so that the image costs no memory.
        let at = position % content.count
        let end = min(content.count, at + count)
        position += end - at
        return [UInt8](content[at..<end])
      })
    let seconds = (ContinuousClock.now - start).seconds
    let after = usage()
    await link.close()
    Cable.end(pty, process)
    return Cable.Result(seconds: seconds, cpu: after.cpu - before.cpu, peakMiB: after.peakMiB)
  }

  static func rows(_ quick: Bool) throws -> [Row] {
    let results = try (0..<(quick ? 3 : 7)).map { _ in try Cable.run("streaming", mebibytes: 32) }
    let peak = results.map(\.peakMiB).max() ?? 0
    let big = try Cable.run("streaming", mebibytes: 256)
    return [
      Row("streaming 32 MiB", median(results.map { 32 / $0.seconds }), "MiB/s"),
      Row("streaming 32 MiB, processor", median(results.map { $0.cpu * 1000 / 32 }), "ms/MiB")
        .atMost(5),
      Row("streaming 32 MiB, peak memory", peak, "MiB"),
      Row("streaming 256 MiB, peak memory", big.peakMiB, "MiB").atMost(peak + 8),
    ]
  }
}
