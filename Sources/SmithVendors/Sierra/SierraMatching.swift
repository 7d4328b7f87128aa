public import SmithFormats
public import SmithModel

/// Everything about a stick that decides whether a file is for it.
public struct SierraDevice: Equatable, Sendable {
  /// Model, as in `MC7304`.
  public var model: String?
  /// Revision text, taken apart.
  public var revision: SierraRevision?
  /// USB id of the firmware; it names OEM sticks.
  public var id: USBID?
  /// Carrier that the stick prefers or runs.
  public var carrier: String?
  /// Package text of the stick (`AT!PACKAGE?`), if it has one.
  public var package: SierraVersionText?

  /// Gathers the parts.
  public init(
    model: String? = nil, revision: SierraRevision? = nil, id: USBID? = nil,
    carrier: String? = nil, package: SierraVersionText? = nil
  ) {
    self.model = model
    self.revision = revision
    self.id = id
    self.carrier = carrier
    self.package = package
  }

  /// Who sells the stick under their own id; nil for Sierra itself.
  public var oem: String? {
    guard let id else { return nil }
    switch (id.vendor, id.product) {
    case (0x413c, _): return "Dell"
    case (0x1199, 0x9078), (0x1199, 0x9079): return "Lenovo"
    case (0x03f0, _): return "HP"
    case (0x0f3d, _): return "AirPrime (AT&T, NETGEAR)"
    case (0x114f, _): return "Wavecom"
    default: return nil
    }
  }
}

/// Why a set of files is not for a stick.
public enum SierraMismatch: Error, Equatable, Sendable {
  /// The stick does not say what it is, or the file does not.
  case unproven(String)
  /// File and stick are of different chip families.
  case otherFamily(file: String, stick: String)
  /// The settings are for another generation of sticks than this one.
  case otherGeneration(file: String, stick: String)
  /// The product code of the file belongs to another chip.
  case otherProduct(file: String, stick: String)
  /// The file is for the boot loader's generation that is not supported.
  case outOfScope(family: String)
  /// Firmware and settings files are of different versions.
  case versionsDiffer(firmware: String, carrier: String)
  /// The settings are for another carrier than the stick's.
  case otherCarrier(file: String, stick: String)
  /// The file is older than what the stick runs.
  case downgrade(file: String, stick: String)
  /// The stick is sold by another company, and the package is made for somebody else.
  case otherSeller(file: String, stick: String)
  /// The file is a difference to an older image.
  case difference
  /// No file of the set brings anything that can be installed.
  case nothingToInstall

  /// Whether the owner may waive the rule; never chip, model or format.
  public var canBeWaived: Bool {
    switch self {
    case .downgrade, .otherCarrier, .otherSeller: true
    default: false
    }
  }
}

extension SierraMismatch: TroubleConvertible {
  /// The explanation; nothing was sent to the stick.
  public var trouble: Trouble {
    let (name, summary, facts, advice) = words
    return Trouble(
      name, summary, facts: facts, advice: [advice], exitCode: .refused)
  }

  private var words: (String, String, [String], String) {
    switch self {
    case .unproven(let why):
      (
        "sierra.unproven", "It cannot be proven that this file is for this stick.", [why],
        "Look for a file that names the stick's family."
      )
    case .otherFamily(let file, let stick):
      (
        "sierra.other-family", "The file is for another chip family.",
        ["file \(file), stick \(stick)"],
        "Look for a file for \(stick)."
      )
    case .otherGeneration(let file, let stick):
      (
        "sierra.nvu-other-generation",
        "The settings file (.nvu) is for another generation of sticks.",
        ["file \(file), stick \(stick)"],
        "Take the .nvu that was released together with the firmware of this stick."
      )
    case .otherProduct(let file, let stick):
      (
        "sierra.other-product", "The product code of the file belongs to another chip.",
        ["file \(file), stick \(stick)"], "Look for a file for \(stick)."
      )
    case .outOfScope(let family):
      (
        "sierra.out-of-scope", "Sticks of the \(family) generation are not supported.", [],
        "Use the vendor's own tool."
      )
    case .versionsDiffer(let firmware, let carrier):
      (
        "sierra.versions-differ", "Firmware and carrier settings are of different versions.",
        ["firmware \(firmware), settings for \(carrier)"],
        "Take both files from one release: otherwise the radio stays off."
      )
    default: wordsOfRules
    }
  }

  private var wordsOfRules: (String, String, [String], String) {
    switch self {
    case .otherCarrier(let file, let stick):
      (
        "sierra.other-carrier", "The settings are for another carrier.",
        ["file \(file), stick \(stick)"],
        "Take the settings for \(stick), or use --force carrier."
      )
    case .downgrade(let file, let stick):
      (
        "sierra.downgrade", "The file is older than what the stick runs.",
        ["file \(file), stick \(stick)"], "Keep what is there, or add --allow-downgrade."
      )
    case .otherSeller(let file, let stick):
      (
        "sierra.other-seller", "The package is not made for the company that sells this stick.",
        ["file \(file), stick of \(stick)"], "Ask \(stick) for the file, or use --force branding."
      )
    case .difference:
      (
        "sierra.difference", "The file is a difference and needs exactly the right base.", [],
        "Look for the full package."
      )
    default:
      (
        "sierra.nothing-to-install", "The file brings neither firmware nor settings.", [],
        "Choose another."
      )
    }
  }
}

