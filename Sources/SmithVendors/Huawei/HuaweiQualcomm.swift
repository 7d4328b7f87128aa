public import SmithAT
public import SmithFormats
public import SmithLink
public import SmithModel

/// Huawei's sticks of the Qualcomm era (Docs/Protocols/huawei-qualcomm.md): the way into their boot
/// loader is known, what is written there is not. So an update goes in, asks, and comes back.
///
/// It asks no port of its own: the questions of ``HuaweiBalong`` find this loader too.
public struct HuaweiQualcomm: Family {
  private let stick = HuaweiBalong()

  /// The family has no state.
  public init() {}

  /// Name in plans and journals, and the route of the model sheets.
  public var name: String { Self.route }
  /// The vendor.
  public var vendor: String { stick.vendor }
  /// What the support rests on.
  public var evidence: String { "simulator" }
  /// Nothing is written, so nothing goes on.
  public var goesOnInTheMiddle: Bool { false }
  /// The loader keeps what it runs in memory until something is begun [D].
  public var startsWhenReplugged: Bool { true }

  static let route = "huawei-qualcomm"

  /// Packages that name a product or a version of these sticks, and updaters of which only that
  /// much is known.
  public func takes(_ image: FirmwareImage) -> Bool {
    image.format == .huaweiUpdater || image.format == .balong && Self.isMeant(by: image.claims)
  }

  /// Whether a file says that it is for sticks of the Qualcomm era: version 11.x, or products that
  /// only they have.
  public static func isMeant(by claims: ImageClaims) -> Bool {
    if let family = claims.firmware?.groups?.first { return family == 11 }
    return !claims.products.isEmpty
      && claims.products.allSatisfy { made in
        products.contains { BalongProduct.matches(made, $0) }
      }
  }

  private static var products: [String] {
    ModelSheet.huawei.flatMap(\.guises).filter { $0.route == route }.flatMap(\.products)
  }

  /// Whether a waiting loader is a Qualcomm one.
  public func owns(_ loader: Loader) -> Bool {
    if case .huaweiQualcomm = loader { true } else { false }
  }

  /// As every Huawei stick is asked.
  public func state(over link: any ByteLink) async throws(LinkError) -> StickState {
    try await stick.state(over: link)
  }

  /// The product, which is all that the loader tells.
  public func look(over link: any ByteLink, in loader: Loader) async throws(Trouble)
    -> DeviceReport
  {
    var report = DeviceReport.qualcommLoader(of: vendor)
    if case .huaweiQualcomm(let name) = loader {
      report.worldEvidence = ["its boot loader calls itself \(name)"]
    }
    do throws(QualcommEntryError) {
      report.productID = try await QualcommEntry.product(over: link)
    } catch { throw error.trouble }
    return report
  }

  /// Vendor, chip, model, product and age; the steps, their evidence, and where they end.
  public func judge(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState, _ policy: Policy
  ) throws(Trouble) -> Judgement {
    try checkProduct(image, report, state, try sheet(of: report, state))
    var judgement = Judgement()
    judgement.before = report.firmware
    judgement.after = image.claims.firmware
    judgement.products = image.claims.products
    judgement.cannotBackUp = ["the firmware now on the stick (no way to read it is known)"]
    // Into the loader and back: 25 seconds at most one way, as long the other.
    judgement.overheadSeconds = state == .normal ? 75 : 40
    if let before = report.firmware, let after = image.claims.firmware {
      judgement.isThere = after.isConfirmed(by: before)
      if !judgement.isThere {
        try HuaweiVersions.compare(before, after, policy, &judgement.warnings)
      }
    }
    if image.claims.products.isEmpty {
      judgement.warnings.append("The file does not say for which product it is.")
    }
    // The capture's own board; of a stick that waits, its loader says so.
    let isCaptured = (report.model ?? report.productID)?.hasPrefix("E155") == true
    judgement.steps = Self.steps(from: state, isCaptured: isCaptured)
    judgement.end = Self.end
    judgement.inferences = judgement.steps.map { "[\($0.mark)] \($0.text)" } + [Self.end]
    return judgement
  }

