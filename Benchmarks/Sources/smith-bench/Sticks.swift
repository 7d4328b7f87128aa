import Foundation
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
    return [Row("list with 16 sticks", median(times) * 1000, "ms").atMost(300)]
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
    for interface in 0..<3 {
      let face = folder.appendingPathComponent("\(place):1.\(interface)")
      try write("0\(interface)\n", face.appendingPathComponent("bInterfaceNumber"))
      try write("ff\n", face.appendingPathComponent("bInterfaceClass"))
      try write("02\n", face.appendingPathComponent("bInterfaceSubClass"))
      try write("0\(interface + 1)\n", face.appendingPathComponent("bInterfaceProtocol"))
      let tty = "ttyUSB\(number * 3 + interface)"
      try write("", face.appendingPathComponent("\(tty)/tty/\(tty)/dev"))
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
