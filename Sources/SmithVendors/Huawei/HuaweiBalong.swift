public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel
import SmithProtocols

/// Huawei's sticks with a Balong chip, written through the download monitor
/// (Docs/Protocols/balong-download.md).
public struct HuaweiBalong: Family {
  /// The family has no state.
  public init() {}

  /// Name in plans and journals.
  public var name: String { "huawei-balong" }
  /// The vendor.
  public var vendor: String { "huawei" }
  /// What the support rests on.
  public var evidence: String { DeviceCatalogue.huaweiBalong.evidence }
  /// Download mode outlives the plug (Docs/Protocols/balong-download.md section 7).
  public var startsWhenReplugged: Bool { false }
  /// An interrupted item is begun anew with its 41; finished ones stay.
  public var goesOnInTheMiddle: Bool { true }
  /// A refused 41 changes nothing.
  public var refusalsAtTheDoor: Set<String> { ["balong.item-refused"] }

  /// Packages and folders of items.
  public func takes(_ image: FirmwareImage) -> Bool {
    image.format == .balong || image.format == .balongFolder
  }

  /// Asks for AT, the download monitor, the boot ROM, in the careful order of the page.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    StickState(try await BalongProbe(link).state(expectingDownload: false))
  }

  /// Product id, versions and identity as far as the monitor tells them.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  {
    let said: BalongMonitor.Report
    do { said = try await BalongMonitor(link).look() } catch { throw error.trouble }
    var report = DeviceReport()
    report.vendor = vendor
    report.productID = said.product
    report.firmware = said.softwareVersion.map { FirmwareVersion($0) }
    report.mode = .download
    report.imei = said.authorityID.flatMap { IMEI($0) }
    return report
  }

  /// Vendor, chip, product, family and age of the versions (Docs/Protocols/huawei-identify.md
  /// section 2).
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    if let objection = objections(image, report, state, policy).first { throw objection }
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.after = image.claims.firmware
    judgement.products = image.claims.products
    judgement.items = image.segments.map {
      PlannedItem(id: $0.id, name: $0.name, bytes: $0.size)
    }
    judgement.cannotBackUp = [
      "the firmware now on the stick (Balong sticks do not let it be read)"
    ]
    if state == .normal, !isKnownProduct(image, report, state),
      !policy.forced.contains(.productUnknown)
    {
      judgement.warnings.append(
        "Whether this stick takes a file for \(image.claims.products.joined(separator: ", ")) is"
          + " only known in download mode: it is asked there, before anything is written.")
    }
    // Re-enumerations take about 45 s each way.
    judgement.overheadSeconds = state == .normal ? 90 : 60
    if let before = report.firmware, let after = image.claims.firmware {
      judgement.isThere = after.isConfirmed(by: before)
      if Self.compares(before, after, state, policy) {
        try HuaweiVersions.compare(before, after, policy, &judgement.warnings)
      }
    }
    return judgement
  }

  /// Enters download mode where that is still to be done, and writes.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    let signature = job.image.signature.map {
      BalongSignature(type: $0.type, keyHash: $0.keyHash, size: $0.blockSize)
    }
    let work = BalongRoute.Job(
      place: job.place, products: job.image.claims.products,
      allowUnknownProduct: job.policy.forced.contains(.productUnknown)
        || isKnownProduct(job.image, job.report, job.state), signature: signature,
      items: job.image.balongItems, firstItem: job.firstItem)
    try await BalongRoute(bus: bus, witness: watched).flash(
      work, over: link, in: job.state.balong)
  }

  /// Restarts an unwritten stick into its firmware.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    do {
      let monitor = BalongMonitor(link)
      _ = try await monitor.open(StickState.waiting(loader).balong, signature: nil)
      try await monitor.reset()
    } catch { throw error.trouble }
  }

  /// APN profiles, network mode, port set-up.
  public func settings(over session: ATSession) async throws(ATError) -> DeviceSettings? {
    try await HuaweiSettings.read(over: session)
  }

  /// Writes back what differs and may be written.
  public func restore(_ settings: DeviceSettings, over session: ATSession) async throws(ATError)
    -> SettingsRestoration
  { try await HuaweiSettings.restore(settings, over: session) }

  // MARK: Comparing

  /// Vendor, chip, product, versions: each is looked at, whatever the others came to.
  public func objections(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) -> [Trouble] {
    func trouble(_ check: () throws(Trouble) -> Void) -> Trouble? {
      do throws(Trouble) { try check() } catch { return error }
      return nil
    }
    if let other = trouble({ () throws(Trouble) in try checkVendor(report) }) { return [other] }
    let versions = trouble { () throws(Trouble) in
      guard let before = report.firmware, let after = image.claims.firmware,
        Self.compares(before, after, state, policy)
      else { return }
      var ignored: [String] = []
      try HuaweiVersions.compare(before, after, policy, &ignored)
    }
    return [
      trouble { () throws(Trouble) in try checkParts(image) },
      trouble { () throws(Trouble) in try checkChip(report) },
      trouble { () throws(Trouble) in try checkProduct(image, report, state, policy) }, versions,
    ].compactMap { $0 }
  }

  /// What runs already is written again only on purpose, and compared only then.
  private static func compares(
    _ before: FirmwareVersion, _ after: FirmwareVersion, _ state: StickState, _ policy: Policy
  ) -> Bool {
    !after.isConfirmed(by: before) || state != .normal || policy.reinstall
  }

  private func checkVendor(_ report: DeviceReport) throws(Trouble) {
    guard report.vendor == vendor else { throw FrontDoor.wrongMaker("Huawei", report) }
  }

  /// Docs/Protocols/balong-image.md section 5: half of a boot chain, or another unit's settings.
  private func checkParts(_ image: FirmwareImage) throws(Trouble) {
    // A catalogue tells what a file is for and not what is in it.
    guard !image.segments.isEmpty,
      image.segments.allSatisfy({ BalongItems.isDelicate($0.id) })
    else { return }
    throw Trouble(
      "plan.delicate-alone",
      "The file holds only parts that no stick is given alone: "
        + image.segments.map(\.name).joined(separator: ", ") + ".",
      facts: ["partition tables, boot parts and settings fit one firmware, which is not in it"],
      advice: ["Use the whole firmware package that these parts belong to."], exitCode: .refused)
  }

  private func checkChip(_ report: DeviceReport) throws(Trouble) {
    guard report.world != .qualcomm else {
      throw Trouble(
        "plan.wrong-chip",
        "The file is for a Balong chip; this stick has a Qualcomm chip.",
        facts: report.firmware.map { ["firmware of the stick: \($0)"] } ?? [],
        advice: ["Find a file made for exactly this model and chip."], exitCode: .refused)
    }
  }

  private func checkProduct(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) {
    let made = image.claims.products
    if made.isEmpty, !policy.forced.contains(.productUnknown) {
      throw BalongProduct.mismatch(stick: report.productID, file: [], aftermath: .untouched)
    }
    guard !made.isEmpty else { return }
    let said = state == .normal ? [] : report.productID.map { [$0] } ?? []
    let known =
      said.isEmpty
      ? DeviceCatalogue.huaweiBalong.products(model: report.model, hardware: report.hardware)
      : said
    // A model that no table knows is compared in download mode, before the first write.
    if known.isEmpty
      || made.allSatisfy({ m in known.contains { BalongProduct.matches(m, $0) } })
    {
      return
    }
    throw BalongProduct.mismatch(
      stick: known.joined(separator: "\" or \""), file: made, aftermath: .untouched)
  }

  /// Whether the stick's own answers in normal mode already proved the product, so that a monitor
  /// that keeps its id to itself is no obstacle.
  private func isKnownProduct(_ image: FirmwareImage, _ report: DeviceReport, _ state: StickState)
    -> Bool
  {
    let known = DeviceCatalogue.huaweiBalong.products(
      model: report.model, hardware: report.hardware)
    let made = image.claims.products
    return state == .normal && !made.isEmpty && known.count == 1
      && made.allSatisfy { BalongProduct.matches($0, known[0]) }
  }
}

extension StickState {
  init(_ state: BalongState) {
    switch state {
    case .normal: self = .normal
    case .download(let monitor) where BalongMonitor.isQualcomm(monitor):
      self = .waiting(.huaweiQualcomm(name: monitor))
    case .download(let monitor): self = .waiting(.balong(monitor: monitor))
    case .downloadAT: self = .waiting(.balongAT)
    case .diag: self = .diag
    case .bootROM: self = .bootROM
    case .silent: self = .silent
    }
  }

  /// The state in the words of the Balong procedures.
  var balong: BalongState {
    switch self {
    case .normal: .normal
    case .waiting(.balong(let monitor)): .download(monitor: monitor)
    case .waiting(.balongAT): .downloadAT
    case .diag: .diag
    case .bootROM: .bootROM
    case .waiting, .silent: .silent
    }
  }
}
