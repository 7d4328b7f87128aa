public import SmithLink
public import SmithModel

/// Why a command has no answer (Docs/Protocols/at.md section 6). Commands are shown masked.
public enum ATError: Error, Sendable, Equatable {
  /// The port failed or vanished. After a command that reboots this may be its success.
  case link(LinkError)
  /// Nothing but echo and reports came within the limit.
  case silent(command: String)
  /// Lines came, and no final result within the limit.
  case unfinished(command: String, lines: [String])
  /// A frame of a binary protocol came: the port is in download or DIAG mode.
  case binary([UInt8])
  /// Bytes came that are neither text nor a frame.
  case garbage([UInt8])
  /// The guard did not let the command out; nothing was sent.
  case refusedByGuard(command: String, reason: String)
  /// The answer outgrew the bound of the session, in bytes.
  case tooLong(limit: Int)
}

extension ATError: TroubleConvertible {
  /// The explanation.
  public var trouble: Trouble {
    switch self {
    case .link(let error): error.trouble
    case .silent(let command):
      Trouble(
        "at.silent", "The stick did not answer \(command).", facts: ["command: \(command)"],
        advice: [
          "Try the other serial ports of the stick; only one or two of them speak AT.",
          "Stop programs that hold the port (ModemManager), replug and try again.",
        ], aftermath: .untouched, exitCode: .noStick)
    case .unfinished(let command, let lines):
      Trouble(
        "at.unfinished", "The answer to \(command) has no end.",
        facts: lines.prefix(8).map { "line: \(IdentityMask.masked($0))" },
        advice: ["Try again; if it repeats, replug the stick first."], exitCode: .noStick)
    case .binary(let bytes):
      Trouble(
        "at.binary", "The port speaks a binary protocol, not AT.",
        facts: ["bytes: \(Self.hex(bytes))"],
        advice: [
          "The stick is in download or DIAG mode: `modemsmith info` tells which."
        ], aftermath: .unknown, exitCode: .noStick)
    case .garbage(let bytes):
      Trouble(
        "at.garbage", "The port sends bytes that are no text.",
        facts: ["bytes: \(Self.hex(bytes))"],
        advice: ["Try the other serial ports of the stick.", "Replug the stick and try again."],
        exitCode: .noStick)
    case .refusedByGuard(let command, let reason):
      Trouble(
        "at.refused-by-guard", "\(command) was not sent: \(reason).",
        facts: ["command: \(command)", "reason: \(reason)"],
        advice: ["Leave this command out; modemsmith never sends it."], exitCode: .refused)
    case .tooLong(let limit):
      Trouble(
        "at.too-long", "The answer is longer than \(limit) bytes.", facts: ["limit: \(limit)"],
        advice: ["Replug the stick: its port floods us with data.", "Try another port."],
        exitCode: .noStick)
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.prefix(32).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: " ")
  }
}
