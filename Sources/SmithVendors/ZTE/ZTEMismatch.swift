import SmithFormats
import SmithModel
import SmithProtocols

/// Why a package is not for a ZTE stick (Docs/Protocols/qualcomm-nand.md section 4).
enum ZTEMismatch {
  /// The chip family whose sticks have a known way.
  static let chip = "MDM6x00"

  /// The loader names its chip, and it is one that we can write.
  static func checkChip(_ package: NANDPackage) throws(Trouble) {
    guard let made = package.loader.chip else {
      throw Trouble(
        "zte.loader-unknown", "The loader does not say for which chip it is made.",
        facts: ["a chip is never concluded from a file name or a model's name"],
        advice: ["Use the loader of the maker's package for exactly this model."],
        exitCode: .refused)
    }
    guard made == chip else {
      throw Trouble(
        "plan.wrong-chip",
        "The loader is for \(made); the known ZTE sticks of this way have \(chip).",
        advice: ["Find a package made for exactly this model and chip."], exitCode: .refused)
    }
  }

  /// What the stick's own DIAG says of its chip.
  static func checkChip(_ package: NANDPackage, _ version: DiagVersion) throws(Trouble) {
    // No code is published for MDM6x00: any published one is another chip.
    guard let found = version.chipName, found != package.loader.chip else { return }
    throw Trouble(
      "plan.wrong-chip",
      "The loader is for \(package.loader.chip ?? "another chip"); this stick has \(found).",
      facts: ["asked of the stick's diagnostic port; nothing was written"],
      advice: ["Find a package made for exactly this model and chip."], exitCode: .refused)
  }

  /// Model, operator and age, as far as both sides tell.
  static func check(
    _ image: FirmwareImage, _ package: NANDPackage, _ report: DeviceReport, _ policy: Policy,
    _ warnings: inout [String]
  ) throws(Trouble) {
    if let made = package.model, let found = report.model?.uppercased() {
      guard found.hasPrefix(made) else { throw model(made, found) }
    } else if !policy.forced.contains(.productUnknown) {
      throw modelUnknown
    }
    guard let before = report.firmware, let after = image.claims.firmware else { return }
    guard let old = ZTERevision(before.text), let new = ZTERevision(after.text) else {
      warnings.append("the versions \(before) and \(after) cannot be compared")
      return
    }
    guard old.project == new.project || policy.forced.contains(.branding) else {
      throw otherOperator(old.project, new.project)
    }
    if new.isOlder(than: old) == true, !policy.allowDowngrade { throw older(before, after) }
  }

  private static func model(_ made: String, _ found: String) -> Trouble {
    Trouble(
      "zte.wrong-model", "The package is for \(made); this stick is a \(found).",
      facts: ["read from the version text inside the application"],
      advice: ["Find a package made for exactly this model."], exitCode: .refused)
  }

  private static let modelUnknown = Trouble(
    "zte.model-unknown", "Nothing in the package says for which model it is made.",
    advice: [
      "Look for the maker's package of exactly this model.",
      "If you know that it is for exactly this stick, add `--force product-unknown`.",
    ], exitCode: .refused)

  private static func otherOperator(_ old: String, _ new: String) -> Trouble {
    Trouble(
      "zte.other-operator", "The package is another operator's or project's: \(new), not \(old).",
      facts: ["another operator's firmware brings other locks and menus"],
      advice: ["Find the package of the same operator; or add `--force branding`."],
      exitCode: .refused)
  }

  private static func older(_ before: FirmwareVersion, _ after: FirmwareVersion) -> Trouble {
    Trouble(
      "zte.downgrade", "The package is older (\(after)) than what runs (\(before)).",
      advice: ["Keep what runs; or add `--allow-downgrade`."], exitCode: .refused)
  }

  static let noPackage = Trouble(
    "plan.not-firmware-kind", "The file holds no loader and no partition table.",
    advice: ["Give the whole package."], exitCode: .refused)

  static let inDownload = Trouble(
    "zte.in-download-mode", "The stick waits in download mode and does not say what it is.",
    facts: ["its loader compares only the partition table"],
    advice: [
      "If its update was interrupted, run `modemsmith resume`.",
      "If it should simply start again, run `modemsmith zte leave-download`.",
      "If you know that the file is for exactly this stick, add `--force product-unknown`.",
    ], exitCode: .refused)

  static let otherLoader = Trouble(
    "stick.wrong-mode", "Something else than DLOAD or a streaming loader answers.",
    advice: ["Unplug the stick, plug it in again, and try again."], aftermath: .unknown,
    exitCode: .refused)
}
