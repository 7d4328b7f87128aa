public import SmithAT
public import SmithLink

/// A code for a SIM lock: eight decimal digits that never print by accident.
public struct UnlockCode: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible
{
  /// The digits; only for sending, for comparing, and for the owner's own eyes.
  public let digits: String

  /// Takes eight decimal digits; nil for anything else.
  public init?(_ text: String) {
    guard text.utf8.count == 8, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    digits = text
  }

  /// Stars, whatever the code.
  public var description: String { "********" }
  /// Stars, whatever the code.
  public var debugDescription: String { description }
}

/// The operator lock of a Huawei stick over AT (Docs/Protocols/huawei-codes.md section 6).
///
/// Each call sends one command, once: an attempt is never repeated, whatever became of its answer.
public enum HuaweiLock {
  /// A session that lets codes out, one a line; everything else is judged as ever.
  public static func session(on link: any ByteLink) -> ATSession {
    ATSession(link: link, options: .init(atGuard: ATGuard(allowing: [.lockCode])))
  }

  /// Asks `AT^CARDLOCK?`; nil if the stick does not tell.
  public static func read(over session: ATSession) async throws(ATError) -> DeviceReport.SIMLock? {
    HuaweiAnswers.cardLock(try await session.send("AT^CARDLOCK?"))
  }

  /// Enters a code: one try of the stick's counter if it is wrong.
  public static func enter(_ code: UnlockCode, over session: ATSession) async throws(ATError)
    -> ATResponse
  {
    try await session.send(ATCommand("AT^CARDLOCK=\"\(code.digits)\""))
  }

  /// Asks for the counter's reset with the hash of the right code
  /// (Docs/Protocols/huawei-codes.md section 5).
  public static func resetCounter(with code: UnlockCode, over session: ATSession)
    async throws(ATError) -> ATResponse
  {
    let hash = HuaweiCodes.counterReset(code: code.digits) ?? ""
    return try await session.send(ATCommand("AT^CARDUNLOCK=\"\(hash)\""))
  }

  /// What a refusal says, in words (Docs/Protocols/huawei-codes.md section 6).
  public static func words(for final: ATFinal) -> String {
    switch final {
    case .ok: "accepted"
    case .cme(code: 3, _): "refused as not allowed (3): blocked, or the code's form is not liked"
    case .cme(code: 16, _): "refused as a wrong code (16)"
    case .cme(code: 50, _): "refused as malformed (50): on some sticks this is the wrong port"
    case .commandNotSupported: "refused: the stick does not know the command"
    default: "refused: \(final)"
    }
  }
}
