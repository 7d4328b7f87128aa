import Foundation
import Testing

@Suite("An update over a PTY", .serialized) struct UpdateFaceTests {
  @Test(
    "ends with the stick saying so, and its flash holding exactly the file's items",
    arguments: [
      ("huawei-e3131", "21.157.37.00.00", [], []),
      (
        "huawei-e3372h", "21.200.99.00.00", ["--signed", "--strict"], ["--signed", "--compressed"]
      ),
      ("huawei-e3276", "21.263.99.00.78", [], ["--exe"]),
    ])
  func endToEnd(model: String, version: String, stick: [String], kind: [String]) async throws {
    let bench = try Bench()
    let file = "\(bench.folder)/fresh.bin"
    let made = try await Child(
      ["image", "build-sample", "--model", model, "--version", version, "-o", file] + kind
    ).end()
    try #require(made.code == 0, "\(made.err)")
    let sim = try Child(
      [
        "sim", model, "--link", bench.port, "--speed", "40", "--flash", bench.flash, "--log",
        bench.log,
      ] + stick)
    try await sim.line("port") { $0.hasPrefix("published \(bench.port)") }

    let update = try await bench.run("update", file, "--yes")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.objects.count == update.lines.count, "every line is an object")
    let percents = update.objects.filter { $0["event"] as? String == "progress" }
      .compactMap { $0["percent"] as? Double }
    #expect(percents.count > 3)
    #expect(percents == percents.sorted())
    #expect(percents.last == 100)
    let report = update.report
    #expect(report["event"] as? String == "report")
    #expect(report["verdict"] as? String == "updated")
    #expect(report["after"] as? String == version)
    #expect(report["trouble"] is NSNull)
    let device = try #require(report["device"] as? [String: Any])
    #expect(device["vendor"] as? String == "huawei")
    for key in ["before", "bytes", "seconds", "journal", "backup"] {
      #expect(report[key] != nil && !(report[key] is NSNull), "\(key)")
    }
    #expect(try await bench.version() == version)
    try await bench.compareFlash(with: file)

