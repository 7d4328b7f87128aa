public import SmithLink
public import SmithModel

/// Why a HIP download did not end well.
public enum HIPError: Error, Equatable, Sendable {
  /// Where the download was.
  public enum Step: String, Sendable {
    case loopback, start, data, end, program
  }

  /// There is nothing to send.
  case badPlan(String)
  /// The running firmware answers, not its boot loader.
  case application
  /// Nothing answered at all.
  case noAnswer
  /// The loader refused, with a code and a text of its own.
  case refused(Step, code: UInt8, text: String)
  /// Something else than the answer came.
  case unexpected(Step, id: UInt8)
  /// The answer did not come, however often the image was begun.
  case silent(Step)
  /// The loader was told to write its flash and never said that it has.
  case lastAnswerLost
  /// The bytes of the file could not be read.
  case sourceFailed(offset: Int)
  /// The port vanished.
  case gone(Step)
  /// The link failed.
  case link(Step, LinkError)
  /// The watcher wants no further step, for a reason of its own.
  case stopped(Trouble)

  init(_ error: LinkError, _ step: Step) {
    self = error == .gone ? .gone(step) : .link(step, error)
  }
}

extension HIPError: TroubleConvertible {
  /// The explanation, with what can be said about the stick from here.
  public var trouble: Trouble {
    if case .stopped(let trouble) = self { return trouble }
    let (name, summary, facts, advice) = words
    let (aftermath, isSafe) = state
    return Trouble(
      name, summary, facts: facts, advice: [advice], aftermath: aftermath, safeToUnplug: isSafe,
      exitCode: aftermath.exitCode)
  }

  /// That nothing is written before the request to program is an inference, so everything from
  /// the first data on is unknown until the stick was asked.
  private var state: (Aftermath, safe: Bool) {
    switch self {
    case .badPlan, .application, .noAnswer: (.untouched, true)
    case .refused(.start, _, _), .refused(.loopback, _, _): (.stillBoots, true)
    case .silent(.loopback), .gone(.loopback), .link(.loopback, _), .unexpected(.loopback, _):
      (.untouched, true)
    case .refused(.program, _, _), .lastAnswerLost, .gone(.program), .link(.program, _):
      (.unknown, false)
    default: (.unknown, true)
    }
  }

  private var words: (name: String, summary: String, facts: [String], advice: String) {
    switch self {
    case .badPlan(let why):
      ("hip.bad-plan", "There is nothing that could be sent.", [why], "Choose a whole image file.")
    case .application:
      (
        "hip.application", "The running firmware answers, not its boot loader.", [],
        "Bring the stick into boot mode first; Modemsmith does it with `update`."
      )
    case .refused(let step, let code, let text):
      (
        "hip.refused", "The boot loader refused at \(step.rawValue).",
        ["code 0x\(String(code, radix: 16)): \(QDLWords.vendor(UInt16(code)))"]
          + (text.isEmpty ? [] : ["it says: \(text)"]),
        "Check that the file is for exactly this model."
      )
    case .unexpected(let step, let id):
      (
        "hip.unexpected", "Something unexpected came at \(step.rawValue).",
        ["message 0x\(String(id, radix: 16))"], "Make sure that no other program uses the port."
      )
    case .silent(let step):
      (
        "hip.silent", "The stick stopped answering at \(step.rawValue).", [],
        "Unplug the stick, plug it in, and run `resume`."
      )
    case .lastAnswerLost:
      (
        "hip.last-answer-lost",
        "The stick has the whole image, but did not say that it is written.",
        [], "Leave the stick plugged in for ten minutes, then run `doctor`."
      )
    case .sourceFailed(let offset):
      (
        "hip.source-failed", "The file could not be read.", ["at byte \(offset)"],
        "Copy the file to the local disk and run `resume`."
      )
    case .gone(let step):
      (
        "hip.gone", "The stick left the bus at \(step.rawValue).", [],
        "Plug it in and run `resume`."
      )
    case .link(let step, let error):
      (
        "hip.link", "The port failed at \(step.rawValue).", ["\(error)"],
        "Make sure that no other program uses the port, then run `resume`."
      )
    case .noAnswer, .stopped:
      (
        "hip.no-answer", "Nothing answered on the loader's port.", [],
        "Unplug the stick, plug it in, and start again; boot mode may have ended by itself."
      )
    }
  }
}
