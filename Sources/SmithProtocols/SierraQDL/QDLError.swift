public import SmithLink
public import SmithModel

/// Why a QDL download did not end well.
public enum QDLError: Error, Equatable, Sendable {
  /// Where the download was.
  public enum Step: String, Sendable {
    case start, hello, open, write, flash, done
  }

  /// There is nothing to send, or an image is empty or larger than the protocol can say.
  case badPlan(String)
  /// The port belongs to the running modem (its diagnostic port answered).
  case diagPort
  /// The boot loader speaks Sahara: another generation.
  case sahara
  /// The loader refused to change over to QDL.
  case switchRefused(UInt32)
  /// Nothing answered at all.
  case noAnswer
  /// The loader speaks none of the versions that we offer.
  case versionRefused([UInt8])
  /// A Sierra image needs version 6, the files of Gobi 2000 version 5.
  case wrongVersion(UInt8)
  /// The loader refused an image before any data was sent.
  case openRefused(image: String, status: UInt16)
  /// The loader accepts only chunks so small that the image needs too many of them.
  case chunksTooSmall(image: String, bytes: Int)
  /// The loader refused a chunk.
  case writeRefused(image: String, sequence: Int, status: UInt16)
  /// The loader refused the image after it had all of it.
  case doneRefused(image: String, status: UInt16, type: UInt8)
  /// The loader reported an error.
  case refused(Step, image: String, code: UInt32)
  /// Something else than an answer came.
  case unexpected(Step, first: UInt8)
  /// An answer has not the length that it should have.
  case malformed(Step, count: Int)
  /// The answer did not come, however often the image was begun.
  case silent(Step, image: String)
  /// The answer of the last chunk or of the end did not come: the image may be in the flash.
  case lastAnswerLost(image: String)
  /// The bytes of the image could not be read.
  case sourceFailed(image: String, offset: Int)
  /// The port vanished.
  case gone(Step)
  /// The link failed.
  case link(Step, LinkError)
  /// The watcher wants no further step, for a reason of its own.
  case stopped(Trouble)
}

extension QDLError: TroubleConvertible {
  /// The explanation, with what can be said about the stick from here.
  public var trouble: Trouble {
    if case .stopped(let trouble) = self { return trouble }
    let (name, summary, facts, advice) = words
    let (aftermath, safe) = state
    return Trouble(
      name, summary, facts: facts, advice: [advice], aftermath: aftermath,
      safeToUnplug: safe, exitCode: aftermath.exitCode)
  }

  /// A loader keeps the whole image in memory before it writes any of it, so the old firmware is
  /// whole until the last chunk was sent (Docs/Protocols/sierra-qdl.md section 6).
  private var state: (Aftermath, safe: Bool) {
    switch self {
    case .badPlan, .diagPort, .sahara: (.untouched, true)
    case .lastAnswerLost: (.unknown, false)
    case .gone(let step), .link(let step, _), .silent(let step, _):
      step == .flash || step == .done ? (.unknown, false) : (.stillBoots, true)
    case .refused(let step, _, _), .unexpected(let step, _), .malformed(let step, _):
      step == .flash || step == .done ? (.needsRescue, false) : (.stillBoots, true)
    case .doneRefused(_, let status, _):
      // A refusal for the content comes before the flash is touched; a failed write does not.
      status == 2 || status == 0x88 ? (.needsRescue, false) : (.stillBoots, true)
    default: (.stillBoots, true)
    }
  }

