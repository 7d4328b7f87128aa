import ArgumentParser
import Foundation
import SmithBench
import SmithEngine
import SmithFormats
import SmithLibrary
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithVendors

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Says what an update would do; nothing is sent to flash.",
    discussion: """
      The stick is asked who it is, and the file is compared with it. The plan names every item, \
      what cannot be saved or checked, and what rests on inference. It ends with 0 if `update` \
      would begin, 3 if the stick runs that version already, 5 if the file is not for it, and 6 \
      if the file is damaged.

        modemsmith plan firmware.bin
        modemsmith plan firmware.bin --json | jq .items
      """)

  @Argument(help: "The firmware file, an archive or folder with one.") var file: String?
  @OptionGroup var choice: InsideOptions
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var rules: PolicyOptions
  @OptionGroup var page: PageUpdateOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if let web = try await WebUpdateTarget.ifItTakes(
        file, target, page, policy: try rules.policy(), json: common.json)
      {
        return try await web.plan()
      }
      guard let file, !page.online else { throw PageUpdateOptions.needsFile }
      let image = try FirmwareFile(file, inside: choice.inside).open(with: rules.with)
      try KnownBad.refuse(image, dataDir: target.dataDir)
      let (bus, place, page) = try await target.stick()
      let owner = TerminalOwner(json: common.json, yes: false)
      let updater = Updater(bus: bus, owner: owner, surroundings: .forQueries, page: page)
      let subject = try await updater.look(for: image, at: place)
      let fit = Fit.judge(ImageFacts(image.image), subject.report)
      let outcome: Planner.Outcome
      do throws(Trouble) {
        outcome = try Planner.plan(image, subject, policy: try rules.policy())
      } catch {
        // A refusal names one reason; the fit names all.
        fit.show(json: common.json)
        throw error
      }
      switch outcome {
      case .plan(let planned):
        let keeper = (try? StateDirectory(target.stateDir)).map { HistoryKeeper(state: $0) }
        let plan = planned.expecting(keeper?.expectedSeconds(planned))
        if common.json { Output.json(plan.json(fit)) } else { PlanText.show(plan) }
        if !common.json { fit.show(json: false) }
        return .ok
      case .alreadyThere(let version, let open):
        if common.json {
          Output.json(
            .object([
              "event": .string("plan"), "already_there": .text(version),
              "leaves_open": .text(open), "fit": fit.json,
            ]))
        } else {
          Output.line("nothing to do: the stick runs \(version) already")
          if let open { Output.line("not known: \(open)") }
        }
        return .nothingToDo
      }
    }
  }
}

