import FlyingFox
import FlyingSocks
public import Foundation
public import SmithModel

/// What the page shows; the face gives it, so that the page and the command line say the same.
public struct PageAnswers: Sendable {
  /// One answer: JSON text.
  public typealias Answer = @Sendable () async throws(Trouble) -> Data

  /// What `list` knows: a JSON array of sticks.
  public var sticks: Answer
  /// What `history` knows: a JSON array of earlier updates.
  public var history: Answer

  /// What `library find --for-device` knows of the stick at a place, or of the only one: a JSON
  /// array of files, each with its fit. The stick is asked who it is.
  public var fits: @Sendable (_ place: String?) async throws(Trouble) -> Data

  /// Gathers the parts.
  public init(
    sticks: @escaping Answer, history: @escaping Answer,
    fits: @escaping @Sendable (_ place: String?) async throws(Trouble) -> Data
  ) {
    self.sticks = sticks
    self.history = history
    self.fits = fits
  }
}

/// The page on this computer: reads only, and answers nobody but the owner of its token.
///
/// It listens on 127.0.0.1 and nowhere else (Docs/Decisions/0011-flyingfox-for-the-page.md).
public struct PageServer: Sendable {
  /// What opens the page.
  public let token: PageToken
  private let port: UInt16
  private let answers: PageAnswers

  /// A server that does not listen yet.
  ///
  /// - Parameter port: 0 for any free one.
  public init(port: UInt16 = 0, answers: PageAnswers, token: PageToken = PageToken()) {
    self.port = port
    self.answers = answers
    self.token = token
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameter listening: called once with the address to open, token included.
  /// - Throws: `page.cannot-listen` where the port cannot be had.
  public func run(_ listening: @escaping @Sendable (URL) -> Void) async throws(Trouble) {
    do {
      let address = try sockaddr_in.inet(ip4: "127.0.0.1", port: port)
      let server = HTTPServer(address: address, logger: .disabled)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        group.addTask { try await announce(server, listening) }
        // The first to end is the announcement, or the server that could not begin.
        try await group.next()
        try await group.next()
      }
    } catch {
      if Task.isCancelled { return }
      throw Trouble(
        "page.cannot-listen", "The page cannot listen on 127.0.0.1, port \(port).",
        facts: ["\(error)"],
        advice: ["Take another port (`--port 0` takes any free one)."], exitCode: .usage)
    }
  }

  private func announce(
    _ server: HTTPServer, _ listening: @escaping @Sendable (URL) -> Void
  ) async throws {
    try await server.waitUntilListening()
    guard case .ip4(_, let bound)? = await server.listeningAddress,
      let url = URL(string: "http://127.0.0.1:\(bound)/?token=\(token.text)")
    else { throw SocketError.unsupportedAddress }
    // Which hosts are ours is known only now; until then every path is 404.
    let handler = PageHandler(gate: PageGate(port: bound, token: token), answers: answers)
    await server.appendRoute("*", to: handler)
    listening(url)
  }
}
