import SmithBench
import SmithEngine
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("Unlock") struct UnlockTests {
  @Test("One word of the owner is one attempt, and the right code opens the stick")
  func rightCode() async throws {
    let scene = UnlockScene(yes: 1)
    let report = await scene.run()
    #expect(report.verdict == .unlocked)
    #expect(report.exitCode == .ok)
    #expect(report.before == .init(status: .codeNeeded, triesLeft: 10))
    #expect(report.after?.status == .noCodeNeeded)
    #expect(report.attempts.map(\.version) == [.v201])
    #expect(report.attempts.first?.usedTry == false)
    #expect(scene.status == 2)
    #expect(scene.owner.steps.count == 1)
    #expect(scene.owner.steps.first?.confidence == .possible)
    #expect(scene.journal.records.last == .ended(.unlocked))
    guard case .lock = scene.owner.events.first else {
      Issue.record("the lock is told before anything else")
      return
    }
  }

  @Test("With ten tries, each of three codes has its own word and its own counter")
  func threeCodes() async throws {
    let scene = UnlockScene(right: nil)
    let report = await scene.run()
    #expect(report.verdict == .stillLocked)
    #expect(report.exitCode == .stillWorks)
    #expect(report.attempts.map(\.version) == [.v201, .v2, .v1])
    #expect(report.attempts.map(\.triesAfter) == [9, 8, 7])
    #expect(report.attempts.allSatisfy { $0.usedTry == true })
    #expect(scene.owner.steps.count == 3, "asked once for each")
    #expect(scene.journaled.map(\.triesBefore) == [10, 9, 8])
    #expect(scene.tries == 7)
  }

  @Test("An owner who says yes once has one attempt made, however many codes there are")
  func onlyOne() async throws {
    let scene = UnlockScene(right: nil, yes: 1)
    let report = await scene.run()
    #expect(report.verdict == .stillLocked)
    #expect(report.trouble == nil)
    #expect(scene.tries == 9)
    #expect(scene.journaled.count == 1)
  }

  @Test("With four tries one attempt is made, and three left end it")
  func four() async throws {
    let scene = UnlockScene(tries: 4, right: nil)
    let report = await scene.run()
    #expect(report.attempts.count == 1)
    #expect(report.trouble?.code == "unlock.few-tries")
    // One code was sent, and that is said.
    #expect(report.trouble?.exitCode == .stillWorks)
    #expect(report.trouble?.summary.contains("no further code") == true)
    #expect(report.verdict == .stillLocked)
    #expect(scene.tries == 3)
  }

  @Test("With three tries or one nothing is sent and nobody is asked", arguments: [3, 2, 1])
  func few(tries: Int) async throws {
    let scene = UnlockScene(tries: tries)
    let report = await scene.run()
    #expect(report.trouble?.code == "unlock.few-tries")
    #expect(report.trouble?.aftermath == .untouched)
    #expect(report.after?.triesLeft == tries)
    #expect(scene.owner.steps.isEmpty)
    #expect(scene.journal.records.isEmpty)
    #expect(scene.tries == tries)
  }

  @Test("Told otherwise, the last try is used, and the stick says that it is blocked")
  func lastTry() async throws {
    let scene = UnlockScene(tries: 1, right: nil)
    let report = await scene.run { $0.stopAt = 0 }
    #expect(report.attempts.map(\.triesAfter) == [0])
    #expect(report.verdict == .blocked)
    #expect(report.trouble?.code == "unlock.blocked")
    #expect(report.trouble?.aftermath == .stillBoots && report.exitCode == .stillWorks)
    let other = UnlockScene(tries: 1)
    #expect(await other.run { $0.stopAt = 0 }.verdict == .unlocked)
  }

  @Test("With no tries nothing is sent, and the report says what is left to do")
  func none() async throws {
    let scene = UnlockScene(tries: 0)
    let report = await scene.run { $0.stopAt = 0 }
    #expect(report.verdict == .blocked)
    #expect(report.trouble?.code == "unlock.blocked")
    #expect(report.trouble?.facts.isEmpty == false)
    #expect(report.trouble?.aftermath == .untouched && report.exitCode == .refused)
    #expect(scene.journal.records.isEmpty)
    #expect(scene.owner.steps.isEmpty)
  }

  @Test("A code that the owner brings is sent alone, and named when it equals a calculated one")
  func ownersCode() async throws {
    let code = try #require(UnlockCode("12345678"))
    let scene = UnlockScene(code: "12345678")
    let report = await scene.run { $0.code = code }
    #expect(report.verdict == .unlocked)
    #expect(scene.owner.steps.map(\.version) == [.owners])
    #expect(scene.owner.steps.first?.confidence == nil)
    let wrong = UnlockScene(code: "87654321")
    #expect(await wrong.run { $0.code = code }.attempts.count == 1)
    #expect(wrong.tries == 9)
    let known = UnlockScene(right: .v2)
    let v2 = try #require(UnlockScene.code(.v2).flatMap { UnlockCode($0) })
    #expect(await known.run { $0.code = v2 }.verdict == .unlocked)
    #expect(known.owner.steps.first?.reason.contains("v2") == true)
  }

  @Test("No consent means that nothing leaves", arguments: [false, true])
  func refused(reset: Bool) async throws {
    let scene = UnlockScene(right: .v2, yes: 0)
    let report = await scene.run {
      $0.version = .v2
      $0.resetsCounter = reset
    }
    #expect(report.trouble?.code == "unlock.not-confirmed")
    #expect(scene.journal.records.isEmpty)
    #expect(scene.tries == 10 && scene.status == 1)
  }

  @Test("A SIM that needs no code, and showing only, end without asking")
  func nothingToDo() async throws {
    let open = UnlockScene(change: { $0.sim = .home })
    let report = await open.run()
    #expect(report.verdict == .open)
    #expect(report.exitCode == .nothingToDo)
    let shown = UnlockScene()
    let look = await shown.run { $0.onlyShows = true }
    #expect(look.verdict == .stillLocked && look.exitCode == .ok)
    #expect(open.owner.steps.isEmpty && shown.owner.steps.isEmpty)
    let without = UnlockScene(change: { $0.sim = .none })
    _ = await without.run { $0.onlyShows = true }
    #expect(without.owner.notes.contains { $0.contains("no SIM") })
  }

  @Test("The journal knows of an attempt before the stick does, and without it nothing leaves")
  func journalFirst() async throws {
    for room in 0...1 {
      let scene = UnlockScene(right: nil, room: room)
      let report = await scene.run()
      #expect(report.trouble?.code == "journal.disk-full")
      #expect(scene.tries == 10, "room \(room)")
    }
    let scene = UnlockScene(right: nil, room: 2)
    let report = await scene.run()
    #expect(scene.tries == 9)
    #expect(report.attempts.count == 1)
    #expect(report.trouble?.code == "journal.disk-full")
    let text = String(describing: scene.journal.records)
    for version in [HuaweiUnlockAdvice.Version.v1, .v2, .v201] {
      #expect(!text.contains(try #require(UnlockScene.code(version))))
    }
    #expect(!text.contains(UnlockScene.imei))
  }

  @Test("A code that this stick refused before is not sent again unless it is asked for")
  func triedBefore() async throws {
    let first = UnlockScene(right: nil, yes: 1)
    _ = await first.run { $0.version = .v1 }
    let earlier = [first.journal.records]
    let second = UnlockScene(tries: 9, right: nil, earlier: earlier)
    #expect(await second.run { $0.version = .v1 }.trouble?.code == "unlock.tried-before")
    #expect(second.tries == 9)
    let all = UnlockScene(tries: 9, right: nil, earlier: earlier)
    #expect(await all.run().attempts.map(\.version) == [.v201, .v2])
    let again = UnlockScene(tries: 9, right: nil, earlier: earlier)
    let report = await again.run {
      $0.version = .v1
      $0.again = true
    }
    #expect(report.attempts.count == 1 && again.tries == 8)
    let another = UnlockScene(tries: 9, right: nil, earlier: earlier, imei: "353443046373614")
    #expect(await another.run { $0.version = .v1 }.attempts.count == 1)
  }

  @Test("The counter's reset is offered with its evidence, and leaves the stick locked")
  func reset() async throws {
    let scene = UnlockScene(tries: 0, right: .v2)
    let report = await scene.run {
      $0.version = .v2
      $0.resetsCounter = true
    }
    #expect(scene.owner.steps.map(\.kind) == [.counterReset, .code])
    #expect(scene.owner.steps.first?.reason.contains("[B]") == true)
    #expect(report.attempts.map(\.triesAfter) == [10, 10])
    #expect(report.verdict == .unlocked)
    let wrong = UnlockScene(tries: 2, right: .v1, change: { $0.wrongHashCostsTry = true })
    let refused = await wrong.run {
      $0.version = .v2
      $0.resetsCounter = true
    }
    #expect(refused.attempts.map(\.usedTry) == [true])
    #expect(refused.trouble?.code == "unlock.few-tries")
    #expect(wrong.tries == 1)
  }

  @Test("No reset is tried where nothing speaks for it", arguments: [true, false])
  func unprovenReset(brought: Bool) async throws {
    let scene = UnlockScene(tries: 2)
    let report = await scene.run {
      $0.resetsCounter = true
      if brought { $0.code = UnlockCode("12345678") } else { $0.version = .v201 }
    }
    #expect(report.trouble?.code == "unlock.reset-unproven")
    #expect(scene.owner.steps.isEmpty && scene.tries == 2)
  }
}
