import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import Synchronization
import Testing

extension Reluctant: RescueOwner {
  func consent(toRescue plan: RescuePlan) async -> Consent? { nil }
}

/// A stick in need, a loader, a firmware.
private struct Scene {
  var stick: HuaweiBalongStick
  var loader: CheckedLoader
  var image: CheckedImage?
  var policy = RescuePolicy()
  var owner: any RescueOwner = TrialOwner(remembers: true)
  var journal = MemoryRescueJournal()

  init(
    _ personality: HuaweiBalongStick.Personality = .e3276, _ kind: SampleLoader.Kind = .stock,
    options: HuaweiBalongStick.Options = .init()
  ) throws {
    stick = HuaweiBalongStick(personality: personality, options: options)
    stick.flash.brick()
    loader = try CheckedLoader(
      SharedBytes(SampleLoader(for: personality, kind: kind).build()), named: "/nowhere/loader")
    image = try Scenes.package(personality, bytes: 4000)
  }

  func rescue(_ bus: VirtualBus<HuaweiBalongStick>) async -> RescueReport {
    let journal = self.journal
    return await Rescuer(
      bus: bus, owner: owner,
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"),
      newJournal: { () throws(Trouble) in journal }
    ).rescue(loader, image, at: bus.place, policy: policy)
  }
}

@Suite("A rescue") struct RescueTests {
  private static let sticks = ["huawei-e3276", "huawei-e3372h"]

