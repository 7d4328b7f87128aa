import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("The lock of a ZTE stick, and of an Alcatel one") struct ZTEUnlockTests {
  private func bus(_ change: (inout ZTEStick.Options) -> Void = { _ in }) async -> VirtualBus<
    ZTEStick
  > {
    var options = ZTEStick.Options()
    options.locked = true
    options.unlockCode = "12345678"
    change(&options)
    var stick = ZTEStick(options: options)
    stick.setService(true)
    let bus = VirtualBus(stick)
    await bus.pause(.seconds(30))
    return bus
  }

  private func run(
    _ bus: any Bus, _ place: Place, _ owner: CountingOwner = CountingOwner(yes: 1),
    _ change: (inout UnlockRequest) -> Void
  ) async -> UnlockReport {
    var request = UnlockRequest()
    change(&request)
    let surroundings = UnlockSurroundings(
      newJournal: { () throws(Trouble) in MemoryUnlockJournal() }, tool: "test")
    return await Unlocker(bus: bus, owner: owner, surroundings: surroundings)
      .run(request, at: place)
  }

  @Test("Lock and tries are shown, and nothing is sent") func shown() async {
    let bus = await bus { $0.lockTries = 4 }
    let report = await run(bus, bus.place) { $0.onlyShows = true }
    #expect(report.verdict == .stillLocked)
    #expect(report.before?.triesLeft == 4 && report.before?.wrongCodes == nil)
    #expect(bus.body.codes == 0)
  }

  @Test("The owner's code opens it, once agreed to, and the radio comes back on") func opens()
    async
  {
    let bus = await bus()
    let report = await run(bus, bus.place) { $0.code = UnlockCode("12345678") }
    #expect(report.verdict == .unlocked, "\(report)")
    #expect(bus.body.codes == 1 && bus.body.isOnline)
    let no = await self.bus()
    let refused = await run(no, no.place, CountingOwner(yes: 0)) {
      $0.code = UnlockCode("12345678")
    }
    #expect(refused.trouble?.code == "unlock.not-confirmed")
    #expect(no.body.codes == 0)
  }

  @Test("A wrong code costs one try and is not sent again; few tries are left alone")
  func wrong() async {
    let bus = await bus()
    let report = await run(bus, bus.place) { $0.code = UnlockCode("87654321") }
    #expect(report.verdict == .stillLocked)
    #expect(report.attempts.first?.usedTry == true && report.after?.triesLeft == 4)
    #expect(bus.body.codes == 1)
    let few = await self.bus { $0.lockTries = 3 }
    let left = await run(few, few.place) { $0.code = UnlockCode("12345678") }
    #expect(left.trouble?.code == "unlock.few-tries" && few.body.codes == 0)
    let none = await self.bus { $0.lockTries = 0 }
    let blocked = await run(none, none.place) { $0.code = UnlockCode("12345678") }
    #expect(blocked.trouble?.code == "unlock.blocked" && none.body.codes == 0)
  }

  @Test("No code is calculated for other makers' sticks, and none enters an Alcatel")
  func never() async {
    let bus = await bus()
    let report = await run(bus, bus.place) { _ in }
    #expect(report.trouble?.code == "unlock.no-code" && bus.body.codes == 0)
    let alcatel = VirtualBus(AlcatelStick(.x220))
    await alcatel.pause(.seconds(30))
    let entered = await run(alcatel, alcatel.place) { $0.code = UnlockCode("12345678") }
    #expect(entered.trouble?.code == "unlock.wrong-vendor")
    #expect(await run(alcatel, alcatel.place) { $0.onlyShows = true }.verdict == .open)
  }
}
