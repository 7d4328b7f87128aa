import Foundation
import SmithFormats
public import SmithModel
import SmithProtocols
import SmithVendors

/// Makes plans; pure: the same image, stick and policy give the same plan, and nothing is sent.
public enum Planner {
  /// What planning came to.
  public enum Outcome: Sendable, Equatable {
    /// This is what would be done.
    case plan(Plan)
    /// The stick runs what the file holds; there is nothing to do.
    case alreadyThere(FirmwareVersion)
  }

  /// Decides everything that can be decided before anything is sent.
  ///
  /// - Throws: a refusal (exit code 5) that says why the file is not for this stick.
  public static func plan(_ checked: CheckedImage, _ subject: Subject, policy: Policy)
    throws(Trouble) -> Outcome
  {
    let image = checked.image
    try checkKind(image)
    try checkVendor(subject)
    try checkProduct(image, subject, policy)
    var warnings: [String] = []
    let before = subject.report.firmware
    let after = image.claims.firmware
    if let before, let after {
      if after.isConfirmed(by: before), subject.state == .normal, !policy.reinstall {
        return .alreadyThere(before)
      }
      try checkVersions(before, after, policy, &warnings)
    }
    return .plan(compose(checked, subject, before, after, warnings))
  }

  private static func checkKind(_ image: FirmwareImage) throws(Trouble) {
    guard image.kinds.contains(.firmware) else {
      let what = image.kinds.map(\.rawValue).sorted().joined(separator: " and ")
      throw Trouble(
        "plan.not-firmware-kind",
        "The file holds no firmware, only \(what.isEmpty ? "other data" : what).",
        advice: ["Choose the firmware package; a dashboard package goes in after it."],
        exitCode: .refused)
    }
  }

  private static func checkVendor(_ subject: Subject) throws(Trouble) {
    switch subject.state {
    case .diag, .bootROM, .silent: throw wrongMode(subject.state)
    case .normal, .download, .downloadAT: break
    }
    let report = subject.report
    guard report.vendor == "huawei" else {
      throw Trouble(
        "plan.wrong-vendor",
        "The file is for a Huawei stick; this one is \(report.manufacturer ?? "of another maker").",
        advice: ["Find a file made for exactly this model: `modemsmith info` shows it."],
        exitCode: .refused)
    }
    guard report.world != .qualcomm else {
      throw Trouble(
        "plan.wrong-chip",
        "The file is for a Balong chip; this stick has a Qualcomm chip.",
        facts: report.firmware.map { ["firmware of the stick: \($0)"] } ?? [],
        advice: ["Find a file made for exactly this model and chip."], exitCode: .refused)
    }
  }

  static func wrongMode(_ state: BalongState) -> Trouble {
    switch state {
    case .bootROM:
      Trouble(
        "stick.wrong-mode", "The stick shows its boot ROM: it cannot start by itself.",
        advice: ["It needs an emergency loader: see the rescue page of its model."],
        aftermath: .needsRescue, exitCode: .refused)
    case .diag:
      Trouble(
        "stick.wrong-mode", "This port is the stick's diagnostic port.",
        advice: ["Choose the AT port: `modemsmith list` shows it."], exitCode: .refused)
    default: LinkErrorTrouble.silent
    }
  }

  private static func checkProduct(_ image: FirmwareImage, _ subject: Subject, _ policy: Policy)
    throws(Trouble)
  {
    let made = image.claims.products
    if made.isEmpty, !policy.forced.contains(.productUnknown) {
      throw BalongProduct.mismatch(
        stick: subject.report.productID, file: [], aftermath: .untouched)
    }
    guard !made.isEmpty else { return }
    let said = subject.state == .normal ? [] : subject.report.productID.map { [$0] } ?? []
    let known =
      said.isEmpty
      ? DeviceCatalogue.huaweiBalong.products(
        model: subject.report.model, hardware: subject.report.hardware) : said
    // A model that no table knows is compared in download mode, before the first write.
    if known.isEmpty
      || made.allSatisfy({ m in known.contains { BalongProduct.matches(m, $0) } })
    {
      return
    }
    throw BalongProduct.mismatch(
      stick: known.joined(separator: "\" or \""), file: made, aftermath: .untouched)
  }

