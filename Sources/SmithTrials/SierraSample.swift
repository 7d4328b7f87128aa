import SmithBench
public import SmithBytes
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

  /// A single application image as 3G sticks take it, of a version such as `K1_0_2_9AP`: the
  /// family is its letter. Nil if a code cannot be written.
  public func application() -> [UInt8]? {
    var dice = Seeded(seed)
    let number = version.split { $0 == "." || $0 == "_" }.joined(separator: "_")
    let name = family + number + (number.hasSuffix("AP") ? "" : "AP")
    guard let header = header("APPL", "\(name) C:/WS/FW/\(name)/SRC 2010/01/01 00:00:00") else {
      return nil
    }
    return SierraBuilder.payload(header, Self.content(bytes, &dice)).bytes
  }

  /// Carrier settings (.nvu) that belong to the firmware. Nil if a code cannot be written.
  public func carrier(_ name: String, _ configuration: String) -> [UInt8]? {
    guard
      let package = header(
        "SPKG", "9999999_9902574_\(family)_\(version)_00_\(name)_\(configuration)"),
      let folder = header("FILE"), let path = header("FILE", "/swir/nvdelta/NVUP_X.010"),
      let update = header("NVUP")
    else { return nil }
    return SierraBuilder.composite(
      package,
      [.composite(folder, [.composite(path, [.payload(update, settings(name).encoded)])])]
    ).bytes
  }

  /// The three files of a Gobi 2000: the modem's names its version near its start.
  public static func gobi(version: String, bytes: Int, seed: UInt64) -> [(
    name: String, bytes: SharedBytes
  )] {
    var dice = Seeded(seed)
    let name = [0, 0, 0, 0] + [UInt8]("\(version)  1  [Apr 14 2010 17:00:00]".utf8)
    return [
      ("amss.mbn", SharedBytes(name + content(bytes, &dice))),
      ("apps.mbn", SharedBytes(content(bytes / 4 + 1, &dice))),
      ("UQCN.mbn", SharedBytes(content(bytes / 16 + 1, &dice))),
    ]
  }

  /// A handful of settings, each with a name or a number and a content.
  private func settings(_ carrier: String) -> NVUpdate {
    var dice = Seeded(seed &+ 1)
    func content(_ count: Int) -> SharedBytes { SharedBytes(Self.content(count, &dice)) }
    return NVUpdate(elements: [
      .init(kind: 0, entries: [.item(4397, content(32)), .item(6828, content(16))]),
      .init(
        kind: 1,
        entries: [.name("CARRIER_NAME", flag: 0), .value(SharedBytes(Array(carrier.utf8)))]),
      .init(kind: 2, entries: [.name("/nv/item_files/sample", flag: 1), .value(content(200))]),
    ])
  }

  private func header(_ type: String, _ version: String = "") -> SierraHeader? {
    guard let type = SierraCode(type), let product = SierraCode(product) else { return nil }
    return SierraHeader(type: type, product: product, version: version, date: "11/15/13")
  }

  private static func content(_ count: Int, _ dice: inout Seeded) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
  }
}
