/// What the cable does to bytes, and when the world ends; every chance is per chunk.
public struct Weather: Sendable, Equatable {
  /// A chunk arrives in several pieces.
  public var split = 0.0
  /// A chunk waits for the one after it.
  public var join = 0.0
  /// A chunk is late by up to ``longestDelay``.
  public var delay = 0.0
  /// How late a late chunk can be.
  public var longestDelay: Duration = .seconds(5)
  /// A chunk is lost.
  public var drop = 0.0
  /// One byte of a chunk is changed.
  public var corrupt = 0.0
  /// A chunk from the stick arrives twice.
  public var duplicate = 0.0
  /// Bytes of nobody arrive before a chunk from the stick.
  public var noise = 0.0
  /// The stick loses power as the host hands over this send (counted from 1).
  public var unplugAtSend: Int?
  /// Whether the last send still reaches the stick before the power goes.
  public var unplugAfterDelivery = false

  /// Calm weather.
  public init() {}

  /// Weather drawn from a seed: mostly calm, sometimes foul.
  public init(seed: UInt64, sends: Int) {
    var dice = Seeded(seed)
    let foul = dice.happens(0.5) ? 0.002 : 0.02
    func chance(_ likely: Double, _ dice: inout Seeded) -> Double {
      dice.happens(likely) ? foul : 0
    }
    split = dice.happens(0.5) ? 0.2 : 0
    join = dice.happens(0.2) ? 0.02 : 0
    delay = chance(0.4, &dice)
    drop = chance(0.4, &dice)
    corrupt = chance(0.4, &dice)
    duplicate = chance(0.3, &dice)
    noise = chance(0.3, &dice)
    if dice.happens(0.4) {
      unplugAtSend = Int(dice.next() % UInt64(max(sends, 1))) + 1
      unplugAfterDelivery = dice.happens(0.5)
    }
  }
}
