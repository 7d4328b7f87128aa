import SmithBytes
import SmithFormats
public import SmithLink
public import SmithModel
public import SmithProtocols
import SmithVendors
import Synchronization

/// An owner who can agree to a rescue.
public protocol RescueOwner: Owner {
  /// Shows the plan and asks; nil means no.
  func consent(toRescue plan: RescuePlan) async -> Consent?
}

/// The last word on one rescue.
public struct RescueReport: Sendable {
  /// The last word on the stick, as of an update.
  public var update: UpdateReport
  /// What answered last; nil if nothing was asked.
  public var state: BalongState?
  /// Whether a loader was started in this run and answers.
  public var loaderAnswers = false
  /// Whether the update began: then `update` is its own report.
  public var reachedUpdate = false
  /// Path of the rescue's own journal, if one was begun.
  public var journal: String?

  /// What the command line ends with: a loader that answers is all that was asked for without
  /// firmware.
  public var exitCode: ExitCode {
    if !reachedUpdate, update.trouble == nil, state?.isDownload == true { return .ok }
    return update.exitCode
  }
}

extension BalongState {
  /// Whether a download monitor answers.
  var isDownload: Bool {
    switch self {
    case .download, .downloadAT: true
    case .normal, .diag, .bootROM, .silent: false
    }
  }

  /// The state as programs read it.
  public var word: String {
    switch self {
    case .normal: "normal"
    case .download, .downloadAT: "download"
    case .diag: "diagnostic"
    case .bootROM: "boot-rom"
    case .silent: "silent"
    }
  }
}

/// Brings a stick that shows its boot ROM back: loader, download mode, update
/// (Docs/Protocols/balong-bootrom.md section 5).
public struct Rescuer {
  let bus: any Bus
  let owner: any RescueOwner
  private let surroundings: Surroundings
  private let newJournal: @Sendable () throws(Trouble) -> any RescueJournal

  /// How long a loader may take to show its port.
  static var loaderLimit: Duration { .seconds(60) }
  /// How often a loader is sent again after the stick fell back into its boot ROM.
  static var mostFallbacks: Int { 3 }

  /// A rescuer on a bus, for one owner.
  ///
  /// - Parameters:
  ///   - surroundings: for the update that follows.
  ///   - newJournal: starts the journal of the rescue itself.
  public init(
    bus: any Bus, owner: any RescueOwner, surroundings: Surroundings,
    newJournal: @escaping @Sendable () throws(Trouble) -> any RescueJournal
  ) {
    self.bus = bus
    self.owner = owner
    self.surroundings = surroundings
    self.newJournal = newJournal
  }

  /// Rescues the stick at `place`; every end is a report, whatever happened.
  ///
  /// - Parameters:
  ///   - loader: the loader.
  ///   - image: the firmware that is written afterwards; nil leaves the stick in download mode.
  public func rescue(
    _ loader: CheckedLoader, _ image: CheckedImage?, at place: Place, policy: RescuePolicy
  ) async -> RescueReport {
    let start = bus.now
    var report = RescueReport(update: UpdateReport(verdict: .needsRescue, device: DeviceReport()))
    do throws(Trouble) {
      try await run(loader, image, place, policy, &report)
    } catch {
      report.update.trouble = error
      report.update.verdict =
        error.exitCode == .needsRescue
        ? .needsRescue : error.aftermath == .unknown ? .unknown : .unchanged
    }
    report.update.seconds = (bus.now - start).inSeconds
    return report
  }

