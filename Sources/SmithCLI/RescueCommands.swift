import ArgumentParser
import Foundation
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithPorts
import SmithProtocols
import SmithTrials

struct RescueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rescue",
    abstract: "Brings a stick back that shows only its boot ROM (12d1:1443).",
    discussion: """
      A loader of the chip's vendor is put into the stick's memory; then the stick waits in \
      download mode, and the firmware, if one is given, is written as `update` does it. Loaders \
      that erase the stick's identity are refused, or made harmless in a copy where that is \
      known to work. With --watch it tells step by step how to get to the boot ROM.

        modemsmith rescue --watch
        modemsmith rescue --loader loader.bin firmware.bin
      """)

  @Argument(help: "The firmware to write afterwards; without it the stick is left waiting.")
  var image: String?
  @Option(name: .long, help: "The loader file for this chip.") var loader: String?
  @Flag(name: .long, help: "Guide me to the boot ROM and watch what appears.") var watch = false
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @OptionGroup var rules: PolicyOptions
  @Flag(name: .long, help: "Agree without being asked.") var yes = false

  /// The rule that only a rescue knows.
  private static let unprovenLoader = "unproven-loader"

  func run() async throws {
    try await explaining(json: common.json, asReport: true) { () throws(Trouble) in
      guard loader != nil || watch else { throw Self.needsLoader }
      let state = try StateDirectory(target.stateDir)
      let keeping = FileKeeping.copied(in: state.path)
      let files = try loader.map { path throws(Trouble) in
        (
          try CheckedLoader(path: path, keeping: keeping),
          try image.map { path throws(Trouble) in
            try CheckedImage(path: path, keeping: keeping)
          }
        )
      }
      let policy = try policy()
      let owner = TerminalOwner(json: common.json, yes: yes)
      if files != nil, !yes, common.json || isatty(0) != 1 { throw UpdateCommand.needsYes }
      owner.mindSignals()
      let (bus, place) = try await found(owner)
      guard let (loader, image) = files else { return .ok }
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let manners = try await owner.manners(at: place)
      defer { manners.end() }
      manners.doorOpens()
      let rescuer = Rescuer(
        bus: manners.minding(bus), owner: owner,
        surroundings: .files(in: state, downloadPort: target.downloadPort),
        newJournal: { () throws(Trouble) in try state.newRescueJournal() })
      let report = await withTaskExecutorPreference(PortThread()) {
        await rescuer.rescue(loader, image, at: place, policy: policy)
      }
      show(report, loader, owner)
      return report.exitCode
    }
  }

  private func policy() throws(Trouble) -> RescuePolicy {
    var policy = RescuePolicy()
    policy.allowListedLoader = rules.force.contains(Self.unprovenLoader)
    var rules = rules
    rules.force.removeAll { $0 == Self.unprovenLoader }
    policy.update = try rules.policy()
    return policy
  }

  /// The stick that is meant; with --watch the one that shows up.
  private func found(_ owner: TerminalOwner) async throws(Trouble) -> (any Bus, Place) {
    guard watch else { return try await target.bus() }
    let bus: any Bus
    let place: Place?
    if target.port != nil {
      (bus, place) = try await target.bus()
    } else {
      bus = SystemBus()
      place = target.place.map { .usb($0) }
    }
    let outcome = try await RescueWatch(bus: bus, owner: owner).run(at: place)
    switch outcome {
    case .bootROM(let place):
      if loader == nil { tell("boot-rom", place, "Next: modemsmith rescue --loader LOADER IMAGE") }
      return (bus, place)
    case .download(let place):
      if loader == nil { tell("download", place, "Next: modemsmith update IMAGE") }
      return (bus, place)
    }
  }

  private func tell(_ mode: String, _ place: Place, _ next: String) {
    if common.json {
      Output.json(
        .object([
          "event": .string("watch"), "mode": .string(mode), "place": .text(place),
          "next": .string(next),
        ]))
    } else {
      Output.line("\(place): \(mode)")
      Output.line("  \(next)")
    }
  }

  private func show(_ report: RescueReport, _ loader: CheckedLoader, _ owner: TerminalOwner) {
    if common.json {
      Output.json(report.json(loader))
      return
    }
    if report.reachedUpdate {
      owner.show(report.update)
    } else if let trouble = report.update.trouble {
      Output.show(trouble)
      switch report.update.verdict {
      case .needsRescue: Output.line("not rescued yet: its flash is as it was before")
      case .unknown: Output.line("unknown: the stick could not be asked")
      case .unchanged, .updated, .failedStillWorks: Output.line("nothing was changed")
      }
    } else {
      Output.line("The stick waits in download mode; nothing was written to its flash.")
      Output.line("  Leave it plugged in. Next: modemsmith update FILE")
    }
    if let journal = report.journal { Output.line("  rescue:  \(journal)") }
  }

  private static let needsLoader = Trouble(
    "usage.no-loader", "A rescue needs a loader for the stick's chip.",
    advice: [
      "Give it with --loader FILE; `modemsmith image show FILE` tells whether it may be used.",
      "Add --watch to be guided to the boot ROM first.",
    ], exitCode: .usage)
}

