import Foundation
import Testing

@Suite("A page that lies", .serialized) struct HostilePageFaceTests {
  static let lies = [
    ("endless", "web.too-long"), ("redirect", "webui.redirect"), ("wrong-length", "web.gone"),
    ("html", "webui.unknown"), ("script", "webui.strange-text"),
  ]

  @Test(
    "ends every command in a trouble that names it, and nothing is sent to it", arguments: lies,
    ["zte-mf667", "alcatel-l800"])
  func everyCommand(_ lie: (String, String), _ model: String) async throws {
    let bench = try Bench()
    let stick = try Child(
      ["sim", model, "--http", "127.0.0.1:0", "--link", bench.port, "--malice", lie.0])
    let line = try await stick.line("page") { $0.hasPrefix("published http") }
    let page = ["--web", String(line.split(separator: " ")[1]), "--state-dir", bench.state]
    let file = try await bench.sample(kib: 16)
    let commands = [
      ["info"], ["backup", "-o", "\(bench.folder)/saved.json"],
      ["plan", file, "--experimental"], ["update", file, "--experimental", "--yes"],
      ["update", "--online", "--experimental", "--yes"],
    ]
    for command in commands {
      let seen = try await Child(command + page + ["--json"]).end()
      #expect(seen.trouble == lie.1, "\(command[0]): \(seen.out.suffix(900)) \(seen.err)")
      #expect((1...10).contains(seen.code ?? -1), "\(command[0]): \(seen)")
      #expect(!(seen.out + seen.err).contains("<script"), "\(command[0])")
    }
    let text = try await Child(["info"] + page).end()
    #expect(text.err.contains(lie.1) && !(text.out + text.err).contains("<script"), "\(text.err)")
    #expect(!FileManager.default.fileExists(atPath: "\(bench.folder)/saved.json"))
    try await bench.unplug(stick)
  }
}
