import Foundation
import Testing

@Suite("A Qualcomm-era Huawei stick over a PTY", .serialized) struct QualcommFaceTests {
  private func package(_ bench: Bench, _ options: String...) async throws -> String {
    let path = "\(bench.folder)/\(UUID().uuidString.prefix(8)).bin"
    let made = try await Child(
      [
        "image", "build-sample", "--model", "huawei-e1550", "--version", "11.609.99.00.00",
        "--size", "64", "-o", path,
      ] + options
    ).end()
    try #require(made.code == 0, "\(made.err)")
    return path
  }

  @Test("is known, planned as far as is known, and left as it was") func whole() async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e1550")
    let info = try await bench.run("info")
    #expect(info.report["world"] as? String == "qualcomm")
    #expect(info.report["evidence"] as? String == "simulator")
    #expect(info.report["chipset"] as? String == "Qualcomm MSM6246")
    let file = try await package(bench)
    let refused = try await bench.run("plan", file)
    #expect(refused.code == 5 && refused.trouble == "plan.experimental")
    let plan = try await bench.run("plan", file, "--experimental")
    #expect(plan.code == 0, "\(plan.out)")
    #expect(
      (plan.report["steps"] as? [[String: Any]])?.compactMap { $0["mark"] as? String }
        == ["C", "C", "C", "C", "C", "D"])
    #expect((plan.report["knowledge_ends"] as? String)?.contains("41") == true)
    #expect((plan.report["items"] as? [Any])?.isEmpty == true)
    #expect(plan.report["evidence"] as? String == "simulator")
    let log = try String(contentsOfFile: bench.log, encoding: .utf8)
    #expect(!log.contains("\"hex\":\"7e3aa16e7e\""))

    let update = try await bench.run("update", file, "--experimental", "--yes")
    #expect(update.code == 5, "\(update.out) \(update.err)")
    #expect(update.report["verdict"] as? String == "unchanged")
    #expect(update.trouble == "huawei.knowledge-ends")
    #expect(update.report["after"] as? String == "11.609.18.00.00")
    #expect(try await bench.version() == "11.609.18.00.00")
    #expect(try await bench.run("resume").trouble == "resume.nothing")
    // Frames of the capture went out, and none that begins, fills or ends an item.
    let sent = try String(contentsOfFile: bench.log, encoding: .utf8)
      .split(separator: "\n").filter { $0.contains("\"from\":\"host\"") }
    #expect(sent.contains { $0.contains("\"hex\":\"7e3aa16e7e\"") })
    for code in ["41", "42", "43"] {
      #expect(!sent.contains { $0.contains("\"hex\":\"7e\(code)") })
    }
    try await bench.unplug(stick)
  }

  @Test("shows its plan to people as numbered steps") func words() async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e1550")
    let file = try await package(bench, "--exe")
    let plan = try await Child.run(
      "plan", file, "--experimental", "--port", bench.port, "--state-dir", bench.state)
    #expect(plan.code == 0, "\(plan.err)")
    #expect(plan.err.contains("4. [C] 3A: the stick restarts into its boot loader"))
    #expect(plan.err.contains("knowledge ends here."))
    #expect(plan.err.contains("writes    nothing"))
    let shown = try await Child.run("image", "show", file)
    #expect(shown.out.contains("huawei-updater") && !shown.out.contains("checksum is right"))
    let check = try await Child.run("image", "check", file, "--json")
    #expect(check.code == 6 && check.trouble == "file.huawei-updater")
    try await bench.unplug(stick)
  }

  @Test("is rehearsed without a stick") func rehearse() async throws {
    let bench = try Bench()
    let file = try await package(bench)
    let refused = try await Child.run("rehearse", file, "--model", "huawei-e1550", "--json")
    #expect(refused.trouble == "plan.experimental")
    let done = try await Child.run(
      "rehearse", file, "--model", "huawei-e1550", "--experimental", "--json")
    #expect(done.trouble == "huawei.knowledge-ends")
    #expect(done.report["verdict"] as? String == "unchanged")
    let old = try await Child.run(
      "rehearse", try await package(bench, "--exe"), "--model", "huawei-e220", "--experimental",
      "--json")
    #expect(old.trouble == "huawei.no-capture")
  }

  @Test("is pulled out on the way, plugged in again, and runs what it ran") func pulled()
    async throws
  {
    let bench = try Bench()
    let file = try await package(bench)
    let stick = try await bench.plug("huawei-e1550")
    let update = try bench.start(["update", file, "--experimental", "--yes"])
    try await update.line("DIAG") { $0.contains("DIAG answers") }
    try await bench.unplug(stick)
    let again = try await bench.plug("huawei-e1550")
    let ended = try await update.wait("end", within: 200) { $0.isOver ? $0 : nil }
    let verdict = ended.report["verdict"] as? String ?? ""
    #expect(["unchanged", "failed-still-works"].contains(verdict), "\(ended.out)")
    #expect(ended.report["after"] as? String == "11.609.18.00.00")
    #expect(try await bench.run("resume").trouble == "resume.nothing")
    #expect(try await bench.version() == "11.609.18.00.00")
    try await bench.unplug(again)
  }

  @Test("saves what DIAG tells, and gets it back, but never identity") func diag() async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e1550")
    let diag = "\(bench.port).1"
    let path = "\(bench.folder)/backup.json"
    let saved = try await bench.run("backup", "-o", path, "--diag-port", diag)
    #expect(saved.code == 0, "\(saved.out) \(saved.err)")
    var backup = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
    var items = try #require(backup["diagItems"] as? [String: String])
    #expect(items.keys.sorted() == ["10", "441"])
    #expect((backup["settings"] as? [String: Any])?["composition"] as? Int == 255)
    items["10"] = String(repeating: "07", count: 128)
    items["550"] = String(repeating: "08", count: 128)
    backup["diagItems"] = items
    try JSONSerialization.data(withJSONObject: backup).write(to: URL(fileURLWithPath: path))
    let restored = try await bench.run("restore", path, "--diag-port", diag, "--yes")
    #expect(restored.code == 10, "\(restored.out)")
    #expect(
      restored.report["not_restored"] as? [String]
        == ["setting 550 (IMEI): identity, lock or calibration; never written"])
    #expect(restored.report["diag_restored"] as? [Int] == [10])
    try await bench.unplug(stick)
    let state = try String(contentsOfFile: "\(bench.flash)/state.json", encoding: .utf8)
    #expect(state.contains("10,[7,7,7,7"))
    #expect(!state.contains("8,8,8,8"))
  }

  @Test("keeps its AT port, whatever its owner asks for") func ports() async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e1550")
    let shown = try await bench.run("huawei", "ports")
    #expect(shown.report["command"] as? String == "AT^U2DIAG")
    #expect(shown.report["setting"] as? String == "255")
    #expect(try await bench.run("huawei", "ports", "--word", "276").trouble == "consent.missing")
    let zero = try await bench.run("huawei", "ports", "--word", "0", "--yes")
    #expect(zero.code == 5 && zero.trouble == "ports.unknown-composition")
    for list in ["A1", "A1;xyz", "1;2;3"] {
      let bad = try await bench.run("huawei", "ports", "--list", list, "--yes")
      #expect(bad.code == 2 && bad.trouble == "usage.bad-ports", "\(list)")
    }
    let lost = try await bench.run("huawei", "ports", "--list", "A1;1,3", "--yes")
    #expect(lost.code == 5 && lost.trouble == "ports.no-at-port")
    let set = try await bench.run("huawei", "ports", "--word", "276", "--yes")
    #expect(set.code == 0, "\(set.out)")
    #expect(try await bench.run("huawei", "ports", "--word", "276", "--yes").code == 3)
    #expect(try await bench.run("at", "AT^U2DIAG=0").trouble == "at.needs-confirmation")
    try await bench.unplug(stick)
    let again = try await bench.plug("huawei-e1550")
    #expect(try await bench.run("huawei", "ports").report["setting"] as? String == "276")
    try await bench.unplug(again)
  }
}

