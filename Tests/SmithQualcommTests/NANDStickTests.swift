import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

/// A whole update of the simulated NAND stick, from whatever state it is in.
struct NANDUpdate {
  static let version = "BD_NEW"
  static let loader = QualcommSimImage.make(id: 0x0e, version: "loader", size: 5000)
  static let images: [(StreamingTarget, [UInt8])] = [
    (.amss, QualcommSimImage.make(id: 2, version: version, size: 12_345)),
    (.dsp1, QualcommSimImage.make(id: 8, version: version, size: 3000)),
    (.dsp2, QualcommSimImage.make(id: 0x0c, version: version, size: 4096)),
    (.partition("0:OSBL"), QualcommSimImage.make(id: 0x0b, version: version, size: 2048)),
    (.fsbl, QualcommSimImage.make(id: 9, version: version, size: 1000)),
  ]

  static var table: UserPartitionTable {
    UserPartitionTable(
      partitions: QualcommBody.layout.map {
        UserPartition(
          name: $0.name, size: $0.name == "0:EFS2" ? nil : UInt32($0.blocks), spare: 0,
          unit: .blocks)
      })
  }

  /// Brings the stick into its loader and greets it.
  static func enter(_ pair: Pair<QualcommBody>) async throws -> StreamingSession {
    if let link = pair.link(.diag) {
      try await DiagSession(link).enterDownload()
      pair.wait(.seconds(15))
    }
    let link = try pair.present(.download)
    #expect(try await QualcommPhase.probe(link) == .download)
    let download = DLOADSession(link)
    try await download.knock()
    let most = try await download.parameters().mostData
    try await download.upload(SharedBytes(loader), at: 0x0080_0000, mostData: most)
    try await download.go(0x0080_0000)
    pair.wait(.seconds(1))
    let session = StreamingSession(try pair.present(.download))
    let hello = try await session.hello()
    #expect(hello.flashName == "SIMNAND 2K" && hello.window == 100)
    return session
  }

  static func run(_ pair: Pair<QualcommBody>, window: Int = 1) async throws {
    let session = try await enter(pair)
    try await session.security()
    try await session.accept(table)
    for (target, bytes) in images {
      var reported = 0
      try await session.write(
        target, size: bytes.count, window: window, next: source(bytes, most: 700)
      ) { reported = $0 }
      #expect(reported == bytes.count)
    }
    try await session.reset()
    pair.wait(.seconds(10))
  }
}

@Suite("Qualcomm NAND stick") struct NANDStickTests {
  private func expectGood(_ pair: Pair<QualcommBody>, _ note: Comment = "") {
    #expect(pair.body.bootsVersion == "BD_NEW", note)
    #expect(pair.body.phase == .application, note)
    #expect(pair.body.flash.content("0:EFS2").starts(with: Array("calibration".utf8)), note)
    #expect(pair.body.complaints == [], note)
    #expect(pair.body.flash.overwrites == 0, note)
  }

