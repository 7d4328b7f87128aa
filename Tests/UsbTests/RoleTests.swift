import Foundation
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization
import Testing

/// A port that plays a role and keeps what was written to it.
final class PlayedPort: ByteLink {
  let written = Mutex<[UInt8]>([])
  private let waiting: Mutex<[[UInt8]]>
  private let answers: [String: String]
  private let time = Mutex(Duration.zero)

  init(says: String? = nil, answers: [String: String] = [:]) {
    waiting = Mutex(says.map { [[UInt8]($0.utf8)] } ?? [])
    self.answers = answers
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    written.withLock { $0 += bytes }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    if let answer = answers[text] { waiting.withLock { $0.append([UInt8](answer.utf8)) } }
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    let next = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let next else {
      time.withLock { $0 += limit }
      throw .silent
    }
    return next
  }

  func pause(_ duration: Duration) async { time.withLock { $0 += duration } }
  var now: Duration { time.withLock { $0 } }
  func close() async {}
}

@Suite("Port roles") struct RoleTests {
  private func ports(_ stick: FakeStick, rules: String? = nil) throws -> [RoledPort] {
    let sys = try FakeSys()
    try sys.plug(stick, at: "1-1", number: 2)
    var udev = UdevRules()
    if let rules { udev.add(rules) }
    let knowledge = UsbKnowledge(entries: UsbIDs.entries, rules: udev)
    return knowledge.ports(of: try #require(SysfsUSB(root: sys.sys).device(at: "1-1")))
  }

  private func ttys(_ count: Int, vendor: UInt16, _ product: UInt16) -> FakeStick {
    FakeStick(
      id: USBID(vendor, product),
      interfaces: (0..<count).map {
        .serial($0, "ttyUSB\($0)", UsbTriple(0xff, 0xff, 0xff))
      })
  }

  @Test("Huawei's interface numbers tell the role") func huawei() throws {
    var stick = FakeStick.modem()
    stick.interfaces.append(.serial(4, "ttyUSB9", UsbTriple(0xff, 3, 0x14)))
    let ports = try ports(stick)
    #expect(ports.map(\.role) == [.modem, .diag, .at, .gps])
    #expect(ports.allSatisfy { $0.source == .interface })
  }

  @Test("Old Huawei sticks are known by their order, and only with three ports") func order() throws
  {
    #expect(try ports(ttys(3, vendor: 0x12d1, 0x1001)).map(\.role) == [.modem, .diag, .at])
    #expect(try ports(ttys(2, vendor: 0x12d1, 0x1001)).map(\.role) == [.unknown, .unknown])
  }

  @Test("Device files know ZTE, Alcatel and Sierra by interface number") func files() throws {
    #expect(try ports(ttys(4, vendor: 0x19d2, 0x0031))[3].role == .at)
    #expect(try ports(ttys(6, vendor: 0x1bbb, 0x0017))[5].source == .deviceFile)
    let sierra = try ports(ttys(4, vendor: 0x1199, 0x9071))
    #expect(sierra.map(\.role) == [.diag, .unknown, .gps, .at])
  }

  static let rules = """
    # written for this test, in the form of the installed ones
    ACTION!="add|change", GOTO="end"
    SUBSYSTEMS=="usb", ATTRS{idVendor}=="1c9e", GOTO="ours"
    GOTO="end"

    LABEL="ours"
    SUBSYSTEMS=="usb", ATTRS{bInterfaceNumber}=="?*", ENV{.MM_USBIFNUM}="$attr{bInterfaceNumber}"
    ATTRS{idVendor}=="1c9e", ATTRS{idProduct}=="9605", ENV{.MM_USBIFNUM}=="01", ENV{ID_MM_PORT_TYPE_GPS}="1"
    ATTRS{idProduct}=="96*", ENV{.MM_USBIFNUM}=="0[2-3]", SUBSYSTEM=="tty", ENV{ID_MM_PORT_TYPE_AT_PRIMARY}="1"
    ATTRS{idVendor}=="1c9e", ATTRS{bInterfaceNumber}=="00", ENV{ID_MM_PORT_TYPE_QCDM}="1"
    RUN+="/bin/false", ENV{ID_MM_PORT_TYPE_GPS}="1", PROGRAM=="/bin/true"
    LABEL="end"
    """

  @Test("The installed udev rules are followed: labels, patterns, one parent at a time")
  func udev() throws {
    let found = try ports(ttys(4, vendor: 0x1c9e, 0x9605), rules: Self.rules)
    // Interface 0: two attributes of different parents never fit together.
    #expect(found.map(\.role) == [.unknown, .gps, .at, .at])
    #expect(found[1].source == .udev)
    let others = try ports(ttys(4, vendor: 0x1c9f, 0x9605), rules: Self.rules)
    #expect(others.allSatisfy { $0.role == .unknown })
  }

  @Test("A jump to nowhere, broken lines and wild patterns do no harm", arguments: 0..<10)
  func brokenRules(_ seed: Int) throws {
    var dice = Dice(state: UInt64(seed))
    let good = [UInt8](Self.rules.utf8)
    for _ in 0..<30 {
      var bytes = good
      for _ in 0..<12 { bytes[Int(dice.next()) % bytes.count] = UInt8(0x20 + dice.next() % 0x5f) }
      let ports = try ports(
        ttys(1, vendor: 0x1c9e, 0x9605), rules: String(decoding: bytes, as: UTF8.self))
      #expect(ports.count == 1, "seed \(seed)")
    }
    let stars = String(repeating: "*a", count: 500)
    let slow = try ports(
      ttys(1, vendor: 0x1c9e, 0x9605), rules: "KERNEL==\"\(stars)\", ENV{X}=\"1\"")
    #expect(slow.count == 1)
  }

  @Test("ModemManager's rules on this system are read, if it has any") func installed() throws {
    let rules = UdevRules.modemManager()
    guard rules.count > 0 else { try Test.cancel("ModemManager is missing") }
    let knowledge = UsbKnowledge(rules: rules)
    let sys = try FakeSys()
    try sys.plug(ttys(4, vendor: 0x1199, 0x9071), at: "1-1", number: 2)
    let device = try #require(SysfsUSB(root: sys.sys).device(at: "1-1"))
    #expect(knowledge.ports(of: device).map(\.role) == [.diag, .unknown, .gps, .at])
  }

  @Test(
    "The stick's own port list is read in every spelling",
    arguments: [
      " TYPE: WCDMA: huawei,MDM:0,DIAG:1,PCUI:2", "TYPE:WCDMA:Qualcomm, mdm:0 , diag: 1,pcui:2,",
    ])
  func portMode(_ line: String) {
    #expect(PortProbe.portMode([line]) == [0: .modem, 1: .diag, 2: .at])
    #expect(PortProbe.portMode([line + ",NDIS:99,X:-1,:3,PCUI:"])[2] == .at)
    #expect(PortProbe.portMode([]).isEmpty)
  }

  @Test("The probe asks commands of one port and writes to no port for positions or data")
  func probe() async {
    let played: [String: PlayedPort] = [
      "data": PlayedPort(), "gps": PlayedPort(), "talks": PlayedPort(says: "$GPGGA,1,2\r\n"),
      "mute": PlayedPort(),
      "at": PlayedPort(answers: [
        "AT": "\r\nOK\r\n",
        "AT^GETPORTMODE": "\r\n^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,DIAG:1,PCUI:2\r\n\r\nOK\r\n",
      ]),
    ]
    let ports = [
      RoledPort(name: "data", interface: 0, role: .modem, source: .interface),
      RoledPort(name: "gps", interface: 1, role: .gps, source: .udev),
      RoledPort(name: "at", interface: 2, role: .unknown, source: .none),
      RoledPort(name: "mute", interface: 3, role: .unknown, source: .none),
      RoledPort(name: "talks", interface: 4, role: .unknown, source: .none),
    ]
    let roles = await PortProbe.roles(of: ports, id: USBID(0x12d1, 0x1001)) {
      name throws(LinkError) in
      guard let port = played[name] else { throw .notFound(path: name) }
      return port
    }
    #expect(roles == [0: .modem, 1: .diag, 2: .at, 4: .gps])
    for name in ["data", "gps", "talks"] {
      #expect(played[name]?.written.withLock { $0 } == [], "\(name) was written to")
    }
    #expect(played["mute"]?.written.withLock { $0.isEmpty } == false)
  }

  @Test("A model that crashes on the question for its ports is not asked it") func mu609() async {
    let port = PlayedPort(answers: ["AT": "\r\nOK\r\n"])
    let ports = [RoledPort(name: "x", interface: 2, role: .unknown, source: .none)]
    let roles = await PortProbe.roles(of: ports, id: USBID(0x12d1, 0x1573)) {
      _ throws(LinkError) in port
    }
    #expect(roles == [2: .at])
    #expect(!String(decoding: port.written.withLock { $0 }, as: UTF8.self).contains("GETPORTMODE"))
  }
}
