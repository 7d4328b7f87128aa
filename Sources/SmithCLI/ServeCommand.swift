import ArgumentParser
import Foundation
import SmithEngine
import SmithLibrary
import SmithModel
import SmithPage

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Shows sticks and earlier updates on a page, to this computer only.",
    discussion: "Open the printed address; it works until Ctrl-C. The page changes nothing.")

  @Option(name: .long, help: "Port on 127.0.0.1 (default: any free one).") var port: UInt16 = 0
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let (folder, json) = (stateDir, common.json)
      let answers = PageAnswers(
        sticks: { () throws(Trouble) in
          Self.data(ThisComputer.sticks().map { $0.json(event: "stick") })
        },
        history: { () throws(Trouble) in
          let state = try StateDirectory(folder)
          let runs = History.exists(in: state) ? try History(in: state).runs() : []
          return Self.data(runs.map(\.json))
        })
      try await PageServer(port: port, answers: answers).run { url in
        if json {
          Output.json(.object(["event": .string("serving"), "url": .string(url.absoluteString)]))
        } else {
          Output.line(url.absoluteString)
        }
      }
      return .ok
    }
  }

  private static func data(_ items: [JSONValue]) -> Data { Data(JSONValue.array(items).text.utf8) }
}
