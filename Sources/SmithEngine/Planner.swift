import SmithFormats
public import SmithModel
import SmithVendors

/// Makes plans; pure: the same image, stick and policy give the same plan, and nothing is sent.
public enum Planner {
  /// What planning came to.
  public enum Outcome: Sendable, Equatable {
    /// This is what would be done.
    case plan(Plan)
    /// The stick runs what the file holds, and what that leaves open, in words; there is nothing to
    /// do.
    case alreadyThere(FirmwareVersion, leavingOpen: String?)
  }

  /// Decides everything that can be decided before anything is sent.
  ///
  /// - Throws: a refusal (exit code 5) that says why the file is not for this stick.
  public static func plan(_ checked: CheckedImage, _ subject: Subject, policy: Policy)
    throws(Trouble) -> Outcome
  {
    let image = checked.image
    try FrontDoor.check(image, for: subject.report)
    if policy.purpose == .firmware { try checkKind(image) }
    guard let family = Families.taking(image) else { throw notFirmware(image) }
    if let obstacle = subject.state.obstacle { throw obstacle }
    let judgement = try family.judge(image, subject.report, subject.state, policy)
    if judgement.isThere, subject.state == .normal, !policy.reinstall,
      let before = judgement.before
    {
      return .alreadyThere(before, leavingOpen: judgement.leavesOpen)
    }
    if !judgement.inferences.isEmpty, !policy.experimental {
      throw experimental(judgement.inferences)
    }
    return .plan(compose(checked, subject, judgement, family))
  }

  private static func checkKind(_ image: FirmwareImage) throws(Trouble) {
    guard image.kinds.holdFirmware else { throw notFirmware(image) }
  }

  /// A file that holds no firmware, or is of a kind that nothing writes.
  static func notFirmware(_ image: FirmwareImage) -> Trouble {
    let what = image.kinds.map(\.rawValue).sorted().joined(separator: " and ")
    return Trouble(
      "plan.not-firmware-kind",
      "The file holds no firmware that could be written, only \(what.isEmpty ? "other data" : what).",
      advice: [
        "Choose the firmware package; a dashboard goes in with `modemsmith dashboard install`."
      ],
      exitCode: .refused)
  }

  private static func experimental(_ inferences: [String]) -> Trouble {
    Trouble(
      "plan.experimental", "A part of this update rests on inference and was never proven.",
      facts: inferences,
      advice: ["Leave the stick as it is; or accept the risk with `--experimental`."],
      exitCode: .refused)
  }

  /// The last part of a path.
  private static func name(of path: String) -> String {
    path.utf8.split(separator: 0x2f).last.map { String(Substring($0)) } ?? path
  }

  private static func compose(
    _ checked: CheckedImage, _ subject: Subject, _ judgement: Judgement, _ family: any Family
  ) -> Plan {
    let isNormal = subject.state == .normal
    let bytes = judgement.items.reduce(0) { $0 + $1.bytes }
    var cannotBackUp = judgement.cannotBackUp
    var cannotVerify: [String] = []
    if !isNormal {
      cannotBackUp.append("settings and identity (the stick waits in download mode)")
      cannotVerify.append("that the identity number is unchanged (it cannot be read beforehand)")
    }
    if isNormal, subject.report.imei == nil {
      cannotVerify.append("that the identity number is unchanged (the stick does not tell it)")
    }
    if judgement.after == nil, judgement.end == nil {
      cannotVerify.append("the version (the file does not say which it holds)")
    }
    return Plan(
      route: family.name, vendor: family.vendor, model: subject.report.model,
      products: judgement.products, before: judgement.before, after: judgement.after,
      carrier: judgement.carrier, file: name(of: checked.path),
      sha256: checked.sha256, signed: checked.isSigned, items: judgement.items,
      stages: stages(isNormal, judgement),
      expectedSeconds: judgement.overheadSeconds + Double(bytes) / judgement.bytesPerSecond,
      cannotBackUp: cannotBackUp, cannotVerify: cannotVerify,
      warnings: judgement.warnings + checked.image.warnings.map { "\($0)" },
      inferences: judgement.inferences, evidence: family.evidence,
      steps: judgement.steps.isEmpty ? nil : judgement.steps, end: judgement.end)
  }

  private static func stages(_ isNormal: Bool, _ judgement: Judgement) -> [Stage] {
    let first: [Stage] = isNormal ? [.enterDownload] : []
    // A way whose end is not known leads back before its one-way door.
    if judgement.end != nil { return first + [.restart, .verify] }
    return first + [.write, .restart, .verify] + (isNormal ? [.restoreSettings] : [])
  }
}

extension Set<ImageKind> {
  /// Whether this is what `update` is for: firmware, or the carrier settings that belong to it.
  var holdFirmware: Bool { contains(.firmware) || contains(.carrierSettings) }
}
