import SmithModel

/// Which code a Huawei stick may want, and how sure that is
/// (Docs/Protocols/huawei-codes.md section 4). No command tells it.
public struct HuaweiUnlockAdvice: Sendable, Equatable {
  /// How the code was made.
  public enum Version: String, Sendable, Codable, CaseIterable {
    /// Calculated, oldest sticks.
    case v1
    /// Calculated, about 2011 to 2013.
    case v2
    /// Calculated, from 2012 on.
    case v201
    /// Brought by the owner.
    case owners
  }

  /// How sure a version is.
  public enum Confidence: String, Sendable, Codable, CaseIterable {
    /// The documented rule names exactly this kind of stick.
    case likely
    /// Two rules overlap, or the stick is only near to one.
    case possible
    /// No rule names it.
    case unlikely
  }

  /// One code that could be tried.
  public struct Candidate: Sendable, Equatable {
    /// How it was made.
    public var version: Version
    /// The code.
    public var code: UnlockCode
    /// How sure it is.
    public var confidence: Confidence
    /// Why, in words.
    public var reason: String
  }

  /// What could be tried, the surest first; empty where no calculated code works.
  public var candidates: [Candidate] = []
  /// The flash code that old updaters of the vendor ask for; nil without a good IMEI.
  public var flashCode: UnlockCode?
  /// What the owner should know, one sentence each.
  public var notes: [String] = []

  /// Reads the rules for a stick as it described itself.
  public init(for report: DeviceReport) {
    let rule = Self.rule(for: report)
    notes = rule.notes
    if let note = Self.temporaryNote(for: report) { notes.append(note) }
    guard let imei = report.imei, let codes = HuaweiCodes.codes(for: imei) else {
      notes.append("No code can be calculated: the stick tells no good IMEI.")
      return
    }
    flashCode = UnlockCode(codes.flash)
    candidates = rule.order.compactMap { version, confidence, reason in
      Self.code(version, codes).map {
        Candidate(version: version, code: $0, confidence: confidence, reason: reason)
      }
    }
  }

  /// Whether the last version group names an operator: `00` is the general build.
  public static func isCustomised(_ report: DeviceReport) -> Bool {
    report.customerCode.map { !$0.allSatisfy { $0 == "0" } } ?? false
  }

  /// What the counter's reset rests on for this code; nil where nothing speaks for it
  /// (Docs/Protocols/huawei-codes.md section 5).
  public func resetEvidence(for code: UnlockCode, version: Version, world: DeviceReport.World)
    -> String?
  {
    // A code that the owner brought is often one of the calculated ones.
    let known = candidates.first { $0.code == code }?.version ?? version
    switch known {
    case .v1, .v2: return "[B] three independent sites, for v1 and v2 codes; an E1550 is named"
    case .owners where world == .qualcomm:
      return "[D] three sites name v1 and v2 sticks with Qualcomm chips; this code is neither"
    case .owners, .v201: return nil
    }
  }

  private static func code(_ version: Version, _ codes: HuaweiCodes.Codes) -> UnlockCode? {
    switch version {
    case .v1: UnlockCode(codes.v1)
    case .v2: UnlockCode(codes.v2)
    case .v201: UnlockCode(codes.v201)
    case .owners: nil
    }
  }

  /// An unlock of an operator's Qualcomm build was seen to last until the power went.
  private static func temporaryNote(for report: DeviceReport) -> String? {
    guard report.world == .qualcomm, isCustomised(report) else { return nil }
    return "This is an operator's customised build (customer code \(report.customerCode ?? "")): "
      + "on such builds an unlock was seen to be temporary, locked again after the next plugging in."
  }
}

// MARK: - The rules

extension HuaweiUnlockAdvice {
  typealias Order = [(Version, Confidence, String)]

