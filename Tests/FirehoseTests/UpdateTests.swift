import Crypto
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// Sticks, packages and trials of whole updates.
enum Scenes {
  static func stick(_ change: (inout QualcommLTEBody.Habits) -> Void = { _ in }) -> QualcommLTEBody
  {
    var stick = QualcommLTEBody(version: "LTE_V1.0")
    change(&stick.habits)
    return stick
  }

  static func image(_ change: (inout QualcommSample) -> Void = { _ in }) throws -> CheckedImage {
    var sample = QualcommSample(version: "LTE_V2.0")
    change(&sample)
    return try sample.image()
  }

  static func trial(_ stick: QualcommLTEBody, _ image: CheckedImage) -> Trial<QualcommLTEBody> {
    var trial = Trial(stick, image)
    trial.policy.experimental = true
    return trial
  }
}

@Suite("A Firehose update") struct FirehoseUpdateTests {
  @Test("ends updated, read back from the stick itself, and the sample key is the real one")
  func good() async throws {
    let outcome = await Scenes.trial(Scenes.stick { $0.fused = true }, try Scenes.image()).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(
      outcome.first.verdict == .updated, "\(outcome.first.trouble.map { "\($0)" } ?? "")")
    #expect(outcome.first.after == FirmwareVersion("LTE_V2.0"))
    #expect(outcome.stick.complaints.isEmpty, "\(outcome.stick.complaints)")
    #expect(
      Array(SHA256.hash(data: QualcommSimImage.root)) == QualcommSimImage.rootHash)
  }

  @Test("works with every habit of boot ROM and programmer") func habits() async throws {
    for stick in [
      Scenes.stick { $0.wide = true }, Scenes.stick { $0.shy = true },
      Scenes.stick { $0.neverDone = true }, Scenes.stick { $0.deafToCommands = true },
      Scenes.stick { $0.mostPayload = 2048 }, Scenes.stick { $0.refusesPayload = false },
    ] {
      let outcome = await Scenes.trial(stick, try Scenes.image { $0.hasTable = false }).run()
      #expect(outcome.broken.isEmpty, "\(stick.habits): \(outcome.broken)")
      #expect(outcome.first.verdict == .updated, "\(stick.habits)")
    }
  }

  @Test("cut at every send is survived, and resume finishes the job") func everySend()
    async throws
  {
    let stick = Scenes.stick { $0.fused = true }
    let image = try Scenes.image()
    var broken = 0
    let sends = await Scenes.trial(stick, image).cutAtEverySend { cut, outcome in
      #expect(outcome.broken.isEmpty, "\(cut): \(outcome.broken)")
      if let resumed = outcome.resumed {
        broken += 1
        #expect(resumed.verdict == .updated, "\(cut)")
      }
    }
    #expect(sends > 40)
    // The cuts must hurt, or nothing was tried.
    #expect(broken > 40)
  }

  @Test("of a host that dies after any journal record is finished by resume")
  func everyRecord() async throws {
    let stick = Scenes.stick()
    let image = try Scenes.image()
    let records = await Scenes.trial(stick, image).crashAfterEveryRecord { record, outcome in
      #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
      #expect((outcome.resumed ?? outcome.first).verdict == .updated, "crash after \(record)")
    }
    #expect(records > 6)
  }

  @Test("in any weather tells the truth", arguments: 0..<150) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    var trial = Scenes.trial(Scenes.stick { $0.fused = seed % 2 == 0 }, try Scenes.image())
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 120)
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "seed \(seed) \(trial.weather): \(outcome.broken)")
  }

  @Test("of pieces that arrive in pieces ends updated") func split() async throws {
    var trial = Scenes.trial(Scenes.stick(), try Scenes.image())
    trial.weather.split = 1
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .updated)
  }

  @Test("that a byte of sabotage undoes is noticed by the checks") func canary() async throws {
    var trial = Scenes.trial(Scenes.stick(), try Scenes.image())
    trial.sabotage = true
    #expect(!(await trial.run().broken.isEmpty))
  }

  @Test("of what is on the stick already writes nothing and says updated") func same()
    async throws
  {
    let image = try Scenes.image()
    let first = await Scenes.trial(Scenes.stick(), image).run()
    var stick = first.stick
    stick.unplug(at: .seconds(1000))
    let writes = stick.storage.writes
    let again = await Scenes.trial(stick, image).run()
    #expect(again.first.verdict == .updated)
    #expect(again.stick.storage.writes == writes)
  }

  @Test("needs the owner's word for what is inferred") func inference() async throws {
    let outcome = await Trial(Scenes.stick(), try Scenes.image()).run()
    #expect(outcome.first.trouble?.code == "plan.experimental")
    #expect(outcome.first.trouble?.facts.count ?? 0 >= 4)
    #expect(outcome.first.verdict == .unchanged && outcome.stick.phase == .application)
  }

  @Test("of a stick without a whole boot chain begins in the boot ROM, with the owner's word")
  func brokenBoot() async throws {
    var stick = Scenes.stick()
    stick.storage.damage("sbl")
    let image = try Scenes.image()
    let refused = await Scenes.trial(stick, image).run()
    #expect(refused.first.trouble?.code == "qualcomm.in-download")
    #expect(refused.stick.storage.writes == 0)
    var forced = Scenes.trial(stick, image)
    forced.policy.forced = [.productUnknown]
    let outcome = await forced.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .updated)
  }

  @Test("goes on in a programmer that is running already") func inFirehose() async throws {
    var stick = Scenes.stick()
    stick.storage.damage("sbl")
    let bus = VirtualBus(stick)
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(10))
    let link = try await bus.open(port)
    let programmer = SharedBytes(QualcommSample(version: "").programmer)
    try await SaharaSession(link).upload { _ in programmer }
    await link.close()
    await bus.pause(.seconds(1))
    #expect(bus.body.phase == .firehose)
    let journal = MemoryJournal()
    var policy = Policy()
    policy.experimental = true
    policy.forced = [.productUnknown]
    let report = await Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: .memory(), tool: "test")
    ).update(try Scenes.image(), at: bus.place, policy: policy)
    #expect(report.verdict == .updated, "\(report.trouble.map { "\($0)" } ?? "")")
    #expect(bus.body.bootsVersion == "LTE_V2.0")
  }
}