  private func run(
    _ loader: CheckedLoader, _ image: CheckedImage?, _ place: Place, _ policy: RescuePolicy,
    _ report: inout RescueReport
  ) async throws(Trouble) {
    await owner.hear(.phase(.plan, "Judging the loader"))
    let decided = try RescuePlanner.decide(
      loader, update: try foresee(image, place, policy), policy: policy)
    await owner.hear(.phase(.identify, "Asking the stick which state it is in"))
    let (link, state) = try await Self.probe(place, on: bus)
    report.state = state
    var agreed: String?
    switch state {
    case .bootROM:
      agreed = try await load(decided, over: link, place, agreed: nil, &report)
    case .download, .downloadAT:
      await link.close()
      await owner.hear(.note("It waits in download mode already: no loader is needed."))
    case .normal, .diag, .silent:
      await link.close()
      throw Self.noBootROM(state)
    }
    report.update.verdict = .unchanged
    if let image { try await update(image, decided, place, policy, agreed, &report) }
  }

  // MARK: The update

  /// Writes the firmware; loads the loader anew when the stick falls back into its boot ROM in
  /// the middle, as one does that restarts after its partition table and has no boot part yet.
  private func update(
    _ image: CheckedImage, _ decided: DecidedRescue, _ place: Place, _ policy: RescuePolicy,
    _ agreed: String?, _ report: inout RescueReport
  ) async throws(Trouble) {
    report.reachedUpdate = true
    let heir = RescueHeir(owner, agreed: agreed, sha256: image.sha256)
    let memory = RememberedJournal()
    var surroundings = surroundings
    let original = surroundings.newJournal
    surroundings.newJournal = { () throws(Trouble) in memory.begin(try original()) }
    let updater = Updater(bus: bus, owner: heir, surroundings: surroundings)
    report.update = await updater.update(image, at: place, policy: policy.update)
    for _ in 0..<Self.mostFallbacks {
      guard report.update.verdict == .needsRescue || report.update.verdict == .unknown,
        case .planned(let header)? = memory.records.first, !owner.wantsToStop
      else { break }
      guard let (link, state) = try? await Self.probe(place, on: bus) else { break }
      guard state == .bootROM else {
        await link.close()
        break
      }
      await owner.hear(.note("It fell back into its boot ROM: sending the loader once more."))
      let consent = agreed ?? header.consent
      do throws(Trouble) {
        _ = try await load(decided, over: link, place, agreed: consent, &report)
      } catch {
        // What became of the flash is told by the update, the reason by the loader.
        report.update.trouble = error
        report.update.trouble?.aftermath = .needsRescue
        break
      }
      let written = report.update.bytes
      report.update = await updater.resume(
        image, header, memory.records, journal: memory, policy: policy.update)
      report.update.bytes += written
    }
    // An update that was not begun leaves a stick that still waits.
    if report.update.verdict == .unchanged, report.update.trouble != nil {
      report.update.trouble?.aftermath = .needsRescue
    }
  }

  /// What the update will be, as far as the file alone tells: what it refuses is refused before
  /// the loader is sent.
  private func foresee(_ image: CheckedImage?, _ place: Place, _ policy: RescuePolicy)
    throws(Trouble) -> Plan?
  {
    guard let image else { return nil }
    var report = DeviceReport()
    report.vendor = "huawei"
    let waiting = Subject(place: place, state: .waiting(.balongAT), report: report)
    guard case .plan(let plan) = try Planner.plan(image, waiting, policy: policy.update) else {
      return nil
    }
    return plan
  }

  // MARK: The loader

  /// Consent, journal, upload, and waiting for the loader; how the owner agreed.
  private func load(
    _ decided: DecidedRescue, over link: any ByteLink, _ place: Place, agreed: String?,
    _ report: inout RescueReport
  ) async throws(Trouble) -> String {
    let how: String
    let journal: any RescueJournal
    do throws(Trouble) {
      if let agreed { how = agreed } else { how = try await consent(to: decided.plan) }
      journal = try newJournal()
      try journal.append(
        .planned(
          decided.plan, place: place, consent: how, time: surroundings.backups.time()))
    } catch {
      await link.close()
      throw error
    }
    report.journal = journal.location
    do throws(Trouble) {
      try await send(decided.parts, over: link, journal)
      try journal.append(.waiting)
      await owner.hear(.phase(.enter, "Waiting for the loader; it takes up to half a minute"))
      report.state = try await waitForLoader(at: place)
      report.loaderAnswers = true
      try journal.append(.loaderAnswers)
    } catch {
      try? journal.append(.ended(error.code))
      throw error
    }
    return how
  }

