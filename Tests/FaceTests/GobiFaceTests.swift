import Foundation
import Testing

@Suite("A Gobi 2000 update over a PTY", .serialized) struct GobiFaceTests {
  private static let old = "D3200-STSUGN-1575"
  private static let new = "D3200-STSUGN-1580"

  private func files(_ bench: Bench, kib: Int = 256) async throws -> String {
    try await bench.sample("sierra-gobi2000", version: Self.new, kib: kib)
  }

  @Test("from its loader is one command, and the modem says that it is done") func whole()
    async throws
  {
    let bench = try Bench()
    let folder = try await files(bench)
    let stick = try await bench.plug("sierra-gobi2000", "--in-loader")
    let cautious = try await bench.run("update", folder, "--yes")
    #expect(cautious.code == 5 && cautious.trouble == "plan.experimental")
    let planned = try await bench.run("plan", folder, "--experimental")
    #expect(planned.code == 0, "\(planned.out.suffix(1500))")
    #expect((planned.report["inferences"] as? [String])?.count == 4)
    let done = try await bench.run("update", folder, "--experimental", "--yes")
    #expect(done.code == 0, "\(done.out.suffix(2000)) \(done.err)")
    #expect(done.report["verdict"] as? String == "updated")
    #expect(done.report["after"] as? String == Self.new)
    let items = Set(
      done.objects.filter { $0["event"] as? String == "progress" }
        .compactMap { $0["item"] as? String })
    #expect(items == ["amss.mbn", "apps.mbn", "UQCN.mbn"])
    // It runs now: what is there already is not written again.
    let again = try await bench.run("update", folder, "--experimental", "--yes")
    #expect(again.code == 3, "\(again.out.suffix(1500))")
    try await bench.unplug(stick)
  }

  @Test("whose plug is pulled while it writes is finished by resume") func pulled() async throws {
    let bench = try Bench()
    let folder = try await files(bench, kib: 16_384)
    let stick = try await bench.plug("sierra-gobi2000", "--in-loader")
    let update = try bench.start(["update", folder, "--experimental", "--yes"])
    try await update.line("progress", isProgress(beyond: 10))
    try await bench.unplug(stick)
    let ended = try await update.wait("end", within: 200) { $0.isOver ? $0 : nil }
    #expect(ended.report["verdict"] as? String == "unknown", "\(ended.out.suffix(2000))")
    let second = try await bench.plug("sierra-gobi2000", "--in-loader")
    let finish = try await bench.run("resume")
    #expect(finish.code == 0, "\(finish.out.suffix(2000)) \(finish.err)")
    #expect(finish.report["verdict"] as? String == "updated")
    try await bench.unplug(second)
  }

  @Test("of a running modem is refused with the next step") func running() async throws {
    let bench = try Bench()
    let folder = try await files(bench)
    let stick = try await bench.plug("sierra-gobi2000")
    let refused = try await bench.run("update", folder, "--experimental", "--yes")
    #expect(refused.code == 5 && refused.trouble == "sierra.gobi-way-in")
    let answer = try await bench.run("at", "AT+GMR")
    #expect((answer.report["lines"] as? [String])?.joined().contains(Self.old) == true)
    try await bench.unplug(stick)
  }

  @Test("Its files are shown and checked, in a folder and in an archive") func shown() async throws
  {
    let bench = try Bench()
    let folder = try await files(bench)
    let shown = try await Child(["image", "show", folder]).end()
    #expect(shown.code == 0 && shown.out.contains("gobi-2000"), "\(shown.err)")
    #expect(shown.out.contains("no checksum") && shown.out.contains(Self.new))
    #expect(!shown.out.contains("checksum is right"))
    let rehearsed = try await Child([
      "rehearse", folder, "--model", "sierra-gobi2000", "--experimental", "--json",
    ]).end()
    #expect(rehearsed.code == 0, "\(rehearsed.out.suffix(900)) \(rehearsed.err)")
    let checked = try await Child(["image", "check", folder]).end()
    #expect(checked.code == 0 && checked.out.contains("valid: gobi-2000, 3 items"))
    let archive = try bench.pack(folder, as: "tar")
    let packed = try await Child(["image", "show", archive, "--json"]).end()
    let (one, other) = (
      packed.objects.last, try await Child(["image", "show", folder, "--json"]).end()
    )
    #expect(one?["format"] as? String == "gobi-2000", "\(packed.out) \(packed.err)")
    #expect(one?["sha256"] as? String == other.objects.last?["sha256"] as? String)
    try FileManager.default.removeItem(atPath: "\(folder)/apps.mbn")
    let broken = try await Child(["image", "check", folder, "--json"]).end()
    #expect(broken.code == 6 && broken.out.contains("gobi.incomplete"))
  }
}
