public import SmithLink
public import SmithModel

/// Why a Sahara boot ROM did not take a loader (Docs/Protocols/sahara.md). Sahara writes RAM only.
public enum SaharaError: Error, Equatable, Sendable {
  /// No packet within the limit.
  case silent(step: String)
  /// The device ended the transfer with a status (Docs/Protocols/sahara.md section 3).
  case refused(status: UInt32)
  /// The loader is not signed for this device, or not meant for it.
  case wrongLoader(status: UInt32)
  /// The device asked for bytes that the loader does not have.
  case readOutOfBounds(offset: UInt64, length: UInt64, size: Int)
  /// The device asks for an image that we do not have.
  case unknownImage(UInt64)
  /// The device asks for the same bytes for ever.
  case runaway
  /// A packet that does not belong here, or one that is damaged.
  case unexpected(step: String, command: UInt32)
  /// The device crashed and offers its memory; it wants a reset.
  case memoryDebug
  /// The link failed.
  case link(step: String, LinkError)
}

extension SaharaError: TroubleConvertible {
  /// Code, words and advice.
  public var trouble: Trouble {
    let (code, summary) = words
    var advice = ["Pull the stick out, wait five seconds, plug it in and try again."]
    switch self {
    case .wrongLoader, .readOutOfBounds, .unknownImage:
      advice = ["Use the loader that was made for exactly this model; do not try others."]
    case .memoryDebug: advice = ["Replug the stick; if it comes back like this, run `rescue`."]
    default: break
    }
    return Trouble(code, summary, advice: advice, exitCode: .stillWorks)
  }

  private var words: (String, String) {
    switch self {
    case .silent(let step): ("sahara.silent", "The boot ROM does not answer (\(step)).")
    case .refused(let status):
      ("sahara.refused", "The boot ROM ended the transfer with status \(status).")
    case .wrongLoader(let status):
      ("sahara.wrong-loader", "The boot ROM does not trust this loader (status \(status)).")
    case .readOutOfBounds(let offset, let length, let size):
      (
        "sahara.read-out-of-bounds",
        "The boot ROM asked for \(length) bytes at \(offset) of a loader of \(size)."
      )
    case .unknownImage(let id):
      ("sahara.unknown-image", "The boot ROM asks for image \(id), which is not in the package.")
    case .runaway: ("sahara.runaway", "The boot ROM asks for the same bytes again and again.")
    case .unexpected(let step, let command):
      ("sahara.unexpected", "The boot ROM sent packet \(command) where another was due (\(step)).")
    case .memoryDebug:
      ("sahara.memory-debug", "The stick has crashed and offers its memory for debugging.")
    case .link(let step, let error):
      ("sahara.link-lost", "The link to the boot ROM failed (\(step)): \(error.words).")
    }
  }
}
