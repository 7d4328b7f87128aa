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

/// An owner who agrees, and who does something to the stick when a phase begins.
final class PhaseMeddler: Owner {
  private let phase: Phase
  private let act: @Sendable () -> Void

  init(at phase: Phase, _ act: @escaping @Sendable () -> Void) {
    self.phase = phase
    self.act = act
  }

  var wantsToStop: Bool { false }
  func consent(to plan: CheckedPlan) async -> Consent? { Consent(how: "test") }
  func hear(_ event: UpdateEvent) async {
    if case .phase(phase, _) = event { act() }
  }
}

@Suite("A file of parts") struct PartsTests {
  @Test("that fit one firmware only is refused without it") func alone() async throws {
    var builder = BalongBuilder(kind: [.firmware], compatibility: "B710S0")
    for id: UInt32 in [0x100, 0x101, 0x10d] {
      builder.add(id: id, data: [UInt8](repeating: 7, count: 600), version: "21.263.99.00.00")
    }
    let image = try CheckedImage(SharedBytes(builder.build()), named: "/nowhere/parts.bin")
    let bus = VirtualBus(Scenes.stick(.e3276))
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
    #expect(bus.body.flash == Scenes.stick(.e3276).flash)
    #expect(report.trouble?.code == "plan.delicate-alone")
    #expect(report.verdict == .unchanged)
  }
}

@Suite("A waiting stick, found again") struct WaitingStickFindingsTests {
  private static let otherIMEI = "004999010640018"

  /// The journal of an update of the usual E3131 that lost its host after its second item.
  private func interrupted(_ image: CheckedImage) async throws -> (
    JournalHeader, [JournalRecord], VirtualBus<HuaweiBalongStick>
  ) {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let journal = MemoryJournal(crashAfter: 8) { bus.killHost() }
    _ = await Scenes.updater(bus, journal).update(image, at: bus.place, policy: Policy())
    try #require(journal.records.contains(.itemDone(1)))
    guard case .planned(let header)? = journal.records.first else {
      throw TestScene.noHeader
    }
    bus.revive()
    bus.replug()
    return (header, journal.records, bus)
  }

  private enum TestScene: Error { case noHeader }

  @Test("that tells another identity number is refused, and not one item of it changes")
  func otherUnit() async throws {
    let image = try Scenes.package(.e3131)
    let (header, records, _) = try await interrupted(image)
    for strict in [false, true] {
      var options = HuaweiBalongStick.Options()
      options.strict = strict
      var other = HuaweiBalongStick(
        personality: .e3131, imei: Self.otherIMEI, options: options)
      other.flash.allPartsComplete = false
      let bus = VirtualBus(other)
      let report = await Scenes.updater(bus)
        .resume(image, header, records, journal: MemoryJournal(records), policy: Policy())
      #expect(report.trouble?.code == "resume.other-stick", "strict \(strict)")
      #expect(report.exitCode == .refused)
      #expect(bus.body.flash == other.flash)
    }
  }

