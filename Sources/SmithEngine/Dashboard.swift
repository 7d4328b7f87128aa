import Crypto
import SmithAT
import SmithBytes
import SmithFormats
public import SmithLink
public import SmithModel
public import SmithVendors

extension CheckedImage {
  /// The file as far as it is dashboard and web interface; itself if it is nothing else.
  ///
  /// Out of a combined package only the CD image and the web interface are taken: other items
  /// belong to the firmware (Docs/Protocols/huawei-dashboard.md section 2). The part has a
  /// fingerprint of its own, so that it is never resumed as the whole.
  ///
  /// - Throws: `dashboard.none-in-file`, or `dashboard.signed-package` where the signature covers
  ///   more than the part.
  public func dashboardOnly() throws(Trouble) -> CheckedImage {
    guard !image.kinds.isDisjoint(with: [.dashboard, .webInterface]) else {
      throw Trouble(
        "dashboard.none-in-file", "The file holds no dashboard and no web interface.",
        advice: ["Choose the dashboard package; `modemsmith image show FILE` tells what it holds."],
        exitCode: .refused)
    }
    guard image.kinds.contains(.firmware) else { return self }
    guard image.signature == nil else {
      throw Trouble(
        "dashboard.signed-package",
        "The package is signed as a whole: its dashboard cannot be taken out.",
        advice: ["Get the dashboard package of its own, or install the whole with `update`."],
        exitCode: .refused)
    }
    var part = image
    part.segments = image.segments.filter { segment in
      BalongItems.kind(of: segment.id).map { $0 != .firmware } ?? false
    }
    guard !part.segments.isEmpty else {
      throw Trouble(
        "dashboard.none-in-file", "The file says that it holds a dashboard, and none is in it.",
        advice: ["Get the dashboard package of its own."], exitCode: .refused)
    }
    part.kinds.remove(.firmware)
    part.claims.firmware = nil
    let digest = SHA256.hash(data: [UInt8]("dashboard of \(sha256)".utf8))
    return CheckedImage(image: part, path: path, sha256: [UInt8](digest).hex)
  }

  /// The file as the update with this plan meant it: whole, or its dashboard.
  public func asPlanned(_ plan: Plan) -> CheckedImage {
    if sha256 != plan.sha256, let part = try? dashboardOnly(), part.sha256 == plan.sha256 {
      return part
    }
    return self
  }
}

/// What a stick says about the PC software inside it.
public struct DashboardState: Sendable, Equatable {
  /// Version of the CD image's program.
  public var dashboard: String?
  /// Version of the web interface.
  public var webInterface: String?
  /// Version of the firmware that it has to go with.
  public var firmware: FirmwareVersion?
  /// The port set-up; nil if the stick does not tell.
  public var ports: DeviceSettings.PortSetup?

  /// Reads it from what a stick answered.
  public init(_ subject: Subject) {
    dashboard = subject.report.dashboard
    webInterface = subject.report.webInterface
    firmware = subject.report.firmware
    ports = subject.settings?.ports
  }

  /// Whether the fake CD shows up; nil if the stick does not tell.
  public var isShown: Bool? { ports.map { HuaweiDisc.isShown($0) } }
}

/// Looks at, writes, hides and shows the dashboard inside a Huawei stick.
public struct DashboardKeeper {
  private let updater: Updater
  private let bus: any Bus
  private let owner: any Owner
  private let backups: BackupStore

  /// A keeper on a bus, for one owner.
  ///
  /// - Parameter page: of a stick that may show a page and no serial port.
  public init(
    bus: any Bus, owner: any Owner, surroundings: Surroundings, page: StickPageDoor? = nil
  ) {
    self.bus = bus
    self.owner = owner
    backups = surroundings.backups
    updater = Updater(bus: bus, owner: owner, surroundings: surroundings, page: page)
  }

  /// What the stick says; sends nothing that changes it.
  public func look(_ place: Place) async throws(Trouble) -> DashboardState {
    DashboardState(try await normal(place))
  }

  /// Writes the dashboard of a file, and asks the stick for its version afterwards.
  public func install(_ file: CheckedImage, at place: Place, policy: Policy) async
    -> UpdateReport
  {
    var policy = policy
    policy.purpose = .dashboard
    let image: CheckedImage
    do throws(Trouble) { image = try file.dashboardOnly() } catch {
      var report = UpdateReport(verdict: .unchanged, device: DeviceReport())
      report.trouble = error
      return report
    }
    var report = await updater.update(image, at: place, policy: policy)
    guard report.verdict == .updated else { return report }
    for (wanted, told) in HuaweiDashboard.versions(of: image.image, beside: report.device)
    where !HuaweiDashboard.isSame(wanted, told) {
      report.warnings.append("the file names \(wanted), the stick says \(told ?? "nothing") now")
    }
    return report
  }

  /// Shows or hides the fake CD by the port set-up; effective after the next plug.
  ///
  /// - Parameter consent: is shown the set-ups before and after, and agrees or not.
  /// - Returns: the set-up that the stick now tells; where the old one was saved.
  /// - Throws: a refusal; nothing was changed then.
  public func setDisc(
    shown: Bool, at place: Place,
    consent: (DeviceSettings.PortSetup, DeviceSettings.PortSetup, Subject) async -> Consent?
  ) async throws(Trouble) -> (now: DeviceSettings.PortSetup, backup: String?) {
    let subject = try await normal(place)
    guard let before = subject.settings?.ports else { throw Self.noSetPort }
    guard HuaweiDisc.isShown(before) != shown else { return (before, nil) }
    guard let after = shown ? HuaweiDisc.shown(before) : HuaweiDisc.hidden(before),
      let command = HuaweiSettings.command(for: after)
    else { throw Self.noATPort }
    let saved = try backups.save(Backup(of: subject, time: backups.time()))
    guard await consent(before, after, subject) != nil, !owner.wantsToStop else {
      throw owner.wantsToStop ? UpdateRun.cancelled : UpdateRun.noConsent
    }
    let (answer, settings) = try await PortKeeper.write(command, at: place, on: bus)
    guard answer.isOK, let now = settings.ports, now == after else {
      throw Self.refused("\(answer.final)", settings.ports == before)
    }
    return (now, saved)
  }

  func normal(_ place: Place) async throws(Trouble) -> Subject {
    try await updater.runningHuawei(
      place,
      else: Trouble(
        "dashboard.not-normal", "The dashboard of this stick cannot be asked for now.",
        facts: ["it has to be a Huawei stick that runs its firmware"],
        advice: ["If it waits in download mode, finish its update with `modemsmith resume`."],
        exitCode: .refused))
  }

  private static let noSetPort = Trouble(
    "dashboard.no-setport", "The stick does not tell its port set-up (AT^SETPORT).",
    facts: ["older sticks know only AT^U2DIAG, which can take every port away; it is not used"],
    advice: [
      "Leave the CD as it is.",
      "A HiLink stick tells it over a serial port alone: `modemsmith hilink serial` brings one.",
    ], exitCode: .refused)

  private static let noATPort = Trouble(
    "dashboard.no-at-port", "The set-up would leave the stick without an AT port.",
    advice: ["Leave the port set-up as it is: without that port nothing could change it back."],
    exitCode: .refused)

  private static func refused(_ answer: String, _ isAsBefore: Bool) -> Trouble {
    Trouble(
      "dashboard.setport-refused", "The stick did not take the port set-up (\(answer)).",
      advice: [
        isAsBefore
          ? "It kept its old set-up; leave the CD as it is."
          : "Run `modemsmith dashboard show` to see what it has now."
      ], aftermath: .stillBoots, exitCode: .stillWorks)
  }
}
