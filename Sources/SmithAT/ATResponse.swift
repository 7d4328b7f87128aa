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
    let upper = line.uppercased()
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
    if let rest = value(of: line, after: "+CME ERROR") {
      return (.cme(code: Int(rest), text: Int(rest) == nil && !rest.isEmpty ? rest : nil), .firm)
    }
    if let rest = value(of: line, after: "+CMS ERROR") {
      return (.cms(code: Int(rest), text: Int(rest) == nil && !rest.isEmpty ? rest : nil), .firm)
    }
    return nil
  }

  private static func value(of line: String, after word: String) -> String? {
    guard line.uppercased().hasPrefix(word) else { return nil }
    let rest = line.dropFirst(word.count)
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
      let text = line.drop { $0.isWhitespace }
      guard text.uppercased().hasPrefix(prefix.uppercased()) else { return nil }
      let rest = text.dropFirst(prefix.count).drop { $0.isWhitespace }
      guard rest.first == ":" else { return nil }
      return String(rest.dropFirst()).trimmed
    }
  }
}

extension String {
  /// Without blanks at both ends.
  var trimmed: String {
    // Most lines have nothing to take off, and Unicode properties are slow to ask for.
    if let first = utf8.first, let last = utf8.last, (0x21...0x7e).contains(first),
      (0x21...0x7e).contains(last)
    {
      return self
    }
    var rest = Substring(self)
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}
