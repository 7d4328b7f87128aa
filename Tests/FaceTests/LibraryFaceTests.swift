import Foundation
import Testing

/// Numbers that the same seed gives in every run.
private struct Dice {
  var state: UInt64
  mutating func roll(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(truncatingIfNeeded: state >> 33) % max(1, bound)
  }
}

@Suite("The library", .serialized) struct LibraryFaceTests {
  private func library(_ bench: Bench, _ arguments: String...) async throws -> Child.Seen {
    try await Child(["library"] + arguments + ["--data-dir", "\(bench.folder)/data", "--json"])
      .end()
  }

  private func files(_ bench: Bench, _ count: Int, kib: Int = 64) async throws -> String {
    let folder = "\(bench.folder)/files"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let one = try await bench.sample(kib: kib)
    for index in 0..<count {
      // Bytes after the program are another file for the library, and the same firmware.
      var data = Data(String(format: "MZ padding before the package %06d", index).utf8)
      data.append(try Data(contentsOf: URL(fileURLWithPath: one)))
      try data.write(to: URL(fileURLWithPath: "\(folder)/\(index).exe"))
    }
    return folder
  }

  @Test("loses nothing and keeps nothing half when it is killed at any moment") func killed()
    async throws
  {
    // SMITH_KILLS=1000 is the promise; the everyday number keeps the suite short.
    let environment = ProcessInfo.processInfo.environment
    let rounds = environment["SMITH_KILLS"].flatMap { Int($0) } ?? 12
    let seed = environment["SMITH_SEED"].flatMap { UInt64($0) } ?? 20_261_121
    // Most of a round is waiting for processes to start, so two libraries are tormented at once.
    try await withThrowingTaskGroup { group in
      for lane in 0..<2 {
        group.addTask { try await kill(rounds / 2, seed: seed &+ UInt64(lane)) }
      }
      try await group.waitForAll()
    }
  }

