import Foundation
import SmithBench
import SmithBytes
import SmithEngine
import SmithFleet
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import Synchronization
import Testing

@Suite("The agent") struct AgentTests {
  typealias Stick = HuaweiBalongStick

  /// One run with sticks, images and circumstances of its own.
  struct Scene {
    var policy: FleetPolicy
    var images: [CheckedImage]
    var power = PowerState()
    var date = Date(timeIntervalSince1970: 1_767_571_200 + 3600 * 12)
    var journal = MemoryJournal()
    var bad: String?
    var interrupted: String?
    var held: Trouble?

    func agent() -> FleetAgent {
      let (images, power, date, journal, bad) = (images, power, date, journal, bad)
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = .gmt
      var world = FleetWorld(
        now: { date }, calendar: calendar, power: { power },
        image: { sha256 throws(Trouble) in
          guard let found = images.first(where: { $0.sha256 == sha256 }) else {
            throw Trouble("fleet.image-missing", "none", advice: [], exitCode: .refused)
          }
          return (found, bad)
        },
        surroundings: { _ in
          Surroundings(
            newJournal: { () throws(Trouble) in journal }, backups: .memory(), power: { power },
            tool: "test")
        })
      world.interrupted = { [interrupted] _ in interrupted }
      world.hold = { [held] _ throws(Trouble) in
        if let held { throw held }
        return true
      }
      return FleetAgent(policy, in: world)
    }
  }

  static func newer(_ personality: Stick.Personality) -> String {
    "\(personality.firmware.prefix(7))99.00.00"
  }

  static func image(_ personality: Stick.Personality, _ version: String? = nil) throws
    -> CheckedImage
  {
    var sample = SamplePackage(for: personality)
    sample.version = version ?? newer(personality)
    sample.bytes = 12_000
    return try CheckedImage(SharedBytes(sample.build()), named: "/library/sample.bin")
  }

  static func policy(
    _ image: CheckedImage, sticks: String, head: String = "", rule: String = "",
    version: String? = nil
  ) throws -> FleetPolicy {
    let version = version ?? image.image.claims.firmware?.text ?? ""
    return try FleetPolicy(
      Data(
        PolicySamples.text(
          head: head, rule: rule, sticks: sticks,
          image: "sha256: '\(image.sha256)', version: '\(version)'"
        ).utf8))
  }

  private func plugged(_ personality: Stick.Personality) -> (VirtualBus<Stick>, FleetStick) {
    let bus = VirtualBus(Stick(personality: personality, options: Stick.Options()))
    return (bus, FleetStick(bus: bus, place: bus.place))
  }

  private func untouched(_ bus: VirtualBus<Stick>, _ personality: Stick.Personality) -> Bool {
    bus.body.flash == Stick(personality: personality, options: Stick.Options()).flash
  }

  @Test("updates the sticks that a rule means, and leaves the others alone") func updates()
    async throws
  {
    let image = try Self.image(.e3131)
    let scene = Scene(
      policy: try Self.policy(image, sticks: "model: 'e3131'"), images: [image])
    let (first, one) = plugged(.e3131)
    let (second, two) = plugged(.e3276)
    let heard = Mutex<[FleetLine]>([])
    let outcome = await scene.agent().run(on: [one, two]) { line in
      heard.withLock { $0.append(line) }
    }
    #expect(outcome.lines.map(\.decision) == [.updated, .noRule])
    #expect(heard.withLock { $0 } == outcome.lines)
    #expect(outcome.exitCode == .ok)
    let line = try #require(outcome.lines.first)
    #expect(line.after?.text == Self.newer(.e3131) && line.rule == "one" && line.fit == .fits)
    #expect(line.trouble == nil && line.imeiHash?.count == 64)
    #expect(first.body.flash.allPartsComplete)
    #expect(untouched(second, .e3276))
    guard case .planned(let header)? = scene.journal.records.first else {
      Issue.record("nothing was journaled")
      return
    }
    #expect(header.consent.hasPrefix("policy spring, rule one, sha256 "))

    var again = scene
    again.journal = MemoryJournal()
    let unchanged = await again.agent().run(on: [one])
    #expect(unchanged.lines.map(\.decision) == [.unchanged])
    #expect(unchanged.exitCode == .nothingToDo)
    #expect(again.journal.records.isEmpty)
  }

