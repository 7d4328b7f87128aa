public import SmithModel

/// A two-way stream of bytes to one port of one stick; it owns time.
public protocol ByteLink: AnyObject, Sendable {
  /// Hands all bytes to the cable.
  func send(_ bytes: [UInt8]) async throws(LinkError)
  /// The next bytes that arrive: at least one; throws `.silent` if none come within `limit`,
  /// `.gone` if the port vanished. A limit of zero takes what is there already.
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8]
  /// Waits.
  func pause(_ duration: Duration) async
  /// The time of this link since some fixed moment; virtual on a virtual cable.
  var now: Duration { get }
  /// Gives the port back. Later calls throw `.gone`.
  func close() async
}

/// Why a link did not do what it was asked.
public enum LinkError: Error, Equatable, Sendable {
  /// Nothing arrived within the limit.
  case silent
  /// The port vanished: unplugged, re-enumerated, or the far end hung up.
  case gone
  /// Another program holds the port; its name where it could be found.
  case busy(holder: String?)
  /// The system does not let us open it.
  case notPermitted(path: String)
  /// There is no such port.
  case notFound(path: String)
  /// The system refused for another reason.
  case broken(String)
}

/// One port of one stick as it is just now.
public struct Port: Hashable, Sendable {
  /// Where the stick is.
  public var place: Place
  /// What the port is for.
  public var role: PortRole
  /// What to open: a path, or a name that the bus understands.
  public var node: String
  /// USB id of the stick, if the bus knows it.
  public var id: USBID?
  /// USB interface number, if the bus knows it.
  public var interface: Int?

  /// Gathers the parts.
  public init(
    place: Place, role: PortRole, node: String, id: USBID? = nil, interface: Int? = nil
  ) {
    self.place = place
    self.role = role
    self.node = node
    self.id = id
    self.interface = interface
  }
}

/// Who is plugged in where; the only way from one link to the next when a stick re-enumerates.
public protocol Bus: Sendable {
  /// Every port of every stick that can be seen now.
  func ports() async throws(BusError) -> [Port]
  /// Waits until the stick at `place` shows a port of that role.
  func port(at place: Place, as role: PortRole, within limit: Duration) async throws(BusError)
    -> Port
  /// Opens a port for us alone.
  func open(_ port: Port) async throws(LinkError) -> any ByteLink
  /// Waits, in the bus's own time.
  func pause(_ duration: Duration) async
  /// The bus's own time since some fixed moment.
  var now: Duration { get }
}

/// Why the bus has no port.
public enum BusError: Error, Equatable, Sendable {
  /// No such port appeared within the limit.
  case absent(Place, PortRole)
  /// The system refused to tell.
  case broken(String)
}
