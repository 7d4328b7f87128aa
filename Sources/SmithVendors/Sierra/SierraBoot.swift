public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel
import SmithProtocols

/// Sierra Wireless sticks, written through the QDL boot loader (Docs/Protocols/sierra-qdl.md
/// section 6) or, experimental, the HIP loader of 3G sticks (Docs/Protocols/sierra-hip.md).
public struct SierraBoot: Family {
  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "sierra-qdl" }
  /// The vendor.
  public var vendor: String { "sierra" }
  /// What the support rests on.
  public var evidence: String { "simulator" }
  /// Boot and hold ends with the power.
  public var startsWhenReplugged: Bool { true }
  /// Every image begins anew: a loader forgets what it had collected.
  public var goesOnInTheMiddle: Bool { false }
  /// Refusals before the last chunk of the first image left: the flash was not touched.
  public var refusalsAtTheDoor: Set<String> { ["qdl.open-refused", "qdl.write-refused"] }
  /// The image may be in the flash although its last answer was lost.
  public var mayHaveWorked: Set<String> {
    [
      "qdl.last-answer-lost", "qdl.gone", "qdl.link", "qdl.silent", "hip.last-answer-lost",
      "hip.gone", "hip.link", "hip.silent",
    ]
  }

  /// A file whose version cannot be compared is refused as unproven.
  public func orders(_ one: FirmwareVersion, _ other: FirmwareVersion) -> Bool { true }

  /// `.cwe`, `.spk`, `.nvu`.
  public func takes(_ image: FirmwareImage) -> Bool { image.format == .sierraCWE }

  /// AT, then a loader that answers hello, then one that answers loopbacks.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    if try await ATSession.answers(over: link) { return .normal }
    var limits = QDLLimits()
    limits.tries = 1
    // Loaders take up to a second and a half for an answer.
    limits.answer = .seconds(3)
    do {
      return .waiting(.qdl(version: try await SierraQDL.probe(over: link, limits: limits)))
    } catch .gone {
      throw .gone
    } catch .link(_, let error) {
      throw error
    } catch .diagPort {
      return .diag
    } catch .sahara {
      return .waiting(.sahara(greeting: []))
    } catch .switchRefused, .versionRefused {
      // It is a loader, though none that we can write through; it can still be told to leave.
      return .waiting(.qdl(version: 0))
    } catch .noAnswer {
      return try await hip(over: link)
    } catch {
      return .silent
    }
  }

  private func hip(over link: any ByteLink) async throws(LinkError) -> StickState {
    var limits = HIPLimits()
    limits.tries = 1
    do {
      // The running firmware has such a port, too: nothing can be written through it.
      return try await SierraHIP.probe(over: link, limits: limits) == .loader
        ? .waiting(.hip) : .diag
    } catch .gone {
      throw .gone
    } catch .link(_, let error) {
      throw error
    } catch {
      return .silent
    }
  }

  /// A loader says nothing of the stick.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  { .qualcommLoader(of: vendor) }

  /// Family, product, versions, carrier, seller (Docs/Protocols/sierra-identify.md section 5).
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    guard report.vendor == vendor else {
      throw FrontDoor.wrongMaker("Sierra Wireless", report)
    }
    if state == .waiting(.qdl(version: 5)) { throw SierraMismatch.otherLoader(state, needs: 6) }
    guard let files = image.claims.sierra else {
      // A library or catalogue of an older version kept less of the file.
      throw SierraMismatch.unproven("only part of what the file says was kept").trouble
    }
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.after = image.claims.firmware
    judgement.products = image.claims.products
    judgement.carrier = files.lazy.compactMap { $0.settingsName }.first
    judgement.items = image.segments.map {
      PlannedItem(id: $0.id, name: $0.name, bytes: $0.size - SierraHeader.size)
    }
    judgement.cannotBackUp = ["the firmware now on the stick (its loader does not let it be read)"]
    // Boot and hold takes up to half a minute, flashing and the first start a minute each.
    judgement.overheadSeconds = 150
    if SierraHIPRules.apply(to: report, state) {
      try SierraHIPRules.check(files)
      judgement.inferences = SierraHIPRules.inferences
      // Nobody ever measured one; the limit of the vendor's host is ten minutes.
      judgement.overheadSeconds = 300
    }
    if state.isWaiting {
      guard policy.forced.contains(.productUnknown) else { throw SierraMismatch.inBootMode }
      return judgement
    }
    let match: SierraMatching.Match
    do {
      match = try SierraMatching.match(files, with: Self.device(report)) { rule in
        switch rule {
        case .downgrade: policy.allowDowngrade
        case .otherCarrier: policy.forced.contains(.carrier)
        case .otherSeller: policy.forced.contains(.branding)
        default: false
        }
      }
    } catch { throw error.trouble }
    judgement.after = match.firmware ?? report.firmware
    judgement.isThere =
      (match.firmware == nil || match.isSame) && report.complaints.isEmpty
      && sameCarrier(match.carrier, report.carrier) && sameSettings(files, report)
    judgement.warnings = match.warnings + report.complaints.map { "the stick says: \($0)" }
    return judgement
  }

  /// Whether the stick has the very settings of the file, as far as both name them.
  private func sameSettings(_ files: [SierraClaim], _ report: DeviceReport) -> Bool {
    guard let wanted = files.lazy.compactMap({ $0.versions.configuration }).first,
      let current = report.carrierSettings
    else { return true }
    return current.contains(wanted.prefix(7))
  }

  private func sameCarrier(_ one: String?, _ other: String?) -> Bool {
    one == nil || one?.lowercased() == other?.lowercased()
  }

  private static func device(_ report: DeviceReport) -> SierraDevice {
    SierraDevice(
      model: report.model, revision: report.revision.flatMap { SierraRevision($0) },
      id: report.usbID, carrier: report.carrier,
      package: report.package.map { SierraVersionText($0) })
  }

  /// Boot and hold where that is still to be done, then every image in one session.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    try await SierraRoute(bus: bus, witness: watched).flash(job, over: link)
  }

  /// Lets the loader start the firmware it has.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    if loader == .hip {
      await SierraHIP.leave(over: link)
    } else {
      await SierraQDL.leave(over: link)
    }
  }

  /// APN profiles, PIN state, preferred carrier.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    try await SierraSettings.read(over: session)
  }

  /// Mends a preference that keeps the radio off.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  { try await SierraSettings.restore(settings, over: session) }

  /// A mismatch, a low power mode, another carrier than the file's.
  public func shortfalls(of report: DeviceReport, carrier: String?) -> [String] {
    var words = report.complaints
    guard let carrier else { return words }
    // As the stick writes it: the name, then the configuration.
    let parts = carrier.split(separator: "_", maxSplits: 1).map(String.init)
    if let name = parts.first, let current = report.carrier, !sameCarrier(name, current) {
      words.append("it runs the settings of \(current), the file's are of \(name)")
    } else if parts.count == 2, let current = report.carrierSettings,
      !current.contains(parts[1].prefix(7))
    {
      words.append("it runs the settings \(current), the file's are \(carrier)")
    }
    return words
  }
}

extension SierraMismatch {
  static let inBootMode = Trouble(
    "sierra.in-boot-mode", "The stick waits in its boot loader and does not say what it is.",
    facts: ["the loader itself refuses an image of another product"],
    advice: [
      "If its update was interrupted, run `modemsmith resume`.",
      "If you know that the file is for exactly this stick, add `--force product-unknown`.",
    ], aftermath: .untouched, exitCode: .refused)
}

extension SierraClaim {
  /// What a stick would call the settings of the file, as in `GENERIC_005.028_000`; nil if it
  /// brings none.
  fileprivate var settingsName: String? {
    guard let carrier = versions.carrier else { return nil }
    return versions.configuration.map { "\(carrier)_\($0)" } ?? carrier
  }
}
