public import Foundation
public import SmithEngine
import SmithFormats
public import SmithLink
public import SmithModel
import SmithVendors
import Synchronization

/// One stick that the agent may look at.
public struct FleetStick: Sendable {
  /// The bus that it is on.
  public var bus: any Bus
  /// Where it is.
  public var place: Place

  /// Gathers the parts.
  public init(bus: any Bus, place: Place) {
    self.bus = bus
    self.place = place
  }
}

/// What the agent needs of the world besides sticks.
public struct FleetWorld: Sendable {
  /// The time.
  public var now: @Sendable () -> Date
  /// The calendar of the windows.
  public var calendar: Calendar
  /// What the computer runs on.
  public var power: @Sendable () -> PowerState
  /// The verified image with this SHA-256, out of the library, and why it is marked as bad.
  public var image: @Sendable (String) throws(Trouble) -> (CheckedImage, knownBad: String?)
  /// Journals, backups and the rest, for one stick.
  public var surroundings: @Sendable (Place) -> Surroundings
  /// Takes the stick's lock; held as long as the answer lives.
  public var hold: @Sendable (Place) throws(Trouble) -> (any Sendable)
  /// Why an interrupted update of this stick has to be looked at first; nil if there is none.
  public var interrupted: @Sendable (Place) throws(Trouble) -> String?
  /// Puts manners between the engine and the owner: other programs, the network, sleep.
  public var minding: @Sendable (Place, any Owner) -> any Owner
  /// Hears the end of one update.
  public var finished: @Sendable (Place, CheckedImage, UpdateReport) -> Void
  /// Hears what happens in one update.
  public var hear: @Sendable (Place, UpdateEvent) async -> Void
  /// Whether the owner asked to stop.
  public var wantsToStop: @Sendable () -> Bool

  /// Gathers what has no sensible default; nobody holds locks, listens or stops unless told.
  public init(
    now: @escaping @Sendable () -> Date, calendar: Calendar,
    power: @escaping @Sendable () -> PowerState,
    image: @escaping @Sendable (String) throws(Trouble) -> (CheckedImage, knownBad: String?),
    surroundings: @escaping @Sendable (Place) -> Surroundings
  ) {
    self.now = now
    self.calendar = calendar
    self.power = power
    self.image = image
    self.surroundings = surroundings
    hold = { (_: Place) throws(Trouble) in true }
    interrupted = { (_: Place) throws(Trouble) in nil }
    minding = { $1 }
    finished = { _, _, _ in }
    hear = { _, _ in }
    wantsToStop = { false }
  }
}

/// Does once what a policy says: looks at each stick, decides as `plan` and `advise` do, and
/// updates those that are meant. It decides nothing that a person at the terminal could not.
public struct FleetAgent: Sendable {
  let policy: FleetPolicy
  let world: FleetWorld

  /// An agent for one policy.
  public init(_ policy: FleetPolicy, in world: FleetWorld) {
    self.policy = policy
    self.world = world
  }

  /// Takes the sticks one after another.
  ///
  /// - Parameter report: hears of each stick when it is done.
  public func run(
    on sticks: [FleetStick], report: @Sendable (FleetLine) async -> Void = { _ in }
  ) async -> FleetOutcome {
    var outcome = FleetOutcome()
    var failures = 0
    for stick in sticks {
      var line: FleetLine
      if world.wantsToStop() {
        line = FleetLine(stick.place, .notBegun, Self.stopped.summary)
        line.trouble = Self.stopped
      } else if failures >= policy.maxFailures {
        let trouble = Self.tooManyFailures(failures)
        line = FleetLine(stick.place, .notBegun, trouble.summary)
        line.trouble = trouble
      } else {
        line = await look(at: stick)
      }
      if [.failedStillWorks, .needsRescue, .unknown].contains(line.decision) { failures += 1 }
      outcome.lines.append(line)
      await report(line)
    }
    return outcome
  }

