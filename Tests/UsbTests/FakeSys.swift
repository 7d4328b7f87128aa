import Foundation
import SmithModel
import SmithPorts
import Testing

/// One interface of a fabricated stick.
struct FakeInterface {
  var number: Int
  var triple: UsbTriple
  var driver: String?
  var nodes: [UsbNode] = []
  /// Addresses; bulk unless the number is 3 or more of an interface with three.
  var endpoints: [UInt8] = []
  var interrupt: UInt8?

  static func serial(_ number: Int, _ tty: String?, _ triple: UsbTriple, driver: String = "option")
    -> FakeInterface
  {
    let pair = UInt8(number + 1)
    return FakeInterface(
      number: number, triple: triple, driver: tty == nil ? nil : driver,
      nodes: tty.map { [UsbNode(kind: .tty, name: $0)] } ?? [], endpoints: [0x80 | pair, pair])
  }

  static func drive(_ number: Int, disc: String? = "sr0", generic: String = "sg0")
    -> FakeInterface
  {
    FakeInterface(
      number: number, triple: UsbTriple(8, 6, 0x50), driver: "usb-storage",
      nodes: disc.map {
        [UsbNode(kind: .disc, name: $0), UsbNode(kind: .generic, name: generic)]
      } ?? [], endpoints: [0x81, 0x01])
  }
}

/// A fabricated stick as the kernel would describe it.
struct FakeStick {
  var id: USBID
  var manufacturer = "HUAWEI"
  var product = "HUAWEI Mobile"
  var configuration: Int? = 1
  var interfaces: [FakeInterface]
  var drive = (vendor: "HUAWEI  ", model: "Mass Storage    ")

  /// E3131 with its drive in front.
  static let fakeCD = FakeStick(id: USBID(0x12d1, 0x15ca), interfaces: [.drive(0)])
  /// E3131 switched, from its own numbers.
  static func modem(_ first: Int = 0) -> FakeStick {
    FakeStick(
      id: USBID(0x12d1, 0x1506),
      interfaces: [
        .serial(0, "ttyUSB\(first)", UsbTriple(0xff, 2, 1)),
        .serial(1, "ttyUSB\(first + 1)", UsbTriple(0xff, 2, 3)),
        .serial(2, "ttyUSB\(first + 2)", UsbTriple(0xff, 2, 2)),
        .drive(3, disc: nil),
      ])
  }

  /// The file `descriptors`.
  var descriptors: [UInt8] {
    func word(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
    var body: [UInt8] = []
    for interface in interfaces {
      let count = interface.endpoints.count + (interface.interrupt == nil ? 0 : 1)
      body += [
        9, 4, UInt8(interface.number), 0, UInt8(count), interface.triple.kind,
        interface.triple.subclass, interface.triple.proto, 0,
      ]
      // A class descriptor in between, as modems have.
      body += [5, 0x24, 0, 0x10, 1]
      for endpoint in interface.endpoints { body += [7, 5, endpoint, 2, 0, 2, 0] }
      if let interrupt = interface.interrupt { body += [7, 5, interrupt, 3, 16, 0, 9] }
    }
    let head: [UInt8] = [18, 1, 0, 2, 0, 0, 0, 64]
    return head + word(id.vendor) + word(id.product) + [0, 1, 1, 2, 0, 1]
      + [9, 2] + word(UInt16(body.count + 9)) + [UInt8(interfaces.count), 1, 0, 0x80, 250] + body
  }
}

/// A `/sys` and `/dev` in a folder of their own, with the shape and the links of the real ones.
final class FakeSys: Sendable {
  let root: String
  var sys: String { "\(root)/sys" }
  var dev: String { "\(root)/dev" }
  private let bus = "sys/devices/pci0000:00/0000:00:14.0/usb1"

