import Glibc
public import SmithLink
public import SmithModel

/// The bus of a stick whose ports the owner named: `--port PATH`, `--download-port PATH` for
/// where it comes back in download mode, and `--diag-port PATH`.
///
/// Paths are looked up anew after each re-enumeration, so that a link which comes back and leads
/// to another device (udev names, simulators) is followed.
public struct NamedPortBus: Bus {
  private let path: String
  private let downloadPath: String
  private let diagPath: String?
  private let lockDirectory: String?
  private static let interval = Duration.milliseconds(50)

  /// Names the ports; the download port is the same path unless told.
  public init(
    port: String, downloadPort: String? = nil, diagPort: String? = nil,
    lockDirectory: String? = "/run/lock"
  ) {
    path = port
    downloadPath = downloadPort ?? port
    diagPath = diagPort
    self.lockDirectory = lockDirectory
  }

  /// The place of the one stick on this bus.
  public var place: Place { .named(path) }

  /// The named ports that exist now.
  public func ports() async throws(BusError) -> [Port] {
    var ports = path == diagPath ? [] : [Port(place: place, role: .at, node: path)]
    if let diagPath { ports.append(Port(place: place, role: .diag, node: diagPath)) }
    if downloadPath != path {
      ports.append(Port(place: place, role: .download, node: downloadPath))
    }
    return ports.filter { Self.presence($0.node) != .absent }
  }

  /// Waits until the path of that role leads to a port that we may open.
  ///
  /// A port that is there but still not ours when the limit is over is returned all the same:
  /// opening it tells why.
  ///
  /// - Throws: `.absent` for another place, or if nothing appears in time.
  public func port(at place: Place, as role: PortRole, within limit: Duration)
    async throws(BusError) -> Port
  {
    guard place == self.place else { throw .absent(place, role) }
    let node =
      switch role {
      case .download, .bootROM: downloadPath
      case .diag: diagPath ?? path
      default: path
      }
    let port = Port(place: place, role: role, node: node)
    let end = now + limit
    while true {
      let presence = Self.presence(node)
      if presence == .ready { return port }
      if now >= end || Task.isCancelled {
        if presence == .forbidden { return port }
        throw .absent(place, role)
      }
      await pause(min(Self.interval, end - now))
    }
  }

  /// Opens and locks the port.
  public func open(_ port: Port) async throws(LinkError) -> any ByteLink {
    try SerialLink(path: port.node, lockDirectory: lockDirectory)
  }

  /// Waits; a cancelled task waits no longer.
  public func pause(_ duration: Duration) async {
    try? await Task.sleep(for: duration)
  }

  /// The system's monotonic time.
  public var now: Duration { MonotonicClock.now }

  private enum Presence { case absent, forbidden, ready }

  private static func presence(_ path: String) -> Presence {
    guard FileNames.status(of: path) != nil else { return .absent }
    // udev sets the permissions a moment after the port appears.
    return unsafe access(path, R_OK | W_OK) == 0 ? .ready : .forbidden
  }
}
