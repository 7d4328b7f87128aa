import Foundation
import SmithBytes
import SmithPorts
import SmithProtocols

/// The far end of a measured QDL download: a loader that takes everything and keeps nothing.
struct QDLSink {
  let descriptor: Int32

  /// Answers until the port is closed.
  func run() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var input: [UInt8] = []
    var left = 0
    var sequence: UInt16 = 0
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return }
      var start = 0
      if left > 0 {
        start = min(left, count)
        left -= start
        if left == 0 { answerChunk(sequence) }
      }
      input += buffer[start..<count]
      while left == 0, let first = input.first {
        if first == 0x27 {
          guard input.count >= 13 else { break }
          sequence = UInt16(input[1]) | UInt16(input[2]) << 8
          let size = (0..<4).reduce(0) { $0 | Int(input[7 + $1]) << (8 * $1) }
          let there = min(size, input.count - 13)
          input.removeFirst(13 + there)
          left = size - there
          if left == 0 { answerChunk(sequence) }
        } else {
          guard let end = input.dropFirst().firstIndex(of: 0x7e) else { break }
          if end > 1 { answer(input[1]) }
          input.removeFirst(end + (end > 1 ? 1 : 0))
        }
      }
    }
  }

  private func answer(_ kind: UInt8) {
    switch kind {
    case 0x70: put([0x02])
    case 0x01:
      var hello: [UInt8] = [0x02] + "QCOM high speed protocol".utf8
      hello += [0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 6, 6, 0, 0, 0, 4] + [0, 0, 0, 0, 0]
      put(hello + [1, 0, 0, 0, 0x30])
    case 0x25: put([0x26, 0, 0, 1, 0, 0, 0x10, 0])
    case 0x29: put([0x2a, 0, 0, 0, 0])
    default: break
    }
  }

  private func answerChunk(_ sequence: UInt16) {
    put([0x28, UInt8(sequence & 0xff), UInt8(sequence >> 8), 0, 0, 0, 0, 0, 0])
  }

  private func put(_ body: [UInt8]) {
    let frame = HDLC.frame(body)
    _ = write(descriptor, frame, frame.count)
  }

  /// One download of `bytes` over a PTY, the real procedure on our side.
  static func measure(_ bytes: Int) async throws -> Cable.Result {
    let (pty, process) = try Cable.farEnd("qdl-sink", "0")
    let link = try SerialLink(path: pty.path, lockDirectory: nil)
    let content = Cable.content
    let image = QDLImage(
      name: "bench", type: .cwe, header: [UInt8](repeating: 1, count: 400), size: bytes
    ) { range, buffer in
      // The content repeats, so that the image costs no memory.
      var at = range.lowerBound
      while at < range.upperBound {
        let start = at % content.count
        let count = min(range.upperBound - at, content.count - start)
        buffer.append(contentsOf: content[start..<(start + count)])
        at += count
      }
      return true
    }
    let before = usage()
    let start = ContinuousClock.now
    let result = try await SierraQDL.download([image], over: link)
    let seconds = (ContinuousClock.now - start).seconds
    let after = usage()
    await link.close()
    Cable.end(pty, process)
    guard result.restarts == 0 else { throw Failure(what: "QDL began again") }
    return Cable.Result(seconds: seconds, cpu: after.cpu - before.cpu, peakMiB: after.peakMiB)
  }
}
