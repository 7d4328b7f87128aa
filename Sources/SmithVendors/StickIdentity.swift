public import SmithAT
import SmithBytes
import SmithModel

/// Says who a stick is, whoever made it: `ATI` first, then the questions of its vendor.
public enum StickIdentity {
  /// Asks `ATI`, and everything else that its maker's sticks answer.
  ///
  /// - Parameter ofTheHour: whether what changes by the hour is asked too (signal, network,
  ///   temperature); an update compares none of it.
  public static func identify(over session: ATSession, ofTheHour: Bool = true)
    async throws(ATError) -> DeviceReport
  {
    let asker = Asker(session, asksOfTheHour: ofTheHour)
    var report = DeviceReport()
    GenericIdentity.apply(try await asker.demand("ATI").lines, to: &report)
    // Some answer this one only.
    if report.manufacturer == nil, let answer = try await asker.ask("AT+CGMI"),
      let name = HuaweiAnswers.lone(answer, "+CGMI")
    {
      report.manufacturer = name
      report.vendor = GenericIdentity.vendor(of: name)
    }
    switch report.vendor {
    case "huawei": try await HuaweiIdentity.ask(asker, &report)
    case "sierra": try await SierraIdentity.ask(asker, &report)
    case "zte":
      report.answers = asker.answers
      return try await ZTEIdentity.complete(report, over: session)
    case "alcatel":
      report.answers = asker.answers
      return try await AlcatelIdentity.complete(report, over: session)
    default: break
    }
    if asker.gaveUp {
      report.evidence = report.evidence ?? "the port stopped answering; questions were left out"
    }
    report.answers = asker.answers
    return report
  }
}

/// What every vendor answers to `ATI`.
public enum GenericIdentity {
  /// Vendor in lower case that a manufacturer text names; nil if it names none we know.
  public static func vendor(of manufacturer: String) -> String? {
    let text = manufacturer.lowercased()
    let names: [(String, String)] = [
      ("huawei", "huawei"), ("zte", "zte"), ("tct", "alcatel"), ("alcatel", "alcatel"),
      ("t & a mobile", "alcatel"), ("qualcomm", "qualcomm"),
      ("sierra", "sierra"), ("netgear", "sierra"),
    ]
    return names.first { text.holds($0.0) }?.1
  }

  /// Reads the lines of an `ATI` answer; a second line of the same key is ignored.
  static func apply(_ lines: [String], to report: inout DeviceReport) {
    for line in lines {
      guard let (key, value) = TextFields.pair(line), !value.isEmpty else { continue }
      switch key {
      case "manufacturer" where report.manufacturer == nil:
        report.manufacturer = value
        report.vendor = vendor(of: value)
      case "model" where report.model == nil: report.model = value
      case "revision" where report.firmware == nil: report.firmware = FirmwareVersion(value)
      case "imei" where report.imei == nil: report.imei = IMEI(value)
      case "fsn" where report.serial == nil: report.serial = value
      default: break
      }
    }
    report.mode = .normal
    noteLostIdentity(&report)
  }

  static func noteLostIdentity(_ report: inout DeviceReport) {
    guard report.imei?.looksLost == true else { return }
    report.identityDamaged = true
    report.evidence = report.evidence ?? "the IMEI consists of one digit repeated"
  }
}
