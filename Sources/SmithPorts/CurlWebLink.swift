import CCurl
import SmithBytes
public import SmithLink
import Synchronization

/// Requests to the page of a real stick, through libcurl on a thread of its own.
///
/// Plain HTTP to one host: no proxy, no redirect followed, no cookie kept, no other host ever
/// asked, a fresh connection for each request so that none is ever sent twice
/// (Docs/Decisions/0009-libcurl-for-stick-pages.md).
public final class CurlWebLink: WebLink {
  /// Where the page is.
  public let address: WebAddress
  /// The only network card that is used; nil for whichever the system chooses.
  public let card: String?
  private let thread = PortThread()

  /// How long making the connection may take.
  private static let connectLimit = Duration.seconds(10)
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_NOTHING)) == CURLE_OK

  /// Prepares for requests; connects to nothing yet.
  ///
  /// - Parameter card: the only network card that may be used: two sticks with the same address
  ///   are told apart by it, and no other network is asked.
  public init(_ address: WebAddress, over card: String? = nil) {
    self.address = address
    self.card = card
  }

  /// The system's monotonic time.
  public var now: Duration { MonotonicClock.now }

  /// Waits; a cancelled task waits no longer.
  public func pause(_ duration: Duration) async {
    try? await Task.sleep(for: duration)
  }

  /// Sends one request and takes the whole answer.
  public func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    guard Self.isReady else { throw .broken("libcurl does not start") }
    try Self.check(request)
    let (counts, feed) = AsyncStream.makeStream(
      of: Int.self, bufferingPolicy: .bufferingNewest(1))
    let (address, card) = (address, card)
    async let outcome = thread.run {
      defer { feed.finish() }
      let transfer = CurlTransfer(request) { feed.yield($0) }
      return transfer.perform(
        to: address, over: card, within: limit, connecting: min(limit, Self.connectLimit))
    }
    for await count in counts { await sent(count) }
    return try await outcome.get()
  }

  /// What would let a path or a header line break out of its line.
  private static func check(_ request: WebRequest) throws(WebError) {
    let words = [request.path, request.method]
    guard request.path.hasPrefix("/"),
      words.allSatisfy({ $0.utf8.allSatisfy { (0x21...0x7e).contains($0) } })
    else { throw .broken("the path \(request.path.debugDescription) cannot be asked for") }
    for header in request.headers {
      let line = header.name + header.value
      guard !header.name.isEmpty, !header.name.contains(":"),
        line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
      else { throw .broken("a header line cannot be sent: \(header.name.debugDescription)") }
    }
  }
}
