import SmithBench
import SmithFormats

/// Makes Sierra files for simulated sticks; nothing of a vendor is in them.
public struct SierraSample: Sendable {
  /// Four letters of the header.
  public var product: String
  /// Chip family of the version texts.
  public var family: String
  /// Firmware version.
  public var version: String
  /// Bytes of the application, about.
  public var bytes = 65_536
  /// Seed of its contents.
  public var seed: UInt64 = 1

  /// A file for a product and family, as in `9X15` and `SWI9X15C`.
  public init(product: String, family: String, version: String) {
    self.product = product
    self.family = family
    self.version = version
  }

  /// A firmware package (.cwe): boot parts, modem, application. Nil if a code cannot be written.
  public func firmware() -> [UInt8]? {
    var dice = Seeded(seed)
    guard
      let package = header("SPKG", "INTERNAL_?_\(family)_\(version)_?_?_?_?"),
      let boot = header("BOOT", "\(family)_\(version)"), let loader = header("SBL1"),
      let modem = header("MODM"), let second = header("DSP2"), let application = header("APPL"),
      let system = header("APPS")
    else { return nil }
    return SierraBuilder.composite(
      package,
      [
        .composite(boot, [.payload(loader, Self.content(bytes / 16 + 1, &dice))]),
        .composite(modem, [.payload(second, Self.content(bytes / 8 + 1, &dice))]),
        .composite(application, [.payload(system, Self.content(bytes, &dice))]),
      ]
    ).bytes
  }

  /// Carrier settings (.nvu) that belong to the firmware. Nil if a code cannot be written.
  public func carrier(_ name: String, _ configuration: String) -> [UInt8]? {
    var dice = Seeded(seed &+ 1)
    guard
      let package = header(
        "SPKG", "9999999_9902574_\(family)_\(version)_00_\(name)_\(configuration)"),
      let folder = header("FILE"), let path = header("FILE", "/swir/nvdelta/NVUP_X.010"),
      let update = header("NVUP")
    else { return nil }
    return SierraBuilder.composite(
      package,
      [.composite(folder, [.composite(path, [.payload(update, Self.content(500, &dice))])])]
    ).bytes
  }

  private func header(_ type: String, _ version: String = "") -> SierraHeader? {
    guard let type = SierraCode(type), let product = SierraCode(product) else { return nil }
    return SierraHeader(type: type, product: product, version: version, date: "11/15/13")
  }

  private static func content(_ count: Int, _ dice: inout Seeded) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
  }
}
