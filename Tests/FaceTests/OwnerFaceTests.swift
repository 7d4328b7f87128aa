import Foundation
import Testing

@Suite("The owner", .serialized) struct OwnerFaceTests {
  @Test("never finds the identity number in any output or file, unless it is asked for")
  func identity() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    let backup = "\(bench.folder)/mine.json"
    var said = ""
    for arguments in [
      ["info"], ["plan", file], ["update", file, "--yes"], ["backup"], ["backup", "-o", backup],
      ["restore", backup], ["at", "ATI"], ["at", "AT+CGSN"], ["history"],
    ] {
      let isHistory = arguments == ["history"]
      for json in [["--json"], []] {
        let target = isHistory ? [] : ["--port", bench.port]
        let ended = try await Child(arguments + target + ["--state-dir", bench.state] + json).end()
        #expect([0, 3].contains(ended.code), "\(arguments): \(ended.out) \(ended.err)")
        said += ended.out + ended.err
      }
    }
    #expect(!said.contains(Bench.imei))
    #expect(said.contains("***0000"))
    let files = bench.stateFiles()
    #expect(files.count >= 3)
    for (path, data) in files {
      #expect(data.range(of: Data(Bench.imei.utf8)) == nil, "\(path)")
    }
    #expect(FileManager.default.contents(atPath: backup)?.range(of: Data(Bench.imei.utf8)) == nil)
    for arguments in [["info"], ["at", "AT+CGSN"]] {
      let shown = try await bench.start(arguments + ["--show-identity"]).end()
      #expect(shown.out.contains(Bench.imei), "\(arguments)")
    }
    try await bench.unplug(stick)
  }

  @Test("gets APN profiles back from a backup, on the stick that they came from") func profiles()
    async throws
  {
    let bench = try Bench()
    let stick = try await bench.plug()
    #expect(try await bench.run("at", "AT+CGDCONT=2,\"IP\",\"village.example\"").code == 0)
    let backup = "\(bench.folder)/backup.json"
    #expect(try await bench.run("backup", "-o", backup).code == 0)
    #expect(try await bench.run("at", "AT+CGDCONT=2,\"IP\",\"lost.example\"").code == 0)
    #expect(try await bench.run("restore", backup).code == 0)
    let profiles = try await bench.run("at", "AT+CGDCONT?")
    #expect(profiles.out.contains("village.example"))
    #expect(!profiles.out.contains("lost.example"))

    var saved = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: backup))) as? [String: Any])
    saved["identity"] = String(repeating: "0", count: 64)
    let other = try bench.file("other.json", try JSONSerialization.data(withJSONObject: saved))
    let refused = try await bench.run("restore", other)
    #expect(refused.code == 5)
    #expect(refused.trouble == "restore.other-unit")
    #expect(try await bench.run("restore", other, "--to-other-unit").code == 0)
    let rubbish = try bench.file("rubbish.json", Data("{}".utf8))
    let unread = try await bench.run("restore", rubbish)
    #expect(unread.code == 6)
    #expect(unread.trouble == "backup.failed")
    try await bench.unplug(stick)
  }

  @Test("asks for version, help and completion scripts, and gets them") func help() async throws {
    let version = try await Child.run("--version")
    #expect(version.code == 0)
    #expect(version.out.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    let help = try await Child.run("--help")
    #expect(help.code == 0)
    for verb in [
      "list", "info", "at", "image", "plan", "rehearse", "update", "resume", "backup", "restore",
      "history", "rescue", "sim",
    ] {
      #expect(help.out.contains("\n  \(verb)"))
      let taught = try await Child.run(verb, "--help").out
      #expect(taught.contains("\n  modemsmith \(verb)"), "\(verb) --help has no example")
    }
    for shell in ["bash", "zsh", "fish"] {
      let script = try await Child.run("--generate-completion-script", shell)
      #expect(script.code == 0)
      #expect(script.out.contains("modemsmith") && script.out.contains("resume"))
    }
  }

  @Test("reads help without broken lines, and a manual that leaves no verb out")
  func manual() async throws {
    let verbs = Self.verbs(try await Child.run("--help").out)
    #expect(verbs.count > 20)
    let page = Bench.sources.appending(path: "Support/man/modemsmith.1")
    let manual = try String(contentsOf: page, encoding: .utf8).replacing("\\-", with: "-")
    for verb in verbs {
      let entry = try Regex("\\n\\.(B|BI|TP)[^\\n]*\\b\(verb)\\b")
      #expect(manual.contains(entry), "the manual leaves \(verb) out")
      let help = try await Child.run(verb, "--help", environment: ["COLUMNS": "80"]).out
      #expect(Self.broken(help).isEmpty, "\(verb): \(Self.broken(help))")
    }
  }

  private static func verbs(_ help: String) -> [String] {
    let list = help.firstRange(of: "SUBCOMMANDS:").map { help[$0.upperBound...] } ?? ""
    return list.split(separator: "\n").compactMap { line in
      line.firstMatch(of: /^  ([a-z]+)/).map { String($0.output.1) }
    }
  }

  /// Lines of prose that end although the next word had room: broken in the source, not for the
  /// reader.
  private static func broken(_ help: String) -> [String] {
    let prose = help.firstRange(of: "USAGE:").map { help[..<$0.lowerBound] } ?? help[...]
    let lines = prose.split(separator: "\n", omittingEmptySubsequences: false)
    return zip(lines, lines.dropFirst()).compactMap { line, next in
      guard !line.isEmpty, !next.isEmpty, line.first != " ", next.first != " " else { return nil }
      let word = next.prefix { $0 != " " }
      return line.count + 1 + word.count < 80 ? String(line) : nil
    }
  }

  @Test("reads no colour codes where the output is no terminal") func plain() async throws {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    var said = ""
    for arguments in [["info"], ["plan", file], ["update", file, "--yes"], ["resume"]] {
      let ended = try await Child(
        arguments + ["--port", bench.port, "--state-dir", bench.state]
      ).end()
      said += ended.out + ended.err
    }
    #expect(said.contains("updated"))
    #expect(said.contains("100 %"))
    #expect(!said.contains("\u{1b}"))
    #expect(!said.contains("\r"))
    try await bench.unplug(stick)
  }

  @Test(
    "reads whole words and one live line on a terminal, however narrow it is", arguments: [40, 60])
  func narrow(columns: Int) async throws {
    let bench = try Bench()
    let file = try await bench.sample(kib: 1024)
    let stick = try await bench.plug()
    let ended = try await Child(
      ["update", file, "--yes", "--port", bench.port, "--state-dir", bench.state],
      columns: UInt16(columns)
    ).end()
    #expect(ended.code == 0, "\(ended.err)")
    let codes = /\u{1b}\[[0-9]*[mK]/
    let lines = ended.err.replacing("\r\n", with: "\n").split { $0 == "\n" || $0 == "\r" }
      .map { $0.replacing(codes, with: "") }
    let live = lines.filter { $0.contains(" %  ") }
    #expect(live.count > 2)
    #expect(live.allSatisfy { $0.hasSuffix("do not unplug") && $0.count < columns }, "\(live)")
    // A word that is longer than the line, as paths are, stays whole.
    let long = lines.filter { $0.count > columns && $0.drop { $0 == " " }.contains(" ") }
    #expect(long.isEmpty, "\(long)")
    #expect(lines.contains { $0.contains("resume") })
    try await bench.unplug(stick)
  }

  @Test("sees in the plan what would be written, and the stick is left alone") func plan()
    async throws
  {
    let bench = try Bench()
    let file = try await bench.sample()
    let stick = try await bench.plug()
    for arguments in [["plan", file], ["update", file, "--dry-run"]] {
      let plan = try await bench.start(arguments).end()
      #expect(plan.code == 0, "\(plan.out)")
      #expect(plan.report["before"] as? String == "21.157.31.00.00")
      #expect(plan.report["after"] as? String == "21.157.37.00.00")
      #expect((plan.report["items"] as? [Any])?.count == 7)
    }
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }
}