  private func consent(to plan: RescuePlan) async throws(Trouble) -> String {
    for warning in plan.warnings { await owner.hear(.warning(warning)) }
    guard let consent = await owner.consent(toRescue: plan), !owner.wantsToStop else {
      throw owner.wantsToStop ? UpdateRun.cancelled : UpdateRun.noConsent
    }
    return consent.how
  }

  private func send(
    _ parts: [BalongLoader.Part], over link: any ByteLink, _ journal: any RescueJournal
  ) async throws(Trouble) {
    let total = parts.reduce(0) { $0 + $1.bytes.count }
    let meter = UploadMeter(owner, bus, total: total)
    do {
      await owner.hear(.phase(.enter, "Sending the loader into the stick's memory"))
      let rom = BalongBootROM(link)
      for (index, part) in parts.enumerated() {
        try journal.append(.sending(part: index))
        let piece = BootROMPart(
          name: part.name, mode: UInt8(truncatingIfNeeded: part.mode), address: part.address,
          bytes: part.bytes)
        try await rom.load(piece, isLast: index == parts.count - 1) { bytes in
          await meter.tell(part.name, bytes)
        }
        meter.finished(part.bytes.count)
      }
      await link.close()
    } catch let error as BootROMError {
      await link.close()
      throw error.trouble
    } catch let error as Trouble {
      await link.close()
      throw error
    } catch {
      await link.close()
      throw LinkError.broken("\(error)").trouble
    }
  }

  /// Asks every port that appears until a download monitor answers.
  private func waitForLoader(at place: Place) async throws(Trouble) -> BalongState {
    let end = bus.now + Self.loaderLimit
    var last: BalongState?
    while end - bus.now > .zero {
      let state = await ask(place, within: end - bus.now)
      if let state, state.isDownload { return state }
      if let state, state != .silent { last = state }
      await bus.pause(.milliseconds(500))
    }
    throw Self.loaderSilent(last)
  }

  private func ask(_ place: Place, within limit: Duration) async -> BalongState? {
    guard let port = try? await bus.port(at: place, as: .download, within: limit),
      let link = try? await bus.open(port)
    else { return nil }
    let state = try? await BalongProbe(link).state(expectingDownload: true)
    await link.close()
    return state
  }

  // MARK: Finding the stick

  /// Opens the likeliest port and asks what it is: the boot ROM first, where it can be one.
  static func probe(_ place: Place, on bus: any Bus) async throws(Trouble) -> (
    any ByteLink, BalongState
  ) {
    let end = bus.now + .seconds(3)
    repeat {
      for role in [PortRole.bootROM, .download, .at] {
        guard let port = try? await bus.port(at: place, as: role, within: .milliseconds(200)) else {
          continue
        }
        let link: any ByteLink
        do { link = try await bus.open(port) } catch { throw error.trouble }
        do {
          return (link, try await state(behind: link, port))
        } catch {
          await link.close()
          throw error
        }
      }
    } while bus.now < end
    throw LinkError.notFound(path: place.description).trouble
  }

  private static func state(behind link: any ByteLink, _ port: Port) async throws(Trouble)
    -> BalongState
  {
    do {
      if port.role == .bootROM || port.role == .unknown,
        try await BalongBootROM(link).isThere()
      {
        return .bootROM
      }
      return try await BalongProbe(link).state(expectingDownload: false)
    } catch let error as LinkError {
      throw error.trouble
    } catch let error as BootROMError {
      throw error.trouble
    } catch {
      throw LinkError.broken("\(error)").trouble
    }
  }

  // MARK: Words

