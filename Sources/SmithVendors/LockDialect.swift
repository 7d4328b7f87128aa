public import SmithAT
public import SmithLink

/// How the operator lock of one vendor's sticks is read, and how the owner's code goes in.
///
/// Each call but ``read(over:)`` sends one command, once: an attempt is never repeated, whatever
/// became of its answer.
public protocol LockDialect: Sendable {
  /// A session that lets codes out, one a line; everything else is judged as ever.
  func session(on link: any ByteLink) -> ATSession
  /// How the lock stands; nil if the stick does not tell.
  func read(over session: ATSession) async throws(ATError) -> DeviceReport.SIMLock?
  /// Enters a code: one try of the stick's counter if it is wrong.
  func enter(_ code: UnlockCode, over session: ATSession) async throws(ATError) -> ATResponse
  /// What a refusal says, in words.
  func words(for final: ATFinal) -> String
}

/// The vendors whose code entry is documented.
public enum LockDialects {
  /// The dialect of a vendor; nil where no way to enter a code is known.
  public static func speaking(as vendor: String?) -> (any LockDialect)? {
    switch vendor {
    case "huawei": HuaweiLockDialect()
    default: nil
    }
  }
}

/// ``HuaweiLock`` as one dialect among others.
struct HuaweiLockDialect: LockDialect {
  func session(on link: any ByteLink) -> ATSession { HuaweiLock.session(on: link) }

  func read(over session: ATSession) async throws(ATError) -> DeviceReport.SIMLock? {
    try await HuaweiLock.read(over: session)
  }

  func enter(_ code: UnlockCode, over session: ATSession) async throws(ATError) -> ATResponse {
    try await HuaweiLock.enter(code, over: session)
  }

  func words(for final: ATFinal) -> String { HuaweiLock.words(for: final) }
}
