import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

/// A whole update of the simulated LTE stick, from whatever state it is in.
enum LTEUpdate {
  static let loader = SharedBytes(
    QualcommSimImage.make(id: 0x0d, version: "firehose", size: 20_000))
  static let images: [(label: String, start: UInt64, count: UInt64, bytes: [UInt8])] = [
    ("modem", 192, 128, QualcommSimImage.make(id: 2, version: "NEW", size: 50_001)),
    ("sbl", 64, 64, QualcommSimImage.make(id: 0x15, version: "NEW", size: 20_000)),
  ]
  static let map = FirehoseMap(
    places: QualcommSimStorage().partitions.map {
      .init(name: $0.name, sectors: $0.first..<($0.first + $0.count))
    })

  static func entry(_ label: String, _ start: RawProgram.Sector, _ count: UInt64)
    -> RawProgram.Program
  {
    RawProgram.Program(
      file: label + ".mbn", label: label, sectorSize: 2048, sectorCount: count, start: start,
      pagesPerBlock: 64)
  }

  static func enter(_ pair: Pair<QualcommLTEBody>) async throws -> FirehoseSession {
    if let link = pair.link(.diag) {
      try await DiagSession(link).enterDownload()
      pair.wait(.seconds(15))
    }
    let link = try pair.present(.download)
    try await SaharaSession(link).upload { $0 == 0x0d ? loader : nil }
    pair.wait(.seconds(1))
    let session = FirehoseSession(link, map: map)
    try await session.configure(.nand)
    return session
  }

  static func run(_ pair: Pair<QualcommLTEBody>) async throws {
    let session = try await enter(pair)
    for image in images {
      var reported = 0
      try await session.program(
        entry(image.label, .number(image.start), image.count), size: image.bytes.count,
        next: source(image.bytes, most: 3000)
      ) { reported = $0 }
      #expect(reported == image.bytes.count)
    }
    try await session.reset()
    pair.wait(.seconds(10))
  }
}

@Suite("Qualcomm LTE stick") struct LTEStickTests {
  private func stick(_ change: (inout QualcommLTEBody.Habits) -> Void = { _ in }) -> Pair<
    QualcommLTEBody
  > {
    var body = QualcommLTEBody(version: "OLD")
    change(&body.habits)
    return Pair(body)
  }

  private func expectGood(_ pair: Pair<QualcommLTEBody>, _ note: Comment = "") {
    #expect(pair.body.bootsVersion == "NEW", note)
    #expect(pair.body.phase == .application, note)
    #expect(pair.body.storage.content("efs2").starts(with: Array("calibration".utf8)), note)
    #expect(pair.body.complaints == [], note)
  }

  @Test("A stick goes from its old version to the new one") func update() async throws {
    let pair = stick()
    try await LTEUpdate.run(pair)
    expectGood(pair)
  }

  @Test(
    "Wide reads, a shy greeting, a boot ROM that is never done and a smaller payload change nothing"
  )
  func habits() async throws {
    for pair in [
      stick { $0.wide = true }, stick { $0.neverDone = true }, stick { $0.shy = true },
      stick { $0.refusesPayload = false }, stick { $0.mostPayload = 2048 },
    ] {
      try await LTEUpdate.run(pair)
      expectGood(pair, "\(pair.body.habits)")
    }
  }

  @Test("Bytes that come one by one make the same update") func split() async throws {
    let pair = stick()
    pair.splits = true
    try await LTEUpdate.run(pair)
    expectGood(pair)
  }

  @Test("After a power cut at any send the same update leads to the new version")
  func cutEverywhere() async throws {
    let whole = stick()
    try await LTEUpdate.run(whole)
    #expect(whole.sends > 20)
    var broken = 0
    for cut in 1...whole.sends {
      let pair = stick()
      pair.cutAtSend = cut
      try? await LTEUpdate.run(pair)
      pair.cut()
      pair.plug()
      #expect(pair.body.phase == .application || pair.body.phase == .sahara, "cut \(cut)")
      if pair.body.phase == .sahara { broken += 1 }
      try await LTEUpdate.run(pair)
      expectGood(pair, "cut \(cut)")
    }
    // The cuts must hurt, or nothing was tried.
    #expect(broken > 3)
  }