  private static func noBootROM(_ state: BalongState) -> Trouble {
    if state == .normal {
      return Trouble(
        "rescue.not-needed", "The stick runs its firmware: there is nothing to rescue.",
        advice: ["To write a firmware, use `modemsmith update FILE`."], aftermath: .stillBoots,
        exitCode: .nothingToDo)
    }
    return Trouble(
      "rescue.no-boot-rom", "Neither a boot ROM nor a download monitor answers on this port.",
      facts: ["a stick in its boot ROM shows one serial port with the USB id 12d1:1443"],
      advice: [
        "Run `modemsmith rescue --watch`: it tells step by step how to get there.",
        "Run `modemsmith list` to see the ports that there are.",
      ], exitCode: .noStick)
  }

  private static func loaderSilent(_ last: BalongState?) -> Trouble {
    let seen =
      switch last {
      case .bootROM: "the boot ROM showed again"
      case .normal: "the stick's own firmware started in its place"
      default: "no port of it answered within a minute"
      }
    return Trouble(
      "rescue.loader-silent", "The loader was taken and its download monitor does not answer.",
      facts: [seen, "nothing was written to the flash"],
      advice: [
        "Unplug the stick, bring it into its boot ROM as before, and run the same command again.",
        "If it ends here again, the loader is for another chip or for another partition layout.",
      ], exitCode: .needsRescue)
  }
}

/// The same owner in the update that a rescue goes on into: who agreed to writing this very file
/// a minute ago is not asked again.
private final class RescueHeir: Owner {
  private let owner: any RescueOwner
  private let agreed: String?
  private let sha256: String

  init(_ owner: any RescueOwner, agreed: String?, sha256: String) {
    self.owner = owner
    self.agreed = agreed
    self.sha256 = sha256
  }

  var wantsToStop: Bool { owner.wantsToStop }

  func consent(to plan: CheckedPlan) async -> Consent? {
    if let agreed, plan.plan.sha256 == sha256 { return Consent(how: "\(agreed), for the rescue") }
    return await owner.consent(to: plan)
  }

  func hear(_ event: UpdateEvent) async { await owner.hear(event) }
}

/// An update's journal that also keeps what it wrote, for going on with it in the same run.
private final class RememberedJournal: Journal {
  private let state = Mutex<(inner: (any Journal)?, records: [JournalRecord])>((nil, []))

  var records: [JournalRecord] { state.withLock { $0.records } }
  var location: String { state.withLock { $0.inner }?.location ?? "nowhere" }

  func begin(_ inner: any Journal) -> any Journal {
    state.withLock { $0 = (inner, []) }
    return self
  }

  func append(_ record: JournalRecord) throws(Trouble) {
    try state.withLock { $0.inner }?.append(record)
    state.withLock { $0.records.append(record) }
  }
}

/// Turns bytes that the boot ROM took into progress.
private final class UploadMeter {
  private let owner: any RescueOwner
  private let bus: any Bus
  private let total: Int
  private var done = 0
  private var meter: RateMeter

  init(_ owner: any RescueOwner, _ bus: any Bus, total: Int) {
    self.owner = owner
    self.bus = bus
    self.total = max(total, 1)
    meter = RateMeter(start: bus.now)
  }

  func finished(_ bytes: Int) { done += bytes }

  func tell(_ name: String, _ bytes: Int) async {
    let now = done + bytes
    guard meter.isDue(bus.now) || now == total else { return }
    let rate = meter.rate(bus.now, now)
    await owner.hear(
      .progress(
        Progress(
          phase: .enter, item: name, percent: Double(now) * 100 / Double(total), bytes: now,
          totalBytes: total, rate: rate,
          etaSeconds: rate.map { Double(total - now) / max($0, 1) }, safeToUnplug: true)))
  }
}

/// Which chips a firmware is for.
enum RescueChips {
  /// Chips of these product ids; nil if no table knows them.
  static func chips(of products: [String]) -> [String]? {
    let families = DeviceCatalogue.huaweiBalong.families.filter { family in
      products.contains { BalongProduct.matches($0, family.product) }
    }
    return families.isEmpty ? nil : Array(Set(families.map(\.chip))).sorted()
  }
}
