public import SmithEngine
public import SmithModel

/// What became of one stick in one run.
public struct FleetLine: Sendable, Equatable {
  /// The one word.
  public enum Decision: String, Sendable, Codable, CaseIterable {
    /// The stick answers with the version that the policy wants, and did not before.
    case updated
    /// It runs that version already.
    case unchanged
    /// It would be updated; the run is a dry one.
    case wouldUpdate = "would-update"
    /// It would be updated, and it is not the time or the power is not right.
    case wait
    /// No rule means it.
    case noRule = "no-rule"
    /// Something speaks against it; nothing was sent.
    case refused
    /// Failures before it ended the run.
    case notBegun = "not-begun"
    /// The update failed and the stick still works.
    case failedStillWorks = "failed-still-works"
    /// The update failed and the stick waits for `resume`.
    case needsRescue = "needs-rescue"
    /// The stick could not be asked after the update.
    case unknown
  }

  /// Where it is.
  public var place: Place
  /// Model as it says.
  public var model: String?
  /// Salted hash of its IMEI; the number itself stands in no report.
  public var imeiHash: String?
  /// The rule that means it.
  public var rule: String?
  /// The one word.
  public var decision: Decision
  /// One sentence with the reason.
  public var reason: String
  /// What it runs, or ran before.
  public var before: FirmwareVersion?
  /// What it runs after the update; what it would run in a dry run.
  public var after: FirmwareVersion?
  /// How the file fits.
  public var fit: Fit.Answer?
  /// Whether a person would be told to update.
  public var advice: Advice.Answer?
  /// SHA-256 of the image.
  public var sha256: String?
  /// Path of the journal, if one was begun.
  public var journal: String?
  /// Path of the backup, if one was made.
  public var backup: String?
  /// How long it took.
  public var seconds: Double?
  /// What the owner should know although it went well.
  public var warnings: [String] = []
  /// What speaks against it or went wrong.
  public var trouble: Trouble?

  /// A line that has no more to say yet.
  public init(_ place: Place, _ decision: Decision, _ reason: String) {
    self.place = place
    self.decision = decision
    self.reason = reason
  }

  mutating func refuse(_ trouble: Trouble) {
    decision = .refused
    reason = trouble.summary
    self.trouble = trouble
  }
}

/// What became of all sticks in one run.
public struct FleetOutcome: Sendable, Equatable {
  /// One line for each stick.
  public var lines: [FleetLine]

  /// Gathers the lines.
  public init(_ lines: [FleetLine] = []) {
    self.lines = lines
  }

  /// How many lines say so.
  public func count(_ decision: FleetLine.Decision) -> Int {
    lines.count(where: { $0.decision == decision })
  }

  /// What the command line ends with: the worst that became of a stick, then a refusal, then the
  /// best.
  public var exitCode: ExitCode {
    guard !lines.isEmpty else { return .noStick }
    if count(.needsRescue) > 0 { return .needsRescue }
    if count(.unknown) > 0 { return .unknown }
    if count(.failedStillWorks) > 0 { return .stillWorks }
    if count(.refused) > 0 {
      let codes = lines.compactMap { $0.decision == .refused ? $0.trouble?.exitCode : nil }
      return codes.contains(.badFile) && !codes.contains(.refused) ? .badFile : .refused
    }
    if lines.contains(where: { $0.trouble?.exitCode == .cancelled }) { return .cancelled }
    if lines.contains(where: { $0.decision == .updated && !$0.warnings.isEmpty }) {
      return .warnings
    }
    return count(.updated) + count(.wouldUpdate) > 0 ? .ok : .nothingToDo
  }
}
