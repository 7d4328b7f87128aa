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

@Suite("A ZTE update through DLOAD and streaming") struct ZTEStreamingTests {
  @Test("ends updated, asked of the stick itself", arguments: [true, false], [true, false])
  func good(hex: Bool, newDevice: Bool) async throws {
    var stick = ZTESerialStick()
    stick.chip.loaderReenumerates = newDevice
    let outcome = await (try NANDScene.trial(stick) { $0.hexLoader = hex }).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(
      outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
    #expect(outcome.first.before?.text == NANDScene.old)
    #expect(outcome.first.after?.text == NANDScene.new)
    #expect(outcome.stick.isWhole && outcome.stick.keepsTreasures)
    #expect(outcome.first.backup != nil)
    #expect(outcome.stick.chip.flash.overwrites == 0)
    // The only refused question is the one that asks who is there.
    #expect(outcome.stick.complaints.allSatisfy { $0.contains("Invalid Command") })
  }

  @Test("tells another stick's diagnostic port by its number, and sends it nowhere")
  func otherStick() async throws {
    var stick = ZTESerialStick()
    var item = try #require(stick.chip.item(550))
    item[8] ^= 0x10
    stick.chip.setItem(550, item)
    let bus = VirtualBus(stick)
    var policy = Policy()
    policy.experimental = true
    let report = await updater(bus, MemoryJournal())
      .update(try NANDScene.image(), at: bus.place, policy: policy)
    #expect(report.trouble?.code == "stick.another")
    #expect(report.verdict == .unchanged)
    #expect(bus.body.firmware == NANDScene.old)
    let ports = try await bus.ports()
    #expect(ports.contains { $0.role == .diag }, "it left its firmware")
  }

  @Test("cut at every send is survived, and resume finishes the job", arguments: [false, true])
  func everySend(afterDelivery: Bool) async throws {
    var halves = 0
    let sends = await (try NANDScene.trial { $0.bytes = 24_000 })
      .cutAtEverySend(afterDelivery: [afterDelivery]) { cut, outcome in
        #expect(outcome.broken.isEmpty, "\(cut): \(outcome.broken)")
        if outcome.first.verdict == .needsRescue || outcome.first.verdict == .unknown {
          halves += 1
          #expect(
            outcome.resumed?.verdict == .updated || outcome.first.trouble == nil,
            "\(cut): \(String(describing: outcome.resumed?.trouble))")
        }
      }
    #expect(sends > 40)
    #expect(halves > 10)
  }

  @Test("of a host that dies after any journal record is finished by resume")
  func everyRecord() async throws {
    let records = await (try NANDScene.trial { $0.bytes = 24_000 })
      .crashAfterEveryRecord { record, outcome in
        #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
      }
    #expect(records > 12)
  }

  @Test("that another computer began is written anew, or what an equal version leaves open is said")
  func otherComputer() async throws {
    let image = try NANDScene.image { $0.bytes = 24_000 }
    let records = await (try NANDScene.trial { $0.bytes = 24_000 }).run().records
    var mixed = 0
    for record in 1..<records {
      let bus = VirtualBus(ZTESerialStick())
      await bus.pause(.seconds(60))
      var policy = Policy()
      policy.experimental = true
      _ = await updater(bus, MemoryJournal(crashAfter: record) { bus.killHost() })
        .update(image, at: bus.place, policy: policy)
      bus.revive()
      bus.replug()
      await bus.pause(.seconds(60))
      if bus.body.chip.phase != .application {
        policy.forced = [.productUnknown]
        policy.noBackup = true
      }
      let again = await updater(bus, MemoryJournal()).update(image, at: bus.place, policy: policy)
      let wrong = image.image.segments.filter { segment in
        !bus.body.chip.flash.content("0:" + segment.name).starts(with: segment.stored.bytes())
      }.map(\.name)
      if again.verdict == .updated {
        #expect(wrong.isEmpty, "record \(record): \(wrong)")
      } else {
        #expect(again.verdict == .unchanged && again.trouble == nil, "record \(record): \(again)")
        #expect(Set(wrong).isSubset(of: ["OSBL", "FSBL"]), "record \(record): \(wrong)")
        #expect(again.warnings.contains { $0.contains("--reinstall") })
        if !wrong.isEmpty { mixed += 1 }
      }
    }
    // The hole is there, and this is why it is spoken of.
    #expect(mixed > 0)
  }