/// Whether files are for a stick (Docs/Protocols/sierra-identify.md section 5).
public enum SierraMatching {
  /// A good answer: what to send, and what to say about it.
  public struct Match: Equatable, Sendable {
    /// Version that the stick will run; nil if only settings are installed.
    public var firmware: FirmwareVersion?
    /// Carrier that the settings are for; nil without settings.
    public var carrier: String?
    /// Whether the stick runs exactly this already.
    public var isSame: Bool
    /// Things to say that do not stop the update.
    public var warnings: [String]
  }

  /// Compares a set of files with a stick: firmware, or firmware and settings, or one package.
  ///
  /// - Parameter waived: rules that the owner waives; only those that can be.
  /// - Throws: the first mismatch; what is unknown on either side is no match.
  public static func match(
    _ images: [SierraClaim], with device: SierraDevice,
    waived: (SierraMismatch) -> Bool = { _ in false }
  ) throws(SierraMismatch) -> Match {
    func enforce(_ mismatch: SierraMismatch) throws(SierraMismatch) {
      if !mismatch.canBeWaived || !waived(mismatch) { throw mismatch }
    }
    guard let revision = device.revision else {
      throw .unproven("the stick does not say what it runs")
    }
    if SierraGeneration.outOfScope.contains(revision.family) {
      throw .outOfScope(family: revision.family)
    }
    let firmware = images.first { $0.kind == .firmware || $0.kind == .package }
    let carrier = images.first { $0.kind == .carrier || $0.kind == .package }
    for image in images { try checkFile(image, revision) }
    guard firmware != nil || carrier != nil else { throw .nothingToInstall }
    if let one = firmware?.versions.firmware, let other = carrier?.versions.firmware, one != other {
      throw .versionsDiffer(firmware: one.text, carrier: other.text)
    }
    var warnings = notes(firmware: firmware, carrier: carrier, revision)
    var isSame = false
    if let firmware {
      guard let version = firmware.versions.firmware,
        let isOlder = version.isOlder(than: revision.version)
      else { throw .unproven("the firmware file does not name its version") }
      isSame = version.isConfirmed(by: revision.version)
      if isOlder, !isSame {
        try enforce(.downgrade(file: version.text, stick: revision.version.text))
      }
    } else if let wanted = carrier?.versions.firmware, wanted != revision.version {
      throw .versionsDiffer(firmware: revision.version.text, carrier: wanted.text)
    }
    if let name = carrier?.versions.carrier, let current = device.carrier,
      name.lowercased() != current.lowercased()
    {
      try enforce(.otherCarrier(file: name, stick: current))
    }
    for image in images {
      if let seller = otherSeller(image, device) { try enforce(seller) }
    }
    if device.oem != nil { warnings.append("this stick is sold by \(device.oem ?? "")") }
    return Match(
      firmware: firmware?.versions.firmware, carrier: carrier?.versions.carrier, isSame: isSame,
      warnings: warnings)
  }

  /// As above, for files that are at hand.
  public static func match(
    _ images: [SierraImage], with device: SierraDevice,
    waived: (SierraMismatch) -> Bool = { _ in false }
  ) throws(SierraMismatch) -> Match {
    try match(images.map(SierraClaim.init), with: device, waived: waived)
  }

  private static func checkFile(
    _ image: SierraClaim, _ revision: SierraRevision
  ) throws(SierraMismatch) {
    switch image.kind {
    case .difference: throw .difference
    case .other: throw .nothingToInstall
    case .firmware, .carrier, .package: break
    }
    guard let family = image.versions.family else {
      throw .unproven("the file does not name its family")
    }
    if SierraGeneration.outOfScope.contains(family) { throw .outOfScope(family: family) }
    guard family == revision.family else {
      if image.kind == .carrier {
        throw .otherGeneration(file: family, stick: revision.family)
      }
      throw .otherFamily(file: family, stick: revision.family)
    }
    let product = image.product.uppercased()
    if let chips = families[product], !chips.contains(where: revision.family.hasPrefix) {
      throw .otherProduct(file: product, stick: revision.family)
    }
  }

  /// Product codes that name a chip; all others are for the stick to judge.
  private static let families: [String: [String]] = [
    "9X15": ["SWI9X15"], "9X30": ["SWI9X30"], "9X28": ["SWI9X28"], "9X40": ["SWI9X40"],
    "9200": ["SWI9200"],
  ]

  private static func notes(
    firmware: SierraClaim?, carrier: SierraClaim?, _ revision: SierraRevision
  ) -> [String] {
    let needsSettings = ["SWI9X15", "SWI9X30"].contains(where: revision.family.hasPrefix)
    guard firmware != nil, carrier == nil, needsSettings else { return [] }
    return ["no carrier settings: the radio stays off until settings of this version are installed"]
  }

  /// A package made for one buyer is not for the stick of another; generic and vendor builds are
  /// for all sticks that no other company sells.
  private static func otherSeller(_ image: SierraClaim, _ device: SierraDevice) -> SierraMismatch? {
    guard let sku = image.versions.sku else { return nil }
    if sku == device.package?.sku { return nil }
    let isGeneric = sku == "9999999" || sku == "INTERNAL"
    if isGeneric { return nil }
    return .otherSeller(file: sku, stick: device.oem ?? device.package?.sku ?? "Sierra Wireless")
  }
}
