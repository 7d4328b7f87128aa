import ArgumentParser
import Foundation
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithVendors

/// The page of the one stick that is meant; ZTE and Alcatel.
struct WebTarget {
  let door: WebDoor

  static func door(_ link: CurlWebLink, _ target: TargetOptions) throws(Trouble) -> WebDoor {
    WebDoor(
      link: link, host: link.address.authority, address: "\(link.address)",
      password: try target.givenPassword())
  }

  static func door(_ text: String, _ target: TargetOptions) throws(Trouble) -> WebDoor {
    let address: WebAddress
    do throws(WebError) { address = try WebAddress(text) } catch { throw error.trouble }
    return try door(CurlWebLink(address), target)
  }

  /// Whether the page is a HiLink stick's, and so neither ZTE's nor Alcatel's.
  ///
  /// - Throws: `webui.unknown` if it is nobody's.
  static func isOfNobodyElse(_ target: TargetOptions) async throws(Trouble) -> Bool {
    guard let text = target.web else { return false }
    var door = try door(text, target)
    // Only to recognise it: a wrong password would be counted.
    door.password = nil
    do throws(PageError) {
      _ = try await door.open()
      return false
    } catch {
      guard error == .unknownPage else { return false }
      do throws(HiLinkError) {
        _ = try await HiLinkIdentity.identify(over: HiLinkSession(door.link))
      } catch .notHiLink {
        throw error.trouble
      } catch {
        // What a HiLink page refuses is told by whoever needs it.
      }
      return true
    }
  }

  static func place(_ text: String, _ target: TargetOptions) throws(Trouble) -> Place {
    try door(text, target).place
  }

  /// What the stick says about itself over its page.
  func report() async throws(Trouble) -> DeviceReport { try await opened().1 }

  func info(json: Bool, showIdentity: Bool) async throws(Trouble) -> SmithModel.ExitCode {
    let report = try await report()
    let shown = ShownDevice(
      report: report, mode: "page", place: door.place, showIdentity: showIdentity, overPage: true)
    if json { Output.json(shown.json) } else { shown.show() }
    return .ok
  }

  /// The settings as we read them, and beside them the file that the page itself makes.
  func backup(to output: String?, in state: StateDirectory, json: Bool)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    let (page, report) = try await opened()
    let settings: DeviceSettings
    let file: [UInt8]?
    do throws(PageError) {
      settings = try await page.settings()
      file = try await page.settingsFile()
    } catch { throw error.trouble }
    let subject = Subject(
      place: door.place, state: .normal, report: report, settings: settings)
    let store = BackupStore.files(in: state)
    var backup = Backup(of: subject, time: store.time())
    backup.kind = backup.kind ?? "page"
    let path = try backup.keep(at: output, in: store)
    if let file { try PrivateFile.write(Data(file), to: "\(path).configure") }
    if json {
      Output.json(
        .object([
          "event": .string("backup"), "backup": .string(path),
          "page_file": file == nil ? .null : .string("\(path).configure"),
        ]))
    } else {
      Output.line("saved: \(path)")
      if file != nil { Output.line("saved: \(path).configure (the page's own; keep it private)") }
    }
    return .ok
  }

  func restore(
    _ saved: Backup, _ settings: DeviceSettings, toOtherUnit: Bool, experimental: Bool, json: Bool
  )
    async throws(Trouble) -> SmithModel.ExitCode
  {
    let (page, report) = try await opened()
    try saved.checkUnit(report, at: door.place, toOtherUnit: toOtherUnit)
    let lost = try await WebSettings.restore(settings, to: page, experimental: experimental)
    if json {
      Output.json(
        .object([
          "event": .string("restore"), "not_restored": .array(lost.map { .string($0) }),
        ]))
    } else {
      Output.line(lost.isEmpty ? "restored" : "restored, except:")
      for item in lost { Output.line("  \(item)") }
    }
    return lost.isEmpty ? .ok : .warnings
  }

  private func opened() async throws(Trouble) -> (page: any StickPage, report: DeviceReport) {
    do { return try await door.open() } catch { throw error.trouble }
  }
}

/// What an update over a page is told beside the file.
struct PageUpdateOptions: ParsableArguments {
  @Flag(name: .long, help: "With --web: have the stick load the update that its maker offers.")
  var online = false

  @Option(
    name: .long,
    help: "With --web: the version that the file is said to hold; only then it can be verified.")
  var expect: String?

  static let needsFile = Trouble(
    "usage.bad-target", "An update needs a file, or --web URL with --online.",
    advice: ["modemsmith update FILE", "modemsmith update --online --web http://192.168.0.1"],
    exitCode: .usage)
}

