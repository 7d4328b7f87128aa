import SmithAT
import SmithFormats
import SmithLink
import SmithModel

/// What one vendor's AT dialect adds to what all serial sticks answer alike.
protocol SerialDialect: Sendable {
  /// Asks what only this vendor's sticks know: lock, technology and the like.
  func ask(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError)
  /// Model and firmware, where `ATI` left them open.
  func complete(_ asker: Asker, _ report: inout DeviceReport) async throws(ATError)
  /// Asks for the network mode.
  var networkQuestion: ATCommand { get }
  /// Reads the answer.
  func network(in answer: ATResponse) -> DeviceSettings.NetworkMode?
  /// The command that writes a network mode back; nil for what is none of this dialect.
  func command(for network: DeviceSettings.NetworkMode) -> ATCommand?
}

/// The questions that serial sticks of ZTE and Alcatel have in common; reads only, but for
/// ``restore(_:over:_:)``.
enum SerialStick {
  /// Asks what `ATI` left open.
  static func complete(
    _ first: DeviceReport, over session: ATSession, _ dialect: some SerialDialect
  ) async throws(ATError) -> DeviceReport {
    let asker = Asker(session)
    var report = first
    try await dialect.complete(asker, &report)
    if report.imei == nil, let answer = try await asker.ask("AT+CGSN") {
      report.imei = HuaweiAnswers.imei(answer)
    }
    report.simState = try await asker.pinState()
    try await dialect.ask(asker, &report)
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
    report.answers = first.answers + asker.answers
    return report
  }

  /// Profiles, network mode, PIN state; what the stick refuses stays nil.
  static func settings(over session: ATSession, _ dialect: some SerialDialect)
    async throws(ATError) -> DeviceSettings
  {
    let asker = Asker(session)
    var settings = DeviceSettings()
    settings.profiles = try await asker.profiles()
    if let answer = try await asker.ask(dialect.networkQuestion) {
      settings.network = dialect.network(in: answer)
    }
    settings.pinState = try await asker.pinState()
    return settings
  }

  /// Writes back what differs now; profiles that the backup does not know stay.
  static func restore(
    _ backup: DeviceSettings, over session: ATSession, _ dialect: some SerialDialect
  ) async throws(ATError) -> SettingsRestoration {
    let present = try await settings(over: session, dialect)
    var result = SettingsRestoration()
    try await PacketProfiles.restore(backup, present: present, over: session, &result)
    if let network = backup.network, network != present.network {
      if present.network != nil, let command = dialect.command(for: network) {
        result.note("network mode", try await session.send(command))
      } else {
        result.leftOut.append("network mode: this firmware does not know it")
      }
    }
    return result
  }
}

/// A family of which only the dialect is known: settings and identity over AT, and no way to
/// write firmware over its ports.
struct SerialOnly: Family {
  let name: String
  let vendor: String
  private let dialect: any SerialDialect

  init(_ vendor: String, _ dialect: any SerialDialect) {
    name = "\(vendor)-serial"
    self.vendor = vendor
    self.dialect = dialect
  }

  var evidence: String { "simulator" }
  var goesOnInTheMiddle: Bool { false }
  var startsWhenReplugged: Bool { true }

  /// No file is written this way.
  func takes(_ image: FirmwareImage) -> Bool { false }

  /// Its ports are asked by the families that have loaders.
  func state(over link: any ByteLink) async throws(LinkError) -> StickState { .silent }

  func look(over link: any ByteLink, in loader: Loader) async throws(Trouble) -> DeviceReport {
    throw noWay
  }

  func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement { throw noWay }

  func flash(_ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness)
    async throws(Trouble)
  {
    await link.close()
    throw noWay
  }

  func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) { throw noWay }

  func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    try await SerialStick.settings(over: session, dialect)
  }

  func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  {
    try await SerialStick.restore(settings, over: session, dialect)
  }

  private var noWay: Trouble { StickState.silent.obstacle ?? LinkError.silent.trouble }
}