    let again = try await bench.run("update", file, "--yes")
    #expect(again.code == 3)
    #expect(again.report["verdict"] as? String == "unchanged")
  }

  @Test("that is killed in the middle of the write is finished by resume") func killed()
    async throws
  {
    let (bench, _, stick, update) = try await Bench.writing(kib: 4096)
    update.signal(SIGKILL)
    #expect(try await update.end().code == 128 + SIGKILL)
    #expect(!(try bench.journal().contains("\"ended\"")))

    let interrupted = try await Child.run("history", "--state-dir", bench.state)
    #expect(interrupted.out.contains("interrupted"))
    // It waits in download mode, where it cannot be asked who it is.
    let named = ["resume", "--state-dir", bench.state, "--json", "--imei-ends"]
    let other = try await Child(named + ["4321"]).end()
    #expect(other.code == 3)
    #expect(other.trouble == "resume.nothing")
    #expect(try await bench.run("resume", "--imei-ends", "0000").trouble == "usage.bad-target")
    let resume = try await Child(named + ["640000"]).end()
    #expect(resume.code == 0, "\(resume.out.suffix(2000)) \(resume.err)")
    #expect(resume.report["verdict"] as? String == "updated")
    #expect(try await bench.version() == "21.157.37.00.00")
    let history = try await Child.run("history", "--state-dir", bench.state, "--json")
    #expect(history.objects.map { $0["verdict"] as? String } == ["updated"])
    #expect(try await bench.run("resume").trouble == "resume.nothing")
    try await bench.unplug(stick)
  }

  @Test("goes on to its end when Ctrl-C comes while it writes, and says why") func interrupted()
    async throws
  {
    let (bench, _, stick, update) = try await Bench.writing(kib: 2048)
    update.signal(SIGINT)
    let ended = try await update.end()
    #expect(ended.code == 0, "\(ended.out.suffix(2000))")
    #expect(ended.report["verdict"] as? String == "updated")
    #expect(ended.out.contains("Writing has begun"))
    try await bench.unplug(stick)
  }

  @Test("stops at Ctrl-C while it asks, and nothing was sent", arguments: [SIGINT, SIGTERM])
  func stopped(signal: Int32) async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let terminal = try Terminal()
    let update = try Child(
      ["update", file, "--port", bench.port, "--state-dir", bench.state], input: terminal.side)
    try await update.wait("question") { $0.err.contains("Type E3131") ? true : nil }
    update.signal(signal)
    let ended = try await update.end()
    #expect(ended.code == 130, "\(ended.err)")
    #expect(ended.err.contains("update.cancelled"))
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }

  @Test("begins when the owner types the model, and not when something else is typed")
  func typed() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    for (answer, code) in [("no\n", Int32(130)), ("e3131\n", 0)] {
      let terminal = try Terminal()
      let update = try Child(
        ["update", file, "--port", bench.port, "--state-dir", bench.state], input: terminal.side)
      try await update.wait("question") { $0.err.contains("Type E3131") ? true : nil }
      #expect(!(try bench.wasTouched()))
      try terminal.type(answer)
      let ended = try await update.end()
      #expect(ended.code == code, "\(answer): \(ended.err)")
      #expect(ended.err.contains("consent.missing") == (code == 130))
    }
    try await bench.unplug(stick)
  }

  @Test("needs --yes where nobody can be asked") func unattended() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let update = try await bench.run("update", file)
    #expect(update.code == 5)
    #expect(update.trouble == "consent.missing")
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }

  @Test("is the only one on its stick: a second one is refused and the first finishes")
  func second() async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 4096)
    let stick = try await bench.plug()
    let first = try bench.start(["update", file, "--yes"])
    try await first.line("progress", isProgress(beyond: 10))
    let sameOwner = try bench.start(["update", file, "--yes"])
    let otherOwner = try bench.start(
      ["update", file, "--yes"], state: "\(bench.folder)/state-of-another")
    let curious = try bench.start(["info"])
    let locked = try await sameOwner.end()
    #expect(locked.code == 5, "\(locked.out)")
    #expect(locked.trouble == "lock.held")
    // Where /run/lock cannot be written the port's own lock refuses it.
    let other = try await otherOwner.end()
    #expect(other.code == 5, "\(other.out)")
    #expect(other.trouble == "lock.held" || other.trouble == "port.busy")
    let busy = try await curious.end()
    #expect(busy.code == 5, "\(busy.out)")
    #expect(busy.trouble == "port.busy")
    let ended = try await first.end()
    #expect(ended.code == 0, "\(ended.out.suffix(2000))")
    #expect(ended.report["verdict"] as? String == "updated")
    try await bench.unplug(stick)
  }

  @Test("is not hindered by the lock of an owner that was killed") func deadOwner() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let terminal = try Terminal()
    let asking = try Child(
      ["update", file, "--port", bench.port, "--state-dir", bench.state], input: terminal.side)
    try await asking.wait("question") { $0.err.contains("Type E3131") ? true : nil }
    #expect(try await bench.run("update", file, "--yes").trouble == "lock.held")
    asking.signal(SIGKILL)
    _ = try await asking.end()
    #expect(try await bench.run("update", file, "--yes").code == 0)
    try await bench.unplug(stick)
  }
}

/// A terminal whose one side is a child's standard input.
final class Terminal: Sendable {
  /// For the child.
  let side: FileHandle
  /// For us.
  let main: FileHandle

  init(columns: UInt16 = 80) throws {
    var (master, slave): (Int32, Int32) = (-1, -1)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    guard unsafe openpty(&master, &slave, nil, nil, &size) == 0 else {
      throw POSIXError(.ENOTTY)
    }
    for end in [master, slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    main = FileHandle(fileDescriptor: master, closeOnDealloc: true)
    side = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
  }

  func type(_ text: String) throws {
    try main.write(contentsOf: Data(text.utf8))
  }
}