  private func look(at stick: FleetStick) async -> FleetLine {
    var line = FleetLine(stick.place, .refused, "")
    do throws(Trouble) {
      let lock = try world.hold(stick.place)
      defer { withExtendedLifetime(lock) {} }
      if let why = try world.interrupted(stick.place) { throw Self.interrupted("journal: \(why)") }
      try await decide(stick, &line)
    } catch {
      line.refuse(error)
    }
    return line
  }

  private func decide(_ stick: FleetStick, _ line: inout FleetLine) async throws(Trouble) {
    let owner = PolicyOwner(policy, nil, stick.place, world)
    let updater = Updater(
      bus: stick.bus, owner: owner, surroundings: world.surroundings(stick.place))
    let (link, subject) = try await updater.identify(stick.place, withSettings: false)
    await link.close()
    line.model = subject.report.model
    line.imeiHash = subject.identityHash
    line.before = subject.report.firmware
    let rules = policy.rules(for: subject)
    guard subject.state == .normal else {
      throw Self.interrupted("it waits for an update, and no journal here says which")
    }
    guard let rule = rules.first else {
      line.decision = .noRule
      line.reason = "No rule of the policy means this stick."
      return
    }
    guard rules.count == 1 else { throw Self.severalRules(rules) }
    line.rule = rule.name
    line.sha256 = rule.sha256
    let (image, knownBad) = try world.image(rule.sha256)
    try check(image, rule)
    try judge(image, knownBad, subject, rule, &line)
    guard case .plan(let plan) = try Planner.plan(image, subject, policy: rule.allowed) else {
      line.decision = .unchanged
      line.after = line.before
      line.reason = "The stick runs this version already."
      return
    }
    line.after = plan.after
    if let obstacle = policy.obstacle(
      at: world.now(), world.calendar, on: world.power())
    {
      line.decision = .wait
      line.reason = obstacle
      return
    }
    line.warnings = plan.warnings
    if policy.dryRun {
      line.decision = .wouldUpdate
      line.reason = "It would be updated to \(rule.version)."
      return
    }
    await update(stick, image, rule, &line)
  }

  /// The image has to be what the policy's owner looked at.
  private func check(_ image: CheckedImage, _ rule: FleetPolicy.Rule) throws(Trouble) {
    guard image.sha256 == rule.sha256, image.image.claims.firmware == rule.version else {
      throw Trouble(
        "fleet.image-differs", "The image is not what the rule \"\(rule.name)\" says of it.",
        facts: [
          "the rule says version \(rule.version)",
          "the image says version \(image.image.claims.firmware?.text ?? "none")",
          "SHA-256 of the image: \(image.sha256)",
        ], advice: ["Look at the image with `modemsmith image show`, and mend the policy."],
        exitCode: .refused)
    }
  }

  /// The same judgement that stands behind `plan` and `advise`.
  private func judge(
    _ image: CheckedImage, _ knownBad: String?, _ subject: Subject, _ rule: FleetPolicy.Rule,
    _ line: inout FleetLine
  ) throws(Trouble) {
    let facts = ImageFacts(image.image, knownBad: knownBad)
    let family = Families.taking(image.image)
    let known = Advice.Circumstances(image: facts, evidence: family?.evidence)
    let advice = Advice.about(subject.report, known)
    line.advice = advice.answer
    line.fit = advice.fit?.answer
    guard let fit = advice.fit, !fit.isAlreadyThere else { return }
    let onlyOlder = fit.isOlder && fit.objections.allSatisfy { $0.about == "version" }
    let isAllowed =
      fit.answer == .fits || fit.answer == .unknown && rule.acceptUnknown
      || onlyOlder && rule.allowed.allowDowngrade
    let isGrave = advice.answer == .doNot && !(onlyOlder && rule.allowed.allowDowngrade)
    guard isAllowed, !isGrave else {
      throw Trouble(
        "fleet.does-not-fit",
        fit.answer == .unknown
          ? "It is not certain that the image is for this stick." : advice.summary,
        facts: fit.objections.map(\.text),
        advice: [
          fit.answer == .unknown
            ? "Try it on one stick by hand; then say `acceptUnknown: true` in the rule."
            : "Take the stick out of the rule, or give the rule another image."
        ], exitCode: .refused)
    }
  }

