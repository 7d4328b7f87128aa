public import SmithLink
public import SmithModel

/// Why a Firehose programmer did not do what it was asked (Docs/Protocols/firehose.md).
public enum FirehoseError: Error, Equatable, Sendable {
  /// No answer within the limit.
  case silent(step: String)
  /// The programmer said NAK; its last remark.
  case refused(step: String, log: String)
  /// The programmer said something that cannot be read.
  case badAnswer(step: String)
  /// Both sides cannot agree on a payload size.
  case badPayload(Int)
  /// The place lies in a partition of identity or calibration, or in none that is known.
  case protectedPlace(String)
  /// The request itself makes no sense.
  case badRequest(String)
  /// The stick does not show a partition table that can be read.
  case badTable(String)
  /// What the stick holds after writing is not what was sent.
  case differs(String)
  /// The file ended before the declared size.
  case sourceEnded(at: Int)
  /// The link failed.
  case link(step: String, LinkError)
}

extension FirehoseError: TroubleConvertible {
  /// Code, words and advice.
  public var trouble: Trouble {
    let (code, summary) = words
    switch self {
    case .protectedPlace:
      return Trouble(
        code, summary,
        advice: ["Use a package without identity partitions; these are never written."],
        exitCode: .refused)
    case .badTable:
      return Trouble(
        code, summary,
        facts: ["without the stick's own table nothing is written"],
        advice: ["Use the programmer that was made for exactly this model; try no others."],
        exitCode: .stillWorks)
    case .badRequest, .badPayload:
      return Trouble(
        code, summary, advice: ["Use the package made for exactly this model."],
        exitCode: .badFile)
    default:
      return Trouble(
        code, summary,
        advice: [
          "Leave the stick plugged in and run `resume`: the partition is written again.",
          "If the programmer stays silent, replug the stick and run `rescue`.",
        ],
        aftermath: .unknown, safeToUnplug: false, exitCode: .needsRescue)
    }
  }

  private var words: (String, String) {
    switch self {
    case .silent(let step): ("firehose.silent", "The programmer does not answer (\(step)).")
    case .refused(let step, let log):
      ("firehose.refused", "The programmer refused \(step): \(log.isEmpty ? "no reason" : log).")
    case .badAnswer(let step):
      ("firehose.bad-answer", "The programmer's answer cannot be read (\(step)).")
    case .badPayload(let size):
      ("firehose.bad-payload", "The programmer wants pieces of \(size) bytes.")
    case .protectedPlace(let what):
      ("firehose.protected-place", "This place is never written: \(what).")
    case .badRequest(let what):
      ("firehose.bad-request", "The package cannot be sent to the programmer: \(what).")
    case .sourceEnded(let offset):
      ("firehose.source-ended", "The file ended at byte \(offset), before its declared size.")
    case .badTable(let why):
      ("firehose.bad-table", "The stick's partition table cannot be read: \(why)")
    case .differs(let name):
      ("firehose.differs", "The stick holds something else than what was written to \(name).")
    case .link(let step, let error):
      ("firehose.link-lost", "The link to the programmer failed (\(step)): \(error.words).")
    }
  }
}
