import Foundation
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors
import Synchronization
import Testing

/// A desk with one socket, a stick that answers to switch messages, and virtual time.
final class SwitchDesk: Sendable {
  let sys: FakeSys
  private let clock = Mutex(Duration.zero)
  private let due = Mutex<[(at: Duration, what: @Sendable (FakeSys) throws -> Void)]>([])
  let log = Mutex<[String]>([])
  /// What the stick does with a message or a request; called with what was sent.
  let react = Mutex<(@Sendable (SwitchDesk, [UInt8]) throws(UsbError) -> Void)?>(nil)
  /// What the stick answers on its endpoint towards the computer.
  let answers = Mutex<[Result<[UInt8], UsbError>]>([])
  private let number = Mutex(2)

  init(_ stick: FakeStick = .fakeCD) throws {
    sys = try FakeSys()
    try sys.plug(stick, at: "1-1", number: 2)
  }

  var time: Timepiece {
    Timepiece(
      now: { self.clock.withLock { $0 } },
      pause: { self.pass($0) })
  }

  var elapsed: Duration { clock.withLock { $0 } }

  func after(_ delay: Duration, _ what: @escaping @Sendable (FakeSys) throws -> Void) {
    let at = elapsed + delay
    due.withLock { $0.append((at, what)) }
  }

  /// The stick leaves now and comes back as another.
  func becomes(_ stick: FakeStick, after delay: Duration = .seconds(2), leaving: Duration = .zero) {
    after(leaving) { try $0.unplug("1-1") }
    let number = number.withLock { number in
      number += 1
      return number
    }
    after(leaving + delay) { try $0.plug(stick, at: "1-1", number: number) }
  }

  private func pass(_ duration: Duration) {
    clock.withLock { $0 += duration }
    let now = elapsed
    let ready = due.withLock { due in
      let ready = due.filter { $0.at <= now }
      due.removeAll { $0.at <= now }
      return ready
    }
    for event in ready { #expect(throws: Never.self) { try event.what(sys) } }
  }

  func say(_ word: String) { log.withLock { $0.append(word) } }
  var heard: [String] { log.withLock { $0 } }

  func run(_ data: SwitchData = SwitchData()) async throws(SwitchError) -> SwitchOutcome {
    let change = ModeSwitch(
      usb: SysfsUSB(root: sys.sys), knowledge: UsbKnowledge(entries: UsbIDs.entries), data: data,
      time: time
    ) { _ throws(UsbError) in ScriptedTalk(self) }
    return try await change.run(at: "1-1")
  }
}

final class ScriptedTalk: UsbTalk {
  private let desk: SwitchDesk
  init(_ desk: SwitchDesk) { self.desk = desk }

  func claim(_ interface: Int) throws(UsbError) { desk.say("claim \(interface)") }
  func release(_ interface: Int) { desk.say("release \(interface)") }
  func detachDriver(_ interface: Int) throws(UsbError) { desk.say("detach \(interface)") }
  func send(_ bytes: [UInt8], to endpoint: UInt8, within limit: Duration) throws(UsbError) -> Int {
    desk.say(
      "send \(endpoint) \(bytes.dropFirst(15).prefix(9).map { String($0, radix: 16) }.joined(separator: " "))"
    )
    if let react = desk.react.withLock({ $0 }) { try react(desk, bytes) }
    return bytes.count
  }
  func receive(_ count: Int, from endpoint: UInt8, within limit: Duration) throws(UsbError)
    -> [UInt8]
  {
    desk.say("receive \(count)")
    let next = desk.answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let next else { throw .silent }
    return try next.get()
  }
  func control(_ request: UsbRequest, within limit: Duration) throws(UsbError) -> [UInt8] {
    desk.say("control \(request.type) \(request.request) \(request.value)")
    if let react = desk.react.withLock({ $0 }) { try react(desk, []) }
    return []
  }
  func clearHalt(_ endpoint: UInt8) throws(UsbError) { desk.say("clear \(endpoint)") }
  func setConfiguration(_ value: Int) throws(UsbError) { desk.say("configuration \(value)") }
  func setAlternate(_ alternate: Int, of interface: Int) throws(UsbError) {
    desk.say("alternate \(alternate)")
  }
  func reset() throws(UsbError) { desk.say("reset") }
}

let goodStatus: [UInt8] = [0x55, 0x53, 0x42, 0x53, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0]

@Suite("Mode switch") struct SwitchTests {
  @Test("A Huawei drive becomes a modem by our own minimum, and the driver gets its port back")
  func huawei() async throws {
    let desk = try SwitchDesk()
    desk.react.withLock { $0 = { desk, _ throws(UsbError) in desk.becomes(.modem()) } }
    desk.answers.withLock { $0 = [.success(goodStatus)] }
    guard case .switched(let found, let notes) = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(found.device.id == USBID(0x12d1, 0x1506))
    #expect(found.state == .modem)
    #expect(notes == ["method: built-in"])
    #expect(desk.heard == ["claim 0", "send 1 11 6 20 0 0 1 1 0 1", "receive 13", "release 0"])
  }

  @Test("A stick that vanishes before its status has understood") func vanishes() async throws {
    let desk = try SwitchDesk()
    desk.react.withLock {
      $0 = { desk, _ throws(UsbError) in
        desk.becomes(.modem())
        throw .gone
      }
    }
    guard case .switched(_, let notes) = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(notes.contains("it left at once, as it should"))
    #expect(desk.heard.last == "release 0")
  }

  @Test("What is switched already is left alone") func already() async throws {
    let desk = try SwitchDesk(.modem())
    guard case .alreadySwitched(let found) = try await desk.run() else {
      Issue.record("touched")
      return
    }
    #expect(found.state == .modem)
    #expect(desk.heard.isEmpty)
  }

