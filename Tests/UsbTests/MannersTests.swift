import Foundation
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization
import Testing

@Suite(
  "Manners",
  .enabled(if: PrivateBus.program != nil, "dbus-daemon is missing: apt install dbus-daemon"))
struct MannersTests {
  @Test("ModemManager is asked to leave exactly this stick alone, and gets it back") func hold()
    throws
  {
    let bus = try PrivateBus()
    bus.world.state.withLock { $0.known = ["/sys/a"] }
    let hold = ModemManagerHold(uid: "/sys/a", address: bus.address)
    #expect(hold.state == .held)
    #expect(bus.holderLives("/sys/a"))
    // Asking again while it is held sends nothing.
    #expect(hold.renew() == .held)
    hold.release()
    hold.release()
    #expect(hold.state == .released)
    #expect(hold.renew() == .released)
    #expect(bus.world.calls == ["hold /sys/a", "release /sys/a"])
  }

  @Test("A hold that is dropped gives the stick back") func dropped() throws {
    let bus = try PrivateBus()
    bus.world.state.withLock { $0.known = ["/sys/a"] }
    do { _ = ModemManagerHold(uid: "/sys/a", address: bus.address) }
    #expect(bus.world.calls == ["hold /sys/a", "release /sys/a"])
    #expect(!bus.holderLives("/sys/a"))
  }

