import SmithAT
import SmithModel

/// The revision text of a ZTE stick, taken apart (Docs/Protocols/zte-at.md section 3).
public struct ZTERevision: Hashable, Sendable {
  /// Operator tag and project or model, as in `BLNP671A1` or `MF79RU`.
  public var project: String
  /// The numbers behind `V` and the build behind `B`.
  public var numbers: [Int]

  /// Reads `BD_BLNP671A1V1.0.0B02`; nil for any other text (`MF823_T03` is opaque).
  public init?(_ text: String) {
    guard text.hasPrefix("BD_"), text.utf8.count <= 64,
      let match = text.wholeMatch(of: /BD_([A-Z0-9_\-]+?)V([0-9]+)\.([0-9]+)\.([0-9]+)B([0-9]+)/)
    else { return nil }
    let parts = [match.output.2, match.output.3, match.output.4, match.output.5]
    let read = parts.compactMap { Int($0) }
    guard read.count == 4 else { return nil }
    project = String(match.output.1)
    numbers = read
  }

  /// Whether this one is older; nil if the two are of different projects or operators.
  public func isOlder(than other: ZTERevision) -> Bool? {
    guard project == other.project else { return nil }
    return numbers.lexicographicallyPrecedes(other.numbers)
  }
}

/// Tolerant readers of single answers (Docs/Protocols/zte-at.md sections 3 to 6).
enum ZTEAnswers {
  /// A lone line, as `AT+CGMR` answers, with or without a prefix.
  static func lone(_ response: ATResponse, _ prefix: String) -> String? {
    guard response.isOK else { return nil }
    if let value = response.values(prefix).first { return TextFields.bare(value) }
    return response.lines.first { !$0.isEmpty && !$0.contains(":") }.flatMap {
      TextFields.bare($0)
    }
  }

  /// `Inquiry autorun open state result(0:NO 1:YES):1`: the digit behind the last colon.
  static func result(_ lines: [String]) -> Bool? {
    for line in lines where line.lowercased().contains("result(") {
      guard let colon = line.lastIndex(of: ":") else { continue }
      switch TextFields.trim(line[line.index(after: colon)...]) {
      case "1": return true
      case "0": return false
      default: continue
      }
    }
    return nil
  }

  /// `+ZSEC: 2,1` is locked, any other pair is not.
  static func isLocked(_ response: ATResponse) -> Bool? {
    guard let value = response.values("+ZSEC").first else { return nil }
    let fields = TextFields.split(value)
    guard fields.count == 2, fields.allSatisfy({ Int($0) != nil }) else { return nil }
    return fields == ["2", "1"]
  }

  /// `+ZNCK: 5`: tries that are left.
  static func tries(_ response: ATResponse) -> Int? {
    response.values("+ZNCK").first.flatMap { Int(TextFields.trim($0)) }.flatMap {
      (0...1000).contains($0) ? $0 : nil
    }
  }

  /// `+ZOPRT: 5`.
  static func isOnline(_ response: ATResponse) -> Bool? {
    switch response.values("+ZOPRT").first.flatMap({ Int(TextFields.trim($0)) }) {
    case 5: true
    case 6: false
    default: nil
    }
  }

  /// Lock out of everything that was asked; nil if nothing was answered.
  ///
  /// - Parameter simState: answer of AT+CPIN?, which knows of spent tries.
  static func lock(_ section: ATResponse?, _ code: ATResponse?, simState: String?)
    -> DeviceReport.SIMLock?
  {
    let tries = code.flatMap { Self.tries($0) }
    func lock(_ status: DeviceReport.SIMLock.Status, _ left: Int?) -> DeviceReport.SIMLock {
      .init(status: status, triesLeft: left, triesAllowed: nil)
    }
    if simState == "PH-NET PUK" { return lock(.blocked, tries ?? 0) }
    if simState == "PH-NET PIN" { return lock(.codeNeeded, tries) }
    if let section, let isLocked = isLocked(section) {
      return lock(isLocked ? .codeNeeded : .noCodeNeeded, tries)
    }
    return tries.map { lock(.unknown, $0) }
  }
}
