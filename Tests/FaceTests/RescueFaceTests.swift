import Foundation
import Testing

@Suite("A rescue over a PTY", .serialized) struct RescueFaceTests {
  /// A loader for a simulated stick.
  private func loader(_ bench: Bench, _ kind: String, _ model: String) async throws -> String {
    let path = "\(bench.folder)/\(kind).usb"
    let made = try await Child.run(
      "image", "build-sample", "--model", model, "--loader", kind, "-o", path)
    try #require(made.code == 0, "\(made.err)")
    return path
  }

  @Test(
    "of a bricked stick ends with updated; the owner's loader file stays as it is",
    arguments: [("huawei-e3276", "21.263.99.00.78"), ("huawei-e3372h", "21.200.99.00.00")])
  func updated(model: String, version: String) async throws {
    let bench = try Bench()
    let stock = try await loader(bench, "stock", model)
    let before = FileManager.default.contents(atPath: stock)
    let file = try await bench.sample(model, version: version, kib: 128)
    let stick = try await bench.plug(model, "--bricked")
    let info = try await bench.run("info").report
    #expect(info["mode"] as? String == "boot-rom")
    #expect((info["way_advice"] as? String)?.contains("modemsmith rescue --loader") == true)

    let rescue = try await bench.run("rescue", "--loader", stock, file, "--yes")
    #expect(rescue.code == 0, "\(rescue.out.suffix(2000)) \(rescue.err)")
    #expect(rescue.objects.count == rescue.lines.count, "every line is an object")
    let report = rescue.report
    #expect(report["event"] as? String == "report")
    #expect(report["verdict"] as? String == "updated")
    #expect(report["after"] as? String == version)
    #expect(report["loader_verdict"] as? String == "patchable")
    #expect(report["trouble"] is NSNull)
    #expect(FileManager.default.contents(atPath: stock) == before)
    #expect(try await bench.version() == version)
    let imei = try await bench.run("at", "AT+CGSN", "--show-identity")
    #expect(imei.report["lines"] as? [String] == [Bench.imei], "nothing was erased")
    try await bench.compareFlash(with: file)
    try await bench.unplug(stick)
  }

  @Test("refuses a loader that is not proven harmless, and sends nothing") func unproven()
    async throws
  {
    let bench = try Bench()
    let unknown = try await loader(bench, "unknown", "huawei-e3276")
    let file = try await bench.sample("huawei-e3276", version: "21.263.99.00.78")
    let stick = try await bench.plug("huawei-e3276", "--bricked")
    let rescue = try await bench.run("rescue", "--loader", unknown, file, "--yes")
    #expect(rescue.code == 5)
    #expect(rescue.trouble == "rescue.unproven-loader")
    // A rule that waives listed files only waives no other.
    let forced = try await bench.run(
      "rescue", "--loader", unknown, file, "--yes", "--force", "unproven-loader")
    #expect(forced.trouble == "rescue.unproven-loader")
    #expect(try String(contentsOfFile: bench.log, encoding: .utf8).isEmpty)
    try await bench.unplug(stick)
  }

  @Test("without firmware leaves the stick waiting, and a rescue later goes on") func waiting()
    async throws
  {
    let bench = try Bench()
    let safe = try await loader(bench, "safe", "huawei-e3276")
    let file = try await bench.sample("huawei-e3276", version: "21.263.99.00.78", kib: 64)
    let stick = try await bench.plug("huawei-e3276", "--bricked")
    let rescue = try await bench.run("rescue", "--loader", safe, "--yes")
    #expect(rescue.code == 0, "\(rescue.out.suffix(2000))")
    #expect(rescue.report["mode"] as? String == "download")
    #expect(rescue.report["loader_answers"] as? Bool == true)
    let later = try await bench.run("rescue", "--loader", safe, file, "--yes")
    #expect(later.report["verdict"] as? String == "updated", "\(later.out.suffix(2000))")
    let needless = try await bench.run("rescue", "--loader", safe, file, "--yes")
    #expect(needless.code == 3)
    #expect(needless.trouble == "rescue.not-needed")
    let history = try await Child(["history", "--state-dir", bench.state, "--json"]).end()
    let rescues = history.objects.filter { $0["event"] as? String == "rescue-history" }
    #expect(rescues.count == 2, "\(history.out)")
    #expect(rescues.allSatisfy { $0["loader_answers"] as? Bool == true })
    try await bench.unplug(stick)
  }

