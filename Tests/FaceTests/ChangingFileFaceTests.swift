import Foundation
import Testing

@Suite("A file that changes under the program", .serialized) struct ChangingFileFaceTests {
  private func spoil(_ path: String) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seek(toOffset: 4096)
    try file.write(contentsOf: Data(repeating: 0xa5, count: 100_000))
    try file.truncate(atOffset: 200_000)
    try file.close()
  }

  @Test("in the middle of an update does not matter: the stick gets what was checked")
  func duringUpdate() async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 2048)
    let original = "\(bench.folder)/original.bin"
    try FileManager.default.copyItem(atPath: file, toPath: original)
    let stick = try await bench.plug()
    let update = try bench.start(["update", file, "--yes"])
    try await update.line("progress", isProgress(beyond: 10))
    try spoil(file)
    let ended = try await update.end()
    #expect(ended.code == 0, "\(ended.out.suffix(2000)) \(ended.err)")
    #expect(ended.report["verdict"] as? String == "updated")
    try await bench.compareFlash(with: original)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: bench.state).allSatisfy {
        !$0.hasPrefix("modemsmith-")
      })
    try await bench.unplug(stick)
  }

  @Test("is a trouble or good, and never a crash, when it is cut while it is looked at")
  func duringCheck() async throws {
    let bench = try Bench()
    let good = try await bench.sample(kib: 8192)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: good))
    for verb in ["check", "show"] {
      for _ in 0..<3 {
        try bytes.write(to: URL(fileURLWithPath: good))
        let child = try Child(["image", verb, good, "--json"])
        for share in [7, 5, 3, 1] {
          let file = try FileHandle(forWritingTo: URL(fileURLWithPath: good))
          try file.truncate(atOffset: UInt64(bytes.count / 8 * share))
          try file.close()
        }
        let ended = try await child.end()
        #expect(
          ended.code == 6 || ended.code == 0, "\(ended.code ?? -1): \(ended.out) \(ended.err)")
        if ended.code == 6 {
          let known = ["file.changed", "balong.truncated", "balong.folder-empty"]
          #expect(known.contains(ended.trouble ?? ""), "\(ended.out)")
        }
      }
    }
  }

  @Test("journals in the way of resume are set aside and named, and the next one is finished")
  func journals() async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 2048)
    let stick = try await bench.plug()
    let update = try bench.start(["update", file, "--yes"])
    try await update.line("progress", isProgress(beyond: 30))
    update.signal(SIGKILL)
    _ = try await update.end()
    let folder = "\(bench.state)/journals"
    let open = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
    let bad = "\(folder)/29990101T000000Z-000.jsonl"
    try Data("{\"planned\":rubbish}\n{\"entering\":{}}\n".utf8).write(to: URL(fileURLWithPath: bad))
    let named = try await bench.run("resume", "--journal", bad)
    #expect(named.trouble == "journal.corrupt")
    let resume = try await bench.run("resume")
    #expect(resume.code == 0, "\(resume.out.suffix(2000)) \(resume.err)")
    #expect(resume.report["verdict"] as? String == "updated")
    #expect((resume.report["journal"] as? String)?.hasSuffix(open) == true)
    #expect(resume.out.contains("29990101T000000Z-000.jsonl.corrupt"))
    #expect(FileManager.default.fileExists(atPath: "\(bad).corrupt"))
    try await bench.compareFlash(with: file)
    try await bench.unplug(stick)
  }
}

@Suite("Two users", .serialized) struct TwoUsersFaceTests {
  /// Whether this test may become somebody else.
  private static let canChange =
    geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")

  @Test(
    "are never at one stick at once, whoever made the lock and with which mask",
    .enabled(if: canChange))
  func locked() async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 4096)
    let stick = try await bench.plug()
    let first = try bench.start(["update", file, "--yes"])
    try await first.line("progress", isProgress(beyond: 5))
    let theirs = "\(bench.folder)/theirs"
    try FileManager.default.createDirectory(atPath: theirs, withIntermediateDirectories: true)
    #expect(unsafe chown(theirs, 65534, 65534) == 0)
    let second = try Child(
      ["update", file, "--yes", "--json", "--port", bench.port, "--state-dir", "\(theirs)/state"],
      asUser: 65534)
    let refused = try await second.end()
    #expect(refused.code == 5, "\(refused.out) \(refused.err)")
    #expect(refused.trouble == "lock.held", "\(refused.out)")
    let ended = try await first.end()
    #expect(ended.code == 0, "\(ended.out.suffix(1000))")
    try await bench.unplug(stick)
  }
}
