public import SmithModel
public import SmithVendors

/// Enters the PIN of a SIM: the tries are shown first, one attempt is made for one word of the
/// owner, and the counter is read again afterwards (Docs/Protocols/sim-pin.md section 3).
public struct PINEntry {
  /// How it ended, in the SIM's own words.
  public enum Verdict: String, Sendable {
    /// The SIM wants nothing any more.
    case open
    /// It wanted nothing before: nothing was sent.
    case notNeeded = "not-needed"
    /// The PIN was wrong: a try is gone.
    case wrong
    /// Nobody knows whether the attempt counted.
    case unknown
  }

  private let door: any SIMPINDoor
  private let pause: (Duration) async -> Void
  /// How often the SIM is asked after the attempt: it takes a moment to start.
  private static let looks = 10

  /// - Parameter pause: lets time pass.
  public init(_ door: any SIMPINDoor, pause: @escaping (Duration) async -> Void) {
    self.door = door
    self.pause = pause
  }

  /// Enters a PIN once.
  ///
  /// - Parameters:
  ///   - mayUseLast: whether it may be sent with one try left, or where the tries are not told.
  ///   - confirm: is shown what the SIM wants; nil or no PIN means that nothing is sent.
  /// - Throws: a refusal; nothing was sent then. `pin.wrong` and `pin.unknown` after the attempt.
  public func enter(
    mayUseLast: Bool, confirm: (SIMPINState) async throws(Trouble) -> SIMPIN?
  ) async throws(Trouble) -> (verdict: Verdict, now: SIMPINState) {
    let before = try await door.state()
    switch before.need {
    case .nothing: return (.notNeeded, before)
    case .pin: break
    case .puk: throw Self.wantsPUK(before)
    case .noSIM: throw Self.noSIM
    case .unknown: throw Self.notTold
    }
    if (before.triesLeft ?? 0) <= 1, !mayUseLast { throw Self.fewTries(before.triesLeft) }
    guard let pin = try await confirm(before) else { throw UpdateRun.noConsent }
    let answer: String
    // An answer that was lost tells nothing; the SIM is asked all the same.
    do throws(Trouble) { answer = try await door.enter(pin) } catch { answer = error.summary }
    return try await judge(before, answer)
  }

  /// The SIM's state is the judge, not the answer: refusals have many words.
  private func judge(_ before: SIMPINState, _ answer: String) async throws(Trouble)
    -> (Verdict, SIMPINState)
  {
    var last: SIMPINState?
    for _ in 0..<Self.looks {
      guard let now = try? await door.state() else {
        await pause(.seconds(1))
        continue
      }
      last = now
      if now.need == .nothing { return (.open, now) }
      if let was = before.triesLeft, let left = now.triesLeft, left < was {
        throw Self.wrong(now, answer)
      }
      if now.need == .puk { throw Self.wrong(now, answer) }
      await pause(.seconds(1))
    }
    throw Self.unknown(answer, before, last)
  }

  private static func wantsPUK(_ state: SIMPINState) -> Trouble {
    Trouble(
      "pin.puk-needed", "The SIM wants its PUK: the tries for the PIN are used up.",
      facts: state.pukTriesLeft.map { ["tries for the PUK left: \($0)"] } ?? [],
      advice: [
        "Put the SIM into a telephone and enter the PUK there; the operator has it.",
        "Do not guess it: after ten wrong ones the SIM is dead for good.",
      ], exitCode: .refused)
  }

  private static let noSIM = Trouble(
    "pin.no-sim", "The stick sees no SIM.",
    advice: ["Push the SIM in all the way, contacts down, and plug the stick in again."],
    exitCode: .refused)

  private static let notTold = Trouble(
    "pin.not-told", "The stick does not say what its SIM wants.",
    advice: ["Wait ten seconds: a SIM takes a while to start. Then try again."],
    exitCode: .refused)

  private static func fewTries(_ left: Int?) -> Trouble {
    Trouble(
      "pin.few-tries",
      left.map { "\($0 == 1 ? "One try" : "No try") is left for the PIN; nothing was sent." }
        ?? "The stick does not tell how many tries are left; nothing was sent.",
      advice: [
        "Check the PIN in the operator's letter; after the last wrong one the SIM wants its PUK.",
        "If you are certain, add --even-if-last.",
      ], exitCode: .refused)
  }

  private static func wrong(_ now: SIMPINState, _ answer: String) -> Trouble {
    let left = now.triesLeft.map { "tries left: \($0)" } ?? "the stick tells no tries"
    return Trouble(
      "pin.wrong", "The PIN is wrong.", facts: [left, "the stick answered \(answer)"],
      advice: [
        now.need == .puk
          ? "The SIM wants its PUK now: enter it in a telephone."
          : "Check the PIN in the operator's letter before the next attempt."
      ], aftermath: .stillBoots, exitCode: .stillWorks)
  }

  private static func unknown(_ answer: String, _ before: SIMPINState, _ now: SIMPINState?)
    -> Trouble
  {
    Trouble(
      "pin.unknown", "The PIN was sent, and the SIM does not say that it took it.",
      facts: [
        "it came to: \(answer)",
        "tries left before: \(before.triesLeft.map(String.init) ?? "not told"), "
          + "now: \(now?.triesLeft.map(String.init) ?? "not told")",
      ],
      advice: ["Wait half a minute and run `modemsmith pin` to see; do not repeat it blindly."],
      aftermath: .stillBoots, exitCode: .unknown)
  }
}
