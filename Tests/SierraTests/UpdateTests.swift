import SmithAT
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// Sticks, files and trials of whole updates.
enum Scenes {
  static let models = ["mc7700", "mc7304", "mc7455", "usb308"]

  static func stick(_ name: String, quirks: SierraQuirks = SierraQuirks()) throws -> SierraStick {
    let personality = try #require(SierraPersonality.all.first { $0.name == name }).personality
    return SierraStick(personality, quirks: quirks)
  }

  /// Firmware newer than the stick's and, where the stick keeps a preference, its settings.
  static func files(
    _ stick: SierraStick, version: String? = nil, carrier: String? = nil, settings: Bool = true,
    bytes: Int = 8192
  ) throws -> CheckedImage {
    let own = stick.personality
    let family = own.family.split(separator: "_").first.map(String.init) ?? own.family
    var sample = SierraSample(
      product: try #require(own.products.first), family: family,
      version: version ?? "\(own.firmware.prefix(5)).99.00")
    sample.bytes = bytes
    var trees = [try SierraImage.read(SharedBytes(try #require(sample.firmware())))]
    if settings, own.preference != .none {
      let name = carrier ?? own.carrier
      let bytes = try #require(sample.carrier(name, "\(own.configuration)"))
      trees.append(try SierraImage.read(SharedBytes(bytes)))
    }
    return CheckedImage(
      image: FirmwareImage(trees), path: "/files/firmware.cwe", sha256: "\(own.model) \(bytes)")
  }
}

@Suite("A Sierra update") struct SierraUpdateTests {
  @Test("ends updated, asked of the stick itself", arguments: Scenes.models)
  func good(name: String) async throws {
    let stick = try Scenes.stick(name)
    let outcome = await Trial(stick, try Scenes.files(stick)).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .updated)
    #expect(outcome.first.warnings.isEmpty, "\(outcome.first.warnings)")
    // New firmware forgets its connection profiles: they were saved first and written back.
    #expect(outcome.stick.profiles == stick.profiles)
    #expect(
      outcome.first.device.carrier == outcome.stick.flash.carrier.name || name == "mc7700"
        || name == "usb308")
  }

  @Test("cut at every send is survived, and resume finishes the job", arguments: Scenes.models)
  func everySend(name: String) async throws {
    let stick = try Scenes.stick(name)
    let image = try Scenes.files(stick)
    let sends = await Trial(stick, image).cutAtEverySend { cut, outcome in
      #expect(outcome.broken.isEmpty, "\(name) \(cut): \(outcome.broken)")
    }
    #expect(sends > 20)
  }

  @Test("of a host that dies after any journal record is finished by resume")
  func everyRecord() async throws {
    let stick = try Scenes.stick("mc7304")
    let image = try Scenes.files(stick)
    let records = await Trial(stick, image).crashAfterEveryRecord { record, outcome in
      #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
    }
    #expect(records > 6)
  }

  @Test("in any weather tells the truth", arguments: 0..<200) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    let name = Scenes.models[Int(dice.next() % UInt64(Scenes.models.count))]
    let stick = try Scenes.stick(name)
    let image = try Scenes.files(stick)
    var trial = Trial(stick, image)
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 60)
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "seed \(seed) \(name) \(trial.weather): \(outcome.broken)")
  }

  @Test("of a stick that keeps its old version is not called updated") func keepsOld() async throws
  {
    var quirks = SierraQuirks()
    quirks.keepsOldVersion = true
    let stick = try Scenes.stick("mc7700", quirks: quirks)
    let outcome = await Trial(stick, try Scenes.files(stick)).run()
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.first.trouble?.code == "update.unverified")
  }

  @Test("that a byte of sabotage undoes is noticed by the checks") func canary() async throws {
    let stick = try Scenes.stick("mc7700")
    var trial = Trial(stick, try Scenes.files(stick))
    trial.sabotage = true
    #expect(!(await trial.run().broken.isEmpty))
  }

  @Test("without its settings ends with the stick's own complaint") func noSettings() async throws {
    let stick = try Scenes.stick("mc7304")
    let outcome = await Trial(stick, try Scenes.files(stick, settings: false)).run()
    #expect(outcome.first.verdict == .updated)
    #expect(outcome.first.warnings.contains { $0.contains("mismatch") })
    #expect(outcome.first.exitCode == .warnings)
  }

  @Test("of settings alone installs them, and is not believed without them") func settingsAlone()
    async throws
  {
    var stick = try Scenes.stick("mc7304")
    var sample = SierraSample(
      product: "9X15", family: "SWI9X15C", version: stick.personality.firmware)
    let bytes = try #require(sample.carrier("GENERIC", "005.028_000"))
    let image = CheckedImage(
      image: FirmwareImage([try SierraImage.read(SharedBytes(bytes))]), path: "/c.nvu", sha256: "c")
    let good = await Trial(stick, image).run()
    #expect(good.broken.isEmpty, "\(good.broken)")
    #expect(good.first.verdict == .updated, "\(String(describing: good.first.trouble))")
    #expect(good.stick.flash.carrier.configuration == "005.028_000")
    #expect(good.stick.flash.application == stick.flash.application)
    stick.quirks.keepsOldVersion = true
    let bad = await Trial(stick, image).run()
    #expect(bad.first.verdict == .failedStillWorks)
    #expect(bad.first.trouble?.code == "update.unverified")
    // Of another firmware they would keep the radio off.
    sample.version = "05.05.99.00"
    let other = try #require(sample.carrier("GENERIC", "005.028_000"))
    let refused = await Trial(
      try Scenes.stick("mc7304"),
      CheckedImage(
        image: FirmwareImage([try SierraImage.read(SharedBytes(other))]), path: "/c", sha256: "d")
    ).run()
    #expect(refused.first.trouble?.code == "sierra.versions-differ")
  }

  @Test("of the settings of another carrier is refused until the owner insists")
  func otherCarrier() async throws {
    let stick = try Scenes.stick("mc7304")
    let image = try Scenes.files(stick, carrier: "TELSTRA")
    let refused = await Trial(stick, image).run()
    #expect(refused.first.trouble?.code == "sierra.other-carrier")
    #expect(refused.first.verdict == .unchanged)
    #expect(refused.stick.flash == stick.flash)
    var forced = Trial(stick, image)
    forced.policy.forced = [.carrier]
    #expect(await forced.run().first.verdict == .updated)
  }

  @Test("Settings are saved, and written back but for the ports") func settings() async throws {
    var stick = try Scenes.stick("mc7304")
    stick.profiles = [1: "internet", 3: "my.apn"]
    let bus = VirtualBus(stick)
    await bus.pause(.seconds(60))
    let session = ATSession(link: try await Updater.open(bus.place, on: bus))
    let family = SierraBoot()
    var saved = try #require(try await family.settings(over: session))
    #expect(saved.profiles?.map(\.apn) == ["internet", "my.apn"])
    #expect(saved.composition == 6 && saved.pinState == "READY" && saved.carrier == "GENERIC")
    bus.withBody { $0.profiles = [1: ""] }
    saved.composition = 9
    let result = try await family.restore(saved, over: session)
    #expect(result.restored == ["APN profile 1", "APN profile 3"])
    #expect(result.leftOut.count == 1 && result.leftOut[0].hasPrefix("ports:"))
    #expect(bus.body.profiles[3] == "my.apn")
  }

  @Test("of a stick that another company sells says whose it is") func seller() async throws {
    let stick = try Scenes.stick("dw5811e")
    let bus = VirtualBus(stick)
    await bus.pause(.seconds(60))
    let updater = Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "trial"))
    let (outcome, subject) = try await updater.plan(
      Scenes.files(stick), at: bus.place, policy: Policy())
    #expect(subject.report.usbID == USBID(0x413c, 0x81b6))
    guard case .plan(let plan) = outcome else {
      Issue.record("no plan")
      return
    }
    #expect(plan.warnings.contains("this stick is sold by Dell"))
  }

  @Test("of an older file is refused until the owner insists") func downgrade() async throws {
    let stick = try Scenes.stick("mc7700")
    let image = try Scenes.files(stick, version: "03.05.09.00")
    let refused = await Trial(stick, image).run()
    #expect(refused.first.trouble?.code == "sierra.downgrade")
    #expect(refused.stick.flash == stick.flash)
    var forced = Trial(stick, image)
    forced.policy.allowDowngrade = true
    #expect(await forced.run().first.verdict == .updated)
  }

  @Test("of what the stick runs already does nothing") func same() async throws {
    let stick = try Scenes.stick("mc7700")
    let outcome = await Trial(stick, try Scenes.files(stick, version: "03.05.10.02")).run()
    #expect(outcome.first.verdict == .unchanged)
    #expect(outcome.first.trouble == nil)
    #expect(outcome.stick.flash.writes == 0)
  }

  @Test("of a stick that waits in its loader needs its journal, or the owner's word")
  func inBootMode() async throws {
    var stick = try Scenes.stick("mc7700")
    stick.flash.application = nil
    let image = try Scenes.files(stick)
    let refused = await Trial(stick, image).run()
    #expect(refused.first.trouble?.code == "sierra.in-boot-mode")
    var forced = Trial(stick, image)
    forced.policy.forced = [.productUnknown]
    forced.policy.noBackup = true
    let outcome = await forced.run()
    #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
  }

  @Test("of files that do not go together is refused") func notTogether() throws {
    let stick = try Scenes.stick("mc7700")
    let sierra = try Scenes.files(stick)
    let other = CheckedImage(
      image: FirmwareImage(format: .balong, origin: 0..<1, segments: []), path: "/b", sha256: "b")
    do throws(Trouble) {
      _ = try CheckedImage(joining: [sierra, other])
      Issue.record("they were joined")
    } catch { #expect(error.code == "file.not-together") }
    #expect(try CheckedImage(joining: [sierra]).sha256 == sierra.sha256)
  }

}
