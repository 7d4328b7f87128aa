import ArgumentParser
import Foundation
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts

/// How the owner says which stick is meant.
struct TargetOptions: ParsableArguments {
  @Option(name: .long, help: "The stick's AT (or only) port, for odd set-ups and simulators.")
  var port: String?

  @Option(
    name: .long, help: "Where it comes back in download or boot mode (default: the same path).")
  var downloadPort: String?

  @Option(name: .long, help: "The stick's diagnostic port (DIAG), beside --port or alone.")
  var diagPort: String?

  @Option(name: .long, help: "The stick at this USB place, as `modemsmith list` shows it.")
  var place: String?

  @Option(name: .long, help: "The stick whose IMEI ends with these digits; all are asked.")
  var imeiEnds: String?

  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  @Option(
    name: .long, help: "The stick's page, as in http://192.168.8.1, for sticks that have one.")
  var web: String?

  @Option(
    name: .long,
    help: "User of the page; the password is asked for, or taken from MODEMSMITH_WEB_PASSWORD.")
  var webUser: String?

  @Option(name: .long, help: "File with the password of the page in its first line.")
  var webPasswordFile: String?

  @Option(name: .long, help: "Folder of the firmware library (default: XDG data).")
  var dataDir: String?

  /// Whether the owner named the diagnostic port and no other.
  var namesOnlyDiag: Bool { diagPort != nil && port == nil }

  /// The bus and the place of the one stick that is meant; asks sticks only for `--imei-ends`.
  ///
  /// - Throws: `port.not-found` if there is no stick, `usage.bad-target` if there are several.
  func bus() async throws(Trouble) -> (bus: any Bus, place: Place) {
    if let port = port ?? diagPort {
      let full = URL(fileURLWithPath: port).standardizedFileURL.path
      let bus = NamedPortBus(
        port: full,
        downloadPort: downloadPort.map { URL(fileURLWithPath: $0).standardizedFileURL.path },
        diagPort: diagPort.map { URL(fileURLWithPath: $0).standardizedFileURL.path })
      return (bus, .named(full))
    }
    if downloadPort != nil {
      throw Trouble(
        "usage.bad-target", "--download-port goes with --port.",
        advice: ["Name the AT port too: --port PATH."], exitCode: .usage)
    }
    // A stick that shows only a drive cannot be asked; one in any other state may be.
    let states: Set<UsbState> = [.modem, .download, .qdl, .bootROM, .edl, .networkCard]
    let stick = try await ThisComputer.onlyStick(
      place: place, imeiEnds: imeiEnds, states: states)
    if stick.state == .fakeCD {
      throw Trouble(
        "port.not-found", "The stick at \(stick.device.place) shows only a drive.",
        advice: ["Run `modemsmith switch --place \(stick.device.place)` first."],
        exitCode: .noStick)
    }
    return (ThisComputer.bus(), stick.place)
  }
}

/// Options that every command has.
struct CommonOptions: ParsableArguments {
  @Flag(name: .long, help: "Answers as JSON, one object a line.")
  var json = false
}

/// What the owner allows beyond the ordinary.
struct PolicyOptions: ParsableArguments {
  @Flag(name: .long, help: "Write the version that the stick runs already once more.")
  var reinstall = false

  @Flag(name: .long, help: "Allow an older version.")
  var allowDowngrade = false

  @Flag(name: .long, help: "Go on where nothing can be backed up (refused where it can).")
  var noBackup = false

  @Flag(name: .long, help: "Allow a way that rests on inference; the plan names what.")
  var experimental = false

  @Option(name: .long, help: "A file that goes with it: Sierra's carrier settings (.nvu).")
  var with: [String] = []

  @Option(
    name: .long,
    help:
      "Waive a rule: product-unknown, family, identity, carrier, branding. Never chip or format."
  )
  var force: [String] = []

  func policy() throws(Trouble) -> Policy {
    var policy = Policy()
    policy.reinstall = reinstall
    policy.allowDowngrade = allowDowngrade
    policy.noBackup = noBackup
    policy.experimental = experimental
    for name in force {
      guard let rule = Policy.Rule(rawValue: name) else {
        throw Trouble(
          "usage.unknown-rule", "There is no rule \"\(name)\" that could be waived.",
          advice: ["Rules: \(Policy.Rule.allCases.map(\.rawValue).joined(separator: ", "))."],
          exitCode: .usage)
      }
      policy.forced.insert(rule)
    }
    return policy
  }
}
