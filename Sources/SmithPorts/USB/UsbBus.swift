import Glibc
public import SmithLink
public import SmithModel
import Synchronization

/// One serial port of this computer as the kernel describes it.
public struct SerialPort: Hashable, Sendable, Codable {
  /// What to open, as in `/dev/ttyUSB2`.
  public var node: String
  /// Where the stick is plugged in.
  public var place: Place?
  /// USB id of the stick.
  public var id: USBID?
  /// USB interface number.
  public var interface: Int?
  /// Class, subclass and protocol of the interface; vendors tell roles by them.
  public var interfaceClass: [UInt8]
  /// Kernel driver, as in `option`.
  public var driver: String?
  /// What the port is for.
  public var role: PortRole
  /// Who says so.
  public var source: RoleSource
  /// Maker as the stick writes it.
  public var manufacturer: String?
  /// Product as the stick writes it.
  public var product: String?
}

/// The bus of this computer's sticks, followed by place through every id and every number.
public typealias SystemBus = UsbBus

/// The USB sockets of this computer. A stick is its place: ids, device numbers and tty numbers
/// may change under it (Docs/Protocols/usb-modes.md section 1).
public struct UsbBus: Bus {
  /// Where devices are read from.
  public let usb: SysfsUSB
  /// What is known beforehand.
  public let knowledge: UsbKnowledge
  private let devices: String
  private let lockDirectory: String?
  private let openBulk: UsbBulkLink.Opener?
  private let learned = Learned()
  private let settling: Duration
  private static let interval = Duration.milliseconds(50)

  /// Reads `/sys` and `/dev`, locks in `/run/lock`, unless told.
  ///
  /// - Parameters:
  ///   - knowledge: device files and port lists.
  ///   - bulk: opens a pair of endpoints where no driver made a tty of them; nil for never.
  ///   - settling: how long a composition has to stand before its ports are asked what they are.
  public init(
    sysfs: String = "/sys", devices: String = "/dev", lockDirectory: String? = "/run/lock",
    knowledge: UsbKnowledge = UsbKnowledge(), bulk: UsbBulkLink.Opener? = nil,
    settling: Duration = .seconds(2)
  ) {
    self.settling = settling
    usb = SysfsUSB(root: sysfs)
    self.knowledge = knowledge
    self.devices = devices
    self.lockDirectory = lockDirectory
    openBulk = bulk
  }

  /// Every stick in every state.
  public func sticks() -> [StickSighting] { knowledge.sticks(on: usb) }

  /// Every port of every stick, by place and interface.
  public func ports() async throws(BusError) -> [Port] {
    usb.devices().flatMap { ports(of: $0) }
  }

  /// Waits until the stick at `place` shows a port of that role which we may open.
  ///
  /// Composition numbers do not know download mode: there the AT port is meant, and the only port
  /// of a stick is meant by every role.
  ///
  /// - Throws: `.absent` if none appears in time.
  public func port(at place: Place, as role: PortRole, within limit: Duration)
    async throws(BusError) -> Port
  {
    guard case .usb(let chain) = place else { throw .absent(place, role) }
    let end = now + limit
    while true {
      let device = usb.device(at: chain)
      let seen = device.map { ports(of: $0) } ?? []
      let port = Self.choose(seen, role)
      // Once a composition has settled and nobody knows which port takes commands, ask it.
      if port == nil, role == .at, let device, learned.hasSettled(device, now, settling) {
        await settleRoles(at: place)
        continue
      }
      // udev sets the permissions a moment after the port appears.
      if let port, isReady(port) { return port }
      if now >= end || Task.isCancelled {
        if let port { return port }
        throw .absent(place, role)
      }
      await pause(min(Self.interval, end - now))
    }
  }

  /// Opens and locks the port, or claims its endpoints where no driver made a tty of them.
  public func open(_ port: Port) async throws(LinkError) -> any ByteLink {
    if port.node.hasPrefix(Self.bulkPrefix) {
      guard let openBulk, case .usb(let chain) = port.place, let interface = port.interface,
        let device = usb.device(at: chain)
      else { throw .notFound(path: port.node) }
      return try openBulk(device, interface)
    }
    return try SerialLink(path: port.node, lockDirectory: lockDirectory)
  }

  /// Waits; a cancelled task waits no longer.
  public func pause(_ duration: Duration) async {
    try? await Task.sleep(for: duration)
  }

  /// The system's monotonic time.
  public var now: Duration { MonotonicClock.now }

  /// Asks a stick which of its ports is for what, if nothing else tells: never a port for
  /// positions or data.
  public func settleRoles(at place: Place) async {
    guard case .usb(let chain) = place, let device = usb.device(at: chain) else { return }
    let (devices, locks) = (devices, lockDirectory)
    let bare = Self.asIfBound(device)
    let ports = knowledge.ports(of: device)
    let roles = await PortProbe.roles(
      of: ports.isEmpty ? knowledge.ports(of: bare) : ports, id: device.id
    ) { [openBulk] name throws(LinkError) in
      let free = bare.interfaces.first { $0.nodes.contains { $0.name == name } }
      if ports.isEmpty, let openBulk, let free { return try openBulk(device, free.number) }
      return try SerialLink(path: "\(devices)/\(name)", lockDirectory: locks)
    }
    learned.put(roles, device)
  }

