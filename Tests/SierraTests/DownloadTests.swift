import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

/// Ends a test that cannot go on.
struct Stuck: Error { var at: String }

/// Brings a fresh stick into boot mode over its AT port.
func inBootMode(
  _ personality: SierraPersonality = .mc7304, quirks: SierraQuirks = SierraQuirks(),
  faults: Faults = Faults()
) async throws -> (TestCable, any ByteLink) {
  var quirks = quirks
  // Only QMI brings a Gobi into its loader: another program did.
  quirks.startsInLoader = !personality.knowsBootHold
  let cable = TestCable(SierraStick(personality, quirks: quirks))
  if personality.knowsBootHold {
    guard let port = await cable.open(.at) else { throw Stuck(at: "AT port") }
    #expect(await port.command("AT!BOOTHOLD").contains("OK"))
  }
  guard let link = await cable.open(.download) else { throw Stuck(at: "download port") }
  cable.change { $0.faults = faults }
  return (cable, link)
}

@Suite("QDL download") struct DownloadTests {
  static let small: QDLLimits = {
    var limits = QDLLimits()
    limits.chunkBytes = 2048
    return limits
  }()
  static let firmware = Sample.image("fw.cwe", Sample.firmware())
  static let carrier = Sample.image("carrier.nvu", Sample.carrier())