extension TerminalOwner: RescueOwner {
  func consent(toRescue plan: RescuePlan) async -> Consent? {
    if !isForPrograms { RescueText.show(plan) }
    return agreed(typing: plan.word)
  }
}

/// The plan of a rescue in words.
enum RescueText {
  static func show(_ plan: RescuePlan) {
    Output.error("")
    Output.error("Rescue: \(plan.update?.products.joined(separator: "/") ?? "a stick in boot ROM")")
    let chip = plan.chip ?? "chip unknown"
    Output.error("  loader    \(plan.loader)  (\(chip), \(plan.table ?? "no partition table"))")
    Output.error("            \(plan.verdict)")
    for change in plan.changes { Output.error("  changed   \(change)") }
    for part in plan.parts {
      let address = String(part.address, radix: 16)
      Output.error("  sends     \(part.name), \(ProgressText.size(part.bytes)) to \(address)")
    }
    Output.error("            into memory only: unplugging undoes it")
    if let update = plan.update {
      Output.error("  then the update:")
      PlanText.show(update)
    } else {
      Output.error("  then it is left waiting in download mode")
      Output.error("")
    }
  }
}

extension RescueReport {
  /// The report as the last object of the JSON contract: an update's, and what is a rescue's own.
  func json(_ loader: CheckedLoader) -> JSONValue {
    guard case .object(var object) = update.json else { return update.json }
    object["mode"] = .text(reachedUpdate ? nil : state?.word)
    object["loader"] = .string(loader.path)
    object["loader_sha256"] = .string(loader.sha256)
    object["loader_verdict"] = .string(loader.loader.verdict.word)
    object["loader_answers"] = .bool(loaderAnswers)
    object["rescue_journal"] = .text(journal)
    object["exit_code"] = .integer(Int(exitCode.rawValue))
    return .object(object)
  }
}

extension CheckedLoader {
  /// What the file holds, as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("loader"), "format": .string("balong-loader"), "sha256": .string(sha256),
      "chip": .text(loader.chip?.rawValue), "verdict": .string(loader.verdict.word),
      "verdict_text": .string(loader.verdict.words),
      "listed_as_safe": .bool(Self.publishedAsSafe[sha256] != nil),
      "parts": .array(
        loader.parts.map {
          .object([
            "mode": .integer(Int($0.mode)), "name": .string($0.name),
            "bytes": .integer($0.bytes.count), "address": .string(String($0.address, radix: 16)),
            "offset": .integer($0.offset),
          ])
        }),
      "table": .object([
        "product": .text(loader.table?.product), "version": .text(loader.table?.version),
        "partitions": .array((loader.table?.entries ?? []).map { .string($0.name) }),
      ]), "surplus_bytes": .integer(loader.surplus),
    ])
  }

  func show() {
    Output.line("format    loader for a Balong boot ROM (no firmware)")
    Output.line("for       \(loader.chip?.rawValue ?? "a chip whose addresses are not known")")
    Output.line("table     \(loader.table?.product ?? "none found")")
    Output.line("sha256    \(sha256)")
    Output.line("")
    for part in loader.parts {
      Output.line(
        "  mode \(part.mode)  \(part.name)  \(ProgressText.size(part.bytes.count))  to "
          + String(part.address, radix: 16))
    }
    if let table = loader.table {
      Output.line("")
      for entry in table.entries {
        Output.line("  \(entry.name)  \(ProgressText.size(Int(entry.length)))")
      }
    }
    Output.line("")
    Output.line("verdict   \(loader.verdict.words)")
    if let name = Self.publishedAsSafe[sha256] {
      Output.line("          its publisher calls this very file (\(name)) safe; nothing proves it")
    }
    if loader.surplus > 0 { Output.line("! \(loader.surplus) bytes belong to no part") }
  }
}