  private var words: (name: String, summary: String, facts: [String], advice: String) {
    switch self {
    case .badPlan(let why):
      ("qdl.bad-plan", "There is nothing that could be sent.", [why], "Choose a whole image file.")
    case .diagPort:
      (
        "qdl.diag-port", "The port belongs to the running modem, not to its boot loader.", [],
        "Bring the stick into boot mode first; Modemsmith does it with `update`."
      )
    case .sahara:
      (
        "qdl.sahara", "The stick speaks Sahara: it is of a newer generation.", [],
        "Use the vendor's own tool for this stick."
      )
    case .switchRefused(let code):
      (
        "qdl.switch-refused", "The boot loader refused to change over to the download protocol.",
        ["error \(code): \(QDLWords.error(code))"], "Unplug the stick, plug it in, try again."
      )
    case .versionRefused(let versions):
      (
        "qdl.version-refused", "The boot loader speaks another version of the download protocol.",
        ["offered: \(versions.map { String($0) }.joined(separator: ", "))"],
        "Use the vendor's own tool for this stick."
      )
    case .wrongVersion(let version):
      (
        "qdl.wrong-version", "The boot loader is of another generation than the image.",
        ["protocol version \(version), \(version < 6 ? 6 : 5) needed"],
        "Check that the file is for this stick."
      )
    default: imageWords
    }
  }

  private var imageWords: (name: String, summary: String, facts: [String], advice: String) {
    switch self {
    case .openRefused(let image, let status):
      (
        "qdl.open-refused", "The stick refused \(image) before any data was sent.",
        ["status \(hex(status)): \(QDLWords.open(status))"],
        "Check that the file is for exactly this model."
      )
    case .chunksTooSmall(let image, let bytes):
      (
        "qdl.chunks-too-small", "The stick takes \(image) only in pieces that are too small.",
        ["\(bytes) bytes each, at most 65536 pieces"], "Check that the file is for this stick."
      )
    case .writeRefused(let image, let sequence, let status):
      (
        "qdl.write-refused", "The stick refused a part of \(image).",
        ["chunk \(sequence), status \(hex(status)): \(QDLWords.write(status))"],
        "Try again on another USB port, without a hub."
      )
    case .doneRefused(let image, let status, let type):
      (
        "qdl.done-refused", "The stick refused \(image) after it had received it.",
        ["status \(hex(status)): \(QDLWords.vendor(status))", "image type \(hex(UInt16(type)))"],
        "Check the file; the stick waits in boot mode for the old or the new image (`resume`)."
      )
    case .sourceFailed(let image, let offset):
      (
        "qdl.source-failed", "\(image) could not be read.", ["at byte \(offset)"],
        "Copy the file to the local disk and run `resume`."
      )
    default: stepWords
    }
  }

  private var stepWords: (name: String, summary: String, facts: [String], advice: String) {
    switch self {
    case .refused(let step, let image, let code):
      (
        "qdl.refused", "The boot loader reported an error at \(step.rawValue) of \(image).",
        ["error \(code): \(QDLWords.error(code))"], "Run `resume`."
      )
    case .unexpected(let step, let first):
      (
        "qdl.unexpected", "Something unexpected came at \(step.rawValue).",
        ["first byte \(hex(UInt16(first)))"], "Make sure that no other program uses the port."
      )
    case .malformed(let step, let count):
      (
        "qdl.malformed", "An answer at \(step.rawValue) has the wrong length.", ["\(count) bytes"],
        "Unplug the stick, plug it in, and run `resume`."
      )
    case .silent(let step, let image):
      (
        "qdl.silent", "The stick stopped answering at \(step.rawValue) of \(image).", [],
        "Unplug the stick, plug it in, and run `resume`."
      )
    case .lastAnswerLost(let image):
      (
        "qdl.last-answer-lost",
        "The stick has all of \(image), but did not say that it is written.",
        [], "Leave the stick plugged in for five minutes, then run `doctor`."
      )
    case .gone(let step):
      (
        "qdl.gone", "The stick left the bus at \(step.rawValue).", [],
        "Plug it in and run `resume`."
      )
    case .link(let step, let error):
      (
        "qdl.link", "The port failed at \(step.rawValue).", ["\(error)"],
        "Make sure that no other program uses the port, then run `resume`."
      )
    default:
      // Only `.noAnswer` is left.
      (
        "qdl.no-answer", "Nothing answered on the download port.", [],
        "Unplug the stick, plug it in, and start again; boot mode may have ended by itself."
      )
    }
  }

  private func hex(_ value: UInt16) -> String { "0x" + String(value, radix: 16) }
}