struct UpdateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Updates a stick: checks, saves, asks, writes, and asks the stick afterwards.",
    discussion: """
      Nothing is written before the plan was shown and agreed to: you type the model's name, or \
      give --yes. "Updated" is said only when the stick itself answers with the new version. \
      Ctrl-C stops at the next door that allows it, and says so. An interruption is no disaster: \
      plug the stick in again and run `modemsmith resume`.

        modemsmith update firmware.bin
        modemsmith update firmware.bin --place 1-2.3     one of several sticks
        modemsmith update firmware.bin --yes --json      for programs; the last line is the report

      It ends with 0 if the update is verified, 3 if there was nothing to do, 4 without a stick, \
      5 if it was refused, 6 for a damaged file, 7 if it failed and the stick still works, 8 if \
      the stick waits for `resume`, 9 if nobody knows, 10 with warnings, and 130 if you stopped \
      it.
      """)

  @Argument(help: "The firmware file (.bin, .exe, a folder of parts, or an archive).")
  var file: String?
  @OptionGroup var choice: InsideOptions
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var rules: PolicyOptions
  @Flag(name: .long, help: "Agree without being asked.") var yes = false
  @Flag(name: .long, help: "Stop after the plan.") var dryRun = false
  @OptionGroup var page: PageUpdateOptions

  func run() async throws {
    if dryRun {
      var plan = PlanCommand()
      plan.file = file
      plan.choice = choice
      plan.target = target
      plan.common = common
      plan.rules = rules
      plan.page = page
      return try await plan.run()
    }
    try await explaining(json: common.json, asReport: true) { () throws(Trouble) in
      if let web = try await WebUpdateTarget.ifItTakes(
        file, target, page, policy: try rules.policy(), json: common.json)
      {
        return try await web.update(yes: yes)
      }
      guard let file, !page.online else { throw PageUpdateOptions.needsFile }
      let state = try StateDirectory(target.stateDir)
      let image = try FirmwareFile(file, inside: choice.inside).open(
        with: rules.with, keeping: .copied(in: state.path))
      try KnownBad.refuse(image, dataDir: target.dataDir)
      let policy = try rules.policy()
      let (bus, place, page) = try await target.stick()
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let history = HistoryKeeper(state: state)
      let owner = TerminalOwner(
        json: common.json, yes: yes, expectedSeconds: { history.expectedSeconds($0) })
      if !yes, common.json || isatty(0) != 1 { throw Self.needsYes }
      if !image.isSteady { owner.warn(Self.noCopy(state)) }
      var surroundings = Surroundings.files(in: state, downloadPort: target.downloadPort)
      surroundings.diagPort = target.diagPort.map {
        URL(fileURLWithPath: $0).standardizedFileURL.path
      }
      owner.mindSignals()
      let watch = PhaseWatch(owner)
      let manners = try await owner.manners(at: place, keepingNetwork: page != nil)
      defer { manners.end() }
      let updater = Updater(
        bus: manners.minding(bus), owner: manners.minding(watch), surroundings: surroundings,
        page: page)
      let thread = PortThread()
      let report = await withTaskExecutorPreference(thread) {
        await updater.update(image, at: place, policy: policy)
      }
      history.keep(report, image, place, watch)
      owner.show(report)
      return report.exitCode
    }
  }

  /// What the owner is told where there is no room for a private copy of the file.
  static func noCopy(_ state: StateDirectory) -> String {
    "There is no room for a copy of the file in \(state.path): leave the file alone until the"
      + " update is done. If it changes, the update stops and needs the original file again."
  }

  static let needsYes = Trouble(
    "consent.missing", "Nobody can be asked here: standard input is no terminal.",
    advice: ["Look at the plan with `modemsmith plan FILE`, then add --yes."], exitCode: .refused)
}

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Goes on with an interrupted update.",
    discussion: """
      Plug in the same stick first. The journal says how far it came: the interrupted part is \
      written again from its start, then the rest; if all was written, the stick is only asked. \
      The file has to be the same, to the byte. Nothing happens where nothing was interrupted.

        modemsmith resume
        modemsmith resume /media/backup/firmware.bin     the file was moved since
      """)

  @Argument(help: "The firmware file, if it was moved since.") var file: String?
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Accepted for symmetry; consent was given when the update began.")
  var yes = false
  @Option(name: .long, help: "The journal to go on with, if it is not the newest open one.")
  var journal: String?

  func run() async throws {
    try await explaining(json: common.json, asReport: true) { () throws(Trouble) in
      let state = try StateDirectory(target.stateDir)
      let named = target.port.map {
        Place.named(URL(fileURLWithPath: $0).standardizedFileURL.path)
      }
      let wanted = named ?? target.place.map { Place.usb($0) }
      let page = try target.web.map { text throws(Trouble) in
        try WebTarget.place(text, target)
      }
      guard let unfinished = try unfinished(in: state, page: page, at: wanted) else {
        throw Self.nothing
      }
      for note in unfinished.notes { TerminalOwner(json: common.json, yes: true).warn(note) }
      if unfinished.header.plan.route.hasSuffix("-web") {
        return try await WebUpdateTarget.resume(
          unfinished, target, file: file, in: state, json: common.json)
      }
      let lock = try state.hold(unfinished.header.place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let image = try FirmwareFile(file ?? unfinished.header.file).open(
        sha256: unfinished.header.plan.sha256, with: unfinished.header.others ?? [],
        keeping: .copied(in: state.path)
      ).asPlanned(unfinished.header.plan)
      let journal = try FileJournal(path: unfinished.path)
      let owner = TerminalOwner(json: common.json, yes: true)
      if !image.isSteady { owner.warn(UpdateCommand.noCopy(state)) }
      let surroundings = Surroundings.files(
        in: state, downloadPort: target.downloadPort ?? unfinished.header.downloadPort)
      owner.mindSignals()
      let watch = PhaseWatch(owner)
      let history = HistoryKeeper(state: state)
      let door = try pageDoor(unfinished.header)
      let manners = try await owner.manners(
        at: unfinished.header.place, keepingNetwork: door != nil)
      defer { manners.end() }
      let updater = Updater(
        bus: manners.minding(bus(for: unfinished.header)), owner: manners.minding(watch),
        surroundings: surroundings, page: door)
      let thread = PortThread()
      let report = await withTaskExecutorPreference(thread) {
        await updater.resume(
          image, unfinished.header, unfinished.records, journal: journal,
          policy: unfinished.header.policy ?? Policy())
      }
      history.keep(report, image, unfinished.header.place, watch, resumed: true)
      owner.show(report)
      return report.exitCode
    }
  }

  /// The update over that page, or the one at that place that used it on the way.
  private func unfinished(in state: StateDirectory, page: Place?, at place: Place?)
    throws(Trouble) -> Unfinished?
  {
    if let journal { return try state.unfinished(named: journal) }
    if let ending = target.imeiEnds {
      try ThisComputer.check(imeiEnds: ending)
      guard place == nil, page == nil else { throw Self.oneTarget }
      // Waiting in download mode it cannot be asked: what was saved of it decides.
      guard let found = try state.unfinished(imeiEnds: ending) else { throw Self.nothingOfThatIMEI }
      return found
    }
    guard let page else { return try state.unfinished(at: place) }
    if let found = try state.unfinished(at: page) { return found }
    let found = try state.unfinished(at: place)
    return found?.header.page == nil ? nil : found
  }

  /// The page that the update began with, through the card that the stick has now.
  private func pageDoor(_ header: JournalHeader) throws(Trouble) -> StickPageDoor? {
    guard let text = target.web ?? header.page else { return nil }
    var named = target
    named.web = text
    if case .usb(let chain) = header.place { named.place = chain }
    guard let link = try named.namedPage() else { return nil }
    return StickPageDoor(link, address: "\(link.address)", login: try target.login())
  }

  private func bus(for header: JournalHeader) -> any Bus {
    switch header.place {
    case .named(let path):
      NamedPortBus(
        port: path,
        downloadPort: (target.downloadPort ?? header.downloadPort).map {
          URL(fileURLWithPath: $0).standardizedFileURL.path
        },
        diagPort: (target.diagPort ?? header.diagPort).map {
          URL(fileURLWithPath: $0).standardizedFileURL.path
        })
    case .usb: ThisComputer.bus()
    }
  }

  private static let oneTarget = Trouble(
    "usage.bad-target", "--imei-ends goes without --port, --place and --web here.",
    advice: ["Name the stick in one way."], exitCode: .usage)

  private static let nothingOfThatIMEI = Trouble(
    "resume.nothing", "No interrupted update is of a stick whose IMEI is known to end so.",
    advice: ["Say where it is plugged in: `modemsmith resume --place PLACE`."],
    exitCode: .nothingToDo)

  static let nothing = Trouble(
    "resume.nothing", "There is no interrupted update.",
    advice: ["Begin one with `modemsmith update FILE`."], exitCode: .nothingToDo)
}

