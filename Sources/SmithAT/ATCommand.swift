/// One command line for a modem, without its carriage return (Docs/Protocols/at.md section 1).
public struct ATCommand: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The line as it leaves, from `AT` on. It may hold a code or PIN: `description` does not.
  public let text: String

  /// Takes the line as it stands; the guard of a session judges it before it leaves.
  public init(_ text: String) {
    self.text = text
  }

  /// A literal such as `"AT^FHVER"`.
  public init(stringLiteral value: String) {
    self.init(value)
  }

  /// The line with identity numbers, codes and PINs masked; what logs and errors show.
  public var description: String { IdentityMask.masked(text) }

  /// How long the answer of this command may take (Docs/Protocols/at.md section 5).
  ///
  /// The sum over the commands of the line, at most five minutes.
  public var usualLimit: Duration {
    let parts = ATLine(text).parts
    let total = parts.reduce(0) { $0 + Self.seconds(of: $1) }
    return .seconds(min(max(total, 5), 300))
  }

  private static func seconds(of part: ATLine.Part) -> Int {
    if part.name == "D" || part.name == "A" || part.name == "O" { return 90 }
    guard let slow = slowCommands[part.name] else { return 5 }
    return part.isTest ? slow.test : part.isSet ? slow.set : slow.other
  }

  /// Seconds for `=?`, for `=value`, and for everything else.
  private static let slowCommands: [String: (test: Int, set: Int, other: Int)] = [
    "+COPS": (120, 120, 15), "^PLMNLIST": (120, 120, 120), "+COPN": (15, 15, 60),
    "+CFUN": (5, 30, 10), "+CPIN": (5, 30, 10), "+CPIN2": (5, 30, 10), "+CLCK": (5, 30, 10),
    "+CPWD": (5, 30, 10), "^CARDLOCK": (10, 30, 10), "^CARDUNLOCK": (10, 30, 10),
    "+CGATT": (5, 90, 10), "+CGACT": (5, 150, 10), "+CUSD": (5, 30, 10), "+CMGL": (5, 60, 60),
    "+CMGS": (5, 60, 60), "+CPBR": (10, 30, 30), "+CLAC": (20, 20, 20), "+CNUM": (5, 10, 15),
    "^SYSCFG": (5, 30, 10), "^SYSCFGEX": (5, 30, 10), "^SETPORT": (10, 15, 10),
    "^GODLOAD": (10, 15, 15), "^DATAMODE": (10, 10, 10), "^DLOADVER": (10, 10, 10),
    "^NVBACKUP": (10, 60, 60), "^SIGNVER": (10, 15, 15), "^RESET": (10, 15, 15),
    "+ZCDRUN": (10, 15, 15), "+ZSNT": (5, 30, 10), "!IMAGE": (10, 60, 20),
    "!GOBIIMAGE": (10, 60, 20), "!IMPREF": (10, 30, 15), "!BOOTHOLD": (10, 15, 15),
    "!RESET": (10, 15, 15),
  ]
}

/// A command line taken apart far enough to know which commands it holds.
struct ATLine {
  /// One command of the line.
  struct Part: Equatable {
    /// Upper case, with its sign: `+CGMM`, `^FHVER`, `E`, `D`.
    var name: String
    /// Asks for the range: `=?`.
    var isTest: Bool
    /// Sets: `=` and something else than `?`.
    var isSet: Bool
  }

  /// The commands in order.
  var parts: [Part] = []

  static let signs = Set("+^$!*%#_@\\")

  init(_ text: String) {
    var rest = Substring(Self.plain(text))
    if rest.hasPrefix("AT") { rest.removeFirst(2) }
    while let first = rest.first {
      if Self.signs.contains(first) {
        let name = rest.prefix { Self.signs.contains($0) || Self.isNameCharacter($0) }
        rest.removeFirst(name.count)
        let tail = Self.upToSemicolon(rest)
        parts.append(
          Part(
            name: String(name), isTest: tail.hasPrefix("=?"),
            isSet: tail.hasPrefix("=") && !tail.hasPrefix("=?")))
        rest.removeFirst(tail.count)
      } else if first == "D" {
        parts.append(Part(name: "D", isTest: false, isSet: true))
        return
      } else {
        if first.isLetter { parts.append(Part(name: String(first), isTest: false, isSet: false)) }
        rest.removeFirst()
      }
    }
  }

  /// Whether the line dials or answers, so that call results are its final results.
  var calls: Bool {
    parts.contains { ["D", "A", "O", "+CGDATA"].contains($0.name) }
  }

  /// Upper case, blanks outside of quotes taken off.
  static func plain(_ text: String) -> String {
    var quoted = false
    var result: [UInt8] = []
    for byte in text.utf8 {
      if byte == 0x22 { quoted.toggle() }
      switch byte {
      case 0x09...0x0d, 0x20: if quoted { result.append(byte) }
      case 0x61...0x7a: result.append(byte - 0x20)
      default: result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber)
  }

  private static func upToSemicolon(_ text: Substring) -> Substring {
    var quoted = false
    var end = text.startIndex
    while end < text.endIndex {
      if text[end] == "\"" { quoted.toggle() }
      if text[end] == ";", !quoted { break }
      end = text.index(after: end)
    }
    return text[..<end]
  }
}
