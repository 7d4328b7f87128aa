import SmithAT
import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Synchronization
import Testing

@Suite("The SIM's PIN") struct PINTests {
  typealias End = Result<PINEntry.Verdict, Trouble>

  private func enter(
    _ door: any SIMPINDoor, _ pin: String?, mayUseLast: Bool = false,
    pause: @escaping (Duration) async -> Void
  ) async -> End {
    do throws(Trouble) {
      return .success(
        try await PINEntry(door, pause: pause).enter(mayUseLast: mayUseLast) { _ in
          pin.flatMap { SIMPIN($0) }
        }.verdict)
    } catch { return .failure(error) }
  }

  private func page(_ pair: Pair, _ pin: String?, mayUseLast: Bool = false) async -> End {
    await enter(HiLinkPIN(pair.session()), pin, mayUseLast: mayUseLast) {
      await pair.bus.pause($0)
    }
  }

  private func code(_ end: End) -> String? {
    if case .failure(let trouble) = end { return trouble.code }
    return nil
  }

  @Test("is entered over a page, and the counter is read again") func overPage() async throws {
    let pair = await Pair { $0.pin = "4711" }
    let before = try await HiLinkPIN(pair.session()).state()
    #expect(before == SIMPINState(need: .pin, triesLeft: 3, pukTriesLeft: 10))
    #expect(try await HiLinkIdentity.identify(over: pair.session()).simState == "SIM PIN")
    let wrong = await page(pair, "1234")
    #expect(code(wrong) == "pin.wrong")
    #expect(pair.bus.body.pinTries == 2)
    #expect(try await page(pair, "4711").get() == .open)
    #expect(pair.bus.body.pinIsEntered)
    #expect(try await page(pair, "4711").get() == .notNeeded)
  }

  @Test(
    "With one try or none left nothing is sent, but for an owner who insists on the last",
    arguments: [(3, true), (2, true), (1, false)])
  func guarded(tries: Int, sent: Bool) async throws {
    let pair = await Pair {
      $0.pin = "4711"
      $0.pinTries = tries
    }
    let end = await page(pair, "0000")
    #expect(code(end) == (sent ? "pin.wrong" : "pin.few-tries"))
    #expect(pair.bus.body.pinTries == (sent ? tries - 1 : tries))
    if tries == 1 {
      #expect(code(await page(pair, "0000", mayUseLast: true)) == "pin.wrong")
      #expect(code(await page(pair, "4711", mayUseLast: true)) == "pin.puk-needed")
      #expect(pair.bus.body.pinTries == 0)
    }
  }

  @Test("Without the owner's word nothing is sent") func noConsent() async {
    let pair = await Pair { $0.pin = "4711" }
    #expect(code(await page(pair, nil)) == "consent.missing")
    #expect(pair.bus.body.pinTries == 3)
  }

  @Test("An answer that is lost is not sent twice: the SIM itself says what came of it")
  func cuts() async throws {
    for cut in 1...8 {
      for after in [false, true] {
        for pin in ["4711", "0000"] {
          var weather = WebWeather()
          weather.cutAtRequest = cut
          weather.cutAfterActing = after
          let pair = await Pair(weather: weather) { $0.pin = "4711" }
          let end = await page(pair, pin)
          let what = "cut \(cut) \(after) \(pin): \(end)"
          #expect(pair.bus.body.pinTries >= 2, "\(what)")
          if case .success(let verdict) = end {
            #expect(verdict == .open && pair.bus.body.pinIsEntered, "\(what)")
          } else if code(end) == "pin.wrong" {
            #expect(pair.bus.body.pinTries == 2, "\(what)")
          }
          #expect(!"\(end)".contains(pin), "\(what)")
        }
      }
    }
  }

  private func serial(_ change: (inout HuaweiBalongStick.Options) -> Void = { _ in })
    -> VirtualBus<HuaweiBalongStick>
  {
    var options = HuaweiBalongStick.Options()
    options.pin = "4711"
    change(&options)
    return VirtualBus(HuaweiBalongStick(personality: .e3131, options: options))
  }

  private func overAT(
    _ bus: VirtualBus<HuaweiBalongStick>, _ pin: String, vendor: String? = "huawei",
    mayUseLast: Bool = false
  ) async throws -> End {
    let link = try await Updater.open(bus.place, on: bus)
    let door = ATSIMPIN(ATSession(link: link), vendor: vendor)
    let end = await enter(door, pin, mayUseLast: mayUseLast) { await bus.pause($0) }
    await link.close()
    return end
  }

  @Test("is entered over an AT port by the same rules") func overAT() async throws {
    let bus = serial()
    #expect(code(try await overAT(bus, "1234")) == "pin.wrong")
    #expect(bus.body.simTries.pin == 2)
    #expect(code(try await overAT(bus, "1234")) == "pin.wrong")
    #expect(code(try await overAT(bus, "4711")) == "pin.few-tries")
    #expect(bus.body.simTries.pin == 1)
    #expect(try await overAT(bus, "4711", mayUseLast: true).get() == .open)
    #expect(try await overAT(bus, "4711").get() == .notNeeded)
  }

  @Test("A stick that does not tell the tries is asked for nothing without the owner's insistence")
  func untold() async throws {
    let bus = serial()
    #expect(code(try await overAT(bus, "4711", vendor: "alcatel")) == "pin.few-tries")
    #expect(try await overAT(bus, "4711", vendor: "alcatel", mayUseLast: true).get() == .open)
  }

  @Test("Without a SIM there is nothing to enter") func noSIM() async throws {
    let bus = serial { $0.sim = .none }
    #expect(code(try await overAT(bus, "4711")) == "pin.no-sim")
  }

  /// A SIM that says nothing of use.
  private struct Strange: SIMPINDoor {
    var states: [SIMPINState.Need]
    private let asked = Counter()
    init(_ states: [SIMPINState.Need]) { self.states = states }
    func state() async throws(Trouble) -> SIMPINState {
      let number = min(asked.next(), states.count - 1)
      return SIMPINState(need: states[number], triesLeft: 3)
    }
    func enter(_ pin: SIMPIN) async throws(Trouble) -> String { "OK" }
  }
  private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
      count.withLock { count in
        defer { count += 1 }
        return count
      }
    }
  }

  @Test("A SIM that stays silent about it is not called open") func unknown() async {
    #expect(code(await enter(Strange([.pin]), "4711") { _ in }) == "pin.unknown")
    #expect(code(await enter(Strange([.unknown]), "4711") { _ in }) == "pin.not-told")
  }

  @Test("is digits, four to eight, and is shown as stars") func digits() {
    #expect(SIMPIN("123") == nil && SIMPIN("123456789") == nil && SIMPIN("12a4") == nil)
    #expect(SIMPIN("1234\"") == nil && SIMPIN("") == nil)
    let pin = SIMPIN("4711")
    #expect(pin != nil)
    var text = ""
    dump(pin, to: &text)
    #expect(!text.contains("4711") && !String(describing: pin).contains("4711"))
  }
}