  private func kill(_ rounds: Int, seed: UInt64) async throws {
    var dice = Dice(state: seed)
    let bench = try Bench()
    let count = 24
    let folder = try await files(bench, count, kib: 16)
    var promised: Set<String> = []
    for round in 0..<rounds {
      if round.isMultiple(of: 6) {
        promised = []
        try? FileManager.default.removeItem(atPath: "\(bench.folder)/data")
      }
      let copies = dice.roll(2) == 0 ? ["--copy"] : []
      let lines = dice.roll(8)
      let child = try Child(
        ["library", "add", folder, "--data-dir", "\(bench.folder)/data", "--json"] + copies)
      // After so many lines and a seeded number of spins: anywhere in a file's work.
      _ = try? await child.wait("line \(lines)") { $0.lines.count >= lines ? true : nil }
      for _ in 0..<dice.roll(100_000) { _ = child.seen.code }
      child.signal(SIGKILL)
      let seen = try await child.end()
      for object in seen.objects where object["event"] as? String == "added" {
        promised.insert(try #require(object["sha256"] as? String))
      }
      let listed = try await library(bench, "list")
      let at = "seed \(seed), round \(round)"
      #expect(listed.code == 0, "\(at): \(listed.out) \(listed.err)")
      let sums = Set(listed.objects.compactMap { $0["sha256"] as? String })
      #expect(promised.isSubset(of: sums), "\(at)")
      for object in listed.objects {
        #expect((object["images"] as? [Any])?.count == 1, "\(at)")
        #expect((object["places"] as? [Any])?.isEmpty == false, "\(at)")
      }
      // Sums and SQLite's own check of what six kills left, before it is thrown away.
      guard round % 6 == 5 || round == rounds - 1 else { continue }
      let verified = try await library(bench, "verify")
      #expect(verified.code == 0, "\(at): \(verified.out)")
    }
    let last = try await library(bench, "add", folder)
    #expect(last.code == 0)
    #expect(try await library(bench, "list").lines.count == count)
  }

  @Test("is filled by two processes at once, and stopped by Ctrl-C") func together() async throws {
    let bench = try Bench()
    let folder = try await files(bench, 30)
    let arguments = ["library", "add", folder, "--data-dir", "\(bench.folder)/data", "--json"]
    let children = try [Child(arguments), Child(arguments)]
    var added = 0
    for child in children {
      let seen = try await child.end()
      #expect(seen.code == 0, "\(seen.err)")
      added += try #require(seen.report["added"] as? Int)
    }
    #expect(added == 30)
    try FileManager.default.removeItem(atPath: "\(bench.folder)/data")
    let stopped = try Child(arguments)
    try await stopped.line("first file") { $0.contains("\"added\"") }
    stopped.signal(SIGINT)
    let seen = try await stopped.end()
    #expect([0, 130].contains(seen.code))
    #expect(try await library(bench, "add", folder).code == 0)
    #expect(try await library(bench, "list").lines.count == 30)
  }

  @Test("finds what fits the stick, and a bad mark stops the update") func fitting() async throws {
    let bench = try Bench()
    let new = try await bench.sample(version: "21.157.99.00.00")
    let other = try await bench.sample("huawei-e3372h", version: "21.180.99.00.00")
    #expect(try await library(bench, "add", new, other, "--from", "test").code == 0)
    #expect(try await library(bench, "find", "21.157").lines.count == 1)
    let nothing = try await library(bench, "find")
    #expect(nothing.trouble == "usage.nothing-to-find")
    let stick = try await bench.plug()
    let found = try await library(bench, "find", "--for-device", "--port", bench.port)
    #expect(found.code == 0, "\(found.out) \(found.err)")
    #expect(found.lines.count == 1)
    #expect((found.report["fit"] as? [String: Any])?["answer"] as? String == "fits")

    let data = ["--data-dir", "\(bench.folder)/data"]
    let sum = try #require(found.report["sha256"] as? String)
    let planned = try await bench.start(["plan", new] + data).end()
    #expect(planned.code == 0, "\(planned.out)")
    #expect(try await library(bench, "mark", sum, "--bad", "bricks").code == 0)
    for command in [["plan", new], ["update", new, "--yes"]] {
      let refused = try await bench.start(command + data).end()
      #expect(refused.code == 5)
      #expect(refused.trouble == "library.known-bad")
    }
    #expect(try !bench.wasTouched())
    let advised = try await bench.start(["advise", new] + data).end()
    #expect(advised.report["answer"] as? String == "do-not")
    #expect(try await library(bench, "mark", sum, "--good").code == 0)
    let better = try await bench.start(["advise", new, "--complaint", "drops"] + data).end()
    #expect(better.report["answer"] as? String == "update", "\(better.out)")
    let left = try await bench.run("advise")
    #expect(left.code == 0)
    #expect(left.report["answer"] as? String == "leave-it")
    let unknown = try await bench.run("advise", "--complaint", "colour")
    #expect(unknown.trouble == "usage.unknown-complaint")
    try await bench.unplug(stick)
  }

  @Test("shows what trusted catalogues know beside its own files") func offers() async throws {
    let bench = try Bench()
    let file = try await bench.sample(version: "21.157.99.00.00")
    #expect(try await library(bench, "add", file, "--from", "their drawer").code == 0)
    let (key, catalogue) = ("\(bench.folder)/my.key", "\(bench.folder)/all.json")
    #expect(try await library(bench, "key", key).code == 0)
    #expect(try await library(bench, "export", catalogue, "--sign", key).code == 0)
    let theirs = try Bench()
    #expect(try await library(theirs, "import", catalogue, "--key", key + ".pub").code == 0)
    let stick = try await theirs.plug()
    let arguments = [["21.157"], ["--for-device", "--port", theirs.port]]
    for words in arguments {
      let found = try await Child(
        ["library", "find"] + words + ["--data-dir", "\(theirs.folder)/data", "--json"]
      ).end()
      #expect(found.code == 0, "\(found.out) \(found.err)")
      #expect(found.report["event"] as? String == "offer", "\(found.out)")
      #expect(found.report["provenance"] as? String == "their drawer")
      #expect(found.report["trusted"] as? Bool == true)
    }
    let plain = try await Child(
      ["library", "find", "21.157", "--data-dir", "\(theirs.folder)/data"]
    ).end()
    #expect(plain.out.contains("you do not have these files"), "\(plain.out)")
    try await theirs.unplug(stick)
  }

  @Test("gives a signed catalogue and a cabinet to another owner") func exchange() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    #expect(try await library(bench, "add", file).code == 0)
    let key = "\(bench.folder)/my.key"
    #expect(try await library(bench, "key", key).code == 0)
    let catalogue = "\(bench.folder)/all.json"
    #expect(try await library(bench, "export", catalogue, "--sign", key).code == 0)
    let cab = "\(bench.folder)/one.cab"
    #expect(try await library(bench, "export", cab, "--cab", "1").code == 0)
    let theirs = try Bench()
    let untrusted = try await library(theirs, "import", catalogue)
    #expect(untrusted.code == 5)
    #expect(untrusted.trouble == "catalogue.untrusted")
    let taken = try await library(theirs, "import", catalogue, "--key", key + ".pub")
    #expect(taken.code == 0, "\(taken.out)")
    #expect(taken.report["entries"] as? Int == 1)
    #expect(try await library(theirs, "import", cab).code == 0)
    #expect(try await library(theirs, "list").lines.count == 1)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: catalogue))
    bytes[20] ^= 1
    try bytes.write(to: URL(fileURLWithPath: catalogue))
    let tampered = try await library(theirs, "import", catalogue)
    #expect(tampered.code == 6)
    #expect(tampered.trouble == "catalogue.bad-signature")
  }

