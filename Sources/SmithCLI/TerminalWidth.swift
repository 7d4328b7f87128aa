import Glibc

/// Fitting text to a terminal: a line that is broken by the terminal itself is broken in the
/// middle of a word, and a live line that is broken cannot be drawn over.
enum TerminalWidth {
  /// Columns of the terminal behind standard error; nil if it is none, or does not say.
  static var columns: Int? {
    var size = winsize()
    guard unsafe ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return nil }
    return Int(size.ws_col)
  }

  /// The text with every line broken at blanks; what follows stands below the first word. A word
  /// that is longer than a line, as paths are, stays whole.
  static func wrapped(_ text: String, to columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { wrappedLine(String($0), columns) }.joined(separator: "\n")
  }

  private static func wrappedLine(_ line: String, _ columns: Int) -> String {
    guard visible(line) > columns else { return line }
    let indent = line.prefix { $0 == " " }
    let room = max(10, columns - indent.count)
    var result = String(indent)
    var used = 0
    let words = line.dropFirst(indent.count).split(separator: " ", omittingEmptySubsequences: false)
    for (index, word) in words.enumerated() {
      let width = visible(String(word))
      if index > 0, used + 1 + width > room, width > 0 {
        result += "\n" + indent
        used = 0
      } else if index > 0 {
        result += " "
        used += 1
      }
      result += word
      used += width
    }
    return result
  }

  /// How many columns a text takes, without its colours.
  static func visible(_ text: String) -> Int {
    var count = 0
    var isCode = false
    for character in text {
      if character == "\u{1b}" {
        isCode = true
      } else if isCode {
        isCode = character != "m"
      } else {
        count += 1
      }
    }
    return count
  }
}
