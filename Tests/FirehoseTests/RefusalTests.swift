import SmithAT
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

/// A link that answers every send with the next text; nothing else.
private final class Played: ByteLink, @unchecked Sendable {
  private var script: [[UInt8]]
  private var waiting: [[UInt8]] = []
  var now = Duration.zero
  init(_ script: [[UInt8]]) { self.script = script }
  func send(_ bytes: [UInt8]) async throws(LinkError) {
    if !script.isEmpty { waiting.append(script.removeFirst()) }
  }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard !waiting.isEmpty else {
      now += limit
      throw .silent
    }
    return waiting.removeFirst()
  }
  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}

@Suite("A Firehose update is refused") struct RefusalTests {
  private func trouble(
    _ stick: QualcommLTEBody, _ image: CheckedImage
  ) async -> (UpdateReport, QualcommLTEBody) {
    let outcome = await Scenes.trial(stick, image).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    return (outcome.first, outcome.stick)
  }

  private func expectUntouched(
    _ code: String, _ stick: QualcommLTEBody, _ image: CheckedImage
  ) async {
    let (report, after) = await trouble(stick, image)
    #expect(report.trouble?.code == code)
    #expect([.unchanged, .failedStillWorks].contains(report.verdict), "\(code): \(report.verdict)")
    #expect(after.bootsVersion == "LTE_V1.0" && after.storage.writes == 0)
  }

  /// The sample with another programmer.
  private func image(programmer: [UInt8]) throws -> CheckedImage {
    let files = QualcommSample(version: "LTE_V2.0").files().map { file in
      file.name.hasPrefix("prog_") ? (name: file.name, bytes: SharedBytes(programmer)) : file
    }
    return try CheckedImage(
      image: try ImageRegistry.recognise(folder: files), path: "/files/other",
      parts: files.map(\.bytes))
  }

  @Test("with a programmer of another key, which is found before the ROM sees it") func otherKey()
    async throws
  {
    var root = QualcommSimImage.root
    root[40] ^= 1
    let programmer = QualcommSimImage.make(
      id: 0x0d, version: "firehose", size: 9000, certificates: root)
    await expectUntouched(
      "qualcomm.other-key", Scenes.stick { $0.fused = true }, try image(programmer: programmer))
  }

  @Test("with a programmer for another chip") func otherChip() async throws {
    let text = Array("02 009000E100000000 HW_ID".utf8)
    let certificate = [0x30, 0x82, 0, UInt8(text.count)] + text
    let programmer = QualcommSimImage.make(
      id: 0x0d, version: "firehose", size: 9000, certificates: certificate)
    await expectUntouched(
      "qualcomm.other-chip", Scenes.stick(), try image(programmer: programmer))
  }

  @Test("if the diagnostic port is that of another stick") func otherStick() async throws {
    var stick = Scenes.stick()
    var item = try #require(stick.item(550))
    item[8] ^= 0x10
    stick.setItem(550, item)
    await expectUntouched("stick.another", stick, try Scenes.image())
  }

  @Test("by the ROM itself, once, where nothing can be compared") func byROM() async throws {
    let programmer = QualcommSimImage.make(id: 0x0d, version: "firehose", size: 9000)
    await expectUntouched(
      "sahara.wrong-loader",
      Scenes.stick {
        $0.fused = true
        $0.deafToCommands = true
      }, try image(programmer: programmer))
  }

  @Test("where the stick's own table has no such place") func otherLayout() async throws {
    // Made for a stick with a bigger partition.
    let image = try Scenes.image { $0.modemBlocks = 4 }
    await expectUntouched("firehose.protected-place", Scenes.stick(), image)
    let bare = try Scenes.image {
      $0.modemBlocks = 4
      $0.hasTable = false
    }
    await expectUntouched("firehose.protected-place", Scenes.stick(), bare)
  }

