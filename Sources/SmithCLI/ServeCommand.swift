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
    discussion: """
      Open the printed address; it works until Ctrl-C. The page changes nothing; it asks a stick \
      who it is when you want to know which of your files fit it.
      """)

  @Option(name: .long, help: "Port on 127.0.0.1 (default: any free one).") var port: UInt16 = 0
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  @Option(name: .long, help: "Folder of the firmware library (default: XDG data).")
  var dataDir: String?
  @Option(name: .long, help: "The stick's port, for simulators: files are judged for this one.")
  var stickPort: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let (folder, json, data, stick) = (stateDir, common.json, dataDir, stickPort)
      let answers = PageAnswers(
        sticks: { () throws(Trouble) in
          let named = stick.map { Self.named($0) }
          return Self.data(
            (named.map { [$0] } ?? []) + ThisComputer.sticks().map { $0.json(event: "stick") })
        },
        history: { () throws(Trouble) in
          let state = try StateDirectory(folder)
          let runs = History.exists(in: state) ? try History(in: state).runs() : []
          return Self.data(runs.map(\.json))
        },
        fits: { (place) throws(Trouble) in
          Self.data(try await Self.fits(at: place, port: stick, library: data))
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

  /// The files that `library find --for-device` shows, with the same answers.
  private static func fits(at place: String?, port: String?, library: String?)
    async throws(Trouble) -> [JSONValue]
  {
    guard Library.exists(library) else { return [] }
    var stick = StickOptions()
    stick.port = port
    stick.place = port == nil ? place : nil
    stick.web = nil
    let device = try await stick.report(json: true)
    return try Library(library).find(for: device, limit: 20).map { result in
      let path = result.entry.places.first?.path ?? result.image.line
      return .object([
        "name": .string(path), "sha256": .string(result.entry.sha256),
        "fit": result.fit?.json ?? .null,
      ])
    }
  }

  /// A port that was named is a stick too, of which no bus tells anything.
  private static func named(_ port: String) -> JSONValue {
    .object([
      "event": .string("stick"), "place": .string(port), "state": .string("port"),
      "name": .string("named with --stick-port"),
    ])
  }

  private static func data(_ items: [JSONValue]) -> Data { Data(JSONValue.array(items).text.utf8) }
}
