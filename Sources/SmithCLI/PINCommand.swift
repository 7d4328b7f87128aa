import ArgumentParser
import Foundation
import SmithAT
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors

struct PINCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin", abstract: "Shows what the SIM wants, and enters its PIN if you say so.",
    discussion: """
      What the SIM wants and the tries that are left are shown first. With --enter the PIN is \
      asked for without being shown, or taken from MODEMSMITH_SIM_PIN or --pin-file; it is never \
      an argument, never kept and in no log. One attempt is made, and the counter is read again. \
      With one try left, or where the stick does not tell, nothing is sent without \
      --even-if-last.
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Enter the PIN, once.") var enter = false
  @Option(name: .long, help: "File with the PIN in its first line.") var pinFile: String?
  @Flag(name: .long, help: "Send it even if it may be the last try.") var evenIfLast = false
  @Flag(name: .shortAndLong, help: "Do not ask whether it should be sent.") var yes = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if let page = try await PageTarget.meant(by: target) {
        return try await run(HiLinkPIN(page.hiLink.session)) { await page.hiLink.link.pause($0) }
      }
      let (bus, place) = try await target.bus()
      // Who only looks is no reason to take the modem away from others.
      guard enter else { return try await run(on: bus, at: place) }
      return try await TerminalOwner(json: common.json, yes: yes).keepingAway(from: place) {
        manners throws(Trouble) in try await run(on: manners.minding(bus), at: place)
      }
    }
  }

  private func run(on bus: any Bus, at place: Place) async throws(Trouble) -> SmithModel.ExitCode {
    let link = try await Updater.open(place, on: bus)
    do throws(Trouble) {
      let subject = try await Subject.ask(link, at: place)
      if subject.state == .silent { throw LinkError.silent.trouble }
      guard subject.state == .normal else { throw Self.notNormal }
      let door = ATSIMPIN(ATSession(link: link), vendor: subject.report.vendor)
      let code = try await run(door) { await bus.pause($0) }
      await link.close()
      return code
    } catch {
      await link.close()
      throw error
    }
  }

  private func run(_ door: any SIMPINDoor, _ pause: @escaping (Duration) async -> Void)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    guard enter else {
      show(try await door.state(), verdict: nil)
      return .ok
    }
    let (verdict, now) = try await PINEntry(door, pause: pause).enter(mayUseLast: evenIfLast) {
      state throws(Trouble) in try word(state)
    }
    show(now, verdict: verdict)
    return verdict == .notNeeded ? .nothingToDo : .ok
  }

  /// The PIN, after the tries were shown; nil if the owner does not want to.
  private func word(_ state: SIMPINState) throws(Trouble) -> SIMPIN? {
    if !common.json {
      let left = state.triesLeft.map(String.init) ?? "not told"
      Output.error("The SIM wants its PIN; tries left: \(left).")
    }
    let given = try Secret.given(file: pinFile, variable: "MODEMSMITH_SIM_PIN")
    if given != nil, !yes {
      guard !common.json, isatty(0) == 1 else { throw UpdateCommand.needsYes }
      guard TerminalOwner(json: false, yes: false).agreed(typing: "yes") != nil else { return nil }
    }
    // Typing it is the word of the owner.
    guard let text = given ?? Secret.typed("PIN (not shown): ") else { return nil }
    guard let pin = SIMPIN(text) else {
      throw Trouble(
        "usage.bad-secret", "A PIN is four to eight digits; nothing was sent.",
        advice: ["Check it in the operator's letter."], exitCode: .usage)
    }
    return pin
  }

  private func show(_ state: SIMPINState, verdict: PINEntry.Verdict?) {
    if common.json {
      Output.json(
        .object([
          "event": .string("pin"), "needs": .string(state.need.rawValue),
          "tries_left": state.triesLeft.map { .integer($0) } ?? .null,
          "puk_tries_left": state.pukTriesLeft.map { .integer($0) } ?? .null,
          "verdict": .text(verdict?.rawValue),
        ]))
      return
    }
    Output.line("SIM        \(Self.words(state.need))")
    Output.line("tries      \(state.triesLeft.map(String.init) ?? "not told")")
    Output.line("PUK tries  \(state.pukTriesLeft.map(String.init) ?? "not told")")
    if verdict == .open { Output.line("The PIN was right.") }
  }

  private static func words(_ need: SIMPINState.Need) -> String {
    switch need {
    case .nothing: "wants nothing"
    case .pin: "wants its PIN"
    case .puk: "wants its PUK"
    case .noSIM: "not there"
    case .unknown: "does not say"
    }
  }

  private static let notNormal = Trouble(
    "stick.wrong-mode", "The SIM can be asked only while the stick runs its firmware.",
    advice: ["If it waits in download mode, finish its update with `modemsmith resume`."],
    exitCode: .refused)
}
