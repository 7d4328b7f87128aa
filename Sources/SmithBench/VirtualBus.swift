public import SmithLink
public import SmithModel
import Synchronization

/// A bus with one simulated stick on it, in virtual time: nothing here ever suspends.
///
/// Time passes only when the host waits or sends; a wait ends at the next thing that happens or
/// at its limit, whichever comes first. The same seed gives the same run.
public final class VirtualBus<Body: StickBody>: Bus {
  private let world: Mutex<VirtualWorld>

  /// The stick as it was before anything happened.
  private let first: Body

  /// The place of the only stick.
  public let place: Place

  /// Plugs `body` in at time zero.
  public init(_ body: Body, weather: Weather = Weather(), seed: UInt64 = 1) {
    place = .usb("1-1")
    first = body
    world = Mutex(VirtualWorld(body, weather: weather, seed: seed))
    world.withLock { $0.plug() }
  }

  /// Virtual time since the stick was first plugged in.
  public var now: Duration { world.withLock { $0.cable.now } }
  /// The stick as it is now.
  public var body: Body { world.withLock { stick(in: $0) } }
  /// How many times the host sent something so far.
  public var sends: Int { world.withLock { $0.cable.sends } }

  /// Changes the weather from now on.
  public func setWeather(_ weather: Weather) {
    world.withLock { $0.cable.weather = weather }
  }

  /// Pulls the stick out and plugs it in again, as a person would before trying again.
  public func replug() {
    world.withLock {
      $0.unplug()
      $0.cable.now += .seconds(3)
      $0.plug()
    }
  }

  /// Kills the host: whatever it still tries to send reaches nobody, until ``revive()``.
  public func killHost() {
    world.withLock { $0.cable.hostIsDead = true }
  }

  /// A new host process starts.
  public func revive() {
    world.withLock {
      $0.cable.hostIsDead = false
      $0.cable.epoch += 1
    }
  }

  /// Changes the stick from outside, for setting a scene.
  public func withBody<Result>(_ change: (inout sending Body) -> sending Result) -> sending Result {
    world.withLock { world in
      var body = stick(in: world)
      defer { world.body = body }
      return change(&body)
    }
  }

  /// The world's stick; nothing ever replaces it by one of another kind.
  private func stick(in world: VirtualWorld) -> Body { world.body as? Body ?? first }

  /// Every port of the stick's present face.
  public func ports() async throws(BusError) -> [Port] {
    world.withLock { $0.ports(at: place) }
  }

  /// Lets virtual time pass until the stick shows such a port.
  public func port(at place: Place, as role: PortRole, within limit: Duration)
    async throws(BusError) -> Port
  {
    let found = world.withLock { $0.waitForPort(at: place, role, within: limit) }
    guard let found, place == self.place else { throw .absent(place, role) }
    return found
  }

  /// Opens a port of the present face.
  public func open(_ port: Port) async throws(LinkError) -> any ByteLink {
    let opened = world.withLock { $0.open(port) }
    guard let opened else { throw .notFound(path: port.node) }
    return VirtualLink(self, port: opened.port, generation: opened.generation, epoch: opened.epoch)
  }

  /// Lets virtual time pass.
  public func pause(_ duration: Duration) async {
    world.withLock { $0.pause(duration) }
  }

  /// For other links to the same stick.
  func withWorld<Result: Sendable>(_ work: (inout VirtualWorld) -> Result) -> Result {
    world.withLock { work(&$0) }
  }

  fileprivate func send(_ bytes: [UInt8], _ link: VirtualLink<Body>) throws(LinkError) {
    let delivered = world.withLock { $0.send(bytes, link.key) }
    if !delivered { throw .gone }
  }

  fileprivate func receive(within limit: Duration, _ link: VirtualLink<Body>) throws(LinkError)
    -> [UInt8]
  {
    switch world.withLock({ $0.receive(within: limit, link.key) }) {
    case .bytes(let bytes): return bytes
    case .silent: throw .silent
    case .gone: throw .gone
    }
  }
}

/// One open port on a virtual bus.
final class VirtualLink<Body: StickBody>: ByteLink {
  private let bus: VirtualBus<Body>
  private let open = Mutex(true)
  fileprivate let key: VirtualKey

  fileprivate init(_ bus: VirtualBus<Body>, port: Int, generation: Int, epoch: Int) {
    self.bus = bus
    key = VirtualKey(port: port, generation: generation, epoch: epoch)
  }

  var now: Duration { bus.now }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    guard open.withLock({ $0 }) else { throw .gone }
    try bus.send(bytes, self)
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard open.withLock({ $0 }) else { throw .gone }
    return try bus.receive(within: limit, self)
  }

  func pause(_ duration: Duration) async {
    await bus.pause(duration)
  }

  func close() async {
    open.withLock { $0 = false }
  }
}

/// Names one opening of one port of one enumeration.
struct VirtualKey: Sendable, Equatable {
  let port: Int
  let generation: Int
  let epoch: Int
}
