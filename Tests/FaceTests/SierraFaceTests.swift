import Foundation
import Testing

@Suite("A Sierra update over a PTY", .serialized) struct SierraFaceTests {
  private static let old = "05.05.02.00"
  private static let new = "05.05.66.00"

  private func files(_ bench: Bench, carrier: String = "GENERIC", kib: Int = 512) async throws
    -> (firmware: String, settings: String)
  {
    let (firmware, settings) = ("\(bench.folder)/f.cwe", "\(bench.folder)/c.nvu")
    let model = ["image", "build-sample", "--model", "sierra-mc7304", "--version", Self.new]
    for rest in [
      ["-o", firmware, "--size", "\(kib)"], ["--carrier", carrier, "-o", settings],
    ] {
      let made = try await Child(model + rest).end()
      try #require(made.code == 0, "\(made.err)")
    }
    return (firmware, settings)
  }

  private func revision(_ bench: Bench) async throws -> String {
    let answer = try await bench.run("at", "AT+GMR")
    return (answer.report["lines"] as? [String])?.joined() ?? ""
  }

  @Test("of firmware and settings is one job, and the stick says that it is done")
  func oneJob() async throws {
    let bench = try Bench()
    let (firmware, settings) = try await files(bench)
    let stick = try await bench.plug("sierra-mc7304")
    let update = try await bench.run("update", firmware, "--with", settings, "--yes")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.report["verdict"] as? String == "updated")
    #expect(update.report["after"] as? String == Self.new)
    #expect(update.report["trouble"] is NSNull)
    let items = Set(
      update.objects.filter { $0["event"] as? String == "progress" }
        .compactMap { $0["item"] as? String })
    #expect(items.count == 2)
    #expect(try await revision(bench).contains(Self.new))
    let again = try await bench.run("update", firmware, "--with", settings, "--yes")
    #expect(again.code == 3)
    try await bench.unplug(stick)
  }

  @Test(
    "whose plug is pulled while it writes is told truly, and a second command finishes it",
    arguments: [true, false])
  func pulled(comesBack: Bool) async throws {
    let bench = try Bench()
    let (firmware, settings) = try await files(bench, kib: 16_384)
    let stick = try await bench.plug("sierra-mc7304")
    let update = try bench.start(["update", firmware, "--with", settings, "--yes"])
    try await update.line("progress", isProgress(beyond: 10))
    try await bench.unplug(stick)
    var second: Child?
    if comesBack { second = try await bench.plug("sierra-mc7304") }
    let ended = try await update.wait("end", within: 200) { $0.isOver ? $0 : nil }
    if second == nil { second = try await bench.plug("sierra-mc7304") }
    let verdict = ended.report["verdict"] as? String
    // Nothing is written before the last piece; a stick that came back says so itself.
    #expect(verdict == (comesBack ? "failed-still-works" : "unknown"), "\(ended.out.suffix(2000))")
    #expect(ended.code == (comesBack ? 7 : 9))
    #expect(ended.out.contains("run `modemsmith update` again") == comesBack)
    let finish =
      comesBack
      ? try await bench.run("update", firmware, "--with", settings, "--yes")
      : try await bench.run("resume")
    #expect(finish.code == 0, "\(finish.out.suffix(2000)) \(finish.err)")
    #expect(finish.report["verdict"] as? String == "updated")
    #expect(try await revision(bench).contains(Self.new))
    if let second { try await bench.unplug(second) }
  }

  @Test("with the settings of another carrier is refused and nothing is sent")
  func otherCarrier() async throws {
    let bench = try Bench()
    let (firmware, settings) = try await files(bench, carrier: "TELSTRA")
    let stick = try await bench.plug("sierra-mc7304")
    let update = try await bench.run("update", firmware, "--with", settings, "--yes")
    #expect(update.code == 5, "\(update.out.suffix(2000))")
    #expect(update.trouble == "sierra.other-carrier")
    #expect(try await revision(bench).contains(Self.old))
    try await bench.unplug(stick)
  }
}