struct RehearseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rehearse",
    abstract: "Does the whole update on a simulated stick, in virtual time; no stick is needed.",
    discussion: """
      The same plan, procedure and verification as `update`, against a stick of ours that takes \
      such a file and runs an older version; --model and --firmware say which. No port is \
      opened. What real sticks do beyond their descriptions shows only on them.

        modemsmith rehearse firmware.bin
        modemsmith rehearse firmware.bin --model huawei-e3372h --firmware 21.180.01.00.00
      """)

  @Argument(help: "The firmware file, an archive or folder with one.") var file: String
  @OptionGroup var choice: InsideOptions
  @Option(name: .long, help: "The simulated model (default: one that takes such a file).")
  var model: String?
  @Option(name: .long, help: "The version that it runs before.") var firmware: String?
  @OptionGroup var common: CommonOptions
  @OptionGroup var rules: PolicyOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let image = try FirmwareFile(file, inside: choice.inside).open(with: rules.with)
      let model = if let model { model } else { try SimulatedModels.taking(image.image) }
      // A Gobi 2000 is written from its loader only.
      let switches = SimulatedModels.Switches(
        signed: image.isSigned, inLoader: image.image.format == .gobi2000)
      let stick = try SimulatedModels.stick(
        model, firmware: firmware ?? SimulatedModels.olderFirmware(than: image.image, for: model),
        options: switches)
      let owner = TerminalOwner(json: common.json, yes: true)
      let policy = try rules.policy()
      let report =
        switch stick {
        case .huawei(let stick): await rehearse(image, on: VirtualBus(stick), owner, policy)
        case .huaweiQualcomm(let stick):
          await rehearse(image, on: VirtualBus(stick), owner, policy)
        case .sierra(let stick): await rehearse(image, on: VirtualBus(stick), owner, policy)
        case .zte(let stick): await rehearse(image, on: VirtualBus(stick), owner, policy)
        case .qualcomm(let stick): await rehearse(image, on: VirtualBus(stick), owner, policy)
        }
      if !common.json { Output.error("A rehearsal on a simulated \(model); no stick was touched.") }
      owner.show(report)
      return report.exitCode
    }
  }

  private func rehearse(
    _ image: CheckedImage, on bus: VirtualBus<some StickBody>, _ owner: TerminalOwner,
    _ policy: Policy
  ) async -> UpdateReport {
    let surroundings = Surroundings(
      newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(),
      tool: CommandLineFace.version)
    // It was plugged in just now, and takes its time to start.
    let end = bus.now + .seconds(60)
    while bus.now < end, (try? await bus.ports())?.isEmpty != false {
      await bus.pause(.milliseconds(500))
    }
    return await Updater(bus: bus, owner: owner, surroundings: surroundings)
      .update(image, at: bus.place, policy: policy)
  }
}

