import SmithBench
import SmithBytes
import SmithFormats

/// Makes files for simulated Huawei sticks of the Qualcomm era; nothing of a vendor is in them.
///
/// How a real package is laid out is not known: the container is Balong's, which is a guess, and
/// the updater holds noise around the two texts that it is recognised by.
public struct QualcommSample: Sendable {
  /// Product text, as in `E155`.
  public var product: String
  /// Version of the firmware, of the 11.x family.
  public var version: String
  /// Bytes of the contents, about.
  public var bytes = 65_536
  /// Seed of its contents.
  public var seed: UInt64 = 1

  /// A file for a product.
  public init(product: String, version: String) {
    self.product = product
    self.version = version
  }

  /// A package: a partition table of the size that the capture shows, and one item more.
  public func package() -> [UInt8] {
    var dice = Seeded(seed)
    var builder = BalongBuilder(kind: [.firmware], compatibility: product)
    for (id, size) in [(UInt32(0x10000), 464), (0x40000, max(512, bytes))] {
      builder.add(
        id: id, data: noise(size, &dice), version: ":\(product):\(version)", packing: .none)
    }
    return builder.build()
  }

  /// A Windows program that names Huawei and the version, as programs keep texts.
  public func updater() -> [UInt8] {
    var dice = Seeded(seed)
    var program: [UInt8] = [0x4d, 0x5a, 0x90, 0x00] + noise(max(512, bytes / 2), &dice)
    for text in ["HUAWEI Technologies", version] {
      program += [0, 0] + text.utf8.flatMap { [$0, 0] } + [0, 0]
    }
    return program + noise(max(512, bytes / 2), &dice)
  }

  private func noise(_ count: Int, _ dice: inout Seeded) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
  }
}