  @Test("A stick that ModemManager does not know yet is asked for again later") func later() throws
  {
    let bus = try PrivateBus()
    let hold = ModemManagerHold(uid: "/sys/a", address: bus.address)
    #expect(hold.state == .notManaged)
    bus.world.state.withLock { $0.known = ["/sys/a"] }
    #expect(hold.renew() == .held)
    let refused = try PrivateBus()
    refused.world.state.withLock { $0.refuses = true }
    #expect(
      ModemManagerHold(uid: "/sys/a", address: refused.address).state == .refused("said no"))
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let manners = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: refused.address)
    #expect(manners.obstacle?.code == "port.modem-manager")
  }

  @Test("ModemManager is waited for while it finds out what the stick is, but not without end")
  func probing() async throws {
    let bus = try PrivateBus()
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let uid = try #require(SysfsUSB(root: sys.sys).device(at: "1-1")).path
    let clock = Mutex(Duration.zero)
    let time = Timepiece(
      now: { clock.withLock { $0 } }, pause: { wait in clock.withLock { $0 += wait } })
    bus.world.state.withLock {
      $0.known = [uid]
      $0.probing = 5
    }
    let manners = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: bus.address)
    #expect(manners.modemManager == .probing)
    let waits = Mutex(0)
    #expect(await manners.settle(time, onWait: { waits.withLock { $0 += 1 } }) == nil)
    #expect(manners.modemManager == .held)
    #expect(waits.withLock { $0 } == 1)
    #expect(clock.withLock { $0 } == .seconds(2))
    manners.end()

    // One that never ends its looking is an obstacle, not a reason to hang.
    bus.world.state.withLock { $0.probing = 1_000_000 }
    let other = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: bus.address)
    #expect(await other.settle(time)?.code == "port.modem-manager")
    #expect(clock.withLock { $0 } <= .seconds(130))
  }

  @Test("Without ModemManager, and without a bus, nothing is held and nothing breaks")
  func nobody() throws {
    let bus = try PrivateBus(names: ["org.example.Nobody"])
    #expect(ModemManagerHold(uid: "/sys/a", address: bus.address).state == .notRunning)
    #expect(SleepInhibitor(reason: "x", address: bus.address) == nil)
    let nowhere = "unix:path=/nowhere/bus"
    #expect(ModemManagerHold(uid: "/sys/a", address: nowhere).state == .notRunning)
    #expect(SleepInhibitor(reason: "x", address: nowhere) == nil)
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let device = try #require(SysfsUSB(root: sys.sys).device(at: "1-1"))
    #expect(StickNetwork(address: nowhere, sysfs: sys.sys).connections(of: device).isEmpty)
  }

  @Test("The computer is kept awake exactly while a one-way door is open") func door() async throws
  {
    let bus = try PrivateBus()
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    bus.world.state.withLock { $0.known = [sys.path("1-1")] }
    let manners = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: bus.address)
    #expect(manners.modemManager == .held)
    let owner = manners.minding(DeafOwner())
    await owner.hear(.phase(.identify, ""))
    #expect(!manners.keepsAwake)
    await owner.hear(.phase(.enter, ""))
    await owner.hear(.phase(.write, ""))
    #expect(manners.keepsAwake)
    #expect(bus.isKeptAwake)
    await owner.hear(.phase(.verify, ""))
    #expect(bus.mayRest)
    await owner.hear(.phase(.write, ""))
    #expect(bus.isKeptAwake)
    manners.end()
    #expect(bus.mayRest)
    #expect(
      bus.world.calls.filter { $0.hasPrefix("inhibit") }.first
        == "inhibit sleep:shutdown modemsmith block")
    #expect(bus.world.calls.contains("release \(sys.path("1-1"))"))
  }

  @Test("A stick that comes back is held again before its port is opened") func comesBack()
    async throws
  {
    let bus = try PrivateBus()
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    let manners = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: bus.address)
    #expect(manners.modemManager == .notManaged)
    bus.world.state.withLock { $0.known = [sys.path("1-1")] }
    let minded = manners.minding(
      UsbBus(sysfs: sys.sys, devices: sys.dev, lockDirectory: nil, knowledge: known))
    let port = try await minded.port(at: .usb("1-1"), as: .at, within: .zero)
    // The file is no serial port; what counts is what happened before it was opened.
    await #expect(throws: LinkError.self) { _ = try await minded.open(port) }
    #expect(manners.modemManager == .held)
  }

  @Test("A stick whose port was named, through a link too, is held; a port of nobody is left alone")
  func named() throws {
    let bus = try PrivateBus()
    let sys = try FakeSys()
    try sys.plug(.modem(), at: "1-1", number: 2)
    try sys.plug(.modem(3), at: "1-2", number: 3)
    bus.world.state.withLock { $0.known = [sys.path("1-1"), sys.path("1-2")] }
    try sys.link("../../ttyUSB4", at: "dev/serial/by-id/usb-HUAWEI")
    for path in ["\(sys.dev)/ttyUSB4", "\(sys.dev)/serial/by-id/usb-HUAWEI"] {
      let manners = StickManners(
        place: .named(path), usb: SysfsUSB(root: sys.sys), address: bus.address)
      #expect(manners.modemManager == .held)
      #expect(bus.holderLives(sys.path("1-2")))
      #expect(!bus.holderLives(sys.path("1-1")))
      manners.end()
    }
    try sys.write("dev/pts/7", "")
    for path in ["\(sys.dev)/pts/7", "\(sys.dev)/nothing", "http://192.168.8.1"] {
      let manners = StickManners(
        place: .named(path), usb: SysfsUSB(root: sys.sys), address: bus.address)
      #expect(manners.modemManager == nil)
      #expect(manners.obstacle == nil)
    }
    #expect(bus.world.calls.count == 4)
  }

  @Test("A connection over the stick is named and taken down, others are left alone")
  func network() throws {
    let bus = try PrivateBus(names: ["org.freedesktop.NetworkManager"])
    let sys = try FakeSys()
    var stick = FakeStick.modem()
    stick.interfaces.append(
      FakeInterface(
        number: 4, triple: UsbTriple(2, 6, 0), driver: "cdc_ether",
        nodes: [UsbNode(kind: .net, name: "wwan0"), UsbNode(kind: .net, name: "usb9")]))
    try sys.plug(stick, at: "1-1", number: 2)
    try sys.write("sys/class/net/usb9/operstate", "up\n")
    let manners = StickManners(
      place: .usb("1-1"), usb: SysfsUSB(root: sys.sys), address: bus.address)
    let found = manners.connections()
    #expect(found.map(\.name) == ["Home", "usb9"])
    let lines = manners.takeDown(found)
    #expect(lines[0] == "wwan0 (Home) is down")
    #expect(lines[1].hasPrefix("usb9 (usb9) stays up: nobody manages usb9"))
    #expect(bus.world.calls == ["disconnect /nm/1"])
  }
}

