import Foundation
import Testing

@Suite("Serial sticks of ZTE, Alcatel and others", .serialized) struct DiagFaceTests {
  private func plug(_ bench: Bench, _ model: String, _ more: String...) async throws -> Child {
    let child = try Child(["sim", model, "--link", bench.port, "--speed", "40"] + more)
    try await child.line("port") { $0.hasPrefix("published \(bench.port) ") }
    return child
  }

  private func object(_ path: String) throws -> [String: Any] {
    let data = try #require(FileManager.default.contents(atPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test("A ZTE stick is asked, saved over AT and DIAG, and gets its settings back")
  func zte() async throws {
    let bench = try Bench()
    let stick = try await plug(bench, "zte-mf667-serial")
    let info = try await bench.run("info")
    #expect(info.code == 0, "\(info.err)")
    #expect(info.report["vendor"] as? String == "zte")
    #expect(info.report["sim"] as? String == "READY")
    #expect((info.report["sim_lock"] as? [String: Any])?["tries_left"] as? Int == 5)
    let saved = "\(bench.folder)/saved.json"
    let diag = "\(bench.port).0"
    let backup = try await bench.run("backup", "--diag-port", diag, "-o", saved)
    #expect(backup.code == 0, "\(backup.out) \(backup.err)")
    let told = try #require(backup.report["diag"] as? [String: Any])
    #expect(told["chip"] as? String == "MDM8200" && told["items"] as? Int == 3)
    #expect((backup.report["left_out"] as? [String])?.isEmpty == true)
    let copy = try object("\(saved).diag")
    let names = (copy["items"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
    #expect(names == ["mode preference", "band preference", "IMEI"])
    #expect((copy["files"] as? [[String: Any]])?.count ?? 0 > 3)
    let kept = try object(saved)
    #expect(kept["identity"] as? String == copy["identity"] as? String)
    #expect((kept["diagItems"] as? [String: String])?.keys.sorted() == ["10", "441"])
    let text = try String(contentsOfFile: saved, encoding: .utf8)
    #expect(!text.contains(Bench.imei))
    _ = try await bench.run("at", "AT+CGDCONT=1,\"IP\",\"lost\"")
    _ = try await bench.run("at", "AT+ZSNT=1,0,2", "--yes")
    let restored = try await bench.run("restore", saved, "--diag-port", diag)
    #expect(restored.code == 0, "\(restored.out) \(restored.err)")
    let profiles = try await bench.run("at", "AT+CGDCONT?")
    #expect(profiles.out.contains("internet") && !profiles.out.contains("lost"))
    #expect(try await bench.run("at", "AT+ZSNT?").out.contains("0,0,0"))
    try await bench.unplug(stick)
  }

  @Test("Settings go back over DIAG after they were shown and agreed to; identity never does")
  func restore() async throws {
    let bench = try Bench()
    let stick = try await plug(bench, "qualcomm-nand")
    let saved = "\(bench.folder)/saved.json"
    let diag = "\(bench.port).0"
    let backup = try await Child(
      ["backup", "--diag-port", diag, "--state-dir", bench.state, "--json", "-o", saved]
    ).end()
    #expect(backup.code == 0, "\(backup.out) \(backup.err)")
    #expect((backup.report["left_out"] as? [String])?.count == 1)
    let text = try String(contentsOfFile: saved, encoding: .utf8)
    let other = String(repeating: "09", count: 128)
    let same = String(repeating: "04", count: 128)
    try text.replacing(same, with: other)
      .replacing("\"10\" :", with: "\"550\" : \"\(other)\",\n\"10\" :")
      .write(toFile: saved, atomically: true, encoding: .utf8)
    func restore(_ more: String...) async throws -> Child.Seen {
      try await Child(["restore", saved, "--diag-port", diag, "--json"] + more).end()
    }
    let shown = try await restore()
    #expect(shown.code == 10, "\(shown.out) \(shown.err)")
    let plan = try #require(shown.objects.first { $0["event"] as? String == "restore-plan" })
    #expect((plan["diag"] as? [[String: Any]])?.first?["item"] as? Int == 10)
    #expect((plan["never_written"] as? [String])?.first?.contains("550 (IMEI)") == true)
    #expect((shown.report["diag_restored"] as? [Int])?.isEmpty == true)
    let written = try await restore("--yes")
    #expect(written.report["diag_restored"] as? [Int] == [10])
    #expect((written.report["not_restored"] as? [String])?.count == 1)
    let foreign = try String(contentsOfFile: saved, encoding: .utf8)
      .replacing(#/"identity" : "[0-9a-f]{4}/#, with: "\"identity\" : \"ffff")
    try foreign.write(toFile: saved, atomically: true, encoding: .utf8)
    let refused = try await restore("--yes")
    #expect(refused.code == 5 && refused.trouble == "diag.foreign-backup", "\(refused.out)")
    try await bench.unplug(stick)
  }

  @Test(
    "A stick of which only the diagnostic port answers is told by it", arguments: 0..<3)
  func only(way: Int) async throws {
    let bench = try Bench()
    let stick = try await plug(bench, "qualcomm-nand")
    let diag = "\(bench.port).0"
    let ports = [
      ["--diag-port", diag], ["--port", diag], ["--port", bench.port, "--diag-port", diag],
    ]
    let info = try await Child(["info", "--json"] + ports[way]).end()
    #expect(info.code == 0, "\(info.out) \(info.err)")
    #expect(info.report["mode"] as? String == "diagnostic")
    #expect(info.report["model"] as? String == "MF667")
    #expect(info.report["chipset"] as? String == "Qualcomm MDM8200")
    #expect(info.report["build"] as? String == "BD_SIMV1.0.0B01")
    #expect((info.report["imei"] as? String)?.hasPrefix("****") == true)
    try await bench.unplug(stick)
  }

  @Test("An Alcatel stick is asked, saved and restored; its lock takes no code here")
  func alcatel() async throws {
    let bench = try Bench()
    let stick = try await plug(bench, "alcatel-x220")
    let info = try await bench.run("info")
    #expect(info.report["vendor"] as? String == "alcatel")
    #expect(info.report["way"] as? String == "vendor-program")
    let saved = "\(bench.folder)/saved.json"
    let backup = try await bench.run("backup", "-o", saved)
    #expect(backup.code == 0, "\(backup.out) \(backup.err)")
    #expect((backup.report["left_out"] as? [String])?.count == 1)
    _ = try await bench.run("at", "AT+SYSSEL=,2,0")
    #expect(try await bench.run("restore", saved).code == 0)
    #expect(try await bench.run("at", "AT+SYSSEL?").out.contains("0,0,0,0"))
    let lock = try await bench.run("unlock", "--show")
    #expect(lock.code == 0 && lock.report["verdict"] as? String == "open", "\(lock.out)")
    let code = try await bench.run("unlock", "--code", "12345678")
    #expect(code.trouble == "unlock.wrong-vendor")
    try await bench.unplug(stick)
  }

  @Test("A ZTE stick's lock is shown, and no code is ever sent to it")
  func unlock() async throws {
    let bench = try Bench()
    let stick = try await plug(
      bench, "zte-mf667-serial", "--locked", "--unlock-code", "12345678")
    let shown = try await bench.run("unlock", "--show")
    #expect(shown.report["verdict"] as? String == "still-locked", "\(shown.out)")
    let before = try #require(shown.report["before"] as? [String: Any])
    #expect(before["tries_left"] as? Int == 5 && before["wrong_codes"] is NSNull)
    let asked = try await bench.run(
      "unlock", "--code", "12345678", "--yes", "--this-stick-is-mine")
    #expect(asked.trouble == "unlock.wrong-vendor", "\(asked.out)")
    #expect(try await bench.run("info").report["sim"] as? String != "READY")
    try await bench.unplug(stick)
  }
}
