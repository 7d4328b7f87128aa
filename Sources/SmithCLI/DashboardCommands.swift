import ArgumentParser
import Foundation
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors

struct DashboardCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dashboard", abstract: "The PC software and web page inside a Huawei stick.",
    subcommands: [
      DashboardShowCommand.self, DashboardInstallCommand.self, DashboardRemoveCommand.self,
    ])
}

struct DashboardShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows the dashboard of a file, or of the stick.")

  @Argument(help: "A package; without it the stick is asked.") var file: String?
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if let file {
        show(try CheckedImage(path: file).dashboardOnly())
        return .ok
      }
      let (bus, place, page) = try await target.stick(onlyAsks: true)
      let keeper = DashboardKeeper(
        bus: bus, owner: TerminalOwner(json: common.json, yes: false), surroundings: .forQueries,
        page: page)
      show(try await keeper.look(place))
      return .ok
    }
  }

  private func show(_ part: CheckedImage) {
    let image = part.image
    let family = HuaweiDashboard.isHiLink(image) ? "hilink" : "stick"
    if common.json {
      Output.json(
        .object([
          "event": .string("dashboard-file"), "family": .string(family),
          "kinds": .array(image.kinds.map(\.rawValue).sorted().map { .string($0) }),
          "dashboard": .text(image.claims.dashboard),
          "web_interface": .text(image.claims.webInterface), "bytes": .integer(image.size),
          "items": .array(image.segments.map { .string($0.name) }),
          "products": .array(image.claims.products.map { .string($0) }),
        ]))
      return
    }
    Output.line("holds      \(image.kinds.map(\.rawValue).sorted().joined(separator: ", "))")
    Output.line("goes with  \(family == "hilink" ? "HiLink (22.x)" : "stick (21.x)") firmware")
    Output.line("dashboard  \(image.claims.dashboard?.text ?? "not named")")
    Output.line("web page   \(image.claims.webInterface?.text ?? "none")")
    for segment in image.segments {
      Output.line("  \(segment.name)  \(ProgressText.size(segment.size))")
    }
  }

  private func show(_ state: DashboardState) {
    if common.json {
      Output.json(state.json)
      return
    }
    Output.line("dashboard  \(state.dashboard ?? "not told")")
    Output.line("web page   \(state.webInterface ?? "none")")
    Output.line("firmware   \(state.firmware?.text ?? "not told")")
    if let ports = state.ports {
      Output.line("ports      \(ports.text)")
      let isShown = state.isShown == true
      Output.line("fake CD    \(isShown ? "shows up" : "hidden") when the stick is plugged in")
    } else {
      Output.line("ports      not told")
    }
  }
}

struct DashboardInstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Writes a dashboard; without a file, shows the hidden CD again.",
    discussion: """
      Out of a combined package only the dashboard is taken; the firmware stays. A bare CD image \
      (.iso) is made into a package first, which rests on inference: add --experimental.
      """)

  @Argument(help: "The dashboard package, or a combined one.") var file: String?
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var rules: PolicyOptions
  @Flag(name: .long, help: "Agree without being asked.") var yes = false

  func run() async throws {
    guard let file else {
      return try await DiscSwitch(target: target, common: common, yes: yes).run(shown: true)
    }
    try await explaining(json: common.json, asReport: true) { () throws(Trouble) in
      let isDisc = DashboardDisc.isOne(file)
      let policy = try rules.policy()
      if isDisc, !policy.experimental { throw DashboardDisc.inference }
      let state = try StateDirectory(target.stateDir)
      let whole =
        isDisc ? nil : try CheckedImage(path: file, keeping: .copied(in: state.path))
      let (bus, place, page) = try await target.stick()
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let owner = TerminalOwner(json: common.json, yes: yes)
      if !yes, common.json || isatty(0) != 1 { throw UpdateCommand.needsYes }
      owner.mindSignals()
      let manners = try await owner.manners(at: place, keepingNetwork: page != nil)
      defer { manners.end() }
      let keeper = DashboardKeeper(
        bus: manners.minding(bus), owner: manners.minding(owner),
        surroundings: .files(in: state, downloadPort: target.downloadPort), page: page)
      let image: CheckedImage
      if let whole {
        image = whole
      } else {
        let disc = try DashboardDisc(path: file)
        let made = try await keeper.package(of: disc, at: place)
        let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        image = try CheckedImage(path: try state.keep(package: made, named: name))
      }
      let report = await withTaskExecutorPreference(PortThread()) {
        await keeper.install(image, at: place, policy: policy)
      }
      show(report, owner)
      return report.exitCode
    }
  }

  private func show(_ report: UpdateReport, _ owner: TerminalOwner) {
    guard !common.json, report.trouble == nil else { return owner.show(report) }
    switch report.verdict {
    case .updated:
      for warning in report.warnings { Output.error(Output.paint("! \(warning)", .yellow)) }
      let told = [report.device.webInterface, report.device.dashboard].compactMap { $0 }
      Output.line(
        "installed: the stick says "
          + (told.isEmpty ? "no version" : told.joined(separator: ", ")) + " now")
      Output.line("  Its firmware is as before, \(report.after?.text ?? "unknown").")
    case .unchanged:
      Output.line("nothing to do: the stick has it already")
    case .failedStillWorks, .needsRescue, .unknown: owner.show(report)
    }
  }
}

