import ArgumentParser

/// The command line's front door, so that the executable needs no library but this one.
public enum CommandLineFace {
  /// Parses the arguments of this process, does what they say, and exits.
  public static func run() async {
    await Modemsmith.main()
  }
}

struct Modemsmith: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modemsmith", version: "0.1.0")
}