  @Test("Another program may be faster: then nothing is wrong") func faster() async throws {
    let desk = try SwitchDesk()
    desk.becomes(.modem(), after: .seconds(3), leaving: .milliseconds(100))
    guard case .switched(let found, _) = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(found.state == .modem)
  }

  @Test("A slow stick is waited for, once it has left") func slow() async throws {
    let desk = try SwitchDesk()
    desk.react.withLock {
      $0 = { desk, _ throws(UsbError) in desk.becomes(.modem(), after: .seconds(38)) }
    }
    guard case .switched = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(desk.elapsed > .seconds(38))
  }

  @Test("A stick that does not move is tried the other way once, then refused") func refusing()
    async throws
  {
    let desk = try SwitchDesk()
    let error = await #expect(throws: SwitchError.self) { _ = try await desk.run() }
    #expect(error == .refused("1-1", USBID(0x12d1, 0x15ca)))
    #expect(error?.trouble.code == "switch.refused")
    let sent = desk.heard.filter { $0.hasPrefix("send") }
    #expect(
      sent == [
        "send 1 11 6 20 0 0 1 1 0 1", "send 1 1e 0 0 0 0 0 0 0 0", "send 1 1b 0 0 0 2 0 0 0 0",
      ])
    #expect(desk.heard.last == "release 0")
  }

  @Test("A stick that comes and goes is left in peace after the second return") func looping()
    async throws
  {
    let desk = try SwitchDesk()
    desk.react.withLock {
      $0 = { desk, _ throws(UsbError) in
        for round in 0..<6 {
          desk.becomes(.fakeCD, after: .milliseconds(500), leaving: .seconds(round))
        }
      }
    }
    let error = await #expect(throws: SwitchError.self) { _ = try await desk.run() }
    #expect(error == .looping("1-1", 2))
    #expect(error?.trouble.code == "switch.loop")
    #expect(desk.heard.count { $0.hasPrefix("send") } == 1)
  }

  @Test("A stick that never returns is said to have left") func lost() async throws {
    let desk = try SwitchDesk()
    desk.react.withLock {
      $0 = { desk, _ throws(UsbError) in desk.after(.zero) { try $0.unplug("1-1") } }
    }
    let error = await #expect(throws: SwitchError.self) { _ = try await desk.run() }
    #expect(error == .didNotReturn("1-1"))
    #expect(error?.trouble.code == "switch.did-not-return")
    #expect(error?.trouble.aftermath == .unknown)
  }

  @Test("A second stage under another id is switched too, once") func twoStages() async throws {
    let desk = try SwitchDesk()
    var second = FakeStick.fakeCD
    second.id = USBID(0x12d1, 0x1446)
    let next = second
    desk.react.withLock {
      $0 = { desk, _ throws(UsbError) in
        let first = desk.heard.count { $0.hasPrefix("send") } == 1
        desk.becomes(first ? next : .modem())
      }
    }
    guard case .switched(let found, let notes) = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(found.state == .modem)
    #expect(notes.contains("second stage: built-in"))
  }

  @Test("Nothing there, nothing known and a foreign method each say so") func excuses() async throws
  {
    let desk = try SwitchDesk()
    try desk.sys.unplug("1-1")
    let absent = await #expect(throws: SwitchError.self) { _ = try await desk.run() }
    #expect(absent?.trouble.code == "switch.no-stick")
    var stranger = FakeStick.fakeCD
    stranger.id = USBID(0x12d1, 0xabcd)
    let other = try SwitchDesk(stranger)
    let unknown = await #expect(throws: SwitchError.self) { _ = try await other.run() }
    #expect(unknown?.trouble.code == "switch.unknown-stick")
    var data = SwitchData()
    data.add("12d1:abcd", "KobilMode=1")
    let foreign = await #expect(throws: SwitchError.self) { _ = try await other.run(data) }
    #expect(foreign?.trouble.code == "switch.foreign-method")
    #expect(other.heard.isEmpty)
  }

  @Test("The driver gets its interface back when the device cannot be used") func givenBack()
    async throws
  {
    let desk = try SwitchDesk()
    desk.react.withLock { $0 = { _, _ throws(UsbError) in throw .broken("odd") } }
    let error = await #expect(throws: SwitchError.self) { _ = try await desk.run() }
    #expect(error == .device(.broken("odd")))
    #expect(desk.heard.last == "release 0")
  }

  @Test("A stalled message is cleared, and data before the status is taken") func stalls()
    async throws
  {
    var stick = FakeStick.fakeCD
    stick.id = USBID(0x19d2, 0x2000)
    let desk = try SwitchDesk(stick)
    desk.react.withLock {
      $0 = { desk, bytes throws(UsbError) in
        if bytes[15] == 0x1e { throw .stalled }
        if bytes[15] == 0x85 {
          desk.becomes(
            FakeStick(
              id: USBID(0x19d2, 0x0031),
              interfaces: [.serial(3, "ttyUSB0", UsbTriple(0xff, 0xff, 0xff))]))
        }
      }
    }
    desk.answers.withLock {
      $0 = [
        .failure(.stalled), .success(goodStatus), .success([UInt8](repeating: 7, count: 32)),
        .success(goodStatus),
      ]
    }
    guard case .switched = try await desk.run() else {
      Issue.record("not switched")
      return
    }
    #expect(
      desk.heard == [
        "claim 0", "send 1 1e 0 0 0 0 0 0 0 0", "clear 1", "send 1 1b 0 0 0 2 0 0 0 0",
        "receive 13", "clear 129", "receive 13", "send 1 85 1 1 1 18 1 1 1 1", "receive 32",
        "receive 13", "release 0",
      ])
  }
}