@Suite("A locked Qualcomm-era stick over a PTY", .serialized) struct QualcommUnlockFaceTests {
  private static let mine = ["--yes", "--this-stick-is-mine"]

  /// The v1 code of the simulated stick, as its owner is told it.
  private func v1(_ bench: Bench) async throws -> String {
    let shown = try await bench.run("unlock", "--show-codes", "--this-stick-is-mine")
    return try #require((shown.report["codes"] as? [String: String])?["v1"], "\(shown.out)")
  }

  @Test("takes one code for one word, and stops at three tries", arguments: [10, 4, 3, 1, 0])
  func tries(count: Int) async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e1550", "--locked", "--tries", "\(count)")
    let shown = try await bench.run("unlock", "--show")
    #expect(shown.code == 0)
    #expect((shown.report["after"] as? [String: Any])?["tries_left"] as? Int == count)
    let one = try await bench.start(["unlock"] + Self.mine).end()
    let attempts = (one.report["attempts"] as? [Any])?.count
    let left = (one.report["after"] as? [String: Any])?["tries_left"] as? Int
    switch count {
    case 10, 4:
      #expect(one.report["verdict"] as? String == "still-locked", "\(one.out)")
      #expect(attempts == 1 && left == count - 1)
      // With the fourth gone, three are left: that is the end, and the reason is named.
      #expect(one.trouble == (count == 4 ? "unlock.few-tries" : nil))
      #expect(one.code == 7, "\(one.out)")
    case 3, 1:
      #expect(one.code == 5 && one.trouble == "unlock.few-tries", "\(one.out)")
      #expect(attempts == 0 && left == count)
    default:
      #expect(one.trouble == "unlock.blocked", "\(one.out)")
      #expect(attempts == 0)
    }
    // The owner may say otherwise, but never where nothing is left.
    let code = ["--code", "12345678", "--stop-at", "0"]
    let more = try await bench.start(["unlock"] + code + Self.mine).end()
    let sent = (more.report["attempts"] as? [Any])?.count
    #expect(sent == (count == 0 ? 0 : 1), "\(more.out)")
    if count == 1 { #expect(more.report["verdict"] as? String == "blocked") }
    try await bench.unplug(stick)
  }

