/// What the owner allows beyond the ordinary.
public struct Policy: Sendable, Codable, Equatable {
  /// Rules that `--force RULE` may waive; chip, model and format rules have no name here.
  public enum Rule: String, Sendable, Codable, CaseIterable {
    /// The file does not say for which product it is.
    case productUnknown = "product-unknown"
    /// Stick firmware (21.x) to HiLink firmware (22.x), or back.
    case family
    /// The stick's identity number cannot be read or is damaged.
    case identity
    /// The file carries another carrier's settings than the stick's.
    case carrier
    /// The file is made for the sticks of another seller.
    case branding
  }

  /// What is meant to be written.
  public enum Purpose: String, Sendable, Codable {
    /// A file without firmware is a mistake.
    case firmware
    /// The PC software or web interface inside the stick.
    case dashboard
  }

  /// What is meant to be written.
  public var purpose = Purpose.firmware
  /// Write the version that the stick runs already once more.
  public var reinstall = false
  /// Allow an older version.
  public var allowDowngrade = false
  /// Go on although nothing can be backed up (a stick in download mode).
  public var noBackup = false
  /// Allow a route that rests on inference instead of documents.
  public var experimental = false
  /// Waived rules.
  public var forced: Set<Rule> = []

  /// Nothing beyond the ordinary.
  public init() {}
}

/// One stage of an update; the stick may re-enumerate between two stages.
public enum Stage: String, Sendable, Codable {
  /// The stick is told to restart into download mode.
  case enterDownload = "enter-download"
  /// The items are written; from here on the old firmware is gone.
  case write
  /// The stick restarts into its new firmware.
  case restart
  /// The stick is asked what it runs and who it is.
  case verify
  /// Settings that the update lost are written back.
  case restoreSettings = "restore-settings"

  /// Whether the old firmware may no longer start once this stage has begun.
  public var isOneWay: Bool { self == .write }
}

/// One item of the image, as the plan shows it.
public struct PlannedItem: Sendable, Codable, Equatable {
  /// Item id as in the package header; counted from 0 where the format has none.
  public var id: UInt32
  /// Name for people.
  public var name: String
  /// Bytes that will be sent.
  public var bytes: Int

  /// Gathers the parts.
  public init(id: UInt32, name: String, bytes: Int) {
    self.id = id
    self.name = name
    self.bytes = bytes
  }
}

/// One step of a way that is known in parts only, and what it rests on.
public struct PlannedStep: Sendable, Codable, Equatable {
  /// What is sent, and what is expected.
  public var text: String
  /// Evidence mark of the protocol page, as in `C`.
  public var mark: String

  /// Gathers the parts.
  public init(_ text: String, mark: String) {
    self.text = text
    self.mark = mark
  }
}
