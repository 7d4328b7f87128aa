import ArgumentParser
import Foundation
import SmithModel

/// The command line's front door, so that the executable needs no library but this one.
public enum CommandLineFace {
  /// Version of the tool, as `--version` says it and journals keep it.
  public static let version = "0.1.0"

  /// Parses the arguments of this process, does what they say, and exits.
  public static func run() async -> Never {
    // A reader that goes away (`... | head`) must not end an update in the middle of a write.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Modemsmith.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      exit(SmithModel.ExitCode.ok.rawValue)
    } catch let ending as Ending {
      exit(ending.code.rawValue)
    } catch {
      let code = Modemsmith.exitCode(for: error)
      guard code == .validationFailure else { Modemsmith.exit(withError: error) }
      Output.error(Modemsmith.fullMessage(for: error))
      if CommandLine.arguments.contains("--json") {
        Output.json(
          .object([
            "event": .string("error"), "trouble": badUsage(Modemsmith.message(for: error)).json,
          ]))
      }
      exit(SmithModel.ExitCode.usage.rawValue)
    }
  }
}

extension CommandLineFace {
  /// What programs are told where people get the usage lines.
  fileprivate static func badUsage(_ message: String) -> Trouble {
    Trouble(
      "usage.arguments", message, advice: ["See `modemsmith --help`, or VERB --help."],
      exitCode: .usage)
  }
}

/// Ends the process with a code after everything was said.
struct Ending: Error {
  let code: SmithModel.ExitCode
}

struct Modemsmith: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modemsmith",
    abstract: "Safely updates, backs up, repairs and explains USB modems.",
    discussion: """
      Plug the stick in and begin with

        modemsmith info                      what it is, and what it runs
        modemsmith image show FILE           what a firmware file holds
        modemsmith plan FILE                 what an update would do; nothing is sent
        modemsmith update FILE               do it; it asks before it writes

      If anything interrupts an update, plug the stick in again and run

        modemsmith resume

      Without a stick: `modemsmith sim huawei-e3131 --link /tmp/stick` serves a simulated one, \
      and every command takes `--port /tmp/stick`.
      """,
    version: CommandLineFace.version,
    subcommands: [
      ListCommand.self, InfoCommand.self, ATCommandLine.self, ImageCommand.self, PlanCommand.self,
      RehearseCommand.self, UpdateCommand.self, ResumeCommand.self, BackupCommand.self,
      RestoreCommand.self, HistoryCommand.self, SimCommand.self,
      RescueCommand.self, DashboardCommand.self,
      HiLinkCommand.self,
      LibraryCommand.self, AdviseCommand.self,
      UnlockCommand.self, PINCommand.self,
      SwitchCommand.self, BindCommand.self, DoctorCommand.self, ServeCommand.self,
      ZTECommand.self, HuaweiCommand.self, AgentCommand.self,
    ])
}
