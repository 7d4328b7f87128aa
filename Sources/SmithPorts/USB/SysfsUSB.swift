import SmithBytes
public import SmithModel

/// A file under `/dev` or a network card that the kernel made of an interface.
public struct UsbNode: Hashable, Sendable, Codable {
  /// Which kind of thing it is.
  public enum Kind: String, Hashable, Sendable, Codable {
    case tty, net
    case control = "cdc-wdm"
    case disc = "sr"
    case disk = "sd"
    case generic = "sg"
  }

  /// Which kind of thing it is.
  public var kind: Kind
  /// Its name, as in `ttyUSB2` or `wwan0`.
  public var name: String

  /// Gathers the parts.
  public init(kind: Kind, name: String) {
    self.kind = kind
    self.name = name
  }
}

/// One interface of a device as the kernel runs it just now.
public struct UsbInterface: Hashable, Sendable, Codable {
  /// Interface number.
  public var number: Int
  /// Alternate setting that is active.
  public var alternate: Int
  /// Class, subclass, protocol.
  public var triple: UsbTriple
  /// Kernel driver that holds it; nil if none does.
  public var driver: String?
  /// What the driver made of it.
  public var nodes: [UsbNode]
  /// Its endpoints.
  public var endpoints: [UsbEndpoint]

  /// Gathers the parts.
  public init(
    number: Int, alternate: Int = 0, triple: UsbTriple, driver: String? = nil,
    nodes: [UsbNode] = [], endpoints: [UsbEndpoint] = []
  ) {
    self.number = number
    self.alternate = alternate
    self.triple = triple
    self.driver = driver
    self.nodes = nodes
    self.endpoints = endpoints
  }
}

/// One device on USB as the kernel describes it. Nothing is opened to find this out.
public struct UsbDevice: Hashable, Sendable, Codable {
  /// Bus and port chain, as in `1-2.3`.
  public var place: String
  /// Folder of the device with every link followed; ModemManager knows the stick by it.
  public var path: String
  /// Vendor and product id.
  public var id: USBID
  /// Bus number.
  public var bus: Int
  /// Number on the bus; a new one after every re-enumeration.
  public var number: Int
  /// Maker as the stick writes it, safe to show.
  public var manufacturer: String?
  /// Product as the stick writes it, safe to show.
  public var product: String?
  /// Serial number as the stick writes it: the same on every unit of some makers, so no key.
  public var serial: String?
  /// SCSI vendor and model of its first drive, as far as the kernel has asked.
  public var drive: (vendor: String, model: String)? {
    driveVendor.map { ($0, driveModel ?? "") }
  }
  var driveVendor: String?
  var driveModel: String?
  /// The configuration that is active; nil if none is.
  public var configuration: Int?
  /// Speed in Mbit/s.
  public var speed: String?
  /// The most current that it asks for, as the kernel writes it.
  public var current: String?
  /// What it says of itself; nil if that could not be read.
  public var descriptors: UsbDescriptors?
  /// Interfaces of the active configuration, by number.
  public var interfaces: [UsbInterface]

  /// Gathers the parts that are always there; the rest is set afterwards.
  public init(
    place: String, path: String, id: USBID, bus: Int = 0, number: Int = 0,
    interfaces: [UsbInterface] = []
  ) {
    self.place = place
    self.path = path
    self.id = id
    self.bus = bus
    self.number = number
    self.interfaces = interfaces
  }

  /// The file through which a program speaks to the whole device.
  public var node: String { "bus/usb/\(Self.three(bus))/\(Self.three(number))" }

  /// Names of every node of a kind, in the order of their interfaces.
  public func names(_ kind: UsbNode.Kind) -> [String] {
    interfaces.flatMap(\.nodes).filter { $0.kind == kind }.map(\.name)
  }

  private static func three(_ value: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }
}

/// Every device on USB, read from sysfs (Docs/Protocols/usb-modes.md section 1). No port is
/// opened, so it disturbs nobody and needs no permission.
public struct SysfsUSB: Sendable {
  /// Where sysfs is mounted.
  public let root: String

  /// Reads `/sys` unless told.
  public init(root: String = "/sys") {
    self.root = root
  }

  /// Every device but hubs, by place.
  public func devices() -> [UsbDevice] {
    FileNames.entries(of: folder).compactMap { device(at: $0) }
      .sorted { Self.isBefore($0.place, $1.place) }
  }

