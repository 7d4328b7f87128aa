import ArgumentParser
import SmithAT
import SmithEngine
import SmithLink
import SmithModel
import SmithVendors

struct ZTECommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zte", abstract: "Throws one of a ZTE stick's lasting switches, or takes it back.",
    discussion: """
      autorun-off and autorun-on: the CD-ROM with the maker's program. service-on and service-off:
      diagnostic and AT ports instead of the network card. Each lasts through restarts until its
      opposite is sent, and takes effect when the stick is plugged in again.
      """)

  @Argument(help: "autorun-off, autorun-on, service-on or service-off.", transform: ZTECommand.read)
  var what: ZTESwitch
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Do it; without this the effect is only explained.") var yes = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      guard yes else {
        say("explained")
        return .cancelled
      }
      let (bus, place) = try await target.bus()
      let link = try await Updater.open(place, on: bus)
      let outcome: ZTESwitchOutcome
      do throws(ZTESwitchError) {
        outcome = try await ZTESwitches(ATSession(link: link)).set(what)
      } catch {
        await link.close()
        throw error.trouble
      }
      await link.close()
      say(outcome == .done ? "done" : "sent; this stick keeps its answer to itself")
      return .ok
    }
  }

  private static func read(_ text: String) throws -> ZTESwitch {
    guard let known = ZTESwitch(rawValue: text) else {
      throw ValidationError("\(text) is none of the switches")
    }
    return known
  }

  private func say(_ outcome: String) {
    if common.json {
      Output.json(
        .object([
          "event": .string("zte"), "switch": .string(what.rawValue), "outcome": .string(outcome),
          "effect": .string(what.effect), "undo": .string(what.undo.rawValue),
        ]))
      return
    }
    Output.line("\(what.rawValue): \(outcome)")
    Output.line("  \(what.effect)")
    Output.line("  back: modemsmith zte \(what.undo.rawValue)\(yes ? " --yes" : "")")
    if !yes { Output.line("  nothing was sent; add --yes to do it") }
  }
}