  @Test("knows a stick by the hash of its IMEI, and no report holds the number") func byHash()
    async throws
  {
    let image = try Self.image(.e3131)
    let (_, one) = plugged(.e3131)
    let dry = Scene(
      policy: try Self.policy(image, sticks: "model: 'E3131'", head: "dryRun: true,"),
      images: [image])
    let hash = try #require(await dry.agent().run(on: [one]).lines.first?.imeiHash)
    let prefix = hash.prefix(20)
    for (text, decision) in [
      ("imeiHash: '\(prefix)'", FleetLine.Decision.wouldUpdate),
      ("imeiHash: '\(PolicySamples.sum)'", .noRule),
      ("imeiHash: '\(prefix)', model: 'E3372'", .noRule),
      ("imeiHash: '\(prefix)', place: '\(one.place)'", .wouldUpdate),
    ] {
      var scene = dry
      scene.policy = try Self.policy(image, sticks: text, head: "dryRun: true,")
      let outcome = await scene.agent().run(on: [one])
      #expect(outcome.lines.map(\.decision) == [decision], "\(text)")
      #expect(!"\(outcome)".contains("0049990106"))
    }
  }

  @Test("touches nothing in a dry run, out of its windows, and on the wrong power") func waits()
    async throws
  {
    let image = try Self.image(.e3131)
    let battery = PowerState(onMains: false, batteryPercent: 39)
    for (head, power, decision) in [
      ("dryRun: true,", PowerState(), FleetLine.Decision.wouldUpdate),
      ("windows: [{ from: '13:00', to: '14:00' }],", PowerState(), .wait),
      ("windows: [{ days: ['tue'], from: '00:00', to: '24:00' }],", PowerState(), .wait),
      ("power: { mains: true },", battery, .wait), ("power: { leastBattery: 40 },", battery, .wait),
    ] {
      let (bus, one) = plugged(.e3131)
      var scene = Scene(
        policy: try Self.policy(image, sticks: "model: 'E3131'", head: head), images: [image])
      scene.power = power
      let outcome = await scene.agent().run(on: [one])
      #expect(outcome.lines.map(\.decision) == [decision], "\(head)")
      #expect(outcome.lines.first?.trouble == nil)
      #expect(outcome.exitCode == (decision == .wait ? .nothingToDo : .ok))
      #expect(untouched(bus, .e3131))
      #expect(scene.journal.records.isEmpty)
    }
  }

