import ArgumentParser
import Foundation
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

struct SimCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim", abstract: "Serves a simulated stick on a pseudo-terminal.",
    discussion: """
      It stays on the same path through every restart, and its flash outlives the process if
      --flash names a folder. Stop it with Ctrl-C: that is pulling the plug. Standard output says
      `published PATH ROLE` and `withdrawn PATH` whenever a port comes or goes.
      """)

  @Argument(
    help: "The model: \((SimulatedModels.names + PageSim.names).joined(separator: ", ")).")
  var model: String
  @Option(name: .long, help: "Where the port appears (a symbolic link).")
  var link = "/tmp/modemsmith-stick"
  @Option(name: .long, help: "The version that it runs.") var firmware: String?
  @Flag(name: .long, help: "A monitor that insists on the order of commands.") var strict = false
  @Flag(name: .long, help: "A monitor that takes signed packages only.") var signed = false
  @Option(name: .long, help: "Folder into which received items are written.") var flash: String?
  @Option(name: .long, help: "File that gets one JSON line for every message.") var log: String?
  @Option(name: .long, help: "Decides every delay that is drawn.") var seed: UInt64 = 1
  @Option(name: .long, help: "How many times faster than life it restarts.") var speed = 1.0
  @Option(name: .long, help: "Where the page of a model with a page appears: 127.0.0.1:PORT.")
  var http = "127.0.0.1:0"

  func run() async throws {
    try await explaining(json: false) { () throws(Trouble) in
      if let end = try await PageSim.serve(
        model, firmware: firmware, http: http, link: link, speed: speed)
      {
        return end
      }
      let stick = try SimulatedModels.stick(
        model, firmware: firmware,
        options: SimulatedModels.Switches(
          strict: strict, signed: signed, logging: log != nil, seed: seed))
      let keeper = try SimulatedFlashKeeper(flash: flash, log: log)
      let server = PTYServer(keeper.restored(stick), link: link, speed: max(0.01, speed)) { event in
        switch event {
        case .published(let link, _, let role): Output.line("published \(link) \(role.rawValue)")
        case .withdrawn(let link): Output.line("withdrawn \(link)")
        }
      }
      Output.error("\(model) on \(link); Ctrl-C pulls the plug")
      do throws(LinkError) {
        try await server.run { body in keeper.keep(&body) }
      } catch { throw error.trouble }
      return .ok
    }
  }
}
