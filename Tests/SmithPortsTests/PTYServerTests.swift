import Glibc
import SmithLink
import SmithModel
import SmithPorts
import Testing

@Suite("Simulated sticks on PTYs") struct PTYServerTests {
  let scratch: Scratch
  var link: String { "\(scratch.path)/link" }

  init() throws { scratch = try Scratch() }

  func served(speed: Double = 1) -> (PTYServer<ParrotBody>, AsyncStream<PTYEvent>) {
    let (events, sink) = AsyncStream.makeStream(of: PTYEvent.self)
    let server = PTYServer(ParrotBody(), link: link, speed: speed) { event in
      sink.yield(event)
    }
    return (server, events)
  }

  /// Waits until the main link is published.
  func published(_ events: inout AsyncStream<PTYEvent>.Iterator) async -> Bool {
    while let event = await events.next(isolation: nil) {
      if case .published(link, _, .at) = event { return true }
    }
    return false
  }

  @Test("A stick answers, leaves, comes back under the same link, and answers differently")
  func reenumeration() async throws {
    let (server, stream) = served(speed: 10_000)
    var events = stream.makeAsyncIterator()
    async let running: Void = server.run()
    defer { server.stop() }
    #expect(await published(&events))
    let bus = NamedPortBus(port: link, lockDirectory: nil)
    var port = try await bus.port(at: bus.place, as: .at, within: .seconds(300))
    let first = try SerialLink(path: port.node, lockDirectory: nil)
    try await first.send([UInt8]("hello".utf8))
    #expect(try await first.take(5) == [UInt8]("hello".utf8))
    try await first.send([0x21])
    do throws(LinkError) {
      while true { _ = try await first.receive(within: .seconds(300)) }
    } catch {
      #expect(error == .gone)
    }
    await first.close()
    #expect(await published(&events))
    port = try await bus.port(at: bus.place, as: .download, within: .seconds(300))
    let second = try SerialLink(path: port.node, lockDirectory: nil)
    try await second.send([UInt8]("hello".utf8))
    #expect(try await second.take(5) == [UInt8]("HELLO".utf8))
    server.stop()
    try await running
    await #expect(throws: LinkError.gone) { try await second.receive(within: .seconds(300)) }
    #expect(unsafe access(link, F_OK) != 0)
    #expect(unsafe access("\(link).0", F_OK) != 0)
  }

  @Test("A host that closes the port takes nothing down, and its leftovers go with it")
  func hostCloses() async throws {
    let (server, stream) = served()
    var events = stream.makeAsyncIterator()
    async let running: Void = server.run()
    defer { server.stop() }
    #expect(await published(&events))
    for word in ["first", "second", "third"] {
      let host = try SerialLink(path: link, lockDirectory: nil)
      try await host.send([UInt8]("\(word) left".utf8))
      // The answer has arrived as a whole; some of it stays unread.
      #expect(try await host.take(word.utf8.count + 5).starts(with: word.utf8))
      await host.close()
    }
    server.stop()
    try await running
  }

  @Test("A megabyte passes through in order") func bulk() async throws {
    let (server, stream) = served()
    var events = stream.makeAsyncIterator()
    async let running: Void = server.run()
    defer { server.stop() }
    #expect(await published(&events))
    let host = try SerialLink(path: link, lockDirectory: nil)
    let block = (0..<4103).map { UInt8(truncatingIfNeeded: $0 &* 7) | 0x80 }
    for _ in 0..<256 {
      try await host.send(block)
      #expect(try await host.take(block.count) == block)
    }
    server.stop()
    try await running
  }

  @Test("Power can be taken from outside: the ports hang up at once") func unplug() async throws {
    let (server, stream) = served()
    var events = stream.makeAsyncIterator()
    async let running: Void = server.run()
    defer { server.stop() }
    #expect(await published(&events))
    let host = try SerialLink(path: link, lockDirectory: nil)
    server.change { body, now in body.unplug(at: now) }
    await #expect(throws: LinkError.gone) { try await host.receive(within: .seconds(300)) }
    server.change { body, now in body.plug(at: now) }
    #expect(await published(&events))
    server.stop()
    try await running
  }

  @Test("A file that is no link is not overwritten") func keepsFiles() async throws {
    let descriptor = unsafe open(link, O_WRONLY | O_CREAT, 0o644)
    close(descriptor)
    let (server, _) = served()
    await #expect(throws: LinkError.broken("\(link) exists and is no link; it is left alone")) {
      try await server.run()
    }
    #expect(unsafe access(link, F_OK) == 0)
  }
}
