import Foundation
import Testing

@Suite("Unlock over a PTY", .serialized) struct UnlockFaceTests {
  @Test("shows the lock first, makes one attempt for one word, and journals it") func oneAttempt()
    async throws
  {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e3131", "--locked")
    let asked = try await bench.run("unlock")
    #expect(asked.code == 5)
    #expect(asked.trouble == "unlock.not-confirmed")
    #expect(asked.objects.first?["event"] as? String == "lock")
    #expect(try await bench.run("unlock", "--yes").trouble == "unlock.not-confirmed")

    let one = try await bench.run("unlock", "--yes", "--this-stick-is-mine")
    #expect(one.code == 7, "\(one.out)")
    #expect(one.report["verdict"] as? String == "still-locked")
    #expect((one.report["attempts"] as? [Any])?.count == 1)
    let after = one.report["after"] as? [String: Any]
    #expect(after?["tries_left"] as? Int == 9)
    let path = try #require(one.report["journal"] as? String)
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("\"attempting\""))

    let history = try await Child.run("history", "--state-dir", bench.state, "--json")
    #expect(history.objects.compactMap { $0["attempts"] as? Int } == [1])
    try await bench.unplug(stick)
    // The counter outlives the power.
    let again = try await bench.plug("huawei-e3131", "--locked")
    let shown = try await bench.run("unlock", "--show")
    #expect(shown.code == 0)
    #expect((shown.report["after"] as? [String: Any])?["tries_left"] as? Int == 9)
    let info = try await bench.run("info")
    #expect((info.report["sim_lock"] as? [String: Any])?["wrong_codes"] as? Int == 1)
    try await bench.unplug(again)
  }

  @Test("stops at three tries, whatever its owner agrees to", arguments: [10, 4, 3, 1, 0])
  func tries(left: Int) async throws {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e3131", "--locked", "--tries", "\(left)")
    let shown = try await bench.run("unlock", "--show")
    #expect((shown.report["after"] as? [String: Any])?["tries_left"] as? Int == left)
    let ended = try await bench.run("unlock", "--yes", "--this-stick-is-mine")
    #expect(ended.code == (left > 3 ? 7 : 5), "\(ended.out)")
    let wanted = left == 0 ? "unlock.blocked" : left <= 4 ? "unlock.few-tries" : nil
    #expect(ended.trouble == wanted)
    let after = ended.report["after"] as? [String: Any]
    #expect(after?["tries_left"] as? Int == (left > 3 ? left - 1 : left))
    try await bench.unplug(stick)
  }

  @Test("goes from a HiLink page to a port and back, one attempt for one word") func hiLink()
    async throws
  {
    let bench = try Bench()
    let stick = try Child([
      "sim", "huawei-e3372h-hilink", "--http", "127.0.0.1:0", "--link", bench.port, "--speed",
      "40", "--locked", "--unlock-code", "12345678", "--tries", "5",
    ])
    let line = try await stick.line("page") { $0.hasPrefix("published http") }
    let url = String(line.split(separator: " ")[1])
    // The page alone will do for looking.
    let shown = try await Child.run(
      "unlock", "--show", "--web", url, "--state-dir", bench.state, "--json")
    #expect((shown.report["after"] as? [String: Any])?["tries_left"] as? Int == 5)
    let advice = try await Child.run("advise", "--web", url, "--json")
    #expect(advice.code == 0, "\(advice.err)")
    let wrong = try await bench.run(
      "unlock", "--code", "87654321", "--yes", "--this-stick-is-mine", "--web", url)
    #expect(wrong.code == 7, "\(wrong.out)")
    #expect((wrong.report["after"] as? [String: Any])?["tries_left"] as? Int == 4)
    let right = try await bench.run(
      "unlock", "--code", "12345678", "--yes", "--this-stick-is-mine", "--web", url)
    #expect(right.report["verdict"] as? String == "unlocked", "\(right.out)")
    let info = try await bench.run("info", "--web", url)
    #expect((info.report["sim_lock"] as? [String: Any])?["status"] as? String == "no-code-needed")
    #expect(info.report["chipset"] as? String == "Balong V7R11")
    try await bench.unplug(stick)
  }

  @Test("takes the code that its owner has, and shows codes to the owner alone") func ownersCode()
    async throws
  {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e3372h", "--locked", "--unlock-code", "12345678")
    #expect(try await bench.run("unlock", "--show-codes").trouble == "unlock.not-confirmed")
    let shown = try await bench.run("unlock", "--show-codes", "--this-stick-is-mine")
    #expect((shown.report["codes"] as? [String: Any])?.count == 4)
    for wrong in [["--code", "1234"], ["--code-version", "v3"], ["--stop-at", "11"]] {
      let refused = try await bench.start(["unlock"] + wrong).end()
      #expect(refused.code == 2)
      #expect(refused.trouble == "unlock.bad-request")
    }
    let code = try await bench.run(
      "unlock", "--code", "12345678", "--yes", "--this-stick-is-mine")
    #expect(code.code == 0, "\(code.out)")
    #expect(code.report["verdict"] as? String == "unlocked")
    #expect(!code.out.contains("12345678"))
    #expect(try await bench.run("unlock").code == 3)
    try await bench.unplug(stick)
  }

  @Test("is not gone around by `at`: codes and one-way commands need --yes") func oneWay()
    async throws
  {
    let bench = try Bench()
    let stick = try await bench.plug("huawei-e3131", "--locked")
    for command in ["AT^CARDLOCK=\"12345678\"", "at ^ godload", "AT^NVBACKUP", "AT+CPIN=\"1234\""] {
      let ended = try await bench.run("at", command)
      #expect(ended.code == 5, "\(command)")
      #expect(ended.trouble == "at.needs-confirmation", "\(command)")
    }
    #expect(!(try bench.wasTouched()))
    let sent = try await bench.run("at", "AT^CARDLOCK=\"12345678\"", "--yes")
    #expect(sent.report["ok"] as? Bool == false)
    let lock = try await bench.run("at", "AT^CARDLOCK?")
    #expect((lock.report["lines"] as? [String])?.first == "^CARDLOCK: 1,9,0")
    #expect(try await bench.run("at", "AT^CIMEI=1", "--yes").trouble == "at.refused-by-guard")
    try await bench.unplug(stick)
  }
}