struct DashboardRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Hides the CD with the dashboard, so that nothing starts by itself.",
    discussion: "It stays on the stick; `dashboard install` without a file shows it again.")

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Agree without being asked.") var yes = false

  func run() async throws {
    try await DiscSwitch(target: target, common: common, yes: yes).run(shown: false)
  }
}

/// Shows or hides the fake CD.
private struct DiscSwitch {
  let target: TargetOptions
  let common: CommonOptions
  let yes: Bool

  func run(shown: Bool) async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let state = try StateDirectory(target.stateDir)
      let (bus, place, page) = try await target.stick()
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let owner = TerminalOwner(json: common.json, yes: yes)
      if !yes, common.json || isatty(0) != 1 { throw UpdateCommand.needsYes }
      owner.mindSignals()
      let manners = try await owner.manners(at: place)
      defer { manners.end() }
      let keeper = DashboardKeeper(
        bus: manners.minding(bus), owner: owner,
        surroundings: .files(in: state, downloadPort: target.downloadPort), page: page)
      let isForPrograms = common.json
      let (now, backup) = try await keeper.setDisc(shown: shown, at: place) {
        before, after, subject in
        if !isForPrograms {
          Output.error("ports now:       \(before.text)")
          Output.error("ports afterwards: \(after.text)")
          Output.error("It is effective when the stick is plugged in the next time.")
        }
        return owner.agreed(typing: subject.report.model ?? "yes")
      }
      tell(now, backup, shown)
      return backup == nil ? .nothingToDo : .ok
    }
  }

  private func tell(_ now: DeviceSettings.PortSetup, _ backup: String?, _ shown: Bool) {
    if common.json {
      Output.json(
        .object([
          "event": .string("dashboard-ports"), "ports": .string(now.text),
          "cd_shown": .bool(shown), "changed": .bool(backup != nil), "backup": .text(backup),
        ]))
    } else if let backup {
      Output.line("\(shown ? "shown" : "hidden") from the next plug on: \(now.text)")
      Output.line("  backup:  \(backup)")
    } else {
      Output.line("nothing to do: the CD is \(shown ? "shown" : "hidden") already")
    }
  }
}

extension DeviceSettings.PortSetup {
  /// As AT^SETPORT writes it.
  fileprivate var text: String {
    "\(before.joined(separator: ","));\(after.joined(separator: ","))"
  }
}

extension DashboardState {
  /// The state as an object of the JSON contract.
  fileprivate var json: JSONValue {
    .object([
      "event": .string("dashboard"), "dashboard": .text(dashboard),
      "web_interface": .text(webInterface), "firmware": .text(firmware),
      "ports": .text(ports?.text), "cd_shown": isShown.map { .bool($0) } ?? .null,
    ])
  }
}
