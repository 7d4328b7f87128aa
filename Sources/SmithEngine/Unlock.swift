import Foundation
public import SmithLink
public import SmithModel
public import SmithVendors

/// What the owner wants of an unlock.
public struct UnlockRequest: Sendable, Equatable {
  /// A code that the owner has; nil for calculated ones.
  public var code: UnlockCode?
  /// The one calculated version that is meant; nil for all, the surest first.
  public var version: HuaweiUnlockAdvice.Version?
  /// No code is entered while so few tries are left, or fewer.
  public var stopAt = 3
  /// Whether the counter's reset is asked for before the code.
  public var resetsCounter = false
  /// Whether a code that this stick has refused already may be sent again.
  public var again = false
  /// Whether the lock is shown and nothing else is done.
  public var onlyShows = false

  /// The surest calculated code, stopping at three tries.
  public init() {}
}

/// One attempt as the owner is shown it before it is sent.
public struct UnlockStep: Sendable, Equatable {
  /// What would be sent.
  public var kind: UnlockAttempt.Kind
  /// The code, or the code whose hash it is.
  public var code: UnlockCode
  /// How the code was made.
  public var version: HuaweiUnlockAdvice.Version
  /// How sure it is; nil for a code of the owner's.
  public var confidence: HuaweiUnlockAdvice.Confidence?
  /// Why this code, or what the reset rests on.
  public var reason: String
  /// Tries that are left now.
  public var triesLeft: Int
}

/// The owner's word for one attempt: that the stick is theirs, and that this code may be sent.
/// Usable once.
public struct UnlockConsent: ~Copyable, Sendable {
  /// How it was given, for the journal.
  public let how: String

  /// The owner agreed.
  public init(how: String) {
    self.how = how
  }
}

/// What is told while codes are entered.
public enum UnlockEvent: Sendable, Equatable {
  /// What the lock says, before anything is sent and after each attempt.
  case lock(DeviceReport.SIMLock)
  /// What could be tried and what is worth knowing.
  case advice(HuaweiUnlockAdvice)
  /// How one attempt ended.
  case attempt(UnlockOutcome)
  /// Something worth a line.
  case note(String)
}

/// The owner, as seen by an unlock.
public protocol UnlockOwner: AnyObject, Sendable {
  /// Asks whether the stick is the owner's and this attempt may be made; nil means no.
  func confirm(_ step: UnlockStep) async -> UnlockConsent?
  /// Hears what happens.
  func hear(_ event: UnlockEvent) async
}

/// How one attempt ended.
public struct UnlockOutcome: Sendable, Equatable {
  /// What was sent.
  public var kind: UnlockAttempt.Kind
  /// How the code was made.
  public var version: HuaweiUnlockAdvice.Version
  /// What the stick answered, in words; nil if no answer came.
  public var answer: String?
  /// Tries left before.
  public var triesBefore: Int
  /// Tries left after; nil if the stick could not be asked.
  public var triesAfter: Int?
  /// Whether a try was used: the counter decides, and nil means that nobody knows.
  public var usedTry: Bool?
}

/// The last word on one unlock.
public struct UnlockReport: Sendable, Equatable {
  /// How it ended.
  public var verdict: UnlockVerdict
  /// The stick as it answered first.
  public var device = DeviceReport()
  /// The lock before; nil if the stick does not tell.
  public var before: DeviceReport.SIMLock?
  /// The lock as it was read last.
  public var after: DeviceReport.SIMLock?
  /// What was sent, in order.
  public var attempts: [UnlockOutcome] = []
  /// What the owner should know.
  public var warnings: [String] = []
  /// Path of the journal, if anything was about to be sent.
  public var journal: String?
  /// What went wrong, if anything did.
  public var trouble: Trouble?
  /// Whether nothing but looking was asked for.
  public var onlyShown = false

  /// What the command line ends with.
  public var exitCode: ExitCode {
    if let trouble { return trouble.exitCode }
    return switch verdict {
    case .open: onlyShown ? .ok : .nothingToDo
    case .unlocked: warnings.isEmpty ? .ok : .warnings
    case .stillLocked: attempts.isEmpty ? .ok : .stillWorks
    case .blocked: onlyShown ? .ok : .refused
    case .unknown: .unknown
    }
  }
}

/// What an unlock needs of the world besides the bus.
public struct UnlockSurroundings: Sendable {
  /// Starts the journal; called right before the first attempt.
  public var newJournal: @Sendable () throws(Trouble) -> any UnlockJournal
  /// Records of earlier journals, oldest first.
  public var earlier: @Sendable () -> [[UnlockRecord]]
  /// The time now, in ISO 8601.
  public var time: @Sendable () -> String
  /// Version of the tool.
  public var tool: String

  /// Gathers the parts.
  public init(
    newJournal: @escaping @Sendable () throws(Trouble) -> any UnlockJournal,
    earlier: @escaping @Sendable () -> [[UnlockRecord]] = { [] },
    time: @escaping @Sendable () -> String = { "1970-01-01T00:00:00Z" }, tool: String
  ) {
    self.newJournal = newJournal
    self.earlier = earlier
    self.time = time
    self.tool = tool
  }

  /// Files in the state directory.
  public static func files(in state: StateDirectory, tool: String) -> UnlockSurroundings {
    UnlockSurroundings(
      newJournal: { () throws(Trouble) in try state.newUnlockJournal() },
      earlier: { state.allUnlockJournals().map(\.records) },
      time: { Date().formatted(.iso8601) }, tool: tool)
  }
}

/// Enters codes into the SIM lock of the owner's own, attached stick: the lock and its tries first,
/// one attempt for each word of the owner, the counter read again after each
/// (Docs/Protocols/huawei-codes.md section 6).
public struct Unlocker {
  let bus: any Bus
  let owner: any UnlockOwner
  let surroundings: UnlockSurroundings
  /// Asked in place of the port of a stick that shows only its page; left for a port when a code
  /// is entered.
  let page: StickPageDoor?

  /// An unlocker on a bus, for one owner.
  public init(
    bus: any Bus, owner: any UnlockOwner, surroundings: UnlockSurroundings,
    page: StickPageDoor? = nil
  ) {
    self.page = page
    self.bus = bus
    self.owner = owner
    self.surroundings = surroundings
  }

  /// Reads the lock of the stick at `place` and goes as far as the owner agrees.
  public func run(_ request: UnlockRequest, at place: Place) async -> UnlockReport {
    await UnlockRun(self, request, place).run()
  }
}
