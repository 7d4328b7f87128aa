public import SmithLink

/// Where a stick's page is: plain http to one host and port, nothing else.
public struct WebAddress: Hashable, Sendable, CustomStringConvertible {
  /// Name or number; IPv6 in brackets.
  public let host: String
  /// TCP port.
  public let port: Int

  /// Reads `http://192.168.8.1`, `192.168.8.1:8080`, with or without a slash at the end.
  ///
  /// - Throws: `.broken` for other schemes, user names, paths and anything that is no host.
  public init(_ text: String) throws(WebError) {
    var rest = Substring(text)
    // The host is checked below, and it holds no slash: other schemes are refused there.
    if rest.lowercased().hasPrefix("http://") { rest = rest.dropFirst(7) }
    if rest.last == "/" { rest.removeLast() }
    var number = "80"
    let end = rest.lastIndex(of: "]") ?? rest.startIndex
    if let colon = rest[end...].lastIndex(of: ":") {
      number = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
    }
    guard let port = Int(number), (1...65_535).contains(port), Self.isHost(rest) else {
      throw .broken("\(text) is no http address")
    }
    host = String(rest)
    self.port = port
  }

  /// As a browser shows it.
  public var description: String { "http://\(authority)" }

  /// Host, and the port if it is not the usual one: what Host and Referer lines name.
  public var authority: String { port == 80 ? host : "\(host):\(port)" }

  private static func isHost(_ text: Substring) -> Bool {
    var inner = text
    let isNumber6 = inner.first == "[" && inner.last == "]"
    if isNumber6 { inner = inner.dropFirst().dropLast() }
    return (1...253).contains(inner.count)
      && inner.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e: true
        case 0x3a: isNumber6
        default: false
        }
      }
  }
}
