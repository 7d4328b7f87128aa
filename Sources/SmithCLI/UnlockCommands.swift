import ArgumentParser
import Foundation
import SmithEngine
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization

struct UnlockCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlock",
    abstract: "Shows the SIM lock of your own stick, and enters a code if you say so.",
    discussion: """
      The lock and the tries that are left are shown first. A code is yours (--code), or \
      calculated from the IMEI that the attached Huawei stick tells; nothing else can be \
      calculated. Each attempt needs your word that the stick is yours: typed, or --yes with \
      --this-stick-is-mine, which is good for one attempt. After each the counter is read again. \
      With three or fewer tries left nothing is sent. Every attempt is kept in a journal before \
      it is sent. A HiLink stick is asked over its page, and goes to a serial port for the code \
      and back.
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "A code of eight digits that you have, from the operator perhaps.")
  var code: String?
  @Option(name: .long, help: "Only this calculated code: v1, v2 or v201.")
  var codeVersion: String?
  @Option(name: .long, help: "Enter no code while so few tries are left, or fewer.")
  var stopAt = 3
  @Flag(name: .long, help: "Show the lock and what could be tried; send nothing.")
  var show = false
  @Flag(name: .long, help: "Show the calculated codes and the flash code of your stick.")
  var showCodes = false
  @Flag(name: .long, help: "First ask for the counter's reset with the code's hash (v1, v2).")
  var resetCounter = false
  @Flag(name: .long, help: "Send a code that this stick has refused before.") var again = false
  @Flag(name: .shortAndLong, help: "Do not ask; goes with --this-stick-is-mine.") var yes = false
  @Flag(name: .long, help: "You confirm that the attached stick belongs to you.")
  var thisStickIsMine = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let request = try request()
      let owner = UnlockTerminal(json: common.json, yes: yes && thisStickIsMine)
      if showCodes { try owner.confirmOwnership(flag: thisStickIsMine) }
      let state = try StateDirectory(target.stateDir)
      let (bus, place, page) = try await target.stick(onlyAsks: request.onlyShows)
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      // Who only looks is no reason to take the modem away from others.
      let manners =
        request.onlyShows
        ? nil
        : try await TerminalOwner(json: common.json, yes: yes)
          .manners(at: place, keepingNetwork: page != nil)
      defer { manners?.end() }
      let unlocker = Unlocker(
        bus: manners?.minding(bus) ?? bus, owner: owner,
        surroundings: .files(in: state, tool: CommandLineFace.version), page: page)
      let thread = PortThread()
      let report = await withTaskExecutorPreference(thread) {
        await unlocker.run(request, at: place)
      }
      owner.show(report, codes: showCodes ? HuaweiUnlockAdvice(for: report.device) : nil)
      return report.exitCode
    }
  }

  private func request() throws(Trouble) -> UnlockRequest {
    var request = UnlockRequest()
    request.onlyShows = show || showCodes
    request.resetsCounter = resetCounter
    request.again = again
    guard (0...10).contains(stopAt) else {
      throw Trouble(
        "unlock.bad-request", "--stop-at takes a number from 0 to 10.",
        advice: ["Leave it out to stop at three."], exitCode: .usage)
    }
    request.stopAt = stopAt
    if let code {
      guard let read = UnlockCode(code) else {
        throw Trouble(
          "unlock.bad-request", "A code is eight decimal digits.",
          advice: ["Check it digit by digit; leave blanks out."], exitCode: .usage)
      }
      request.code = read
    }
    if let codeVersion {
      guard let version = HuaweiUnlockAdvice.Version(rawValue: codeVersion), version != .owners
      else {
        throw Trouble(
          "unlock.bad-request", "There is no calculated code \"\(codeVersion)\".",
          advice: ["Choose v1, v2 or v201, or bring a code with --code."], exitCode: .usage)
      }
      request.version = version
    }
    return request
  }
}

/// The owner of a locked stick, at a terminal or behind flags.
final class UnlockTerminal: UnlockOwner {
  private let json: Bool
  /// Whether the flags are still good for an attempt; they are for one.
  private let flagged: Mutex<Bool>
  private let asked = Mutex(0)

  init(json: Bool, yes: Bool) {
    self.json = json
    flagged = Mutex(yes)
  }

  func confirm(_ step: UnlockStep) async -> UnlockConsent? {
    let byFlag = flagged.withLock { flag in
      defer { flag = false }
      return flag
    }
    let isFirst = asked.withLock { count in
      count += 1
      return count == 1
    }
    // A second question where nobody can answer is no question.
    if !isFirst, !byFlag, json || isatty(0) != 1 { return nil }
    if !json { describe(step) }
    if byFlag { return UnlockConsent(how: "--yes --this-stick-is-mine") }
    guard !json, isatty(0) == 1 else { return nil }
    return Self.typesMine(
      "Is this stick yours, and should this one attempt be made? Type ")
      ? UnlockConsent(how: "typed") : nil
  }

  /// Codes are shown to the owner of the stick only.
  func confirmOwnership(flag: Bool) throws(Trouble) {
    if flag { return }
    if !json, isatty(0) == 1, Self.typesMine("Codes are for the owner. Is this stick yours? Type ")
    {
      return
    }
    throw Trouble(
      "unlock.not-confirmed", "Nobody confirmed that the stick is theirs; nothing was sent.",
      advice: ["Add `--this-stick-is-mine`, if it is."], exitCode: .refused)
  }

  private static func typesMine(_ question: String) -> Bool {
    Output.raw(question + Output.paint("mine", .bold) + ", anything else to stop: ")
    // What was typed before the question stood there is no answer to it.
    tcflush(0, TCIFLUSH)
    let typed = readLine(strippingNewline: true)?.trimmingCharacters(in: .whitespaces)
    return typed?.lowercased() == "mine"
  }

  private func describe(_ step: UnlockStep) {
    let what =
      step.kind == .counterReset
      ? "the counter's reset, with the hash of the \(step.version.rawValue) code"
      : step.version == .owners ? "your code" : "the \(step.version.rawValue) code"
    Output.error("")
    Output.error("Next: \(what). Tries left: \(step.triesLeft).")
    if let confidence = step.confidence { Output.error("  how sure: \(confidence.words)") }
    Output.error("  why:      \(step.reason)")
    if step.kind == .code { Output.error("  a wrong code costs one try, for good") }
  }

  func hear(_ event: UnlockEvent) async {
    if json {
      Output.json(event.json)
      return
    }
    switch event {
    case .lock(let lock): Output.error(Output.paint("• SIM lock: \(lock.words)", .bold))
    case .advice(let advice):
      for candidate in advice.candidates {
        Output.error(
          "  \(candidate.version.rawValue): \(candidate.confidence.words) (\(candidate.reason))")
      }
      for note in advice.notes { Output.error(Output.paint("! \(note)", .yellow)) }
    case .attempt(let outcome):
      let answer = outcome.answer ?? "no answer came"
      let code = outcome.version == .owners ? "your code" : outcome.version.rawValue
      Output.error("  \(code): \(answer); \(outcome.countWords)")
    case .note(let text): Output.error("  \(text)")
    }
  }

  /// The last word.
  func show(_ report: UnlockReport, codes: HuaweiUnlockAdvice?) {
    if json {
      Output.json(report.json(codes: codes))
      return
    }
    for candidate in codes?.candidates ?? [] {
      Output.line("\(candidate.version.rawValue) code: \(candidate.code.digits)")
    }
    if let flash = codes?.flashCode { Output.line("flash code: \(flash.digits)") }
    for warning in report.warnings { Output.error(Output.paint("! \(warning)", .yellow)) }
    if let trouble = report.trouble { Output.show(trouble) }
    switch report.verdict {
    case .open: Output.line("open: the SIM that is in it needs no code (another one may)")
    case .unlocked:
      Output.line(Output.paint("✓ unlocked", .green) + ": the stick says that no code is needed")
    case .stillLocked:
      let tries = report.after?.triesWords.map { ", \($0)" } ?? ""
      Output.line("still locked\(tries)")
    case .blocked: Output.line("blocked: the stick takes no code any more")
    case .unknown where report.attempts.isEmpty: Output.line("the lock could not be read")
    case .unknown: Output.line("unknown: run `modemsmith unlock --show` when it is plugged in")
    }
    if let journal = report.journal { Output.line("  journal: \(journal)") }
  }
}

extension HuaweiUnlockAdvice.Confidence {
  /// For people.
  var words: String {
    switch self {
    case .likely: "likely right"
    case .possible: "possibly right"
    case .unlikely: "probably wrong"
    }
  }
}

extension DeviceReport.SIMLock.Status {
  /// For people.
  var words: String {
    switch self {
    case .codeNeeded: "a code is needed for this SIM"
    case .noCodeNeeded: "no code is needed for this SIM"
    case .blocked: "blocked"
    case .unknown: "not known"
    }
  }
}

extension DeviceReport.SIMLock {
  /// For people.
  var words: String { "\(status.words), \(triesWords ?? "tries not told")" }

  /// How many tries are left, for people; nil if the stick does not tell.
  var triesWords: String? { triesLeft.map { $0 == 1 ? "1 try left" : "\($0) tries left" } }

  /// As an object of the JSON contract; wrong codes are known only where the first count is.
  var json: JSONValue {
    .object([
      "status": .string(status.rawValue),
      "tries_left": triesLeft.map { .integer($0) } ?? .null,
      "wrong_codes": wrongCodes.map { .integer($0) } ?? .null,
    ])
  }
}

extension UnlockOutcome {
  fileprivate var countWords: String {
    let after = triesAfter.map { "the counter shows \($0)" } ?? "the counter could not be read"
    return switch usedTry {
    case true: "a try was used, \(after)"
    case false: "no try was used, \(after)"
    default: "whether a try was used is unknown"
    }
  }

  fileprivate var json: JSONValue {
    .object([
      "kind": .string(kind.rawValue), "version": .string(version.rawValue),
      "answer": .text(answer), "tries_before": .integer(triesBefore),
      "tries_after": triesAfter.map { .integer($0) } ?? .null,
      "used_try": usedTry.map { .bool($0) } ?? .null,
    ])
  }
}

extension UnlockEvent {
  /// The event as an object of the JSON contract; never with a code.
  var json: JSONValue {
    switch self {
    case .lock(let lock): .object(["event": .string("lock"), "sim_lock": lock.json])
    case .advice(let advice):
      .object([
        "event": .string("advice"),
        "candidates": .array(
          advice.candidates.map {
            .object([
              "version": .string($0.version.rawValue),
              "confidence": .string($0.confidence.rawValue), "reason": .string($0.reason),
            ])
          }), "notes": .array(advice.notes.map { .string($0) }),
      ])
    case .attempt(let outcome):
      .object(["event": .string("attempt"), "attempt": outcome.json])
    case .note(let text): .object(["event": .string("note"), "text": .string(text)])
    }
  }
}

extension UnlockReport {
  /// The report as the last object of the JSON contract.
  func json(codes: HuaweiUnlockAdvice?) -> JSONValue {
    var object: [String: JSONValue] = [
      "event": .string("report"), "verdict": .string(verdict.rawValue),
      "device": ShownDevice(report: device, mode: nil, place: nil, showIdentity: false).json,
      "before": before?.json ?? .null, "after": after?.json ?? .null,
      "attempts": .array(attempts.map(\.json)),
      "warnings": .array(warnings.map { .string($0) }), "journal": .text(journal),
      "trouble": trouble?.json ?? .null, "exit_code": .integer(Int(exitCode.rawValue)),
    ]
    if let codes {
      var shown: [String: JSONValue] = [:]
      for candidate in codes.candidates {
        shown[candidate.version.rawValue] = .string(candidate.code.digits)
      }
      shown["flash"] = .text(codes.flashCode?.digits)
      object["codes"] = .object(shown)
    }
    return .object(object)
  }
}

/// Codes that were entered earlier, as `history` shows them.
enum UnlockHistory {
  static func show(_ state: StateDirectory, json: Bool) {
    for (path, records) in state.allUnlockJournals() {
      guard case .began(let header)? = records.first else { continue }
      var verdict: UnlockVerdict?
      var attempts = 0
      for record in records {
        switch record {
        case .attempting: attempts += 1
        case .ended(let last): verdict = last
        case .began, .answered, .counted: break
        }
      }
      if json {
        Output.json(
          .object([
            "event": .string("unlock-history"), "time": .string(header.time),
            "place": .text(header.place), "model": .text(header.model),
            "attempts": .integer(attempts), "verdict": .text(verdict?.rawValue),
            "journal": .string(path),
          ]))
      } else {
        Output.line(
          "\(header.time)  \(header.model ?? "stick")  unlock, \(attempts) attempts  "
            + (verdict?.rawValue ?? "interrupted"))
      }
    }
  }
}
