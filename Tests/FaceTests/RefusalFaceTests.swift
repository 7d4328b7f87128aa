import Foundation
import Testing

@Suite("A refusal", .serialized) struct RefusalFaceTests {
  @Test("of a file that is no firmware names its kind, and nothing is sent") func badFiles()
    async throws
  {
    let bench = try Bench()
    let good = try await bench.sample()
    let data = try #require(FileManager.default.contents(atPath: good))
    var sierra = Data(count: 400 + 4096)
    sierra.replaceSubrange(
      0x104..<0x110, with: Data([0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff]) + Data("SPKG".utf8))
    let page = "<!DOCTYPE html><html><body>404 Not Found</body></html>"
    let files = [
      (try bench.file("empty.bin", Data()), "file.empty", Int32(6)),
      (try bench.file("blank.bin", Data(repeating: 0xff, count: 65536)), "file.blank", 6),
      (try bench.file("page.bin", Data(page.utf8)), "file.web-page", 6),
      (try bench.file("cut.bin", data.prefix(data.count / 2)), "balong.truncated", 6),
      (try bench.file("sierra.cwe", sierra), "sierra.not-an-image", 6),
      (
        try await bench.sample("sierra-mc7304", version: "05.05.66.00"), "plan.wrong-vendor", 5
      ),
      (
        try await bench.sample("huawei-e3372h", version: "21.999.01.00.00"), "plan.wrong-product",
        5
      ),
      ("\(bench.folder)/nowhere", "file.unreadable", 6),
    ]
    let stick = try await bench.plug()
    for (file, code, exit) in files {
      let update = try await bench.run("update", file, "--yes")
      #expect(update.code == exit, "\(file): \(update.out)")
      #expect(update.trouble == code, "\(file): \(update.out)")
      #expect(update.report["event"] as? String == "report", "\(file): \(update.out)")
      #expect(update.report["verdict"] as? String == "unchanged")
    }
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }

