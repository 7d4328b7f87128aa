public import SmithLink
public import SmithModel

/// Why a streaming loader did not do what it was asked (Docs/Protocols/streaming.md).
public enum StreamingError: Error, Equatable, Sendable {
  /// No answer, tries included.
  case silent(step: String)
  /// The loader reported an error (number as in Docs/Protocols/streaming.md section 2).
  case refused(step: String, code: UInt32, text: String)
  /// An answer that belongs to another question.
  case unexpected(step: String, code: UInt8)
  /// A write was acknowledged for another address: the image must be restarted.
  case wrongAddress(expected: UInt32, got: UInt32)
  /// The package's partition table is not the stick's own (status as answered).
  case tableRefused(status: UInt8)
  /// The loader does not open this image (status as answered).
  case openRefused(status: UInt8)
  /// A partition that holds identity or calibration was asked for.
  case protectedPartition(String)
  /// The image is empty, too big, or its table does not fit into one frame.
  case badRequest(String)
  /// The file ended before the declared size.
  case sourceEnded(at: Int)
  /// The link failed.
  case link(step: String, LinkError)
}

extension StreamingError: TroubleConvertible {
  /// Code, words and advice.
  public var trouble: Trouble {
    let (code, summary) = words
    return Trouble(
      code, summary, advice: advice, aftermath: untouched ? .untouched : .unknown,
      safeToUnplug: untouched, exitCode: exitCode)
  }

  private var untouched: Bool {
    switch self {
    case .tableRefused, .protectedPartition, .badRequest: true
    default: false
    }
  }

  private var exitCode: ExitCode {
    switch self {
    case .protectedPartition, .tableRefused: .refused
    case .badRequest, .sourceEnded: .badFile
    default: .needsRescue
    }
  }

  private var advice: [String] {
    switch self {
    case .tableRefused:
      ["Use the package made for exactly this model and operator.", "Nothing was written."]
    case .protectedPartition:
      ["Use a package without identity partitions; these are never written."]
    case .badRequest, .sourceEnded:
      ["Get the file again from where it came, and compare its size and checksum."]
    default:
      [
        "Leave the stick plugged in and run `resume`: the image is written again from its start.",
        "If the loader stays silent, replug the stick and run `rescue`.",
      ]
    }
  }

  private var words: (String, String) {
    switch self {
    case .silent(let step):
      ("streaming.silent", "The loader in the stick does not answer (\(step)).")
    case .refused(let step, let code, let text):
      (
        "streaming.refused",
        "The loader refused \(step): \(Self.meaning(code)) (\(Self.tame(text)))."
      )
    case .unexpected(let step, let code):
      (
        "streaming.unexpected",
        "The loader answered \(String(code, radix: 16)) where something else was due (\(step))."
      )
    case .wrongAddress(let expected, let got):
      (
        "streaming.wrong-address",
        "The loader acknowledged address \(got) where \(expected) had been written."
      )
    case .tableRefused(let status):
      (
        "streaming.table-differs",
        "The package's partition table is not the stick's own (status \(status))."
      )
    case .openRefused(let status):
      ("streaming.open-refused", "The loader does not open this image (status \(status)).")
    case .protectedPartition(let name):
      ("streaming.protected-partition", "\(Self.tame(name)) is never written.")
    case .badRequest(let what):
      ("streaming.bad-request", "The package cannot be sent to the loader: \(what).")
    case .sourceEnded(let offset):
      ("streaming.source-ended", "The file ended at byte \(offset), before its declared size.")
    case .link(let step, let error):
      ("streaming.link-lost", "The link to the loader failed (\(step)): \(error.words).")
    }
  }

  private static func tame(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(120).map { $0.isASCII && $0.value >= 32 ? Character($0) : "?" })
  }

  static func meaning(_ code: UInt32) -> String {
    switch code {
    case 2: "bad address"
    case 3: "bad length"
    case 4: "unexpected end"
    case 5: "unknown command, version or magic"
    case 7: "operation failed"
    case 8: "wrong flash"
    case 9: "programming voltage"
    case 0x0a: "write verify failed"
    case 0x0c: "wrong security code"
    case 0x0d: "cannot power down"
    case 0x0e: "NAND not supported"
    case 0x0f: "out of sequence"
    case 0x10: "close failed"
    case 0x11: "incompatible features"
    case 0x12: "out of space"
    case 0x13: "bad security mode"
    case 0x14: "several images not supported"
    case 0x15: "power off not supported"
    default: "error \(code)"
    }
  }
}
