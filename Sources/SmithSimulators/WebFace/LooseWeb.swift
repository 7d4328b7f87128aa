import SmithBytes
import SmithLink

/// How a simulated stick's web server behaves: small servers of such sticks are no Apache.
public struct WebManners: Sendable, Equatable {
  /// What is wrong with the pages.
  public enum Malice: String, Sendable, CaseIterable {
    /// A page as it should be.
    case none
    /// Every answer goes on for ever.
    case endless
    /// Every request is sent to another host.
    case redirect
    /// The length in the header is larger than the body.
    case wrongLength = "wrong-length"
    /// HTML instead of JSON.
    case html
    /// A script in the place of the model's name.
    case script
  }

  /// Whether answers come in chunks.
  public var chunks = false
  /// Whether the connection ends the body instead of a length.
  public var closesEarly = false
  /// Whether header names are written oddly, with blanks and unknown ones between.
  public var oddHeaders = false
  /// What is wrong.
  public var malice = Malice.none
  /// How long a page takes.
  public var delay = Duration.milliseconds(20)

  /// Plain manners.
  public init() {}
}

/// Writes what a simulated page answers, in the manners of its server.
struct LooseWeb {
  let manners: WebManners
  let now: Duration

  func json(_ text: String, cookie: String? = nil) -> WebReply {
    switch manners.malice {
    case .html: answer("<html><body>Please log in</body></html>", type: "text/html")
    case .endless:
      WebReply(
        [
          .init(head("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{\"a\":\""), at: late),
          .init([UInt8](repeating: 0x61, count: 8192), at: late),
        ], ending: .endless)
    case .redirect:
      WebReply(
        [
          .init(
            head(
              "HTTP/1.1 302 Moved\r\nLocation: http://198.51.100.7/login\r\n"
                + "Content-Length: 0\r\n\r\n"), at: late)
        ], ending: .close)
    case .wrongLength:
      WebReply(
        [
          .init(head("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), at: late),
          .init(Array(text.utf8), at: late),
        ], ending: .close)
    case .none, .script: answer(text, type: "text/html", cookie: cookie)
    }
  }

  func page(_ text: String) -> WebReply { answer(text, type: "text/html") }

  func file(_ bytes: [UInt8]) -> WebReply {
    WebReply.page(
      headers: [WebHeader("Content-Type", "application/octet-stream")], body: bytes, at: late)
  }

  func missing() -> WebReply { WebReply.page(404, body: Array("not found".utf8), at: late) }

  private var late: Duration { now + manners.delay }

  private func head(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func answer(_ text: String, type: String, cookie: String? = nil) -> WebReply {
    let body = Array(text.utf8)
    var lines = manners.oddHeaders ? ["SERVER : GoAhead-Webs", "x-nothing:"] : ["Server: GoAhead"]
    if manners.oddHeaders { lines[0] = "sErVeR: GoAhead-Webs" }
    lines.append(manners.oddHeaders ? "content-TYPE:\(type)" : "Content-Type: \(type)")
    if let cookie { lines.append("Set-Cookie: \(cookie); Path=/") }
    var pieces: [WebReply.Piece] = []
    if manners.chunks {
      lines.append("Transfer-Encoding: chunked")
      var chunks: [UInt8] = []
      for start in stride(from: 0, to: body.count, by: 7) {
        let part = body[start..<min(start + 7, body.count)]
        chunks += Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [0x0d, 0x0a]
      }
      pieces.append(.init(chunks + Array("0\r\n\r\n".utf8), at: late + .milliseconds(5)))
    } else {
      if !manners.closesEarly { lines.append("Content-Length: \(body.count)") }
      pieces.append(.init(body, at: late + .milliseconds(5)))
    }
    let start = head("HTTP/1.1 200 OK\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n")
    pieces.insert(.init(start, at: late), at: 0)
    return WebReply(pieces, ending: manners.closesEarly ? .close : .open)
  }
}

/// Takes requests apart as the small servers do.
enum WebAsk {
  /// Fields of a query or of a form.
  static func fields(_ text: some StringProtocol) -> [String: String] {
    var result: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[plain(parts[0])] = parts.count > 1 ? plain(parts[1]) : ""
    }
    return result
  }

  /// Query and form of a request together.
  static func fields(of call: WebCall) -> [String: String] {
    let query = call.path.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    var result = fields(query)
    if call["Content-Type"]?.hasPrefix("application/x-www-form-urlencoded") == true {
      result.merge(fields(String(decoding: call.body.bytes(), as: UTF8.self))) { $1 }
    }
    return result
  }

  /// The file in a form of several parts, and its field; nil if it is not whole.
  static func file(of call: WebCall) -> (field: String, bytes: [UInt8])? {
    guard let type = call["Content-Type"], let range = type.firstRange(of: "boundary=") else {
      return nil
    }
    let mark = Array("--\(type[range.upperBound...])".utf8)
    let body = call.body.bytes()
    let end = Array("\r\n".utf8) + mark + Array("--".utf8)
    guard body.starts(with: mark), body.count > end.count + mark.count else { return nil }
    let tail = body.last == 0x0a ? Array(body.dropLast(2)) : body
    guard tail.suffix(end.count).elementsEqual(end), let start = blankLine(in: tail) else {
      return nil
    }
    let head = String(decoding: tail[..<start], as: UTF8.self)
    guard let name = head.firstRange(of: "name=\"") else { return nil }
    let field = head[name.upperBound...].prefix { $0 != "\"" }
    guard start <= tail.count - end.count else { return nil }
    return (String(field), Array(tail[start..<(tail.count - end.count)]))
  }

  private static func blankLine(in bytes: [UInt8]) -> Int? {
    let wanted: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a]
    for index in 0..<max(0, min(bytes.count, 2048) - 4)
    where bytes[index..<(index + 4)].elementsEqual(wanted) {
      return index + 4
    }
    return nil
  }

  private static func plain(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x25, rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == 0x2b ? 0x20 : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What the made-up firmware files of simulated sticks hold.
enum MarkedFirmware {
  /// The version between `SMITHSIM-VERSION:` and `;` in the first 4 KiB; nil for foreign files.
  static func version(_ bytes: [UInt8]) -> String? {
    let head = String(decoding: bytes.prefix(4096), as: UTF8.self)
    guard let start = head.firstRange(of: "SMITHSIM-VERSION:") else { return nil }
    let text = head[start.upperBound...].prefix(80)
    guard let end = text.firstIndex(of: ";") else { return nil }
    return String(text[..<end])
  }

  /// Text between quotes.
  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
