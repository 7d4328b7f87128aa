public import SmithModel

/// Everything that is going to happen to a stick, decided before anything happens.
public struct Plan: Sendable, Codable, Equatable {
  /// The route that does it, as in `huawei-balong`.
  public var route: String
  /// Vendor and model of the stick, as it says.
  public var vendor: String
  /// Model, as the stick says; nil if it cannot be asked (download mode).
  public var model: String?
  /// Product ids for which the file says that it is made.
  public var products: [String]
  /// Version that the stick runs; nil if it cannot be asked.
  public var before: FirmwareVersion?
  /// Version that the file holds; nil if it does not say.
  public var after: FirmwareVersion?
  /// Carrier whose settings the file brings; nil if it brings none.
  public var carrier: String?
  /// Base name of the file.
  public var file: String
  /// SHA-256 of the file, hexadecimal.
  public var sha256: String
  /// Whether the file carries a vendor signature that the stick checks.
  public var signed: Bool
  /// What will be written, in order.
  public var items: [PlannedItem]
  /// The stages, in order.
  public var stages: [Stage]
  /// Estimated duration in seconds.
  public var expectedSeconds: Double
  /// What cannot be saved first, in words.
  public var cannotBackUp: [String]
  /// What cannot be checked afterwards, in words.
  public var cannotVerify: [String]
  /// Things that the owner should know before agreeing.
  public var warnings: [String]
  /// Parts of the way that rest on inference, in words; the owner allowed them.
  public var inferences: [String]
  /// What the support of this model rests on: `simulator` or `hardware`.
  public var evidence: String
  /// The steps of a way that is known in parts only; nil for a way known as a whole.
  public var steps: [PlannedStep]?
  /// Where knowledge ends: nothing is written then; nil for a way known as a whole.
  public var end: String?

  /// Bytes that will be sent in all.
  public var totalBytes: Int { items.reduce(0) { $0 + $1.bytes } }
}

/// A plan that passed preflight; only ``Preflight`` makes one.
public struct CheckedPlan: Sendable {
  /// The plan.
  public let plan: Plan
  /// Bound to the file that was checked.
  let image: CheckedImage

  fileprivate init(plan: Plan, image: CheckedImage) {
    self.plan = plan
    self.image = image
  }
}

extension Plan {
  /// How many items there are, for people.
  public var itemsWords: String { items.count == 1 ? "1 item" : "\(items.count) items" }
}

/// The owner's agreement to one run of one plan; usable once.
public struct Consent: ~Copyable, Sendable {
  /// How it was given, for the journal: `typed`, `--yes`, or the name of a policy.
  public let how: String

  /// The owner agreed.
  public init(how: String) {
    self.how = how
  }
}

/// The right to write to a stick: a checked plan, a backup, and consent.
public struct ArmedPlan: ~Copyable, Sendable {
  /// The plan.
  public let checked: CheckedPlan
  /// What was saved first.
  public let backup: BackupReceipt
  /// How the owner agreed.
  public let consent: String

  /// Joins the three.
  ///
  /// - Throws: `backup.failed` if the receipt is for another stick or another plan.
  public init(_ checked: CheckedPlan, _ backup: BackupReceipt, _ consent: consuming Consent)
    throws(Trouble)
  {
    guard backup.sha256 == checked.plan.sha256 else {
      throw Trouble(
        "backup.failed", "The backup belongs to another plan.",
        advice: ["Run the update again."], exitCode: .refused)
    }
    self.checked = checked
    self.backup = backup
    self.consent = consent.how
  }
}

/// The last look before anything is sent: the only maker of a ``CheckedPlan``.
public enum Preflight {
  /// Checks what the plan could not know.
  ///
  /// - Parameters:
  ///   - plan: a plan of ``Planner``.
  ///   - image: the image it was made from.
  ///   - device: the stick as it answered just now.
  ///   - power: what the computer runs on.
  ///   - policy: what the owner allows.
  /// - Throws: a refusal with exit code 5; nothing was sent.
  public static func check(
    _ plan: Plan, _ image: CheckedImage, _ device: Subject, power: PowerState, policy: Policy
  ) throws(Trouble) -> CheckedPlan {
    guard plan.sha256 == image.sha256 else {
      throw Trouble(
        "resume.file-changed", "The file is not the one that the plan was made for.",
        advice: ["Use the original file."], exitCode: .refused)
    }
    if let percent = power.batteryPercent, !power.onMains, percent < 20 {
      throw Trouble(
        "preflight.low-battery", "The battery is at \(percent) % and there is no mains power.",
        facts: ["an update needs about \(Int(plan.expectedSeconds / 60) + 1) minutes of power"],
        advice: ["Plug the computer in and repeat the command."], exitCode: .refused)
    }
    if device.identityDamaged, !policy.forced.contains(.identity) {
      throw Trouble(
        "preflight.identity-damaged",
        "The stick cannot tell its identity number (IMEI): its identity data may be damaged.",
        advice: [
          "Do not flash it: an update does not bring identity data back.",
          "Unplug it, plug it in again and run `modemsmith info`.",
        ], exitCode: .refused)
    }
    return CheckedPlan(plan: plan, image: image)
  }
}

/// What the computer runs on.
public struct PowerState: Sendable, Equatable {
  /// Whether mains power is connected (true for a computer without battery).
  public var onMains: Bool
  /// Charge of the battery; nil without one.
  public var batteryPercent: Int?

  /// Gathers the parts.
  public init(onMains: Bool = true, batteryPercent: Int? = nil) {
    self.onMains = onMains
    self.batteryPercent = batteryPercent
  }
}
