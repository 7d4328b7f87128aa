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
    try await SerialStick.complete(first, over: session, AlcatelDialect())
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
    try await SerialStick.settings(over: session, AlcatelDialect())
  }

  /// Writes back what differs now; profiles that the backup does not know stay.
  public static func restore(_ backup: DeviceSettings, over session: ATSession)
    async throws(ATError) -> SettingsRestoration
  {
    try await SerialStick.restore(backup, over: session, AlcatelDialect())
  }

  /// The third of `+SYSSEL: a,b,mode,d`; 0 any, 1 2G, 2 3G.
  static func mode(_ response: ATResponse) -> Int? {
    guard let value = response.values("+SYSSEL").first else { return nil }
    let fields = TextFields.split(value)
    guard fields.count >= 3, let mode = Int(fields[2]), (0...2).contains(mode) else { return nil }
    return mode
  }
}

/// Alcatel's own commands.
struct AlcatelDialect: SerialDialect {
  func complete(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    if let answer = try await asker.ask("AT+GMR"),
      let revision = AlcatelIdentity.revision(answer)
    {
      report.firmware = report.firmware ?? FirmwareVersion(revision)
    }
    guard let revision = report.firmware?.text,
      let kind = AlcatelIdentity.kind(revision: revision)
    else { return }
    report.worldEvidence = [
      kind == .serial
        ? "the revision begins with L: X200 and its relatives"
        : "the revision begins with C: X060S and its relatives, of another maker"
    ]
  }

  /// How many tries are left, these sticks do not tell.
  func ask(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError) {
    switch report.simState {
    case "PH-NET PIN": report.simLock = .init(status: .codeNeeded, triesAllowed: nil)
    case "PH-NET PUK": report.simLock = .init(status: .blocked, triesAllowed: nil)
    case "READY": report.simLock = .init(status: .noCodeNeeded, triesAllowed: nil)
    default: break
    }
  }

  var networkQuestion: ATCommand { "AT+SYSSEL?" }

  func network(in answer: ATResponse) -> DeviceSettings.NetworkMode? {
    AlcatelSettings.mode(answer).map { .init(command: "SYSSEL", value: "\($0)") }
  }

  func command(for network: DeviceSettings.NetworkMode) -> ATCommand? {
    guard network.command == "SYSSEL", ["0", "1", "2"].contains(network.value) else { return nil }
    return ATCommand("AT+SYSSEL=,\(network.value),0")
  }
}
