import SmithBytes
public import SmithLink

/// Writes down what passes between a simulated stick and its host, one JSON line for each packet.
public struct LoggedStick<Inner: StickBody>: StickBody {
  /// The stick.
  public var inner: Inner
  private let isLogging: Bool
  private var lines: [String] = []

  /// Wraps a stick; without logging nothing is kept.
  public init(_ inner: Inner, isLogging: Bool = true) {
    self.inner = inner
    self.isLogging = isLogging
  }

  /// The lines since the last call.
  public mutating func drainLog() -> [String] {
    defer { lines = [] }
    return lines
  }

  /// What the computer sees.
  public var face: StickFace? { inner.face }
  /// The next thing that happens by itself.
  public var nextDue: Duration? { inner.nextDue }

  /// Performs what falls due.
  public mutating func advance(to now: Duration) -> [Emission] { noted(inner.advance(to: now)) }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    note("host", port, bytes, now)
    return noted(inner.receive(bytes, on: port, at: now))
  }

  /// Gives the stick power.
  public mutating func plug(at now: Duration) { inner.plug(at: now) }
  /// Takes the power away.
  public mutating func unplug(at now: Duration) { inner.unplug(at: now) }

  private mutating func noted(_ emissions: [Emission]) -> [Emission] {
    for emission in emissions { note("stick", emission.port, emission.bytes, emission.at) }
    return emissions
  }

  private mutating func note(_ from: String, _ port: Int, _ bytes: [UInt8], _ at: Duration) {
    guard isLogging else { return }
    let milliseconds =
      at.components.seconds * 1000 + at.components.attoseconds / 1_000_000_000_000_000
    // An image of many megabytes is better compared than read: its beginning is enough here.
    lines.append(
      "{\"ms\":\(milliseconds),\"from\":\"\(from)\",\"port\":\(port),"
        + "\"bytes\":\(bytes.count),\"hex\":\"\([UInt8](bytes.prefix(256)).hex)\"}")
  }
}
