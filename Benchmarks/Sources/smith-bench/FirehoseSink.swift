import Foundation
import SmithFormats
import SmithLink
import SmithPorts
import SmithProtocols

/// The far end of a measured Firehose write: a programmer that takes everything and keeps nothing.
struct FirehoseSink {
  let descriptor: Int32
  static let sectorSize = 4096

  /// Answers until the port is closed.
  func run() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var text = ""
    var left = 0
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return }
      if left > 0 {
        left -= count
        if left <= 0 { put("<response value=\"ACK\" rawmode=\"false\"/>") }
        continue
      }
      text += String(decoding: buffer[..<count], as: UTF8.self)
      guard text.hasSuffix("</data>") else { continue }
      if text.contains("<program") {
        let sectors = text.split(separator: "num_partition_sectors=\"").last?
          .prefix { $0.isNumber }
        left = (sectors.flatMap { Int($0) } ?? 0) * Self.sectorSize
        put("<response value=\"ACK\" rawmode=\"true\"/>")
      } else {
        put("<response value=\"ACK\"/>")
      }
      text = ""
    }
  }

  private func put(_ element: String) {
    let document = Array("<?xml version=\"1.0\" ?><data>\(element)</data>".utf8)
    _ = write(descriptor, document, document.count)
  }

  /// One image of `bytes` bytes over a PTY, the real procedure on our side.
  static func measure(_ bytes: Int) async throws -> Cable.Result {
    let (pty, process) = try Cable.farEnd("firehose-sink", "0")
    let link = try SerialLink(path: pty.path, lockDirectory: nil)
    let content = Cable.content
    let sectors = UInt64(bytes / sectorSize)
    let session = FirehoseSession(
      link, map: FirehoseMap(places: [.init(name: "modem", sectors: 0..<sectors)]))
    try await session.configure(.emmc)
    var position = 0
    let before = usage()
    let start = ContinuousClock.now
    try await session.program(
      RawProgram.Program(
        file: "modem.bin", label: "modem", sectorSize: sectorSize, sectorCount: sectors,
        start: .number(0)), size: bytes,
      next: { count in
        // The content repeats, so that the image costs no memory.
        let from = position % content.count
        let piece = [UInt8](content[from..<min(from + count, content.count)])
        position += piece.count
        return piece
      })
    let seconds = (ContinuousClock.now - start).seconds
    let after = usage()
    await link.close()
    Cable.end(pty, process)
    return Cable.Result(seconds: seconds, cpu: after.cpu - before.cpu, peakMiB: after.peakMiB)
  }
}