  init() throws {
    root =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("smith-usb-\(UUID().uuidString)").resolvingSymlinksInPath().path
    try folder("sys/bus/usb/devices")
    try folder("dev/bus/usb/001")
    try folder("sys/class/net")
    // The root hub, which is no stick.
    try write("\(bus)/idVendor", "1d6b\n")
    try write("\(bus)/idProduct", "0002\n")
    try write("\(bus)/devnum", "1\n")
    try write("\(bus)/bDeviceClass", "09\n")
    try link("../../../devices/pci0000:00/0000:00:14.0/usb1", at: "sys/bus/usb/devices/usb1")
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func write(_ file: String, _ text: String) throws { try write(file, Data(text.utf8)) }

  func write(_ file: String, _ data: Data) throws {
    let url = URL(fileURLWithPath: "\(root)/\(file)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  func folder(_ path: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(root)/\(path)", withIntermediateDirectories: true)
  }

  func link(_ target: String, at path: String) throws {
    let url = URL(fileURLWithPath: "\(root)/\(path)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: url.path, withDestinationPath: target)
  }

  /// The folder of a device.
  func path(_ place: String) -> String { "\(root)/\(bus)/\(place)" }

  /// Plugs a stick in. Everything is written before the link that makes it visible.
  func plug(_ stick: FakeStick, at place: String, number: Int) throws {
    let folder = "\(bus)/\(place)"
    func hex(_ value: some FixedWidthInteger, _ width: Int) -> String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    for (name, text) in [
      ("idVendor", hex(stick.id.vendor, 4)), ("idProduct", hex(stick.id.product, 4)),
      ("devnum", "\(number)"), ("busnum", "1"), ("bDeviceClass", "00"), ("speed", "480"),
      ("bMaxPower", "500mA"), ("manufacturer", stick.manufacturer), ("product", stick.product),
      ("bConfigurationValue", stick.configuration.map { "\($0)" } ?? ""),
    ] {
      try write("\(folder)/\(name)", "\(text)\n")
    }
    try write("\(folder)/descriptors", Data(stick.descriptors))
    try write("dev/bus/usb/001/\(String(format: "%03d", number))", "")
    for interface in stick.interfaces {
      let face = "\(folder)/\(place):1.\(interface.number)"
      try write("\(face)/bInterfaceNumber", hex(interface.number, 2) + "\n")
      try write("\(face)/bInterfaceClass", hex(interface.triple.kind, 2) + "\n")
      try write("\(face)/bInterfaceSubClass", hex(interface.triple.subclass, 2) + "\n")
      try write("\(face)/bInterfaceProtocol", hex(interface.triple.proto, 2) + "\n")
      try write("\(face)/bAlternateSetting", " 0\n")
      if let driver = interface.driver {
        try write("sys/bus/usb/drivers/\(driver)/bind", "")
        try link("../../../../../../bus/usb/drivers/\(driver)", at: "\(face)/driver")
      }
      for node in interface.nodes { try make(node, in: face, of: stick) }
    }
    try link(
      "../../../devices/pci0000:00/0000:00:14.0/usb1/\(place)", at: "sys/bus/usb/devices/\(place)")
  }

  private func make(_ node: UsbNode, in face: String, of stick: FakeStick) throws {
    switch node.kind {
    case .tty where node.name.hasPrefix("ttyACM"): try folder("\(face)/tty/\(node.name)")
    case .tty: try folder("\(face)/\(node.name)/tty/\(node.name)")
    case .net: try folder("\(face)/net/\(node.name)")
    case .control: try folder("\(face)/usbmisc/\(node.name)")
    case .disc, .disk, .generic:
      let unit = "\(face)/host4/target4:0:0/4:0:0:0"
      try write("\(unit)/vendor", "\(stick.drive.vendor)\n")
      try write("\(unit)/model", "\(stick.drive.model)\n")
      try folder("\(unit)/\(node.kind == .generic ? "scsi_generic" : "block")/\(node.name)")
    }
    if node.kind != .net { try write("dev/\(node.name)", "") }
  }

  func unplug(_ place: String) throws {
    try FileManager.default.removeItem(atPath: "\(root)/sys/bus/usb/devices/\(place)")
    for tty in SysfsNames.ttys(in: path(place)) {
      try? FileManager.default.removeItem(atPath: "\(dev)/\(tty)")
    }
    try FileManager.default.removeItem(atPath: path(place))
  }
}

enum SysfsNames {
  static func ttys(in folder: String) -> [String] {
    (FileManager.default.subpaths(atPath: folder) ?? [])
      .compactMap { $0.split(separator: "/").last.map(String.init) }
      .filter { $0.hasPrefix("ttyUSB") }
  }
}

/// Numbers that look random and are the same in every run.
struct Dice {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}