  @Test(
    "of a bricked stick ends with the stick saying that it is updated, its identity kept",
    arguments: sticks, [SampleLoader.Kind.stock, .safe])
  func updated(name: String, kind: SampleLoader.Kind) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let scene = try Scene(personality, kind)
    let bus = VirtualBus(scene.stick)
    let report = await scene.rescue(bus)
    #expect(report.update.verdict == .updated, "\(String(describing: report.update.trouble))")
    #expect(report.exitCode == .ok)
    #expect(report.loaderAnswers)
    #expect(bus.body.flash.nv.imei == scene.stick.flash.nv.imei)
    #expect(bus.body.flash.firmware == Scenes.newer(personality))
    #expect(!bus.body.complaints.contains { $0.what.contains("erases") })
    #expect(scene.journal.records.contains(.sending(part: 1)))
  }

  @Test("loses the identity to a stock loader that is sent as it is: the guard has a reason")
  func unguarded() async throws {
    let scene = try Scene(.e3276, .stock)
    let bus = VirtualBus(scene.stick)
    let link = try await bus.open(
      try await bus.port(at: bus.place, as: .bootROM, within: .seconds(1)))
    let rom = BalongBootROM(link)
    for part in scene.loader.loader.parts {
      try await rom.load(
        BootROMPart(
          name: part.name, mode: UInt8(part.mode), address: part.address, bytes: part.bytes),
        isLast: part.mode == 2
      ) { _ in }
    }
    await bus.pause(.seconds(40))
    #expect(bus.body.flash.nv.imei.isEmpty)
  }

  @Test("refuses what is not proven harmless, before anything is sent") func unproven()
    async throws
  {
    for scene in [try Scene(.e3276, .unknown), try Scene(.e3131, .stock)] {
      let bus = VirtualBus(scene.stick)
      let report = await scene.rescue(bus)
      #expect(report.update.trouble?.code == "rescue.unproven-loader")
      #expect(report.exitCode == .refused)
      #expect(bus.sends == 0)
      #expect(scene.journal.records.isEmpty)
    }
  }

  @Test("sends an unproven loader only if it is listed and the owner accepts the risk")
  func listed() async throws {
    var scene = try Scene(.e3131, .unknown)
    scene.policy.allowListedLoader = true
    #expect(await scene.rescue(VirtualBus(scene.stick)).exitCode == .refused, "not listed")
    scene.policy.listed = [scene.loader.sha256: "sample"]
    scene.policy.allowListedLoader = false
    let asked = await scene.rescue(VirtualBus(scene.stick))
    #expect(asked.exitCode == .refused)
    #expect(asked.update.trouble?.advice.first?.contains("unproven-loader") == true)
    scene.policy.allowListedLoader = true
    let bus = VirtualBus(scene.stick)
    #expect(await scene.rescue(bus).update.verdict == .updated)
    #expect(bus.body.flash.nv.imei == scene.stick.flash.nv.imei)
  }

  @Test("refuses a loader and a firmware of different chips") func wrongChip() async throws {
    var scene = try Scene(.e3276, .safe)
    scene.image = try Scenes.package(.e3372h)
    let bus = VirtualBus(scene.stick)
    let report = await scene.rescue(bus)
    #expect(report.update.trouble?.code == "rescue.wrong-chip")
    #expect(bus.sends == 0)
  }

  @Test("refuses a dashboard alone before the loader is sent") func dashboard() async throws {
    var scene = try Scene(.e3276, .safe)
    var sample = SamplePackage(for: .e3276)
    sample.kind = .dashboard
    scene.image = try CheckedImage(SharedBytes(sample.build()), named: "/nowhere/dash.bin")
    let bus = VirtualBus(scene.stick)
    #expect(await scene.rescue(bus).update.trouble?.code == "plan.not-firmware-kind")
    #expect(bus.sends == 0)
  }

  @Test("without firmware leaves the stick in download mode, its flash as it was")
  func loaderOnly() async throws {
    var scene = try Scene()
    scene.image = nil
    let bus = VirtualBus(scene.stick)
    let report = await scene.rescue(bus)
    #expect(report.exitCode == .ok)
    #expect(report.state == .download(monitor: "7200B--SKCBADZM"))
    #expect(report.update.verdict == .unchanged)
    #expect(bus.body.flash == scene.stick.flash)
    // And the ordinary update goes on from there.
    let image = try Scenes.package(.e3276)
    let update = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(update.trouble?.code == "stick.wrong-mode", "its new table restarts it too early")
    #expect(update.verdict == .needsRescue)
  }

  @Test("of a stick that runs, or of none, says so") func notNeeded() async throws {
    var scene = try Scene()
    scene.stick = HuaweiBalongStick(personality: .e3276)
    let healthy = await scene.rescue(VirtualBus(scene.stick))
    #expect(healthy.update.trouble?.code == "rescue.not-needed")
    #expect(healthy.exitCode == .nothingToDo)

    let diag = VirtualBus(scene.stick)
    diag.withBody { $0.flash.nv.setPort = ";3" }
    diag.replug()
    let silent = await scene.rescue(diag)
    #expect(["rescue.no-boot-rom", "port.not-found"].contains(silent.update.trouble?.code))
  }

  @Test("skips the loader for a stick that waits in download mode") func waiting() async throws {
    var scene = try Scene()
    scene.stick = HuaweiBalongStick(personality: .e3276)
    scene.stick.flash.allPartsComplete = false
    let report = await scene.rescue(VirtualBus(scene.stick))
    #expect(report.update.verdict == .updated)
    #expect(!report.loaderAnswers)
    #expect(scene.journal.records.isEmpty)
  }

  @Test("that the owner does not agree to sends no packet") func reluctant() async throws {
    var scene = try Scene()
    scene.owner = Reluctant()
    let bus = VirtualBus(scene.stick)
    let report = await scene.rescue(bus)
    #expect(report.update.trouble?.code == "consent.missing")
    #expect(report.exitCode == .cancelled)
    #expect(bus.sends == 1, "the handshake")
  }

  @Test("with a full disk sends no packet") func fullDisk() async throws {
    var scene = try Scene()
    for limit in 0...1 {
      scene.journal = MemoryRescueJournal(limit: limit)
      let bus = VirtualBus(scene.stick)
      #expect(await scene.rescue(bus).update.trouble?.code == "journal.disk-full")
      #expect(bus.sends == 1, "the handshake")
    }
  }

  @Test("with a loader that never answers ends, and says what can be done") func silent()
    async throws
  {
    var options = HuaweiBalongStick.Options()
    options.loaderDelay = .seconds(500)...(.seconds(500))
    let scene = try Scene(.e3276, .safe, options: options)
    let bus = VirtualBus(scene.stick)
    let report = await scene.rescue(bus)
    #expect(report.update.trouble?.code == "rescue.loader-silent")
    #expect(report.update.verdict == .needsRescue)
    #expect(report.exitCode == .needsRescue)
    #expect(bus.now < .seconds(120))
  }

  @Test("of a stick that checks signatures ends with honest words") func secure() async throws {
    var options = HuaweiBalongStick.Options()
    options.secureBoot = true
    let report = await (try Scene(.e3276, .safe, options: options)).rescue(
      VirtualBus(try Scene(.e3276, .safe, options: options).stick))
    #expect(report.update.trouble?.code == "bootrom.loader-refused")
    #expect(report.exitCode == .needsRescue)
  }
}

