import SmithBytes

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
  public var usualLimit: Duration { Self.usualLimit(of: ATLine(text)) }

  static func usualLimit(of line: ATLine) -> Duration {
    let total = line.parts.reduce(0) { $0 + seconds(of: $1) }
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

  /// Whether a byte begins the name of an extended command.
  static func isSign(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x2b, 0x5e, 0x24, 0x21, 0x2a, 0x25, 0x23, 0x40, 0x5f, 0x5c: true  // + ^ $ ! * % # @ _ \
    default: false
    }
  }

  init(_ text: String) {
    let line = Self.plain(text)
    var at = line.starts(with: [0x41, 0x54]) ? 2 : 0
    while at < line.count {
      let first = line[at]
      if Self.isSign(first) {
        at = extended(line, at)
      } else if first == 0x44 {
        parts.append(Part(name: "D", isTest: false, isSet: true))
        return
      } else {
        if Self.isLetter(first) {
          let name = String(UnicodeScalar(first))
          parts.append(Part(name: name, isTest: false, isSet: false))
        }
        at += 1
      }
    }
  }

  /// Takes the extended command that begins at `start`; returns where the next one begins.
  private mutating func extended(_ line: [UInt8], _ start: Int) -> Int {
    var end = start
    while end < line.count,
      Self.isSign(line[end]) || Self.isLetter(line[end]) || (0x30...0x39).contains(line[end])
    {
      end += 1
    }
    let sets = end < line.count && line[end] == 0x3d
    let tests = sets && end + 1 < line.count && line[end + 1] == 0x3f
    parts.append(
      Part(
        name: String(decoding: line[start..<end], as: UTF8.self), isTest: tests,
        isSet: sets && !tests))
    var quoted = false
    while end < line.count, quoted || line[end] != 0x3b {
      if line[end] == 0x22 { quoted.toggle() }
      end += 1
    }
    return end
  }

  /// Whether the line dials or answers, so that call results are its final results.
  var calls: Bool {
    parts.contains { $0.name == "D" || $0.name == "A" || $0.name == "O" || $0.name == "+CGDATA" }
  }

  /// Upper case, blanks outside of quotes taken off.
  static func plain(_ text: String) -> [UInt8] {
    var quoted = false
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte == 0x22 { quoted.toggle() }
      switch byte {
      case 0x09...0x0d, 0x20: if quoted { result.append(byte) }
      default: result.append(byte.inUpperCase)
      }
    }
    return result
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }
}
