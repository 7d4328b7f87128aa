import ArgumentParser
import Foundation
import SmithEngine
import SmithLibrary
import SmithModel

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Shows earlier updates and how they ended.",
    discussion: """
        modemsmith history               the newest last
        modemsmith history show 3        one of them, with its phases
      """,
    subcommands: [HistoryListCommand.self, HistoryShowCommand.self],
    defaultSubcommand: HistoryListCommand.self)
}

struct HistoryListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows earlier updates and how they ended.")

  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let state = try StateDirectory(stateDir)
      let runs = History.exists(in: state) ? try History(in: state).runs() : []
      for run in runs {
        if common.json { Output.json(run.json) } else { Output.line(run.line) }
      }
      // A run that was killed has a journal and no line of history.
      let kept = Set(runs.compactMap(\.journal))
      for path in state.allJournals() where !kept.contains(path) {
        guard let records = try? FileJournal.read(path), case .planned(let header)? = records.first
        else {
          Output.error("  unreadable: \(path)")
          continue
        }
        show(header, records, path)
      }
      for path in state.journalsSetAside() { Output.error("  unreadable: \(path)") }
      UnlockHistory.show(state, json: common.json)
      RescueHistory.show(state, json: common.json)
      return .ok
    }
  }

  private func show(_ header: JournalHeader, _ records: [JournalRecord], _ path: String) {
    var verdict: Verdict?
    for case .ended(let last) in records { verdict = last }
    let plan = header.plan
    if common.json {
      Output.json(
        .object([
          "event": .string("history"), "time": .string(header.time), "place": .text(header.place),
          "model": .text(plan.model), "before": .text(plan.before), "after": .text(plan.after),
          "file": .string(header.file), "sha256": .string(plan.sha256),
          "verdict": .text(verdict?.rawValue), "journal": .string(path),
        ]))
    } else {
      Output.line(
        "-  \(header.time)  \(plan.model ?? plan.vendor)  \(plan.before?.text ?? "unknown") → "
          + "\(plan.after?.text ?? "unknown")  \(verdict?.rawValue ?? "interrupted")")
    }
  }
}

struct HistoryShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows one update with its phases.")

  @Argument(help: "Its number.") var number: Int
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let run = try History(in: try StateDirectory(stateDir)).run(number)
      if common.json { Output.json(run.json) } else { run.show() }
      return .ok
    }
  }
}

/// Rescues as their journals have them; the update that followed is a line of its own.
enum RescueHistory {
  static func show(_ state: StateDirectory, json: Bool) {
    for (path, records) in state.allRescueJournals() {
      guard case .planned(let plan, let place, _, let time)? = records.first else {
        Output.error("  unreadable: \(path)")
        continue
      }
      var ending: String?
      var sent = 0
      var answers = false
      for record in records {
        switch record {
        case .planned, .waiting: break
        case .sending: sent += 1
        case .loaderAnswers: answers = true
        case .ended(let last): ending = last
        }
      }
      if json {
        Output.json(
          .object([
            "event": .string("rescue-history"), "time": .string(time), "place": .text(place),
            "chip": .text(plan.chip), "loader": .string(plan.loader),
            "parts_sent": .integer(sent), "loader_answers": .bool(answers),
            "update_file": .text(plan.update?.file), "ending": .text(ending),
            "journal": .string(path),
          ]))
      } else {
        Output.line(
          "\(time)  \(plan.chip ?? "stick")  rescue, loader "
            + "\(answers ? "answered" : "did not answer")  \(ending ?? "interrupted")")
      }
    }
  }
}

extension History.Run {
  var json: JSONValue {
    .object([
      "event": .string("history"), "number": .integer(id), "time": .string(began),
      "place": .string(place), "vendor": .text(vendor), "model": .text(model),
      "hardware": .text(hardware), "before": .text(before), "after": .text(after),
      "verdict": .string(verdict.rawValue), "trouble": .text(trouble), "file": .string(file),
      "sha256": .string(sha256), "bytes": .integer(bytes),
      "seconds": .number((seconds * 100).rounded() / 100), "journal": .text(journal),
      "backup": .text(backup), "resumed": .bool(resumed),
      "warnings": .array(warnings.map { .string($0) }),
      "phases": .array(
        phases.map {
          .object([
            "phase": .string($0.phase.rawValue),
            "seconds": .number(($0.seconds * 100).rounded() / 100),
          ])
        }),
    ])
  }

  var line: String {
    "\(id)  \(began)  \(model ?? vendor ?? "stick")  \(before ?? "unknown") → "
      + "\(after ?? "unknown")  \(verdict.rawValue)"
  }

  func show() {
    let rows: [(String, String?)] = [
      ("number", "\(id)"), ("time", began), ("place", place), ("stick", model ?? vendor),
      ("hardware", hardware), ("before", before), ("after", after), ("verdict", verdict.rawValue),
      ("trouble", trouble), ("file", file), ("sha256", sha256),
      ("sent", ProgressText.size(bytes)), ("took", ProgressText.time(seconds)),
      ("resumed", resumed ? "yes" : nil), ("journal", journal), ("backup", backup),
    ]
    for (name, value) in rows {
      guard let value else { continue }
      Output.line(name + String(repeating: " ", count: 10 - name.count) + value)
    }
    for phase in phases {
      Output.line("  \(phase.phase.rawValue)  \(String(format: "%.1f", phase.seconds)) s")
    }
    for warning in warnings { Output.line("! \(warning)") }
  }
}

/// Keeps what an update came to; nothing that goes wrong here changes how the update ended.
struct HistoryKeeper {
  let state: StateDirectory
  let began = Date().formatted(.iso8601)

  func keep(
    _ report: UpdateReport, _ image: CheckedImage, _ place: Place, _ watch: PhaseWatch,
    resumed: Bool = false
  ) {
    var header: JournalHeader?
    if let journal = report.journal,
      case .planned(let first)? = try? FileJournal.read(journal).first
    {
      header = first
    }
    let run = History.Run(
      report, file: image, place: place, began: began, header: header, phases: watch.finish(),
      resumed: resumed)
    do throws(Trouble) { try History(in: state).keep(run) } catch {
      Output.error("  The history could not be kept: \(error.summary)")
    }
  }

  /// How long it will take by what was measured before.
  func expectedSeconds(_ plan: Plan) -> Double? {
    guard History.exists(in: state) else { return nil }
    return (try? History(in: state).expectedSeconds(of: plan)) ?? nil
  }
}
