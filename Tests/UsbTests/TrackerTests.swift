import Foundation
import SmithModel
import SmithPorts
import Testing

@Suite("Following sticks") struct TrackerTests {
  private let sys: FakeSys

  init() throws { sys = try FakeSys() }

  private func tracker() -> StickTracker {
    StickTracker(usb: SysfsUSB(root: sys.sys), knowledge: known)
  }

  /// What the kernel says of a place; of one of its interfaces, if there is more.
  private func event(_ action: String, _ place: String, _ more: String = "") throws -> UsbEvent {
    let text =
      "\(action)@/devices/pci0000:00/0000:00:14.0/usb1/\(place)\(more)"
      + "\0ACTION=\(action)\0SUBSYSTEM=usb\0"
    return try #require(UsbEvent([UInt8](text.utf8)))
  }

  private func words(_ changes: [StickChange]) -> [String] {
    changes.map { change in
      switch change {
      case .came(let stick):
        "+\(stick.device.place) \(stick.state.rawValue) "
          + stick.ports.map(\.name).joined(separator: " ")
      case .left(let stick): "-\(stick.device.place) \(stick.state.rawValue)"
      }
    }
  }

  /// Takes a part of the tree out of sight; what is returned puts it back.
  private func hide(_ path: String) throws -> () throws -> Void {
    let aside = "\(sys.root)/aside-\(UUID().uuidString)"
    try FileManager.default.moveItem(atPath: path, toPath: aside)
    return { try FileManager.default.moveItem(atPath: aside, toPath: path) }
  }