  @Test("that tells no identity number gets the whole package, from its first item")
  func namelessUnit() async throws {
    let image = try Scenes.package(.e3131)
    let (header, records, bus) = try await interrupted(image)
    let nv = bus.body.flash.nv
    bus.withBody { $0.flash.nv.imei = "" }
    let journal = MemoryJournal(records)
    // Only download mode keeps the number to itself.
    let owner = PhaseMeddler(at: .leave) { bus.withBody { $0.flash.nv = nv } }
    let report = await Scenes.updater(bus, owner: owner)
      .resume(image, header, records, journal: journal, policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    let begun = journal.records.dropFirst(records.count).compactMap { record in
      if case .itemBegan(let index) = record { index } else { nil }
    }
    #expect(begun == Array(image.image.segments.indices))
    #expect(report.bytes == image.image.size)
  }

  @Test("that tells its own identity number is gone on with in the middle") func sameUnit()
    async throws
  {
    let image = try Scenes.package(.e3131)
    let (header, records, bus) = try await interrupted(image)
    let report = await Scenes.updater(bus)
      .resume(image, header, records, journal: MemoryJournal(records), policy: Policy())
    #expect(report.verdict == .updated)
    #expect(report.bytes < image.image.size)
  }

  @Test("under another path than its AT port's is found by resume") func otherPath() async throws {
    let image = try Scenes.package(.e3131)
    let (header, records, bus) = try await interrupted(image)
    let report = await Scenes.updater(TwoPathBus(bus))
      .resume(image, header, records, journal: MemoryJournal(records), policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(report.exitCode == .ok)
  }
}

/// A bus whose ports have one path each: a port of one role never stands in for another's.
private struct TwoPathBus: Bus {
  let inner: VirtualBus<HuaweiBalongStick>
  init(_ inner: VirtualBus<HuaweiBalongStick>) { self.inner = inner }

  var now: Duration { inner.now }
  func ports() async throws(BusError) -> [Port] { try await inner.ports() }
  func pause(_ duration: Duration) async { await inner.pause(duration) }
  func open(_ port: Port) async throws(LinkError) -> any ByteLink { try await inner.open(port) }
  func port(at place: Place, as role: PortRole, within limit: Duration)
    async throws(BusError) -> Port
  {
    let end = inner.now + limit
    while true {
      if let port = try await inner.ports().first(where: { $0.role == role }) { return port }
      guard inner.now < end else { throw .absent(place, role) }
      await inner.pause(.milliseconds(50))
    }
  }
}

@Suite("A package that a stick does not take") struct RefusedPackageFindingsTests {
  private func report(
    _ stick: HuaweiBalongStick, _ image: CheckedImage, policy: Policy = Policy()
  ) async -> (UpdateReport, HuaweiBalongStick) {
    let bus = VirtualBus(stick)
    let report = await Scenes.updater(bus).update(image, at: bus.place, policy: policy)
    return (report, bus.body)
  }

  private func stick(
    _ personality: HuaweiBalongStick.Personality,
    _ change: (inout HuaweiBalongStick.Options) -> Void
  ) -> HuaweiBalongStick {
    var options = HuaweiBalongStick.Options()
    options.logging = true
    change(&options)
    return HuaweiBalongStick(personality: personality, options: options)
  }

  /// Whether the host sent an HDLC command of that kind.
  private func sawCommand(_ command: UInt8, _ stick: HuaweiBalongStick) -> Bool {
    stick.log.contains { $0.direction == .host && $0.kind == .hdlc && $0.bytes.first == command }
  }

  /// The stick is what it was before it was asked for download mode.
  private func expectOldFirmware(
    _ report: UpdateReport, _ after: HuaweiBalongStick, _ before: HuaweiBalongStick
  ) {
    #expect(after.flash.items == before.flash.items)
    #expect(after.flash.allPartsComplete)
    #expect(!after.flash.backupFlag)
    #expect(after.face?.id == before.personality.normalID)
    #expect(report.after?.text == before.personality.firmware)
    #expect(report.trouble?.aftermath == .stillBoots)
  }

  @Test("because its items are for different products is refused before anything is sent")
  func mixedProducts() async throws {
    for fitting in [0, 1] {
      var builder = BalongBuilder(kind: [.firmware], compatibility: "E3531")
      for index in 0...1 {
        builder.add(
          id: 0x104 + UInt32(index), data: [UInt8](repeating: 0x5a, count: 5000),
          version: ":E3131:21.157.99.00.00", compatibility: index == fitting ? nil : "B710S0")
      }
      let image = try CheckedImage(SharedBytes(builder.build()), named: "/nowhere/mixed.bin")
      let before = stick(.e3131) { _ in }
      let (report, after) = await report(before, image)
      #expect(report.trouble?.code == "plan.wrong-product")
      #expect(report.exitCode == .refused)
      #expect(report.trouble?.aftermath == .untouched)
      #expect(after.flash == before.flash)
      #expect(after.boots == 1)
    }
  }

  @Test(
    "and says so at DATAMODE never sees an item begun, and starts its old firmware",
    arguments: [false, true])
  func dataModeRefused(wantsSignature: Bool) async throws {
    let before = stick(.e3372h) {
      if wantsSignature { $0.signed = true } else { $0.refusesDataMode = true }
    }
    let (report, after) = await report(before, try Scenes.package(.e3372h))
    #expect(report.trouble?.code == "balong.datamode-refused")
    #expect(report.verdict == .unchanged)
    #expect(report.exitCode == .refused)
    #expect(!sawCommand(0x41, after))
    expectOldFirmware(report, after, before)
  }

  @Test("and hears nothing but its signature first is not said to be back in its firmware")
  func strictlySigned() async throws {
    let before = stick(.e3372h) { options in
      options.signed = true
      options.strict = true
    }
    let bus = VirtualBus(before)
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3372h), at: bus.place, policy: Policy())
    let after = bus.body
    #expect(report.trouble?.code == "balong.datamode-refused")
    #expect(!sawCommand(0x41, after))
    #expect(after.flash.items == before.flash.items)
    // It takes no restart either, so it waits in download mode, and that is what is said.
    #expect(after.face?.ports == [.download])
    #expect(report.verdict == .needsRescue)
    #expect(report.exitCode == .needsRescue)
    #expect(report.trouble?.aftermath == .needsRescue)
    // `resume` with the same file would be refused again; a signed one, after a replug, is not.
    #expect(report.trouble?.advice.first?.contains("signed package") == true)
    #expect(report.trouble?.advice.first?.contains("resume") == false)
    bus.replug()
    let second = await Scenes.updater(bus)
      .update(try Scenes.package(.e3372h, .signed), at: bus.place, policy: Policy())
    #expect(second.before?.text == before.personality.firmware, "the replug started what it ran")
    #expect(second.verdict == .updated)
  }

