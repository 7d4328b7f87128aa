public import SmithModel
public import SmithVendors

/// The last word on one update.
public struct UpdateReport: Sendable, Equatable {
  /// How it ended.
  public var verdict: Verdict
  /// The stick, as it answered last.
  public var device: DeviceReport
  /// Version before; nil if the stick could not be asked.
  public var before: FirmwareVersion?
  /// Version after; nil if the stick could not be asked.
  public var after: FirmwareVersion?
  /// Bytes that the stick acknowledged in this run.
  public var bytes = 0
  /// Seconds of the whole run.
  public var seconds = 0.0
  /// Path of the journal, if one was begun.
  public var journal: String?
  /// Path of the backup, if one was made.
  public var backup: String?
  /// What went wrong, if anything did.
  public var trouble: Trouble?
  /// What the owner should know although it went well.
  public var warnings: [String] = []

  /// A run that has not come to anything yet.
  public init(verdict: Verdict, device: DeviceReport) {
    self.verdict = verdict
    self.device = device
  }

  /// What the command line ends with.
  public var exitCode: ExitCode {
    switch verdict {
    case .updated: warnings.isEmpty && trouble == nil ? .ok : .warnings
    case .unchanged: trouble?.exitCode ?? .nothingToDo
    case .failedStillWorks: .stillWorks
    case .needsRescue: .needsRescue
    case .unknown: .unknown
    }
  }
}