  @Test("of wrong usage ends with 2 and says how it is done right") func usage() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let cases: [([String], String)] = [
      (["update", file, "--port", bench.port, "--yes", "--force", "chip"], "usage.unknown-rule"),
      (["info", "--download-port", "/dev/null"], "usage.bad-target"),
      (["update"], "usage.bad-target"),
      (["rehearse", file, "--model", "huawei-e9999"], "usage.unknown-model"),
      (["sim", "huawei-e9999", "--link", bench.port], "usage.unknown-model"),
      (["sim", "--usbip", "127.0.0.1:0", "huawei-e9999"], "usage.unknown-model"),
      (["sim", "--usbip", "127.0.0.1:0", "huawei-e3131", "--disc", "often"], "usage.sim"),
    ]
    for (arguments, code) in cases {
      let ended = try await Child(arguments).end()
      #expect(ended.code == 2, "\(arguments): \(ended.err)")
      #expect(ended.err.contains("[\(code)]"), "\(arguments): \(ended.err)")
      #expect(ended.err.contains("next:"))
    }
    let wrong = [
      ["image", "show"], ["frobnicate"], ["info", "--port"], ["update", file, "--nope"],
    ]
    for arguments in wrong {
      let ended = try await Child(arguments).end()
      #expect(ended.code == 2, "\(arguments)")
      #expect(ended.err.contains("Usage:"))
      let told = try await Child(arguments + ["--json"]).end()
      #expect(told.out.contains("usage.arguments"), "\(arguments): \(told.out)")
    }
  }

  @Test(
    "of a machine without a virtual host controller ends with 5",
    .disabled(if: FileManager.default.fileExists(atPath: "/sys/devices/platform/vhci_hcd.0")))
  func noHostController() async throws {
    let arguments = ["sim", "--usbip", "127.0.0.1:0", "--attach", "huawei-e3131"]
    let ended = try await Child(arguments).end()
    #expect(ended.code == 5, "\(ended.err)")
    let code = "sim.no-host-controller"
    #expect(ended.err.contains("[\(code)]"), "\(ended.err)")
  }

  @Test("of a port that is not there ends with 4") func noPort() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    for arguments in [["info"], ["at", "ATI"], ["plan", file], ["update", file, "--yes"]] {
      let ended = try await Child(
        arguments + ["--port", bench.port, "--json"],
        environment: [
          "XDG_STATE_HOME": bench.state
        ]
      ).end()
      #expect(ended.code == 4, "\(arguments): \(ended.out)")
      #expect(ended.trouble == "port.not-found", "\(arguments): \(ended.out)")
    }
  }

  @Test("of a file in the port's place ends with 4 and names the port") func noTerminal()
    async throws
  {
    let bench = try Bench()
    let file = try bench.file("stick", Data("no port".utf8))
    let ended = try await bench.run("info")
    #expect(ended.code == 4, "\(ended.out)")
    #expect(ended.trouble == "port.broken", "\(ended.out)")
    #expect(FileManager.default.contents(atPath: file) == Data("no port".utf8))
  }

  @Test("of a state directory that cannot be written comes before anything is sent")
  func stateDirectory() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let update = try bench.start(["update", file, "--yes"], state: "\(file)/state")
    let ended = try await update.end()
    #expect(ended.code == 5)
    #expect(ended.trouble == "journal.not-writable")
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }

  @Test("of a journal that cannot be read names it, and a torn last line is no such thing")
  func corruptJournal() async throws {
    let bench = try Bench()
    let folder = "\(bench.state)/journals"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let journal = URL(fileURLWithPath: "\(folder)/20260101T000000Z.jsonl")
    try Data("{\"planned\":rubbish}\n{\"entering\":{}}\n".utf8).write(to: journal)
    let resume = try await bench.run("resume")
    #expect(resume.code == 1)
    #expect(resume.trouble == "journal.corrupt")
    #expect(resume.out.contains(journal.lastPathComponent))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder)
        == ["\(journal.lastPathComponent).corrupt"], "kept under another name")
    let history = try await Child.run("history", "--state-dir", bench.state)
    #expect(history.code == 0)
    #expect(history.err.contains("unreadable"))
    #expect(try await bench.run("resume").trouble == "resume.nothing")
    try Data("{\"planned\":{\"_0\":{\"ba".utf8).write(to: journal)
    #expect(try await bench.run("resume").trouble == "resume.nothing")
  }

  @Test("of resume where nothing was interrupted ends with 3") func nothingToResume() async throws {
    let resume = try await Bench().run("resume")
    #expect(resume.code == 3)
    #expect(resume.trouble == "resume.nothing")
  }

  @Test("of AT commands that write identity data has no exception") func guarded() async throws {
    let bench = try Bench()
    let stick = try await bench.plug()
    for command in ["AT+EGMR=1,7,\"004999010640018\"", "at + egmr = 1", "ATI;+EGMR=1,7,\"1\""] {
      let ended = try await bench.run("at", command)
      #expect(ended.code == 5, "\(command): \(ended.out)")
      #expect(ended.trouble == "at.refused-by-guard", "\(command): \(ended.out)")
    }
    #expect(!(try String(contentsOfFile: bench.log, encoding: .utf8).contains("EGMR")))
    try await bench.unplug(stick)
  }

  @Test("of unpacking over files that exist leaves them as they are") func unpackTwice()
    async throws
  {
    let bench = try Bench()
    let file = try await bench.sample()
    let folder = "\(bench.folder)/items"
    #expect(try await Child.run("image", "unpack", file, "-o", folder).code == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let first = "\(folder)/\(try #require(names.first))"
    try Data("mine".utf8).write(to: URL(fileURLWithPath: first))
    let again = try await Child.run("image", "unpack", file, "-o", folder, "--json")
    #expect(again.code == 2)
    #expect(again.trouble == "file.not-writable")
    #expect(FileManager.default.contents(atPath: first) == Data("mine".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == names)
  }
}