  private func sheet(of report: DeviceReport, _ state: StickState) throws(Trouble)
    -> (sheet: ModelSheet, guise: ModelSheet.Guise)?
  {
    guard report.vendor == vendor else { throw FrontDoor.wrongMaker("Huawei", report) }
    guard report.world == .qualcomm else {
      throw Trouble(
        "plan.wrong-chip",
        "The file is for a Huawei stick with a Qualcomm chip (11.x); this stick has no such chip,"
          + " or does not say so.",
        facts: report.firmware.map { ["firmware of the stick: \($0)"] } ?? [],
        advice: ["Find a file made for exactly this model and chip."], exitCode: .refused)
    }
    if state.isWaiting { return nil }
    guard let fit = ModelSheet.fitting(report), fit.guise.route == Self.route else {
      throw Trouble(
        "huawei.no-capture", "No way into the boot loader of this model is known.",
        facts: ["model: \(report.model ?? "not told")"],
        advice: [
          "Leave the stick as it is: `info`, `backup` and `unlock` work with it.",
          "Huawei's own program for exactly this model is the only known way to update it.",
        ], exitCode: .refused)
    }
    return fit
  }

  private func checkProduct(
    _ image: FirmwareImage, _ report: DeviceReport, _ state: StickState,
    _ fit: (sheet: ModelSheet, guise: ModelSheet.Guise)?
  ) throws(Trouble) {
    let said = state.isWaiting ? report.productID.map { [$0] } ?? [] : fit?.guise.products ?? []
    let made = image.claims.products
    // A model whose product no table knows is compared in its loader.
    guard !said.isEmpty, !made.isEmpty,
      !made.allSatisfy({ one in said.contains { BalongProduct.matches(one, $0) } })
    else { return }
    throw BalongProduct.mismatch(
      stick: said.joined(separator: "\" or \""), file: made, aftermath: .untouched)
  }

  /// Goes into the loader, asks who it is, and ends there: always with a refusal, after which the
  /// stick is sent back into its firmware.
  public func flash(
    _ job: FlashJob, over link: any ByteLink, on bus: any Bus, watched: any FlashWitness
  ) async throws(Trouble) {
    throw await QualcommRoute(bus: bus, witness: watched).look(job, over: link)
  }

  /// Restarts a stick in whose loader nothing was begun.
  public func leave(over link: any ByteLink, from loader: Loader) async throws(Trouble) {
    do throws(QualcommEntryError) { try await QualcommEntry.leave(over: link) } catch {
      throw error.trouble
    }
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

// MARK: What is known

extension HuaweiQualcomm {
  /// The steps of Docs/Protocols/huawei-qualcomm.md sections 2 and 3. The capture is of an E1550:
  /// for every other model they are an inference.
  static func steps(from state: StickState, isCaptured: Bool) -> [PlannedStep] {
    let mark = isCaptured ? "C" : "D"
    var steps: [PlannedStep] = []
    if state == .normal {
      steps = [
        PlannedStep(
          "AT$QCDMG, or AT^DISLOG=255 where that is not known: the AT port becomes the"
            + " diagnostic port", mark: mark),
        PlannedStep(
          "0C is refused there as by DIAG; 4B C9 03 FF tells version and hardware", mark: mark),
        PlannedStep("FA 13 00 00 and FB are asked as the captured program asks them", mark: mark),
        PlannedStep("3A: the stick restarts into its boot loader", mark: mark),
      ]
    }
    return steps + [
      PlannedStep("0C, 3A, 45: the loader tells its name and product", mark: mark),
      PlannedStep(
        "0A: the loader restarts the stick into its firmware; if not, the next plug does",
        mark: "D"),
    ]
  }

  static let end =
    "The next step would be 41, which begins the partition table: it is not sent. From there on"
    + " the old firmware is gone, and how the package is laid out, how its blocks are sent"
    + " (42, 43) and whether the flash code is asked for is not known"

  /// What an update of these sticks ends with.
  static func knowledgeEnds(_ said: QualcommLoaderSaid) -> Trouble {
    Trouble(
      "huawei.knowledge-ends",
      "The stick's boot loader answers, and what is known of it ends here: nothing was written.",
      facts: [
        "loader: \(said.loader)", "product: \(said.product ?? "not told")",
        "the next step would be 41, the beginning of the partition table",
      ],
      advice: [
        "The stick keeps its firmware; if it shows no AT port, unplug it and plug it in again.",
        "Huawei's own program for exactly this model is the only known way to update it.",
      ], aftermath: .stillBoots, exitCode: .refused)
  }
}
