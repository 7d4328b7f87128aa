/// How an update ended; every word is earned by asking the stick.
public enum Verdict: String, Sendable, Codable {
  /// The stick answers with the new version and its old identity.
  case updated
  /// The stick runs what the file holds already, or nothing was changed.
  case unchanged
  /// The update failed and the stick still works.
  case failedStillWorks = "failed-still-works"
  /// The update failed and the stick waits for `resume` or `rescue`.
  case needsRescue = "needs-rescue"
  /// The stick could not be asked.
  case unknown
}

/// The named parts of an update, in order.
public enum Phase: String, Sendable, Codable, CaseIterable {
  case identify, plan, preflight, backup, enter, write, leave, verify, restore
}

/// How far one phase is.
public struct Progress: Sendable, Codable, Equatable {
  /// Which phase.
  public var phase: Phase
  /// What is being worked on, as in `Kernel`.
  public var item: String?
  /// Of the whole phase, 0 to 100.
  public var percent: Double
  /// Bytes done in this phase.
  public var bytes: Int
  /// Bytes of this phase in all.
  public var totalBytes: Int
  /// Bytes per second over the last moments.
  public var rate: Double?
  /// Seconds to the end of the phase, if known.
  public var etaSeconds: Double?
  /// Whether pulling the stick out now does no harm.
  public var safeToUnplug: Bool

  /// Gathers the parts.
  public init(
    phase: Phase, item: String? = nil, percent: Double, bytes: Int = 0, totalBytes: Int = 0,
    rate: Double? = nil, etaSeconds: Double? = nil, safeToUnplug: Bool
  ) {
    self.phase = phase
    self.item = item
    self.percent = percent
    self.bytes = bytes
    self.totalBytes = totalBytes
    self.rate = rate
    self.etaSeconds = etaSeconds
    self.safeToUnplug = safeToUnplug
  }
}

/// What the engine tells the faces; they render it and decide nothing.
public enum UpdateEvent: Sendable, Equatable {
  /// A phase began; the text says what is done in it.
  case phase(Phase, String)
  /// How far it is.
  case progress(Progress)
  /// Something worth a line that is no error.
  case note(String)
  /// Something to worry about that does not stop the update.
  case warning(String)
}
