import SmithBench
import SmithFormats
public import SmithSimulators

/// Makes firmware files for simulated sticks: the vendor's container around contents of our own.
public struct SamplePackage: Sendable {
  /// The stick that it is for.
  public var personality: HuaweiBalongStick.Personality
  /// The version that it holds.
  public var version = "21.157.99.00.00"
  /// Bytes of all items together, about.
  public var bytes = 65_536
  /// Seed of its contents.
  public var seed: UInt64 = 1
  /// Whether it carries a signature block.
  public var signed = false
  /// Whether items are packed with zlib and LZMA.
  public var compressed = false
  /// Whether it is wrapped in a Windows program, as vendors do.
  public var exe = false

  /// A plain package for a stick.
  public init(for personality: HuaweiBalongStick.Personality) {
    self.personality = personality
  }

  /// Size of the signature block of a signed sample.
  public static let signatureSize = 2958

  /// The file.
  public func build() -> [UInt8] {
    var dice = Seeded(seed)
    // The factory's own items without the dashboard: those of an official firmware package.
    let ids = personality.factoryItems.filter { $0 != 0x10c && $0 != 0xb0000 }
    var builder = BalongBuilder(kind: [.firmware], compatibility: personality.downloadID)
    let share = max(512, bytes / ids.count)
    for (index, id) in ids.enumerated() {
      let data = content(share + (index.isMultiple(of: 2) ? 0 : 777), &dice)
      let packing: Packing = !compressed || index == 0 ? .none : index % 2 == 0 ? .zlib : .lzma
      builder.add(
        id: id, data: data, version: ":\(personality.model):\(version)", packing: packing)
    }
    if signed {
      builder.signed(keyHash: (0..<32).map { UInt8($0 * 7 + 1) }, size: Self.signatureSize)
    }
    let package = builder.build()
    return exe ? BalongBuilder.program(around: package) : package
  }

  /// Half noise, half repeats, so that packing has something to do.
  private func content(_ size: Int, _ dice: inout Seeded) -> [UInt8] {
    var data = [UInt8]("SMITHSIM-VERSION:\(version);".utf8)
    data.reserveCapacity(size)
    while data.count < size {
      var word = dice.next()
      for _ in 0..<(data.count.isMultiple(of: 3) ? 1 : 4) {
        unsafe withUnsafeBytes(of: &word) { unsafe data.append(contentsOf: $0) }
      }
    }
    return [UInt8](data.prefix(size))
  }
}
