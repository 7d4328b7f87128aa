import SmithModel
import SmithSimulators

/// The sticks that `sim` serves and `rehearse` writes to.
enum SimulatedModels {
  /// What can be changed about one.
  struct Switches {
    var strict = false
    var signed = false
    var logging = false
    var seed: UInt64 = 1
    var lock: LockSwitches?
  }

  /// Names for `sim --help`.
  static var names: [String] { HuaweiBalongStick.Personality.all.map(\.name) }

  /// A stick of that name.
  ///
  /// - Throws: `usage.unknown-model`.
  static func stick(_ name: String, firmware: String?, options switches: Switches) throws(Trouble)
    -> HuaweiBalongStick
  {
    let personality = try personality(name)
    var options = HuaweiBalongStick.Options()
    options.strict = switches.strict
    options.signed = switches.signed
    options.logging = switches.logging
    switches.lock?.apply(to: &options)
    return HuaweiBalongStick(
      personality: personality, firmware: firmware.map { FirmwareVersion($0) },
      imei: switches.lock?.imei ?? "004999010640000", seed: switches.seed, options: options)
  }

  /// The personality of that name.
  ///
  /// - Throws: `usage.unknown-model`.
  static func personality(_ name: String) throws(Trouble) -> HuaweiBalongStick.Personality {
    if let personality = HuaweiBalongStick.Personality.named(name) { return personality }
    throw Trouble(
      "usage.unknown-model", "There is no simulated model \"\(name)\".",
      advice: ["Models: \(names.joined(separator: ", "))."], exitCode: .usage)
  }
}
