import Foundation
import SmithLink
import SmithPorts
import Synchronization

/// A page on a TCP port of this computer, for as long as a test needs it.
final class Served<Body: WebBody>: Sendable {
  private let server: WebPageServer<Body>
  private let events: AsyncStream<WebPageEvent>

  private init(_ body: Body, speed: Double) {
    let (events, feed) = AsyncStream.makeStream(of: WebPageEvent.self)
    self.events = events
    let link = FileManager.default.temporaryDirectory.appending(path: "hilink-\(UUID().uuidString)")
    server = WebPageServer(body, link: link.path, speed: speed) { feed.yield($0) }
  }

  /// Serves the body while `work` runs, and hands it a link to the page.
  static func run(
    _ body: Body, speed: Double = 1,
    _ work: @Sendable (CurlWebLink, Served<Body>) async throws -> Void
  ) async throws {
    let served = Served(body, speed: speed)
    async let running: Void = served.server.run()
    defer { served.server.stop() }
    try await work(CurlWebLink(try await served.address()), served)
    served.server.stop()
    try await running
  }

  func change<Result: Sendable>(_ work: @Sendable (inout Body, Duration) -> Result) -> Result {
    server.change(work)
  }

  /// Waits until the page is there.
  func address() async throws -> WebAddress {
    for await case .published(let url) in events { return try WebAddress(url) }
    throw WebError.absent
  }

  /// Waits until the page is away.
  func withdrawn() async {
    for await case .withdrawn in events { return }
  }
}
