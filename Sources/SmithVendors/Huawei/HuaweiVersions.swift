import SmithModel

/// What two version numbers of Huawei say about each other
/// (Docs/Protocols/balong-image.md section 5).
enum HuaweiVersions {
  /// Refuses another family and an older file, and warns of another customer's build.
  static func compare(
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
}
