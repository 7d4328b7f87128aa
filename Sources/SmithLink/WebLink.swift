public import SmithBytes

/// One request to the web page that a stick serves.
public struct WebRequest: Sendable {
  /// `GET` or `POST`.
  public var method: String
  /// Path with its query, beginning with a slash.
  public var path: String
  /// Header lines beside Host and Content-Length, in order.
  public var headers: [WebHeader]
  /// The body: ranges of memory or of a mapped file, sent one after the other without a copy.
  public var body: [SharedBytes]
  /// The longest answer body that is taken; a longer one is an error.
  public var answerLimit: Int

  /// Gathers the parts.
  public init(
    _ method: String, _ path: String, headers: [WebHeader] = [], body: [SharedBytes] = [],
    answerLimit: Int = 1 << 20
  ) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
    self.answerLimit = answerLimit
  }

  /// Bytes of the body.
  public var bodySize: Int { body.reduce(0) { $0 + $1.count } }
}

/// One header line.
public struct WebHeader: Hashable, Sendable {
  /// Name as written; compared without case.
  public var name: String
  /// Value without surrounding blanks.
  public var value: String

  /// A header line.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What the page answered.
public struct WebAnswer: Sendable, Equatable {
  /// Status code, as in 200.
  public var status: Int
  /// Header lines in order; a name may occur more than once (Set-Cookie).
  public var headers: [WebHeader]
  /// The body, at most as long as the request allowed.
  public var body: [UInt8]

  /// Gathers the parts.
  public init(status: Int, headers: [WebHeader] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first header of that name, whatever its case.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// Requests to the web page of one stick; it owns time, and keeps no cookies: its user does.
///
/// A redirect is an answer like any other; nothing is ever fetched from another host.
public protocol WebLink: AnyObject, Sendable {
  /// Sends one request and takes the whole answer.
  ///
  /// - Parameters:
  ///   - limit: from the first byte sent to the last byte taken.
  ///   - sent: is told how many bytes of the body have left; the last call may come late.
  /// - Throws: a ``WebError``; whether the stick acted on the request is not known, unless it is
  ///   `.absent`.
  func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer
  /// Waits.
  func pause(_ duration: Duration) async
  /// The time of this link since some fixed moment; virtual on a virtual cable.
  var now: Duration { get }
}

extension WebLink {
  /// Sends one request without asking for its progress.
  public func exchange(_ request: WebRequest, within limit: Duration) async throws(WebError)
    -> WebAnswer
  {
    try await exchange(request, within: limit) { _ in }
  }
}

/// Why a web page did not answer as pages do.
public enum WebError: Error, Equatable, Sendable {
  /// Nothing listens there: no connection could be made; nothing was sent.
  case absent
  /// No complete answer within the limit.
  case silent
  /// The connection broke before the answer was complete.
  case gone
  /// The answer is longer than the request allows.
  case tooLong(limit: Int)
  /// What came is no HTTP answer.
  case garbled
  /// The system refused for another reason.
  case broken(String)
}
