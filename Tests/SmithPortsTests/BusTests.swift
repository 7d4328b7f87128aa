import Foundation
import SmithLink
import SmithModel
import SmithPorts
import Testing

@Suite("Named ports") struct NamedPortBusTests {
  @Test("A link that goes away and comes back leads to the new port") func swap() async throws {
    let scratch = try Scratch()
    let bus = NamedPortBus(port: "\(scratch.path)/link", lockDirectory: nil)
    await #expect(throws: BusError.absent(bus.place, .at)) {
      try await bus.port(at: bus.place, as: .at, within: .zero)
    }
    var first: PTY? = try PTY()
    try scratch.pointLink(at: #require(first?.path))
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(300))
    let link = try await bus.open(port)
    first = nil
    await #expect(throws: LinkError.gone) { try await link.receive(within: .seconds(300)) }
    // The link still lies there and leads nowhere, as it may for a moment in life.
    await #expect(throws: BusError.absent(bus.place, .download)) {
      try await bus.port(at: bus.place, as: .download, within: .zero)
    }
    let waiting = Task { try await bus.port(at: bus.place, as: .download, within: .seconds(60)) }
    let second = try PTY()
    try scratch.pointLink(at: second.path)
    let again = try await bus.open(waiting.value)
    try await again.send([9])
    #expect(second.take(1) == [9])
    await again.close()
    await link.close()
  }

  @Test("Download mode may have a path of its own") func downloadPath() async throws {
    let (normal, download) = (try PTY(), try PTY())
    let bus = NamedPortBus(port: normal.path, downloadPort: download.path, lockDirectory: nil)
    #expect(try await bus.ports().map(\.role) == [.at, .download])
    let limit = Duration.seconds(300)
    #expect(
      try await bus.port(at: bus.place, as: .at, within: limit).node == normal.path)
    #expect(
      try await bus.port(at: bus.place, as: .download, within: limit).node == download.path)
    #expect(
      try await bus.port(at: bus.place, as: .bootROM, within: limit).node == download.path)
    await #expect(throws: BusError.absent(.named("elsewhere"), .at)) {
      try await bus.port(at: .named("elsewhere"), as: .at, within: .zero)
    }
  }
}
