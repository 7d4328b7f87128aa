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

  @Test("No code is ever sent to a ZTE or an Alcatel, not even the owner's")
  func never() async {
    let bus = await bus()
    for code in [nil, UnlockCode("12345678")] {
      let report = await run(bus, bus.place) { $0.code = code }
      #expect(report.trouble?.code == "unlock.wrong-vendor" && bus.body.codes == 0)
    }
    let alcatel = VirtualBus(AlcatelStick(.x220))
    await alcatel.pause(.seconds(30))
    let entered = await run(alcatel, alcatel.place) { $0.code = UnlockCode("12345678") }
    #expect(entered.trouble?.code == "unlock.wrong-vendor")
    #expect(await run(alcatel, alcatel.place) { $0.onlyShows = true }.verdict == .open)
  }
}
