public import SmithAT
import SmithModel

/// Asks a ZTE stick who it is; reads only (Docs/Protocols/zte-at.md section 3).
public enum ZTEIdentity {
  /// Asks what `ATI` left open.
  public static func complete(_ first: DeviceReport, over session: ATSession)
    async throws(ATError) -> DeviceReport
  {
    try await SerialStick.complete(first, over: session, ZTEDialect())
  }
}

/// Reads and restores the settings of a ZTE stick (Docs/Protocols/zte-at.md section 7).
public enum ZTESettings {
  /// Profiles, network mode, PIN state; what the stick refuses stays nil.
  public static func read(over session: ATSession) async throws(ATError) -> DeviceSettings {
    try await SerialStick.settings(over: session, ZTEDialect())
  }

  /// Writes back what differs now; profiles that the backup does not know stay.
  public static func restore(_ backup: DeviceSettings, over session: ATSession)
    async throws(ATError) -> SettingsRestoration
  {
    try await SerialStick.restore(backup, over: session, ZTEDialect())
  }
}

/// ZTE's own commands.
struct ZTEDialect: SerialDialect {
  func complete(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    if report.model == nil, let answer = try await asker.ask("AT+CGMM") {
      report.model = ZTEAnswers.lone(answer, "+CGMM")
    }
    if report.firmware == nil, let answer = try await asker.ask("AT+CGMR") {
      report.firmware = ZTEAnswers.lone(answer, "+CGMR").map { FirmwareVersion($0) }
    }
    report.customerCode = report.firmware.flatMap { ZTERevision($0.text) }?.project
  }

  func ask(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    let section = try await asker.ask("AT+ZSEC?")
    let code = try await asker.ask("AT+ZNCK?")
    report.simLock = ZTEAnswers.lock(section, code, simState: report.simState)
    if let answer = try await asker.ask("AT+ZPAS?") {
      report.technology = answer.values("+ZPAS").first.flatMap { TextFields.split($0).first }
    }
  }

  var networkQuestion: ATCommand { "AT+ZSNT?" }

  func network(in answer: ATResponse) -> DeviceSettings.NetworkMode? {
    guard let value = answer.values("+ZSNT").first, isNumbers(value) else { return nil }
    return .init(command: "ZSNT", value: TextFields.trim(value))
  }

  func command(for network: DeviceSettings.NetworkMode) -> ATCommand? {
    guard network.command == "ZSNT", isNumbers(network.value) else { return nil }
    return ATCommand("AT+ZSNT=\(network.value)")
  }

  /// Small numbers and nothing that could carry a second command.
  private func isNumbers(_ value: String) -> Bool {
    let fields = TextFields.split(value)
    return (2...4).contains(fields.count)
      && fields.allSatisfy { field in
        (1...2).contains(field.utf8.count) && field.utf8.allSatisfy { (0x30...0x39).contains($0) }
      }
  }
}
