import Foundation
import Glibc
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization
import Testing

@Suite("The bus of this computer") struct UsbBusTests {
  private func bus(_ sys: FakeSys, bulk: UsbBulkLink.Opener? = nil) -> UsbBus {
    UsbBus(
      sysfs: sys.sys, devices: sys.dev, lockDirectory: nil, knowledge: known, bulk: bulk)
  }

  @Test("Ports carry place, role, node and id") func ports() async throws {
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-2.3", number: 5)
    let ports = try await bus(sys).ports()
    #expect(ports.map(\.role) == [.modem, .diag, .at])
    #expect(ports.map(\.node) == (0..<3).map { "\(sys.dev)/ttyUSB\($0)" })
    #expect(Set(ports.map(\.place)) == [.usb("1-2.3")])
    #expect(ports[2].interface == 2)
    let list = bus(sys).list()
    #expect(list.map(\.driver) == ["option", "option", "option"])
    #expect(list.first?.product == "HUAWEI Mobile")
    #expect(try await bus(sys).port(at: .usb("1-2.3"), as: .download, within: .zero).interface == 2)
    await #expect(throws: BusError.absent(.usb("1-9"), .at)) {
      try await bus(sys).port(at: .usb("1-9"), as: .at, within: .zero)
    }
    #expect(try await UsbBus(sysfs: "/nowhere").ports().isEmpty)
  }

  @Test("A stick is followed by place through another id and other tty numbers") func follow()
    async throws
  {
    let sys = try FakeSys()
    let bus = bus(sys)
    try sys.plug(.modem(0), at: "1-1", number: 2)
    try sys.plug(.modem(3), at: "1-2", number: 3)
    #expect(try await bus.port(at: .usb("1-2"), as: .at, within: .zero).node.hasSuffix("ttyUSB5"))
    // Both leave; the second comes back first, with the numbers of the other.
    try sys.unplug("1-1")
    try sys.unplug("1-2")
    let waiting = Task { try await bus.port(at: .usb("1-2"), as: .download, within: .seconds(60)) }
    try sys.plug(
      FakeStick(
        id: USBID(0x12d1, 0x1442),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 2, 2)), .drive(1)]),
      at: "1-2", number: 9)
    let found = try await waiting.value
    #expect(found.id == USBID(0x12d1, 0x1442))
    #expect(found.node == "\(sys.dev)/ttyUSB0")
    await #expect(throws: BusError.absent(.usb("1-1"), .at)) {
      try await bus.port(at: .usb("1-1"), as: .at, within: .zero)
    }
  }

  @Test("What a stick said about its ports is forgotten when it re-enumerates") func learned()
    async throws
  {
    let sys = try FakeSys()
    let bus = bus(sys)
    let stick = FakeStick(
      id: USBID(0x12d1, 0x1003),
      interfaces: (0..<2).map { .serial($0, "ttyUSB\($0)", UsbTriple(0xff, 0xff, 0xff)) })
    try sys.plug(stick, at: "1-1", number: 2)
    bus.learn([1: .at], at: .usb("1-1"))
    #expect(try await bus.port(at: .usb("1-1"), as: .at, within: .zero).interface == 1)
    try sys.unplug("1-1")
    try sys.plug(stick, at: "1-1", number: 3)
    #expect(try await bus.ports().map(\.role) == [.unknown, .unknown])
  }

  @Test("A port without a driver is used through its endpoints") func bulk() async throws {
    let sys = try FakeSys()
    try sys.plug(
      FakeStick(
        id: USBID(0x12d1, 0x1442), interfaces: [.serial(0, nil, UsbTriple(0xff, 2, 2)), .drive(1)]),
      at: "1-1", number: 2)
    #expect(try await bus(sys).ports().isEmpty)
    let asked = Mutex<[Int]>([])
    let bus = bus(sys) { device, interface throws(LinkError) in
      asked.withLock { $0.append(interface) }
      return PlayedPort(says: device.place)
    }
    let port = try await bus.port(at: .usb("1-1"), as: .at, within: .zero)
    #expect(port.node == "usb:1-1:0")
    let link = try await bus.open(port)
    #expect(try await link.receive(within: .zero) == [UInt8]("1-1".utf8))
    #expect(asked.withLock { $0 } == [0])
  }

  @Test("Ports without a driver are asked what they are, where nothing else tells")
  func askedBulk() async throws {
    let sys = try FakeSys()
    let plain = UsbTriple(0xff, 0xff, 0xff)
    try sys.plug(
      FakeStick(
        id: USBID(0x05c6, 0x9025), interfaces: (0..<2).map { .serial($0, nil, plain) }),
      at: "1-1", number: 2)
    let ports = [PlayedPort(), PlayedPort(answers: ["AT": "\r\nOK\r\n"])]
    let bus = bus(sys) { _, interface throws(LinkError) in ports[interface] }
    #expect(try await bus.ports().map(\.role) == [.unknown, .unknown])
    await bus.settleRoles(at: .usb("1-1"))
    #expect(try await bus.port(at: .usb("1-1"), as: .at, within: .zero).node == "usb:1-1:1")
  }

  @Test("An id is taught to the serial driver, and the reason is told where it cannot be")
  func teach() throws {
    let sys = try FakeSys()
    let file = "sys/bus/usb-serial/drivers/option1/new_id"
    try sys.write(file, "")
    try SerialBinding.teach(USBID(0x12d1, 0x1443), sysfs: sys.sys)
    let text = try String(contentsOfFile: "\(sys.root)/\(file)", encoding: .utf8)
    #expect(text == "12d1 1443 ff\n")
    #expect(throws: LinkError.notFound(path: "/nowhere/bus/usb-serial/drivers/x/new_id")) {
      try SerialBinding.teach(USBID(1, 2), driver: "x", sysfs: "/nowhere")
    }
  }

  /// A stick whose ports no driver has taken, and one that is taken already.
  private static func halfBound(_ tty: String?) -> FakeStick {
    FakeStick(
      id: USBID(0x12d1, 0x1443),
      interfaces: [
        .serial(0, "ttyUSB0", UsbTriple(0xff, 2, 1)), .serial(1, tty, UsbTriple(0xff, 2, 3)),
        .serial(2, nil, UsbTriple(0xff, 0x42, 1)), .drive(3, disc: nil),
      ])
  }

  @Test("Binding waits for the port that was without a driver, and names that one alone")
  func bindWaits() async throws {
    let desk = try SwitchDesk(Self.halfBound(nil))
    try desk.sys.write("sys/bus/usb-serial/drivers/option1/new_id", "")
    desk.becomes(Self.halfBound("ttyUSB7"), after: .seconds(1), leaving: .seconds(1))
    let bound = try await SerialBinding.bind(
      at: "1-1", usb: SysfsUSB(root: desk.sys.sys), time: desk.time)
    #expect(bound.flatMap(\.nodes).map(\.name) == ["ttyUSB7"])
    let again = try await SerialBinding.bind(
      at: "1-1", usb: SysfsUSB(root: desk.sys.sys), time: desk.time)
    #expect(again.isEmpty)
  }

  @Test("A driver that is not loaded, or that takes nothing, is said with what helps")
  func bindInVain() async throws {
    let desk = try SwitchDesk(Self.halfBound(nil))
    let usb = SysfsUSB(root: desk.sys.sys)
    for (prepare, words) in [(false, "not loaded"), (true, "did not take")] {
      if prepare { try desk.sys.write("sys/bus/usb-serial/drivers/option1/new_id", "") }
      let trouble = await #expect(throws: Trouble.self) {
        try await SerialBinding.bind(at: "1-1", usb: usb, time: desk.time)
      }
      #expect(trouble?.code == "port.no-serial-driver")
      #expect(trouble?.summary.contains(words) == true, "\(String(describing: trouble))")
    }
    #expect(desk.elapsed < .seconds(10))
  }
}