  private static func rule(for report: DeviceReport) -> (order: Order, notes: [String]) {
    let model = report.model?.uppercased() ?? ""
    func isOne(of names: String...) -> Bool { names.contains { model.hasPrefix($0) } }
    if isOne(of: "E220", "E230", "E270") {
      return (
        [], ["No code can be calculated for sticks of this age: theirs is stored in the unit."]
      )
    }
    if isOne(of: "E1732") {
      return ([], ["Operator builds such as the E1732 leave the factory with no tries at all."])
    }
    if isOne(of: "E367", "E372", "E392", "E398", "E589") {
      let isNamed = isOne(of: "E367", "E372")
      return (
        [
          (
            .v201, isNamed ? .likely : .possible,
            isNamed ? "E367 and E372 want v201" : "near to E367 and E372, which want v201"
          ), (.v2, .unlikely, "no rule names it"), (.v1, .unlikely, "no rule names it"),
        ], []
      )
    }
    return report.world == .qualcomm ? qualcomm(report, model) : balong(report, model)
  }

  private static func qualcomm(_ report: DeviceReport, _ model: String) -> (Order, [String]) {
    func isOne(of names: String...) -> Bool { names.contains { model.hasPrefix($0) } }
    if isOne(of: "E155", "E175", "E176", "E169", "E156", "E153", "E160")
      || model.hasPrefix("E173") && report.firmware?.text.hasPrefix("11.126.") == true
    {
      return (
        [
          (.v1, .likely, "sticks of this kind with firmware 11.x want v1"),
          (.v2, .unlikely, "no rule names it"), (.v201, .unlikely, "no rule names it"),
        ], []
      )
    }
    if isOne(of: "E173", "E352", "E353") {
      return (
        [
          (.v2, .possible, "later firmware of this model (2011 to 2013) wants v2"),
          (.v1, .possible, "early firmware of this model wants v1"),
          (.v201, .unlikely, "no rule names it"),
        ], []
      )
    }
    return (
      [
        (.v1, .possible, "most Qualcomm sticks with firmware 11.x want v1"),
        (.v2, .possible, "later ones want v2"), (.v201, .unlikely, "no rule names it"),
      ], []
    )
  }

  private static func balong(_ report: DeviceReport, _ model: String) -> (Order, [String]) {
    let year = buildYear(report.compileDate)
    let isLTE = [
      "E327", "E337", "E827", "E837", "E537", "E55", "E57", "E58", "B3", "B5", "B6", "B7",
    ].contains { model.hasPrefix($0) }
    let late = "LTE firmware from 2014 on often has a newer lock that no published code opens."
    if let year, year >= 2014, isLTE {
      return (
        [
          (.v201, .possible, "firmware from 2012 on wants v201, but from 2014 on many want none"),
          (.v2, .unlikely, "too new for v2"), (.v1, .unlikely, "no rule names it"),
        ], [late]
      )
    }
    if isLTE {
      return (
        [
          (
            .v201, year == nil ? .possible : .likely,
            "LTE sticks with firmware of 2012 and 2013 want v201"
          ), (.v2, .unlikely, "too new for v2"), (.v1, .unlikely, "no rule names it"),
        ], year == nil ? [late] : []
      )
    }
    if let year, year <= 2011 {
      return (
        [
          (.v2, .likely, "firmware of 2011 wants v2"), (.v1, .unlikely, "no rule names it"),
          (.v201, .unlikely, "too old for v201"),
        ], []
      )
    }
    let named = model.hasPrefix("E303") || model.hasPrefix("E3131")
    let v201 = (
      Version.v201, Confidence.possible,
      named ? "E303 and E3131 from 2012 on want v201" : "firmware from 2012 on may want v201"
    )
    let v2 = (Version.v2, Confidence.possible, "firmware of 2011 to 2013 may want v2")
    let isLate = (year ?? 0) >= 2014
    let order = named || isLate ? [v201, v2] : [v2, v201]
    return (order + [(.v1, .unlikely, "no rule names it")], [])
  }

  /// The year of a date such as `Jan 21 2013, 20:52:32`.
  static func buildYear(_ date: String?) -> Int? {
    guard let date else { return nil }
    let words = date.split { !($0.isASCII && $0.isNumber) }
    return words.filter { $0.count == 4 }.compactMap { Int($0) }.first {
      (2000...2099).contains($0)
    }
  }
}
