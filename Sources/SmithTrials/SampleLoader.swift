import SmithFormats
public import SmithSimulators

/// Makes loader files for simulated sticks: a loader's shape around noise
/// (Docs/Protocols/balong-loader.md section 6).
public struct SampleLoader: Sendable {
  /// What its erase call looks like.
  public enum Kind: String, Sendable, CaseIterable {
    /// The vendor's own: it erases everything when it starts.
    case stock
    /// Its erase call was put out of action.
    case safe
    /// Nothing known is in it.
    case unknown
  }

  private let personality: HuaweiBalongStick.Personality
  private let kind: Kind

  /// A loader for a stick.
  public init(for personality: HuaweiBalongStick.Personality, kind: Kind) {
    self.personality = personality
    self.kind = kind
  }

  /// The file.
  public func build() -> [UInt8] {
    var builder = BalongLoaderBuilder()
    switch personality.monitor {
    case .v3r3: (builder.chip, builder.product) = (.v3r3, "V3R3_MBB_STICK")
    case .v7r1: (builder.chip, builder.product) = (.v7r1, "H6920CS_STICK")
    case .v7r11: (builder.chip, builder.product) = (.v7r11, "HI6921_V711_SIM")
    }
    builder.kind =
      switch kind {
      case .stock: .stock
      case .safe: .safe
      case .unknown: .unknown
      }
    builder.size = 6000
    return builder.build()
  }
}