  /// The device at a place; nil if nothing is plugged in there, or a hub.
  public func device(at place: String) -> UsbDevice? {
    guard Self.isPlace(place), let path = FileNames.resolved("\(folder)/\(place)"),
      let vendor = number(path, "idVendor", radix: 16),
      let product = number(path, "idProduct", radix: 16),
      let deviceNumber = number(path, "devnum")
    else { return nil }
    // A device leaves in the middle of being read: what is missing then is left out.
    if number(path, "bDeviceClass", radix: 16) == 9 { return nil }
    let descriptors = FileNames.bytes(of: "\(path)/descriptors", limit: 65_536)
      .flatMap { UsbDescriptors($0) }
    var device = UsbDevice(
      place: place, path: path,
      id: USBID(UInt16(truncatingIfNeeded: vendor), UInt16(truncatingIfNeeded: product)),
      bus: number(path, "busnum") ?? 0, number: deviceNumber)
    device.manufacturer = words(path, "manufacturer")
    device.product = words(path, "product")
    device.serial = words(path, "serial")
    device.configuration = number(path, "bConfigurationValue")
    device.speed = words(path, "speed")
    device.current = words(path, "bMaxPower")
    device.descriptors = descriptors
    for name in FileNames.entries(of: path) where name.hasPrefix("\(place):") {
      if let interface = interface("\(path)/\(name)", of: &device) {
        device.interfaces.append(interface)
      }
    }
    device.interfaces.sort { $0.number < $1.number }
    return device
  }

  /// Whether something is plugged in at a place.
  func isThere(_ place: String) -> Bool {
    Self.isPlace(place) && FileNames.status(of: "\(folder)/\(place)/idVendor") != nil
  }

  /// Whether the device at a place shows an interface.
  func hasInterfaces(_ place: String) -> Bool {
    FileNames.entries(of: "\(folder)/\(place)").contains { $0.hasPrefix("\(place):") }
  }

  /// Whether every interface that the device's descriptors promise is there, taken by a driver,
  /// and has what that driver makes of it; a drive's nodes excepted, which take seconds.
  ///
  /// Reads nothing that the kernel guards while it is still at work on the device (`manufacturer`,
  /// `bConfigurationValue` and others wait for that to end).
  func isWhole(_ place: String) -> Bool {
    let path = "\(folder)/\(place)"
    let names = FileNames.entries(of: path).filter { $0.hasPrefix("\(place):") }
    // `1-2:1.0` is interface 0 of configuration 1.
    guard let first = names.first, let colon = first.firstIndex(of: ":"),
      let value = Int(first[first.index(after: colon)...].prefix { $0 != "." }),
      let descriptors = FileNames.bytes(of: "\(path)/descriptors", limit: 65_536)
        .flatMap({ UsbDescriptors($0) }),
      let configuration = descriptors.configurations.first(where: { $0.value == value }),
      Set(configuration.settings.map(\.interface)).count == names.count
    else { return false }
    var (makers, made): (Set<String>, Set<String>) = ([], [])
    for name in names {
      let face = "\(path)/\(name)"
      guard let driver = FileNames.target(of: "\(face)/driver").flatMap(Self.lastName) else {
        return false
      }
      makers.insert(driver)
      if Self.hasNode(face) {
        made.insert(driver)
      } else if Self.makesPorts.contains(driver) {
        return false
      }
    }
    // Of the others one interface has the node for all that the driver took.
    return makers.intersection(Self.makesOneNode).isSubset(of: made)
  }

  /// Drivers that make a port of every interface that they take.
  private static let makesPorts: Set<String> = [
    "option", "option1", "qcserial", "sierra", "qcaux", "usb_serial_simple", "usbserial_generic",
  ]
  /// Drivers that take two interfaces or more for one port or card.
  private static let makesOneNode: Set<String> = [
    "cdc_acm", "cdc_ether", "cdc_ncm", "huawei_cdc_ncm", "rndis_host", "qmi_wwan", "cdc_mbim",
    "sierra_net", "hso",
  ]

  /// Whether a port or a network card is ready: the kernel hangs the tty below its port last.
  private static func hasNode(_ face: String) -> Bool {
    FileNames.entries(of: face).contains { name in
      name == "net" || name == "tty"
        || name.hasPrefix("tty") && FileNames.status(of: "\(face)/\(name)/tty/\(name)") != nil
    }
  }

