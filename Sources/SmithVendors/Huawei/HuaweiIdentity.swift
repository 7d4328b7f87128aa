import SmithAT
import SmithBytes
import SmithModel

/// Asks a Huawei stick in normal mode who it is (Docs/Protocols/huawei-identify.md).
public enum HuaweiIdentity {
  /// Asks every question of the identification after `ATI`, reading only.
  ///
  /// A question that stays unanswered leaves its fields nil; three of them end the asking.
  static func ask(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    try await askNames(asker, &report)
    try await askIdentity(asker, &report)
    try await askVersions(asker, &report)
    try await askState(asker, &report)
    report.answers = asker.answers
    (report.world, report.worldEvidence) = world(of: report)
    report.customerCode = customerCode(of: report.firmware)
    report.chipset = ModelSheet.chip(of: report)
  }

  private static func askNames(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    if report.manufacturer == nil, let answer = try await asker.ask("AT+CGMI") {
      report.manufacturer = HuaweiAnswers.lone(answer, "+CGMI")
      report.vendor = report.manufacturer.flatMap { GenericIdentity.vendor(of: $0) }
    }
    if report.model == nil, let answer = try await asker.ask("AT+CGMM") {
      report.model = HuaweiAnswers.lone(answer, "+CGMM")
    }
    if let answer = try await asker.ask("AT+CGMR"),
      let version = HuaweiAnswers.lone(answer, "+CGMR")
    {
      report.firmware = FirmwareVersion(version)
    }
  }

  private static func askIdentity(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    guard let answer = try await asker.ask("AT+CGSN") else { return }
    if answer.isOK {
      report.imei = HuaweiAnswers.imei(answer) ?? report.imei
    } else if answer.final != .commandNotSupported {
      report.identityDamaged = true
      report.evidence = "AT+CGSN is refused: \(answer.final)"
    }
    if report.manufacturer?.lowercased().holds("qualcomm incorporated") == true {
      report.identityDamaged = true
      report.evidence = report.evidence ?? "the manufacturer reads QUALCOMM INCORPORATED"
    }
    GenericIdentity.noteLostIdentity(&report)
  }

  private static func askVersions(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    if let answer = try await asker.ask("AT^FHVER"),
      let full = HuaweiAnswers.fullVersion(answer)
    {
      report.productID = full.product
      report.hardware = full.hardware
      report.firmware = report.firmware ?? full.software.map { FirmwareVersion($0) }
    }
    if let answer = try await asker.ask("AT^VERSION?") {
      apply(HuaweiAnswers.versions(answer), to: &report)
    }
    if report.hardware == nil, let answer = try await asker.ask("AT^HWVER") {
      report.hardware = HuaweiAnswers.hardware(answer)
    }
    if let answer = try await asker.ask("AT^SN") {
      report.serial = HuaweiAnswers.lone(answer, "^SN")
    }
    if let answer = try await asker.ask("AT^DLOADINFO?"),
      let info = HuaweiAnswers.downloadInfo(answer)
    {
      report.productID = info.product ?? report.productID
      report.dashboard = report.dashboard ?? info.dashboard
      report.webInterface = report.webInterface ?? info.web
      report.firmware = report.firmware ?? info.software.map { FirmwareVersion($0) }
      report.downloadType = info.type
    }
    if let answer = try await asker.ask("AT^FLASHINFO?") {
      report.flashChip = HuaweiAnswers.flash(answer)
    }
  }

  private static func apply(_ versions: [String: String], to report: inout DeviceReport) {
    report.compileDate = versions["bdt"]
    report.firmware = report.firmware ?? versions["exts"].map { FirmwareVersion($0) }
    report.hardware = report.hardware ?? versions["exth"]
    report.model = report.model ?? versions["extu"]
    if let text = versions["extd"] {
      if text.uppercased().hasPrefix("WEBUI") {
        report.webInterface = text
      } else {
        report.dashboard = text
      }
    }
  }

  private static func askState(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    // Stock firmware of the MU609 module crashes on this question.
    if report.model?.uppercased().holds("MU609") != true,
      let answer = try await asker.ask("AT^GETPORTMODE"),
      let ports = HuaweiAnswers.portMode(answer)
    {
      report.portRoles = ports.ports
    }
    if let answer = try await asker.ask("AT^CARDLOCK?") {
      report.simLock = HuaweiAnswers.cardLock(answer)
    }
    report.simState = try await asker.pinState()
    if asker.asksOfTheHour { try await askHour(asker, &report) }
  }

  private static func askHour(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    if let answer = try await asker.ask("AT+CREG?") {
      report.registration = HuaweiAnswers.registration(answer)
    }
    if let answer = try await asker.ask("AT+CSQ") {
      report.signal = HuaweiAnswers.signal(answer)
    }
    if let answer = try await asker.ask("AT+COPS?") {
      report.network = HuaweiAnswers.network(answer)
    }
    if let answer = try await asker.ask("AT^HFREQINFO?") {
      report.band = HuaweiAnswers.band(answer)
    }
    if let answer = try await asker.ask("AT^SYSINFO"),
      let numbers = HuaweiAnswers.systemInfo(answer)
    {
      report.technology = HuaweiAnswers.technology(numbers)
    }
    if let answer = try await asker.ask("AT^CHIPTEMP?") {
      report.temperature = answer.values("^CHIPTEMP").first.flatMap { TextFields.bare($0) }
    }
    if let answer = try await asker.ask("AT^CVOICE?") {
      report.voice = HuaweiAnswers.voice(answer)
    }
  }

  /// Which world the answers speak for; unknown if they contradict each other
  /// (Docs/Protocols/huawei-identify.md section 2).
  static func world(of report: DeviceReport) -> (DeviceReport.World, [String]) {
    var qualcomm: [String] = []
    var balong: [String] = []
    var hiLink = false
    switch report.firmware?.groups?.first {
    case 11: qualcomm.append("firmware version begins with 11.")
    case 21: balong.append("firmware version begins with 21.")
    case 22:
      balong.append("firmware version begins with 22.")
      hiLink = true
    default: break
    }
    for answer in report.answers where answer.command == "AT^GETPORTMODE" {
      let response = ATResponse(lines: answer.lines, final: answer.final ?? .error)
      switch HuaweiAnswers.portMode(response)?.platform?.lowercased() {
      case "qualcomm": qualcomm.append("AT^GETPORTMODE says Qualcomm")
      case "huawei": balong.append("AT^GETPORTMODE says huawei")
      default: break
      }
    }
    if report.answers.contains(where: { $0.final == .commandNotSupported }) {
      qualcomm.append("an unknown command is answered with COMMAND NOT SUPPORT")
    }
    let evidence = qualcomm + balong
    if !qualcomm.isEmpty, !balong.isEmpty { return (.unknown, evidence) }
    if !qualcomm.isEmpty { return (.qualcomm, evidence) }
    guard !balong.isEmpty, let family = report.firmware?.groups?.first,
      family == 21 || family == 22
    else { return (.unknown, evidence) }
    return (hiLink ? .balongHiLink : .balongStick, evidence)
  }

  /// The fifth group of a version of five.
  static func customerCode(of firmware: FirmwareVersion?) -> String? {
    guard let firmware, let groups = firmware.groups, groups.count == 5 else { return nil }
    return TextFields.parts(firmware.text, at: 0x2e).last.map(String.init)
  }
}
