import SmithBytes
import SmithLink
import SmithModel

/// Requests in the manner of stick pages: headers, cookie, bounded answers, nothing followed.
final class PageTalk {
  let link: any WebLink
  /// Header lines of every request.
  var headers: [WebHeader]
  private var cookie: String?
  /// How long a page may take to answer an ordinary request.
  static let limit = Duration.seconds(10)

  init(_ link: any WebLink, host: String) {
    self.link = link
    headers = [WebHeader("Referer", "http://\(host)/index.html")]
  }

  /// A question: asked again if the connection failed, for asking changes nothing.
  func read(_ path: String) async throws(PageError) -> [UInt8] {
    var last = WebError.silent
    for attempt in 0..<3 {
      if attempt > 0 { await link.pause(.milliseconds(500)) }
      do throws(PageError) {
        return try await send(WebRequest("GET", path))
      } catch .link(let error) {
        guard error == .silent || error == .gone else { throw .link(error) }
        last = error
      } catch {
        throw error
      }
    }
    throw .link(last)
  }

  /// A question whose answer is JSON.
  func readJSON(_ path: String) async throws(PageError) -> PageValue {
    try Self.json(try await read(path), path)
  }

  /// A change: sent once.
  func write(_ path: String, form: [(String, String)]) async throws(PageError) -> [UInt8] {
    let body = form.map { "\(PageForm.escaped($0.0))=\(PageForm.escaped($0.1))" }
      .joined(separator: "&")
    return try await send(
      WebRequest(
        "POST", path,
        headers: [
          WebHeader("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
        ], body: [SharedBytes(Array(body.utf8))]))
  }

  /// A JSON body; sent once.
  func post(_ path: String, json: String, _ more: [WebHeader]) async throws(PageError) -> [UInt8] {
    try await send(
      WebRequest(
        "POST", path, headers: more + [WebHeader("Content-Type", "application/json")],
        body: [SharedBytes(Array(json.utf8))]))
  }

  /// A file in a form of several parts; sent once, and its progress told.
  func upload(
    _ path: String, field: String, name: String, _ file: SharedBytes, _ more: [WebHeader],
    _ witness: any PageWitness
  ) async throws(PageError) -> [UInt8] {
    let form = Multipart(field: field, name: name, file)
    let request = WebRequest(
      "POST", path, headers: more + [WebHeader("Content-Type", form.contentType)],
      body: form.parts, answerLimit: 65_536)
    let head = form.parts[0].count
    let size = file.count
    // Slower than any network of such a stick, and time for the stick to check the file.
    let limit = Duration.seconds(120 + size / 50_000)
    return try await send(request, within: limit) { count in
      await witness.sent(min(max(0, count - head), size))
    }
  }

  private func send(
    _ request: WebRequest, within limit: Duration = PageTalk.limit,
    sent: @Sendable (Int) async -> Void = { _ in }
  ) async throws(PageError) -> [UInt8] {
    var request = request
    request.headers = headers + request.headers
    if let cookie { request.headers.append(WebHeader("Cookie", cookie)) }
    let answer: WebAnswer
    do { answer = try await link.exchange(request, within: limit, sent: sent) } catch {
      throw .link(error)
    }
    if (300..<400).contains(answer.status) {
      throw .redirect(to: answer["Location"] ?? "nowhere")
    }
    guard answer.status == 200 else {
      throw .status(answer.status, path: String(request.path.prefix { $0 != "?" }))
    }
    keepCookie(answer)
    return answer.body
  }

  /// Keeps the first cookie of the session: name and value, nothing else of it.
  private func keepCookie(_ answer: WebAnswer) {
    guard let line = answer["Set-Cookie"] else { return }
    let pair = String(line.prefix { $0 != ";" })
    let isPlain = pair.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x2c }
    if isPlain, (3...512).contains(pair.utf8.count), pair.contains("=") { cookie = pair }
  }

  static func json(_ bytes: [UInt8], _ path: String) throws(PageError) -> PageValue {
    guard let value = PageValue(bytes), value.isObject else {
      throw .notJSON(path: String(path.prefix { $0 != "?" }))
    }
    return value
  }
}

/// Form fields as browsers write them.
enum PageForm {
  static func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}

/// One file as `multipart/form-data`; the file itself is not copied.
struct Multipart {
  let parts: [SharedBytes]
  let contentType: String

  init(field: String, name: String, _ file: SharedBytes) {
    var dice = SystemRandomNumberGenerator()
    // 128 random bits: no file holds them by accident, and none can be made to.
    let boundary =
      "----modemsmith" + String(dice.next(), radix: 16) + String(dice.next(), radix: 16)
    let plain = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    let head =
      "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field)\"; "
      + "filename=\"\(plain.isEmpty ? "file" : plain)\"\r\n"
      + "Content-Type: application/octet-stream\r\n\r\n"
    parts = [
      SharedBytes(Array(head.utf8)), file, SharedBytes(Array("\r\n--\(boundary)--\r\n".utf8)),
    ]
    contentType = "multipart/form-data; boundary=\(boundary)"
  }
}
