import SmithAT
import SmithFormats
import SmithModel

/// Asks a Sierra Wireless stick in normal mode who it is
/// (Docs/Protocols/sierra-identify.md sections 2 to 4).
enum SierraIdentity {
  /// The documented factory password; a stick whose owner changed it keeps its answers.
  private static let unlock: ATCommand = "AT!ENTERCND=\"A710\""

  /// Asks every question after `ATI`, reading only; what the stick refuses stays nil.
  static func ask(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    report.revision = report.firmware?.text
    if report.revision.flatMap({ SierraRevision($0) }) == nil,
      let answer = try await asker.ask("AT+GMR"), answer.isOK
    {
      report.revision = SierraAnswers.version(gmr: answer.lines) ?? report.revision
    }
    if report.revision == nil, let answer = try await asker.ask("AT!GVER?") {
      report.revision = SierraAnswers.version(gver: answer.lines)
    }
    if let revision = report.revision.flatMap({ SierraRevision($0) }) {
      report.firmware = revision.version
      report.productID = revision.family
      report.chipset = revision.chipset
      report.compileDate = revision.build.isEmpty ? nil : revision.build
    } else if let version = report.revision.flatMap({ GobiPackage.version(in: $0) }) {
      report.firmware = version
    }
    report.world = .qualcomm
    report.worldEvidence = report.revision.map { ["ATI revision: \($0)"] } ?? []
    if report.imei == nil, let answer = try await asker.ask("AT+CGSN"), answer.isOK {
      report.imei = answer.lines.lazy.compactMap { IMEI($0) }.first
    }
    try await askSettings(asker, &report)
    try await askRadio(asker, &report)
  }

  private static func askSettings(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    if let answer = try await asker.ask("AT!PRIID?"), answer.isOK {
      let pri = SierraPRI(lines: answer.lines)
      report.carrierSettings = pri.revision
      report.package = pri.carrier
      report.customerCode = pri.customer
    }
    if let preference = try await preference(asker) {
      report.carrier = preference.current.carrier ?? preference.preferred.carrier
      report.carrierSettings = preference.current.configuration ?? report.carrierSettings
      report.complaints += preference.mismatches
      if !preference.isHealthy, preference.mismatches.isEmpty {
        report.complaints.append("firmware or carrier settings are missing")
      }
    }
    if let answer = try await asker.ask("AT!PCINFO?"), answer.isOK,
      let power = SierraPower(lines: answer.lines), power.isImageMismatch
    {
      report.complaints.append("the radio is off: firmware and settings do not fit each other")
    }
    if let answer = try await asker.ask("AT!HWID?"), answer.isOK {
      report.hardware = SierraAnswers.hardware(lines: answer.lines)
    }
  }

  /// `AT!IMPREF?`, or its older name; the password is sent only where both were refused.
  static func preference(_ asker: Asker) async throws(ATError) -> SierraPreference? {
    for isUnlocked in [false, true] {
      if isUnlocked {
        guard let answer = try await asker.ask(unlock), answer.isOK else { return nil }
      }
      for command in ["AT!IMPREF?", "AT!GOBIIMPREF?"] as [ATCommand] {
        if let answer = try await asker.ask(command), answer.isOK,
          let preference = SierraPreference(lines: answer.lines)
        {
          return preference
        }
      }
    }
    return nil
  }

  private static func askRadio(_ asker: Asker, _ report: inout DeviceReport)
    async throws(ATError)
  {
    report.simState = try await asker.pinState()
    if let answer = try await asker.ask("AT!GSTATUS?"), answer.isOK {
      if SierraAnswers.mode(status: answer.lines)?.uppercased() == "LOW POWER MODE" {
        report.complaints.append("the stick is in low power mode")
      }
    }
    guard asker.asksOfTheHour else { return }
    if let answer = try await asker.ask("AT+CREG?") {
      report.registration = HuaweiAnswers.registration(answer)
    }
    if let answer = try await asker.ask("AT+CSQ") { report.signal = HuaweiAnswers.signal(answer) }
    if let answer = try await asker.ask("AT+COPS?") {
      report.network = HuaweiAnswers.network(answer)
    }
  }
}

/// Reads the settings of a Sierra stick, and mends a preference that keeps the radio off
/// (Docs/Protocols/sierra-identify.md section 4).
enum SierraSettings {
  static func read(over session: ATSession) async throws(ATError) -> DeviceSettings {
    let asker = Asker(session)
    var settings = DeviceSettings()
    settings.profiles = try await asker.profiles()
    settings.pinState = try await asker.pinState()
    settings.carrier = try await SierraIdentity.preference(asker)?.preferred.carrier
    if let answer = try await asker.ask("AT!UDUSBCOMP?"), answer.isOK {
      settings.composition = answer.values("!UDUSBCOMP").first.flatMap { Int(TextFields.trim($0)) }
    }
    return settings
  }

  /// Sets the preferred carrier back where the stick says that it does not fit what it runs; a
  /// carrier whose settings are not stored is refused by the stick itself.
  static func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  {
    var result = SettingsRestoration()
    let asker = Asker(session)
    let present = try await read(over: session)
    try await PacketProfiles.restore(settings, present: present, over: session, &result)
    if let word = settings.composition, word != present.composition {
      // Some compositions have no AT port at all.
      result.leftOut.append("ports: the composition differs and is never written by itself")
    }
    guard let wanted = settings.carrier, TextFields.isQuotable(wanted),
      let preference = try await SierraIdentity.preference(asker)
    else { return result }
    let isRight = preference.preferred.carrier?.lowercased() == wanted.lowercased()
    if isRight, preference.isHealthy { return result }
    _ = try await asker.ask("AT!ENTERCND=\"A710\"")
    for name in ["IMPREF", "GOBIIMPREF"] {
      guard let answer = try await asker.ask(ATCommand("AT!\(name)=\"\(wanted)\"")), answer.isOK
      else { continue }
      result.restored.append("preferred carrier \(wanted)")
      result.restarts = true
      _ = try await asker.ask("AT!RESET")
      return result
    }
    result.leftOut.append("preferred carrier \(wanted): the stick does not have its settings")
    return result
  }
}