  /// Whether the name is a place: a bus number and a chain of ports.
  static func isPlace(_ name: String) -> Bool {
    let halves = name.split(separator: "-", omittingEmptySubsequences: false)
    guard halves.count == 2, !halves[0].isEmpty, name.utf8.count <= 64 else { return false }
    let ports = halves[1].split(separator: ".", omittingEmptySubsequences: false)
    return (ports + [halves[0]]).allSatisfy { part in
      !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
  }

  /// Whether one place comes before another: `1-2` before `1-10`.
  static func isBefore(_ one: String, _ other: String) -> Bool {
    func numbers(_ place: String) -> [Int] {
      place.split { $0 == "-" || $0 == "." }.map { Int($0) ?? 0 }
    }
    return numbers(one).lexicographicallyPrecedes(numbers(other))
  }

  private var folder: String { "\(root)/bus/usb/devices" }

  private func interface(_ path: String, of device: inout UsbDevice) -> UsbInterface? {
    guard let interface = number(path, "bInterfaceNumber", radix: 16) else { return nil }
    let triple = ["bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"].map {
      UInt8(truncatingIfNeeded: number(path, $0, radix: 16) ?? 0)
    }
    let alternate = number(path, "bAlternateSetting") ?? 0
    let setting = device.descriptors?.setting(
      interface, alternate: alternate, configuration: device.configuration)
    return UsbInterface(
      number: interface, alternate: alternate, triple: UsbTriple(triple[0], triple[1], triple[2]),
      driver: FileNames.target(of: "\(path)/driver").flatMap(Self.lastName),
      nodes: nodes(path, &device), endpoints: setting?.endpoints ?? [])
  }

  /// Looks for the few folders in which drivers keep what they made.
  private func nodes(_ path: String, _ device: inout UsbDevice) -> [UsbNode] {
    var nodes: [UsbNode] = []
    for name in FileNames.entries(of: path) {
      if name.hasPrefix("ttyUSB") || name.hasPrefix("ttyHS") {
        nodes.append(UsbNode(kind: .tty, name: name))
      } else if name == "tty" {
        nodes += FileNames.entries(of: "\(path)/tty").map { UsbNode(kind: .tty, name: $0) }
      } else if name == "net" {
        nodes += FileNames.entries(of: "\(path)/net").map { UsbNode(kind: .net, name: $0) }
      } else if name == "usbmisc" {
        nodes += FileNames.entries(of: "\(path)/usbmisc").filter { $0.hasPrefix("cdc-wdm") }
          .map { UsbNode(kind: .control, name: $0) }
      } else if name.hasPrefix("host") {
        nodes += drives("\(path)/\(name)", &device)
      }
    }
    return nodes
  }

  /// `host0/target0:0:0/0:0:0:0/block/sr0`.
  private func drives(_ host: String, _ device: inout UsbDevice) -> [UsbNode] {
    var nodes: [UsbNode] = []
    for target in FileNames.entries(of: host) where target.hasPrefix("target") {
      for unit in FileNames.entries(of: "\(host)/\(target)") where unit.first?.isNumber == true {
        let folder = "\(host)/\(target)/\(unit)"
        if device.driveVendor == nil {
          device.driveVendor = words(folder, "vendor")
          device.driveModel = words(folder, "model")
        }
        nodes += FileNames.entries(of: "\(folder)/block").map {
          UsbNode(kind: $0.hasPrefix("sr") ? .disc : .disk, name: $0)
        }
        nodes += FileNames.entries(of: "\(folder)/scsi_generic").map {
          UsbNode(kind: .generic, name: $0)
        }
      }
    }
    return nodes
  }

  static func lastName(_ path: String) -> String? {
    path.split(separator: "/").last.map(String.init)
  }

  private func number(_ folder: String, _ name: String, radix: Int = 10) -> Int? {
    FileNames.attribute("\(folder)/\(name)").flatMap { text in
      Int(text.drop { $0 == " " }, radix: radix)
    }
  }

  private func words(_ folder: String, _ name: String) -> String? {
    FileNames.attribute("\(folder)/\(name)")
      .map { String(printable: [UInt8]($0.utf8)) }
  }
}
