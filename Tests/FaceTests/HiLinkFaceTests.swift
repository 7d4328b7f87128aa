import Foundation
import Testing

@Suite("HiLink from the command line") struct HiLinkFaceTests {
  /// A simulated stick and the address of its page.
  private func plug(_ bench: Bench, _ model: String = "huawei-e3372h-hilink") async throws
    -> (child: Child, url: String)
  {
    let child = try Child([
      "sim", model, "--http", "127.0.0.1:0", "--link", bench.port, "--speed", "40",
    ])
    let line = try await child.line("page") { $0.hasPrefix("published http") }
    return (child, String(line.split(separator: " ")[1]))
  }

  private func run(_ bench: Bench, _ url: String, _ arguments: String...) async throws -> Child.Seen
  {
    try await Child(arguments + ["--web", url, "--state-dir", bench.state, "--json"]).end()
  }

  @Test("info tells who the stick is, its identity masked") func info() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let seen = try await run(bench, url, "info")
    #expect(seen.code == 0, "\(seen.err)")
    #expect(seen.report["model"] as? String == "E3372")
    #expect(seen.report["mode"] as? String == "hilink")
    #expect(seen.report["world"] as? String == "balong-hilink")
    #expect(seen.report["imei"] as? String == "***********0000")
    #expect(!seen.out.contains(Bench.imei))
    #expect(seen.report["web_interface"] as? String == "WEBUI_17.100.20.02.74_HILINK")
    let plain = try await Child(["info", "--web", url]).end()
    #expect(plain.out.contains("E3372") && !plain.out.contains(Bench.imei))
    try await bench.unplug(stick)
  }

  @Test("backup and restore keep the profiles; another stick's backup is refused")
  func restore() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let saved = "\(bench.folder)/saved.json"
    let backup = try await run(bench, url, "backup", "-o", saved)
    #expect(backup.code == 0, "\(backup.err)")
    let text = try String(contentsOfFile: saved, encoding: .utf8)
    #expect(text.contains("my.apn") && !text.contains("secret") && !text.contains(Bench.imei))
    let same = try await run(bench, url, "restore", saved)
    #expect(same.code == 0)
    #expect((same.report["not_restored"] as? [String])?.isEmpty == true)
    let foreign = text.replacing(#/"identity" : "[0-9a-f]{4}/#, with: "\"identity\" : \"ffff")
    try foreign.write(toFile: saved, atomically: true, encoding: .utf8)
    let other = try await run(bench, url, "restore", saved)
    #expect(other.code == 5)
    #expect(other.trouble == "restore.other-unit")
    try await bench.unplug(stick)
  }

  @Test("hilink serial brings a port that answers, hilink back the page") func there() async throws
  {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let serial = try await run(bench, url, "hilink", "serial", "--port", bench.port)
    #expect(serial.code == 0, "\(serial.out) \(serial.err)")
    #expect((serial.report["port"] as? String)?.hasSuffix("/stick") == true)
    let gone = try await run(bench, url, "info")
    #expect(gone.code == 4)
    #expect(gone.trouble == "web.absent")
    let revision = try await Child(["at", "AT+CGMR", "--port", bench.port, "--json"]).end()
    #expect(revision.out.contains("22.329.63.00.74"))
    let back = try await run(bench, url, "hilink", "back", "--port", bench.port)
    #expect(back.code == 0, "\(back.out) \(back.err)")
    #expect(try await run(bench, url, "info").code == 0)
    try await bench.unplug(stick)
  }

  @Test("hilink debug keeps the page, and back ends it over the page") func debug() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let debug = try await run(bench, url, "hilink", "debug", "--port", bench.port)
    #expect(debug.code == 0, "\(debug.out) \(debug.err)")
    #expect(try await run(bench, url, "info").code == 0)
    let back = try await run(bench, url, "hilink", "back")
    #expect(back.code == 0, "\(back.out) \(back.err)")
    #expect(!FileManager.default.fileExists(atPath: bench.port))
    try await bench.unplug(stick)
  }

  @Test("A stick that knows no way says what each came to") func noWay() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, "huawei-e5573")
    let seen = try await run(
      bench, url, "hilink", "serial", "--port", bench.port, "--wait", "1")
    #expect(seen.code == 5)
    #expect(seen.trouble == "hilink.no-switch")
    let guarded = try await run(bench, url, "backup")
    #expect(guarded.trouble == "hilink.login-needed")
    let allowed = try await Child(
      ["info", "--web", url, "--web-user", "admin", "--json"],
      environment: ["MODEMSMITH_WEB_PASSWORD": "simulated"]
    ).end()
    #expect(allowed.report["imei"] as? String == "***********0000")
    try await bench.unplug(stick)
  }

  @Test("A port that nobody sees and a page that stays away are no successes") func honest()
    async throws
  {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let blind = try await run(
      bench, url, "hilink", "serial", "--port", "\(bench.folder)/none", "--wait", "2")
    #expect(blind.code == 9)
    #expect(blind.trouble == "hilink.no-port")
    let back = try await run(
      bench, url, "hilink", "back", "--port", bench.port, "--wait", "0")
    #expect(back.code == 9)
    #expect(back.trouble == "hilink.not-back")
    try await bench.unplug(stick)
  }

  @Test("Addresses that are none and a missing password are usage") func usage() async throws {
    let bench = try Bench()
    let bad = try await run(bench, "https://192.168.8.1", "info")
    #expect(bad.trouble == "web.broken")
    let missing = try await Child(
      ["info", "--web", "127.0.0.1:9", "--web-user", "admin", "--json"]
    ).end()
    #expect(missing.code == 2)
    #expect(missing.trouble == "usage.bad-target")
  }

  @Test("update goes from the page to download mode and back, and history remembers")
  func update() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let file = try await bench.sample("huawei-e3372h", version: "22.333.63.00.74", kib: 64)
    let plan = try await run(bench, url, "update", file, "--dry-run", "--port", bench.port)
    #expect(plan.code == 0, "\(plan.out) \(plan.err)")
    #expect(plan.report["before"] as? String == "22.329.63.00.74")
    let seen = try await run(bench, url, "update", file, "--yes", "--port", bench.port)
    #expect(seen.code == 0, "\(seen.out) \(seen.err)")
    #expect(seen.report["verdict"] as? String == "updated")
    #expect(seen.report["after"] as? String == "22.333.63.00.74")
    #expect(!seen.out.contains(Bench.imei))
    let info = try await run(bench, url, "info")
    #expect(info.report["firmware"] as? String == "22.333.63.00.74")
    let again = try await run(bench, url, "update", file, "--yes", "--port", bench.port)
    #expect(again.code == 3, "\(again.out)")
    let history = try await Child(["history", "--state-dir", bench.state, "--json"]).end()
    #expect(history.out.contains("22.333.63.00.74"))
    try await bench.unplug(stick)
  }

  @Test("resume finds the page by itself after the host died in the middle") func resumed()
    async throws
  {
    let bench = try Bench()
    let (stick, url) = try await plug(bench)
    let file = try await bench.sample("huawei-e3372h", version: "22.333.63.00.74", kib: 4096)
    let begun = try Child([
      "update", file, "--yes", "--web", url, "--port", bench.port, "--state-dir", bench.state,
      "--json",
    ])
    try await begun.line("writing") { $0.contains("\"write\"") }
    begun.signal(SIGKILL)
    _ = try await begun.end()
    let seen = try await Child(["resume", "--state-dir", bench.state, "--json"]).end()
    #expect(seen.code == 0, "\(seen.out) \(seen.err)")
    #expect(seen.report["verdict"] as? String == "updated")
    try await bench.unplug(stick)
  }

  @Test("The newer login works with a password out of a file; a wrong one is told")
  func newerLogin() async throws {
    let bench = try Bench()
    let (stick, url) = try await plug(bench, "huawei-e3372h-320")
    let right = try bench.file("right", Data("simulated\n".utf8))
    let wrong = try bench.file("wrong", Data("nonsense\n".utf8))
    let seen = try await run(bench, url, "info", "--web-password-file", right)
    #expect(seen.report["imei"] as? String == "***********0000", "\(seen.out) \(seen.err)")
    let refused = try await run(bench, url, "info", "--web-password-file", wrong)
    #expect(refused.trouble == "hilink.login-refused")
    #expect(!refused.out.contains("nonsense") && !refused.err.contains("nonsense"))
    let none = try await run(bench, url, "info", "--web-password-file", "\(bench.folder)/none")
    #expect(none.trouble == "usage.bad-secret")
    try await bench.unplug(stick)
  }

  @Test("pin shows the tries, and one attempt is made for one word") func pin() async throws {
    let bench = try Bench()
    let child = try Child([
      "sim", "huawei-e3372h-hilink", "--http", "127.0.0.1:0", "--link", bench.port, "--speed",
      "40", "--pin", "4711",
    ])
    let line = try await child.line("page") { $0.hasPrefix("published http") }
    let url = String(line.split(separator: " ")[1])
    let shown = try await run(bench, url, "pin")
    #expect(shown.report["needs"] as? String == "pin")
    #expect(shown.report["tries_left"] as? Int == 3)
    let pin = try bench.file("pin", Data("1234".utf8))
    let unasked = try await run(bench, url, "pin", "--enter", "--pin-file", pin)
    #expect(unasked.trouble == "consent.missing")
    let wrong = try await run(bench, url, "pin", "--enter", "--yes", "--pin-file", pin)
    #expect(wrong.trouble == "pin.wrong", "\(wrong.out) \(wrong.err)")
    #expect(!wrong.out.contains("1234"))
    let right = try await Child(
      ["pin", "--enter", "--yes", "--web", url, "--json"],
      environment: ["MODEMSMITH_SIM_PIN": "4711"]
    ).end()
    #expect(right.code == 0, "\(right.out) \(right.err)")
    #expect(right.report["needs"] as? String == "nothing")
    #expect(!right.out.contains("4711") && !right.err.contains("4711"))
    try await bench.unplug(child)
  }
}
