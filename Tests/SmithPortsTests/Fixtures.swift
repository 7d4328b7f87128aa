import Foundation
import Glibc
import SmithLink
import SmithModel
import SmithPorts
import Testing

/// A folder of its own for one test, removed at the end.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent(
        "smith-ports-\(UUID().uuidString)"
      ).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Lets `link` in this folder lead to `target`, in one step.
  func pointLink(at target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/aside", withDestinationPath: target)
    #expect(unsafe rename("\(path)/aside", "\(path)/link") == 0)
  }
}

extension PTY {
  /// Reads what the host sent until `count` bytes are there.
  func take(_ count: Int) -> [UInt8] {
    var got: [UInt8] = []
    var scratch = [UInt8](repeating: 0, count: 65_536)
    while got.count < count {
      var watched = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&watched, 1, 300_000) > 0 else { break }
      got += read(into: &scratch)
    }
    return got
  }
}

extension SerialLink {
  /// Receives until `count` bytes are there.
  func take(_ count: Int) async throws(LinkError) -> [UInt8] {
    var got: [UInt8] = []
    while got.count < count { got += try await receive(within: .seconds(300)) }
    return got
  }
}

/// A stick that answers every byte with itself; at "!" it leaves the bus and comes back a minute
/// later as another one that answers in capitals.
struct ParrotBody: StickBody {
  var face: StickFace?
  var nextDue: Duration?
  private var isLoud = false
  private var generation = 0

  mutating func plug(at now: Duration) { enumerate() }

  mutating func unplug(at now: Duration) {
    face = nil
    nextDue = nil
  }

  mutating func advance(to now: Duration) -> [Emission] {
    guard let due = nextDue, due <= now else { return [] }
    nextDue = nil
    if face != nil {
      face = nil
      nextDue = due + .seconds(60)
      return []
    }
    isLoud = true
    enumerate()
    return []
  }

  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    guard port == 1 else { return [] }
    if bytes.contains(0x21) { nextDue = now }
    let answer = bytes.map { isLoud && (0x61...0x7a).contains($0) ? $0 - 0x20 : $0 }
    return [Emission(port: port, bytes: answer, at: now)]
  }

  private mutating func enumerate() {
    generation += 1
    face = StickFace(generation: generation, id: USBID(0x12d1, 0x1001), ports: [.modem, .at])
  }
}
