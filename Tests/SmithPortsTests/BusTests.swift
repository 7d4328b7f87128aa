import Foundation
import SmithLink
import SmithModel
import SmithPorts
import Testing

@Suite("Named ports") struct NamedPortBusTests {
  @Test("A link that goes away and comes back leads to the new port") func swap() async throws {
    let scratch = try Scratch()
    let bus = NamedPortBus(port: "\(scratch.path)/link", lockDirectory: nil)
    await #expect(throws: BusError.absent(bus.place, .at)) {
      try await bus.port(at: bus.place, as: .at, within: .zero)
    }
    var first: PTY? = try PTY()
    try scratch.pointLink(at: #require(first?.path))
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(300))
    let link = try await bus.open(port)
    first = nil
    await #expect(throws: LinkError.gone) { try await link.receive(within: .seconds(300)) }
    // The link still lies there and leads nowhere, as it may for a moment in life.
    await #expect(throws: BusError.absent(bus.place, .download)) {
      try await bus.port(at: bus.place, as: .download, within: .zero)
    }
    let waiting = Task { try await bus.port(at: bus.place, as: .download, within: .seconds(60)) }
    let second = try PTY()
    try scratch.pointLink(at: second.path)
    let again = try await bus.open(waiting.value)
    try await again.send([9])
    #expect(second.take(1) == [9])
    await again.close()
    await link.close()
  }

  @Test("Download mode may have a path of its own") func downloadPath() async throws {
    let (normal, download) = (try PTY(), try PTY())
    let bus = NamedPortBus(port: normal.path, downloadPort: download.path, lockDirectory: nil)
    #expect(try await bus.ports().map(\.role) == [.at, .download])
    let limit = Duration.seconds(300)
    #expect(
      try await bus.port(at: bus.place, as: .at, within: limit).node == normal.path)
    #expect(
      try await bus.port(at: bus.place, as: .download, within: limit).node == download.path)
    #expect(
      try await bus.port(at: bus.place, as: .bootROM, within: limit).node == download.path)
    await #expect(throws: BusError.absent(.named("elsewhere"), .at)) {
      try await bus.port(at: .named("elsewhere"), as: .at, within: .zero)
    }
  }
}

@Suite("Ports of the system") struct SystemBusTests {
  @Test("Place, id, interface and role are read from sysfs") func list() async throws {
    let sysfs = try SysfsTree()
    let bus = SystemBus(sysfs: sysfs.root, devices: "\(sysfs.root)/dev", lockDirectory: nil)
    let ports = bus.list()
    #expect(ports.map(\.node) == ["\(sysfs.root)/dev/ttyUSB0", "\(sysfs.root)/dev/ttyUSB2"])
    #expect(ports.map(\.place) == [.usb("1-2.3"), .usb("1-2.3")])
    #expect(ports.map(\.interface) == [0, 2])
    #expect(ports.map(\.role) == [.modem, .at])
    #expect(ports.map(\.id) == [USBID(0x12d1, 0x1506), USBID(0x12d1, 0x1506)])
    #expect(ports.map(\.driver) == ["option1", "option1"])
    #expect(ports.map(\.product) == ["HUAWEI Mobile", "HUAWEI Mobile"])
    #expect(try await bus.ports().count == 2)
    await #expect(throws: BusError.absent(.usb("1-9"), .at)) {
      try await bus.port(at: .usb("1-9"), as: .at, within: .zero)
    }
    let found = try await bus.port(at: .usb("1-2.3"), as: .download, within: .zero)
    #expect(found.node.hasSuffix("ttyUSB2"))
  }

  @Test("A computer without ports has an empty list") func empty() async throws {
    #expect(SystemBus(sysfs: "/nowhere").list().isEmpty)
    #expect(try await SystemBus(sysfs: "/nowhere").ports().isEmpty)
  }
}

/// A small sysfs with one stick at 1-2.3 that shows a modem and an AT port.
final class SysfsTree {
  let root: String
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    root = scratch.path
    let stick = "devices/usb1/1-2/1-2.3"
    for (interface, tty, kind) in [(0, "ttyUSB0", "01"), (2, "ttyUSB2", "02")] {
      let face = "\(stick)/1-2.3:1.\(interface)"
      try write("\(face)/\(tty)/dev", "188:0\n")
      try write("\(face)/bInterfaceNumber", "0\(interface)\n")
      try write("\(face)/bInterfaceClass", "ff\n")
      try write("\(face)/bInterfaceSubClass", "02\n")
      try write("\(face)/bInterfaceProtocol", "\(kind)\n")
      try write("drivers/option1/bind", "")
      try write("class/tty/\(tty)/dev", "188:0\n")
      try link("\(face)/\(tty)", at: "class/tty/\(tty)/device")
      try link("drivers/option1", at: "\(face)/\(tty)/driver")
      try write("dev/\(tty)", "")
    }
    try write("class/tty/ttyS0/dev", "4:64\n")
    try write("\(stick)/idVendor", "12d1\n")
    try write("\(stick)/idProduct", "1506\n")
    try write("\(stick)/manufacturer", "HUAWEI\n")
    try write("\(stick)/product", "HUAWEI Mobile\n")
  }

  private func link(_ target: String, at path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(root)/\(path)", withDestinationPath: "\(root)/\(target)")
  }

  private func write(_ file: String, _ text: String) throws {
    let url = URL(fileURLWithPath: "\(root)/\(file)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }
}
