/// Small tools for the text that sticks answer with.
enum TextFields {
  /// Without blanks at both ends.
  static func trim(_ text: some StringProtocol) -> String {
    var rest = Substring(text)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }

  /// Trimmed, one pair of quotes taken off; nil if nothing is left.
  static func bare(_ text: some StringProtocol) -> String? {
    var value = trim(text)
    if value.count >= 2, value.first == "\"", value.last == "\"" {
      value = trim(value.dropFirst().dropLast())
    }
    return value.isEmpty ? nil : value
  }

  /// Fields between commas, quotes respected and taken off; empty fields stay as empty texts.
  static func split(_ text: some StringProtocol) -> [String] {
    var fields: [String] = []
    var field = ""
    var quoted = false
    for character in text {
      if character == "\"" {
        quoted.toggle()
      } else if character == ",", !quoted {
        fields.append(trim(field))
        field = ""
      } else {
        field.append(character)
      }
    }
    fields.append(trim(field))
    return fields
  }

  /// Key and value around the first colon, key in lower case.
  static func pair(_ line: some StringProtocol) -> (key: String, value: String)? {
    guard let colon = line.firstIndex(of: ":") else { return nil }
    let key = trim(line[..<colon]).lowercased()
    guard !key.isEmpty else { return nil }
    return (key, trim(line[line.index(after: colon)...]))
  }

  /// Whether `text` is safe between quotes in an AT command.
  static func isQuotable(_ text: String) -> Bool {
    text.utf8.count <= 100
      && text.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x3b }
  }
}