  @Test("where the stick shows no table") func noTable() async throws {
    var stick = Scenes.stick()
    var dump = stick.storage.dump
    dump[0] ^= 1
    let isTaken = stick.storage.restore(dump)
    #expect(isTaken)
    await expectUntouched("firehose.bad-table", stick, try Scenes.image())
  }

  @Test("for a stick of another maker, or without a way in") func judged() throws {
    let family = QualcommFirehose()
    let image = try Scenes.image().image
    var policy = Policy()
    policy.experimental = true
    var report = DeviceReport()
    for (vendor, world) in [("sierra", DeviceReport.World.qualcomm), ("huawei", .balongStick)] {
      report.vendor = vendor
      report.world = world
      do throws(Trouble) {
        _ = try family.judge(image, report, .normal, policy)
        Issue.record("\(vendor) accepted")
      } catch { #expect(error.code == "plan.wrong-vendor") }
    }
    report.vendor = nil
    let judgement = try family.judge(image, report, .normal, policy)
    #expect(judgement.inferences.count >= 4 && judgement.after == nil)
    for word in ["this model", "right behind", "3A", "one page", "last certificate", "key hash"] {
      #expect(judgement.inferences.contains { $0.contains(word) }, "\(word)")
    }
    report.vendor = "qualcomm"
    let fit = Fit.judge(ImageFacts(image), report)
    #expect(fit.answer == .unknown && fit.reasons.allSatisfy { $0.answer != .doesNotFit })
    #expect(!fit.reasons.contains { $0.about == "product" && $0.answer == .fits })
    let kept = ImageFacts(format: image.format.rawValue, kinds: image.kinds, claims: image.claims)
    #expect(Fit.judge(kept, report).answer == .unknown)
  }

  @Test("on a stick that shows no diagnostic port, before anything is sent") func noDiag()
    async throws
  {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3131))
    await bus.pause(.seconds(60))
    try await expectNoEntry("qualcomm.no-diag-port", bus, at: .usb("9-9"))
  }

  @Test("on a chip that is known to have no Sahara") func oldChip() async throws {
    let bus = VirtualBus(QualcommBody(version: "OLD"))
    await bus.pause(.seconds(5))
    try await expectNoEntry("qualcomm.no-sahara", bus, at: bus.place)
  }

  private func expectNoEntry(
    _ code: String, _ bus: VirtualBus<some StickBody>, at place: Place
  ) async throws {
    let link = try await bus.open(
      try await bus.port(at: bus.place, as: .at, within: .seconds(60)))
    let job = FlashJob(
      place: place, image: try Scenes.image().image, report: DeviceReport(), state: .normal,
      policy: Policy(), firstItem: 0)
    let witness = RecordingWitness()
    do throws(Trouble) {
      try await QualcommFirehose().flash(job, over: link, on: bus, watched: witness)
      Issue.record("it went on")
    } catch {
      #expect(error.code == code)
      #expect(witness.steps.isEmpty)
    }
  }

  @Test("with the programmer's own words, made harmless") func words() async throws {
    let ack = "<?xml?><data><response value=\"ACK\"/></data>"
    let nak =
      "<?xml?><data><log value=\"ERROR &#27;[31m  only ]]&gt; nand\"/></data>"
      + "<?xml?><data><response value=\"NAK\"/></data>"
    let session = FirehoseSession(
      Played([Array(ack.utf8), Array(nak.utf8)]),
      map: FirehoseMap(places: [.init(name: "modem", sectors: 0..<10)]))
    try await session.configure(.nand)
    do throws(FirehoseError) {
      try await session.erase(label: "modem", sectorSize: 2048, first: 0, count: 1)
      Issue.record("accepted")
    } catch {
      #expect(error.trouble.code == "firehose.refused")
      #expect(error.trouble.summary.contains("ERROR ?[31m  only ]]> nand"))
    }
  }

  @Test("Endless remarks, deep XML and huge answers of a programmer end in a trouble")
  func hostile() async throws {
    let flood = Array(String(repeating: "<data><log value=\"x\"/></data>", count: 20_000).utf8)
    let deep = Array((String(repeating: "<a>", count: 500) + "</data>").utf8)
    let endless = [UInt8](repeating: 0x3c, count: 300_000)
    for answer in [flood, deep, endless, Array("<data><response/></data>".utf8)] {
      let link = Played([answer])
      await #expect(throws: FirehoseError.self) {
        try await FirehoseSession(link).configure(.nand)
      }
      #expect(link.now < .seconds(60))
    }
  }

  @Test("What was written and reads back otherwise has a name of its own") func differs() {
    let trouble = FirehoseError.differs("modem").trouble
    #expect(trouble.code == "firehose.differs" && trouble.aftermath == .unknown)
    #expect(QualcommFirehose().mayHaveWorked.contains(trouble.code))
  }
}