/// An update over a page, from the command line.
struct WebUpdateTarget {
  private let door: WebDoor
  private let source: WebSource
  private let policy: Policy
  private let json: Bool
  private let stateDirectory: String?

  init(
    _ target: TargetOptions, _ page: PageUpdateOptions, file: String?, policy: Policy, json: Bool
  ) throws(Trouble) {
    guard let web = target.web, page.online == (file == nil) else {
      throw PageUpdateOptions.needsFile
    }
    door = try WebTarget.door(web, target)
    self.policy = policy
    self.json = json
    stateDirectory = target.stateDir
    if let file {
      source = try Self.source(
        file, expecting: page.expect.map { FirmwareVersion($0) },
        keeping: .copied(in: try StateDirectory(target.stateDir).path))
    } else {
      source = .online
    }
  }

  /// The page that takes the update itself. None where no page was named, and where the page only
  /// leads to the port that takes it, as HiLink's does.
  static func ifItTakes(
    _ file: String?, _ target: TargetOptions, _ page: PageUpdateOptions, policy: Policy, json: Bool
  ) async throws(Trouble) -> WebUpdateTarget? {
    guard target.web != nil else { return nil }
    if file != nil, !page.online, try await WebTarget.isOfNobodyElse(target) { return nil }
    return try WebUpdateTarget(target, page, file: file, policy: policy, json: json)
  }

  private static func source(
    _ file: String, expecting: FirmwareVersion?, keeping: FileKeeping = .asItIs
  ) throws(Trouble) -> WebSource {
    let full = URL(fileURLWithPath: file).standardizedFileURL.path
    return .file(path: full, bytes: try keeping.open(full), expecting: expecting)
  }

  func plan() async throws(Trouble) -> SmithModel.ExitCode {
    let owner = TerminalOwner(json: json, yes: false)
    let updater = WebUpdater(door: door, owner: owner, surroundings: .forQueries)
    let planned: Plan?
    do throws(Trouble) { planned = try await updater.plan(source, policy: policy) } catch {
      if error.exitCode == .refused { Fit(refusal: error).show(json: json) }
      throw error
    }
    guard let plan = planned else {
      if json {
        Output.json(.object(["event": .string("plan"), "already_there": .bool(true)]))
      } else {
        Output.line("nothing to do: there is nothing newer")
      }
      return .nothingToDo
    }
    let fit = Fit(plan)
    if json { Output.json(plan.json(fit)) } else { PlanText.show(plan) }
    if !json { fit.show(json: false) }
    return .ok
  }

  /// How a file that only the page can read fits the stick.
  func fit() async throws(Trouble) -> Fit {
    let owner = TerminalOwner(json: json, yes: false)
    let updater = WebUpdater(door: door, owner: owner, surroundings: .forQueries)
    do throws(Trouble) {
      return try await updater.plan(source, policy: policy).map { Fit($0) } ?? .alreadyThere
    } catch {
      guard error.exitCode == .refused else { throw error }
      return Fit(refusal: error)
    }
  }

  func update(yes: Bool) async throws(Trouble) -> SmithModel.ExitCode {
    let state = try StateDirectory(stateDirectory)
    let lock = try state.hold(door.place, json: json)
    defer { withExtendedLifetime(lock) {} }
    if !yes, json || isatty(0) != 1 { throw UpdateCommand.needsYes }
    let owner = TerminalOwner(json: json, yes: yes)
    owner.mindSignals()
    let updater = WebUpdater(
      door: door, owner: owner, surroundings: .files(in: state, downloadPort: nil))
    let report = await updater.update(source, policy: policy)
    owner.show(report)
    return report.exitCode
  }

  static func resume(
    _ unfinished: Unfinished, _ target: TargetOptions, file: String?, in state: StateDirectory,
    json: Bool
  ) async throws(Trouble) -> SmithModel.ExitCode {
    let header = unfinished.header
    let door = try WebTarget.door(target.web ?? header.place.description, target)
    let lock = try state.hold(header.place, json: json)
    defer { withExtendedLifetime(lock) {} }
    let isOnline = header.plan.file == WebUpdater.onlineFile
    let source =
      isOnline
      ? WebSource.online
      : try Self.source(
        file ?? header.file, expecting: header.plan.after, keeping: .copied(in: state.path))
    let journal = try FileJournal(path: unfinished.path)
    let owner = TerminalOwner(json: json, yes: true)
    owner.mindSignals()
    let report = await WebUpdater(
      door: door, owner: owner, surroundings: .files(in: state, downloadPort: nil)
    ).resume(source, header, unfinished.records, journal: journal)
    owner.show(report)
    return report.exitCode
  }
}