  private func update(
    _ stick: FleetStick, _ image: CheckedImage, _ rule: FleetPolicy.Rule,
    _ line: inout FleetLine
  ) async {
    let owner = world.minding(stick.place, PolicyOwner(policy, rule, stick.place, world))
    let updater = Updater(
      bus: stick.bus, owner: owner, surroundings: world.surroundings(stick.place))
    let report = await updater.update(image, at: stick.place, policy: rule.allowed)
    world.finished(stick.place, image, report)
    line.before = report.before ?? line.before
    line.after = report.after
    line.journal = report.journal
    line.backup = report.backup
    line.seconds = report.seconds
    line.warnings = report.warnings
    line.trouble = report.trouble
    switch report.verdict {
    case .updated:
      line.decision = .updated
      line.reason = "The stick answers with \(report.after?.text ?? "its new version")."
    case .unchanged:
      line.decision = report.trouble == nil ? .unchanged : .refused
      line.reason = report.trouble?.summary ?? "The stick runs this version already."
    case .failedStillWorks:
      line.decision = .failedStillWorks
      line.reason = report.trouble?.summary ?? "The update failed; the stick still works."
    case .needsRescue:
      line.decision = .needsRescue
      line.reason = report.trouble?.summary ?? "The stick waits for `resume`."
    case .unknown:
      line.decision = .unknown
      line.reason = report.trouble?.summary ?? "The stick could not be asked."
    }
  }
}

/// Agrees in the name of a policy, to its own image only, and while it is still the time.
final class PolicyOwner: Owner {
  private let policy: FleetPolicy
  private let rule: FleetPolicy.Rule?
  private let place: Place
  private let world: FleetWorld

  init(_ policy: FleetPolicy, _ rule: FleetPolicy.Rule?, _ place: Place, _ world: FleetWorld) {
    self.policy = policy
    self.rule = rule
    self.place = place
    self.world = world
  }

  var wantsToStop: Bool { world.wantsToStop() }

  func consent(to checked: CheckedPlan) async -> Consent? {
    guard let rule, checked.plan.sha256 == rule.sha256, !policy.dryRun,
      policy.obstacle(at: world.now(), world.calendar, on: world.power()) == nil
    else { return nil }
    return Consent(
      how: "policy \(policy.name), rule \(rule.name), sha256 \(policy.sha256.prefix(16))")
  }

  func hear(_ event: UpdateEvent) async {
    await world.hear(place, event)
  }
}

extension FleetAgent {
  static func severalRules(_ rules: [FleetPolicy.Rule]) -> Trouble {
    Trouble(
      "fleet.several-rules", "\(rules.count) rules of the policy mean this stick.",
      facts: rules.map(\.name).prefix(10).map { "rule \"\($0)\"" },
      advice: ["Make the lists of the rules narrower, so that one rule means each stick."],
      exitCode: .refused)
  }

  static func interrupted(_ fact: String) -> Trouble {
    Trouble(
      "fleet.interrupted", "An earlier update of this stick was interrupted.",
      facts: [fact],
      advice: ["Run `modemsmith resume` for it first; the agent begins nothing on top of it."],
      aftermath: .unknown, exitCode: .refused)
  }

  static func tooManyFailures(_ count: Int) -> Trouble {
    Trouble(
      "fleet.too-many-failures", "\(count) updates failed before; the policy ends the run there.",
      advice: ["Look at the sticks that failed before the agent runs again."], exitCode: .refused)
  }

  static let stopped = Trouble(
    "update.cancelled", "Stopped at your request; nothing was sent.",
    advice: ["Run the command again whenever you like."], exitCode: .cancelled)
}
