import SmithAT
import SmithLink

/// The operator lock of a ZTE stick (Docs/Protocols/zte-at.md section 6).
struct ZTELock: LockDialect {
  func session(on link: any ByteLink) -> ATSession {
    ATSession(link: link, options: .init(atGuard: ATGuard(allowing: [.zteLockCode])))
  }

  func read(over session: ATSession) async throws(ATError) -> DeviceReport.SIMLock? {
    let state = try await session.send("AT+CPIN?")
    let section = try await session.send("AT+ZSEC?")
    return ZTEAnswers.lock(
      section, try await session.send("AT+ZNCK?"), simState: SerialStick.pinState(state))
  }

  /// After the right code the radio stays off until it is switched on.
  func enter(_ code: UnlockCode, over session: ATSession) async throws(ATError) -> ATResponse {
    let answer = try await session.send(ATCommand("AT+ZNCK=\"\(code.digits)\""))
    if answer.isOK { _ = try? await session.send("AT+CFUN=1") }
    return answer
  }

  func words(for final: ATFinal) -> String {
    final == .ok ? "accepted" : "refused: a wrong code, or no tries are left (\(final))"
  }
}
