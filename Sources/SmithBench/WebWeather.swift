/// What happens to web requests on their way; every chance is per request.
public struct WebWeather: Sendable, Equatable {
  /// An answer is late by up to ``longestDelay``.
  public var delay = 0.0
  /// How late a late answer can be.
  public var longestDelay: Duration = .seconds(5)
  /// An answer never comes.
  public var drop = 0.0
  /// The connection breaks inside the answer.
  public var truncate = 0.0
  /// One byte of an answer is changed.
  public var garble = 0.0
  /// Something happens at this request, counted from 1.
  public var cutAtRequest: Int?
  /// Whether the stick still takes that request in, and acts on it.
  public var cutAfterActing = false
  /// Whether the stick loses its power then; else only the connection breaks.
  public var cutIsPower = false

  /// Calm weather.
  public init() {}

  /// Weather drawn from a seed: mostly calm, sometimes foul.
  public init(seed: UInt64, requests: Int) {
    var dice = Seeded(seed)
    let foul = dice.happens(0.5) ? 0.02 : 0.1
    delay = dice.happens(0.4) ? foul : 0
    drop = dice.happens(0.4) ? foul : 0
    truncate = dice.happens(0.4) ? foul : 0
    garble = dice.happens(0.3) ? foul : 0
    if dice.happens(0.4) {
      cutAtRequest = Int(dice.next() % UInt64(max(requests, 1))) + 1
      cutAfterActing = dice.happens(0.5)
      cutIsPower = dice.happens(0.5)
    }
  }
}
