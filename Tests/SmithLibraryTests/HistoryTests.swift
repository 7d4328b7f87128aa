import Foundation
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@testable import SmithLibrary

@Suite("History") struct HistoryTests {
  private func history() throws -> (Scene, History) {
    let scene = try Scene()
    return (scene, try History(in: try StateDirectory("\(scene.folder)/state")))
  }

  private func run(
    _ bytes: Int, rest: Double, rate: Double, model: String = "E3131",
    verdict: Verdict = .updated, resumed: Bool = false
  ) throws -> History.Run {
    let image = try CheckedImage(
      SharedBytes(Scene.package(.e3131, version: "21.157.99.00.00")), named: "/nowhere/x.bin")
    var report = UpdateReport(verdict: verdict, device: Scene.device(.e3131))
    report.bytes = bytes
    report.before = FirmwareVersion("21.157.31.00.00")
    report.after = FirmwareVersion("21.157.99.00.00")
    report.seconds = rest + Double(bytes) / rate
    report.warnings = ["one"]
    var run = History.Run(
      report, file: image, place: .usb("1-2"), began: "2026-11-21T08:00:00Z", header: nil,
      phases: [PhaseTime(.identify, rest), PhaseTime(.write, Double(bytes) / rate)],
      resumed: resumed)
    run.model = model
    run.route = "huawei-balong"
    return run
  }

  private func plan(_ model: String?, bytes: Int) throws -> Plan {
    var report = Scene.device(.e3131, firmware: "21.157.31.00.00")
    let image = try CheckedImage(
      SharedBytes(Scene.package(.e3131, version: "21.157.99.00.00")), named: "/nowhere/x.bin")
    report.model = "E3131"
    let subject = Subject(place: .usb("1-2"), state: .normal, report: report)
    guard case .plan(var plan) = try Planner.plan(image, subject, policy: Policy()) else {
      throw Trouble("usage.none", "no plan", advice: [], exitCode: .usage)
    }
    plan.model = model
    plan.items = Array(plan.items.prefix(1))
    plan.items[0].bytes = bytes
    return plan
  }

  @Test("A run is read back as it was kept") func keeping() throws {
    let (_, history) = try history()
    var kept = try run(1000, rest: 10, rate: 100)
    let id = try history.keep(kept)
    kept.id = id
    #expect(try history.run(id) == kept)
    #expect(try history.runs() == [kept])
    #expect(code { _ = try history.run(99) } == "history.not-found")
  }

  @Test("Measured updates of the model foretell the next one") func estimates() throws {
    let (_, history) = try history()
    let plan = try plan("E3131", bytes: 5000)
    #expect(try history.expectedSeconds(of: plan) == nil)
    try history.keep(try run(1000, rest: 40, rate: 50, model: "E3276"))
    // Nothing of this model yet: the route's other sticks have to do.
    #expect(try history.expectedSeconds(of: plan) == 140)
    try history.keep(try run(1000, rest: 10, rate: 100))
    try history.keep(try run(2000, rest: 12, rate: 100))
    try history.keep(try run(1000, rest: 900, rate: 1, verdict: .failedStillWorks))
    try history.keep(try run(1000, rest: 900, rate: 1, resumed: true))
    #expect(try history.expectedSeconds(of: plan) == 61)
    var other = plan
    other.route = "sierra-qdl"
    #expect(try history.expectedSeconds(of: other) == nil)
  }

  @Test("Phases are measured between their beginnings, without the owner's thinking")
  func watching() async throws {
    let clock = Heard<Duration>()
    let watch = PhaseWatch(TrialOwner(), now: { clock.all.last ?? .zero })
    clock.add(.seconds(1))
    await watch.hear(.phase(.identify, ""))
    clock.add(.seconds(3))
    await watch.hear(.note("x"))
    await watch.hear(.phase(.write, ""))
    clock.add(.seconds(10))
    #expect(watch.finish() == [PhaseTime(.identify, 2), PhaseTime(.write, 7)])
    clock.add(.seconds(20))
    #expect(watch.finish().count == 2)
  }

  @Test("A damaged history is left alone and named") func damaged() throws {
    let scene = try Scene()
    let state = try StateDirectory("\(scene.folder)/state")
    let path = "\(state.path)/history.sqlite"
    try Data("x".utf8).write(to: URL(fileURLWithPath: path))
    #expect(code { _ = try History(in: state) } == "library.corrupt")
    #expect(FileManager.default.contents(atPath: path) == Data("x".utf8))
  }
}
