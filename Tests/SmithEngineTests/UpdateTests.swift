import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@Suite("An update") struct UpdateTests {
  @Test("ends with the stick saying so, on every body and for every kind of package",
    arguments: HuaweiBalongStick.Personality.all.map(\.name), Kind.allCases)
  func updated(name: String, kind: Kind) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let stick = Scenes.stick(personality, personality.monitor == .v7r11 ? kind : .plain)
    let outcome = await Trial(stick, try Scenes.package(personality, kind)).run()
    if kind == .signed, personality.monitor != .v7r11 {
      // The older monitors have no SIGNVER: the refusal comes before anything is written.
      #expect(outcome.first.trouble?.code == "balong.signature-refused")
      #expect(outcome.stick.flash.items == stick.flash.items)
      return
    }
    #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
    #expect(outcome.first.exitCode == .ok, "\(outcome.first.warnings)")
    #expect(outcome.first.before?.text == personality.firmware)
    #expect(outcome.first.after?.text == Scenes.newer(personality))
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
  }

  @Test("tells its phases in order, and that unplugging is not safe only while it writes")
  func events() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let owner = TrialOwner(remembers: true)
    _ = await Scenes.updater(bus, owner: owner)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    var phases: [Phase] = []
    var percent = 0.0
    for event in owner.events {
      switch event {
      case .phase(let phase, _) where phases.last != phase: phases.append(phase)
      case .progress(let progress):
        #expect(progress.phase == .write)
        #expect(!progress.safeToUnplug)
        #expect(progress.percent >= percent)
        percent = progress.percent
      default: break
      }
    }
    #expect(phases.prefix(6) == [.identify, .plan, .preflight, .backup, .enter, .write])
    #expect(phases.suffix(2) == [.verify, .restore])
    #expect(percent == 100)
  }

  @Test("of a stick that waits in download mode needs no AT stage") func waiting() async throws {
    var stick = Scenes.stick(.e3372h)
    stick.flash.allPartsComplete = false
    let bus = VirtualBus(stick)
    var policy = Policy()
    policy.noBackup = true
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3372h), at: bus.place, policy: policy)
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(bus.body.flash.firmware == Scenes.newer(.e3372h))
  }

  @Test("to what is already there does nothing and says so, unless told to") func noOp()
    async throws
  {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let image = try Scenes.package(.e3131, version: HuaweiBalongStick.Personality.e3131.firmware)
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .unchanged)
    #expect(report.exitCode == .nothingToDo)
    #expect(bus.body.flash.items == Scenes.stick(.e3131).flash.items)
    var again = Policy()
    again.reinstall = true
    let second = await Scenes.updater(bus).update(image, at: bus.place, policy: again)
    #expect(second.verdict == .updated)
  }

  @Test("to an older version is refused until it is asked for") func downgrade() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let image = try Scenes.package(.e3131, version: "21.100.01.00.00")
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "plan.downgrade")
    #expect(report.exitCode == .refused)
    var older = Policy()
    older.allowDowngrade = true
    #expect(
      await Scenes.updater(bus).update(image, at: bus.place, policy: older).verdict == .updated)
  }

  @Test("with the file of a sibling model is refused before anything is sent") func sibling()
    async throws
  {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let image = try Scenes.package(.e3372h, version: "21.999.01.00.00")
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "plan.wrong-product")
    #expect(report.verdict == .unchanged)
    #expect(report.exitCode == .refused)
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
    #expect(bus.body.boots == 1)
  }

  @Test("of a model that no table knows compares the product id before the first write")
  func unknownModel() async throws {
    var personality = HuaweiBalongStick.Personality.e3131
    personality.model = "E9999"
    personality.product = "E9999h-1"
    personality.hardware = "CH9E9999SM Ver.A"
    personality.downloadID = "E9999"
    let before = HuaweiBalongStick(personality: personality)
    let bus = VirtualBus(before)
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "plan.wrong-product")
    #expect(report.exitCode == .refused)
    #expect(bus.body.flash.items == before.flash.items)
    #expect(bus.body.flash.firmware == before.flash.firmware)
    // It was sent back out of download mode, too.
    #expect(report.trouble?.aftermath == .stillBoots)
    #expect(!bus.body.flash.backupFlag)
  }

  @Test("to another firmware family is refused until the family rule is waived") func family()
    async throws
  {
    let bus = VirtualBus(Scenes.stick(.e3372h))
    let image = try Scenes.package(.e3372h, version: "22.999.01.00.00")
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "plan.wrong-family")
  }

  @Test("does not begin when the owner says no, and ends with 130") func reluctant() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let report = await Scenes.updater(bus, owner: Reluctant())
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "consent.missing")
    #expect(report.exitCode == .cancelled)
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
  }

  @Test("stops at a request that comes before the first door") func cancelled() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let owner = TrialOwner()
    owner.stop()
    let report = await Scenes.updater(bus, owner: owner)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "update.cancelled")
    #expect(report.exitCode == .cancelled)
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
  }

  @Test("does not begin on a low battery") func battery() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let low = PowerState(onMains: false, batteryPercent: 11)
    let report = await Scenes.updater(bus, power: low)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "preflight.low-battery")
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
  }

  @Test("of a stick that lost its identity is refused") func damaged() async throws {
    let stick = HuaweiBalongStick(personality: .e3131, imei: "")
    let bus = VirtualBus(stick)
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "preflight.identity-damaged")
  }

  @Test("does not skip a backup that can be made") func noBackup() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    var policy = Policy()
    policy.noBackup = true
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3131), at: bus.place, policy: policy)
    #expect(report.trouble?.code == "backup.refused")
    #expect(bus.body.flash == Scenes.stick(.e3131).flash)
  }

  @Test("of a stick that does not answer names the silence") func silent() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    var deaf = Weather()
    deaf.drop = 1
    bus.setWeather(deaf)
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "stick.silent")
    #expect(report.exitCode == .noStick)
  }

  @Test("of a stick that refuses download mode leaves it as it was") func noDownloadMode()
    async throws
  {
    var options = HuaweiBalongStick.Options()
    options.needsFactoryMode = true
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3276, options: options))
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3276), at: bus.place, policy: Policy())
    // This one only wants AT^SFM=1 first.
    #expect(report.verdict == .updated)
  }

  @Test("keeps APN profiles even if the stick forgets them") func profiles() async throws {
    var stick = Scenes.stick(.e3372h)
    stick.flash.nv.profiles[2] = .init(type: "IP", apn: "village.example")
    let outcome = await Trial(stick, try Scenes.package(.e3372h)).run()
    #expect(outcome.first.verdict == .updated)
    #expect(outcome.stick.flash.nv.profiles[2]?.apn == "village.example")
  }
}
