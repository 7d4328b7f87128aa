import Foundation
import Testing

@Suite("An update over a page of ZTE's or Alcatel's", .serialized) struct PageUpdateFaceTests {
  struct Model: Sendable, CustomTestStringConvertible {
    var sim: String
    var name: String
    var version: String
    var testDescription: String { sim }
  }

  static let models = [
    Model(sim: "zte-mf667", name: "MF667", version: "BD_O2MF667V1.0.0B09"),
    Model(sim: "alcatel-l800", name: "L800", version: "L800_00_02.00_99"),
    Model(sim: "alcatel-l850", name: "L850", version: "L850_IA_02.00_99"),
  ]

  private func plug(_ bench: Bench, _ model: String, _ more: String...) async throws
    -> (child: Child, url: String)
  {
    let child = try Child(
      ["sim", model, "--http", "127.0.0.1:0", "--link", bench.port, "--speed", "40"] + more)
    let line = try await child.line("page") { $0.hasPrefix("published http") }
    return (child, String(line.split(separator: " ")[1]))
  }

  private func start(_ bench: Bench, _ url: String, _ arguments: [String]) throws -> Child {
    try Child(arguments + ["--web", url, "--state-dir", bench.state, "--json"])
  }

  private func run(_ bench: Bench, _ url: String, _ arguments: String...) async throws -> Child.Seen
  {
    try await start(bench, url, arguments).end()
  }

