public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel
import SmithProtocols

/// ZTE sticks with an MDM6200 and NAND flash, written through DLOAD and a streaming loader
/// (Docs/Protocols/qualcomm-nand.md).
public struct ZTEStreaming: Family {
  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "zte-streaming" }
  /// The vendor.
  public var vendor: String { "zte" }
  /// What the support rests on.
  public var evidence: String { "simulator" }
  /// DLOAD and loader live in memory only.
  public var startsWhenReplugged: Bool { true }
  /// An image that is opened is erased: a failed write is a part.
  public var writesAllOrNothing: Bool { false }
  /// Neither boot code nor loader says which unit it is, so nothing proves that the images that
  /// an earlier run finished are in this stick: every run writes all of them.
  public var goesOnInTheMiddle: Bool { false }
  /// An image that is not opened is not erased.
  public var refusalsAtTheDoor: Set<String> { ["streaming.open-refused"] }

  /// Versions of one project are ordered by their numbers.
  public func orders(_ one: FirmwareVersion, _ other: FirmwareVersion) -> Bool {
    ZTERevision(one.text) != nil && ZTERevision(other.text) != nil
  }

  /// Packages with loader, table and images.
  public func takes(_ image: FirmwareImage) -> Bool { image.format == .qualcommNAND }

  /// AT, then the question that is harmless in every phase of a Qualcomm stick
  /// (Docs/Protocols/dload.md section 4).
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    if try await ATSession.answers(over: link) { return .normal }
    switch try await QualcommPhase.probe(link) {
    case .application: return .diag
    case .download: return .waiting(.dload)
    case .loader: return .waiting(.streaming)
    case .sahara(let greeting): return .waiting(.sahara(greeting: greeting))
    case .firehose: return .waiting(.firehose)
    case .silent: return .silent
    }
  }

  /// Neither boot code nor loader says what the stick is; the boot code's version is for the log.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  {
    var report = DeviceReport.qualcommLoader(of: nil)
    if loader == .dload, let version = try? await DLOADSession(link).version() {
      report.evidence = "the boot code calls itself \(version)"
    }
    return report
  }

  /// Maker, chip, model, operator, age of the versions (Docs/Protocols/qualcomm-nand.md section 4).
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    guard let package = image.nand else { throw ZTEMismatch.noPackage }
    guard state.isWaiting || report.vendor == vendor else {
      throw FrontDoor.wrongMaker("ZTE", report)
    }
    try ZTEMismatch.checkChip(package)
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.after = image.claims.firmware
    judgement.products = image.claims.products
    judgement.items = image.segments.map { PlannedItem(id: $0.id, name: $0.name, bytes: $0.size) }
    judgement.cannotBackUp = ["the firmware now on the stick (its loader does not let it be read)"]
    judgement.overheadSeconds = 120
    judgement.inferences = Self.inferences(package)
    if state.isWaiting {
      guard policy.forced.contains(.productUnknown) else { throw ZTEMismatch.inDownload }
      return judgement
    }
    try ZTEMismatch.check(image, package, report, policy, &judgement.warnings)
    if let before = report.firmware, let after = image.claims.firmware {
      judgement.isThere = after.isConfirmed(by: before)
      judgement.leavesOpen = Self.leavesOpen
    }
    return judgement
  }

  /// What an equal version does not say: AMSS alone tells it, and no loader reads flash back.
  private static let leavesOpen =
    "the version is that of AMSS alone, and the other images cannot be read back: an update by this"
    + " program writes DSP1 and DSP2 before it, and the boot loaders after it; --reinstall writes all"

  /// What was read in other loaders, or concluded, and never seen on this model
  /// (Docs/Protocols/qualcomm-nand.md section 6).
  static func inferences(_ package: NANDPackage) -> [String] {
    var list = [
      "its images carry boot headers, which tell what each of them is",
      "the text BD_... inside AMSS is the version that the stick tells afterwards",
      "DIAG command 3A brings this model into DLOAD (seen on other Qualcomm sticks)",
      "its boot code takes the loader at \(hex(package.loader.base)) and starts it there",
      "its loader compares the partition table before it erases, and then opens each image by the"
        + " number that was read out of another loader of its chip",
      "pieces may travel ahead of their answers, and an image may be written again from its start"
        + " (run in the loader of an MSM6246 only)",
      "applications first and boot loaders last is a safe order",
    ]
    if !package.otherLoaders.isEmpty {
      list.append(
        "of several loaders the one below 0x20000000 is right for a stick whose boot code runs")
    }
    if package.loader.maker == nil { list.append("the loader does not say that it is of ZTE") }
    return list
  }

  /// Into download mode where that is still to be done, the loader, the table, every image.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    guard let package = job.image.nand else {
      await link.close()
      throw ZTEMismatch.noPackage
    }
    try await ZTERoute(bus: bus, witness: watched, job: job, package: package).flash(over: link)
  }

  /// Lets the stick start the firmware it has.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    switch loader {
    case .dload:
      do { try await DLOADSession(link).reset() } catch { throw error.trouble }
    case .streaming:
      let session = StreamingSession(link)
      do throws(StreamingError) {
        do throws(StreamingError) { try await session.reset() } catch .refused {
          // A loader that was not greeted, or has an image open, does not leave.
          _ = try await session.hello()
          try await session.closeLeftOpen()
          try await session.reset()
        }
      } catch { throw error.trouble }
    default: throw ZTEMismatch.otherLoader
    }
  }

  /// Profiles, network mode, PIN state.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    try await ZTESettings.read(over: session)
  }

  /// Writes back what differs and may be written.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  { try await ZTESettings.restore(settings, over: session) }

  private static func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
}
