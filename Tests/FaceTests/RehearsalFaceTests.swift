import Foundation
import Testing

@Suite("A rehearsal", .serialized) struct RehearsalFaceTests {
  @Test(
    "goes to a stick that takes such a file and runs an older version",
    arguments: [
      ("huawei-e3372h", "21.328.03.00.00", "E3372"), ("huawei-e3131", "21.157.31.00.00", "E3131"),
      ("huawei-e3131", "21.100.02.00.00", "E3131"), ("huawei-e3276", "21.436.03.00.00", "E3276"),
      ("sierra-mc7304", "SWI9X15C_05.05.58.00", "MC7304"),
    ])
  func fitting(model: String, version: String, name: String) async throws {
    let bench = try Bench()
    let file = try await bench.sample(model, version: version, kib: 64)
    let rehearsed = try await Child.run("rehearse", file, "--json")
    // Sierra's reports end with a warning: one part cannot be compared.
    #expect([0, 10].contains(rehearsed.code), "\(rehearsed.out.suffix(900)) \(rehearsed.err)")
    #expect(rehearsed.report["verdict"] as? String == "updated")
    #expect((rehearsed.report["device"] as? [String: Any])?["model"] as? String == name)
  }

  @Test("goes to the stick that is named, and is refused like an update") func named() async throws
  {
    let bench = try Bench()
    let file = try await bench.sample("huawei-e3372h", version: "21.328.03.00.00", kib: 64)
    let other = try await Child.run("rehearse", file, "--model", "huawei-e3276", "--json")
    #expect(other.code == 5)
    #expect(other.trouble == "plan.wrong-product")
    let same = ["--firmware", "21.328.03.00.00", "--json"]
    let there = try await Child(["rehearse", file] + same).end()
    #expect(there.code == 3)
  }

  @Test("of a file that names no stick wants a model") func nameless() async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 64)
    let folder = "\(bench.folder)/items"
    #expect(try await Child.run("image", "unpack", file, "-o", folder).code == 0)
    let refused = try await Child.run("rehearse", folder, "--json")
    #expect(refused.code == 2)
    #expect(refused.trouble == "usage.unknown-model")
  }
}
