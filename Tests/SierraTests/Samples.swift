import SmithBench
import SmithBytes
import SmithFormats
import SmithProtocols

/// Images made for tests; nothing of a vendor is in them.
enum Sample {
  static func header(
    _ type: String, _ product: String = "9X15", version: String = ""
  ) -> SierraHeader {
    guard let type = SierraCode(type), let product = SierraCode(product) else {
      preconditionFailure("a sample has a wrong code")
    }
    return SierraHeader(type: type, product: product, version: version, date: "11/15/13")
  }

  static func payload(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var dice = Seeded(seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
  }

  /// A firmware package as those of MDM9x15: boot parts, modem, application.
  static func firmware(
    _ version: String = "05.05.66.00", product: String = "9X15", family: String = "SWI9X15C",
    bytes: Int = 5000
  ) -> SierraBuilder {
    .composite(
      header("SPKG", product, version: "INTERNAL_?_\(family)_\(version)_?_?_?_?"),
      [
        .composite(
          header("BOOT", product, version: "\(family)_\(version)"),
          [.payload(header("SBL1", product), payload(300, seed: 2))]),
        .composite(
          header("MODM", product), [.payload(header("DSP2", product), payload(700, seed: 3))]),
        .composite(
          header("APPL", product),
          [.payload(header("APPS", product), payload(bytes, seed: 4))]),
      ])
  }

  /// Carrier settings that belong to a firmware.
  static func carrier(
    _ version: String = "05.05.66.00", name: String = "GENERIC",
    configuration: String = "005.028_000", product: String = "9X15", family: String = "SWI9X15C"
  ) -> SierraBuilder {
    let text = "9999999_9902574_\(family)_\(version)_00_\(name)_\(configuration)"
    return .composite(
      header("SPKG", product, version: text),
      [
        .composite(
          header("FILE", product),
          [
            .composite(
              header("FILE", product, version: "/swir/nvdelta/NVUP_X.010"),
              [.payload(header("NVUP", product), payload(500, seed: 5))])
          ])
      ])
  }

  static func image(_ name: String, _ builder: SierraBuilder) -> QDLImage {
    image(name, builder.bytes)
  }

  static func image(_ name: String, _ bytes: [UInt8]) -> QDLImage {
    guard let image = QDLImage(name: name, type: .cwe, file: SharedBytes(bytes)) else {
      preconditionFailure("a sample is empty")
    }
    return image
  }
}
