import Foundation
import Testing

@Suite("A Firehose update over a PTY", .serialized) struct FirehoseFaceTests {
  private static let model = "qualcomm-lte"
  private static let new = "LTE_V7.0"

  private func package(_ bench: Bench, kib: Int = 512) async throws -> String {
    try await bench.sample(Self.model, version: Self.new, kib: kib)
  }

  private func update(_ bench: Bench, _ file: String, _ more: String...) async throws -> Child.Seen
  {
    try await bench.start(
      ["update", file, "--yes", "--experimental", "--diag-port", "\(bench.port).0"] + more
    ).end()
  }

  private func revision(_ bench: Bench) async throws -> String {
    let answer = try await bench.run("at", "AT+CGMR")
    return (answer.report["lines"] as? [String])?.joined() ?? ""
  }

  @Test("goes through boot ROM and programmer, and the stick says that it is done")
  func whole() async throws {
    let bench = try Bench()
    let folder = try await package(bench)
    let stick = try await bench.plug(Self.model)
    let refused = try await bench.run("update", folder, "--yes")
    #expect(refused.code == 5 && refused.trouble == "plan.experimental", "\(refused.out)")
    let done = try await update(bench, folder)
    #expect(done.code == 0, "\(done.out.suffix(2000)) \(done.err)")
    #expect(done.report["verdict"] as? String == "updated")
    #expect(done.report["after"] as? String == Self.new)
    #expect(try await revision(bench) == Self.new)
    // Every byte is there, after the power was gone, too.
    try await bench.unplug(stick)
    let kept = try #require(FileManager.default.contents(atPath: "\(bench.flash)/storage.bin"))
    for name in ["sbl", "modem"] {
      let image = try #require(FileManager.default.contents(atPath: "\(folder)/\(name).mbn"))
      #expect(kept.range(of: image) != nil, "\(name)")
    }
  }

  @Test("whose host is killed and whose plug is pulled while it writes is finished by resume")
  func killed() async throws {
    let bench = try Bench()
    let folder = try await package(bench, kib: 12_288)
    let stick = try await bench.plug(Self.model)
    let child = try bench.start(
      ["update", folder, "--yes", "--experimental", "--diag-port", "\(bench.port).0"])
    try await child.line("progress", isProgress(beyond: 5))
    child.signal(SIGKILL)
    _ = try await child.end()
    try await bench.unplug(stick)
    let again = try await bench.plug(Self.model)
    let info = try await bench.run("info")
    #expect(info.report["serial"] as? String == "****3344", "\(info.out)")
    let resumed = try await bench.run("resume")
    #expect(resumed.code == 0, "\(resumed.out.suffix(2000)) \(resumed.err)")
    #expect(resumed.report["verdict"] as? String == "updated")
    #expect(try await revision(bench) == Self.new)
    try await bench.unplug(again)
  }

  @Test("killed at the door goes on by the diagnostic port that was named then")
  func atTheDoor() async throws {
    let bench = try Bench()
    let folder = try await package(bench)
    let stick = try await bench.plug(Self.model)
    let child = try bench.start(
      ["update", folder, "--yes", "--experimental", "--diag-port", "\(bench.port).0"])
    try await child.line("door") { $0.contains("\"phase\":\"enter\"") }
    child.signal(SIGKILL)
    _ = try await child.end()
    // Whatever of the switch arrived is forgotten with the power.
    try await bench.unplug(stick)
    let again = try await bench.plug(Self.model)
    let resumed = try await bench.run("resume")
    #expect(resumed.code == 0, "\(resumed.out.suffix(2000)) \(resumed.err)")
    #expect(try await revision(bench) == Self.new)
    try await bench.unplug(again)
  }

  @Test("of an archive is the update of the folder in it, and its parts are shown and unpacked")
  func archived() async throws {
    let bench = try Bench()
    let folder = try await package(bench)
    let archive = try bench.pack(folder, as: "tar.gz")
    for file in [folder, archive] {
      let check = try await Child(["image", "check", file, "--json"]).end()
      #expect(check.code == 0, "\(file): \(check.out) \(check.err)")
      #expect(check.report["format"] as? String == "qualcomm-rawprogram", "\(file)")
    }
    let sums = try await [folder, archive].asyncMap { file in
      let seen = try await Child(["image", "show", file, "--json"]).end()
      let shown = seen.objects.last { $0["event"] as? String == "image" }
      #expect((shown?["rawprogram"] as? [String: Any])?["storage"] as? String == "nand", "\(file)")
      return shown?["sha256"] as? String
    }
    #expect(sums[0] != nil && sums[0] == sums[1])
    let items = "\(bench.folder)/items"
    let unpacked = try await Child(["image", "unpack", archive, "-o", items]).end()
    #expect(unpacked.code == 0, "\(unpacked.err)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: items).count == 2)
    try FileManager.default.removeItem(atPath: folder)
    let stick = try await bench.plug(Self.model)
    let done = try await update(bench, archive)
    #expect(done.code == 0, "\(done.out.suffix(2000)) \(done.err)")
    try await bench.unplug(stick)
  }

  @Test("has a package of parts, each of which is shown for what it is") func parts() async throws {
    let bench = try Bench()
    let folder = try await package(bench)
    for (file, kind) in [
      ("rawprogram_nand.xml", "description"), ("patch_nand.xml", "description"),
      ("partition.mbn", "partition-table"), ("modem.mbn", "image"),
    ] {
      let shown = try await Child.run("image", "show", "\(folder)/\(file)", "--json")
      #expect(shown.code == 0 && shown.report["kind"] as? String == kind, "\(shown.out)")
      #expect(shown.report["flashable_alone"] as? Bool == false)
      let text = try await Child.run("image", "show", "\(folder)/\(file)")
      #expect(text.code == 0 && text.out.contains("what  "), "\(text.err)")
    }
    let words = try await Child.run("image", "show", "\(folder)/rawprogram_nand.xml")
    #expect(words.out.contains("modem.mbn to sector 192, modem"))
    let page = try bench.file("page.xml", Data("<?xml version=\"1.0\"?><html></html>".utf8))
    #expect(try await Child.run("image", "show", page, "--json").trouble == "file.web-page")
  }

  @Test("of a package that would write identity is refused before the stick is asked")
  func identity() async throws {
    let bench = try Bench()
    let folder = try await package(bench)
    let path = "\(folder)/rawprogram_nand.xml"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing("label=\"sbl\"", with: "label=\"0:EFS2\"").write(
      toFile: path, atomically: true, encoding: .utf8)
    let stick = try await bench.plug(Self.model)
    let refused = try await update(bench, folder)
    #expect(refused.code == 6 && refused.trouble == "rawprogram.protected")
    try await bench.unplug(stick)
  }
}

extension Array {
  fileprivate func asyncMap<Result>(_ work: (Element) async throws -> Result) async throws
    -> [Result]
  {
    var results: [Result] = []
    for element in self { results.append(try await work(element)) }
    return results
  }
}
