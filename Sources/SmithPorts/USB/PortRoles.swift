public import SmithModel

/// Who says what a port is for.
public enum RoleSource: String, Hashable, Sendable, Codable, Comparable {
  /// Nobody.
  case none
  /// The order that the maker's old sticks keep.
  case order
  /// Class, subclass and protocol of the interface.
  case interface
  /// The udev rules that ModemManager brings.
  case udev
  /// Our device files.
  case deviceFile = "device-file"
  /// The stick itself, by AT^GETPORTMODE or by answering.
  case stick

  /// By trust: the stick itself knows best.
  public static func < (one: RoleSource, other: RoleSource) -> Bool { one.rank < other.rank }

  private var rank: Int {
    switch self {
    case .none: 0
    case .order: 1
    case .interface: 2
    case .udev: 3
    case .deviceFile: 4
    case .stick: 5
    }
  }
}

/// A serial port with its role and who says so.
public struct RoledPort: Hashable, Sendable, Codable {
  /// Name of the tty.
  public var name: String
  /// Interface number.
  public var interface: Int
  /// What it is for.
  public var role: PortRole
  /// Who says so.
  public var source: RoleSource

  /// Gathers the parts.
  public init(name: String, interface: Int, role: PortRole, source: RoleSource) {
    self.name = name
    self.interface = interface
    self.role = role
    self.source = source
  }

  /// Whether bytes may be written to it to find out more: never to a port that is known to be
  /// for positions or data.
  public var mayBeAsked: Bool { role == .at || role == .unknown }
}

/// What is known beforehand about sticks: our device files and what is installed on the system.
public struct UsbKnowledge: Sendable {
  /// Our device files.
  public var entries: [UsbEntry]
  /// ModemManager's port lists.
  public var rules: UdevRules
  private let byID: [USBID: Int]
  /// Makers of little else than modems; of others only the ids that we know are sticks.
  private static let makers: Set<UInt16> = [
    0x12d1, 0x19d2, 0x1bbb, 0x1199, 0x05c6, 0x1c9e, 0x0b3c,
  ]

  /// Gathers the parts.
  public init(entries: [UsbEntry] = [], rules: UdevRules = UdevRules()) {
    self.entries = entries
    self.rules = rules
    var byID: [USBID: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard let vendor = UInt16(entry.vendor, radix: 16) else { continue }
      for product in entry.products {
        guard let number = UInt16(product, radix: 16) else { continue }
        byID[USBID(vendor, number)] = byID[USBID(vendor, number)] ?? index
      }
    }
    self.byID = byID
  }

  /// What our device files say about an id.
  public func entry(_ id: USBID) -> UsbEntry? { byID[id].map { entries[$0] } }

  /// Whether the vendor id belongs to a maker of modems.
  public func isModemMaker(_ vendor: UInt16) -> Bool { Self.makers.contains(vendor) }

  /// Every tty of a stick with its role (Docs/Protocols/usb-modes.md section 3).
  public func ports(of device: UsbDevice) -> [RoledPort] {
    var ports: [RoledPort] = []
    for interface in device.interfaces {
      for node in interface.nodes where node.kind == .tty {
        let (role, source) = role(of: interface, node, in: device)
        ports.append(
          RoledPort(name: node.name, interface: interface.number, role: role, source: source))
      }
    }
    return ports
  }

  private func role(of interface: UsbInterface, _ node: UsbNode, in device: UsbDevice)
    -> (PortRole, RoleSource)
  {
    if let entry = entry(device.id) {
      if let role = entry.roles?[String(interface.number)] { return (role, .deviceFile) }
      // A device in boot ROM or emergency mode has one port, which is what it is for.
      if entry.state == .bootROM { return (.bootROM, .deviceFile) }
      if entry.state == .edl || entry.state == .qdl { return (.download, .deviceFile) }
    }
    if InterfaceRoles.looksLikeLoader(device) { return (.download, .interface) }
    let environment = rules.environment(of: UdevSubject(node, of: interface, of: device))
    if let role = Self.role(in: environment) { return (role, .udev) }
    let byClass = InterfaceRoles.role(of: interface.triple, device.id.vendor)
    if byClass != .unknown { return (byClass, .interface) }
    let byOrder = InterfaceRoles.roleByOrder(of: interface, in: device)
    return byOrder == .unknown ? (.unknown, .none) : (byOrder, .order)
  }

  /// What ModemManager's tags say.
  static func role(in environment: [String: String]) -> PortRole? {
    func has(_ name: String) -> Bool { environment["ID_MM_PORT_TYPE_\(name)"] == "1" }
    if has("GPS") { return .gps }
    if has("QCDM") { return .diag }
    if has("AT_PRIMARY") { return .at }
    // A secondary port takes commands too, but the primary one is meant to.
    if has("AT_SECONDARY") { return .unknown }
    if has("AT_PPP") { return .modem }
    if has("AUDIO") { return .modem }
    return nil
  }
}

/// What interfaces say about themselves (Docs/Protocols/usb-modes.md section 3).
enum InterfaceRoles {
  static func role(of triple: UsbTriple, _ vendor: UInt16) -> PortRole {
    // Only Huawei gives the numbers of the vendor's class a meaning.
    guard vendor == 0x12d1, triple.kind == 0xff, triple.subclass != 0xff else { return .unknown }
    switch triple.proto {
    case 0x01, 0x10, 0x31, 0x61: return .modem
    case 0x02, 0x12, 0x32, 0x62, 0x72: return .at
    case 0x03, 0x13, 0x33, 0x63, 0x73: return .diag
    case 0x05, 0x14: return .gps
    default: return .unknown
    }
  }

  /// Older Huawei sticks say nothing; their order is modem, diag, AT. Sierra's composite modems
  /// keep fixed numbers.
  static func roleByOrder(of interface: UsbInterface, in device: UsbDevice) -> PortRole {
    switch (device.id.vendor, interface.number) {
    case (0x12d1, _) where interface.triple.subclass == 0xff:
      let serial = device.interfaces.filter { $0.triple.kind == 0xff }
      let roles: [PortRole] = [.modem, .diag, .at]
      // Of a single port the order tells nothing.
      guard serial.count >= 3, roles.indices.contains(interface.number) else { return .unknown }
      return roles[interface.number]
    case (0x1199, 0) where isQualcommSierra(device): return .diag
    case (0x1199, 2) where isQualcommSierra(device): return .gps
    case (0x1199, 3) where isQualcommSierra(device): return .at
    default: return .unknown
    }
  }

  private static func isQualcommSierra(_ device: UsbDevice) -> Bool {
    let numbers = Set(device.interfaces.map(\.number))
    return numbers.isSuperset(of: [0, 2, 3]) && [0x68a2, 0x68c0].contains(device.id.product)
      || device.id.vendor == 0x1199 && device.id.product >> 8 == 0x90
        && numbers.isSuperset(of: [0, 2, 3])
  }

  /// Sierra's boot mode keeps the id and is told by its shape: one interface with one bulk pair.
  static func looksLikeLoader(_ device: UsbDevice) -> Bool {
    guard device.id.vendor == 0x1199, device.interfaces.count == 1 else { return false }
    let interface = device.interfaces[0]
    let hasQDL =
      [0x68a2, 0x68a4, 0x68a8, 0x68c0].contains(device.id.product) || device.id.product >> 8 == 0x90
    return hasQDL && interface.triple.kind == 0xff && interface.endpoints.count <= 2
  }
}