extension Surroundings {
  /// Files in the state directory, and this computer's power supply.
  static func files(in state: StateDirectory, downloadPort: String?) -> Surroundings {
    Surroundings(
      newJournal: { () throws(Trouble) in try state.newJournal() }, backups: .files(in: state),
      power: { PowerSupply.state() }, tool: CommandLineFace.version,
      downloadPort: downloadPort.map { URL(fileURLWithPath: $0).standardizedFileURL.path })
  }

  /// For commands that change nothing.
  static let forQueries = Surroundings(
    newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(),
    tool: CommandLineFace.version)
}

extension Plan {
  /// The plan as an object of the JSON contract.
  var json: JSONValue { json(nil) }

  /// The same with how the file fits the stick, reason for reason.
  func json(_ fit: Fit?) -> JSONValue {
    .object([
      "event": .string("plan"), "fit": fit?.json ?? .null, "route": .string(route),
      "way": .string(FrontDoor.way(ofRoute: route).rawValue), "vendor": .string(vendor),
      "model": .text(model), "products": .array(products.map { .string($0) }),
      "before": .text(before), "after": .text(after), "file": .string(file),
      "sha256": .string(sha256), "signed": .bool(signed), "bytes": .integer(totalBytes),
      "expected_seconds": .number(expectedSeconds.rounded()),
      "items": .array(
        items.map {
          .object([
            "id": .string(String($0.id, radix: 16)), "name": .string($0.name),
            "bytes": .integer($0.bytes),
          ])
        }),
      "stages": .array(
        stages.map {
          .object(["stage": .string($0.rawValue), "one_way": .bool($0.isOneWay)])
        }),
      "cannot_back_up": .array(cannotBackUp.map { .string($0) }),
      "cannot_verify": .array(cannotVerify.map { .string($0) }),
      "warnings": .array(warnings.map { .string($0) }), "evidence": .string(evidence),
      "inferences": .array(inferences.map { .string($0) }),
      "steps": .array(
        (steps ?? []).map {
          .object(["text": .string($0.text), "mark": .string($0.mark)])
        }), "knowledge_ends": .text(end),
    ])
  }
}
