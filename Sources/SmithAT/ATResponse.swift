import SmithBytes

/// How a modem ended its answer (Docs/Protocols/at.md section 3).
public enum ATFinal: Sendable, Equatable, Hashable {
  /// `OK`.
  case ok
  /// `ERROR`.
  case error
  /// `+CME ERROR:` with its number or its text.
  case cme(code: Int?, text: String?)
  /// `+CMS ERROR:` with its number or its text.
  case cms(code: Int?, text: String?)
  /// `COMMAND NOT SUPPORT` of Huawei's Qualcomm sticks.
  case commandNotSupported
  /// `NOT IMPLEMENTED` of Sierra's sticks.
  case notImplemented
  /// `TOO MANY PARAMETERS` of Huawei's older sticks.
  case tooManyParameters
  /// `OPERATION NOT ALLOWED` as a line of its own.
  case operationNotAllowed
  /// `ABORTED`: something was sent while the command ran.
  case aborted
  /// `NO CARRIER`.
  case noCarrier
  /// `NO DIALTONE`.
  case noDialtone
  /// `BUSY`.
  case busy
  /// `NO ANSWER`.
  case noAnswer
  /// `CONNECT`: the port carries data from now on.
  case connect

  /// Whether the command was done.
  public var isOK: Bool { self == .ok || self == .connect }

  /// What kind of end a line is.
  enum Kind {
    /// Ends every answer.
    case firm
    /// Ends the answer of a call; seen as a report elsewhere (`ATZ` of an E160E).
    case call
    /// Ends the answer unless `OK` or `ERROR` follows at once.
    case soft
  }

  /// Reads a line, blanks at both ends taken off; nil for every other line.
  static func read(_ line: String) -> (final: ATFinal, kind: Kind)? {
    switch line.utf8.first?.inUpperCase {
    case 0x2b: return error(line)
    case 0x41, 0x42, 0x43, 0x45, 0x4e, 0x4f, 0x54: return word(line.uppercased())
    default: return nil
    }
  }

  private static func word(_ upper: String) -> (final: ATFinal, kind: Kind)? {
    switch upper {
    case "OK": return (.ok, .firm)
    case "ERROR": return (.error, .firm)
    case "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORTED", "COMMAND NOT SUPPORT!":
      return (.commandNotSupported, .firm)
    case "TOO MANY PARAMETERS": return (.tooManyParameters, .firm)
    case "NOT IMPLEMENTED": return (.notImplemented, .soft)
    case "OPERATION NOT ALLOWED": return (.operationNotAllowed, .soft)
    case "ABORTED": return (.aborted, .soft)
    case "NO CARRIER": return (.noCarrier, .call)
    case "NO DIALTONE", "NO DIAL TONE": return (.noDialtone, .call)
    case "BUSY": return (.busy, .call)
    case "NO ANSWER": return (.noAnswer, .call)
    case "CONNECT": return (.connect, .call)
    default: break
    }
    if upper.hasPrefix("CONNECT "), upper.dropFirst(8).first?.isNumber == true {
      return (.connect, .call)
    }
    return nil
  }

  private static func error(_ line: String) -> (final: ATFinal, kind: Kind)? {
    if let rest = value(of: line, after: "+CME ERROR") {
      return (.cme(code: Int(rest), text: Int(rest) == nil && !rest.isEmpty ? rest : nil), .firm)
    }
    if let rest = value(of: line, after: "+CMS ERROR") {
      return (.cms(code: Int(rest), text: Int(rest) == nil && !rest.isEmpty ? rest : nil), .firm)
    }
    return nil
  }

  private static func value(of line: String, after word: String) -> String? {
    guard let rest = line[...].after(word) else { return nil }
    guard rest.isEmpty || rest.first == ":" || rest.first == " " else { return nil }
    return String(rest.drop { $0 == ":" || $0.isWhitespace })
  }
}

/// The answer to one command line.
public struct ATResponse: Sendable, Equatable {
  /// Information lines in order: no echo, no reports, no blank lines; blanks inside are kept.
  public var lines: [String]
  /// How the answer ended.
  public var final: ATFinal
  /// Reports that came between or before: nobody asked for them.
  public var unsolicited: [String]
  /// Every byte from the command on, as it came.
  public var raw: [UInt8]

  /// Gathers the parts.
  public init(
    lines: [String], final: ATFinal, unsolicited: [String] = [], raw: [UInt8] = []
  ) {
    self.lines = lines
    self.final = final
    self.unsolicited = unsolicited
    self.raw = raw
  }

  /// Whether the command was done.
  public var isOK: Bool { final.isOK }

  /// What follows `prefix` and its colon on each line that begins with it, case ignored and
  /// blanks at both ends taken off: `values("+CSQ")` of `+CSQ: 24,99` is `24,99`.
  public func values(_ prefix: String) -> [String] {
    lines.compactMap { line in
      guard let rest = line[...].trimmed.after(prefix)?.trimmed, rest.utf8.first == 0x3a else {
        return nil
      }
      return String(Substring(rest.utf8.dropFirst()).trimmed)
    }
  }
}

extension Substring {
  /// What follows `word`, which is ASCII, if the text begins with it; case ignored.
  fileprivate func after(_ word: String) -> Substring? {
    let bytes = utf8
    var at = bytes.startIndex
    for byte in word.utf8 {
      guard at < bytes.endIndex, bytes[at].inUpperCase == byte.inUpperCase else { return nil }
      bytes.formIndex(after: &at)
    }
    return self[at...]
  }
}
