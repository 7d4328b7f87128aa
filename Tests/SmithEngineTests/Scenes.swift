import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials

/// A kind of package.
enum Kind: String, CaseIterable, Sendable {
  case plain, compressed, signed
}

/// Sticks and files for tests.
enum Scenes {
  static func package(
    _ personality: HuaweiBalongStick.Personality, _ kind: Kind = .plain, version: String? = nil,
    bytes: Int = 12_000
  ) throws -> CheckedImage {
    var sample = SamplePackage(for: personality)
    sample.version = version ?? newer(personality)
    sample.bytes = bytes
    sample.compressed = kind == .compressed
    sample.signed = kind == .signed
    return try CheckedImage(SharedBytes(sample.build()), named: "/nowhere/sample.bin")
  }

  static func stick(_ personality: HuaweiBalongStick.Personality, _ kind: Kind = .plain)
    -> HuaweiBalongStick
  {
    var options = HuaweiBalongStick.Options()
    options.signed = kind == .signed
    return HuaweiBalongStick(personality: personality, options: options)
  }

  static func newer(_ personality: HuaweiBalongStick.Personality) -> String {
    "\(personality.firmware.prefix(7))99.00.00"
  }

  /// An updater on a virtual bus with a journal in memory.
  static func updater(
    _ bus: any Bus, _ journal: MemoryJournal = MemoryJournal(), owner: any Owner = TrialOwner(),
    power: PowerState = PowerState()
  ) -> Updater {
    Updater(
      bus: bus, owner: owner,
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: .memory(), power: { power },
        tool: "test"))
  }
}

/// An owner who says no.
final class Reluctant: Owner {
  var wantsToStop: Bool { false }
  func consent(to plan: CheckedPlan) async -> Consent? { nil }
  func hear(_ event: UpdateEvent) async {}
}
