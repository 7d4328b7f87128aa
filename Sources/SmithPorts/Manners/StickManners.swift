public import SmithEngine
public import SmithLink
public import SmithModel
import Synchronization

/// Good manners towards the rest of the computer while a stick is worked on: ModemManager keeps
/// away from it, the computer stays awake while a one-way door is open, and what runs over the
/// stick is taken down by name (Docs/Protocols/usb-modes.md section 8).
public final class StickManners: Sendable {
  private let device: UsbDevice?
  private let hold: ModemManagerHold?
  private let network: StickNetwork
  private let address: String?
  private let keepsNetwork: Bool
  private let awake = Mutex<SleepInhibitor?>(nil)

  /// Asks ModemManager to keep away from the stick at `place`, or from the one whose port was
  /// named; a port that is no stick's on USB is left to its owner.
  ///
  /// - Parameters:
  ///   - keepsNetwork: whether connections over the stick stay: its page is reached through them.
  ///   - address: another bus than the system's.
  public init(
    place: Place, usb: SysfsUSB = SysfsUSB(), keepsNetwork: Bool = false, address: String? = nil
  ) {
    self.keepsNetwork = keepsNetwork
    self.address = address
    network = StickNetwork(address: address, sysfs: usb.root)
    if let device = Self.device(place, usb) {
      self.device = device
      hold = ModemManagerHold(uid: device.path, address: address)
    } else {
      device = nil
      hold = nil
    }
  }

  deinit { end() }

  /// The stick as it is now. It is held by its place: its ports' names may move on.
  private static func device(_ place: Place, _ usb: SysfsUSB) -> UsbDevice? {
    switch place {
    case .usb(let chain): return usb.device(at: chain)
    case .named(let path):
      // Through links, `/dev/serial/by-id` among them.
      guard let node = FileNames.resolved(path).flatMap(SysfsUSB.lastName) else { return nil }
      return usb.devices().first { $0.names(.tty).contains(node) }
    }
  }

  /// How ModemManager took it; nil where there is no stick on USB to be held.
  public var modemManager: ModemManagerHold.State? { hold?.state }

  /// Whether the computer is kept awake just now.
  public var keepsAwake: Bool { awake.withLock { $0 != nil } }

  /// What people should know before anything is done.
  public var notes: [String] {
    var notes: [String] = []
    if case .refused(let words)? = hold?.state {
      notes.append("ModemManager does not let go of the stick: \(words)")
    }
    return notes
  }

  /// Why nothing may be written now: ModemManager refused to keep away, and would read and write
  /// in the middle of it. Nil where it keeps away, is not there, or does not know the stick.
  public var obstacle: Trouble? { hold.flatMap { Self.obstacle($0.renew()) } }

  /// Most that ModemManager may take to find out what a stick is; half a minute is usual.
  private static let patience = Duration.seconds(120)

  /// Waits while ModemManager finds out what the stick is: it writes to every port meanwhile, and
  /// gives none of them up. Then as ``obstacle``.
  ///
  /// - Parameter onWait: called once if it has to be waited for.
  public func settle(_ time: Timepiece = .system, onWait: () -> Void = {}) async -> Trouble? {
    guard let hold else { return nil }
    let end = time.now() + Self.patience
    var state = hold.renew()
    if state == .probing { onWait() }
    while state == .probing, time.now() < end, !Task.isCancelled {
      await time.pause(.milliseconds(500))
      state = hold.renew()
    }
    return Self.obstacle(state)
  }

  static func obstacle(_ state: ModemManagerHold.State) -> Trouble? {
    let words: String
    switch state {
    case .refused(let said): words = said
    case .probing: words = "it is still finding out what the stick is"
    case .held, .notRunning, .notManaged, .released: return nil
    }
    return Trouble(
      "port.modem-manager", "ModemManager does not let go of the stick.", facts: [words],
      advice: [
        "Run the command again with the rights of an administrator.",
        "Or stop ModemManager for the time of the update: `sudo systemctl stop ModemManager`.",
      ], exitCode: .refused)
  }

  /// Connections over the stick that are up.
  public func connections() -> [StickConnection] {
    device.map { network.connections(of: $0) } ?? []
  }

  /// Takes connections down; a line for each, as in `wwan0 (Home) is down`.
  public func takeDown(_ connections: [StickConnection]) -> [String] {
    if keepsNetwork { return [] }
    return connections.map { connection in
      let title = "\(connection.interface) (\(connection.name))"
      return network.takeDown(connection).map { "\(title) stays up: \($0)" } ?? "\(title) is down"
    }
  }

  /// What becomes of connections over the stick.
  fileprivate var fateOfConnections: String {
    keepsNetwork
      ? "it breaks off whenever the stick restarts." : "it is taken down for the update."
  }

  /// Holds the stick again after a re-enumeration, if that was lost or refused before.
  fileprivate func renew() async {
    if let hold, hold.state != .held { _ = await settle() }
  }

  /// A one-way door opens: the computer must not sleep now.
  public func doorOpens() {
    awake.withLock { held in
      held =
        held
        ?? SleepInhibitor(reason: "A modem's firmware is being written.", address: address)
    }
  }

  /// The door is closed again.
  public func doorCloses() { awake.withLock { $0 = nil } }

  /// Gives everything back.
  public func end() {
    doorCloses()
    hold?.release()
  }

  /// The bus, holding the stick anew whenever it has come back.
  public func minding(_ bus: any Bus) -> any Bus { MannerlyBus(bus: bus, manners: self) }

  /// The owner, with the door minded and the network named.
  public func minding(_ owner: any Owner) -> any Owner { MannerlyOwner(owner, self) }
}

/// A bus that asks ModemManager again before a port of the stick is opened.
private struct MannerlyBus: Bus {
  let bus: any Bus
  let manners: StickManners

  func ports() async throws(BusError) -> [Port] { try await bus.ports() }

  func port(at place: Place, as role: PortRole, within limit: Duration) async throws(BusError)
    -> Port
  {
    try await bus.port(at: place, as: role, within: limit)
  }

  func open(_ port: Port) async throws(LinkError) -> any ByteLink {
    await manners.renew()
    return try await bus.open(port)
  }

  func pause(_ duration: Duration) async { await bus.pause(duration) }

  var now: Duration { bus.now }
}

/// An owner who hears of the doors on the way.
private final class MannerlyOwner: Owner {
  private let owner: any Owner
  private let manners: StickManners

  init(_ owner: any Owner, _ manners: StickManners) {
    self.owner = owner
    self.manners = manners
  }

  var wantsToStop: Bool { owner.wantsToStop }

  func consent(to plan: CheckedPlan) async -> Consent? {
    for note in manners.notes { await owner.hear(.warning(note)) }
    let connections = manners.connections()
    for connection in connections {
      await owner.hear(
        .warning(
          "The connection \(connection.name) runs over this stick (\(connection.interface)); "
            + manners.fateOfConnections))
    }
    guard let consent = await owner.consent(to: plan) else { return nil }
    for line in manners.takeDown(connections) { await owner.hear(.note(line)) }
    return consent
  }

  func hear(_ event: UpdateEvent) async {
    if case .phase(let phase, _) = event {
      switch phase {
      case .enter, .write, .leave: manners.doorOpens()
      case .identify, .plan, .preflight, .backup, .verify, .restore: manners.doorCloses()
      }
    }
    await owner.hear(event)
  }
}