/// An owner who hears nothing and agrees to nothing.
final class DeafOwner: Owner {
  func consent(to plan: CheckedPlan) async -> Consent? { nil }
  func hear(_ event: UpdateEvent) async {}
  var wantsToStop: Bool { false }
}

@Suite("Doctor") struct DoctorTests {
  private let nowhere = "unix:path=/nowhere/bus"

  @Test("The rules in Support are those that the device files make") func rulesFile() throws {
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let file = here.appendingPathComponent("../../Support/udev/70-modemsmith.rules").standardized
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text == UdevRulesFile.text(UsbIDs.entries))
    // Our own reader understands them, and finds the boot ROM to be nobody's business.
    var rules = UdevRules()
    rules.add(text)
    let sys = try FakeSys()
    try sys.plug(
      FakeStick(
        id: USBID(0x12d1, 0x1443),
        interfaces: [.serial(0, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff))]),
      at: "1-1", number: 2)
    let device = try #require(SysfsUSB(root: sys.sys).device(at: "1-1"))
    let subject = UdevSubject(
      UsbNode(kind: .tty, name: "ttyUSB0"), of: device.interfaces[0], of: device)
    #expect(rules.environment(of: subject)["ID_MM_DEVICE_IGNORE"] == "1")
  }

  @Test("Rules are written below another root, and a refusal says what to do") func install() throws
  {
    let sys = try FakeSys()
    let path = try UdevRulesFile.install(UsbIDs.entries, root: sys.root)
    #expect(path == "\(sys.root)/etc/udev/rules.d/70-modemsmith.rules")
    #expect(FileManager.default.fileExists(atPath: path))
    #expect(!FileManager.default.fileExists(atPath: "\(path).new"))
    try sys.write("flat", "")
    let error = #expect(throws: Trouble.self) {
      try UdevRulesFile.install([], root: "\(sys.root)/flat")
    }
    #expect(error?.code == "doctor.rules-not-written")
  }

  @Test("A healthy computer gets no bad mark, a troubled one gets advice") func findings() throws {
    let sys = try FakeSys()
    let doctor = Doctor(
      usb: SysfsUSB(root: sys.sys), knowledge: known, data: SwitchData(), devices: sys.dev,
      rules: "\(sys.root)/none", address: nowhere)
    #expect(!doctor.examine(power: PowerState()).contains { $0.grade == .bad })
    try sys.plug(.fakeCD, at: "1-1", number: 2)
    try sys.plug(
      FakeStick(
        id: USBID(0x12d1, 0x1442), interfaces: [.serial(0, nil, UsbTriple(0xff, 2, 2))]),
      at: "1-2", number: 3)
    try sys.plug(
      FakeStick(id: USBID(0x12d1, 0x1506), configuration: nil, interfaces: []), at: "1-3",
      number: 4)
    try FileManager.default.removeItem(atPath: "\(sys.dev)/bus/usb/001/002")
    let found = doctor.examine(power: PowerState(onMains: false, batteryPercent: 12))
    func advice(_ area: String) -> [String] {
      found.filter { $0.area == area }.compactMap(\.advice)
    }
    #expect(advice("state").first == "modemsmith switch --place 1-1")
    #expect(
      advice("permission") == [
        "sudo modemsmith doctor --install-rules, then plug the stick in again"
      ])
    #expect(advice("mode switch") == ["sudo apt install usb-modeswitch-data"])
    #expect(advice("drivers").count == 1)
    #expect(found.filter { $0.grade == .bad }.map(\.area) == ["state", "permission", "power"])
  }
}