@Suite("An interrupted rescue") struct RescueInterruptionTests {
  @Test(
    "is finished by the same command once more, wherever the power was cut",
    arguments: ["huawei-e3276", "huawei-e3372h"], [false, true])
  func everySend(name: String, afterDelivery: Bool) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let scene = try Scene(personality, .stock)
    let calm = VirtualBus(scene.stick)
    #expect(await scene.rescue(calm).update.verdict == .updated)
    for send in 1...calm.sends {
      var weather = Weather()
      weather.unplugAtSend = send
      weather.unplugAfterDelivery = afterDelivery
      let bus = VirtualBus(scene.stick, weather: weather)
      let first = await scene.rescue(bus)
      #expect(first.update.verdict != .updated || send >= calm.sends - 12, "cut at \(send)")
      if first.update.verdict != .updated {
        #expect(first.update.trouble?.advice.isEmpty == false, "cut at \(send)")
      }
      bus.setWeather(Weather())
      bus.replug()
      let second = await scene.rescue(bus)
      let isDone =
        second.update.verdict == .updated || second.update.trouble?.code == "rescue.not-needed"
      #expect(isDone, "cut at \(send): \(String(describing: second.update.trouble))")
      let flash = bus.body.flash
      #expect(flash.allPartsComplete && flash.firmware == Scenes.newer(personality), "\(send)")
      #expect(flash.nv.imei == scene.stick.flash.nv.imei, "cut at \(send)")
    }
  }
}

/// Does with the stick what it is told, as a person would: the first time badly.
private final class Hands: Owner {
  private let bus: VirtualBus<HuaweiBalongStick>
  private let tries = Mutex(0)
  private let clumsy: Int
  let heard = Mutex<[String]>([])
  let stop = Mutex(false)

  init(_ bus: VirtualBus<HuaweiBalongStick>, clumsy: Int) {
    self.bus = bus
    self.clumsy = clumsy
  }

  var wantsToStop: Bool { stop.withLock { $0 } }
  func consent(to plan: CheckedPlan) async -> Consent? { nil }

  func hear(_ event: UpdateEvent) async {
    guard case .note(let text) = event else { return }
    heard.withLock { $0.append(text) }
    guard text.hasPrefix("Unplug it and try once more") else { return }
    let count = tries.withLock { tries in
      tries += 1
      return tries
    }
    if count >= clumsy { bus.withBody { $0.bootPinIsGrounded = true } }
    bus.replug()
  }
}

@Suite("Watching for the boot ROM") struct RescueWatchTests {
  @Test("leads a person there, through missed contacts", arguments: [1, 2, 4])
  func leads(clumsy: Int) async throws {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3276))
    let hands = Hands(bus, clumsy: clumsy)
    let outcome = try await RescueWatch(bus: bus, owner: hands).run(at: nil)
    #expect(outcome == .bootROM(bus.place))
    let heard = hands.heard.withLock { $0 }
    #expect(heard.contains { $0.contains("Let go") })
    #expect(heard.contains { $0.contains("reset button") } == (clumsy > 1))
  }

  @Test("sees a stick that waits in download mode, and one that shows its boot ROM at once")
  func atOnce() async throws {
    for (isBricked, wanted) in [
      (true, RescueWatch.Outcome.bootROM(.usb("1-1"))), (false, .download(.usb("1-1"))),
    ] {
      var stick = HuaweiBalongStick(personality: .e3276)
      if isBricked { stick.flash.brick() } else { stick.flash.allPartsComplete = false }
      let bus = VirtualBus(stick)
      #expect(try await RescueWatch(bus: bus, owner: TrialOwner()).run(at: nil) == wanted)
    }
  }

  @Test("ends with honest words when nothing shows up, and when it is told to stop")
  func ends() async throws {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3276))
    do throws(Trouble) {
      _ = try await RescueWatch(bus: bus, owner: TrialOwner(), limit: .seconds(90)).run(at: nil)
      Issue.record("it found something")
    } catch {
      #expect(error.code == "rescue.watch-ended")
      #expect(error.advice.contains { $0.contains("no program helps") })
    }
    let hands = Hands(bus, clumsy: 99)
    hands.stop.withLock { $0 = true }
    await #expect(throws: Trouble.self) {
      try await RescueWatch(bus: bus, owner: hands).run(at: nil)
    }
  }
}