  @Test("says what became of a damaged database, and repairs it when told to") func damaged()
    async throws
  {
    let bench = try Bench()
    let file = try await bench.sample()
    #expect(try await library(bench, "add", file).code == 0)
    let database = "\(bench.folder)/data/library.sqlite"
    try Data().write(to: URL(fileURLWithPath: database))
    let refused = try await library(bench, "add", file)
    #expect(refused.code == 6)
    #expect(refused.trouble == "library.corrupt")
    #expect(FileManager.default.contents(atPath: database) == Data())
    let repaired = try await library(bench, "repair")
    #expect(repaired.code == 10)
    let aside = try #require(repaired.report["set_aside"] as? String)
    #expect(FileManager.default.fileExists(atPath: aside))
    #expect(try await library(bench, "add", file).code == 0)
  }
}

@Suite("History and settings", .serialized) struct HistoryFaceTests {
  @Test("keep every update with its phases, and foretell the next one") func history() async throws
  {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let before = try await bench.run("plan", file)
    let updated = try await bench.run("update", file, "--yes")
    #expect(updated.code == 0, "\(updated.out) \(updated.err)")
    let listed = try await Child(["history", "--state-dir", bench.state, "--json"]).end()
    #expect(listed.lines.count == 1, "\(listed.out)")
    #expect(listed.report["verdict"] as? String == "updated")
    #expect(listed.report["model"] as? String == "E3131")
    let shown = try await Child(["history", "show", "1", "--state-dir", bench.state, "--json"])
      .end()
    let phases = (shown.report["phases"] as? [[String: Any]])?.compactMap { $0["phase"] as? String }
    #expect(phases?.contains("write") == true, "\(shown.out)")
    #expect(phases?.first == "identify")
    let none = try await Child(["history", "show", "9", "--state-dir", bench.state, "--json"]).end()
    #expect(none.trouble == "history.not-found")
    let other = try await bench.sample(version: "21.157.98.00.00")
    let after = try await bench.run("plan", other, "--allow-downgrade")
    let guessed = before.report["expected_seconds"] as? Double
    let measured = after.report["expected_seconds"] as? Double
    #expect(guessed != nil && measured != nil && guessed != measured, "\(before.out) \(after.out)")
    try await bench.unplug(stick)
  }

  @Test("know the usual APN of the SIM's network where there is no backup") func defaultAPN()
    async throws
  {
    let database = "/usr/share/mobile-broadband-provider-info/serviceproviders.xml"
    let bench = try Bench()
    let stick = try await bench.plug()
    let without = try await bench.run("restore")
    #expect(without.trouble == "usage.no-backup")
    let both = try await bench.run("restore", "x.json", "--default-apn")
    #expect(both.trouble == "usage.backup-or-default")
    let restored = try await bench.run("restore", "--default-apn")
    if FileManager.default.fileExists(atPath: database) {
      #expect(restored.code == 0, "\(restored.out) \(restored.err)")
      let apn = try #require(restored.report["apn"] as? String)
      let profiles = try await bench.run("at", "AT+CGDCONT?")
      #expect(profiles.out.contains(apn), "\(profiles.out)")
      #expect(!restored.out.contains("262011234567890"))
      let wrong = try await bench.run("restore", "--default-apn", "--apn", "none.example")
      #expect(wrong.trouble == "restore.no-such-apn")
      let nowhere = try await bench.run("restore", "--default-apn", "--network-code", "99999")
      #expect(nowhere.trouble == "providers.unknown-network")
    } else {
      #expect(restored.trouble == "providers.missing")
    }
    try await bench.unplug(stick)
  }
}
