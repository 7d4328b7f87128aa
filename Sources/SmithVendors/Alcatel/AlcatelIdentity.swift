public import SmithAT
import SmithModel

/// Asks an Alcatel stick who it is; reads only (Docs/Protocols/alcatel-at.md section 3).
public enum AlcatelIdentity {
  /// Which of the two serial kinds a revision speaks for.
  public enum Kind: String, Sendable {
    /// X020, X030, X060S, X070S: not of the maker's own making.
    case resold
    /// X200 and its relatives.
    case serial
  }

  /// L is X200 and its relatives, C is X060S; nil for other revisions.
  public static func kind(revision: String) -> Kind? {
    switch revision.first {
    case "L": .serial
    case "C": .resold
    default: nil
    }
  }

  /// Asks what `ATI` left open.
  public static func complete(_ first: DeviceReport, over session: ATSession)
    async throws(ATError) -> DeviceReport
  {
    let asker = Asker(session)
    var report = first
    if let answer = try await asker.ask("AT+GMR"), let revision = revision(answer) {
      report.firmware = report.firmware ?? FirmwareVersion(revision)
    }
    if report.imei == nil, let answer = try await asker.ask("AT+CGSN") {
      report.imei = HuaweiAnswers.imei(answer)
    }
    if let answer = try await asker.ask("AT+CPIN?") {
      report.simState = answer.values("+CPIN").first.flatMap { TextFields.bare($0) }
    }
    if report.simState == "PH-NET PIN" { report.simLock = .init(status: .codeNeeded) }
    if report.simState == "PH-NET PUK" { report.simLock = .init(status: .blocked) }
    if let answer = try await asker.ask("AT+CSQ") { report.signal = HuaweiAnswers.signal(answer) }
    if let answer = try await asker.ask("AT+CREG?") {
      report.registration = HuaweiAnswers.registration(answer)
    }
    if let answer = try await asker.ask("AT+COPS?") {
      report.network = HuaweiAnswers.network(answer)
    }
    if let revision = report.firmware?.text, let kind = kind(revision: revision) {
      report.worldEvidence = [
        kind == .serial
          ? "the revision begins with L: X200 and its relatives"
          : "the revision begins with C: X060S and its relatives, of another maker"
      ]
    }
    GenericIdentity.noteLostIdentity(&report)
    if asker.gaveUp {
      report.evidence = report.evidence ?? "the port stopped answering; questions were left out"
    }
    report.answers = first.answers + asker.answers
    return report
  }

  /// The revision of `AT+GMR L1234`, with the echo in front or without.
  static func revision(_ response: ATResponse) -> String? {
    guard response.isOK, let line = response.lines.first(where: { !$0.isEmpty }) else {
      return nil
    }
    var text = TextFields.trim(line)
    if text.uppercased().hasPrefix("AT+GMR") { text = TextFields.trim(text.dropFirst(6)) }
    if text.hasPrefix("+GMR:") { text = TextFields.trim(text.dropFirst(5)) }
    return text.isEmpty || text.utf8.count > 100 ? nil : text
  }
}

/// Reads and restores the settings of an Alcatel stick (Docs/Protocols/alcatel-at.md section 4).
public enum AlcatelSettings {
  /// Profiles, network mode, PIN state; what the stick refuses stays nil.
  public static func read(over session: ATSession) async throws(ATError) -> DeviceSettings {
    let asker = Asker(session)
    var settings = DeviceSettings()
    if let answer = try await asker.ask("AT+CGDCONT?"), answer.isOK {
      settings.profiles = PacketProfiles.read(answer)
    }
    if let answer = try await asker.ask("AT+SYSSEL?"), let mode = mode(answer) {
      settings.network = .init(command: "SYSSEL", value: "\(mode)")
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
      if network.command == "SYSSEL", present.network != nil,
        ["0", "1", "2"].contains(network.value)
      {
        result.note(
          "network mode", try await session.send(ATCommand("AT+SYSSEL=,\(network.value),0")))
      } else {
        result.leftOut.append("network mode: this firmware does not know it")
      }
    }
    return result
  }

  /// The third of `+SYSSEL: a,b,mode,d`; 0 any, 1 2G, 2 3G.
  static func mode(_ response: ATResponse) -> Int? {
    guard let value = response.values("+SYSSEL").first else { return nil }
    let fields = TextFields.split(value)
    guard fields.count >= 3, let mode = Int(fields[2]), (0...2).contains(mode) else { return nil }
    return mode
  }
}