  @Test(
    "A stick goes from its old version to the new one and keeps its calibration", arguments: [1, 8])
  func update(window: Int) async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    #expect(pair.body.bootsVersion == "BD_OLD")
    try await NANDUpdate.run(pair, window: window)
    expectGood(pair)
    let link = try #require(pair.link(.diag))
    #expect(try await DiagSession(link).build().build == "BD_NEW")
  }

  @Test("A loader that comes up as a new device is followed") func newDevice() async throws {
    var body = QualcommBody(version: "BD_OLD")
    body.loaderReenumerates = true
    let pair = Pair(body)
    try await NANDUpdate.run(pair)
    expectGood(pair)
  }

  @Test("Bytes that come one by one make the same update") func split() async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    pair.splits = true
    try await NANDUpdate.run(pair, window: 4)
    expectGood(pair)
  }

  @Test("After a power cut at any send the same update leads to the new version")
  func cutEverywhere() async throws {
    let whole = Pair(QualcommBody(version: "BD_OLD"))
    try await NANDUpdate.run(whole)
    #expect(whole.sends > 40)
    var broken = 0
    for cut in 1...whole.sends {
      let pair = Pair(QualcommBody(version: "BD_OLD"))
      pair.cutAtSend = cut
      try? await NANDUpdate.run(pair)
      pair.cut()
      pair.plug()
      // S3: what boots is the old version, the new one, or download mode.
      #expect(pair.body.phase == .application || pair.body.phase == .download, "cut \(cut)")
      if pair.body.phase == .download { broken += 1 }
      try await NANDUpdate.run(pair)
      #expect(pair.body.bootsVersion == "BD_NEW" && pair.body.phase == .application, "cut \(cut)")
      #expect(pair.body.flash.content("0:EFS2").starts(with: Array("calibration".utf8)))
      #expect(pair.body.complaints == [], "cut \(cut)")
    }
    // The cuts must hurt, or nothing was tried.
    #expect(broken > 20)
  }

  @Test("Any single lost answer means the same frame again, or an error; never a wrong stick")
  func lostAnswers() async throws {
    var repaired = 0
    for lost in 1...60 {
      let pair = Pair(QualcommBody(version: "BD_OLD"))
      pair.lostAnswers = [lost]
      do {
        try await NANDUpdate.run(pair)
        expectGood(pair, "lost \(lost)")
        repaired += 1
      } catch let error as StreamingError {
        // Open and close are not repeated.
        if case .silent = error {} else { Issue.record("lost \(lost): \(error)") }
      }
    }
    #expect(repaired >= 50)
  }

  @Test("A damaged upload piece is sent again on the boot code's word") func damaged() async throws
  {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    // 1 is the switch to download, 2 the probe, 3 knock, 4 parameters, then the loader.
    pair.damagedSends = [6, 8]
    try await NANDUpdate.run(pair)
    expectGood(pair)
  }

  @Test("A late answer to a repeated piece does not serve the next piece")
  func late() async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    // The first piece's answer comes after it was sent again, and the second piece is damaged.
    pair.lateAnswers = [5: .microseconds(1_050_500)]
    pair.damagedSends = [7]
    try await NANDUpdate.run(pair)
    expectGood(pair)
  }

  @Test("Probing tells application, boot code, loader and an empty line apart")
  func probing() async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    #expect(try await QualcommPhase.probe(try #require(pair.link(.diag))) == .application)
    #expect(try await QualcommPhase.probe(try #require(pair.link(.at))) == .silent)
    _ = try await NANDUpdate.enter(pair)
    #expect(try await QualcommPhase.probe(try #require(pair.link(.download))) == .loader)
    #expect(try await QualcommPhase.probe(ScriptedLink([])) == .silent)
  }

  @Test("A package with another partition table is refused before anything is opened")
  func otherTable() async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    let session = try await NANDUpdate.enter(pair)
    try await session.security()
    var table = NANDUpdate.table
    table.partitions[4].size = 4
    await #expect(throws: StreamingError.tableRefused(status: 1)) {
      try await session.accept(table)
    }
    await expectCode("streaming.table-differs") { try await session.accept(table) }
    table.partitions += table.partitions
    await expectCode("streaming.bad-request") { try await session.accept(table) }
    await expectCode("streaming.refused") {
      try await session.write(.amss, size: 10, next: source([1]))
    }
    #expect(pair.body.bootsVersion == "BD_OLD")
  }

  @Test(
    "Identity partitions are refused before a byte leaves",
    arguments: [
      "0:EFS2", "0:efs2", "0:NVBAK", "0:SIM_SECURE", "0:MIBIB", "0:EFS2QDSP",
    ])
  func identity(name: String) async throws {
    let link = ScriptedLink([])
    let session = StreamingSession(link)
    await #expect(throws: StreamingError.protectedPartition(name)) {
      try await session.write(.partition(name), size: 4, next: source([1, 2, 3, 4]))
    }
    #expect(link.sent.isEmpty)
    #expect(StreamingError.protectedPartition(name).trouble.code == "streaming.protected-partition")
  }

  @Test("A file that is shorter than it said ends with its own error") func shortFile() async throws
  {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    let session = try await NANDUpdate.enter(pair)
    try await session.security()
    try await session.accept(NANDUpdate.table)
    await expectCode("streaming.open-refused") {
      try await session.write(.dsp1, header: [1], size: 4, next: source([1, 2, 3, 4]))
    }
    await expectCode("streaming.source-ended") {
      try await session.write(.amss, size: 3000, next: source([UInt8](repeating: 1, count: 2000)))
    }
    // An open image must be closed before anything else.
    await expectCode("streaming.refused") { try await session.reset() }
  }

  @Test("Memory is read back in pieces") func memory() async throws {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    let session = try await NANDUpdate.enter(pair)
    let bytes = try await session.read(at: 0x10, count: 3000)
    #expect(bytes == (0..<3000).map { UInt8(truncatingIfNeeded: 0x10 + $0) })
  }

  @Test("Garbage in RAM is started and found out by its silence") func garbageLoader() async throws
  {
    let pair = Pair(QualcommBody(version: "BD_OLD"))
    try await DiagSession(try #require(pair.link(.diag))).enterDownload()
    pair.wait(.seconds(15))
    let link = try #require(pair.link(.download))
    let download = DLOADSession(link)
    #expect(try await download.version() == "PBL_DloadVER2.0")
    await expectCode("dload.refused") { try await download.go(0x0080_0000) }
    await expectCode("dload.bad-loader") {
      try await download.upload(SharedBytes([1, 2]), at: 0xffff_ffff, mostData: 100)
    }
    await expectCode("dload.refused") {
      try await download.upload(SharedBytes([1, 2]), at: 0x10, mostData: 100)
    }
    try await download.upload(SharedBytes([1, 2, 3]), at: 0x0080_0000, mostData: 100)
    try await download.go(0x0080_0000)
    pair.wait(.seconds(1))
    let before = pair.now
    await expectCode("streaming.silent") { _ = try await StreamingSession(link).hello() }
    #expect(pair.now - before <= .seconds(15))
    #expect(pair.body.bootsVersion == "BD_OLD")
  }

  @Test("Silent, wrong and vanished far ends each have their name and a limit")
  func farEnds() async throws {
    let silent = ScriptedLink([])
    await expectCode("dload.silent") { try await DLOADSession(silent).knock() }
    #expect(silent.sent.count == 3 && silent.now < .seconds(10))
    await expectCode("dload.unexpected") {
      try await DLOADSession(ScriptedLink([HDLC.frame([0x13, 6, 0])])).knock()
    }
    await expectCode("dload.link-lost") { try await DLOADSession(GoneLink()).knock() }
    await expectCode("streaming.link-lost") { _ = try await StreamingSession(GoneLink()).hello() }
    await expectCode("streaming.unexpected") {
      _ = try await StreamingSession(ScriptedLink([HDLC.frame([2, 1, 2])])).hello()
    }
    let wrong = ScriptedLink([HDLC.frame([0x1c, 0]), HDLC.frame([8, 0, 4, 0, 0])])
    await expectCode("streaming.wrong-address") {
      try await StreamingSession(wrong).write(.amss, size: 4, next: source([1, 2, 3, 4]))
    }
  }

  @Test("Published wire bytes are sent to the byte") func wireBytes() async throws {
    let link = ScriptedLink([[UInt8](hex: "7E 02 6A D3 7E") ?? []], repeats: true)
    let download = DLOADSession(link)
    try await download.knock()
    try await download.upload(SharedBytes([0x7e, 0x7d, 0, 1]), at: 0x0080_0000, mostData: 1536)
    try await download.go(0x0080_0000)
    try await download.reset()
    #expect(
      link.sent.map(\.hex) == [
        "7e064e957e", "7e0f00800000" + "0004" + "7d5e7d5d000176607e", "7e0500800000cfe57e",
        "7e0a225f7e",
      ])
    let loader = ScriptedLink([
      [UInt8](hex: "7E 18 B1 6C 7E") ?? [], [UInt8](hex: "7E 1C 00 76 33 7E") ?? [],
      [UInt8](hex: "7E 08 00 00 00 00 57 95 7E") ?? [], [UInt8](hex: "7E 16 CF 85 7E") ?? [],
      [UInt8](hex: "7E 0C 14 3A 7E") ?? [],
    ])
    let session = StreamingSession(loader)
    try await session.security()
    try await session.write(
      .partition("0:AMSS"), size: 16, next: source((0..<16).map { UInt8($0) }))
    try await session.reset()
    #expect(loader.sent[0].hex == "7e170157c67e")
    #expect(loader.sent[1].hex == "7e1b0e303a414d535300612d7e")
    #expect(
      loader.sent[2].hex.hasPrefix("7e07000000000001") && loader.sent[2].hex.hasSuffix("575c7e"))
    #expect(loader.sent[3].hex == "7e1554b77e" && loader.sent[4].hex == "7e0bab4e7e")
  }
}

/// Runs something that must fail with the trouble of that code.
func expectCode(
  _ code: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("nothing was thrown instead of \(code)", sourceLocation: sourceLocation)
  } catch {
    let got = (error as? any TroubleConvertible)?.trouble
    #expect(got?.code == code, sourceLocation: sourceLocation)
    #expect(got?.advice.isEmpty == false, sourceLocation: sourceLocation)
  }
}
