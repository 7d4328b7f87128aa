import SmithAT
import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Huawei sticks of the Qualcomm era") struct QualcommEraTests {
  typealias Stick = HuaweiQualcommStick

  private func bus(
    _ model: String = "E1550", _ firmware: String = "11.609.18.00.00",
    weather: Weather = Weather(), change: (inout Stick.Options) -> Void = { _ in }
  ) -> VirtualBus<Stick> {
    var options = Stick.Options()
    change(&options)
    return VirtualBus(Stick(model: model, firmware: firmware, options: options), weather: weather)
  }

  private func unlock(
    _ bus: VirtualBus<Stick>, _ owner: CountingOwner,
    _ change: (inout UnlockRequest) -> Void = { _ in }
  ) async -> UnlockReport {
    var request = UnlockRequest()
    change(&request)
    return await Unlocker(
      bus: bus, owner: owner,
      surroundings: UnlockSurroundings(
        newJournal: { () throws(Trouble) in MemoryUnlockJournal() }, tool: "test")
    ).run(request, at: bus.place)
  }

  private var v1: String {
    IMEI(UnlockScene.imei).flatMap { HuaweiCodes.codes(for: $0) }?.v1 ?? ""
  }

  @Test("They are known by their answers, and by their board") func identify() async throws {
    let bus = bus()
    let (link, subject) = try await Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test")
    ).identify(bus.place, withSettings: true)
    await link.close()
    #expect(subject.report.world == .qualcomm)
    #expect(subject.report.chipset == "Qualcomm MSM6246")
    #expect(subject.report.voice == "on (0,8000,16,20)")
    #expect(subject.report.portRoles.map(\.role) == [.modem, .diag, .at])
    #expect(subject.settings?.profiles?.first?.apn == "internet")
    #expect(ModelSheet.fitting(subject.report)?.sheet.name == "E1550")
    let diag = try #require(await DiagAccess.open(bus.place, on: bus))
    let copy = try await DiagReader(diag).read(items: 0...500)
    #expect(copy.restorable.keys.sorted() == ["10", "441"])
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("An E1550 is unlocked with the first code, which is likely the right one")
  func unlock() async throws {
    let bus = bus {
      $0.locked = true
      $0.unlockCode = v1
    }
    let owner = CountingOwner(yes: 1)
    let report = await unlock(bus, owner)
    #expect(report.verdict == .unlocked)
    #expect(report.warnings.isEmpty)
    #expect(owner.steps.first?.confidence == .likely)
    #expect(bus.body.lockState.status == 2 && bus.body.lockState.tries == 10)
    bus.replug()
    #expect(await unlock(bus, CountingOwner()) { $0.onlyShows = true }.verdict == .open)
  }

  @Test("An operator's build is called temporary before and after, and forgets")
  func customised() async throws {
    let bus = bus("E1550", "11.608.13.00.150") {
      $0.locked = true
      $0.unlockCode = v1
      $0.unlocksUntilPowerOff = true
    }
    let owner = CountingOwner(yes: 1)
    let report = await unlock(bus, owner)
    #expect(report.verdict == .unlocked)
    #expect(report.exitCode == .warnings)
    #expect(report.warnings.contains { $0.contains("temporary on this customised build") })
    let notes = owner.events.compactMap { event -> [String]? in
      if case .advice(let advice) = event { return advice.notes }
      return nil
    }.joined()
    #expect(notes.contains { $0.contains("temporary") })
    bus.replug()
    #expect(await unlock(bus, CountingOwner()) { $0.onlyShows = true }.verdict == .stillLocked)
  }

  @Test("A used-up counter comes back with the hash of the right code") func reset() async throws {
    let bus = bus {
      $0.locked = true
      $0.tries = 0
      $0.unlockCode = v1
    }
    let owner = CountingOwner()
    let report = await unlock(bus, owner) { $0.resetsCounter = true }
    #expect(owner.steps.map(\.kind) == [.counterReset, .code])
    #expect(report.attempts.map(\.triesAfter) == [10, 10])
    #expect(report.verdict == .unlocked)
  }

  @Test("An E1732 that has no tries from the start gets nothing, and an E220 no calculated code")
  func withoutCode() async throws {
    let preset = bus("E1732", "11.126.16.04.617") {
      $0.locked = true
      $0.tries = 0
    }
    #expect(await unlock(preset, CountingOwner()).trouble?.code == "unlock.no-code")
    let owners = await unlock(preset, CountingOwner()) { $0.code = UnlockCode("12345678") }
    #expect(owners.trouble?.code == "unlock.blocked")
    let old = bus("E220", "11.117.09.00.00") {
      $0.locked = true
      $0.unlockCode = "12345678"
    }
    #expect(await unlock(old, CountingOwner()).trouble?.code == "unlock.no-code")
    #expect(
      await unlock(old, CountingOwner()) { $0.code = UnlockCode("12345678") }.verdict == .unlocked)
  }

  @Test("Flashing is refused in words when it is planned") func plan() async throws {
    let bus = bus()
    let image = try CheckedImage(
      SharedBytes(SamplePackage(for: HuaweiBalongStick.Personality.e3131).build()),
      named: "/nowhere/sample")
    let updater = Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
    let error = await #expect(throws: Trouble.self) {
      _ = try await updater.plan(image, at: bus.place, policy: Policy())
    }
    #expect(error?.code.hasPrefix("plan.wrong-") == true)
    #expect(error?.exitCode == .refused)
    #expect(bus.body.complaints.isEmpty)
  }
}

