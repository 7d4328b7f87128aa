public import SmithLink
public import SmithModel

/// Why DIAG did not answer as asked (Docs/Protocols/diag.md).
public enum DiagError: Error, Equatable, Sendable {
  /// No answer, tries included.
  case silent(step: String)
  /// An error frame (code as in Docs/Protocols/diag.md section 3).
  case refused(step: String, code: UInt8)
  /// An answer that is too short or contradicts the question.
  case unexpected(step: String)
  /// The item's status is neither good nor "never written".
  case itemStatus(item: UInt16, status: UInt16)
  /// Items of identity, calibration and locks are not written, whatever the backup holds.
  case forbiddenItem(UInt16)
  /// A request that is not among those that may leave; nothing was sent.
  case forbiddenCommand(step: String, reason: String)
  /// The backup belongs to another stick, or the stick does not say who it is.
  case foreignBackup
  /// The file system of the modem reported an error.
  case files(step: String, number: Int32)
  /// A directory or a file without end.
  case runaway(String)
  /// The link failed.
  case link(step: String, LinkError)
}

extension DiagError: TroubleConvertible {
  /// Code, words and advice.
  public var trouble: Trouble {
    let (code, summary) = words
    switch self {
    case .forbiddenCommand:
      return Trouble(
        code, summary, advice: ["Leave it out; modemsmith never sends it."], exitCode: .refused)
    case .forbiddenItem, .foreignBackup:
      return Trouble(
        code, summary, advice: ["Restore only the backup that was taken from this very stick."],
        exitCode: .refused)
    default:
      return Trouble(
        code, summary,
        advice: [
          "Close other programs that use the stick's ports and try again.",
          "Replug the stick.",
        ], exitCode: .stillWorks)
    }
  }

  private var words: (String, String) {
    switch self {
    case .silent(let step): ("diag.silent", "The diagnostic port does not answer (\(step)).")
    case .refused(let step, let code):
      ("diag.refused", "The stick refused \(step): \(Self.meaning(code)).")
    case .unexpected(let step):
      ("diag.unexpected", "The answer of the diagnostic port makes no sense (\(step)).")
    case .itemStatus(let item, let status):
      ("diag.item-status", "Item \(item) could not be used: status \(status).")
    case .forbiddenItem(let item):
      ("diag.forbidden-item", "Item \(item) is not among the settings that may be restored.")
    case .forbiddenCommand(let step, let reason):
      ("diag.forbidden-command", "The request was not sent (\(step)): \(reason).")
    case .foreignBackup:
      ("diag.foreign-backup", "The backup was not taken from this stick.")
    case .files(let step, let number):
      ("diag.files", "The stick's file system reported error \(number) (\(step)).")
    case .runaway(let what): ("diag.runaway", "The stick's file system has no end: \(what).")
    case .link(let step, let error):
      ("diag.link-lost", "The link to the diagnostic port failed (\(step)): \(error.words).")
    }
  }

  /// An error frame's code in words.
  public static func meaning(_ code: UInt8) -> String {
    switch code {
    case 0x13: "unknown command"
    case 0x14: "bad parameter"
    case 0x15: "bad length"
    case 0x16: "not accepted by this device"
    case 0x18: "not allowed in this mode"
    case 0x42: "locked by the service code"
    case 0x47: "security mode too low"
    default: "code \(code)"
    }
  }
}
