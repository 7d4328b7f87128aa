import SmithModel
import SmithVendors

extension StickState {
  /// The state in words.
  var unlockWord: String {
    switch self {
    case .normal: "normal mode"
    case .waiting: "download mode"
    case .diag: "diagnostic mode"
    case .bootROM: "its boot ROM"
    case .silent: "no mode that answers"
    }
  }
}

/// Why a lock was left alone, or what became of an attempt.
enum UnlockTrouble {
  static func wrongMode(_ mode: String) -> Trouble {
    Trouble(
      "unlock.wrong-mode", "The stick is in \(mode); its lock can only be read in normal mode.",
      advice: ["Plug the stick in again and wait half a minute.", "Run `modemsmith info`."],
      exitCode: .refused)
  }

  static func wrongVendor(_ manufacturer: String?) -> Trouble {
    Trouble(
      "unlock.wrong-vendor",
      "Locks of sticks made by \(manufacturer ?? "an unknown maker") are not known here.",
      advice: ["Ask the operator that sold the stick for its code."], exitCode: .refused)
  }

  static let noIdentity = Trouble(
    "unlock.no-identity", "The stick does not tell a good IMEI, so its lock is left alone.",
    advice: ["Run `modemsmith info`: its identity data may be damaged."], exitCode: .refused)

  static let lockUnknown = Trouble(
    "unlock.lock-unknown", "The stick does not say how its lock stands, or how many tries it has.",
    advice: [
      "Put a SIM of another operator in, plug the stick in again and repeat the command.",
      "Choose the stick's other AT port with --port: `modemsmith list` shows them.",
    ], exitCode: .refused)

  /// - Parameter last: what was sent before, if anything was.
  static func blocked(after last: UnlockAttempt.Kind?) -> Trouble {
    var advice = ["Use it with its own operator's SIM, or ask that operator."]
    if last != .counterReset {
      advice.append(
        "On v1 and v2 sticks `modemsmith unlock --reset-counter` may set the counter back.")
    }
    return Trouble(
      "unlock.blocked", "All tries are used up: the stick takes no code any more.",
      facts: ["it still works with a SIM of its own operator"], advice: advice,
      aftermath: last == nil ? .untouched : .stillBoots,
      exitCode: last == nil ? .refused : .stillWorks)
  }

  static func fewTries(_ tries: Int, stopAt: Int, isAfterAttempt: Bool) -> Trouble {
    let left = tries == 1 ? "Only one try is" : "Only \(tries) tries are"
    return Trouble(
      "unlock.few-tries",
      isAfterAttempt
        ? "\(left) left; no further code was sent." : "\(left) left; nothing was sent.",
      facts: ["tries left: \(tries)", "stops at: \(stopAt)"],
      advice: [
        "Ask the operator for the right code, then use it with `--code CODE --stop-at \(tries - 1)`.",
        "On v1 and v2 sticks `--reset-counter` may set the counter back.",
      ], aftermath: isAfterAttempt ? .stillBoots : .untouched,
      exitCode: isAfterAttempt ? .stillWorks : .refused)
  }

  static func noCode(_ notes: [String]) -> Trouble {
    Trouble(
      "unlock.no-code", "No code can be calculated for this stick.", facts: notes,
      advice: ["Ask the operator that sold it, and enter its code with --code CODE."],
      exitCode: .refused)
  }

  static let resetUnproven = Trouble(
    "unlock.reset-unproven",
    "Nothing speaks for a counter reset on a stick of this kind; nothing was sent.",
    facts: ["the reset is documented for v1 and v2 codes only"],
    advice: ["Leave --reset-counter out."], exitCode: .refused)

  static let otherStick = Trouble(
    "stick.identity-changed", "Another stick answers: its identity number is a different one.",
    facts: ["the page and the serial port tell different ones; no code was sent"],
    advice: ["Leave one stick plugged in, and run it again."], exitCode: .refused)

  static let triedBefore = Trouble(
    "unlock.tried-before", "This stick refused this code before; sending it again costs a try.",
    advice: [
      "Ask the operator for the right code and enter it with --code CODE.",
      "If you are sure, add --again.",
    ], exitCode: .refused)

  static let notConfirmed = Trouble(
    "unlock.not-confirmed", "Nobody confirmed that the stick is theirs; nothing was sent.",
    advice: [
      "Run it in a terminal and type `mine` when asked.",
      "Or add `--yes --this-stick-is-mine`, if it is: that is good for one attempt.",
    ], exitCode: .refused)

  static let notEffective = Trouble(
    "unlock.not-effective", "The stick took the code, and still says that it needs one.",
    advice: ["Plug the stick in again and run `modemsmith unlock --show`."],
    aftermath: .stillBoots, exitCode: .stillWorks)

  static func unknown(before: Int) -> Trouble {
    Trouble(
      "unlock.unknown",
      "The stick left before it answered: nobody knows yet whether a try is used.",
      facts: ["tries left before: \(before)"],
      advice: [
        "Plug the stick in again and run `modemsmith unlock --show`: its counter tells.",
        "Do not send the same code again before you have looked.",
      ], aftermath: .unknown, exitCode: .unknown)
  }
}
