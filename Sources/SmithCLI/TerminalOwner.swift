import Foundation
import SmithEngine
import SmithModel
import SmithVendors
import Synchronization

/// The owner at a terminal, in a pipe, or behind `--json`.
final class TerminalOwner: Owner {
  private let json: Bool
  private let yes: Bool
  private let stop = Mutex(0)
  private let liveLine = Mutex(false)
  private let signals = SignalWatch()
  private let isWriting = Mutex(false)
  private let lastPercent = Mutex(-10.0)

  private let expectedSeconds: @Sendable (Plan) -> Double?

  /// - Parameter expectedSeconds: how long a plan takes by what was measured before.
  init(
    json: Bool, yes: Bool, expectedSeconds: @escaping @Sendable (Plan) -> Double? = { _ in nil }
  ) {
    self.json = json
    self.yes = yes
    self.expectedSeconds = expectedSeconds
  }

  /// From now on Ctrl-C and its siblings ask instead of ending the process: an update ends at a
  /// door, not in the middle of a write.
  func mindSignals() {
    signals.start { [weak self] in self?.askedToStop() }
  }

  /// Whether a program reads what is said.
  var isForPrograms: Bool { json }

  var wantsToStop: Bool { stop.withLock { $0 > 0 } }

  private func askedToStop() {
    let count = stop.withLock { count in
      count += 1
      return count
    }
    let text =
      isWriting.withLock { $0 }
      ? "Writing has begun: stopping now would leave the stick in download mode. It goes on."
      : "Stopping before the next one-way door."
    if count <= 3 { say(.note(text)) }
  }

  func consent(to checked: CheckedPlan) async -> Consent? {
    if !json { PlanText.show(checked.plan.expecting(expectedSeconds(checked.plan))) }
    return agreed(typing: checked.plan.model ?? checked.plan.products.first ?? "yes")
  }

  /// Asks for a word, unless agreement was given on the command line; nil means no.
  func agreed(typing word: String) -> Consent? {
    if yes { return Consent(how: "--yes") }
    guard !json, isatty(0) == 1 else { return nil }
    // What was typed before the plan stood there is no answer to it.
    tcflush(0, TCIFLUSH)
    Output.raw("Type \(Output.paint(word, .bold)) to begin, anything else to stop: ")
    let typed = typedLine()?.trimmingCharacters(in: .whitespaces)
    return typed?.lowercased() == word.lowercased() ? Consent(how: "typed") : nil
  }

  /// What the owner types; nil at the end of the input, or once Ctrl-C asks to stop.
  private func typedLine() -> String? {
    var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    // Signals do not end the wait by themselves, so it looks up five times a second.
    while unsafe poll(&input, 1, 200) <= 0 {
      if wantsToStop {
        Output.raw("\n")
        return nil
      }
    }
    return readLine(strippingNewline: true)
  }

  func hear(_ event: UpdateEvent) async {
    if case .phase(let phase, _) = event { isWriting.withLock { $0 = phase == .write } }
    say(event)
  }

  /// Says something that was seen before the engine began.
  func warn(_ text: String) { say(.warning(text)) }

  private func say(_ event: UpdateEvent) {
    if json {
      Output.json(event.json)
      return
    }
    switch event {
    case .phase(_, let text):
      endLiveLine()
      Output.error(Output.paint("• \(text)", .bold))
    case .note(let text):
      endLiveLine()
      Output.error("  \(text)")
    case .warning(let text):
      endLiveLine()
      Output.error(Output.paint("! \(text)", .yellow))
    case .progress(let progress):
      show(progress)
    }
  }

  /// A live line on a terminal; in a pipe a plain line every ten percent.
  private func show(_ progress: SmithModel.Progress) {
    if Output.isTerminal {
      // The last column stays free: some terminals go on to the next line when it is taken.
      let line = ProgressText.line(progress, within: TerminalWidth.columns.map { $0 - 3 })
      Output.raw("\r\u{1b}[K  \(line)")
      liveLine.withLock { $0 = true }
      if progress.percent >= 100 { endLiveLine() }
    } else {
      let isDue = lastPercent.withLock { last in
        guard progress.percent >= last + 10 || progress.percent >= 100 && last < 100 else {
          return false
        }
        last = progress.percent
        return true
      }
      if isDue { Output.error("  \(ProgressText.line(progress))") }
    }
  }

  private func endLiveLine() {
    let wasLive = liveLine.withLock { live in
      defer { live = false }
      return live
    }
    if wasLive { Output.raw("\n") }
  }

  /// The last word of an update or a resume.
  func show(_ report: UpdateReport) {
    endLiveLine()
    if json {
      Output.json(report.json)
      return
    }
    for warning in report.warnings { Output.error(Output.paint("! \(warning)", .yellow)) }
    if let trouble = report.trouble { Output.show(trouble) }
    let before = report.before?.text ?? "unknown"
    let after = report.after?.text ?? "unknown"
    let seconds = Int(report.seconds.rounded())
    switch report.verdict {
    case .updated:
      Output.line(Output.paint("✓ updated", .green) + ": \(before) → \(after) in \(seconds) s")
      Output.line("  Asked of the stick itself after its restart. Safe to unplug.")
    case .unchanged: Output.line("unchanged: the stick runs \(before)")
    case .failedStillWorks: Output.line("failed: the stick still works and runs \(after)")
    case .needsRescue: Output.line("not finished: the stick waits; run `modemsmith resume`")
    case .unknown: Output.line("unknown: the stick could not be asked; run `modemsmith resume`")
    }
    if let backup = report.backup { Output.line("  backup:  \(backup)") }
    if let journal = report.journal { Output.line("  journal: \(journal)") }
  }
}

