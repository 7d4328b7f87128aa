import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Serial Balong sticks beside the three chips") struct RelativesTests {
  typealias Personality = HuaweiBalongStick.Personality

  private func stick(_ name: String) throws -> VirtualBus<HuaweiBalongStick> {
    VirtualBus(HuaweiBalongStick(personality: try #require(Personality.named(name))))
  }

  @Test(
    "are known by their answers, and by their board",
    arguments: [
      ("e303", "E303", "Balong V3R3"), ("e3531", "E3531", "Balong V3R3"),
      ("e353", "E353", "Balong V3"), ("e3372s", "E3372", "Balong V7R2"),
    ]) func known(name: String, model: String, chip: String) async throws
  {
    let bus = try stick(name)
    let (link, subject) = try await Scenes.updater(bus).identify(bus.place, withSettings: false)
    await link.close()
    #expect(subject.report.model == model)
    #expect(subject.report.chipset == chip)
    #expect(subject.report.world == .balongStick)
    #expect(subject.report.productID == bus.body.personality.product)
    #expect(subject.report.simLock?.triesLeft == 10)
  }

  @Test(
    "are updated where the package names their product",
    arguments: ["e303", "e3531", "e353", "e3372s"])
  func updated(name: String) async throws {
    let bus = try stick(name)
    let (link, subject) = try await Scenes.updater(bus).identify(bus.place, withSettings: false)
    await link.close()
    let image = try Scenes.package(bus.body.personality)
    guard case .plan(let plan) = try Planner.plan(image, subject, policy: Policy()) else {
      Issue.record("there is nothing to do")
      return
    }
    let isInTables = name == "e303" || name == "e3531"
    #expect(plan.warnings.contains { $0.contains("only known in download mode") } != isInTables)
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(bus.body.flash.allPartsComplete)
  }

  @Test(
    "are not written to where their loader tells another product", arguments: ["e353", "e3372s"])
  func otherProduct(name: String) async throws {
    let bus = try stick(name)
    let before = bus.body.flash
    var other = bus.body.personality
    other.downloadID = "BV7R9"
    let report = await Scenes.updater(bus).update(
      try Scenes.package(other), at: bus.place, policy: Policy())
    #expect(report.verdict == .unchanged || report.verdict == .failedStillWorks)
    #expect(report.trouble?.code.hasPrefix("plan.") == true, "\(String(describing: report))")
    #expect(bus.body.flash.items == before.items && bus.body.flash.nv == before.nv)
  }

  @Test("with a package of the silicon beside theirs are refused, whatever is waived")
  func wrongSilicon() async throws {
    let bus = try stick("e3372s")
    var policy = Policy()
    policy.forced = [.productUnknown]
    let image = try Scenes.package(.e3372h)
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: policy)
    #expect(report.verdict == .unchanged, "\(String(describing: report.trouble))")
    #expect(report.exitCode == .refused)
  }
}
