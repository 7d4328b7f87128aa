import SmithBytes
public import SmithModel

/// The answer of `AT!PRIID?`: which settings package is installed
/// (Docs/Protocols/sierra-identify.md section 2).
public struct SierraPRI: Equatable, Sendable {
  /// Part number; nil if unknown.
  public var part: String?
  /// Revision, as in `002.072`; nil if unknown.
  public var revision: String?
  /// Customer; nil if the firmware does not say.
  public var customer: String?
  /// Full text of the carrier package; nil if there is none.
  public var carrier: String?

  /// Reads the lines of an answer.
  public init(lines: [String]) {
    part = SierraLines.known(SierraLines.value("PRI Part Number", in: lines))
    revision = SierraLines.known(SierraLines.value("Revision", in: lines))
    customer = SierraLines.known(SierraLines.value("Customer", in: lines))
    carrier = SierraLines.known(SierraLines.value("Carrier PRI", in: lines))
  }
}

/// The answer of `AT!IMPREF?` or `AT!GOBIIMPREF?`: what the stick should run and what it runs.
public struct SierraPreference: Equatable, Sendable {
  /// One side of the comparison; empty values are nil.
  public struct Side: Equatable, Sendable {
    /// Firmware version.
    public var firmware: FirmwareVersion?
    /// Carrier name.
    public var carrier: String?
    /// Configuration with the carrier's name in front.
    public var configuration: String?
  }
  /// What the stick is told to run.
  public var preferred: Side
  /// What it runs.
  public var current: Side
  /// The lines by which the stick itself says that they differ.
  public var mismatches: [String]

  /// Reads the lines of an answer; nil if neither side is in it.
  public init?(lines: [String]) {
    preferred = Self.side("preferred", lines)
    current = Self.side("current", lines)
    mismatches = lines.map(SierraLines.trim).filter { $0.hasSuffix("mismatch") }
    guard
      SierraLines.value("preferred fw version", in: lines) != nil
        || SierraLines.value("current fw version", in: lines) != nil
    else { return nil }
  }

  private static func side(_ name: String, _ lines: [String]) -> Side {
    func value(_ rest: String) -> String? {
      SierraLines.known(SierraLines.value("\(name) \(rest)", in: lines))
    }
    return Side(
      firmware: value("fw version").map { FirmwareVersion($0) },
      carrier: value("carrier name"), configuration: value("config name"))
  }

  /// Whether firmware and settings fit each other: no mismatch line, and nothing missing.
  public var isHealthy: Bool {
    mismatches.isEmpty && current.firmware != nil && current.carrier != nil
      && current.configuration != nil
  }
}

/// The answer of `AT!PCINFO?`: why the radio is off.
public struct SierraPower: Equatable, Sendable {
  /// Whether the state is low power.
  public var isLow: Bool
  /// Names of the voters that ask for low power, as in `IMSWITCH`.
  public var voters: [String]
  /// Whether firmware and settings that do not fit are a reason (`IMSWITCH`, older `GOBIIM`).
  public var isImageMismatch: Bool { voters.contains("IMSWITCH") || voters.contains("GOBIIM") }

  /// Reads the lines of an answer; nil if there is no state line.
  public init?(lines: [String]) {
    guard let state = SierraLines.value("State", in: lines) else { return nil }
    isLow = state.lowercased().filter { !$0.isWhitespace } == "lowpowermode"
    voters = []
    for line in lines {
      let lower = line.lowercased()
      guard lower.holds("lpm voters") || lower.holds("lpm force flags"),
        let dash = line.firstIndex(of: "-")
      else { continue }
      for vote in line[line.index(after: dash)...].split(separator: ",") {
        let parts = vote.split(separator: ":").map { SierraLines.trim(String($0)) }
        if parts.count == 2, let count = Int(parts[1]), count > 0 { voters.append(parts[0]) }
      }
    }
  }
}

/// Short answers, one function each; nil where the line is missing or says nothing.
public enum SierraAnswers {
  /// Mode of `AT!GSTATUS?`, as in `ONLINE` or `LOW POWER MODE`.
  public static func mode(status lines: [String]) -> String? {
    for line in lines where line.holds("Mode:") {
      guard let place = line.firstRange(of: "Mode:") else { continue }
      // A second column may follow after at least two blanks.
      let rest = SierraLines.trim(String(line[place.upperBound...]))
      var value = ""
      for character in rest {
        if character.isWhitespace, value.last?.isWhitespace == true { break }
        value.append(character)
      }
      return SierraLines.known(SierraLines.trim(value))
    }
    return nil
  }

  /// Revision of `AT!GVER?`: the text behind `!GVER:`, or the line itself; nil for a refusal.
  public static func version(gver lines: [String]) -> String? {
    if let value = SierraLines.value("!GVER", in: lines) { return SierraLines.known(value) }
    let line = lines.map(SierraLines.trim).first { !$0.isEmpty }
    guard let line, line != "NOT IMPLEMENTED", !line.hasPrefix("ERROR") else { return nil }
    return SierraRevision(line) == nil ? nil : line
  }

  /// Revision of `AT+GMR` or `AT+CGMR`: the first line that says anything.
  public static func version(gmr lines: [String]) -> String? {
    lines.map(SierraLines.trim).first { !$0.isEmpty && $0 != "NOT IMPLEMENTED" && $0 != "OK" }
  }

  /// Hardware revision of `AT!HWID?`.
  public static func hardware(lines: [String]) -> String? {
    SierraLines.known(SierraLines.value("Revision", in: lines))
  }
}
