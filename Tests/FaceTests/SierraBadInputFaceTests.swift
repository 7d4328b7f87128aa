import Foundation
import Testing

/// What an owner can hand over instead of the right file: each has its own trouble, and nothing is
/// sent to the stick.
@Suite("A bad Sierra file", .serialized) struct SierraBadInputFaceTests {
  private struct Bad: Sendable {
    var code: String
    var change: @Sendable (inout Data) -> Void

    init(code: String, _ change: @escaping @Sendable (inout Data) -> Void) {
      self.code = code
      self.change = change
    }
  }

  private static func put(_ value: UInt32, at offset: Int, in data: inout Data) {
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    data.replaceSubrange(offset..<(offset + 4), with: bytes)
  }

  /// Makes size and checksum of the outermost image right again, so that what is inside is seen.
  private static func seal(_ data: inout Data) {
    put(UInt32(data.count - 400), at: 0x114, in: &data)
    let sum = UInt32(truncatingIfNeeded: ~ArchiveFaceTests.crc32(data.dropFirst(400)))
    put(sum, at: 0x118, in: &data)
  }

  private static let all: [Bad] = [
    Bad(code: "sierra.psb-crc") { $0[3] ^= 9 },
    Bad(code: "sierra.image-crc") { $0[$0.count - 1] ^= 1 },
    Bad(code: "sierra.truncated-header") { $0 = $0.prefix(300) },
    Bad(code: "sierra.truncated-body") { $0 = $0.dropLast(10) },
    Bad(code: "sierra.child-out-of-bounds") {
      put(0x00ff_ffff, at: 400 + 0x114, in: &$0)
      seal(&$0)
    },
    Bad(code: "sierra.unknown-type") {
      $0.replaceSubrange(0x10c..<0x110, with: Data("WXYZ".utf8))
    },
    Bad(code: "sierra.zero-size") { put(0, at: 0x114, in: &$0) },
    Bad(code: "sierra.too-big") { put(0x7fff_ffff, at: 0x114, in: &$0) },
    Bad(code: "sierra.junk-after-version") { $0[0x11c + 80] = 0x41 },
    Bad(code: "sierra.old-header") { put(2, at: 0x104, in: &$0) },
    Bad(code: "sierra.trailing-garbage") { $0.append(contentsOf: [1, 2, 3]) },
    Bad(code: "sierra.child-garbage") {
      $0.append(contentsOf: [1, 2, 3])
      seal(&$0)
    },
  ]

  /// Hexadecimal of `BOOTHOLD`, which begins every update of such a stick.
  private static let door = "424f4f54484f4c44"

  private func log(_ bench: Bench) throws -> String {
    try String(contentsOfFile: bench.log, encoding: .utf8)
  }

  @Test("is named for what is wrong with it, by update, check and plan") func files() async throws {
    let bench = try Bench()
    let good = try await bench.sample("sierra-mc7304", version: "05.05.66.00", kib: 64)
    let bytes = try #require(FileManager.default.contents(atPath: good))
    let stick = try await bench.plug("sierra-mc7304")
    for (number, bad) in Self.all.enumerated() {
      var data = bytes
      bad.change(&data)
      let file = try bench.file("bad-\(number).cwe", data)
      let update = try await bench.run("update", file, "--yes")
      #expect(update.code == 6, "\(bad.code): \(update.out)")
      #expect(update.trouble == bad.code, "\(bad.code): \(update.out)")
      #expect(update.report["verdict"] as? String == "unchanged")
      let checked = try await Child.run("image", "check", file, "--json")
      #expect(checked.code == 6, "\(bad.code): \(checked.out)")
    }
    // Not even asked who it is: the file comes first.
    #expect(try log(bench).isEmpty)
    try await bench.unplug(stick)
  }

  @Test("for another generation, vendor or loader is refused after the stick was only asked")
  func others() async throws {
    let bench = try Bench()
    let firmware = try await bench.sample("sierra-mc7304", version: "05.05.66.00", kib: 64)
    let foreign = try await bench.sample(
      "sierra-mc7455", version: "05.05.66.00", kib: 64, "--carrier", "GENERIC")
    let newer = try await bench.sample("sierra-mc7455", version: "02.33.03.00", kib: 64)
    let early = try await bench.sample("sierra-mc8790", version: "9_0_0_1", kib: 64)
    let huawei = try await bench.sample()
    let stick = try await bench.plug("sierra-mc7304")
    let cases: [([String], String)] = [
      ([firmware, "--with", foreign], "sierra.nvu-other-generation"),
      ([foreign], "sierra.nvu-other-generation"),
      ([newer], "sierra.other-family"), ([early], "sierra.other-family"),
      ([huawei], "plan.wrong-vendor"),
    ]
    for (files, code) in cases {
      let update = try await bench.start(["update"] + files + ["--yes"]).end()
      #expect(update.code == 5, "\(code): \(update.out)")
      #expect(update.trouble == code, "\(update.out)")
      let plan = try await bench.start(["plan"] + files).end()
      #expect(plan.code == 5 && plan.trouble == code, "\(plan.out)")
      let fit = plan.objects.first { $0["event"] as? String == "fit" }?["fit"] as? [String: Any]
      #expect(fit?["answer"] as? String == "does-not-fit", "\(plan.out)")
    }
    #expect(try !log(bench).contains(Self.door))
    try await bench.unplug(stick)
  }

  @Test("A 3G stick takes its application image as an experiment, over its own loader")
  func early() async throws {
    let bench = try Bench()
    let file = try await bench.sample("sierra-mc8790", version: "9_0_0_1", kib: 64)
    let other = try await bench.sample("sierra-mc7304", version: "05.05.66.00", kib: 64)
    let stick = try await bench.plug("sierra-mc8790")
    let refused = try await bench.run("update", file, "--yes")
    #expect(refused.code == 5 && refused.trouble == "plan.experimental", "\(refused.out)")
    let package = try await bench.run("update", other, "--yes", "--experimental")
    #expect(package.code == 5 && package.trouble == "sierra.hip-loader", "\(package.out)")
    #expect(try !log(bench).contains(Self.door))
    let plan = try await bench.run("plan", file, "--experimental")
    #expect((plan.report["inferences"] as? [Any])?.count == 4, "\(plan.out)")
    let update = try await bench.run("update", file, "--yes", "--experimental")
    #expect(update.code == 0, "\(update.out.suffix(2000)) \(update.err)")
    #expect(update.report["after"] as? String == "9.0.0.1")
    let answer = try await bench.run("at", "AT+GMR")
    #expect(answer.out.contains("K9_0_0_1AP"), "\(answer.out)")
    try await bench.unplug(stick)
  }

  @Test("A carrier file shows the settings that are inside") func inside() async throws {
    let bench = try Bench()
    let file = try await bench.sample(
      "sierra-mc7304", version: "05.05.66.00", kib: 64, "--carrier", "TELSTRA")
    let shown = try await Child.run("image", "show", file)
    #expect(shown.code == 0, "\(shown.err)")
    #expect(shown.out.contains("variable CARRIER_NAME"), "\(shown.out)")
    #expect(shown.out.contains("\"TELSTRA\""), "\(shown.out)")
    #expect(shown.out.contains("NV item 4397"), "\(shown.out)")
    let told = try await Child.run("image", "show", file, "--json")
    #expect(told.out.contains("CARRIER_NAME"), "\(told.out)")
  }
}