/// A device whose one pair of endpoints answers every byte with its opposite.
final class MirrorTalk: UsbTalk {
  private let waiting = Mutex<[Result<[UInt8], UsbError>]>([])
  private let bell = DispatchSemaphore(value: 0)
  let log = Mutex<[String]>([])

  func put(_ result: Result<[UInt8], UsbError>) {
    waiting.withLock { $0.append(result) }
    bell.signal()
  }
  func claim(_ interface: Int) throws(UsbError) { log.withLock { $0.append("claim \(interface)") } }
  func release(_ interface: Int) { log.withLock { $0.append("release \(interface)") } }
  func detachDriver(_ interface: Int) throws(UsbError) {}
  func send(_ bytes: [UInt8], to endpoint: UInt8, within limit: Duration) throws(UsbError) -> Int {
    // Takes at most 1000 bytes at a time, as a busy device does.
    let taken = [UInt8](bytes.prefix(1000))
    put(.success(taken.map { ~$0 }))
    return taken.count
  }
  func receive(_ count: Int, from endpoint: UInt8, within limit: Duration) throws(UsbError)
    -> [UInt8]
  {
    guard bell.wait(timeout: .now() + .milliseconds(5)) == .success else { throw .silent }
    return try waiting.withLock { $0.removeFirst() }.get()
  }
  func control(_ request: UsbRequest, within limit: Duration) throws(UsbError) -> [UInt8] {
    log.withLock { $0.append("control \(request.request) \(request.value)") }
    throw .stalled
  }
  func clearHalt(_ endpoint: UInt8) throws(UsbError) { log.withLock { $0.append("clear") } }
  func setConfiguration(_ value: Int) throws(UsbError) {}
  func setAlternate(_ alternate: Int, of interface: Int) throws(UsbError) {}
  func reset() throws(UsbError) {}
}