  private func inSahara(_ pair: Pair<QualcommLTEBody>) async throws -> SaharaSession {
    try await DiagSession(try #require(pair.link(.diag))).enterDownload()
    pair.wait(.seconds(5))
    return SaharaSession(try #require(pair.link(.download)))
  }

  @Test("Serial number and key hash are asked for before the loader") func queries() async throws {
    let pair = stick()
    let sahara = try await inSahara(pair)
    #expect(try await sahara.hello().mode == 0)
    let said = try await sahara.ask([.serial, .keyHash])
    #expect(said[.serial] == [0x44, 0x33, 0x22, 0x11])
    #expect(said[.keyHash] == [UInt8](repeating: 0, count: 32))
    #expect(try await sahara.ask([.hardware])[.hardware]?.count == 8)
    try await sahara.upload { $0 == 0x0d ? LTEUpdate.loader : nil }
    pair.wait(.seconds(1))
    #expect(pair.body.phase == .firehose)
  }

  @Test("Documents with line ends behind them, as another host writes them, shift no raw byte")
  func otherHost() async throws {
    let pair = stick()
    try await (try await inSahara(pair)).upload { _ in LTEUpdate.loader }
    pair.wait(.seconds(1))
    let link = try #require(pair.link(.download))
    func ask(_ element: String) async throws -> String {
      try await link.send(Array("<?xml version=\"1.0\"?>\n<data>\(element)</data>\n\n".utf8))
      var said = ""
      while let bytes = try? await link.receive(within: .milliseconds(200)) {
        said += String(decoding: bytes, as: UTF8.self)
      }
      return said
    }
    // The agreed size is there in the ACK as it is in a NAK.
    let size = "MaxPayloadSizeToTargetInBytes=\"4096\""
    #expect(try await ask("<configure MemoryName=\"nand\" \(size)/>").contains("ACK\" \(size)"))
    let place = "num_partition_sectors=\"1\" physical_partition_number=\"0\" start_sector=\"64\""
    #expect(
      try await ask("<program SECTOR_SIZE_IN_BYTES=\"2048\" \(place)/>").contains(
        "rawmode=\"true\""))
    let raw = (0..<2048).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try await link.send(raw)
    pair.wait(.seconds(1))
    #expect(pair.body.storage.read(64, count: 1) == raw)
    // Without a wish it leaves a second for its answer to be fetched.
    #expect(try await ask("<power value=\"reset\"/>").contains("ACK"))
    #expect(pair.body.phase == .firehose)
    pair.wait(.seconds(5))
    #expect(pair.body.phase != .firehose)
  }

  @Test("A greeting that the probe has read is not lost") func probed() async throws {
    let pair = stick()
    _ = try await inSahara(pair)
    let link = try #require(pair.link(.download))
    guard case .sahara(let greeting) = try await QualcommPhase.probe(link) else {
      Issue.record("not recognised")
      return
    }
    try await SaharaSession(link, received: greeting).upload { _ in LTEUpdate.loader }
    pair.wait(.seconds(1))
    #expect(pair.body.phase == .firehose)
  }

  @Test("Unsigned, foreign, cut and missing loaders are told apart, and none is tried twice")
  func badLoaders() async throws {
    var altered = LTEUpdate.loader.bytes()
    altered[500] ^= 1
    let cases: [(String, [UInt8]?)] = [
      ("sahara.wrong-loader", altered),
      ("sahara.read-out-of-bounds", Array(altered.prefix(2000))),
      ("sahara.unknown-image", nil),
      ("sahara.refused", [UInt8](repeating: 0, count: 200)),
    ]
    for (code, bytes) in cases {
      let pair = stick()
      let sahara = try await inSahara(pair)
      await expectCode(code) { try await sahara.upload { _ in bytes.map { SharedBytes($0) } } }
      #expect(pair.body.bootsVersion == "OLD")
    }
  }

  @Test(
    "The simulated boot ROM refuses a host of another version",
    arguments: [(0, 1), (3, 1), (2, 0), (2, 3)] as [(UInt32, UInt32)])
  func otherVersion(version: UInt32, least: UInt32) async throws {
    let pair = stick()
    _ = try await inSahara(pair)
    let link = try #require(pair.link(.download))
    _ = try await link.receive(within: .seconds(1))
    try await link.send(words([2, 0x30, version, least, 0, 0, 0, 0, 0, 0, 0, 0]))
    #expect(try await link.receive(within: .seconds(1)) == words([4, 0x10, 0x0d, 2]))
  }

  @Test("A crashed stick is told to restart, not written to") func crashed() async throws {
    let pair = stick { $0.crashed = true }
    #expect(pair.body.phase == .sahara)
    let sahara = SaharaSession(try #require(pair.link(.download)))
    await expectCode("sahara.memory-debug") { try await sahara.upload { _ in LTEUpdate.loader } }
    pair.body.habits.crashed = false
    try await sahara.reset()
    pair.wait(.seconds(5))
    #expect(pair.body.phase == .application)
  }

  @Test("A boot ROM that asks for the same bytes for ever is left") func runaway() async throws {
    let hello = words([1, 0x30, 2, 1, 1024, 0, 0, 0, 0, 0, 0, 0])
    let link = ScriptedLink([words([3, 0x14, 0x0d, 0, 1000])], repeats: true)
    await expectCode("sahara.runaway") {
      try await SaharaSession(link, received: hello).upload { _ in
        SharedBytes([UInt8](repeating: 0, count: 1000))
      }
    }
    #expect(link.sent.count < 2000)
    let silent = ScriptedLink([])
    await expectCode("sahara.silent") { _ = try await SaharaSession(silent).hello() }
    #expect(silent.now <= .seconds(5))
    await expectCode("sahara.link-lost") { _ = try await SaharaSession(GoneLink()).hello() }
    let odd = ScriptedLink([words([6, 12, 1])])
    await expectCode("sahara.unexpected") {
      try await SaharaSession(odd, received: hello).upload { _ in nil }
    }
  }

  @Test("Identity partitions and unknown places are refused before a byte leaves")
  func identity() async throws {
    let pair = stick()
    let session = try await LTEUpdate.enter(pair)
    let sends = pair.sends
    let places: [(String, RawProgram.Sector, UInt64)] = [
      ("efs2", .number(192), 4), ("modem", .number(128), 4), ("modem", .number(190), 4),
      ("modem", .number(318), 4), ("modem", .number(5000), 4), ("system", .number(446), 4),
      ("modem", .expression("NUM_DISK_SECTORS-33."), 4), ("MODEMST1", .number(192), 4),
    ]
    for (label, start, count) in places {
      await expectCode("firehose.protected-place") {
        try await session.program(
          LTEUpdate.entry(label, start, count), size: 100,
          next: source([UInt8](repeating: 0, count: 100)))
      }
    }
    await expectCode("firehose.protected-place") {
      try await session.erase(label: "", sectorSize: 2048, first: 130, count: 1)
    }
    await expectCode("firehose.protected-place") {
      try await session.patch(
        .init(sectorSize: 2048, byteOffset: 0, size: 4, start: .number(1), value: "0"))
    }
    await expectCode("firehose.bad-request") {
      try await session.program(
        LTEUpdate.entry("modem", .number(192), 1), size: 5000, next: source([]))
    }
    #expect(pair.sends == sends && pair.body.complaints == [])
    #expect(pair.body.bootsVersion == "OLD")
  }

  @Test("Reading gives what erasing and patching left") func readBack() async throws {
    let pair = stick()
    let session = try await LTEUpdate.enter(pair)
    try await session.erase(label: "system", sectorSize: 2048, first: 320, count: 2)
    try await session.patch(
      .init(sectorSize: 2048, byteOffset: 4, size: 2, start: .number(321), value: "513"))
    var read: [UInt8] = []
    try await session.read(sectorSize: 2048, first: 320, count: 2) { read += $0 }
    var expected = [UInt8](repeating: 0xff, count: 4096)
    expected.replaceSubrange(2052..<2054, with: [1, 2])
    #expect(read == expected)
    await expectCode("firehose.refused") {
      try await session.read(sectorSize: 512, first: 0, count: 1) { _ in }
    }
  }

  @Test("What follows a response is not the answer to the next request") func leftover()
    async throws
  {
    let good = "<data><response value=\"ACK\"/></data>"
    let stale = "<data><response value=\"NAK\"/></data>"
    let link = ScriptedLink([Array((good + stale).utf8), Array(good.utf8)])
    let session = FirehoseSession(link, map: LTEUpdate.map)
    #expect(try await session.configure(.nand) == 1 << 17)
    try await session.erase(label: "system", sectorSize: 2048, first: 320, count: 2)
    #expect(link.sent.count == 2)
  }

  @Test("Silence, nonsense, refusals and a short file have their names") func faults() async throws
  {
    func configure(_ link: any ByteLink) async throws {
      try await FirehoseSession(link, map: FirehoseMap(places: [])).configure(.nand)
    }
    let silent = ScriptedLink([])
    await expectCode("firehose.silent") { try await configure(silent) }
    #expect(silent.sent.count == 1 && silent.now <= .seconds(20))
    await expectCode("firehose.link-lost") { try await configure(GoneLink()) }
    await expectCode("firehose.bad-answer") {
      try await configure(ScriptedLink([Array("<data><response</data>".utf8)]))
    }
    await expectCode("firehose.bad-payload") {
      try await configure(
        ScriptedLink([
          Array("<data><response value=\"NAK\" MaxPayloadSizeToTargetInBytes=\"1\"/></data>".utf8)
        ]))
    }
    let pair = stick()
    let session = try await LTEUpdate.enter(pair)
    await expectCode("firehose.source-ended") {
      try await session.program(
        LTEUpdate.entry("modem", .number(192), 128), size: 9000, next: source([1, 2]))
    }
  }

  @Test("Noise on any of the four lines ends in an error, never in a trap or a hang")
  func noise() async throws {
    let seed: UInt64 = 0x0510_2026
    print("noise seed \(seed)")
    var dice = Dice(seed: seed)
    var errors = 0
    for round in 0..<150 {
      var script: [[UInt8]] = []
      for _ in 0..<6 {
        let bytes = (0..<Int.random(in: 1...80, using: &dice)).map { _ in
          UInt8.random(in: 0...255, using: &dice)
        }
        script.append(Bool.random(using: &dice) ? HDLC.frame(bytes) : bytes)
      }
      let link = ScriptedLink(script, repeats: true)
      do {
        switch round % 4 {
        case 0: _ = try await DiagSession(link).build()
        case 1: _ = try await StreamingSession(link).hello()
        case 2: try await SaharaSession(link).upload { _ in LTEUpdate.loader }
        default: try await FirehoseSession(link, map: LTEUpdate.map).configure(.nand)
        }
      } catch {
        errors += 1
      }
      #expect(link.now < .seconds(3600), "seed \(seed) round \(round)")
    }
    // A random frame with a good checksum may be an answer; hardly more than a few are.
    #expect(errors >= 140, "seed \(seed)")
  }

  private func words(_ values: [UInt32]) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values { bytes.append(little: value) }
    return bytes
  }
}
