import Foundation
import Glibc
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization
import Testing

@Suite("The page of a network stick") struct PageFinderTests {
  private func stick(_ card: String) -> FakeStick {
    FakeStick(
      id: USBID(0x12d1, 0x14dc),
      interfaces: [
        FakeInterface(
          number: 0, triple: UsbTriple(2, 6, 0), driver: "cdc_ether",
          nodes: [UsbNode(kind: .net, name: card)], endpoints: [], interrupt: 0x81)
      ])
  }

  private func card(_ address: String, _ mask: String = "255.255.255.0") throws -> CardAddress {
    CardAddress(try #require(IPv4(address)), mask: try #require(IPv4(mask)))
  }

  private func routes(_ fake: FakeSys, _ lines: String...) throws -> String {
    let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n"
    try fake.write("route", head + lines.joined(separator: "\n") + "\n")
    return "\(fake.root)/route"
  }

  @Test("Its gateway comes first, then what device files know, all through its own card")
  func order() throws {
    let fake = try FakeSys()
    try fake.plug(stick("enx1"), at: "1-2", number: 7)
    let device = try #require(SysfsUSB(root: fake.sys).device(at: "1-2"))
    let own = try card("192.168.9.100")
    let table = try routes(
      fake, "enx1\t00000000\tFE09A8C0\t0003\t0\t0\t100\t00000000\t0",
      "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0", "garbage", "enx1\tx\tzzz")
    let finder = StickPageFinder(routes: table, addresses: { $0 == "enx1" ? [own] : [] })
    let places = finder.places(of: device, known: ["http://192.168.9.7/", "nonsense://"])
    #expect(
      places.map { "\($0.address)" } == [
        "http://192.168.9.254", "http://192.168.9.7", "http://192.168.9.1",
      ])
    #expect(places.allSatisfy { $0.card == "enx1" })
  }

  @Test("The router of the house is not asked: it is not in the stick's network") func house()
    throws
  {
    let fake = try FakeSys()
    try fake.plug(stick("enx1"), at: "1-2", number: 7)
    let device = try #require(SysfsUSB(root: fake.sys).device(at: "1-2"))
    let own = try card("192.168.8.100")
    let finder = StickPageFinder(routes: "/nowhere", addresses: { _ in [own] })
    #expect(finder.places(of: device).map { "\($0.address)" } == ["http://192.168.8.1"])
    let bare = StickPageFinder(routes: "/nowhere", addresses: { _ in [] })
    #expect(bare.places(of: device, known: ["http://192.168.8.1/"]).isEmpty)
  }

  @Test("A card without address and a page that does not answer are told apart") func troubles()
    async throws
  {
    let fake = try FakeSys()
    try fake.plug(stick("smith-none"), at: "1-2", number: 7)
    let device = try #require(SysfsUSB(root: fake.sys).device(at: "1-2"))
    let own = try card("192.168.8.100")
    for (addresses, code) in [([], "web.no-address"), ([own], "web.not-found")] {
      let finder = StickPageFinder(routes: "/nowhere", addresses: { _ in addresses })
      do throws(Trouble) {
        _ = try await finder.page(of: device)
        Issue.record("a page was found")
      } catch { #expect(error.code == code) }
    }
  }

  @Test("Two sticks with the same address are told apart by their cards") func twins() throws {
    let fake = try FakeSys()
    try fake.plug(stick("enx1"), at: "1-2", number: 7)
    try fake.plug(stick("enx2"), at: "1-3", number: 8)
    let own = try card("192.168.8.100")
    let finder = StickPageFinder(routes: "/nowhere", addresses: { _ in [own] })
    let usb = SysfsUSB(root: fake.sys)
    let knowledge = UsbKnowledge(entries: UsbIDs.entries)
    let found = knowledge.sticks(on: usb).map { finder.places(of: $0.device) }
    #expect(found.map { $0.map(\.card) } == [["enx1"], ["enx2"]])
    #expect(Set(found.flatMap { $0.map(\.address) }).count == 1)
    #expect(knowledge.sticks(on: usb).allSatisfy { $0.state == .networkCard && $0.ports.isEmpty })
  }

  @Test("A page on the stick's own card is found and asked; on no other card is it looked for")
  func asked() async throws {
    let fake = try FakeSys()
    try fake.plug(stick("lo"), at: "1-2", number: 7)
    try fake.plug(stick("smith-none"), at: "1-3", number: 8)
    let usb = SysfsUSB(root: fake.sys)
    let server = try Listener()
    let mask = try card("127.0.0.100", "255.0.0.0")
    let finder = StickPageFinder(
      routes: "/nowhere", addresses: { _ in [mask] }, port: server.port)
    let here = finder.places(of: try #require(usb.device(at: "1-2")))
    #expect(here.map { "\($0.address)" } == ["http://127.0.0.1:\(server.port)"])
    let link = try #require(await finder.find(among: here))
    #expect(link.card == "lo")
    let other = finder.places(of: try #require(usb.device(at: "1-3")))
    #expect(await finder.find(among: other) == nil)
    #expect(server.visits == 1)
  }

  @Test("The kernel's own addresses of a card are read") func system() throws {
    let loopback = try card("127.0.0.1", "255.0.0.0")
    #expect(StickPageFinder.systemAddresses(of: "lo").contains(loopback))
    #expect(StickPageFinder.systemAddresses(of: "smith-none").isEmpty)
  }

  @Test(
    "Only what is an address is one",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "1.2.3.+4", "0001.2.3.4", "a.b.c.d",
    ])
  func noAddress(_ text: String) { #expect(IPv4(text) == nil) }

  @Test("An address is written as it is read") func address() {
    #expect(IPv4("192.168.8.1")?.description == "192.168.8.1")
  }
}

private final class Visits: Sendable {
  let count = Mutex(0)
}

/// Says the same to everybody who connects to a port of this computer.
private final class Listener: Sendable {
  let port: Int
  private let handle: Int32
  private let served: Visits

  var visits: Int { served.count.withLock { $0 } }

  init() throws {
    let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        unsafe bind(handle, raw, size) == 0 && listen(handle, 8) == 0
          && getsockname(handle, raw, &size) == 0
      }
    }
    try #require(isBound)
    self.handle = handle
    port = Int(UInt16(bigEndian: address.sin_port))
    let served = Visits()
    self.served = served
    Thread.detachNewThread {
      while true {
        let visitor = accept(handle, nil, nil)
        if visitor < 0 { return }
        served.count.withLock { $0 += 1 }
        var room = [UInt8](repeating: 0, count: 2048)
        _ = unsafe read(visitor, &room, room.count)
        let text = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8)
        _ = unsafe write(visitor, text, text.count)
        close(visitor)
      }
    }
  }

  deinit {
    shutdown(handle, Int32(SHUT_RDWR))
    close(handle)
  }
}
