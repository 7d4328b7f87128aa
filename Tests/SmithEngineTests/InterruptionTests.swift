import SmithBench
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@Suite("An interruption") struct InterruptionTests {
  static let scenes = HuaweiBalongStick.Personality.all.flatMap { personality in
    Kind.allCases.filter { $0 != .signed || personality.monitor == .v7r11 }
      .map { (personality.name, $0) }
  }

  @Test("of the power at every send is survived, and resume finishes the job", arguments: scenes)
  func everySend(name: String, kind: Kind) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let image = try Scenes.package(personality, kind, bytes: 5000)
    let stick = Scenes.stick(personality, kind)
    let sends = await Trial(stick, image).cutAtEverySend { cut, outcome in
      #expect(outcome.broken.isEmpty, "\(name) \(kind) \(cut): \(outcome.broken)")
    }
    #expect(sends > 40)
  }

  @Test(
    "of the host after every journal record is survived, and resume finishes the job",
    arguments: scenes)
  func everyRecord(name: String, kind: Kind) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let image = try Scenes.package(personality, kind, bytes: 5000)
    let stick = Scenes.stick(personality, kind)
    let records = await Trial(stick, image).crashAfterEveryRecord { record, outcome in
      #expect(outcome.broken.isEmpty, "\(name) \(kind) crash after \(record): \(outcome.broken)")
    }
    #expect(records > 8)
  }

  @Test("never makes a finished item be written again while the stick waits for the rest")
  func finishedItems() async throws {
    let image = try Scenes.package(.e3372h, bytes: 5000)
    let stick = Scenes.stick(.e3372h)
    var resumedLater = 0
    _ = await Trial(stick, image).cutAtEverySend(afterDelivery: [false]) { _, outcome in
      guard outcome.first.verdict == .needsRescue, let resumed = outcome.resumed else { return }
      if resumed.bytes < image.image.size { resumedLater += 1 }
    }
    #expect(resumedLater > 5)
  }

  @Test("after the last item leaves only the restart to resume", arguments: [0, 1])
  func onlyRestart(after: Int) async throws {
    let image = try Scenes.package(.e3131, bytes: 5000)
    let stick = Scenes.stick(.e3131)
    let count = image.image.segments.count
    var trial = Trial(stick, image)
    // planned, entering, inDownload, and two for each item; then the record of leaving.
    trial.crashAfterRecord = 3 + 2 * count + after
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.resumed?.verdict == .updated)
    #expect(outcome.resumed?.bytes == 0)
  }

  @Test("with a full disk sends nothing more and names the journal") func fullDisk() async throws {
    let image = try Scenes.package(.e3131)
    let bus = VirtualBus(Scenes.stick(.e3131))
    let report = await Scenes.updater(bus, MemoryJournal(crashAfter: 1))
      .update(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "journal.disk-full")
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
  }

  @Test("is not resumed with another file") func otherFile() async throws {
    let image = try Scenes.package(.e3131)
    let other = try Scenes.package(.e3131, version: "21.157.98.00.00")
    let bus = VirtualBus(Scenes.stick(.e3131))
    let journal = MemoryJournal()
    _ = await Scenes.updater(bus, journal).update(image, at: bus.place, policy: Policy())
    guard case .planned(let header)? = journal.records.first else {
      Issue.record("no header")
      return
    }
    let report = await Scenes.updater(bus)
      .resume(other, header, journal.records, journal: journal, policy: Policy())
    #expect(report.trouble?.code == "resume.file-changed")
  }

  @Test("is not resumed on another stick") func otherStick() async throws {
    let image = try Scenes.package(.e3131)
    let bus = VirtualBus(Scenes.stick(.e3131))
    let journal = MemoryJournal(crashAfter: 2) { bus.killHost() }
    _ = await Scenes.updater(bus, journal).update(image, at: bus.place, policy: Policy())
    guard case .planned(let header)? = journal.records.first else {
      Issue.record("no header")
      return
    }
    let other = HuaweiBalongStick(personality: .e3131, imei: "004999010640018")
    let bus2 = VirtualBus(other)
    let report = await Scenes.updater(bus2)
      .resume(image, header, journal.records, journal: MemoryJournal(), policy: Policy())
    #expect(report.trouble?.code == "resume.other-stick")
    #expect(bus2.body.flash == other.flash)
  }
}

@Suite("A storm") struct StormTests {
  @Test("breaks no invariant in two hundred seeds") func storm() async throws {
    let storm = try await Storm(bytes: 6000)
    var done = 0
    for seed in UInt64(1)...200 {
      let result = await storm.run(seed: seed)
      #expect(result.broken.isEmpty, "seed \(seed), \(result.scene): \(result.broken)")
      if result.isDone { done += 1 }
    }
    #expect(done > 150)
  }

  @Test(
    "finds the canary: a stick that keeps something else than it was sent",
    arguments: Storm.Vendor.written)
  func canary(vendor: Storm.Vendor) async throws {
    var storm = try await Storm(bytes: 6000, of: [vendor])
    storm.sabotage = true
    var found = 0
    for seed in UInt64(1)...20 where await !storm.run(seed: seed).broken.isEmpty { found += 1 }
    // The weather ends many of the twenty before anything was kept.
    #expect(found > 3)
  }

  @Test(
    "does not call a stick lost whose image was taken whole and never said to be complete",
    arguments: [1244, 1987, 5680, 6956, 8090, 11418, 17660, 18863] as [UInt64])
  func takenWhole(seed: UInt64) async throws {
    let result = try await Storm(of: [.zte]).run(seed: seed)
    #expect(result.broken.isEmpty, "\(result.scene): \(result.broken)")
    #expect(result.verdict == .unknown && result.isDone)
  }

  @Test("is the same for the same seed") func repeatable() async throws {
    let storm = try await Storm(bytes: 6000)
    for seed in UInt64(1)...10 {
      #expect(await storm.run(seed: seed) == storm.run(seed: seed))
    }
  }
}
