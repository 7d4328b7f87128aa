/// Numbers that look random and come back the same for the same seed (SplitMix64).
public struct Seeded: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts at `seed`.
  public init(_ seed: UInt64) {
    state = seed &+ 0x9e37_79b9_7f4a_7c15
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }

  /// Bytes that look random.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// True once in `1 / chance` calls on average; costs nothing when the chance is zero.
  public mutating func happens(_ chance: Double) -> Bool {
    guard chance > 0 else { return false }
    return Double(next() >> 11) * 0x1p-53 < chance
  }
}
