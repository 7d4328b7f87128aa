import FlyingFox

/// The secret of one run of the page: 256 random bits, as 64 hexadecimal digits.
public struct PageToken: Sendable {
  /// Its digits.
  public let text: String

  /// A new one.
  public init() {
    var random = SystemRandomNumberGenerator()
    text = (0..<4).map { _ in
      let part = String(random.next(), radix: 16)
      return String(repeating: "0", count: 16 - part.count) + part
    }.joined()
  }

  /// Whether it was given; takes the same time wherever the first wrong digit stands.
  func matches(_ given: String?) -> Bool {
    let mine = Array(text.utf8)
    let theirs = Array((given ?? "").utf8)
    guard mine.count == theirs.count else { return false }
    return zip(mine, theirs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Decides for every request whether it comes from the owner's own browser.
struct PageGate: Sendable {
  let port: UInt16
  let token: PageToken

  static let header = HTTPHeader("X-Modemsmith-Token")
  private static let origin = HTTPHeader("Origin")

  /// Names under which a browser reaches us; any other is a name that was rebound to us.
  private var hosts: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }

  /// Why the request is refused; nil if it may pass.
  ///
  /// There is no cookie: cookies do not know ports, so that every other server on this computer
  /// would get it, and a foreign page's request would carry it. The page sends a header instead.
  func objection(_ request: HTTPRequest) -> String? {
    guard let host = request.headers[.host]?.lowercased(), hosts.contains(host) else {
      return "This is not the name of this page."
    }
    if let origin = request.headers[Self.origin]?.lowercased(), origin != "http://\(host)" {
      return "Another page may not ask this one."
    }
    if token.matches(request.headers[Self.header]) { return nil }
    // The address that was printed opens the page itself and nothing else.
    if request.path == "/", token.matches(request.query["token"]) { return nil }
    return "Open the address that `modemsmith serve` printed."
  }
}
