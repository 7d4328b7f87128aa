import SmithLink

/// Puts raw bytes together into one answer, with the patience of a browser: bare line feeds,
/// missing lengths and chunks are all taken.
struct WebReplyReader {
  enum Step: Equatable {
    /// Not all is there yet.
    case more
    case done(WebAnswer)
    case failed(WebError)
  }

  private static let headLimit = 65_536
  private let limit: Int
  private var head: [UInt8] = []
  private var headIsComplete = false
  private var answer = WebAnswer(status: 0)
  /// Bytes of the body that are still to come; nil if only the end of the connection tells.
  private var left: Int?
  private var chunks: ChunkReader?

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes bytes as they come.
  mutating func take(_ bytes: [UInt8]) -> Step {
    var rest = bytes[...]
    while !headIsComplete {
      guard let byte = rest.popFirst() else { return .more }
      head.append(byte)
      guard head.count <= Self.headLimit else { return .failed(.garbled) }
      if head.count == 5, head != Array("HTTP/".utf8) { return .failed(.garbled) }
      if byte == 10, head.suffix(2) == [10, 10] || head.suffix(4) == [13, 10, 13, 10] {
        guard readHead() else { return .failed(.garbled) }
      }
    }
    return takeBody(rest)
  }

  /// The connection was closed in order.
  func close() -> Step {
    guard headIsComplete else { return .failed(head.isEmpty ? .gone : .garbled) }
    if chunks == nil, left == nil { return .done(answer) }
    return .failed(.gone)
  }

  private mutating func takeBody(_ bytes: ArraySlice<UInt8>) -> Step {
    if chunks != nil {
      for byte in bytes {
        switch chunks?.take(byte) {
        case .skip, nil: break
        case .keep:
          answer.body.append(byte)
          if answer.body.count > limit { return .failed(.tooLong(limit: limit)) }
        case .end: return .done(answer)
        case .bad: return .failed(.garbled)
        }
      }
      return .more
    }
    let taken = left.map { bytes.prefix($0) } ?? bytes
    answer.body += taken
    if answer.body.count > limit { return .failed(.tooLong(limit: limit)) }
    guard let before = left else { return .more }
    left = before - taken.count
    return left == 0 ? .done(answer) : .more
  }

  /// Reads status line and header lines; false if they are none.
  private mutating func readHead() -> Bool {
    let text = String(decoding: head, as: UTF8.self)
    var lines = text.split(whereSeparator: \.isNewline)[...]
    head = []
    guard let first = lines.popFirst() else { return false }
    let words = first.split(separator: " ")
    guard words.count >= 2, let status = Int(words[1]), (100...999).contains(status) else {
      return false
    }
    if status < 200 { return true }
    answer.status = status
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { continue }
      answer.headers.append(
        WebHeader(Self.trim(line[..<colon]), Self.trim(line[line.index(after: colon)...])))
    }
    headIsComplete = true
    if status == 204 || status == 304 {
      left = 0
    } else if answer["Transfer-Encoding"]?.lowercased() == "chunked" {
      chunks = ChunkReader()
    } else if let text = answer["Content-Length"] {
      guard let length = Int(text), length >= 0 else { return false }
      left = length
    }
    return true
  }

  private static func trim(_ text: Substring) -> String {
    var rest = text
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}

/// The chunked transfer coding, byte by byte.
struct ChunkReader {
  enum Verdict { case skip, keep, end, bad }
  private enum State { case size, extra, data, afterData, trailer }

  private var state = State.size
  private var left = 0
  private var digits = 0
  private var lineLength = 0

  mutating func take(_ byte: UInt8) -> Verdict {
    switch state {
    case .size:
      if let digit = Character(UnicodeScalar(byte)).hexDigitValue {
        digits += 1
        guard digits <= 8 else { return .bad }
        left = left * 16 + digit
        return .skip
      }
      guard digits > 0 else { return .bad }
      return endSize(byte)
    case .extra: return endSize(byte)
    case .data:
      left -= 1
      if left == 0 { state = .afterData }
      return .keep
    case .afterData:
      if byte == 10 {
        state = .size
        digits = 0
      }
      return byte == 10 || byte == 13 ? .skip : .bad
    case .trailer:
      if byte == 10 {
        if lineLength == 0 { return .end }
        lineLength = 0
      } else if byte != 13 {
        lineLength += 1
        if lineLength > 4096 { return .bad }
      }
      return .skip
    }
  }

  private mutating func endSize(_ byte: UInt8) -> Verdict {
    lineLength += 1
    guard lineLength < 4096 else { return .bad }
    state = .extra
    if byte == 10 {
      lineLength = 0
      state = left == 0 ? .trailer : .data
    }
    return .skip
  }
}