  /// A file that the simulated stick takes for its firmware.
  private func file(_ bench: Bench, _ model: Model, mib: Int = 1) throws -> String {
    var data = Data("SIMPKG \(model.name) SMITHSIM-VERSION:\(model.version);".utf8)
    let filler = Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) })
    for _ in 0..<(mib << 8) { data.append(filler) }
    return try bench.file("page.bin", data)
  }

  private func version(_ bench: Bench, _ url: String) async throws -> String? {
    try await run(bench, url, "info").report["firmware"] as? String
  }

  @Test("is advised on, and the settings of the page are saved", arguments: models)
  func advised(model: Model) async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, model.sim)
    let advice = try await run(bench, url, "advise", "--complaint", "drops")
    #expect(advice.code == 0, "\(advice.out) \(advice.err)")
    let points = advice.report["do_not_update_if"] as? [[String: Any]] ?? []
    func holds(_ name: String) -> Bool? {
      points.first { $0["name"] as? String == name }?["holds"] as? Bool
    }
    #expect(holds("route") == false)
    let file = try file(bench, model)
    let judged = try await run(bench, url, "advise", file, "--complaint", "drops")
    let fit = judged.report["fit"] as? [String: Any]
    #expect(fit?["answer"] as? String == "unknown", "\(judged.out) \(judged.err)")
    // Only ZTE's stick has a download mode beside its page.
    #expect(holds("recovery") == (model.name != "MF667"))
    let saved = try await run(bench, url, "backup")
    let path = try #require(saved.report["backup"] as? String)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("\"kind\" : \"page\""))
    #expect(text.contains("net_select") == (model.name == "MF667"))
    try await bench.unplug(stick)
  }

  @Test("is planned, agreed to, written and read back", arguments: models)
  func whole(model: Model) async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, model.sim)
    let file = try file(bench, model)
    let careful = try await run(bench, url, "plan", file, "--expect", model.version)
    #expect(careful.code == 5 && careful.trouble == "plan.experimental", "\(careful.out)")
    let plan = try await run(
      bench, url, "plan", file, "--expect", model.version, "--experimental")
    #expect(plan.code == 0, "\(plan.out) \(plan.err)")
    #expect(plan.report["way"] as? String == "page")
    let inferences = plan.report["inferences"] as? [String] ?? []
    #expect(inferences.contains { $0.contains("upload") } && inferences.count >= 3)
    let update = try await run(
      bench, url, "update", file, "--expect", model.version, "--experimental", "--yes")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.report["verdict"] as? String == "updated")
    #expect(update.report["after"] as? String == model.version)
    #expect(try await version(bench, url) == model.version)
    let again = try await run(
      bench, url, "update", file, "--expect", model.version, "--experimental", "--yes")
    #expect(again.code == 3)
    try await bench.unplug(stick)
  }

  @Test(
    "whose process is killed goes on with `resume`, with the leave that was given then",
    arguments: models.dropFirst())
  func killed(model: Model) async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, model.sim)
    let file = try file(bench, model, mib: 40)
    let update = try start(
      bench, url,
      ["update", file, "--expect", model.version, "--experimental", "--yes"])
    // While it installs; a kill during the upload is tried in virtual time, because a stick that
    // never left is watched for three minutes.
    try await update.line("verify") { $0.contains("\"phase\":\"verify\"") }
    update.signal(SIGKILL)
    let killed = try await update.end()
    #expect(killed.code == 128 + SIGKILL)
    let resumed = try await start(bench, url, ["resume"])
      .wait("end", within: 300) { $0.isOver ? $0 : nil }
    #expect(resumed.code == 0, "\(resumed.out.suffix(2000)) \(resumed.err)")
    #expect(resumed.report["verdict"] as? String == "updated")
    #expect(try await version(bench, url) == model.version)
    #expect(try await run(bench, url, "resume").trouble == "resume.nothing")
    try await bench.unplug(stick)
  }

  @Test("of the maker's own needs no file; without an offer there is nothing to do")
  func online() async throws {
    let bench = try Bench()
    let model = Self.models[0]
    let (stick, url) = try await plug(bench, model.sim, "--offered", model.version)
    let update = try await run(bench, url, "update", "--online", "--yes")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.report["after"] as? String == model.version)
    #expect(try await run(bench, url, "update", "--online", "--yes").code == 3)
    try await bench.unplug(stick)
  }

  @Test("without the version's name is a change, and nothing more is claimed")
  func unnamed() async throws {
    let bench = try Bench()
    let model = Self.models[0]
    let (stick, url) = try await plug(bench, model.sim)
    let update = try await run(
      bench, url, "update", try file(bench, model), "--experimental", "--yes")
    #expect(update.code == 9)
    #expect(update.report["verdict"] as? String == "unknown")
    #expect(update.trouble == "update.unverified")
    #expect(try await version(bench, url) == model.version)
    try await bench.unplug(stick)
  }

  @Test("with a file of Sierra's is refused, and told whose it is", arguments: models)
  func sierra(model: Model) async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, model.sim)
    let file = try await bench.sample("sierra-mc7304", version: "05.05.66.00")
    let update = try await run(bench, url, "update", file, "--experimental", "--yes")
    #expect(update.code == 5, "\(update.out)")
    #expect(update.trouble == "plan.wrong-vendor")
    let trouble = update.report["trouble"] as? [String: Any]
    #expect((trouble?["summary"] as? String)?.contains("Sierra") == true)
    try await bench.unplug(stick)
  }

  @Test("that a ZTE's page does not do begins at the ports to which the page leads")
  func ports() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, "zte-mf667")
    let explained = try await run(bench, url, "zte", "service-on")
    #expect(explained.code == 130 && explained.report["undo"] as? String == "service-off")
    #expect(try await run(bench, url, "zte", "autorun-off", "--yes").trouble == "usage.bad-target")
    #expect(try await run(bench, url, "zte", "service-on", "--yes").code == 0)
    try await stick.line("ports") { $0.hasPrefix("published \(bench.port) ") }
    #expect(try await bench.version() == "BD_O2MF667V1.0.0B03")
    let back = try await bench.run("zte", "service-off", "--yes")
    #expect(back.code == 0, "\(back.out)")
    try await bench.unplug(stick)
    let (other, page) = try await plug(bench, "alcatel-l800")
    #expect(try await run(bench, page, "zte", "service-on", "--yes").trouble == "webui.unknown")
    try await bench.unplug(other)
  }

  @Test("keeps profiles: they go back only with the owner's leave") func profiles() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, "zte-mf667")
    let saved = "\(bench.folder)/saved.json"
    #expect(try await run(bench, url, "backup", "-o", saved).code == 0)
    #expect(try await run(bench, url, "restore", saved).code == 0)
    let text = try String(contentsOfFile: saved, encoding: .utf8)
    try text.replacing("\"internet\"", with: "\"other\"")
      .write(toFile: saved, atomically: true, encoding: .utf8)
    let refused = try await run(bench, url, "restore", saved)
    #expect(refused.code == 5 && refused.trouble == "plan.experimental")
    let written = try await run(bench, url, "restore", saved, "--experimental")
    #expect(written.code == 0, "\(written.out)")
    let now = "\(bench.folder)/now.json"
    _ = try await run(bench, url, "backup", "-o", now)
    #expect(try String(contentsOfFile: now, encoding: .utf8).contains("\"other\""))
    try await bench.unplug(stick)
  }
}
