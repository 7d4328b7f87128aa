import SmithBytes

/// Small tools for the text that sticks answer with.
enum TextFields {
  /// Without blanks at both ends.
  static func trim(_ text: some StringProtocol) -> String {
    String(Substring(text).trimmed)
  }

  /// Trimmed, one pair of quotes taken off; nil if nothing is left.
  static func bare(_ text: some StringProtocol) -> String? {
    var value = Substring(text).trimmed
    if value.utf8.count >= 2, value.utf8.first == 0x22, value.utf8.last == 0x22 {
      value = Substring(value.utf8.dropFirst().dropLast()).trimmed
    }
    return value.isEmpty ? nil : String(value)
  }

  /// Fields between commas, quotes respected and taken off; empty fields stay as empty texts.
  static func split(_ text: some StringProtocol) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    var quoted = false
    for byte in text.utf8 {
      switch byte {
      case 0x22: quoted.toggle()
      case 0x2c where !quoted:
        fields.append(String(decoding: field, as: UTF8.self).trimmed)
        field.removeAll(keepingCapacity: true)
      default: field.append(byte)
      }
    }
    fields.append(String(decoding: field, as: UTF8.self).trimmed)
    return fields
  }

  /// What stands between the signs, quotes left alone; empty parts are left out unless kept.
  static func parts(_ text: some StringProtocol, at sign: UInt8, keepingEmpty: Bool = false)
    -> [Substring]
  {
    Substring(text).utf8.split(separator: sign, omittingEmptySubsequences: !keepingEmpty)
      .map { Substring($0) }
  }

  /// Words between blanks.
  static func words(_ text: some StringProtocol) -> [String] {
    let text = Substring(text)
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
      return text.split { $0.isWhitespace }.map(String.init)
    }
    return text.utf8.split { $0 == 0x20 || (0x09...0x0d).contains($0) }
      .map { String(Substring($0)) }
  }

  /// Key and value around the first colon, key in lower case.
  static func pair(_ line: some StringProtocol) -> (key: String, value: String)? {
    let line = Substring(line)
    guard let colon = line.utf8.firstIndex(of: 0x3a) else { return nil }
    let key = line[..<colon].trimmed.lowercased()
    guard !key.isEmpty else { return nil }
    return (key, String(Substring(line.utf8[colon...].dropFirst()).trimmed))
  }

  /// Whether `text` is safe between quotes in an AT command.
  static func isQuotable(_ text: String) -> Bool {
    text.utf8.count <= 100
      && text.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x3b }
  }
}