  /// Whether the stick's own answers in normal mode already proved the product, so that a monitor
  /// that keeps its id to itself is no obstacle.
  static func isKnownProduct(_ image: FirmwareImage, _ subject: Subject) -> Bool {
    let known = DeviceCatalogue.huaweiBalong.products(
      model: subject.report.model, hardware: subject.report.hardware)
    let made = image.claims.products
    return subject.state == .normal && !made.isEmpty && known.count == 1
      && made.allSatisfy { BalongProduct.matches($0, known[0]) }
  }

  private static func checkVersions(
    _ before: FirmwareVersion, _ after: FirmwareVersion, _ policy: Policy,
    _ warnings: inout [String]
  ) throws(Trouble) {
    guard let old = before.groups, let new = after.groups, let oldFamily = old.first,
      let newFamily = new.first
    else {
      warnings.append("The versions \(before) and \(after) cannot be compared.")
      return
    }
    if oldFamily != newFamily, !policy.forced.contains(.family) {
      throw Trouble(
        "plan.wrong-family",
        "The stick runs the \(oldFamily).x family, the file is of the \(newFamily).x family.",
        facts: ["21.x is stick firmware, 22.x is HiLink firmware with a web page"],
        advice: [
          "Choose a file of the \(oldFamily).x family.",
          "If you want to change the family, know the pairing rule and use `--force family`.",
        ], exitCode: .refused)
    }
    // The last group is the customer code; it says nothing of age.
    let oldest = FirmwareVersion(new.prefix(4).map(String.init).joined(separator: "."))
    let current = FirmwareVersion(old.prefix(4).map(String.init).joined(separator: "."))
    if oldFamily == newFamily, oldest.isOlder(than: current) == true, !policy.allowDowngrade {
      throw Trouble(
        "plan.downgrade", "The file is older (\(after)) than the stick's firmware (\(before)).",
        advice: [
          "Leave the stick as it is, or find a newer file.",
          "If you are sure, use `--allow-downgrade`.",
        ], exitCode: .refused)
    }
    if old.count >= 5, new.count >= 5, old[4] != new[4] {
      warnings.append(
        "The customer build changes from \(old[4]) to \(new[4]): settings and SIM lock rules of"
          + " another operator may come with it.")
    }
  }

  private static func compose(
    _ checked: CheckedImage, _ subject: Subject, _ before: FirmwareVersion?,
    _ after: FirmwareVersion?, _ warnings: [String]
  ) -> Plan {
    let image = checked.image
    let isNormal = subject.state == .normal
    let items = image.segments.map { PlannedItem(id: $0.id, name: $0.name, bytes: $0.size) }
    let bytes = items.reduce(0) { $0 + $1.bytes }
    var cannotBackUp = ["the firmware now on the stick (Balong sticks do not let it be read)"]
    var cannotVerify: [String] = []
    if !isNormal {
      cannotBackUp.append("settings and identity (the stick waits in download mode)")
      cannotVerify.append("that the identity number is unchanged (it cannot be read beforehand)")
    }
    if after == nil { cannotVerify.append("the version (the file does not say which it holds)") }
    return Plan(
      route: BalongRoute.name, vendor: "huawei",
      model: subject.report.model, products: image.claims.products, before: before, after: after,
      file: URL(fileURLWithPath: checked.path).lastPathComponent, sha256: checked.sha256,
      signed: image.signature != nil, items: items,
      stages: (isNormal ? [.enterDownload] : []) + [.write, .restart, .verify]
        + (isNormal ? [.restoreSettings] : []),
      // Re-enumerations take about 45 s each way; half a MiB a second is what users report.
      expectedSeconds: (isNormal ? 90 : 60) + Double(bytes) / 524_288,
      cannotBackUp: cannotBackUp, cannotVerify: cannotVerify,
      warnings: warnings + image.warnings.map { "\($0)" },
      evidence: DeviceCatalogue.huaweiBalong.evidence)
  }
}