extension Plan {
  /// The plan with a measured duration in the place of the estimated one.
  func expecting(_ seconds: Double?) -> Plan {
    var plan = self
    plan.expectedSeconds = seconds ?? expectedSeconds
    return plan
  }
}

/// The plan in words.
enum PlanText {
  static func show(_ plan: Plan) {
    Output.error("")
    Output.error(
      "Plan: \(plan.vendor) \(plan.model ?? plan.products.joined(separator: "/"))"
        + "  (evidence: \(plan.evidence))")
    Output.error("  firmware  \(plan.before?.text ?? "unknown") → \(plan.after?.text ?? "unknown")")
    Output.error("  way       \(FrontDoor.way(ofRoute: plan.route).words)")
    Output.error("  file      \(plan.file)\(plan.signed ? ", signed by its vendor" : "")")
    if let end = plan.end {
      showSteps(plan, end)
      return
    }
    Output.error(
      "  writes    \(plan.itemsWords), \(ProgressText.size(plan.totalBytes)), about "
        + ProgressText.time(plan.expectedSeconds))
    for item in plan.items {
      Output.error("            \(item.name)  \(ProgressText.size(item.bytes))")
    }
    for text in plan.cannotBackUp { Output.error("  not saved:   \(text)") }
    for text in plan.cannotVerify { Output.error("  not checked: \(text)") }
    for text in plan.inferences {
      Output.error(Output.paint("  ? inference, never proven: \(text)", .yellow))
    }
    for text in plan.warnings { Output.error(Output.paint("  ! \(text)", .yellow)) }
    Output.error(
      "  While it writes, do not unplug the stick. If it happens all the same, plug it in again and"
    )
    Output.error("  run `modemsmith resume`.")
    Output.error("")
  }

  /// A way that is known in parts: every step with its evidence, and where knowledge ends.
  private static func showSteps(_ plan: Plan, _ end: String) {
    Output.error(
      "  writes    nothing; in and back takes about \(ProgressText.time(plan.expectedSeconds))")
    for (number, step) in (plan.steps ?? []).enumerated() {
      Output.error("  \(number + 1). [\(step.mark)] \(step.text)")
    }
    Output.error(Output.paint("  knowledge ends here. \(end).", .yellow))
    Output.error("  [C] one capture of a real stick; [D] inference")
    for text in plan.warnings { Output.error(Output.paint("  ! \(text)", .yellow)) }
    Output.error("")
  }
}

/// Progress in words.
enum ProgressText {
  /// One line; where there is less room than it takes, the bar goes first, then the rate and the
  /// time left, then the end of the item's name.
  static func line(_ progress: SmithModel.Progress, within columns: Int? = nil) -> String {
    let filled = Int(progress.percent / 5)
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 20 - filled)
    let percent = String(format: "%3.0f", progress.percent) + " %"
    let rate = progress.rate.map { "  \(size(Int($0)))/s" } ?? ""
    var left = ""
    if let eta = progress.etaSeconds, eta.isFinite, progress.percent < 100 {
      left = "  \(time(eta)) left"
    }
    let end = progress.safeToUnplug ? "  safe to unplug" : "  do not unplug"
    let item = progress.item ?? ""
    let lines = [
      "\(bar) \(percent)  \(item)\(rate)\(left)\(end)", "\(percent)  \(item)\(rate)\(left)\(end)",
      "\(percent)  \(item)\(left)\(end)", "\(percent)  \(item)\(end)",
    ]
    guard let columns else { return lines[0] }
    let room = max(0, columns - percent.count - 2 - end.count)
    return lines.first { $0.count <= columns } ?? "\(percent)  \(item.prefix(room))\(end)"
  }

  static func size(_ bytes: Int) -> String {
    switch bytes {
    case ..<1024: "\(bytes) B"
    case ..<1_048_576: String(format: "%.0f KiB", Double(bytes) / 1024)
    default: String(format: "%.1f MiB", Double(bytes) / 1_048_576)
    }
  }

  static func time(_ seconds: Double) -> String {
    switch seconds {
    case ..<60: "\(Int(seconds.rounded(.up))) s"
    case ..<3600: "\(Int((seconds / 60).rounded(.up))) min"
    default: String(format: "%.1f h", seconds / 3600)
    }
  }
}

extension UpdateEvent {
  /// The event as an object of the JSON contract.
  var json: JSONValue {
    switch self {
    case .phase(let phase, let text):
      return .object([
        "event": .string("phase"), "phase": .string(phase.rawValue), "text": .string(text),
      ])
    case .note(let text): return .object(["event": .string("note"), "text": .string(text)])
    case .warning(let text): return .object(["event": .string("warning"), "text": .string(text)])
    case .progress(let progress):
      return .object([
        "event": .string("progress"), "phase": .string(progress.phase.rawValue),
        "item": .text(progress.item),
        "percent": .number((progress.percent * 10).rounded() / 10),
        "bytes": .integer(progress.bytes), "total_bytes": .integer(progress.totalBytes),
        "rate": progress.rate.map { .number($0.rounded()) } ?? .null,
        "eta_s": progress.etaSeconds.map { .integer(Int(min($0, 1e9).rounded())) } ?? .null,
        "safe_to_unplug": .bool(progress.safeToUnplug),
      ])
    }
  }
}

extension UpdateReport {
  /// The report as the last object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("report"), "verdict": .string(verdict.rawValue),
      "device": ShownDevice(report: device, mode: nil, place: nil, showIdentity: false).json,
      "before": .text(before),
      "after": .text(after), "bytes": .integer(bytes),
      "seconds": .number((seconds * 100).rounded() / 100), "journal": .text(journal),
      "backup": .text(backup), "warnings": .array(warnings.map { .string($0) }),
      "trouble": trouble?.json ?? .null, "exit_code": .integer(Int(exitCode.rawValue)),
    ])
  }
}
