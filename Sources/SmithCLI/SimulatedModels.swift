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
    var pin: String?
    var inLoader = false
  }

  /// One stick of any family.
  enum Stick {
    case huawei(HuaweiBalongStick)
    case huaweiQualcomm(HuaweiQualcommStick)
    case sierra(SierraStick)
    case zte(ZTESerialStick)
    case qualcomm(QualcommLTEBody)
  }

  /// Names for `sim --help`.
  static var names: [String] {
    (HuaweiBalongStick.Personality.all + HuaweiBalongStick.Personality.relatives).map(\.name)
      + HuaweiQualcommStick.Personality.all.map(\.name)
      + SierraPersonality.all.map { sierra + $0.name } + [zte, QualcommSampleFolder.model]
  }

  /// ZTE's stick with serial ports; with `--http` the same name serves its page.
  static let zte = "zte-mf667"

  static let sierra = "sierra-"

  /// A stick of that name.
  ///
  /// - Throws: `usage.unknown-model`.
  static func stick(_ name: String, firmware: String?, options switches: Switches) throws(Trouble)
    -> Stick
  {
    if QualcommSampleFolder.makes(name) {
      return .qualcomm(QualcommSampleFolder.stick(firmware: firmware))
    }
    if var personality = sierraPersonality(name) {
      if let firmware { personality.firmware = firmware }
      var quirks = SierraQuirks()
      quirks.startsInLoader = switches.inLoader
      return .sierra(SierraStick(personality, quirks: quirks))
    }
    if let personality = HuaweiQualcommStick.Personality.named(name) {
      return .huaweiQualcomm(
        HuaweiQualcommStick(personality, firmware: firmware) { switches.lock?.apply(to: &$0) })
    }
    if name == zte {
      return .zte(firmware.map { ZTESerialStick(firmware: $0) } ?? ZTESerialStick())
    }
    let personality = try personality(name)
    var options = HuaweiBalongStick.Options()
    options.strict = switches.strict
    options.signed = switches.signed
    options.logging = switches.logging
    options.pin = switches.pin
    switches.lock?.apply(to: &options)
    return .huawei(
      HuaweiBalongStick(
        personality: personality, firmware: firmware.map { FirmwareVersion($0) },
        imei: switches.lock?.imei ?? "004999010640000", seed: switches.seed, options: options))
  }

  /// Whether the stick of that name takes the files of a Gobi 2000.
  static func isGobi(_ name: String) -> Bool {
    sierraPersonality(name)?.loader == SierraPersonality.gobi2000.loader
  }

  /// The Sierra personality of that name; nil for other names.
  static func sierraPersonality(_ name: String) -> SierraPersonality? {
    SierraPersonality.all.first { sierra + $0.name == name }?.personality
  }

  /// What a package for the Huawei stick of that name is made for: for HiLink sticks, the chip
  /// behind the page.
  ///
  /// - Throws: `usage.unknown-model`.
  static func chip(_ name: String) throws(Trouble) -> HuaweiBalongStick.Personality {
    if let page = HuaweiHiLinkStick.Personality.named(name), HiLinkBalongStick.knows(page) {
      return HiLinkBalongStick.chip(of: page)
    }
    return try personality(name)
  }

  /// The Huawei personality of that name.
  ///
  /// - Throws: `usage.unknown-model`.
  static func personality(_ name: String) throws(Trouble) -> HuaweiBalongStick.Personality {
    if let personality = HuaweiBalongStick.Personality.named(name) { return personality }
    throw unknown(
      "There is no simulated model \"\(name)\".",
      advice: "Models: \(names.joined(separator: ", ")).")
  }

  static func unknown(_ summary: String, advice: String) -> Trouble {
    Trouble("usage.unknown-model", summary, advice: [advice], exitCode: .usage)
  }
}
