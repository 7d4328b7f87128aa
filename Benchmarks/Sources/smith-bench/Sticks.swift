import Foundation
import Glibc
import SmithModel
import SmithPorts
import SmithVendors

extension SmithBench {
  /// What `list` does with sixteen sticks: read the port lists, the device files and every device.
  static func sticks(_ quick: Bool) throws -> [Row] {
    let root = FileManager.default.temporaryDirectory
      .appendingPathComponent("smith-bench-\(UUID().uuidString)").resolvingSymlinksInPath()
    defer { try? FileManager.default.removeItem(at: root) }
    for index in 1...16 { try stick("1-\(index)", index, in: root) }
    try rules(in: root.appendingPathComponent("rules"))
    let usb = SysfsUSB(root: root.path)
    var found = 0
    let times = (0..<(quick ? 5 : 21)).map { _ in
      seconds {
        let knowledge = UsbKnowledge(
          entries: UsbIDs.entries,
          rules: UdevRules.modemManager(in: [root.appendingPathComponent("rules").path]))
        found = knowledge.sticks(on: usb).flatMap(\.ports).count
      }
    }
    guard found == 48 else { throw CocoaError(.fileReadCorruptFile) }
    return [
      Row("list with 16 sticks", median(times) * 1000, "ms").atMost(300),
      Row("re-enumeration, event to telling", try hotplug(usb, root, quick) * 1000, "ms")
        .atMost(200),
    ]
  }

  /// From the kernel's event to our telling: one of sixteen sticks leaves and comes back, all its
  /// folders at once. A pair of sockets stands for the kernel's.
  private static func hotplug(_ usb: SysfsUSB, _ root: URL, _ quick: Bool) throws -> Double {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0,
      let watch = UsbWatch(descriptor: ends[0])
    else { throw CocoaError(.fileReadUnknown) }
    defer { close(ends[1]) }
    var tracker = StickTracker(
      usb: usb,
      knowledge: UsbKnowledge(
        entries: UsbIDs.entries,
        rules: UdevRules.modemManager(in: [root.appendingPathComponent("rules").path])))
    guard tracker.readAll().count == 16 else { throw CocoaError(.fileReadCorruptFile) }
    let link = root.appendingPathComponent("bus/usb/devices/1-9").path
    let target = root.appendingPathComponent("devices/pci0000:00/usb1/1-9").path
    let clock = SystemBus()
    /// Tells the watch what the kernel would, and waits until the tracker has told it.
    func tell(_ action: String) -> Double {
      let message = [UInt8]("\(action)@/devices/pci0000:00/usb1/1-9\0SUBSYSTEM=usb\0".utf8)
      var told = false
      return seconds {
        _ = message.withUnsafeBytes { Glibc.write(ends[1], $0.baseAddress, $0.count) }
        while !told {
          let wait = tracker.deadline.map { max(.zero, $0 - clock.now) } ?? .seconds(5)
          told = !tracker.take(watch.next(within: wait), at: clock.now).isEmpty
        }
      }
    }
    var times: [Double] = []
    for _ in 0..<(quick ? 5 : 21) {
      try FileManager.default.removeItem(atPath: link)
      _ = tell("remove")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      times.append(tell("bind"))
    }
    return median(times)
  }

  private static func write(_ text: String, _ url: URL) throws {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private static func stick(_ place: String, _ number: Int, in root: URL) throws {
    let folder = root.appendingPathComponent("devices/pci0000:00/usb1/\(place)")
    for (name, text) in [
      ("idVendor", "12d1"), ("idProduct", "1506"), ("devnum", "\(number + 1)"), ("busnum", "1"),
      ("bDeviceClass", "00"), ("manufacturer", "HUAWEI"), ("product", "HUAWEI Mobile"),
      ("bConfigurationValue", "1"), ("speed", "480"), ("bMaxPower", "500mA"),
    ] {
      try write(text + "\n", folder.appendingPathComponent(name))
    }
    // Configuration 1 with three interfaces of the vendor's class, a bulk pair each.
    var descriptors: [UInt8] = [18, 1, 0, 2, 0, 0, 0, 64, 0xd1, 0x12, 0x06, 0x15, 0, 1, 1, 2, 0, 1]
    descriptors += [9, 2, 9 + 3 * 23, 0, 3, 1, 0, 0x80, 250]
    for interface: UInt8 in 0..<3 {
      descriptors += [9, 4, interface, 0, 2, 0xff, 2, interface + 1, 0]
      for address in [0x81 + interface, 1 + interface] {
        descriptors += [7, 5, address, 2, 0, 2, 0]
      }
    }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(descriptors).write(to: folder.appendingPathComponent("descriptors"))
    let driver = root.appendingPathComponent("bus/usb/drivers/option")
    try FileManager.default.createDirectory(at: driver, withIntermediateDirectories: true)
    for interface in 0..<3 {
      let face = folder.appendingPathComponent("\(place):1.\(interface)")
      try write("0\(interface)\n", face.appendingPathComponent("bInterfaceNumber"))
      try write("ff\n", face.appendingPathComponent("bInterfaceClass"))
      try write("02\n", face.appendingPathComponent("bInterfaceSubClass"))
      try write("0\(interface + 1)\n", face.appendingPathComponent("bInterfaceProtocol"))
      let tty = "ttyUSB\(number * 3 + interface)"
      try write("", face.appendingPathComponent("\(tty)/tty/\(tty)/dev"))
      try FileManager.default.createSymbolicLink(
        at: face.appendingPathComponent("driver"), withDestinationURL: driver)
    }
    let links = root.appendingPathComponent("bus/usb/devices")
    try FileManager.default.createDirectory(at: links, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: links.appendingPathComponent(place), withDestinationURL: folder)
  }

  /// As many rules as ModemManager installs, in their form.
  private static func rules(in folder: URL) throws {
    for file in 0..<20 {
      var lines = ["ACTION!=\"add|change|move|bind\", GOTO=\"end\""]
      lines.append(
        "SUBSYSTEMS==\"usb\", ATTRS{bInterfaceNumber}==\"?*\", "
          + "ENV{.MM_USBIFNUM}=\"$attr{bInterfaceNumber}\"")
      for rule in 0..<100 {
        lines.append(
          "ATTRS{idVendor}==\"19d2\", ATTRS{idProduct}==\"\(1000 + rule)\", "
            + "ENV{.MM_USBIFNUM}==\"02\", SUBSYSTEM==\"tty\", ENV{ID_MM_PORT_TYPE_GPS}=\"1\"")
      }
      lines.append("LABEL=\"end\"")
      try write(
        lines.joined(separator: "\n") + "\n",
        folder.appendingPathComponent("77-mm-\(file).rules"))
    }
  }
}
