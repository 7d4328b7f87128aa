import Foundation
import Testing

@Suite("The agent over a PTY", .serialized) struct AgentFaceTests {
  /// A library with one file, and a policy that gives it to sticks of one model.
  private func policy(
    _ bench: Bench, _ file: String, model: String = "E3131", version: String = "21.157.37.00.00",
    head: String = ""
  ) async throws -> String {
    let added = try await Child(
      ["library", "add", file, "--data-dir", "\(bench.folder)/data", "--json"]
    ).end()
    try #require([0, 3, 10].contains(added.code), "\(added.out) \(added.err)")
    let show = try await Child.run("image", "show", file, "--json")
    let sum = try #require(show.report["sha256"] as? String, "\(show.out)")
    return try bench.file(
      "policy.json5",
      Data(
        """
        { modemsmith: 'fleet-policy/1', name: 'bench', \(head) // a test
          rules: [{ name: 'all', sticks: { model: '\(model)' },
                    image: { sha256: '\(sum)', version: '\(version)' } }] }
        """.utf8))
  }

  private func agent(_ bench: Bench, _ policy: String, _ more: String...) async throws
    -> Child.Seen
  {
    try await Child(
      [
        "agent", "--once", "--policy", policy, "--port", bench.port, "--state-dir", bench.state,
        "--data-dir", "\(bench.folder)/data",
      ] + more
    ).end()
  }

  @Test("says what it would do, does it, and has nothing to do then") func wholeLife() async throws
  {
    let bench = try Bench()
    let stick = try await bench.plug()
    let policy = try await policy(bench, try await bench.sample())
    let dry = try await agent(bench, policy, "--dry-run")
    #expect(dry.code == 0, "\(dry.out) \(dry.err)")
    #expect(dry.objects.first?["decision"] as? String == "would-update")
    #expect(dry.report["dry_run"] as? Bool == true)
    #expect(!(try bench.wasTouched()))

    let run = try await agent(bench, policy)
    #expect(run.code == 0, "\(run.out) \(run.err)")
    #expect(run.objects.count == 2 && run.lines.count == 2, "one line for the stick, one for all")
    let line = try #require(run.objects.first)
    #expect(line["event"] as? String == "stick")
    #expect(line["decision"] as? String == "updated")
    #expect(line["after"] as? String == "21.157.37.00.00")
    #expect(line["fit"] as? String == "fits")
    #expect(!run.out.contains(Bench.imei) && !run.err.contains(Bench.imei))
    #expect(try bench.journal().contains("policy bench, rule all"))
    #expect(try await bench.version() == "21.157.37.00.00")

    let again = try await agent(bench, policy)
    #expect(again.code == 3)
    #expect(again.objects.first?["decision"] as? String == "unchanged")
    try await bench.unplug(stick)
  }

  @Test("refuses a bad policy, another version, and a library without the image")
  func refusals() async throws {
    let bench = try Bench()
    let stick = try await bench.plug()
    let file = try await bench.sample()
    let misspelt = try await policy(bench, file, head: "dryrun: true,")
    let invalid = try await agent(bench, misspelt)
    #expect(invalid.code == 6)
    #expect(invalid.trouble == "fleet.policy-invalid")
    let none = try await agent(bench, "\(bench.folder)/none.json5")
    #expect(none.code == 6)
    #expect(none.trouble == "fleet.policy-unreadable")
    let other = try await agent(bench, try await policy(bench, file, version: "21.1"))
    #expect(other.code == 5)
    #expect(other.out.contains("fleet.image-differs"))
    try FileManager.default.removeItem(atPath: file)
    let gone = try await agent(
      bench,
      try bench.file(
        "gone.json5",
        Data(
          """
          { modemsmith: 'fleet-policy/1', name: 'x', rules: [{ name: 'y', sticks: { model: 'E3131' },
            image: { sha256: '\(String(repeating: "0", count: 64))', version: '1' } }] }
          """.utf8)))
    #expect(gone.code == 5)
    #expect(gone.out.contains("fleet.image-missing"))
    #expect(!(try bench.wasTouched()))
    let usage = try await Child(["agent", "--policy", misspelt]).end()
    #expect(usage.code == 2)
    try await bench.unplug(stick)
  }
}
