public import SmithLink
public import SmithModel

/// Why the download mode of a Qualcomm chip did not take a loader (Docs/Protocols/dload.md).
/// Nothing here has touched flash: DLOAD writes RAM.
public enum DLOADError: Error, Equatable, Sendable {
  /// No answer, tries included.
  case silent(step: String)
  /// The boot code refused (reason as in Docs/Protocols/dload.md section 2).
  case refused(step: String, reason: UInt16)
  /// An answer that belongs to another question.
  case unexpected(step: String, code: UInt8)
  /// The loader cannot be placed in memory.
  case badLoader(String)
  /// The link failed.
  case link(step: String, LinkError)
}

extension DLOADError: TroubleConvertible {
  /// Code, words and advice.
  public var trouble: Trouble {
    let (code, summary) = words
    return Trouble(
      code, summary,
      advice: [
        "Pull the stick out, wait five seconds, plug it in and try again.",
        "If it comes back in download mode each time, use `rescue` with the loader of its model.",
      ],
      aftermath: .untouched, exitCode: exitCode)
  }

  private var exitCode: ExitCode {
    if case .badLoader = self { return .badFile }
    return .stillWorks
  }

  private var words: (String, String) {
    switch self {
    case .silent(let step):
      ("dload.silent", "The stick's download mode does not answer (\(step)).")
    case .refused(let step, let reason):
      ("dload.refused", "The stick's download mode refused: \(Self.reason(reason)) (\(step)).")
    case .unexpected(let step, let code):
      (
        "dload.unexpected",
        "The stick answered \(String(code, radix: 16)) where something else was due (\(step))."
      )
    case .badLoader(let what): ("dload.bad-loader", "The loader cannot be used: \(what).")
    case .link(let step, let error):
      ("dload.link-lost", "The link to the stick failed (\(step)): \(error.words).")
    }
  }

  static func reason(_ code: UInt16) -> String {
    let texts = [
      "bad checksum", "bad address", "bad length", "packet ended early", "too much data",
      "unknown command", "operation failed", "wrong flash", "programming voltage",
      "verify failed", "not unlocked", "wrong security code", "cannot power down",
      "not permitted", "bad read address",
    ]
    let index = Int(code) - 1
    return texts.indices.contains(index) ? texts[index] : "reason \(code)"
  }
}
