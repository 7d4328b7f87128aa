public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel

/// The PC software inside Huawei's sticks, written through the same download monitor as firmware
/// (Docs/Protocols/huawei-dashboard.md).
public struct HuaweiDashboard: Family {
  private let stick = HuaweiBalong()

  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "huawei-dashboard" }
  /// The vendor.
  public var vendor: String { stick.vendor }
  /// What the support rests on.
  public var evidence: String { stick.evidence }
  /// As firmware items do.
  public var goesOnInTheMiddle: Bool { stick.goesOnInTheMiddle }
  /// As every Balong stick does.
  public var startsWhenReplugged: Bool { stick.startsWhenReplugged }
  /// As with firmware items.
  public var refusalsAtTheDoor: Set<String> { stick.refusalsAtTheDoor }

  /// Packages that bring a CD image or a web interface and no firmware.
  public func takes(_ image: FirmwareImage) -> Bool {
    stick.takes(image) && !image.kinds.contains(.firmware)
      && !image.kinds.isDisjoint(with: [.dashboard, .webInterface])
  }

  /// As every Balong stick is asked.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    try await stick.state(over: link)
  }

  /// As every Balong stick is asked.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  { try await stick.look(over: link, in: loader) }

  /// Vendor, chip and product as for firmware, and the pairing rule
  /// (Docs/Protocols/huawei-dashboard.md section 3). The firmware stays what it is, and that is
  /// what is verified afterwards.
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    var judgement = try stick.judge(image, report, state, policy)
    judgement.after = report.firmware
    judgement.isThere = isThere(image, report)
    judgement.cannotBackUp = ["the dashboard now on the stick"]
    if let firmware = report.firmware {
      try Self.pair(firmware, with: image, policy, &judgement.warnings)
    } else {
      judgement.warnings.append("The stick's firmware is not known: the pairing is not checked.")
    }
    return judgement
  }

  /// Whether the stick tells every version that the file names.
  private func isThere(_ image: FirmwareImage, _ report: DeviceReport) -> Bool {
    let named = Self.versions(of: image, beside: report)
    return !named.isEmpty && named.allSatisfy { Self.isSame($0.wanted, $0.told) }
  }

  /// The versions that a file names, each with what the stick tells.
  ///
  /// Pages tell the version of the web interface, and seldom that of the CD beside it: what such a
  /// page keeps to itself is compared with nothing.
  public static func versions(of image: FirmwareImage, beside report: DeviceReport)
    -> [(wanted: String, told: String?)]
  {
    var versions: [(wanted: String, told: String?)] = []
    if let web = image.claims.webInterface?.text { versions.append((web, report.webInterface)) }
    if let disc = image.claims.dashboard?.text,
      report.dashboard != nil || report.webInterface == nil || versions.isEmpty
    {
      versions.append((disc, report.dashboard))
    }
    return versions
  }

  /// Sticks tell the versions of both computer systems, as in `UTPS23.1_MAC23.1`.
  public static func isSame(_ wanted: String?, _ told: String?) -> Bool {
    guard let wanted, let told else { return false }
    return told == wanted || told.split(separator: "_").contains { $0 == wanted }
      || told.hasPrefix(wanted + "_")
  }

  /// Which world a dashboard is of: HiLink if it has a web interface or is named so.
  public static func isHiLink(_ image: FirmwareImage) -> Bool {
    let texts = [image.claims.dashboard?.text, image.claims.webInterface?.text]
      .compactMap { $0?.uppercased() }
    return image.kinds.contains(.webInterface)
      || texts.contains { $0.contains("HILINK") || $0.contains("WEBUI") }
  }

  private static func pair(
    _ firmware: FirmwareVersion, with image: FirmwareImage, _ policy: Policy,
    _ warnings: inout [String]
  ) throws(Trouble) {
    let family = firmware.groups?.first
    guard family == 21 || family == 22 else {
      warnings.append("No rule says which dashboards go with firmware \(firmware).")
      return
    }
    let isHiLink = isHiLink(image)
    guard isHiLink != (family == 22) else { return }
    let text =
      isHiLink
      ? "The file is for HiLink firmware (22.x); the stick runs \(firmware)."
      : "The file is for stick firmware (21.x); the stick runs HiLink firmware, \(firmware)."
    if policy.forced.contains(.family) {
      warnings.append(text)
      return
    }
    throw Trouble(
      "dashboard.wrong-family", text,
      facts: ["a wrong pair can leave a stick that shows neither a page nor a port"],
      advice: [
        "Find the dashboard package of this firmware's family.",
        "If the firmware is changed next and you know the pair, use `--force family`.",
      ], exitCode: .refused)
  }

  /// As firmware is written.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    try await stick.flash(job, over: link, on: bus, watched: watched)
  }

  /// Restarts an unwritten stick into its firmware.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    try await stick.leave(over: link, from: loader)
  }

  /// APN profiles, network mode, port set-up.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    try await stick.settings(over: session)
  }

  /// Writes back what differs and may be written.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  { try await stick.restore(settings, over: session) }
}

/// Whether the fake CD shows up: the port set-up with and without it
/// (Docs/Protocols/huawei-dashboard.md section 4).
public enum HuaweiDisc {
  static let disc = "A1"
  static let nothing = "FF"

  /// Whether the CD appears when the stick is plugged in, or after it was switched.
  public static func isShown(_ ports: DeviceSettings.PortSetup) -> Bool {
    ports.before.contains(disc) || ports.after.contains(disc)
  }

  /// The set-up without the CD; nil if it would leave no AT port.
  public static func hidden(_ ports: DeviceSettings.PortSetup) -> DeviceSettings.PortSetup? {
    var changed = ports
    changed.before.removeAll { $0 == disc }
    changed.after.removeAll { $0 == disc }
    // An older list is empty in front; a newer one says so with a number.
    if changed.before.isEmpty, !ports.before.isEmpty { changed.before = [nothing] }
    return changed.keepsATPort ? changed : nil
  }

  /// The set-up with the CD in front and behind; nil if it would leave no AT port.
  public static func shown(_ ports: DeviceSettings.PortSetup) -> DeviceSettings.PortSetup? {
    var changed = ports
    changed.before.removeAll { $0 == nothing }
    if !changed.before.contains(disc) { changed.before.insert(disc, at: 0) }
    if !changed.after.contains(disc) { changed.after.append(disc) }
    return changed.keepsATPort ? changed : nil
  }
}