/// Remembers the steps of a route.
final class RecordingWitness: FlashWitness {
  func recognises(_ imei: IMEI?) async -> Bool? { nil }
  private(set) var steps: [String] = []
  func willEnter() async throws(Trouble) { steps.append("enter") }
  func didEnter(product: String?) async throws(Trouble) { steps.append("entered") }
  func willWrite(item: Int) async throws(Trouble) { steps.append("write \(item)") }
  func didWrite(item: Int) async throws(Trouble) { steps.append("wrote \(item)") }
  func willLeave() async throws(Trouble) { steps.append("leave") }
  func wrote(_ bytes: Int, of item: Int) async {}
  func note(_ text: String) async {}
}

@Suite("Looking at a stick in its boot ROM") struct LookTests {
  @Test("tells serial number and hardware, and leaves the ROM ready") func look() async throws {
    var stick = Scenes.stick { $0.fused = true }
    stick.storage.damage("sbl")
    let bus = VirtualBus(stick)
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(9))
    for _ in 0..<2 {
      let link = try await bus.open(port)
      let subject = try await Subject.ask(link, at: bus.place)
      await link.close()
      #expect(subject.state.isWaiting)
      #expect(subject.report.vendor == "qualcomm" && subject.report.serial == "11223344")
      #expect(subject.report.hardware == "000480e100000000")
    }
    #expect(bus.body.storage.writes == 0)
  }

  @Test("that was never written leads back into its firmware") func leave() async throws {
    let bus = VirtualBus(Scenes.stick())
    await bus.pause(.seconds(2))
    let diag = try await bus.open(
      try #require(try await bus.ports().first { $0.role == .diag }))
    try await DiagSession(diag).enterDownload()
    let port = try await bus.port(at: bus.place, as: .download, within: .seconds(30))
    await bus.pause(.seconds(10))
    let link = try await bus.open(
      try await bus.port(at: bus.place, as: .download, within: .seconds(30)))
    guard case .waiting(let loader) = try await QualcommFirehose().state(over: link) else {
      Issue.record("not waiting at \(port)")
      return
    }
    try await QualcommFirehose().leave(over: link, from: loader)
    await bus.pause(.seconds(10))
    #expect(bus.body.phase == .application)
  }

  @Test("settings go back as far as every firmware knows them") func settings() async throws {
    let bus = VirtualBus(Scenes.stick())
    await bus.pause(.seconds(2))
    let saved = try await read(bus)
    #expect(saved.profiles?.map(\.apn) == ["internet"])
    bus.withBody { $0.profiles = ["1,\"IP\",\"lost\""] }
    let link = try await bus.open(try await bus.port(at: bus.place, as: .at, within: .seconds(1)))
    let result = try await QualcommFirehose().restore(saved, over: .init(link: link))
    #expect(result.restored == ["APN profile 1"] && result.leftOut.isEmpty)
    #expect(bus.body.profiles == ["1,\"IP\",\"internet\""])
  }

  private func read(_ bus: VirtualBus<QualcommLTEBody>) async throws -> DeviceSettings {
    let link = try await bus.open(try await bus.port(at: bus.place, as: .at, within: .seconds(1)))
    return try #require(try await QualcommFirehose().settings(over: .init(link: link)))
  }
}
