import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("Unlock of a stick that shows only its page") struct HiLinkUnlockTests {
  private typealias Stick = HiLinkBalongStick

  /// A locked HiLink stick at its page, its owner and its journal.
  private struct Scene {
    let bus: VirtualBus<Stick>
    let link: VirtualWebLink<Stick>
    let owner: CountingOwner
    let journal = MemoryUnlockJournal(room: nil)

    init(
      tries: Int = 10, right: String? = UnlockScene.code(.v201), yes: Int = .max,
      personality: HuaweiHiLinkStick.Personality = .e3372h
    ) async {
      var options = HuaweiBalongStick.Options()
      options.locked = true
      options.tries = tries
      options.unlockCode = right
      bus = VirtualBus(Stick(personality, imei: UnlockScene.imei, options: options))
      link = VirtualWebLink(bus, seed: 1)
      owner = CountingOwner(yes: yes)
      await bus.pause(.seconds(20))
    }

    func run(_ change: (inout UnlockRequest) -> Void = { _ in }) async -> UnlockReport {
      var request = UnlockRequest()
      change(&request)
      let journal = journal
      return await Unlocker(
        bus: bus, owner: owner,
        surroundings: UnlockSurroundings(
          newJournal: { () throws(Trouble) in journal }, tool: "test"),
        page: StickPageDoor(link, address: "http://192.168.8.1")
      ).run(request, at: bus.place)
    }

    var tries: Int { bus.body.core.flash.nv.lockTries }
    var attempts: Int {
      journal.records.count { record in
        if case .attempting = record { return true }
        return false
      }
    }
  }

  @Test("shows lock, tries and codes over the page, which stays", arguments: [10, 4, 3, 1, 0])
  func shown(tries: Int) async throws {
    let scene = await Scene(tries: tries)
    let report = await scene.run { $0.onlyShows = true }
    #expect(report.trouble == nil)
    #expect(report.after?.triesLeft == tries)
    #expect(report.verdict == (tries == 0 ? .blocked : .stillLocked))
    #expect(scene.bus.sends == 0)
    #expect(scene.bus.body.isListening)
  }

  @Test("goes to a serial port for the code, and back to the page") func unlocked() async throws {
    let scene = await Scene(yes: 1)
    let report = await scene.run { $0.version = .v201 }
    #expect(report.verdict == .unlocked, "\(String(describing: report.trouble))")
    #expect(scene.attempts == 1)
    #expect(scene.bus.body.isListening)
    #expect(scene.bus.body.core.flash.nv.lockStatus == 2)
    let again = await scene.run()
    #expect(again.verdict == .open && again.exitCode == .nothingToDo)
  }

  @Test("stays at its page with few tries, without the owner's word, and where no way leads on")
  func refused() async throws {
    for (tries, code) in [(3, "unlock.few-tries"), (1, "unlock.few-tries"), (0, "unlock.blocked")] {
      let scene = await Scene(tries: tries)
      let report = await scene.run()
      #expect(report.trouble?.code == code)
      #expect(scene.bus.sends == 0 && scene.bus.body.isListening && scene.tries == tries)
    }
    let reluctant = await Scene(yes: 0)
    #expect(await reluctant.run().trouble?.code == "unlock.not-confirmed")
    #expect(reluctant.bus.sends == 0 && reluctant.bus.body.isListening)
    var personality = HuaweiHiLinkStick.Personality.e3372h
    personality.switches.modes = []
    personality.switches.cgi = false
    let stuck = await Scene(personality: personality)
    #expect(await stuck.run().trouble?.code == "hilink.no-switch")
    #expect(stuck.attempts == 0 && stuck.bus.body.isListening)
  }

  @Test("With four tries one attempt is made, and three left end it") func four() async throws {
    let scene = await Scene(tries: 4, right: nil)
    let report = await scene.run()
    #expect(report.trouble?.code == "unlock.few-tries")
    #expect(report.attempts.count == 1 && scene.tries == 3)
    #expect(scene.bus.body.isListening)
  }

  @Test("Cut at every request and every send, the report never says more than the counter")
  func cut() async throws {
    let calm = await Scene(right: nil, yes: 1)
    let before = calm.link.requests
    _ = await calm.run()
    for send in 1...calm.bus.sends {
      var weather = Weather()
      weather.unplugAtSend = send
      let scene = await Scene(right: nil, yes: 1)
      scene.bus.setWeather(weather)
      judge(await scene.run(), scene, "send \(send)")
    }
    for request in 1...(calm.link.requests - before) {
      var weather = WebWeather()
      weather.cutAtRequest = request
      weather.cutAfterActing = true
      weather.cutIsPower = true
      let scene = await Scene(right: nil, yes: 1)
      scene.link.setWeather(weather)
      judge(await scene.run(), scene, "request \(request)")
    }
  }

  private func judge(_ report: UnlockReport, _ scene: Scene, _ cut: String) {
    let used = scene.tries == 9
    #expect(!used || scene.attempts == 1, "\(cut): sent and not journaled")
    if let said = report.attempts.first?.usedTry { #expect(said == used, "\(cut)") }
    if report.attempts.isEmpty { #expect(!used, "\(cut)") }
    #expect(report.verdict != .unlocked, "\(cut)")
  }
}