  /// Remembers what the stick at a place says its interfaces are for, until it re-enumerates.
  public func learn(_ roles: [Int: PortRole], at place: Place) {
    guard case .usb(let chain) = place, let device = usb.device(at: chain) else { return }
    learned.put(roles, device)
  }

  /// Every serial port, by place and interface.
  public func list() -> [SerialPort] {
    usb.devices().flatMap { device in
      roled(device).compactMap { port in
        device.interfaces.first { $0.number == port.interface }.map { interface in
          SerialPort(
            node: "\(devices)/\(port.name)", place: .usb(device.place), id: device.id,
            interface: port.interface,
            interfaceClass: [
              interface.triple.kind, interface.triple.subclass, interface.triple.proto,
            ], driver: interface.driver, role: port.role, source: port.source,
            manufacturer: device.manufacturer, product: device.product)
        }
      }
    }
  }

  /// What a pair of endpoints is called instead of a path.
  static let bulkPrefix = "usb:"

  /// The port that is meant by a role.
  static func choose(_ seen: [Port], _ role: PortRole) -> Port? {
    seen.first { $0.role == role }
      ?? (role == .download ? seen.first { $0.role == .bootROM } : nil)
      ?? (role == .download || role == .bootROM ? seen.first { $0.role == .at } : nil)
      ?? (seen.count == 1 ? seen.first : nil)
  }

  private func ports(of device: UsbDevice) -> [Port] {
    let place = Place.usb(device.place)
    let serial = roled(device).map {
      Port(
        place: place, role: $0.role, node: "\(devices)/\($0.name)", id: device.id,
        interface: $0.interface)
    }
    return serial.isEmpty && openBulk != nil ? bulkPorts(of: device) : serial
  }

  /// Interfaces of the vendor's class that no driver took.
  private func bulkPorts(of device: UsbDevice) -> [Port] {
    guard knowledge.entry(device.id) != nil || knowledge.isModemMaker(device.id.vendor) else {
      return []
    }
    let roles = learned.get(device)
    return knowledge.ports(of: Self.asIfBound(device)).map {
      Port(
        place: .usb(device.place), role: roles[$0.interface] ?? $0.role,
        node: "\(Self.bulkPrefix)\(device.place):\($0.interface)", id: device.id,
        interface: $0.interface)
    }
  }

  /// The interfaces that no driver took, as if one had made ports of them: what they are for is
  /// told by the same signs.
  private static func asIfBound(_ device: UsbDevice) -> UsbDevice {
    let free = device.interfaces.filter { interface in
      interface.driver == nil && interface.triple.kind == 0xff
        && interface.endpoints.contains { $0.isBulk && $0.isIn }
        && interface.endpoints.contains { $0.isBulk && !$0.isIn }
    }
    var bound = device
    bound.interfaces = free.map { interface in
      var copy = interface
      copy.nodes = [UsbNode(kind: .tty, name: "ttyUSB\(interface.number)")]
      return copy
    }
    return bound
  }

  private func roled(_ device: UsbDevice) -> [RoledPort] {
    let roles = learned.get(device)
    return knowledge.ports(of: device).map { port in
      guard let role = roles[port.interface] else { return port }
      return RoledPort(name: port.name, interface: port.interface, role: role, source: .stick)
    }
  }

  private func isReady(_ port: Port) -> Bool {
    if port.node.hasPrefix(Self.bulkPrefix) { return true }
    return unsafe access(port.node, R_OK | W_OK) == 0
  }

  /// What sticks said about their ports; one enumeration's answer is nothing to the next.
  private final class Learned: Sendable {
    private struct Key: Hashable {
      var place: String
      var number: Int
      var id: USBID
    }
    private let roles = Mutex<[Key: [Int: PortRole]]>([:])
    private let firstSeen = Mutex<[Key: Duration]>([:])

    private static func key(_ device: UsbDevice) -> Key {
      Key(place: device.place, number: device.number, id: device.id)
    }

    func put(_ new: [Int: PortRole], _ device: UsbDevice) {
      roles.withLock { roles in
        roles = roles.filter { $0.key.place != device.place }
        roles[Self.key(device)] = new
      }
    }

    /// Whether this enumeration has stood for that long and was not asked yet.
    func hasSettled(_ device: UsbDevice, _ now: Duration, _ time: Duration) -> Bool {
      let key = Self.key(device)
      if roles.withLock({ $0[key] != nil }) { return false }
      return firstSeen.withLock { seen in
        if seen[key] == nil { seen = [key: now] }
        return now - (seen[key] ?? now) >= time
      }
    }

    func get(_ device: UsbDevice) -> [Int: PortRole] {
      roles.withLock { $0[Self.key(device)] ?? [:] }
    }
  }
}
