import SmithBench
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("HiLink: to a serial port and back") struct SwitchTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var personality: HuaweiHiLinkStick.Personality
    var goal: HiLinkSwitch.Goal
    var way: HiLinkSwitch.Way?
    var id: USBID
    var testDescription: String { "\(personality.name) to \(goal)" }
  }

  static let cases = [
    Case(personality: .e3372h, goal: .serial, way: .cgi, id: USBID(0x12d1, 0x1442)),
    Case(personality: .e3372h, goal: .debug, way: .mode, id: USBID(0x12d1, 0x1566)),
    Case(personality: .e303, goal: .serial, way: .mode, id: USBID(0x12d1, 0x1442)),
    Case(personality: .e303, goal: .debug, way: .mode, id: USBID(0x12d1, 0x1441)),
    Case(personality: .e3531, goal: .serial, way: .cgi, id: USBID(0x12d1, 0x1442)),
    Case(personality: .e3531, goal: .debug, way: nil, id: USBID(0x12d1, 0x14dc)),
    Case(personality: .e5573, goal: .serial, way: nil, id: USBID(0x12d1, 0x14db)),
  ]

  @Test(
    "Each model goes by the first way that it knows, or stays and every way says why",
    arguments: cases)
  func go(_ one: Case) async throws {
    let pair = await Pair(one.personality)
    let outcome = try await HiLinkSwitch.perform(
      to: one.goal, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
    #expect(pair.bus.body.face?.id == one.id)
    if let way = one.way {
      guard case .switched(let port, let by) = outcome.end else {
        Issue.record("\(outcome)")
        return
      }
      #expect(by == way)
      #expect(port.role == .at)
      let link = try await pair.bus.open(port)
      try await link.send(Array("AT\r".utf8))
      let answer = try await link.receive(within: .seconds(1))
      #expect(String(decoding: answer, as: UTF8.self).contains("OK"))
    } else {
      #expect(outcome.end == .stayed)
      #expect(outcome.tried.count == HiLinkSwitch.Way.ways(to: one.goal).count)
    }
  }

  @Test("A stick that has its port already is not asked for anything") func already() async throws {
    let pair = await Pair()
    _ = try await HiLinkSwitch.perform(
      to: .debug, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
    let asked = pair.link.requests
    let outcome = try await HiLinkSwitch.perform(
      to: .debug, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
    guard case .already = outcome.end else {
      Issue.record("\(outcome)")
      return
    }
    #expect(pair.link.requests == asked)
  }

  @Test("Debug mode ends when the page is asked to restart") func back() async throws {
    let pair = await Pair()
    let session = pair.session()
    _ = try await HiLinkSwitch.perform(
      to: .debug, over: session, seeing: pair.bus, at: pair.bus.place)
    #expect(pair.bus.body.presentMode == .debug)
    try await HiLinkSwitch.restart(session)
    await pair.link.pause(.seconds(2))
    #expect(await HiLinkSwitch.awaitPage(pair.link))
    #expect(pair.bus.body.presentMode == .page)
  }

  @Test("Serial mode ends with AT^RESET, and the page is there again") func backSerial()
    async throws
  {
    let pair = await Pair()
    _ = try await HiLinkSwitch.perform(
      to: .serial, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
    #expect(pair.bus.body.presentMode == .serial)
    let port = try #require(try await pair.bus.ports().first)
    try await pair.bus.open(port).send(Array("AT^RESET\r".utf8))
    #expect(await HiLinkSwitch.awaitPage(pair.link))
    #expect(pair.bus.body.presentMode == .page)
  }

  @Test("Where the port is on nobody's bus, it is not called a success") func blind() async throws {
    let pair = await Pair()
    let empty = VirtualBus(RawPage([]))
    let outcome = try await HiLinkSwitch.perform(
      to: .serial, over: pair.session(), seeing: empty)
    #expect(outcome.end == .left(by: .cgi))
  }

  @Test("Cut at every request: what is said is what is so, and a replug brings the page back")
  func cuts() async throws {
    for personality in [HuaweiHiLinkStick.Personality.e3372h, .e303] {
      for cut in 1...12 {
        for (after, power) in [(false, false), (true, false), (false, true), (true, true)] {
          var weather = WebWeather()
          weather.cutAtRequest = cut
          weather.cutAfterActing = after
          weather.cutIsPower = power
          let pair = await Pair(personality, weather: weather)
          let outcome = try? await HiLinkSwitch.perform(
            to: .serial, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
          let what =
            "\(personality.name) cut \(cut) \(after) \(power): \(String(describing: outcome))"
          switch outcome?.end {
          case .switched, .already: #expect(pair.bus.body.presentMode == .serial, "\(what)")
          case .left: #expect(pair.bus.body.presentMode == nil, "\(what)")
          case .stayed: #expect(pair.bus.body.presentMode == .page, "\(what)")
          case nil: break
          }
          await pair.calm()
          #expect(pair.bus.body.presentMode == .page, "\(what)")
          let again = try await HiLinkSwitch.perform(
            to: .serial, over: pair.session(), seeing: pair.bus, at: pair.bus.place)
          #expect(pair.bus.body.presentMode == .serial, "\(what) \(again)")
        }
      }
    }
  }
}
