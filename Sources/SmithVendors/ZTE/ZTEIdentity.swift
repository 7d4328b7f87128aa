public import SmithAT
import SmithModel

/// Asks a ZTE stick who it is; reads only (Docs/Protocols/zte-at.md section 3).
public enum ZTEIdentity {
  /// Asks what `ATI` left open.
  public static func complete(_ first: DeviceReport, over session: ATSession)
    async throws(ATError) -> DeviceReport
  {
    let asker = Asker(session)
    var report = first
    if report.model == nil, let answer = try await asker.ask("AT+CGMM") {
      report.model = ZTEAnswers.lone(answer, "+CGMM")
    }
    if report.firmware == nil, let answer = try await asker.ask("AT+CGMR") {
      report.firmware = ZTEAnswers.lone(answer, "+CGMR").map { FirmwareVersion($0) }
    }
    if report.imei == nil, let answer = try await asker.ask("AT+CGSN") {
      report.imei = HuaweiAnswers.imei(answer)
    }
    if let answer = try await asker.ask("AT+CPIN?") {
      report.simState = answer.values("+CPIN").first.flatMap { TextFields.bare($0) }
    }
    let section = try await asker.ask("AT+ZSEC?")
    let code = try await asker.ask("AT+ZNCK?")
    report.simLock = ZTEAnswers.lock(section, code, simState: report.simState)
    if let answer = try await asker.ask("AT+CSQ") { report.signal = HuaweiAnswers.signal(answer) }
    if let answer = try await asker.ask("AT+CREG?") {
      report.registration = HuaweiAnswers.registration(answer)
    }
    if let answer = try await asker.ask("AT+COPS?") {
      report.network = HuaweiAnswers.network(answer)
    }
    GenericIdentity.noteLostIdentity(&report)
    if asker.gaveUp {
      report.evidence = report.evidence ?? "the port stopped answering; questions were left out"
    }
    report.customerCode = report.firmware.flatMap { ZTERevision($0.text) }?.project
    report.answers = first.answers + asker.answers
    return report
  }
}

/// Reads and restores the settings of a ZTE stick (Docs/Protocols/zte-at.md section 7).
public enum ZTESettings {
  /// Profiles, network mode, PIN state; what the stick refuses stays nil.
  public static func read(over session: ATSession) async throws(ATError) -> DeviceSettings {
    let asker = Asker(session)
    var settings = DeviceSettings()
    if let answer = try await asker.ask("AT+CGDCONT?"), answer.isOK {
      settings.profiles = PacketProfiles.read(answer)
    }
    if let answer = try await asker.ask("AT+ZSNT?"), let value = answer.values("+ZSNT").first,
      isNumbers(value)
    {
      settings.network = .init(command: "ZSNT", value: TextFields.trim(value))
    }
    if let answer = try await asker.ask("AT+CPIN?") {
      settings.pinState = answer.values("+CPIN").first.flatMap { TextFields.bare($0) }
    }
    return settings
  }

  /// Writes back what differs now; profiles that the backup does not know stay.
  public static func restore(_ backup: DeviceSettings, over session: ATSession)
    async throws(ATError) -> SettingsRestoration
  {
    let present = try await read(over: session)
    var result = SettingsRestoration()
    try await PacketProfiles.restore(backup, present: present, over: session, &result)
    if let network = backup.network, network != present.network {
      if network.command == "ZSNT", present.network != nil, isNumbers(network.value) {
        result.note(
          "network mode", try await session.send(ATCommand("AT+ZSNT=\(network.value)")))
      } else {
        result.leftOut.append("network mode: this firmware does not know it")
      }
    }
    return result
  }

  /// Three small numbers and nothing that could carry a second command.
  private static func isNumbers(_ value: String) -> Bool {
    let fields = TextFields.split(value)
    return (2...4).contains(fields.count)
      && fields.allSatisfy { field in
        (1...2).contains(field.utf8.count) && field.utf8.allSatisfy { (0x30...0x39).contains($0) }
      }
  }
}
