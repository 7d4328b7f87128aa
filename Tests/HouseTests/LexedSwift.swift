/// Swift source split into code and string literals by a small tolerant scanner.
///
/// Not a parser: it knows comments, string literals with interpolation, and braces. That is enough
/// to count lines of functions and to find words that are code and not prose.
struct LexedSwift {
  /// A string literal; interpolated parts read as a zero scalar.
  struct Literal: Equatable {
    var line: Int
    var text: String
    /// The code just before the literal, without blanks.
    var before: String
  }

  /// The code; comments and literals are blanked, line breaks stand where they stood.
  private(set) var code: [UInt8] = []
  private(set) var literals: [Literal] = []
  private var bytes: [UInt8]
  private var index = 0
  private var line = 1

  init(_ text: String) {
    bytes = Array(text.utf8)
    code.reserveCapacity(bytes.count)
    while index < bytes.count { scanCode(insideInterpolation: false) }
    bytes = []
  }

  /// The code by lines, for looking for words.
  var codeLines: [String] {
    code.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private func peek(_ offset: Int = 0) -> UInt8? {
    index + offset < bytes.count ? bytes[index + offset] : nil
  }

  private func sees(_ word: StaticString) -> Bool {
    let wanted = word.description.utf8
    return index + wanted.count <= bytes.count
      && bytes[index..<(index + wanted.count)].elementsEqual(wanted)
  }

  /// Takes one byte, as code or as a blank.
  private mutating func take(asCode: Bool) {
    let byte = bytes[index]
    index += 1
    if byte == UInt8(ascii: "\n") { line += 1 }
    code.append(asCode || byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<min(count, bytes.count - index) { take(asCode: false) }
  }

  private mutating func scanCode(insideInterpolation: Bool) {
    var depth = 0
    while let byte = peek() {
      if sees("//") {
        while let next = peek(), next != UInt8(ascii: "\n") { take(asCode: false) }
      } else if sees("/*") {
        scanBlockComment()
      } else if sees("#/") {
        scanRegex()
      } else if let pounds = poundsBeforeQuote() {
        scanString(pounds: pounds)
      } else if insideInterpolation, byte == UInt8(ascii: ")"), depth == 0 {
        return
      } else {
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth -= 1 }
        take(asCode: true)
      }
    }
  }

  private mutating func scanBlockComment() {
    var depth = 0
    repeat {
      if sees("/*") {
        depth += 1
        blank(2)
      } else if sees("*/") {
        depth -= 1
        blank(2)
      } else {
        blank(1)
      }
    } while depth > 0 && index < bytes.count
  }

  private mutating func scanRegex() {
    blank(2)
    while index < bytes.count, !sees("/#"), peek() != UInt8(ascii: "\n") { blank(1) }
    if sees("/#") { blank(2) }
  }

  /// How many `#` stand before a quotation mark that begins here; nil if none begins here.
  private func poundsBeforeQuote() -> Int? {
    var count = 0
    while peek(count) == UInt8(ascii: "#") { count += 1 }
    return peek(count) == UInt8(ascii: "\"") ? count : nil
  }

  private func seesPounds(_ count: Int, after offset: Int) -> Bool {
    (0..<count).allSatisfy { peek(offset + $0) == UInt8(ascii: "#") }
  }

  private mutating func scanString(pounds: Int) {
    let blanks: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\n")]
    let before = code.suffix(200).filter { !blanks.contains($0) }.suffix(24)
    let slot = literals.count
    literals.append(
      Literal(line: line, text: "", before: String(decoding: before, as: UTF8.self)))
    blank(pounds)
    let quotes = sees("\"\"\"") ? 3 : 1
    blank(quotes)
    var content: [UInt8] = []
    while let byte = peek() {
      let closes = quotes == 3 ? sees("\"\"\"") : byte == UInt8(ascii: "\"")
      if closes, seesPounds(pounds, after: quotes) {
        blank(quotes + pounds)
        break
      }
      // An unfinished literal ends with its line: the rest of the file stays readable.
      if quotes == 1, byte == UInt8(ascii: "\n") { break }
      if byte == UInt8(ascii: "\\"), seesPounds(pounds, after: 1) {
        let interpolates = peek(1 + pounds) == UInt8(ascii: "(")
        blank(2 + pounds)
        content.append(0)
        if interpolates {
          scanCode(insideInterpolation: true)
          blank(1)
        }
        continue
      }
      content.append(byte)
      blank(1)
    }
    literals[slot].text = String(decoding: content, as: UTF8.self)
  }
}

/// One function and the lines it takes.
struct FunctionSpan: Equatable {
  var name: String
  var line: Int
  var lines: Int
}

extension LexedSwift {
  /// Functions, initialisers and subscripts with a body, by their closing brace.
  var functions: [FunctionSpan] {
    var found: [FunctionSpan] = []
    var open: [(function: (name: String, line: Int)?, outer: Header?)] = []
    var header = Header()
    var line = 1
    for byte in code {
      switch byte {
      case UInt8(ascii: "{"):
        // A closure among arguments: what began before it goes on after it.
        open.append(header.isInArguments ? (nil, header) : (header.function, nil))
        header = Header()
      case UInt8(ascii: "}"):
        let closed = open.popLast()
        if let (name, start) = closed?.function {
          found.append(FunctionSpan(name: name, line: start, lines: line - start + 1))
        }
        header = closed?.outer ?? Header()
      case UInt8(ascii: "\n"):
        header.endWord(line: line)
        line += 1
      default:
        header.take(byte, line: line)
      }
    }
    return found
  }
}

/// What stands between the last brace and the next: the place where a declaration is named.
private struct Header {
  private var word: [UInt8] = []
  private var depth = 0
  private var afterDot = false
  private var wantsName = false
  private var last: (keyword: String, name: String, line: Int)?

  private static let keywords: Set<String> = [
    "func", "init", "deinit", "subscript", "var", "let", "class", "struct", "enum", "actor",
    "extension", "protocol", "case", "if", "for", "while", "guard", "switch", "do", "else",
    "catch", "defer", "repeat", "return",
  ]

  var isInArguments: Bool { depth > 0 }

  /// The function that the next opening brace begins, if it begins one.
  var function: (name: String, line: Int)? {
    guard let last, ["func", "init", "deinit", "subscript"].contains(last.keyword) else {
      return nil
    }
    return (last.name, last.line)
  }

  mutating func take(_ byte: UInt8, line: Int) {
    let isWord =
      byte == UInt8(ascii: "_") || byte >= 0x80
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    if isWord {
      word.append(byte)
      return
    }
    endWord(line: line)
    if byte == UInt8(ascii: ".") { afterDot = true }
    if byte == UInt8(ascii: "(") || byte == UInt8(ascii: "[") { depth += 1 }
    // A closing mark without an opening one belongs to what began before the last brace.
    if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") { depth = max(0, depth - 1) }
  }

  mutating func endWord(line: Int) {
    guard !word.isEmpty else { return }
    let text = String(decoding: word, as: UTF8.self)
    word = []
    defer { afterDot = false }
    if wantsName {
      last?.name = text
      wantsName = false
    } else if depth == 0, !afterDot, Self.keywords.contains(text) {
      // `class func`: the later word says what it is. `init` and its like have no name.
      last = (text, text, line)
      wantsName = text == "func"
    }
  }
}
