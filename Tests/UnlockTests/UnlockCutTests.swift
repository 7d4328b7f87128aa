import SmithBench
import SmithEngine
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("Unlock, interrupted") struct UnlockCutTests {
  @Test("Cut at every send, the report never says more than the stick's counter")
  func cutEverywhere() async throws {
    let calm = UnlockScene(right: nil, yes: 1)
    _ = await calm.run()
    let sends = calm.bus.sends
    #expect(sends > 10)
    var unknown = 0
    for cut in 1...sends {
      for delivered in [false, true] {
        var weather = Weather()
        weather.unplugAtSend = cut
        weather.unplugAfterDelivery = delivered
        let scene = UnlockScene(right: nil, yes: 1, weather: weather)
        let report = await scene.run()
        let used = scene.tries == 9
        #expect(!used || scene.journaled.count == 1, "cut \(cut): sent and not journaled")
        switch report.attempts.first?.usedTry {
        case .some(let said): #expect(said == used, "cut \(cut)")
        case .none where report.attempts.isEmpty: #expect(!used, "cut \(cut)")
        case .none:
          unknown += 1
          #expect(report.verdict == .unknown)
          #expect(report.trouble?.code == "unlock.unknown")
          #expect(report.exitCode == .unknown)
        }
        try await lookAgain(scene, used: used)
      }
    }
    #expect(unknown >= 2, "the attempt itself was cut before and after its delivery")
  }

  /// Plugged in again, the stick is shown; the counter says what became of the attempt.
  private func lookAgain(_ scene: UnlockScene, used: Bool) async throws {
    scene.bus.setWeather(Weather())
    scene.bus.replug()
    let earlier = [scene.journal.records]
    let owner = CountingOwner()
    var request = UnlockRequest()
    request.onlyShows = true
    let report = await Unlocker(
      bus: scene.bus, owner: owner,
      surroundings: UnlockSurroundings(
        newJournal: { () throws(Trouble) in MemoryUnlockJournal() }, earlier: { earlier },
        tool: "test")
    ).run(request, at: scene.bus.place)
    #expect(report.after?.triesLeft == (used ? 9 : 10))
    let wasOpen =
      scene.journaled.count == 1
      && !scene.journal.records.contains { record in
        if case .answered = record { return true }
        if case .counted = record { return true }
        return false
      }
    #expect(owner.notes.contains { $0.contains("never got an answer") } == wasOpen)
  }

  @Test("A lost answer is looked up in the counter, and the code is not sent twice")
  func lostAnswer() async throws {
    for right in [HuaweiUnlockAdvice.Version.v201, nil] {
      let scene = UnlockScene(right: right, yes: 1)
      let bus = scene.bus
      let dropping = DroppingOwner(bus)
      let report = await Unlocker(
        bus: bus, owner: dropping, surroundings: scene.surroundings
      ).run(UnlockRequest(), at: bus.place)
      #expect(report.attempts.count == 1)
      #expect(report.attempts.first?.answer == nil)
      #expect(report.verdict == (right == nil ? .stillLocked : .unlocked))
      #expect(scene.tries == (right == nil ? 9 : 10))
      #expect(report.attempts.first?.usedTry == (right == nil))
    }
  }

  @Test(
    "In foul weather one word is never more than one try, and what is told is true",
    arguments: 1...120)
  func storm(seed: UInt64) async throws {
    var weather = Weather()
    (weather.split, weather.join, weather.delay, weather.drop) = (0.3, 0.1, 0.2, 0.05)
    let scene = UnlockScene(
      right: seed.isMultiple(of: 3) ? .v201 : nil, yes: 1, weather: weather, seed: seed)
    let report = await scene.run()
    let used = 10 - scene.tries
    #expect(used <= 1, "seed \(seed)")
    #expect(used == 0 || scene.journaled.count == 1, "seed \(seed)")
    if let said = report.attempts.first?.usedTry { #expect(said == (used == 1), "seed \(seed)") }
    if report.verdict == .unlocked { #expect(scene.status == 2, "seed \(seed)") }
    if scene.status == 2 {
      #expect([.unlocked, .unknown].contains(report.verdict), "seed \(seed)")
    }
  }

  @Test("An unlock that lives in memory is called temporary once the stick is locked again")
  func temporary() async throws {
    let scene = UnlockScene(yes: 1, change: { $0.unlocksUntilPowerOff = true })
    #expect(await scene.run().verdict == .unlocked)
    scene.bus.replug()
    let earlier = [scene.journal.records]
    let owner = CountingOwner(yes: 0)
    let report = await Unlocker(
      bus: scene.bus, owner: owner,
      surroundings: UnlockSurroundings(
        newJournal: { () throws(Trouble) in MemoryUnlockJournal() }, earlier: { earlier },
        tool: "test")
    ).run(UnlockRequest(), at: scene.bus.place)
    #expect(report.before?.status == .codeNeeded)
    #expect(report.warnings.contains { $0.contains("temporary") })
  }

  @Test("The counter and a lasting unlock outlive the power")
  func power() async throws {
    let scene = UnlockScene(right: nil, yes: 1)
    _ = await scene.run()
    scene.bus.replug()
    #expect(await scene.run { $0.onlyShows = true }.after?.triesLeft == 9)
    let lasting = UnlockScene(yes: 1)
    _ = await lasting.run()
    lasting.bus.replug()
    #expect(await lasting.run { $0.onlyShows = true }.verdict == .open)
  }
}

/// An owner who says yes once; the answer to what follows is lost on the way.
private final class DroppingOwner: UnlockOwner {
  private let bus: VirtualBus<HuaweiBalongStick>
  private let counting = CountingOwner(yes: 1)

  init(_ bus: VirtualBus<HuaweiBalongStick>) {
    self.bus = bus
  }

  func confirm(_ step: UnlockStep) async -> UnlockConsent? {
    let consent = await counting.confirm(step)
    // Every answer is held back for longer than the host waits for this one.
    bus.withBody { $0.muteAnswers(1) }
    return consent
  }

  func hear(_ event: UnlockEvent) async {
    await counting.hear(event)
  }
}