  @Test("is not what a V3R3 monitor without DATAMODE means by its ERROR") func dataModeUnknown()
    async throws
  {
    let image = try Scenes.package(.e3131)
    let (report, after) = await report(stick(.e3131) { $0.refusesDataMode = true }, image)
    #expect(report.verdict == .updated)
    #expect(after.flash.items.count >= image.image.segments.count)
    #expect(after.flash.firmware == image.image.claims.firmware?.text)
  }

  @Test(
    "and refuses at its first item leaves it in its old firmware", arguments: [UInt8(0x07), 0x02])
  func firstItemRefused(code: UInt8) async throws {
    // No room for the first item; or a signature wanted by a monitor that has no DATAMODE.
    let before =
      code == 0x07
      ? stick(.e3372h) { $0.flashSize = 600 } : stick(.e3131) { $0.signed = true }
    let (report, after) = await report(before, try Scenes.package(before.personality))
    #expect(sawCommand(0x41, after))
    #expect(!sawCommand(0x42, after))
    #expect(report.trouble?.code == "balong.item-refused")
    #expect(report.verdict == .failedStillWorks)
    #expect(report.exitCode == .stillWorks)
    expectOldFirmware(report, after, before)
  }
}

/// A stick that waits in download mode with a monitor of another maker's chip.
private struct QualcommLoader: StickBody {
  var face: StickFace?
  var nextDue: Duration? { nil }

  mutating func plug(at now: Duration) {
    face = StickFace(generation: 1, id: USBID(0x12d1, 0x1c05), ports: [.download])
  }
  mutating func unplug(at now: Duration) { face = nil }
  mutating func advance(to now: Duration) -> [Emission] { [] }
  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    guard bytes == HDLC.frame([0x0c]) else { return [] }
    let said = [0x0d, 0x0f] + [UInt8]("M62xx-OEMSBL".utf8)
    return [Emission(port: port, bytes: HDLC.frame(said), at: now)]
  }
}

@Suite("A Qualcomm loader in download mode") struct QualcommLoaderFindingsTests {
  @Test("is refused by its text, although it takes the same commands") func refused()
    async throws
  {
    let bus = VirtualBus(QualcommLoader())
    let link = try await bus.open(
      try await bus.port(at: bus.place, as: .download, within: .seconds(1)))
    let error = await #expect(throws: BalongError.self) {
      try await BalongMonitor(link).open(.download(monitor: "M62xx-OEMSBL"), signature: nil)
    }
    #expect(error?.trouble.code == "balong.wrong-monitor")
    #expect(error?.trouble.summary.contains("OEMSBL") == true)
  }

  @Test("is no stick for a Balong package") func planned() async throws {
    let bus = VirtualBus(QualcommLoader())
    var policy = Policy()
    policy.noBackup = true
    policy.forced = [.productUnknown, .identity]
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(.e3131), at: bus.place, policy: policy)
    #expect(report.trouble?.code == "plan.wrong-chip")
    #expect(report.exitCode == .refused)
  }
}