  @Test("A stick that is whole is told at the event, without any wait") func atOnce() throws {
    var tracker = tracker()
    #expect(tracker.readAll().isEmpty)
    try sys.plug(.modem(), at: "1-1", number: 2)
    #expect(
      words(tracker.take([try event("bind", "1-1")], at: .zero))
        == ["+1-1 modem ttyUSB0 ttyUSB1 ttyUSB2"])
    #expect(tracker.deadline == nil)
    // The rest of the burst brings nothing new.
    let rest = try tracker.take(
      [event("bind", "1-1"), event("bind", "1-1", "/1-1:1.0")], at: .zero)
    #expect(rest.isEmpty)
    #expect(tracker.look(at: .seconds(9)).isEmpty)
    #expect(tracker.sticks.map(\.device.place) == ["1-1"])
  }

  @Test("A stick is waited for until its last interface, driver and port are there")
  func growing() throws {
    var tracker = tracker()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let folder = sys.path("1-1")
    let port = try hide("\(folder)/1-1:1.2/ttyUSB2/tty")
    let driver = try hide("\(folder)/1-1:1.2/driver")
    let interface = try hide("\(folder)/1-1:1.2")
    #expect(try tracker.take([event("add", "1-1")], at: .zero).isEmpty)
    #expect(tracker.deadline == .milliseconds(100))
    for part in [interface, driver] {
      try part()
      let heard = try tracker.take([event("bind", "1-1", "/1-1:1.2")], at: .milliseconds(50))
      #expect(heard.isEmpty)
    }
    try port()
    #expect(
      words(try tracker.take([event("bind", "1-1", "/1-1:1.2/ttyUSB2")], at: .milliseconds(60)))
        == ["+1-1 modem ttyUSB0 ttyUSB1 ttyUSB2"])
    #expect(tracker.deadline == nil)
  }

  @Test("One that no driver wants is told after a tenth of a second, as it is") func limit() throws
  {
    var tracker = tracker()
    let bare = FakeStick(
      id: USBID(0x12d1, 0x1c05), interfaces: [.serial(0, nil, UsbTriple(0xff, 0xff, 0xff))])
    try sys.plug(bare, at: "1-1", number: 2)
    #expect(try tracker.take([event("add", "1-1")], at: .seconds(5)).isEmpty)
    // Later events do not put it off.
    #expect(try tracker.take([event("bind", "1-1")], at: .milliseconds(5_099)).isEmpty)
    #expect(words(tracker.look(at: .milliseconds(5_100))) == ["+1-1 download "])
    #expect(tracker.deadline == nil)
  }

  @Test("A kernel that does not say when a driver has taken something is waited for in vain")
  func oldKernel() throws {
    var tracker = tracker()
    try sys.plug(.modem(), at: "1-1", number: 2)
    #expect(try tracker.take([event("add", "1-1")], at: .zero).isEmpty)
    #expect(
      words(tracker.look(at: StickTracker.limit)) == ["+1-1 modem ttyUSB0 ttyUSB1 ttyUSB2"])
  }

  @Test("A stick without interfaces is called dead only after a second") func dead() throws {
    var tracker = tracker()
    let empty = FakeStick(id: USBID(0x12d1, 0x1506), configuration: nil, interfaces: [])
    try sys.plug(empty, at: "1-1", number: 2)
    #expect(try tracker.take([event("add", "1-1")], at: .zero).isEmpty)
    #expect(tracker.deadline == .seconds(1))
    #expect(tracker.look(at: .milliseconds(999)).isEmpty)
    #expect(words(tracker.look(at: .seconds(1))) == ["+1-1 dead "])
  }

  @Test("A network card is whole when the card is there, on one of its two interfaces")
  func network() throws {
    var tracker = tracker()
    var stick = FakeStick(
      id: USBID(0x12d1, 0x14dc),
      interfaces: [
        FakeInterface(
          number: 0, triple: UsbTriple(2, 6, 0), driver: "cdc_ether",
          nodes: [UsbNode(kind: .net, name: "usb0")]),
        FakeInterface(number: 1, triple: UsbTriple(10, 0, 0), driver: "cdc_ether"),
      ])
    try sys.plug(stick, at: "1-1", number: 2)
    let card = try hide("\(sys.path("1-1"))/1-1:1.0/net")
    #expect(try tracker.take([event("add", "1-1")], at: .zero).isEmpty)
    try card()
    let heard = try tracker.take([event("bind", "1-1", "/1-1:1.0/net/usb0")], at: .zero)
    #expect(words(heard) == ["+1-1 network-card "])
    // A drive's nodes take seconds: nobody waits for them.
    stick.interfaces = [.drive(0, disc: nil)]
    stick.id = USBID(0x12d1, 0x15ca)
    try sys.plug(stick, at: "1-2", number: 3)
    #expect(words(try tracker.take([event("bind", "1-2")], at: .zero)) == ["+1-2 fake-cd "])
  }

  @Test("Two sticks that change places, with new numbers for all their ports, are followed")
  func swapped() throws {
    var tracker = tracker()
    try sys.plug(.modem(0), at: "1-1", number: 2)
    try sys.plug(.modem(3), at: "1-2", number: 3)
    #expect(tracker.readAll().count == 2)
    try sys.unplug("1-1")
    #expect(words(try tracker.take([event("remove", "1-1")], at: .zero)) == ["-1-1 modem"])
    try sys.unplug("1-2")
    try sys.plug(.modem(0), at: "1-2", number: 4)
    // Away and back before anybody looked.
    #expect(
      words(try tracker.take([event("remove", "1-2"), event("bind", "1-2")], at: .zero))
        == ["-1-2 modem", "+1-2 modem ttyUSB0 ttyUSB1 ttyUSB2"])
    try sys.plug(.fakeCD, at: "1-1", number: 5)
    #expect(words(try tracker.take([event("bind", "1-1")], at: .zero)) == ["+1-1 fake-cd "])
    #expect(tracker.sticks.map(\.device.number) == [5, 4])
  }

  @Test("Events that were lost are made up for by looking everywhere") func lost() throws {
    var tracker = tracker()
    try sys.plug(.modem(0), at: "1-1", number: 2)
    try sys.plug(.modem(3), at: "1-2", number: 3)
    _ = tracker.readAll()
    try sys.unplug("1-1")
    try sys.unplug("1-2")
    try sys.plug(.modem(0), at: "1-2", number: 4)
    #expect(
      words(tracker.take([.lost], at: .zero))
        == ["-1-1 modem", "-1-2 modem", "+1-2 modem ttyUSB0 ttyUSB1 ttyUSB2"])
    #expect(tracker.readAll().isEmpty)
  }

  @Test("Only the place that is named is read again") func onlyThere() throws {
    var tracker = tracker()
    try sys.plug(.modem(0), at: "1-1", number: 2)
    try sys.plug(.modem(3), at: "1-2", number: 3)
    #expect(
      words(try tracker.take([event("bind", "1-2")], at: .zero))
        == ["+1-2 modem ttyUSB3 ttyUSB4 ttyUSB5"])
    #expect(tracker.sticks.map(\.device.place) == ["1-2"])
  }

  @Test("What a stick grows later is told once, after the burst") func later() throws {
    var tracker = tracker()
    try sys.plug(.fakeCD, at: "1-1", number: 2)
    let host = try hide("\(sys.path("1-1"))/1-1:1.0/host4")
    #expect(words(try tracker.take([event("bind", "1-1")], at: .zero)) == ["+1-1 fake-cd "])
    try host()
    #expect(try tracker.take([event("add", "1-1", "/1-1:1.0/host4")], at: .seconds(1)).isEmpty)
    let changes = tracker.look(at: .milliseconds(1_100))
    #expect(words(changes) == ["+1-1 fake-cd "])
    #expect(tracker.sticks.first?.device.names(.disc) == ["sr0"])
  }

  @Test("Mice come and go unheard") func mouse() throws {
    var tracker = tracker()
    let mouse = FakeStick(
      id: USBID(0x046d, 0xc077),
      interfaces: [FakeInterface(number: 0, triple: UsbTriple(3, 1, 2), driver: "usbhid")])
    try sys.plug(mouse, at: "1-1", number: 2)
    #expect(try tracker.take([event("add", "1-1")], at: .zero).isEmpty)
    try sys.unplug("1-1")
    #expect(try tracker.take([event("remove", "1-1")], at: .zero).isEmpty)
    #expect(tracker.deadline == nil)
  }
}