@Suite("Bulk link") struct BulkLinkTests {
  @Test("Bytes go both ways, in order, however they are cut") func bothWays() async throws {
    let talk = MirrorTalk()
    let link = try UsbBulkLink(talk, interface: 2, input: 0x82, output: 2)
    let sent = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try await link.send(sent)
    var got: [UInt8] = []
    while got.count < sent.count { got += try await link.receive(within: .seconds(300)) }
    #expect(got == sent.map { ~$0 })
    await #expect(throws: LinkError.silent) { try await link.receive(within: .zero) }
    await link.close()
    await #expect(throws: LinkError.gone) { try await link.receive(within: .seconds(1)) }
    await #expect(throws: LinkError.gone) { try await link.send([1]) }
    #expect(talk.log.withLock { $0 } == ["claim 2", "control 34 3", "release 2"])
  }

  @Test("What arrived before the stick left is still given out") func leaving() async throws {
    let talk = MirrorTalk()
    let link = try UsbBulkLink(talk, interface: 0, input: 0x81, output: 1)
    talk.put(.success([1, 2, 3]))
    talk.put(.failure(.gone))
    #expect(try await link.receive(within: .seconds(300)) == [1, 2, 3])
    await #expect(throws: LinkError.gone) { try await link.receive(within: .seconds(300)) }
    await link.close()
  }

  @Test("A stall is cleared, an endless one ends the link") func stalls() async throws {
    let talk = MirrorTalk()
    let link = try UsbBulkLink(talk, interface: 0, input: 0x81, output: 1)
    talk.put(.failure(.stalled))
    talk.put(.success([9]))
    #expect(try await link.receive(within: .seconds(300)) == [9])
    for _ in 0..<4 { talk.put(.failure(.stalled)) }
    await #expect(throws: LinkError.broken("the stick refused a transfer")) {
      try await link.receive(within: .seconds(300))
    }
    await link.close()
  }

  @Test("Whoever waits is woken by close") func wakes() async throws {
    let link = try UsbBulkLink(MirrorTalk(), interface: 0, input: 0x81, output: 1)
    let waiting = Task { try await link.receive(within: .seconds(300)) }
    await link.close()
    await #expect(throws: LinkError.gone) { try await waiting.value }
  }

  @Test("A device that is not there, and one that is no device, are told apart") func libusb()
    throws
  {
    #expect(throws: UsbError.gone) { _ = try LibUSBDevice(path: "/nowhere/001") }
    #expect(throws: UsbError.self) { _ = try LibUSBDevice(path: "/dev/null") }
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let device = try #require(SysfsUSB(root: sys.sys).device(at: "1-1"))
    #expect(throws: LinkError.self) {
      _ = try UsbBulkLink.opener(devices: sys.dev)(device, 0)
    }
    #expect(throws: LinkError.notFound(path: "1-1 interface 9")) {
      _ = try UsbBulkLink.opener(devices: sys.dev)(device, 9)
    }
  }
}

@Suite("Hot-plug") struct WatchTests {
  private func message(_ text: String) -> [UInt8] {
    [UInt8](text.utf8).map { $0 == UInt8(ascii: "|") ? 0 : $0 } + [0]
  }

  @Test("The kernel's own words are read, and udev's are not") func events() throws {
    let event = try #require(
      UsbEvent(
        message(
          "add@/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0/ttyUSB0/tty/ttyUSB0"
            + "|ACTION=add|SUBSYSTEM=tty|SEQNUM=77")))
    #expect(event.place == "1-2.3")
    #expect(event.action == "add")
    #expect(event.matters)
    #expect(UsbEvent([UInt8]("libudev".utf8) + [0, 0xfe, 0xed]) == nil)
    #expect(UsbEvent([]) == nil)
    #expect(UsbEvent(message("add@/devices/virtual/x|SUBSYSTEM=bdi"))?.matters == false)
  }

  @Test("A waiting watch hears what is plugged in, and ends when it is told to") func waits()
    async throws
  {
    var ends: [Int32] = [-1, -1]
    try #require(
      unsafe socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0)
    let far = ends[1]
    let watch = try #require(UsbWatch(descriptor: ends[0]))
    let thread = PortThread()
    let waiting = Task(executorPreference: thread) { watch.next(within: .seconds(300)) }
    for text in ["add@/devices/virtual/x|SUBSYSTEM=bdi", "remove@/devices/usb1/1-4|SUBSYSTEM=usb"] {
      let bytes = message(text)
      #expect(unsafe write(far, bytes, bytes.count) == bytes.count)
    }
    let events = await waiting.value
    #expect(events.map(\.place) == ["1-4"])
    let stopped = Task(executorPreference: thread) { watch.next(within: .seconds(300)) }
    watch.stop()
    #expect(await stopped.value.isEmpty)
    close(far)
  }
}
