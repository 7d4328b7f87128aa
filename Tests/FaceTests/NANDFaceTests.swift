import Foundation
import Testing

@Suite("A ZTE update over PTYs", .serialized) struct NANDFaceTests {
  private static let old = "BD_O2MF667V1.0.0B03"
  private static let new = "BD_O2MF667V1.0.0B04"

  private func package(_ bench: Bench, kib: Int = 256) async throws -> String {
    try await bench.sample("zte-mf667", version: Self.new, kib: kib)
  }

  private func diag(_ bench: Bench) -> [String] { ["--diag-port", bench.port + ".0"] }

  private func update(_ file: String, _ bench: Bench) -> [String] {
    ["update", file, "--yes", "--experimental"] + diag(bench)
  }

  /// Every image of the package stands in the flash that the simulator keeps.
  private func compareFlash(_ bench: Bench, _ folder: String) throws {
    for (file, partition) in [
      ("amss.mbn", "AMSS"), ("dsp1.mbn", "DSP1"), ("dsp2.mbn", "DSP2"), ("osbl.mbn", "OSBL"),
      ("fsbl.mbn", "FSBL"),
    ] {
      let sent = try #require(FileManager.default.contents(atPath: "\(folder)/\(file)"))
      let kept = try #require(
        FileManager.default.contents(atPath: "\(bench.flash)/\(partition).bin"))
      #expect(kept.starts(with: sent), "\(partition)")
    }
    let lock = FileManager.default.contents(atPath: "\(bench.flash)/EFS2.bin")
    #expect(lock?.starts(with: Data("calibration".utf8)) == true)
  }

  @Test("from a folder is one command, and the stick says that it is done") func whole()
    async throws
  {
    let bench = try Bench()
    let folder = try await package(bench)
    let stick = try await bench.plug("zte-mf667")
    #expect(try await bench.version() == Self.old)
    let planned = try await bench.start(
      ["plan", folder, "--experimental"] + diag(bench)
    ).end()
    #expect(planned.code == 0, "\(planned.out.suffix(1500))")
    let inferences = (planned.report["inferences"] as? [String] ?? []).joined(separator: "\n")
    for word in ["3A", "boot headers", "BD_", "partition table", "ahead of", "safe order"] {
      #expect(inferences.contains(word), "\(word)")
    }
    let done = try await bench.start(update(folder, bench)).end()
    #expect(done.code == 0, "\(done.out.suffix(2500)) \(done.err)")
    #expect(done.report["verdict"] as? String == "updated")
    #expect(done.report["after"] as? String == Self.new)
    #expect(try await bench.version() == Self.new)
    let again = try await bench.start(update(folder, bench)).end()
    #expect(again.code == 3 && again.out.contains("--reinstall"))
    try await bench.unplug(stick)
    try compareFlash(bench, folder)
  }

  @Test("whose plug is pulled while it writes is finished by resume", arguments: [false, true])
  func pulled(hostDies: Bool) async throws {
    let bench = try Bench()
    let folder = try await package(bench, kib: 8192)
    let stick = try await bench.plug("zte-mf667")
    let child = try bench.start(update(folder, bench))
    try await child.line("progress", isProgress(beyond: 20))
    if hostDies { child.signal(SIGKILL) } else { try await bench.unplug(stick) }
    let ended = try await child.wait("end", within: 200) { $0.isOver ? $0 : nil }
    var second: Child?
    if !hostDies {
      #expect(ended.code == 8 || ended.code == 9, "\(ended.out.suffix(2000))")
      second = try await bench.plug("zte-mf667")
    }
    let finish = try await bench.start(["resume"]).wait("end", within: 200) {
      $0.isOver ? $0 : nil
    }
    #expect(finish.code == 0, "\(finish.out.suffix(2500)) \(finish.err)")
    #expect(finish.report["verdict"] as? String == "updated")
    #expect(try await bench.version() == Self.new)
    try await bench.unplug(second ?? stick)
    try compareFlash(bench, folder)
  }

  @Test("from a zip is found by its content, and shown, checked and unpacked") func archive()
    async throws
  {
    let bench = try Bench()
    let folder = try await package(bench, kib: 64)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let zip = try bench.file(
      "fw.zip",
      ArchiveFaceTests.zip(
        try names.sorted().map {
          ("MF667/\($0)", try #require(FileManager.default.contents(atPath: "\(folder)/\($0)")))
        }))
    let shown = try await Child.run("image", "show", zip, "--json")
    #expect(shown.code == 0, "\(shown.out.suffix(1500)) \(shown.err)")
    #expect(shown.report["format"] as? String == "qualcomm-nand")
    #expect(shown.report["products"] as? [String] == ["MDM6x00"])
    #expect((shown.report["nand"] as? [String: Any])?["model"] as? String == "MF667")
    #expect(try await Child.run("image", "check", zip, "--json").code == 0)
    #expect(try await Child.run("image", "unpack", zip, "-o", "\(bench.folder)/u").code == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bench.folder)/u").count == 5)
    let stick = try await bench.plug("zte-mf667")
    let done = try await bench.start(update(zip, bench)).end()
    #expect(done.code == 0, "\(done.out.suffix(2500)) \(done.err)")
    try await bench.unplug(stick)
  }

  @Test("Single parts are shown for what they are") func parts() async throws {
    let bench = try Bench()
    let folder = try await package(bench, kib: 64)
    for (file, kind) in [
      ("partition.mbn", "partition-table"), ("NPRG6200.hex", "loader"), ("amss.mbn", "image"),
    ] {
      let shown = try await Child.run("image", "show", "\(folder)/\(file)", "--json")
      #expect(shown.code == 0, "\(shown.err)")
      #expect(shown.report["kind"] as? String == kind)
      #expect(shown.report["flashable_alone"] as? Bool == false)
      #expect(try await Child.run("image", "show", "\(folder)/\(file)").code == 0)
    }
    #expect(try await Child.run("image", "show", folder).out.contains("MDM6x00"))
  }

  @Test("Download mode has a way in and a way back; without its port it has neither")
  func thereAndBack() async throws {
    let bench = try Bench()
    let stick = try await bench.plug("zte-mf667")
    let explained = try await bench.start(["zte", "enter-download"] + diag(bench)).end()
    #expect(explained.code == 130)
    #expect(explained.report["undo"] as? String == "leave-download")
    let nowhere = try await bench.start(["zte", "enter-download", "--yes"]).end()
    #expect(nowhere.trouble == "zte.no-diag-port", "\(nowhere.out)")
    let inside = try await bench.start(["zte", "enter-download", "--yes"] + diag(bench)).end()
    #expect(inside.code == 0, "\(inside.out) \(inside.err)")
    let back = try await bench.start(["zte", "leave-download", "--yes"] + diag(bench)).end()
    #expect(back.code == 0, "\(back.out) \(back.err)")
    #expect(try await bench.version() == Self.old)
    try await bench.unplug(stick)
  }

  @Test("A Balong package offered to a ZTE is refused in words") func balong() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug("zte-mf667")
    let refused = try await bench.run("update", file, "--yes")
    #expect(refused.code == 5)
    #expect(refused.trouble == "plan.wrong-vendor")
    try await bench.unplug(stick)
  }
}
