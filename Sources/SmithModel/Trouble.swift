/// What became of the stick.
public enum Aftermath: String, Sendable, Codable {
  /// Nothing was sent that could change it.
  case untouched
  /// It was touched, and its old (or new) firmware still starts.
  case stillBoots
  /// It waits in download mode, loader or boot ROM; `resume` or `rescue` is the way on.
  case needsRescue
  /// Nobody knows until it is asked again.
  case unknown
}

extension Aftermath {
  /// What the command line ends with after a failure that left the stick so.
  public var exitCode: ExitCode {
    switch self {
    case .untouched: .refused
    case .stillBoots: .stillWorks
    case .needsRescue: .needsRescue
    case .unknown: .unknown
    }
  }
}

/// Exit codes of the command line (house plan section 5).
public enum ExitCode: Int32, Sendable, Codable {
  /// Verified, or the query is answered.
  case ok = 0
  /// A bug of ours.
  case internalError = 1
  /// Wrong usage.
  case usage = 2
  /// Nothing to do.
  case nothingToDo = 3
  /// No matching stick.
  case noStick = 4
  /// Refused by preflight.
  case refused = 5
  /// The file is invalid.
  case badFile = 6
  /// Failed; the old firmware still works.
  case stillWorks = 7
  /// Failed; the stick needs `resume` or `rescue`.
  case needsRescue = 8
  /// The result is unknown.
  case unknown = 9
  /// Done, with warnings.
  case warnings = 10
  /// Cancelled before a one-way door.
  case cancelled = 130
}

/// Everything a person needs to know about something that went wrong.
///
/// Leaf errors of floors 0-3 become one of these at the engine's edge; every code has a page in
/// `Docs/Troubles` named after it.
public struct Trouble: Error, Sendable, Codable, Equatable {
  /// Stable name, as in `balong.block-refused`: area, dot, kebab case.
  public var code: String
  /// One sentence: what happened, and where.
  public var summary: String
  /// What was seen, one fact a line.
  public var facts: [String]
  /// What to do, most likely cure first; the first is the one next action.
  public var advice: [String]
  /// What became of the stick.
  public var aftermath: Aftermath
  /// Whether pulling the stick out now does no harm.
  public var safeToUnplug: Bool
  /// What the command line ends with.
  public var exitCode: ExitCode

  /// Gathers the parts.
  public init(
    _ code: String, _ summary: String, facts: [String] = [], advice: [String],
    aftermath: Aftermath = .untouched, safeToUnplug: Bool = true, exitCode: ExitCode
  ) {
    self.code = code
    self.summary = summary
    self.facts = facts
    self.advice = advice
    self.aftermath = aftermath
    self.safeToUnplug = safeToUnplug
    self.exitCode = exitCode
  }
}

/// An error of a lower floor that can explain itself.
public protocol TroubleConvertible: Error {
  /// The explanation. Untouched and safe to unplug unless the error knows better: the engine,
  /// which knows what had been written, overrides both.
  var trouble: Trouble { get }
}