  @Test("Published messages are sent to the byte") func published() async throws {
    let (cable, link) = try await inBootMode()
    _ = try await SierraQDL.download([Self.firmware], over: link)
    let sent = cable.sent
    #expect(sent.first == [UInt8](hex: "7E 70 00 00 14 46 7E"))
    #expect(
      sent[1]
        == [UInt8](
          hex: """
            7E 01 51 43 4F 4D 20 68 69 67 68 20 73 70 65 65 64 20 70 72 6F 74 6F 63 6F 6C 20 68
            73 74 00 00 00 00 06 06 30 0B 8D 7E
            """))
    #expect(sent.last == [UInt8](hex: "7E 2D 9F 0A 7E"))
    #expect(sent[sent.count - 2] == [UInt8](hex: "7E 29 BB 4C 7E"))
  }

  @Test("Firmware and settings together make a healthy new stick") func both() async throws {
    let (cable, link) = try await inBootMode()
    let result = try await SierraQDL.download(
      [Self.firmware, Self.carrier], over: link, limits: Self.small)
    #expect(result.written == ["fw.cwe", "carrier.nvu"])
    #expect(result.version == 6 && result.restarts == 0 && result.garbage == 0)
    let port = try #require(await cable.open(.at))
    let revision = await port.command("AT+GMR").joined()
    #expect(revision.contains("SWI9X15C_05.05.66.00"))
    #expect(!cable.stick.hasMismatch)
    #expect(cable.stick.complaints.isEmpty)
  }

  @Test(
    "Every QDL stick takes its firmware",
    arguments: [
      ("mc7700", "9200", "SWI9200X", "03.05.29.03"), ("mc7304", "9X15", "SWI9X15C", "05.05.66.00"),
      ("mc7455", "9X30", "SWI9X30C", "02.33.03.00"), ("dw5811e", "9x30", "SWI9X30C", "02.33.03.00"),
      ("usb308", "A308", "SWI6600H", "03.02.99.00"),
    ])
  func every(name: String, product: String, family: String, version: String) async throws {
    let personality = try #require(SierraPersonality.all.first { $0.name == name }).personality
    let (cable, link) = try await inBootMode(personality)
    let builder = Sample.firmware(version, product: product, family: family)
    _ = try await SierraQDL.download([Sample.image("fw", builder)], over: link)
    let port = try #require(await cable.open(.at))
    #expect(await port.command("AT+GMR").joined().contains(version))
  }

  @Test("Gobi 2000 takes images without headers over version 5") func gobi() async throws {
    let (cable, link) = try await inBootMode(.gobi2000)
    let amss = [UInt8]("....D3200-STSUGN-1580 ".utf8) + Sample.payload(3000)
    let images = [
      try #require(QDLImage(name: "amss.mbn", type: .amss, file: SharedBytes(amss))),
      try #require(QDLImage(name: "apps.mbn", type: .apps, file: SharedBytes(Sample.payload(900)))),
    ]
    #expect(images[0].size == amss.count - 8)
    let result = try await SierraQDL.download(images, over: link)
    #expect(result.version == 5)
    let old = try await inBootMode(.gobi2000)
    await #expect(throws: QDLError.wrongVersion(5)) {
      try await SierraQDL.download([Self.firmware], over: old.1)
    }
    #expect(cable.stick.flash.writes == 2)
  }

  @Test("Answers in pieces of any size are put together", arguments: 1...12)
  func split(pieces: Int) async throws {
    var faults = Faults()
    faults.pieces = pieces
    let (cable, link) = try await inBootMode(faults: faults)
    let result = try await SierraQDL.download(
      [Self.firmware], over: link, limits: Self.small)
    #expect(result.restarts == 0 && cable.stick.flash.writes == 1)
  }

  @Test("Noise in front of answers and answers that come twice do no harm")
  func disturbed() async throws {
    var noisy = Faults()
    noisy.noise = [0x00, 0xff, 0x41, 0x7e]
    var twice = Faults()
    twice.duplicates = true
    for faults in [noisy, twice] {
      let (cable, link) = try await inBootMode(faults: faults)
      let result = try await SierraQDL.download(
        [Self.firmware, Self.carrier], over: link, limits: Self.small)
      #expect(result.written.count == 2 && !cable.stick.hasMismatch)
    }
  }

  @Test("The last answer may come after minutes") func late() async throws {
    let (cable, link) = try await inBootMode()
    cable.change { $0.inner.timing.flash = .seconds(250) }
    let result = try await SierraQDL.download([Self.firmware], over: link)
    #expect(result.restarts == 0 && cable.stick.flash.writes == 1)
  }

  @Test("Answers after 0.9, 1.5 and 4 seconds are waited for", arguments: [900, 1500, 4000])
  func slow(milliseconds: Int) async throws {
    var quirks = SierraQuirks()
    quirks.answerDelay = .milliseconds(milliseconds)
    let (cable, link) = try await inBootMode(quirks: quirks)
    let result = try await SierraQDL.download([Self.firmware], over: link, limits: Self.small)
    #expect(result.restarts == 0 && cable.stick.flash.writes == 1)
  }

  @Test("A chunk is at most what the stick takes") func chunkSize() async throws {
    var quirks = SierraQuirks()
    quirks.largestChunk = 500
    let (cable, link) = try await inBootMode(quirks: quirks)
    _ = try await SierraQDL.download([Self.firmware], over: link)
    #expect(cable.sent.allSatisfy { $0[0] != 0x27 || $0.count <= 513 })
    #expect(cable.stick.flash.writes == 1)
  }

  @Test("Progress never goes back within an attempt and ends with a confirmed image")
  func progress() async throws {
    let (_, link) = try await inBootMode()
    var seen: [QDLProgress] = []
    _ = try await SierraQDL.download([Self.firmware], over: link, limits: Self.small) {
      seen.append($0)
    }
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.sent <= $1.sent })
    #expect(seen.last?.isDone == true && seen.last?.sent == seen.last?.size)
    let flashing = try #require(seen.firstIndex { $0.isFlashing })
    #expect(seen[flashing].sent < seen[flashing].size)
  }

  @Test("A stick whose window is three seconds is caught") func window() async throws {
    var quirks = SierraQuirks()
    quirks.bootHold = .seconds(3)
    let (cable, link) = try await inBootMode(quirks: quirks)
    _ = try await SierraQDL.download([Self.firmware], over: link)
    #expect(cable.stick.flash.writes == 1)
  }

  @Test("A probe finds the loader, and leaving starts the old firmware") func probe() async throws {
    let (cable, link) = try await inBootMode()
    #expect(try await SierraQDL.probe(over: link) == 6)
    await SierraQDL.leave(over: link)
    let port = try #require(await cable.open(.at))
    #expect(await port.command("AT+GMR").joined().contains("05.05.02.00"))
    #expect(cable.stick.flash.writes == 0)
  }
}
