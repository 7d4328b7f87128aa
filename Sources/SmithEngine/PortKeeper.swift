import SmithAT
public import SmithLink
public import SmithModel
public import SmithVendors

/// Shows and sets which ports a Huawei stick has (Docs/Protocols/huawei-qualcomm.md section 6).
public struct PortKeeper {
  private let updater: Updater
  private let bus: any Bus
  private let owner: any Owner
  private let backups: BackupStore

  /// What a stick says of its ports.
  public struct State: Sendable {
    /// What it can be told; nil if it knows neither command.
    public var setting: HuaweiPorts.Setting?
    /// Its ports in the order of AT^GETPORTMODE.
    public var ports: [DeviceReport.PortEntry]
    /// The model as it says.
    public var model: String?
  }

  /// A keeper on a bus, for one owner.
  public init(bus: any Bus, owner: any Owner, surroundings: Surroundings) {
    self.bus = bus
    self.owner = owner
    backups = surroundings.backups
    updater = Updater(bus: bus, owner: owner, surroundings: surroundings)
  }

  /// What the stick says; sends nothing that changes it.
  public func look(_ place: Place) async throws(Trouble) -> State {
    Self.state(try await subject(place))
  }

  /// Sets the ports; effective when the stick is plugged in the next time.
  ///
  /// - Parameter consent: is shown what is and what will be, and agrees or not.
  /// - Returns: what the stick tells now; where the old settings were saved, nil if nothing was
  ///   to be done.
  /// - Throws: a refusal; nothing was changed then.
  public func set(
    _ wanted: HuaweiPorts.Setting, at place: Place, consent: (State) async -> Consent?
  ) async throws(Trouble) -> (now: HuaweiPorts.Setting, backup: String?) {
    // Judged before anything is asked: a bad wish is bad on every stick.
    guard let command = HuaweiPorts.command(for: wanted) else { throw Self.noATPort(wanted) }
    let subject = try await subject(place)
    let state = Self.state(subject)
    guard let before = state.setting, before.isSameKind(as: wanted) else {
      throw Self.notTold(state)
    }
    if before == wanted { return (before, nil) }
    let saved = try backups.save(Backup(of: subject, time: backups.time()))
    guard await consent(state) != nil, !owner.wantsToStop else {
      throw owner.wantsToStop ? UpdateRun.cancelled : UpdateRun.noConsent
    }
    let (answer, settings) = try await Self.write(command, at: place, on: bus)
    guard answer.isOK, let now = settings.portSetting, now == wanted else {
      throw Self.refused("\(answer.final)", settings.portSetting == before)
    }
    return (now, saved)
  }

  /// Sends a command that sets ports, and reads what is set then.
  ///
  /// - Throws: a trouble that leaves open what became of the stick: the command may have arrived.
  static func write(_ command: ATCommand, at place: Place, on bus: any Bus) async throws(Trouble)
    -> (answer: ATResponse, settings: DeviceSettings)
  {
    let link = try await Updater.open(place, on: bus)
    let session = ATSession(link: link)
    do throws(ATError) {
      let answer = try await session.send(command)
      let settings = try await HuaweiSettings.read(over: session)
      await link.close()
      return (answer, settings)
    } catch {
      await link.close()
      var trouble = error.trouble
      trouble.facts.append("the new port set-up may have arrived; both keep the AT port")
      trouble.advice.insert(
        "Plug the stick in again; `modemsmith huawei ports` shows what it has now.", at: 0)
      trouble.aftermath = .unknown
      trouble.exitCode = .unknown
      throw trouble
    }
  }

  private static func state(_ subject: Subject) -> State {
    State(
      setting: subject.settings?.portSetting, ports: subject.report.portRoles,
      model: subject.report.model)
  }

  private func subject(_ place: Place) async throws(Trouble) -> Subject {
    try await updater.runningHuawei(
      place,
      else: Trouble(
        "ports.not-normal", "The ports of this stick cannot be asked for now.",
        facts: ["it has to be a Huawei stick that runs its firmware"],
        advice: ["Run `modemsmith info` to see what it is."], exitCode: .refused))
  }

  private static func noATPort(_ wanted: HuaweiPorts.Setting) -> Trouble {
    switch wanted {
    case .list:
      Trouble(
        "ports.no-at-port", "The list would leave the stick without an AT port.",
        facts: ["wanted: \(wanted)", "12, or 2 on older sticks, is the AT port"],
        advice: ["Keep 12 or 2 behind the semicolon: nothing could change the list back."],
        exitCode: .refused)
    case .composition:
      Trouble(
        "ports.unknown-composition", "What a stick shows with this word is not documented.",
        facts: ["wanted: \(wanted)", "0 leaves the modem port alone"],
        advice: [
          "Use one of \(HuaweiPorts.knownCompositions.map(String.init).joined(separator: ", "));"
            + " 276 shows everything."
        ], exitCode: .refused)
    }
  }

  private static func notTold(_ state: State) -> Trouble {
    Trouble(
      "ports.not-told", "The stick does not know that command, or keeps its ports to itself.",
      facts: [
        state.setting.map { "it tells \($0.command): \($0)" } ?? "it tells neither list nor word"
      ], advice: ["Leave the ports as they are."], exitCode: .refused)
  }

  private static func refused(_ answer: String, _ isAsBefore: Bool) -> Trouble {
    Trouble(
      "ports.refused", "The stick did not take the ports (\(answer)).",
      advice: [
        isAsBefore
          ? "It kept its old ones; leave them as they are."
          : "Run `modemsmith huawei ports` to see what it has now."
      ], aftermath: .stillBoots, exitCode: .stillWorks)
  }
}

extension HuaweiPorts.Setting {
  /// Name of the command that sets it.
  public var command: String {
    switch self {
    case .composition: "AT^U2DIAG"
    case .list: "AT^SETPORT"
    }
  }

  fileprivate func isSameKind(as other: HuaweiPorts.Setting) -> Bool {
    command == other.command
  }
}

extension Updater {
  /// Asks a Huawei stick that runs its firmware who it is and how it is set; every other stick is
  /// refused.
  func runningHuawei(_ place: Place, else refusal: Trouble) async throws(Trouble) -> Subject {
    let (link, subject) = try await identify(place, likely: HuaweiBalong(), withSettings: true)
    await link.close()
    if let obstacle = subject.state.obstacle { throw obstacle }
    guard subject.state == .normal, subject.report.vendor == "huawei" else { throw refusal }
    return subject
  }
}
