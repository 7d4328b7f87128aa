import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("An update of a Qualcomm-era Huawei stick") struct QualcommUpdateTests {
  @Test("goes into the loader, asks, comes back and says so", arguments: [true, false])
  func whole(singlePort: Bool) async throws {
    let stick = try Scenes.stick { $0.singlePort = singlePort }
    for image in [try Scenes.package(), try Scenes.updater()] {
      let outcome = await Scenes.trial(stick, image).run()
      #expect(outcome.broken.isEmpty, "\(outcome.broken)")
      #expect(outcome.first.verdict == .unchanged)
      #expect(outcome.first.trouble?.code == "huawei.knowledge-ends")
      #expect(outcome.first.trouble?.exitCode == .refused)
      #expect(outcome.first.trouble?.aftermath == .stillBoots)
      #expect(outcome.first.trouble?.facts.first == "loader: M62xx-OEMSBL")
      #expect(outcome.first.after?.text == "11.609.18.00.00")
      #expect(outcome.first.bytes == 0)
      #expect(outcome.stick.mode == .normal && !outcome.stick.isBegun)
      #expect(outcome.records == 4)
    }
  }

  @Test("is planned with every step, its evidence, and where knowledge ends") func plan()
    async throws
  {
    let bus = VirtualBus(try Scenes.stick())
    let updater = Scenes.updater(on: bus)
    let refused = await #expect(throws: Trouble.self) {
      _ = try await updater.plan(try Scenes.package(), at: bus.place, policy: Policy())
    }
    #expect(refused?.code == "plan.experimental")
    #expect(refused?.facts.contains { $0.hasPrefix("[C] 3A:") } == true)
    var policy = Policy()
    policy.experimental = true
    guard
      case .plan(let plan) = try await updater.plan(
        try Scenes.package(), at: bus.place, policy: policy
      ).0
    else {
      Issue.record("nothing is planned")
      return
    }
    #expect(plan.route == "huawei-qualcomm" && plan.evidence == "simulator")
    #expect(plan.steps?.map(\.mark) == ["C", "C", "C", "C", "C", "D"])
    #expect(plan.end?.contains("41") == true)
    #expect(plan.items.isEmpty && plan.totalBytes == 0)
    #expect(plan.stages == [.enterDownload, .restart, .verify])
    #expect(plan.stages.allSatisfy { !$0.isOneWay })
    #expect(bus.body.complaints.isEmpty && bus.body.mode == .normal)
  }

  @Test("rests on inference alone for models that no capture shows") func otherModels()
    async throws
  {
    for name in ["e173", "e1750", "e153", "e1752", "e160e", "e353q"] {
      let stick = try Scenes.stick(name)
      let bus = VirtualBus(stick)
      var policy = Policy()
      policy.experimental = true
      let image = try Scenes.updater(version: "\(stick.firmware.prefix(7))99.00.00")
      guard
        case .plan(let plan) = try await Scenes.updater(on: bus).plan(
          image, at: bus.place, policy: policy
        ).0
      else {
        Issue.record("\(name): nothing is planned")
        continue
      }
      #expect(plan.steps?.allSatisfy { $0.mark == "D" } == true, "\(name)")
      #expect(plan.warnings.contains { $0.contains("for which product") })
      let outcome = await Scenes.trial(stick, image).run()
      #expect(outcome.broken.isEmpty, "\(name): \(outcome.broken)")
      #expect(outcome.first.verdict == .unchanged, "\(name)")
      let isKnown = ["e173", "e153"].contains(name)
      #expect(
        outcome.first.trouble?.code
          == (isKnown ? "huawei.knowledge-ends" : "huawei.unknown-loader"), "\(name)")
    }
  }

  @Test(
    "cut at every send leaves a stick that boots, and resume says so", arguments: [true, false])
  func everySend(afterDelivery: Bool) async throws {
    let sends = await Scenes.trial(try Scenes.stick(), try Scenes.package())
      .cutAtEverySend(afterDelivery: [afterDelivery]) { cut, outcome in
        #expect(outcome.broken.isEmpty, "\(cut): \(outcome.broken)")
        #expect(outcome.stick.mode == .normal || outcome.stick.mode == .off, "\(cut)")
      }
    #expect(sends > 30)
  }

  @Test("of a host that dies after any journal record ends where it began") func everyRecord()
    async throws
  {
    let stick = try Scenes.stick()
    for image in [try Scenes.package(), try Scenes.updater()] {
      let records = await Scenes.trial(stick, image).crashAfterEveryRecord { record, outcome in
        #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
        if record < 4 { #expect(outcome.resumed?.verdict == .unchanged, "\(record)") }
      }
      #expect(records == 4)
    }
  }

  @Test("in any weather tells the truth", arguments: 0..<150) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    let names = Scenes.Stick.Personality.all.filter(\.options.entersLoader).map {
      String($0.name.dropFirst(7))
    }
    let stick = try Scenes.stick(names[Int(dice.next() % UInt64(names.count))])
    let image = try Scenes.updater(version: "\(stick.firmware.prefix(7))99.00.00")
    var trial = Scenes.trial(stick, image)
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 60)
    let outcome = await trial.run()
    #expect(
      outcome.broken.isEmpty, "seed \(seed) \(stick.model) \(trial.weather): \(outcome.broken)")
  }

  @Test("that an item is begun behind its back is noticed by the checks") func canary()
    async throws
  {
    var trial = Scenes.trial(try Scenes.stick(), try Scenes.package())
    trial.sabotage = true
    #expect(!(await trial.run().broken.isEmpty))
  }

  @Test("storms find nothing") func storm() async throws {
    let storm = try await Storm(bytes: 4096, of: [.huaweiQualcomm])
    for seed in 0..<150 as Range<UInt64> {
      let result = await storm.run(seed: seed)
      #expect(result.broken.isEmpty, "seed \(seed) \(result.scene): \(result.broken)")
      #expect(result.verdict != .updated)
    }
  }
}

