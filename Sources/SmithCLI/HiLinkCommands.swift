import ArgumentParser
import Foundation
import SmithAT
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithVendors

struct HiLinkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hilink", abstract: "Brings a Huawei HiLink stick to a serial port and back.",
    discussion: """
      HiLink sticks are a network card with a page. `hilink serial` asks the page for a serial \
      port, from the most harmless way on; a replug undoes it. `hilink debug` asks for serial \
      ports beside the page. `hilink back` lets the stick restart to its page. `update` and \
      `unlock` do all of this by themselves.
      """)

  enum Goal: String, CaseIterable, ExpressibleByArgument {
    case serial, debug, back
  }

  @Argument(help: "serial, debug or back.") var goal: Goal
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Seconds that the stick may take to come back.") var wait: Double?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let page = try await HiLinkTarget.meant(by: target)
      return switch goal {
      case .serial: try await page.go(to: .serial, self)
      case .debug: try await page.go(to: .debug, self)
      case .back: try await page.back(self)
      }
    }
  }
}

/// The page of the one HiLink stick that is meant.
struct HiLinkTarget {
  static let usualAddress = "http://192.168.8.1"

  let link: CurlWebLink
  let session: HiLinkSession

  init(_ link: CurlWebLink, login: HiLinkSession.Login?) {
    self.link = link
    session = HiLinkSession(link, login: login)
  }

  /// The page that the options name, that of the only network stick, or the usual address.
  static func meant(by target: TargetOptions) async throws(Trouble) -> HiLinkTarget {
    let login = try target.login()
    if let link = try target.namedPage() { return HiLinkTarget(link, login: login) }
    if target.port == nil, let stick = try await ThisComputer.networkStick(target) {
      return HiLinkTarget(try await ThisComputer.page(of: stick), login: login)
    }
    let usual: WebAddress
    do throws(WebError) { usual = try WebAddress(Self.usualAddress) } catch { throw error.trouble }
    return HiLinkTarget(CurlWebLink(usual), login: login)
  }

  private var place: Place { .named("\(link.address)") }

  /// What the stick says about itself over its page.
  func report() async throws(Trouble) -> DeviceReport {
    try await asking { () throws(HiLinkError) in try await HiLinkIdentity.identify(over: session) }
  }

  func info(json: Bool, showIdentity: Bool) async throws(Trouble) -> SmithModel.ExitCode {
    let report = try await report()
    let shown = ShownDevice(
      report: report, mode: "hilink", place: place, showIdentity: showIdentity)
    if json { Output.json(shown.json) } else { shown.show() }
    return .ok
  }

  func backup(to output: String?, in state: StateDirectory, json: Bool)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    let subject = try await asking { () throws(HiLinkError) in
      let report = try await HiLinkIdentity.identify(over: session)
      let settings = try await HiLinkSettings.read(over: session)
      return Subject(place: place, state: .normal, report: report, settings: settings)
    }
    let store = BackupStore.files(in: state)
    let backup = Backup(of: subject, time: store.time())
    let path = try backup.keep(at: output, in: store)
    if json {
      Output.json(.object(["event": .string("backup"), "backup": .string(path)]))
    } else {
      Output.line("saved: \(path)")
    }
    return .ok
  }

  func restore(_ saved: Backup, _ settings: DeviceSettings, toOtherUnit: Bool, json: Bool)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    let report = try await report()
    try saved.checkUnit(report, at: place, toOtherUnit: toOtherUnit)
    let result = try await asking { () throws(HiLinkError) in
      try await HiLinkSettings.restore(settings, over: session)
    }
    if json {
      Output.json(
        .object([
          "event": .string("restore"),
          "restored": .array(result.restored.map { .string($0) }),
          "not_restored": .array(result.leftOut.map { .string($0) }),
        ]))
    } else {
      Output.line(result.leftOut.isEmpty ? "restored" : "restored, except:")
      for item in result.leftOut { Output.line("  \(item)") }
    }
    return result.leftOut.isEmpty ? .ok : .warnings
  }

  /// To a serial port; done only when the port was seen.
  func go(to goal: HiLinkSwitch.Goal, _ options: HiLinkCommand)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    let (bus, place) = try busAndPlace(options.target)
    let patience = Self.duration(options.wait ?? 30)
    let outcome = try await asking { () throws(HiLinkError) in
      try await HiLinkSwitch.perform(
        to: goal, over: session, seeing: bus, at: place, patience: patience)
    }
    say(goal.rawValue, port: try outcome.port(), outcome.tried, options.common.json)
    return .ok
  }

  /// Restarts the stick by whatever answers, and waits for its page.
  func back(_ options: HiLinkCommand) async throws(Trouble) -> SmithModel.ExitCode {
    if await HiLinkSwitch.awaitPage(link, within: .seconds(1)) {
      try await asking { () throws(HiLinkError) in try await HiLinkSwitch.restart(session) }
    } else {
      try await reset(options.target)
    }
    // It is still there for a moment after it said yes.
    await link.pause(.seconds(3))
    guard await HiLinkSwitch.awaitPage(link, within: Self.duration(options.wait ?? 90)) else {
      throw Trouble(
        "hilink.not-back", "The stick restarted, and its page did not come back in time.",
        advice: [
          "Unplug the stick, wait five seconds, plug it in again.",
          "Check that the computer asks for an address on the stick's network card.",
        ], aftermath: .stillBoots, exitCode: .unknown)
    }
    say("back", port: nil, [], options.common.json)
    return .ok
  }

  private func reset(_ target: TargetOptions) async throws(Trouble) {
    let (bus, place) = try await target.bus()
    do {
      let port = try await bus.port(at: place, as: .at, within: .seconds(5))
      let open = try await bus.open(port)
      // It may restart before it answers: the page will tell.
      _ = try? await ATSession(link: open).send("AT^RESET")
      await open.close()
    } catch let error as any TroubleConvertible {
      throw error.trouble
    } catch {
      throw LinkError.broken("\(error)").trouble
    }
  }

  private func busAndPlace(_ target: TargetOptions) throws(Trouble) -> (any Bus, Place?) {
    if let port = target.port {
      let full = URL(fileURLWithPath: port).standardizedFileURL.path
      return (NamedPortBus(port: full), .named(full))
    }
    return (SystemBus(), target.place.map { .usb($0) })
  }

  private func say(_ what: String, port: SmithLink.Port?, _ tried: [String], _ json: Bool) {
    if json {
      Output.json(
        .object([
          "event": .string("hilink"), "mode": .string(what), "port": .text(port?.node),
          "place": .text(port?.place), "tried": .array(tried.map { .string($0) }),
        ]))
    } else {
      for line in tried { Output.error("  \(line)") }
      Output.line(port.map { "serial port: \($0.node)" } ?? "the page is back: \(link.address)")
    }
  }

  private func asking<Result>(_ work: () async throws(HiLinkError) -> Result)
    async throws(Trouble) -> Result
  {
    do throws(HiLinkError) { return try await work() } catch { throw error.trouble }
  }

  private static func duration(_ seconds: Double) -> Duration {
    .milliseconds(Int(max(0, min(seconds, 3600)) * 1000))
  }
}