  @Test("refuses what a person would be refused, and what only a person may risk") func refuses()
    async throws
  {
    let image = try Self.image(.e3131)
    let older = try Self.image(.e3131, "21.100.01.00.00")
    let other = try Self.image(.e3276)
    let mine = "model: 'E3131'"
    var scenes: [(String, Scene)] = [
      ("fleet.does-not-fit", Scene(policy: try Self.policy(older, sticks: mine), images: [older])),
      ("fleet.does-not-fit", Scene(policy: try Self.policy(other, sticks: mine), images: [other])),
      (
        "fleet.does-not-fit",
        Scene(
          policy: try Self.policy(other, sticks: mine, rule: "acceptUnknown: true,"),
          images: [other])
      ),
      ("fleet.image-missing", Scene(policy: try Self.policy(image, sticks: mine), images: [])),
      (
        "fleet.image-differs",
        Scene(policy: try Self.policy(image, sticks: mine, version: "21.1"), images: [image])
      ),
    ]
    var bad = Scene(policy: try Self.policy(image, sticks: mine), images: [image])
    bad.bad = "it bricked one"
    scenes.append(("fleet.does-not-fit", bad))
    var cut = Scene(policy: try Self.policy(image, sticks: mine), images: [image])
    cut.interrupted = "/state/journals/1.jsonl"
    scenes.append(("fleet.interrupted", cut))
    var held = Scene(policy: try Self.policy(image, sticks: mine), images: [image])
    held.held = Trouble("lock.held", "held", advice: [], exitCode: .refused)
    scenes.append(("lock.held", held))
    var weak = Scene(policy: try Self.policy(image, sticks: mine), images: [image])
    weak.power = PowerState(onMains: false, batteryPercent: 5)
    scenes.append(("preflight.low-battery", weak))
    var several = Scene(policy: try Self.policy(image, sticks: mine), images: [image])
    var second = try #require(several.policy.rules.first)
    second.name = "two"
    several.policy.rules.append(second)
    scenes.append(("fleet.several-rules", several))
    for (code, scene) in scenes {
      let (bus, one) = plugged(.e3131)
      let outcome = await scene.agent().run(on: [one])
      #expect(outcome.lines.map(\.decision) == [.refused], "\(code): \(outcome)")
      #expect(outcome.lines.first?.trouble?.code == code, "\(outcome)")
      #expect(outcome.exitCode == .refused)
      #expect(untouched(bus, .e3131), "\(code)")
    }
  }

  @Test("writes an older version only where the rule says so") func downgrade() async throws {
    let older = try Self.image(.e3131, "21.100.01.00.00")
    let scene = Scene(
      policy: try Self.policy(older, sticks: "model: 'E3131'", rule: "allowDowngrade: true,"),
      images: [older])
    let (_, one) = plugged(.e3131)
    let outcome = await scene.agent().run(on: [one])
    #expect(outcome.lines.map(\.decision) == [.updated], "\(outcome)")
    #expect(outcome.lines.first?.after?.text == "21.100.01.00.00")
  }

  @Test("ends after the failures that the policy allows, and says what was not begun")
  func failures() async throws {
    let image = try Self.image(.e3131)
    var scene = Scene(
      policy: try Self.policy(image, sticks: "model: 'E3131'", head: "maxFailures: 1,"),
      images: [image])
    let (first, one) = plugged(.e3131)
    // The host dies for good in the middle of the write, as the journal sees it.
    scene.journal = MemoryJournal(crashAfter: 6) { first.killHost() }
    let (second, two) = plugged(.e3131)
    let outcome = await scene.agent().run(on: [one, two])
    #expect(outcome.lines.last?.decision == .notBegun, "\(outcome)")
    #expect(outcome.lines.last?.trouble?.code == "fleet.too-many-failures")
    #expect([.needsRescue, .unknown].contains(outcome.lines.first?.decision))
    #expect([.needsRescue, .unknown].contains(outcome.exitCode))
    #expect(untouched(second, .e3131))
  }

  @Test("has an exit code for every outcome: the worst that became of a stick") func exitCodes() {
    func code(_ decisions: FleetLine.Decision...) -> ExitCode {
      FleetOutcome(
        decisions.map { decision in
          var line = FleetLine(.usb("1-1"), decision, "")
          if decision == .refused {
            line.trouble = Trouble("fleet.does-not-fit", "", advice: [], exitCode: .refused)
          }
          return line
        }
      ).exitCode
    }
    #expect(code() == .noStick)
    #expect(code(.unchanged, .noRule, .wait) == .nothingToDo)
    #expect(code(.updated, .noRule) == .ok)
    #expect(code(.updated, .refused) == .refused)
    #expect(code(.refused, .failedStillWorks) == .stillWorks)
    #expect(code(.failedStillWorks, .unknown) == .unknown)
    #expect(code(.unknown, .needsRescue, .updated) == .needsRescue)
  }
}
