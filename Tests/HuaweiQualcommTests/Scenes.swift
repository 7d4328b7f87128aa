import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// Sticks, files and trials of updates that go as far as is known.
enum Scenes {
  typealias Stick = HuaweiQualcommStick

  static func stick(
    _ name: String = "e1550", change: (inout Stick.Options) -> Void = { _ in }
  ) throws -> Stick {
    Stick(try #require(Stick.Personality.named("huawei-\(name)")), change: change)
  }

  static func package(_ product: String = "E155", version: String = "11.609.99.00.00") throws
    -> CheckedImage
  {
    try CheckedImage(
      SharedBytes(QualcommSample(product: product, version: version).package()),
      named: "/files/package.bin")
  }

  static func updater(version: String = "11.609.99.00.00") throws -> CheckedImage {
    try CheckedImage(
      SharedBytes(QualcommSample(product: "", version: version).updater()),
      named: "/files/E155XUpdate.exe")
  }

  static func trial(_ stick: Stick, _ image: CheckedImage) -> Trial<Stick> {
    var trial = Trial(stick, image)
    trial.policy.experimental = true
    return trial
  }

  static func updater(on bus: VirtualBus<Stick>, owner: TrialOwner = TrialOwner()) -> Updater {
    Updater(
      bus: bus, owner: owner,
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
  }
}