  @Test("survives the plug being pulled in the middle of the loader") func pulled() async throws {
    let bench = try Bench()
    let safe = try await loader(bench, "safe", "huawei-e3372h")
    let file = try await bench.sample("huawei-e3372h", version: "21.200.99.00.00", kib: 64)
    let first = try await bench.plug("huawei-e3372h", "--bricked")
    let rescue = try bench.start(["rescue", "--loader", safe, file, "--yes"])
    try await rescue.line("upload") { $0.contains("\"phase\":\"enter\"") }
    try await bench.unplug(first)
    let ended = try await rescue.end()
    #expect([4, 8, 9].contains(ended.code ?? -1), "\(ended.out.suffix(1000))")
    let second = try await bench.plug("huawei-e3372h")
    let again = try await bench.run("rescue", "--loader", safe, file, "--yes")
    #expect(again.report["verdict"] as? String == "updated", "\(again.out.suffix(2000))")
    try await bench.unplug(second)
  }

  @Test("begins when the owner types the word that is asked for") func typed() async throws {
    let bench = try Bench()
    let safe = try await loader(bench, "safe", "huawei-e3276")
    let file = try await bench.sample("huawei-e3276", version: "21.263.99.00.78", kib: 32)
    let stick = try await bench.plug("huawei-e3276", "--bricked")
    for (answer, code) in [("no\n", Int32(130)), ("b710s0\n", 0)] {
      let terminal = try Terminal()
      let rescue = try Child(
        [
          "rescue", "--loader", safe, file, "--port", bench.port, "--state-dir", bench.state,
        ], input: terminal.side)
      try await rescue.wait("question") { $0.err.contains("Type B710S0") ? true : nil }
      try terminal.type(answer)
      let ended = try await rescue.end()
      #expect(ended.code == code, "\(answer): \(ended.err.suffix(1500)) \(ended.out)")
    }
    try await bench.unplug(stick)
  }

  @Test("--watch finds a boot ROM, says what comes next, and goes on with a loader")
  func watch() async throws {
    let bench = try Bench()
    let safe = try await loader(bench, "safe", "huawei-e3372h")
    let stick = try await bench.plug("huawei-e3372h", "--boot-pin")
    let watch = try await bench.run("rescue", "--watch")
    #expect(watch.code == 0, "\(watch.out)")
    #expect(watch.report["mode"] as? String == "boot-rom")
    #expect(watch.out.contains("tweezers"))
    let rescue = try await bench.run("rescue", "--watch", "--loader", safe, "--yes")
    #expect(rescue.report["mode"] as? String == "download", "\(rescue.out.suffix(2000))")
    try await bench.unplug(stick)
  }

  @Test("needs a loader, and a loader that is one") func usage() async throws {
    let bench = try Bench()
    #expect(try await bench.run("rescue").trouble == "usage.no-loader")
    let html = try bench.file("page.html", Data("<html><body>not found</body></html>".utf8))
    let page = try await bench.run("rescue", "--loader", html, "--yes")
    #expect(page.code == 6)
    #expect(page.trouble == "file.web-page")
    let file = try await bench.sample(kib: 64)
    #expect(
      try await bench.run("rescue", "--loader", file, "--yes").trouble == "loader.not-a-loader")
  }

  @Test("image show tells the parts of a loader and the verdict on it") func shown() async throws {
    let bench = try Bench()
    for (kind, verdict) in [("stock", "patchable"), ("safe", "safe"), ("unknown", "unproven")] {
      let path = try await loader(bench, kind, "huawei-e3372h")
      let shown = try await Child.run("image", "show", path, "--json")
      #expect(shown.code == 0)
      #expect(shown.report["verdict"] as? String == verdict)
      #expect(shown.report["chip"] as? String == "Balong V7R11")
      #expect((shown.report["parts"] as? [Any])?.count == 2)
      #expect(try await Child.run("image", "show", path).out.contains("verdict"))
    }
  }
}
