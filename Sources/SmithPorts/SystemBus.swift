import Glibc
import SmithBytes
public import SmithLink
public import SmithModel

/// One serial port of this computer as the kernel describes it.
public struct SerialPort: Hashable, Sendable, Codable {
  /// What to open, as in `/dev/ttyUSB2`.
  public var node: String
  /// Where the stick is plugged in; nil for a port that is not on USB.
  public var place: Place?
  /// USB id of the stick.
  public var id: USBID?
  /// USB interface number.
  public var interface: Int?
  /// Class, subclass and protocol of the interface; vendors tell roles by them.
  public var interfaceClass: [UInt8]
  /// Kernel driver, as in `option`.
  public var driver: String?
  /// What the port is for, as far as the interface itself tells.
  public var role: PortRole
  /// Maker as the stick writes it.
  public var manufacturer: String?
  /// Product as the stick writes it.
  public var product: String?
}

/// The USB sockets of this computer, as far as the kernel makes serial ports of what is in them.
public struct SystemBus: Bus {
  private let sysfs: String
  private let devices: String
  private let lockDirectory: String?
  private static let interval = Duration.milliseconds(50)

  /// Reads `/sys` and `/dev`, locks in `/run/lock`, unless told.
  public init(
    sysfs: String = "/sys", devices: String = "/dev", lockDirectory: String? = "/run/lock"
  ) {
    self.sysfs = sysfs
    self.devices = devices
    self.lockDirectory = lockDirectory
  }

  /// Every serial port of every stick on USB, by place and interface.
  public func ports() async throws(BusError) -> [Port] {
    list().compactMap { port in
      port.place.map {
        Port(
          place: $0, role: port.role, node: port.node, id: port.id, interface: port.interface)
      }
    }
  }

  /// Waits until the stick at `place` shows a port of that role which we may open.
  ///
  /// Roles are told by the interfaces' own numbers, which do not know download mode: there the AT
  /// port is meant, and the only port of a stick is meant by every role.
  ///
  /// - Throws: `.absent` if none appears in time.
  public func port(at place: Place, as role: PortRole, within limit: Duration)
    async throws(BusError) -> Port
  {
    let end = now + limit
    while true {
      let seen = try await ports().filter { $0.place == place }
      let port =
        seen.first { $0.role == role }
        ?? (role == .download ? seen.first { $0.role == .at } : nil)
        ?? (seen.count == 1 ? seen.first : nil)
      // udev sets the permissions a moment after the port appears.
      if let port, unsafe access(port.node, R_OK | W_OK) == 0 { return port }
      if now >= end || Task.isCancelled {
        if let port { return port }
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

  /// Every USB-style serial port, by place and interface.
  public func list() -> [SerialPort] {
    let kinds = ["ttyUSB", "ttyACM", "ttyHS"]
    return FileNames.entries(of: "\(sysfs)/class/tty")
      .filter { name in kinds.contains { name.hasPrefix($0) } }
      .map(describe)
      .sorted { order($0) < order($1) }
  }

  private func order(_ port: SerialPort) -> (String, Int, String) {
    (port.place?.description ?? "", port.interface ?? 0, port.node)
  }

  /// Walks from the port up to its interface and its stick.
  private func describe(_ name: String) -> SerialPort {
    var port = SerialPort(node: "\(devices)/\(name)", interfaceClass: [], role: .unknown)
    guard var folder = FileNames.resolved("\(sysfs)/class/tty/\(name)/device") else { return port }
    // A serial port lies at most a few folders under its stick.
    for _ in 0..<6 {
      if port.driver == nil { port.driver = lastName(FileNames.target(of: "\(folder)/driver")) }
      if port.interface == nil, let number = hex(folder, "bInterfaceNumber") {
        port.interface = number
        port.interfaceClass = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"]
          .compactMap { hex(folder, $0).map(UInt8.init(truncatingIfNeeded:)) }
      }
      if let vendor = hex(folder, "idVendor"), let product = hex(folder, "idProduct") {
        port.id = USBID(UInt16(truncatingIfNeeded: vendor), UInt16(truncatingIfNeeded: product))
        port.place = lastName(folder).map { .usb($0) }
        port.manufacturer = words(folder, "manufacturer")
        port.product = words(folder, "product")
        port.role = InterfaceRoles.role(of: port)
        break
      }
      guard let slash = folder.lastIndex(of: "/") else { break }
      folder = String(folder[..<slash])
    }
    return port
  }

  private func lastName(_ path: String?) -> String? {
    path?.split(separator: "/").last.map(String.init)
  }

  private func hex(_ folder: String, _ name: String) -> Int? {
    FileNames.text(of: "\(folder)/\(name)").flatMap { Int($0, radix: 16) }
  }

  private func words(_ folder: String, _ name: String) -> String? {
    FileNames.text(of: "\(folder)/\(name)").map { String(printable: [UInt8]($0.utf8)) }
  }
}

/// What Huawei's interfaces say about themselves.
enum InterfaceRoles {
  static func role(of port: SerialPort) -> PortRole {
    guard port.id?.vendor == 0x12d1 else { return .unknown }
    if port.id?.product == 0x1443 { return .bootROM }
    guard port.interfaceClass.count == 3, port.interfaceClass[0] == 0xff else { return .unknown }
    // Older Qualcomm sticks say nothing; their order is modem, diag, AT.
    if port.interfaceClass[1] == 0xff {
      let roles: [PortRole] = [.modem, .diag, .at]
      guard let interface = port.interface, roles.indices.contains(interface) else {
        return .unknown
      }
      return roles[interface]
    }
    switch port.interfaceClass[2] {
    case 0x01, 0x10, 0x31, 0x61: return .modem
    case 0x02, 0x12, 0x32, 0x62, 0x72: return .at
    case 0x03, 0x13, 0x33, 0x63, 0x73: return .diag
    case 0x05, 0x14: return .gps
    default: return .unknown
    }
  }
}