@Suite("The way into a Qualcomm loader") struct QualcommEntryTests {
  private func bus(
    weather: Weather = Weather(), change: (inout HuaweiQualcommStick.Options) -> Void = { _ in }
  ) -> VirtualBus<HuaweiQualcommStick> {
    var options = HuaweiQualcommStick.Options()
    options.singlePort = true
    change(&options)
    return VirtualBus(HuaweiQualcommStick(options: options), weather: weather)
  }

  /// The whole way, in the order of the capture.
  private func go(_ bus: VirtualBus<HuaweiQualcommStick>) async throws
    -> (QualcommSaid, QualcommLoaderSaid)
  {
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(5))
    let link = try await bus.open(port)
    let said = try await QualcommEntry.openDiag(over: link)
    try await QualcommEntry.enter(over: link, ExperimentalConsent(how: "test"))
    let next = try await bus.port(at: bus.place, as: .download, within: .seconds(25))
    return (said, try await QualcommEntry.loader(over: try await bus.open(next)))
  }

  @Test(
    "Leads from AT through DIAG to the loader, and back at the next plugging in",
    arguments: [true, false]) func whole(qcdmg: Bool) async throws
  {
    let bus = bus { $0.knowsQCDMG = qcdmg }
    let (said, loader) = try await go(bus)
    #expect(said.firmware?.text == "11.609.18.00.00")
    #expect(said.hardware == "E1550FCD6ATCPU Ver.A")
    #expect(loader == QualcommLoaderSaid(loader: "M62xx-OEMSBL", product: "E155"))
    #expect(!bus.body.isBegun)
    #expect(bus.body.complaints == ["DIAG 12 refused with 19"])
    bus.replug()
    bus.withBody { _ = $0.advance(to: .seconds(60)) }
    #expect(bus.body.mode == .normal)
  }

  @Test("Sends exactly the frames of the capture") func frames() async throws {
    func padded(_ text: String, _ width: Int) -> String {
      [UInt8](text.utf8).hex + String(repeating: "00", count: width - text.utf8.count)
    }
    let link = CaptureLink([
      ([UInt8]("AT$QCDMG\r".utf8).hex, ""), ("7e0c143a7e", "130cd27a7e"),
      (
        "4bc903ffe8997e",
        "4bc903ff" + padded("11.609.18.00.00", 31) + padded("E1550FCD6ATCPU Ver.A", 32)
          + "89937e"
      ), ("fa130000aa3d7e", "fa130000aa3d7e"), ("7efb24b97e", "7efb00e7977e"),
      ("7e3aa16e7e", "7e3aa16e7e"),
    ])
    let said = try await QualcommEntry.openDiag(over: link)
    #expect(said.hardware == "E1550FCD6ATCPU Ver.A")
    try await QualcommEntry.enter(over: link, ExperimentalConsent(how: "test"))
    let loader = CaptureLink([
      ("7e0c143a7e", "0d0c4d363278782d4f454d53424c1ac07e"), ("7e3aa16e7e", "7e3aa16e7e"),
      ("7e45d1e57e", "45" + padded("HUAWEI E155", 20) + "c61c7e"),
    ])
    #expect(
      try await QualcommEntry.loader(over: loader)
        == QualcommLoaderSaid(loader: "M62xx-OEMSBL", product: "E155"))
    #expect(link.isDone && loader.isDone)
  }

  @Test("Cut at every send, the stick boots as before") func cuts() async throws {
    let calm = bus()
    _ = try await go(calm)
    for cut in 1...calm.sends {
      for delivered in [false, true] {
        var weather = Weather()
        weather.unplugAtSend = cut
        weather.unplugAfterDelivery = delivered
        let bus = bus(weather: weather)
        await #expect(throws: (any Error).self, "cut \(cut)") { _ = try await go(bus) }
        bus.setWeather(Weather())
        bus.replug()
        let report = try await again(bus)
        #expect(report.firmware?.text == "11.609.18.00.00", "cut \(cut)")
      }
    }
  }

  private func again(_ bus: VirtualBus<HuaweiQualcommStick>) async throws -> DeviceReport {
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(10))
    let link = try await bus.open(port)
    return try await StickIdentity.identify(over: ATSession(link: link))
  }

  @Test("Ends with a name where it does not lead on") func ends() async throws {
    let silent = CaptureLink([])
    let noDiag = await #expect(throws: QualcommEntryError.self) {
      _ = try await QualcommEntry.openDiag(over: silent)
    }
    #expect(noDiag?.trouble.code == "huawei.no-diag")
    let strange = bus { $0.loader = "SBL9" }
    let unknown = await #expect(throws: QualcommEntryError.self) { _ = try await go(strange) }
    #expect(unknown == .otherLoader("SBL9"))
    #expect(unknown?.trouble.code == "huawei.unknown-loader")
    let inside = bus()
    _ = try await go(inside)
    let port = try await inside.port(at: inside.place, as: .download, within: .seconds(1))
    let link = try await inside.open(port)
    let already = await #expect(throws: QualcommEntryError.self) {
      _ = try await QualcommEntry.openDiag(over: link)
    }
    #expect(already?.trouble.code == "huawei.entry-refused")
    #expect(QualcommEntryError.link(.gone).trouble.code == "port.gone")
  }
}

/// A link that expects what a capture shows and answers as it does; an empty answer is `OK`.
private final class CaptureLink: ByteLink, @unchecked Sendable {
  private var script: [(String, String)]
  private var pending: [UInt8] = []
  var now = Duration.zero

  init(_ script: [(String, String)]) {
    self.script = script
  }

  var isDone: Bool { script.isEmpty }

  private static func bytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] * 16 + digits[$0 + 1])
    }
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    guard let first = script.first, first.0 == bytes.hex else { return }
    script.removeFirst()
    pending += first.1.isEmpty ? [UInt8]("\r\nOK\r\n".utf8) : Self.bytes(first.1)
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard !pending.isEmpty else {
      now += limit
      if script.isEmpty, limit == .milliseconds(200) { throw .gone }
      throw .silent
    }
    defer { pending = [] }
    return pending
  }

  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}