  @Test("opens with its calculated v1 code, for good", arguments: ["huawei-e1550", "huawei-e173"])
  func opens(model: String) async throws {
    let bench = try Bench()
    let first = try await bench.plug(model, "--locked")
    let code = try await v1(bench)
    try await bench.unplug(first)
    let stick = try await bench.plug(model, "--locked", "--unlock-code", code)
    let done = try await bench.start(["unlock"] + Self.mine).end()
    #expect(done.code == 0, "\(done.out)")
    #expect(done.report["verdict"] as? String == "unlocked")
    #expect(!done.out.contains(code))
    try await bench.unplug(stick)
    let again = try await bench.plug(model, "--locked", "--unlock-code", code)
    #expect(try await bench.run("unlock").code == 3)
    try await bench.unplug(again)
  }

  @Test("is told that an operator's build forgets, and that an E1732 has no tries")
  func operators() async throws {
    let bench = try Bench()
    let first = try await bench.plug("huawei-e1553", "--locked")
    let code = try await v1(bench)
    try await bench.unplug(first)
    let stick = try await bench.plug(
      "huawei-e1553", "--locked", "--unlock-code", code, "--unlock-forgets")
    let done = try await bench.start(["unlock"] + Self.mine).end()
    #expect(done.code == 10, "\(done.out)")
    #expect(done.out.contains("temporary on this customised build"))
    try await bench.unplug(stick)
    let again = try await bench.plug("huawei-e1553", "--locked", "--unlock-code", code)
    let locked = try await bench.run("unlock", "--show")
    #expect(locked.report["verdict"] as? String == "still-locked")
    try await bench.unplug(again)
    let other = try Bench()
    let preset = try await other.plug("huawei-e1732")
    let info = try await other.run("info")
    #expect((info.report["sim_lock"] as? [String: Any])?["tries_left"] as? Int == 0)
    #expect(try await other.start(["unlock"] + Self.mine).end().trouble == "unlock.no-code")
    try await other.unplug(preset)
  }
}