@Suite("A Qualcomm-era stick that does not follow the capture") struct QualcommOddTests {
  private func run(
    _ image: CheckedImage? = nil, change: (inout HuaweiQualcommStick.Options) -> Void
  ) async throws -> Trial<HuaweiQualcommStick>.Outcome {
    let stick = try Scenes.stick(change: change)
    let outcome = await Scenes.trial(stick, try image ?? Scenes.package()).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    return outcome
  }

  @Test("is left as it is where it opens no diagnostic port") func noDiag() async throws {
    let outcome = try await run { ($0.knowsQCDMG, $0.knowsDISLOG) = (false, false) }
    #expect(outcome.first.trouble?.code == "huawei.no-diag")
    #expect(outcome.first.verdict == .unchanged)
  }

  @Test("gets its AT port back where it refuses to go", arguments: [true, false])
  func stays(refuses: Bool) async throws {
    let outcome = try await run {
      $0.singlePort = true
      if refuses { $0.entersLoader = false } else { $0.staysAfterEntry = true }
    }
    #expect(outcome.first.trouble?.code == "huawei.entry-refused")
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.first.after?.text == "11.609.18.00.00")
    #expect(outcome.stick.mode == .normal)
  }

  @Test("comes back from a loader that no capture shows") func strange() async throws {
    let outcome = try await run { $0.loader = "M62xx-QCSBL" }
    #expect(outcome.first.trouble?.code == "huawei.unknown-loader")
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.stick.mode == .normal)
  }

  @Test("is asked for its product before anything, and comes back where that is another")
  func otherProduct() async throws {
    let outcome = try await run { $0.loaderProduct = "E169" }
    #expect(outcome.first.trouble?.code == "plan.wrong-product")
    #expect(outcome.first.verdict == .unchanged)
  }

  @Test("whose loader knows no restart is said to start with the next plug") func noReset()
    async throws
  {
    let outcome = try await run { $0.loaderKnowsReset = false }
    #expect(outcome.first.trouble?.code == "huawei.knowledge-ends")
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.first.trouble?.advice.contains { $0.contains("unplug it") } == true)
    #expect(outcome.resumed?.verdict == .unchanged)
    #expect(outcome.stick.mode == .normal)
  }

  @Test("that waits in its loader is known for what it is, and led back") func waiting()
    async throws
  {
    let bus = VirtualBus(try Scenes.stick())
    let first = try await bus.port(at: bus.place, as: .at, within: .seconds(5))
    let link = try await bus.open(first)
    _ = try await QualcommEntry.openDiag(over: link)
    try await QualcommEntry.enter(over: link, ExperimentalConsent(how: "test"))
    let (open, subject) = try await Scenes.updater(on: bus).identify(
      bus.place, withSettings: false, within: .seconds(30))
    await open.close()
    #expect(subject.state == .waiting(.huaweiQualcomm(name: "M62xx-OEMSBL")))
    #expect(subject.state.word == "download")
    #expect(subject.report.world == .qualcomm && subject.report.productID == "E155")
    var policy = Policy()
    policy.experimental = true
    policy.noBackup = true
    let report = await Scenes.updater(on: bus).update(
      try Scenes.package(), at: bus.place, policy: policy)
    #expect(report.trouble?.code == "huawei.knowledge-ends")
    #expect(bus.body.mode == .normal)
    // A Balong package is for no stick that waits in this loader.
    let balong = try CheckedImage(
      SharedBytes(SamplePackage(for: HuaweiBalongStick.Personality.e3131).build()), named: "/b")
    let other = #expect(throws: Trouble.self) {
      _ = try HuaweiBalong().judge(balong.image, subject.report, subject.state, policy)
    }
    #expect(other?.code == "plan.wrong-chip")
  }

  @Test("is refused the files of others, and its file is refused to others") func others()
    async throws
  {
    var policy = Policy()
    policy.experimental = true
    func refusal(_ name: String, _ image: CheckedImage) async throws -> String? {
      let bus = VirtualBus(try Scenes.stick(name))
      let error = await #expect(throws: Trouble.self) {
        _ = try await Scenes.updater(on: bus).plan(image, at: bus.place, policy: policy)
      }
      #expect(error?.exitCode == .refused)
      return error?.code
    }
    #expect(
      try await refusal("e220", Scenes.updater(version: "11.200.00.00.00")) == "huawei.no-capture")
    #expect(try await refusal("e1550", Scenes.package("E169")) == "plan.wrong-product")
    #expect(
      try await refusal("e1550", Scenes.package(version: "11.609.10.00.00")) == "plan.downgrade")
    let balong = VirtualBus(HuaweiBalongStick(personality: .e3131))
    let updater = Updater(
      bus: balong, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
    let chip = await #expect(throws: Trouble.self) {
      _ = try await updater.plan(try Scenes.package(), at: balong.place, policy: policy)
    }
    #expect(chip?.code == "plan.wrong-chip")
    var report = DeviceReport()
    report.vendor = "sierra"
    let vendor = #expect(throws: Trouble.self) {
      _ = try HuaweiQualcomm().judge(try Scenes.package().image, report, .normal, policy)
    }
    #expect(vendor?.code == "plan.wrong-vendor")
  }

  @Test("that runs the file's version has nothing to do") func same() async throws {
    let outcome = try await run(Scenes.package(version: "11.609.18.00.00")) { _ in }
    #expect(outcome.first.verdict == .unchanged && outcome.first.trouble == nil)
    #expect(outcome.records == 0)
  }
}
