import Foundation
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Testing

let known = UsbKnowledge(entries: UsbIDs.entries)

@Suite("Sticks on USB") struct DiscoveryTests {
  @Test("Place, ids, drivers and every node of a stick are read; the hub is no stick")
  func everything() throws {
    let sys = try FakeSys()
    var stick = FakeStick.modem(4)
    stick.interfaces[3] = .drive(3)
    stick.interfaces.append(
      FakeInterface(
        number: 4, triple: UsbTriple(0xff, 3, 0x16), driver: "huawei_cdc_ncm",
        nodes: [
          UsbNode(kind: .net, name: "wwan0"), UsbNode(kind: .control, name: "cdc-wdm0"),
        ], endpoints: [0x86, 0x05], interrupt: 0x87))
    try sys.plug(stick, at: "1-2.3", number: 7)
    let device = try #require(SysfsUSB(root: sys.sys).devices().first)
    #expect(SysfsUSB(root: sys.sys).devices().count == 1)
    #expect(device.place == "1-2.3")
    #expect(device.path == sys.path("1-2.3"))
    #expect(device.node == "bus/usb/001/007")
    #expect(device.names(.tty) == ["ttyUSB4", "ttyUSB5", "ttyUSB6"])
    #expect(device.names(.net) == ["wwan0"])
    #expect(device.names(.control) == ["cdc-wdm0"])
    #expect(device.names(.disc) == ["sr0"])
    #expect(device.names(.generic) == ["sg0"])
    #expect(device.drive?.vendor == "HUAWEI")
    #expect(
      device.interfaces.map(\.driver) == [
        "option", "option", "option", "usb-storage", "huawei_cdc_ncm",
      ])
    #expect(device.interfaces[4].endpoints.map(\.address) == [0x86, 0x05, 0x87])
    #expect(device.interfaces[4].endpoints[2].isInterrupt)
    #expect(device.interfaces[0].endpoints.first?.packetSize == 512)
  }

  @Test("Sticks are listed in the order of their places") func order() throws {
    let sys = try FakeSys()
    for (index, place) in ["1-10", "1-2", "1-2.10", "1-2.9"].enumerated() {
      try sys.plug(.modem(index * 3), at: place, number: index + 2)
    }
    #expect(
      known.sticks(on: SysfsUSB(root: sys.sys)).map(\.device.place)
        == ["1-2", "1-2.9", "1-2.10", "1-10"])
  }

  static let states: [(UsbState, FakeStick)] = [
    (.fakeCD, .fakeCD),
    (.fakeCD, FakeStick(id: USBID(0x12d1, 0xabcd), interfaces: [.drive(0)])),
    (.modem, .modem()),
    (
      .networkCard,
      FakeStick(
        id: USBID(0x12d1, 0x14dc),
        interfaces: [
          FakeInterface(
            number: 0, triple: UsbTriple(2, 6, 0), driver: "cdc_ether",
            nodes: [UsbNode(kind: .net, name: "eth1")]),
          FakeInterface(number: 1, triple: UsbTriple(10, 6, 0), driver: "cdc_ether"),
          .drive(2),
        ])
    ),
    (
      .download,
      FakeStick(
        id: USBID(0x12d1, 0x1442),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 2, 2)), .drive(1)])
    ),
    (
      .qdl,
      FakeStick(
        id: USBID(0x1199, 0x68a2),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff), driver: "qcserial")])
    ),
    (
      .qdl,
      FakeStick(
        id: USBID(0x1199, 0x9070),
        interfaces: [.serial(0, nil, UsbTriple(0xff, 0xff, 0xff))])
    ),
    (
      .bootROM,
      FakeStick(
        id: USBID(0x12d1, 0x1443),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff))])
    ),
    (
      .edl,
      FakeStick(
        id: USBID(0x05c6, 0x9008),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff), driver: "qcserial")])
    ),
    (
      .dead,
      FakeStick(
        id: USBID(0x05c6, 0x900e),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff), driver: "qcserial")])
    ),
    (.dead, FakeStick(id: USBID(0x12d1, 0x1506), configuration: nil, interfaces: [])),
  ]

  @Test("Every state is told from outside, with something to do next", arguments: states.indices)
  func state(_ index: Int) throws {
    let (state, stick) = Self.states[index]
    let sys = try FakeSys()
    try sys.plug(stick, at: "1-1", number: 2)
    let found = try #require(known.sticks(on: SysfsUSB(root: sys.sys)).first)
    #expect(found.state == state)
    #expect(!found.next.isEmpty)
    #expect(!found.reason.isEmpty)
  }

  @Test("The same id is not taken for certain where it stands for two states")
  func ambiguous() throws {
    let sys = try FakeSys()
    let faces: [FakeInterface] = [
      .serial(0, "ttyUSB0", UsbTriple(0xff, 1, 0x12)), .drive(1),
      .serial(2, "ttyUSB1", UsbTriple(0xff, 1, 2)),
    ]
    try sys.plug(
      FakeStick(id: USBID(0x12d1, 0x1c05), interfaces: faces), at: "1-1", number: 2)
    let found = try #require(known.sticks(on: SysfsUSB(root: sys.sys)).first)
    #expect(found.state == .download)
    #expect(found.orState == .modem)
    #expect(found.next.first?.command == "modemsmith info --place 1-1")
  }

  @Test("Mice, drives and hubs of others are left out") func others() throws {
    let sys = try FakeSys()
    try sys.plug(
      FakeStick(
        id: USBID(0x413c, 0x301a),
        interfaces: [FakeInterface(number: 0, triple: UsbTriple(3, 1, 2), driver: "usbhid")]),
      at: "1-1", number: 2)
    try sys.plug(
      FakeStick(id: USBID(0x0781, 0x5567), interfaces: [.drive(0)]), at: "1-2", number: 3)
    #expect(SysfsUSB(root: sys.sys).devices().count == 2)
    #expect(known.sticks(on: SysfsUSB(root: sys.sys)).isEmpty)
  }

  @Test("A stick's own words cannot steer the terminal") func hostileWords() throws {
    let sys = try FakeSys()
    var stick = FakeStick.fakeCD
    stick.id = USBID(0x12d1, 0xabcd)
    stick.product = "evil\u{1b}[2J\u{7}stick"
    try sys.plug(stick, at: "1-1", number: 2)
    let found = try #require(known.sticks(on: SysfsUSB(root: sys.sys)).first)
    #expect(found.name == "evil?[2J?stick")
  }

  @Test("Half a stick, as it is seen while it leaves, is no trouble") func leaving() throws {
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    for name in ["descriptors", "manufacturer", "bConfigurationValue", "1-1:1.2/bInterfaceNumber"] {
      try FileManager.default.removeItem(atPath: "\(sys.path("1-1"))/\(name)")
      #expect(SysfsUSB(root: sys.sys).devices().count == 1)
    }
    try FileManager.default.removeItem(atPath: "\(sys.path("1-1"))/idProduct")
    #expect(SysfsUSB(root: sys.sys).devices().isEmpty)
    #expect(SysfsUSB(root: "/nowhere").devices().isEmpty)
  }

  @Test("Descriptors are believed only as far as they reach", arguments: 0..<20)
  func damagedDescriptors(_ seed: Int) throws {
    var dice = Dice(state: UInt64(seed))
    let good = FakeStick.modem().descriptors
    for _ in 0..<300 {
      var bytes = good
      for _ in 0...(dice.next() % 4) {
        bytes[Int(dice.next()) % bytes.count] = UInt8(truncatingIfNeeded: dice.next())
      }
      bytes = [UInt8](bytes.prefix(Int(dice.next()) % (bytes.count + 1)))
      let read = UsbDescriptors(bytes)
      let settings = read?.configurations.flatMap(\.settings) ?? []
      #expect(settings.count * 9 <= bytes.count, "seed \(seed)")
      #expect(settings.flatMap(\.endpoints).count * 7 <= bytes.count, "seed \(seed)")
    }
    #expect(UsbDescriptors(good)?.configurations.first?.settings.count == 4)
    #expect(UsbDescriptors([]) == nil)
    // A length of zero would never end.
    #expect(UsbDescriptors(good[..<18] + [0, 2, 0, 0])?.configurations.isEmpty == true)
  }

  @Test("Every entry of the device file can be used, and no id is named twice") func deviceFile() {
    #expect(UsbIDs.entries.count > 60)
    var seen: Set<USBID> = []
    for entry in UsbIDs.entries {
      #expect(UInt16(entry.vendor, radix: 16) != nil)
      for product in entry.products + (entry.targets ?? []) {
        #expect(product.count == 4 && UInt16(product, radix: 16) != nil)
      }
      for product in entry.products {
        let id = USBID(UInt16(entry.vendor, radix: 16) ?? 0, UInt16(product, radix: 16) ?? 0)
        #expect(seen.insert(id).inserted, "\(id) twice")
      }
      if entry.state == .fakeCD, entry.name != "Huawei stick, charging only" {
        #expect(entry.method != nil)
      }
    }
  }

  @Test("Sixteen sticks are listed in a small part of the time that is allowed") func sixteen()
    throws
  {
    let sys = try FakeSys()
    for index in 0..<16 { try sys.plug(.modem(index * 3), at: "1-\(index + 1)", number: index + 2) }
    #expect(known.sticks(on: SysfsUSB(root: sys.sys)).count == 16)
  }
}
