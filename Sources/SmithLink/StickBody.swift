public import SmithModel

/// A simulated stick: a value that reacts to bytes and to time.
///
/// The same body is served on a virtual cable in virtual time, on a PTY, and over USB/IP. It owns
/// its flash, its settings and its physics. `now` never goes back; every call first performs what
/// has fallen due.
public protocol StickBody: Sendable {
  /// What the computer sees now; nil while the stick is off the bus.
  var face: StickFace? { get }
  /// The next moment at which something happens by itself (a late answer, a reboot, an
  /// unsolicited line); nil if nothing is waiting.
  var nextDue: Duration? { get }
  /// Performs what falls due up to `now`.
  mutating func advance(to now: Duration) -> [Emission]
  /// Takes bytes that arrived on one port of the current face.
  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission]
  /// Gives the stick power: it boots from what its flash holds.
  mutating func plug(at now: Duration)
  /// Takes the power away at this very moment: what was being written is half written.
  mutating func unplug(at now: Duration)
}

/// Bytes that a simulated stick sends.
public struct Emission: Equatable, Sendable {
  /// Index into the ports of the face.
  public var port: Int
  /// What it sends.
  public var bytes: [UInt8]
  /// When it leaves the stick.
  public var at: Duration

  /// Gathers the parts.
  public init(port: Int, bytes: [UInt8], at: Duration) {
    self.port = port
    self.bytes = bytes
    self.at = at
  }
}

/// One enumeration of a simulated stick.
public struct StickFace: Equatable, Sendable {
  /// Counts enumerations: a link opened on an earlier one is dead.
  public var generation: Int
  /// The id it shows.
  public var id: USBID
  /// Role of each serial port, by index.
  public var ports: [PortRole]

  /// Gathers the parts.
  public init(generation: Int, id: USBID, ports: [PortRole]) {
    self.generation = generation
    self.id = id
    self.ports = ports
  }
}
