/// What may be said on a diagnostic port (Docs/Protocols/diag.md section 6).
///
/// A list of what is allowed, not of what is not: DIAG has commands that write memory, settings,
/// identity, files and service codes, and most of them are not documented.
public enum DiagGuard {
  /// Why a request must not leave; nil if it may. `body` is the frame's body without its checksum.
  public static func refusal(of body: [UInt8]) -> String? {
    guard let command = body.first else { return "an empty request" }
    switch command {
    case 0x00, 0x01, 0x0c, 0x26, 0x3a, 0x7c, 0xfa, 0xfb: return nil
    case 0x29:
      let isKnown = body.count == 3 && (1...2).contains(body[1]) && body[2] == 0
      return isKnown ? nil : "only radio off and restart are known to be harmless"
    case 0x27: return writeRefusal(body)
    case 0x4b: return subsystemRefusal(body)
    case 0x41, 0x46: return "a wrong service code can lock the diagnostic port"
    default: return "the command is not among those that only ask"
    }
  }

  /// Settings: only the harmless ones, whoever asks.
  private static func writeRefusal(_ body: [UInt8]) -> String? {
    guard body.count >= 3 else { return "it names no item" }
    let item = UInt16(body[1]) | UInt16(body[2]) << 8
    if NVItems.isForbidden(item) {
      return "item \(item) holds identity, locks or calibration"
    }
    return NVItems.restorable.contains(item) ? nil : "item \(item) is not known to be harmless"
  }

  private static func subsystemRefusal(_ body: [UInt8]) -> String? {
    // Huawei's version question.
    if body == [0x4b, 0xc9, 0x03, 0xff] { return nil }
    guard body.count >= 4, body[1] == 0x13, body[3] == 0 else {
      return "the subsystem is not one that only answers"
    }
    switch body[2] {
    case 2:
      // Flags 0: for reading.
      let flags = body.dropFirst(4).prefix(4)
      return flags.count == 4 && flags.allSatisfy { $0 == 0 } ? nil : "it opens a file for writing"
    case 3, 4, 11, 12, 13: return nil
    default: return "it changes the stick's file system"
    }
  }
}