  private func updater(_ bus: VirtualBus<ZTESerialStick>, _ journal: MemoryJournal) -> Updater {
    Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: .memory(), tool: "trial"))
  }

  @Test("in any weather tells the truth", arguments: 0..<100) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    var stick = ZTESerialStick()
    stick.chip.loaderReenumerates = dice.happens(0.3)
    var trial = try NANDScene.trial(stick) { $0.bytes = 24_000 }
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 80)
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "seed \(seed) \(trial.weather): \(outcome.broken)")
  }

  @Test("in pieces, doubled or in noise ends updated") func cable() async throws {
    for change in [
      { (weather: inout Weather) in weather.split = 1 }, { $0.duplicate = 1 }, { $0.noise = 0.1 },
      { $0.join = 0.5 },
    ] {
      var trial = try NANDScene.trial { $0.bytes = 24_000 }
      change(&trial.weather)
      let outcome = await trial.run()
      #expect(outcome.broken.isEmpty, "\(trial.weather): \(outcome.broken)")
      let last = outcome.resumed ?? outcome.first
      #expect(last.verdict == .updated, "\(trial.weather) \(String(describing: last.trouble))")
    }
  }

  @Test("that a byte of sabotage undoes is noticed by the checks") func canary() async throws {
    var trial = try NANDScene.trial()
    trial.sabotage = true
    #expect(!(await trial.run().broken.isEmpty))
  }

  @Test("rests on inference, names it, and is not done without the owner's word")
  func experimental() async throws {
    var trial = try NANDScene.trial()
    trial.policy.experimental = false
    let outcome = await trial.run()
    #expect(outcome.first.trouble?.code == "plan.experimental")
    #expect((outcome.first.trouble?.facts.count ?? 0) >= 5)
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.stick.chip.flash.changes == trial.stick.chip.flash.changes)
  }

  @Test("is refused in words where the file is not for the stick") func refusals() async throws {
    let cases: [(String, (inout ZTESample) -> Void)] = [
      ("plan.wrong-chip", { $0.chip = "MSM6246" }), ("plan.wrong-chip", { $0.chip = "MDM9215" }),
      ("zte.loader-unknown", { $0.chip = "" }), ("plan.wrong-vendor", { $0.maker = "TCT Mobile" }),
      ("zte.wrong-model", { $0.version = "BD_O2MF668V1.0.0B04" }),
      ("zte.model-unknown", { $0.version = "MF667_T04" }),
      ("zte.other-operator", { $0.version = "BD_BLNMF667V1.0.0B04" }),
      ("zte.downgrade", { $0.version = "BD_O2MF667V1.0.0B02" }),
    ]
    for (code, change) in cases {
      let trial = try NANDScene.trial(ZTESerialStick(), change)
      let outcome = await trial.run()
      #expect(outcome.first.trouble?.code == code)
      #expect(outcome.first.trouble?.exitCode == .refused)
      #expect(outcome.first.verdict == .unchanged, "\(code)")
      #expect(outcome.stick.chip.flash.changes == trial.stick.chip.flash.changes, "\(code)")
    }
  }

  @Test("of another operator's or an older package is done when the owner insists")
  func insisted() async throws {
    var other = try NANDScene.trial { $0.version = "BD_BLNMF667V1.0.0B04" }
    other.policy.forced = [.branding]
    #expect(await other.run().first.verdict == .updated)
    var older = try NANDScene.trial { $0.version = "BD_O2MF667V1.0.0B02" }
    older.policy.allowDowngrade = true
    #expect(await older.run().first.verdict == .updated)
  }

  @Test("of a stick whose DIAG names another chip is refused before download mode")
  func otherChip() async throws {
    let stick = ZTESerialStick(chipCode: 0x0120)
    let outcome = await (try NANDScene.trial(stick)).run()
    #expect(outcome.first.trouble?.code == "plan.wrong-chip")
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.stick.firmware == NANDScene.old)
  }

  @Test("with another partition table is refused by the loader, and the stick goes back")
  func otherTable() async throws {
    var files = NANDScene.files()
    let index = try #require(files.firstIndex { $0.name == "partition.mbn" })
    var bytes = files[index].bytes.bytes()
    // AMSS: one block more.
    bytes[16 + 28 * 4 + 16] &+= 128
    files[index].bytes = SharedBytes(bytes)
    let image = try CheckedImage(
      image: ImageRegistry.recognise(folder: files), path: "/files/other",
      parts: files.map(\.bytes))
    var trial = Trial(ZTESerialStick(), image)
    trial.policy.experimental = true
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.trouble?.code == "streaming.table-differs")
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.first.trouble?.aftermath == .stillBoots)
    #expect(outcome.stick.chip.flash.changes == trial.stick.chip.flash.changes)
    #expect(outcome.stick.chip.phase == .application)
  }

  @Test("is judged as it is planned, and of versions that are compared it is said so") func fit()
    async throws
  {
    let bus = VirtualBus(ZTESerialStick())
    await bus.pause(.seconds(60))
    let updater = updater(bus, MemoryJournal())
    for (version, answer) in [
      (NANDScene.new, Fit.Answer.unknown), ("BD_O2MF667V1.0.0B02", .doesNotFit),
    ] {
      let image = try NANDScene.image { $0.version = version }
      let report = try await updater.look(for: image, at: bus.place).report
      let fit = Fit.judge(ImageFacts(image.image), report)
      #expect(fit.answer == answer, "\(fit.reasons)")
      #expect(!fit.reasons.contains { $0.text.contains("cannot be compared") })
      #expect(fit.reasons.contains { $0.about == "version" && $0.answer == .fits } != fit.isOlder)
    }
  }

  @Test("of what the stick runs already does nothing") func same() async throws {
    let outcome = await (try NANDScene.trial { $0.version = NANDScene.old }).run()
    #expect(outcome.first.verdict == .unchanged && outcome.first.trouble == nil)
    #expect(outcome.first.warnings.contains { $0.contains("AMSS alone") })
  }

  @Test("of a stick that waits in download mode needs its journal, or the owner's word")
  func inDownload() async throws {
    var stick = ZTESerialStick()
    stick.chip.flash.load("0:AMSS", [])
    #expect(!stick.isWhole && stick.firmware == nil)
    let refused = await (try NANDScene.trial(stick)).run()
    #expect(refused.first.trouble?.code == "zte.in-download-mode")
    var forced = try NANDScene.trial(stick)
    forced.policy.forced = [.productUnknown]
    forced.policy.noBackup = true
    let outcome = await forced.run()
    #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
  }

  @Test("of a Balong or Sierra file offered to a ZTE is refused in words") func foreign()
    async throws
  {
    for format in [ImageFormat.balong, .sierraCWE] {
      let image = CheckedImage(
        image: FirmwareImage(format: format, origin: 0..<1, kinds: [.firmware], segments: []),
        path: "/files/other", sha256: "x")
      let outcome = await Trial(ZTESerialStick(), image).run()
      let trouble = try #require(outcome.first.trouble)
      #expect(trouble.code == "plan.wrong-vendor")
      #expect(trouble.summary.contains(format == .balong ? "Huawei" : "Sierra"))
      #expect(trouble.summary.contains("MF667"))
    }
  }

  @Test("Boot code and loader are told from a Huawei monitor, whoever is asked first")
  func whoIsThere() async throws {
    let bus = VirtualBus(ZTESerialStick())
    await bus.pause(.seconds(10))
    _ = try await ZTEDownload.enter(at: bus.place, on: bus)
    for likely in [nil, ZTEStreaming()] as [(any Family)?] {
      let link = try await Updater.open(bus.place, on: bus)
      let subject = try await Subject.ask(link, at: bus.place, likely: likely)
      #expect(subject.state == .waiting(.dload))
      #expect(subject.report.evidence?.contains("PBL_DloadVER2.0") == true)
      #expect(FrontDoor(subject.report, overPage: false).way == .download)
      await link.close()
    }
  }

  @Test("A power cut in the middle of an erasure leaves a stick that shows DLOAD by itself")
  func midErase() async throws {
    let bus = VirtualBus(ZTESerialStick())
    await bus.pause(.seconds(10))
    bus.withBody { $0.chip.flash.load("0:OSBL", [1, 2, 3]) }
    bus.replug()
    await bus.pause(.seconds(10))
    #expect(bus.body.chip.phase == .download)
    #expect(bus.body.face?.ports == [.download])
    #expect(bus.body.firmware == nil)
  }
}
