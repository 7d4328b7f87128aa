import SmithBytes
import SmithLink

/// Reads requests out of whatever a client sends; everything is bounded.
struct WebRequestReader {
  enum Step {
    /// Not all is there yet.
    case more
    /// The client waits to be told that it may send the body.
    case wantsToContinue
    case call(WebCall, keepsOpen: Bool)
    /// No request that is served here; the status says why.
    case refused(Int)
  }

  private static let headLimit = 32_768
  private static let mostHeaders = 100

  private let bodyLimit: Int
  private var buffer: [UInt8] = []
  /// How far the end of the head was looked for.
  private var searched = 0
  private var call: WebCall?
  private var length = 0
  private var keepsOpen = true

  init(bodyLimit: Int) {
    self.bodyLimit = bodyLimit
  }

  mutating func take(_ bytes: some Collection<UInt8>) {
    buffer += bytes
  }

  /// The next whole request, if it is there.
  mutating func next() -> Step {
    var step = Step.more
    if call == nil {
      guard let end = headEnd() else {
        return buffer.count > Self.headLimit ? .refused(431) : .more
      }
      let head = buffer[..<end]
      if let status = readHead(head) { return .refused(status) }
      buffer.removeSubrange(..<end)
      searched = 0
      if call?["Expect"]?.lowercased() == "100-continue", buffer.count < length {
        step = .wantsToContinue
      }
    }
    guard var done = call, buffer.count >= length else { return step }
    done.body = SharedBytes([UInt8](buffer[..<length]))
    buffer.removeSubrange(..<length)
    call = nil
    return .call(done, keepsOpen: keepsOpen)
  }

  /// Behind the empty line that ends the head.
  private mutating func headEnd() -> Int? {
    while searched < min(buffer.count, Self.headLimit) {
      searched += 1
      guard buffer[searched - 1] == 10 else { continue }
      let before = buffer[..<(searched - 1)]
      if before.last == 10 || before.suffix(2) == [10, 13] { return searched }
    }
    return nil
  }

  /// Reads request line and headers; a status if they are refused.
  private mutating func readHead(_ head: ArraySlice<UInt8>) -> Int? {
    var lines = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline)[...]
    let words = lines.popFirst()?.split(separator: " ") ?? []
    guard words.count == 3, words[1].hasPrefix("/"), words[2].hasPrefix("HTTP/1.") else {
      return 400
    }
    guard lines.count <= Self.mostHeaders else { return 431 }
    var request = WebCall(String(words[0]), String(words[1]))
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { return 400 }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      request.headers.append(WebHeader(String(line[..<colon]), String(value)))
    }
    if request["Transfer-Encoding"] != nil { return 501 }
    length = 0
    if let text = request["Content-Length"] {
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
        return 400
      }
      guard number <= bodyLimit else { return 413 }
      length = number
    }
    keepsOpen = words[2] != "HTTP/1.0" && request["Connection"]?.lowercased() != "close"
    call = request
    return nil
  }
}
