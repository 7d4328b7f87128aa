import SmithBench
import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithVendors
import Testing

@Suite("Sierra answers") struct AnswerTests {
  @Test(
    "Revision texts of every generation are taken apart",
    arguments: [
      (
        "K1_0_2_4AP C:/WS/FW/K1_0_2_4AP/MSM6290/SRC 2008/08/26 13:18:25",
        ["K", "1.0.2.4", "AP", "MSM6290"]
      ),
      (
        "U1_2_8MCAP G:/WORKSPACES/FIRMWARE/U1_2_8MCAP/MSM6275/SRC 2006/03/07 21:31:16",
        ["U", "1.2.8", "MCAP", "MSM6275"]
      ),
      (
        "SWI9200X_03.05.10.02AP R4684 CARMD-EN-10527 2012/02/25 11:58:38",
        ["SWI9200X", "03.05.10.02", "AP", ""]
      ),
      (
        "SWI9X15C_05.05.02.00 r19147 carmd-fwbuild1 2013/11/15 13:54:28",
        ["SWI9X15C", "05.05.02.00", "", ""]
      ),
      (
        "SWI9X15C_01.08.16.03 r15408 carmd-fwbuild1 2013/05/23 01:33:27",
        ["SWI9X15C", "01.08.16.03", "", ""]
      ),
      (
        "SWI9X30C_02.33.03.00 r8209 CARMD-EV-FRMWR2 2019/08/28 20:59:30",
        ["SWI9X30C", "02.33.03.00", "", ""]
      ),
    ])
  func revisions(text: String, parts: [String]) throws {
    let read = try #require(SierraRevision(text))
    #expect([read.family, read.version.text, read.image, read.chipset ?? ""] == parts)
  }

  @Test(
    "Other texts are not taken for a revision",
    arguments: [
      "", " ", "D3200-STSUGN-1575  1  [Apr 14 2010 17:00:00]", "NOT IMPLEMENTED", "ERROR",
      "SWI_1.2.3.4", "SWI9X15C_5.5", "K1_2AP", "SWI9X15C_05.05.02.00_x", "11.126.16.04.00",
    ])
  func noRevision(text: String) { #expect(SierraRevision(text) == nil) }

  @Test("Settings packages are read; unknown values are nothing") func pri() {
    let wp = SierraPRI(lines: [
      "PRI Part Number: 9905383", "Revision: 01.02", "",
      "Carrier PRI: \t9999999_9904559_SWI9X15Y_07.08.02.00_00_GENERIC_001.018_000",
    ])
    #expect(wp.part == "9905383" && wp.customer == nil)
    #expect(SierraVersionText(wp.carrier ?? "").family == "SWI9X15Y")
    let none = SierraPRI(lines: [
      "PRI Part Number: Unknown", "Revision: Unknown", "Customer: Unknown", "Carrier PRI: None",
    ])
    #expect(none == SierraPRI(lines: []))
  }

  @Test("Mismatch lines and empty values make a preference unhealthy") func preference() throws {
    let bad = try #require(
      SierraPreference(lines: [
        "!IMPREF: ", " preferred fw version:    02.33.03.00",
        " preferred carrier name:  GENERIC", " preferred config name:   GENERIC_002.072_000",
        " preferred subpri index:  000", " current fw version:      02.33.03.00",
        " current carrier name:    GENERIC", " current config name:     GENERIC_002.026_000",
        " current subpri index:    000", "", " config name mismatch",
      ]))
    #expect(bad.mismatches == ["config name mismatch"] && !bad.isHealthy)
    #expect(bad.current.configuration == "GENERIC_002.026_000")
    let lost = try #require(
      SierraPreference(lines: [
        "!GOBIIMPREF:", "preferred fw version: 02.33.03.00", "preferred carrier name: GENERIC",
        "preferred config name: GENERIC_002.072_000", "current fw version: 02.33.03.00",
        "current carrier name:", "current config name:",
      ]))
    #expect(lost.current.carrier == nil && lost.mismatches.isEmpty && !lost.isHealthy)
    let good = try #require(
      SierraPreference(lines: [
        "!IMPREF:", "preferred fw version: 01.14.02.00", "preferred carrier name: GENERIC",
        "preferred config name: GENERIC_002.035_003", "current fw version: 01.14.02.00",
        "current carrier name: GENERIC", "current config name: GENERIC_002.035_003",
      ]))
    #expect(good.isHealthy && good.preferred == good.current)
    #expect(SierraPreference(lines: ["ERROR"]) == nil)
  }

  @Test("Both spellings of the low-power reason are understood") func power() throws {
    let new = try #require(
      SierraPower(lines: [
        "State: Low Power Mode",
        "LPM voters - Temp:0, Volt:0, User:0, W_DISABLE:0, IMSWITCH:1, BIOS:0",
        "LPM persistence - None",
      ]))
    #expect(new.isLow && new.voters == ["IMSWITCH"] && new.isImageMismatch)
    let old = try #require(
      SierraPower(lines: [
        "State: LowPowerMode",
        "LPM force flags - W_DISABLE:1, User:0, Temp:0, Volt:0, BIOS:0, GOBIIM:1",
        "W_DISABLE: 0",
      ]))
    #expect(old.voters == ["W_DISABLE", "GOBIIM"] && old.isImageMismatch)
    #expect(SierraPower(lines: ["State: Online"])?.isLow == false)
    #expect(SierraPower(lines: []) == nil)
  }

  @Test("Short answers give their value or nothing") func short() {
    #expect(
      SierraAnswers.mode(status: ["Reset Counter: 3                Mode:        LOW POWER MODE"])
        == "LOW POWER MODE")
    #expect(SierraAnswers.mode(status: ["Mode:        ONLINE         PS: x"]) == "ONLINE")
    #expect(SierraAnswers.version(gver: ["NOT IMPLEMENTED"]) == nil)
    #expect(SierraAnswers.version(gver: ["!GVER: K1_0_2_4AP x"]) == "K1_0_2_4AP x")
    #expect(
      SierraAnswers.version(gmr: ["", "SWI9X15C_05.05.02.00 r1"]) == "SWI9X15C_05.05.02.00 r1")
    #expect(SierraAnswers.hardware(lines: ["Revision: 1.0"]) == "1.0")
  }

  @Test("No answer makes a parser trap", arguments: 0..<30) func mutation(seed: UInt64) {
    var dice = Seeded(seed)
    let alphabet = Array("FWPRI 0129:_-.?,xXSWILPMvotersMode!\t\u{e4}")
    for _ in 0..<200 {
      let lines = (0..<Int(dice.next() % 6)).map { _ in
        String((0..<Int(dice.next() % 40)).map { _ in alphabet[Int(dice.next() % 36)] })
      }
      _ = (SierraPower(lines: lines), SierraPreference(lines: lines), SierraPRI(lines: lines))
      _ = SierraAnswers.mode(status: lines)
      _ = lines.map { (SierraRevision($0), SierraVersionText($0)) }
    }
  }
}

@Suite("Sierra matching") struct MatchingTests {
  private let mc7304 = SierraDevice(
    model: "MC7304", revision: SierraRevision("SWI9X15C_05.05.02.00 r19147"),
    id: USBID(0x1199, 0x68c0), carrier: "GENERIC")

  private func image(_ builder: SierraBuilder) throws -> SierraImage {
    try SierraImage.read(SharedBytes(builder.bytes))
  }

  private func refusal(
    _ builders: [SierraBuilder], _ device: SierraDevice? = nil, force: Bool = false
  ) throws -> SierraMismatch? {
    let images = try builders.map(image)
    do {
      _ = try SierraMatching.match(images, with: device ?? mc7304) { _ in force }
      return nil
    } catch {
      #expect(error.trouble.exitCode == .refused && error.trouble.code.hasPrefix("sierra."))
      return error
    }
  }

  @Test("Firmware with its settings matches; alone it warns") func good() throws {
    let both = try SierraMatching.match(
      [image(Sample.firmware()), image(Sample.carrier())], with: mc7304)
    #expect(both.firmware == FirmwareVersion("05.05.66.00") && both.carrier == "GENERIC")
    #expect(both.warnings.isEmpty && !both.isSame)
    let alone = try SierraMatching.match([image(Sample.firmware())], with: mc7304)
    #expect(alone.warnings.count == 1)
    let same = try SierraMatching.match([image(Sample.firmware("05.05.02.00"))], with: mc7304)
    #expect(same.isSame)
  }

  @Test("Another family or chip is refused, also by force") func family() throws {
    let other = Sample.firmware("02.33.03.00", product: "9X30", family: "SWI9X30C")
    let code = "sierra.other-family"
    #expect(try refusal([other])?.trouble.code == code)
    #expect(try refusal([other], force: true)?.trouble.code == code)
    #expect(
      try refusal([Sample.firmware(product: "9x30")])
        == .otherProduct(file: "9X30", stick: "SWI9X15C"))
    #expect(try refusal([Sample.firmware(product: "Q123")]) == nil)
  }

  @Test("What is unknown on either side is no match") func unknown() throws {
    #expect(try refusal([Sample.firmware()], SierraDevice())?.trouble.code == "sierra.unproven")
    let nameless = SierraBuilder.composite(
      Sample.header("SPKG"), [.payload(Sample.header("APPL"), [1, 2, 3])])
    #expect(try refusal([nameless], force: true)?.trouble.code == "sierra.unproven")
    let keys = SierraBuilder.payload(Sample.header("KEYS"), [1])
    #expect(try refusal([keys]) == .nothingToInstall)
    #expect(try refusal([]) == .nothingToInstall)
    var patch = Sample.header("SPKG", version: "INTERNAL_?_SWI9X15C_05.05.66.00_?_?_?_?")
    patch.flags = .delta
    #expect(try refusal([.payload(patch, [1])]) == .difference)
    let firehose = SierraDevice(revision: SierraRevision("SWI9X50C_01.05.01.00"))
    #expect(try refusal([Sample.firmware()], firehose) == .outOfScope(family: "SWI9X50C"))
  }

  @Test("Settings have to be of the firmware's version and of the stick's carrier")
  func carrier() throws {
    #expect(
      try refusal([Sample.firmware(), Sample.carrier("05.05.58.00")])
        == .versionsDiffer(firmware: "05.05.66.00", carrier: "05.05.58.00"))
    #expect(
      try refusal([Sample.carrier()])
        == .versionsDiffer(firmware: "05.05.02.00", carrier: "05.05.66.00"))
    #expect(try refusal([Sample.carrier("05.05.02.00", name: "Generic")]) == nil)
    let verizon = [Sample.firmware(), Sample.carrier(name: "VERIZON")]
    #expect(try refusal(verizon) == .otherCarrier(file: "VERIZON", stick: "GENERIC"))
    #expect(try refusal(verizon, force: true) == nil)
  }

  @Test("An older file is refused unless the owner insists") func downgrade() throws {
    let old = [Sample.firmware("05.05.01.00")]
    #expect(try refusal(old) == .downgrade(file: "05.05.01.00", stick: "05.05.02.00"))
    #expect(try refusal(old, force: true) == nil)
  }

  @Test("Each refusal has its code, and only rules of the owner can be waived") func codes() {
    let table: [(SierraMismatch, String, Bool)] = [
      (.unproven("x"), "sierra.unproven", false),
      (.otherFamily(file: "a", stick: "b"), "sierra.other-family", false),
      (.otherProduct(file: "a", stick: "b"), "sierra.other-product", false),
      (.outOfScope(family: "a"), "sierra.out-of-scope", false),
      (.versionsDiffer(firmware: "a", carrier: "b"), "sierra.versions-differ", false),
      (.otherCarrier(file: "a", stick: "b"), "sierra.other-carrier", true),
      (.downgrade(file: "a", stick: "b"), "sierra.downgrade", true),
      (.otherSeller(file: "a", stick: "b"), "sierra.other-seller", true),
      (.difference, "sierra.difference", false),
      (.nothingToInstall, "sierra.nothing-to-install", false),
    ]
    for (mismatch, code, canBeWaived) in table {
      #expect(mismatch.trouble.code == code && mismatch.canBeWaived == canBeWaived)
      #expect(!mismatch.trouble.summary.isEmpty && !mismatch.trouble.advice[0].isEmpty)
    }
  }

  @Test("A package for one buyer is not for the stick of another") func seller() throws {
    let text = "1102816_9905383_SWI9X15C_05.05.66.00_00_GENERIC_001.002_000"
    let package = SierraBuilder.composite(
      Sample.header("SPKG", version: text), [.payload(Sample.header("APPL"), [1, 2, 3])])
    #expect(try refusal([package]) == .otherSeller(file: "1102816", stick: "Sierra Wireless"))
    var own = mc7304
    own.package = SierraVersionText(text)
    #expect(try refusal([package], own) == nil)
    var dell = mc7304
    dell.id = USBID(0x413c, 0x81b6)
    #expect(dell.oem == "Dell")
    let match = try SierraMatching.match(
      [image(Sample.firmware()), image(Sample.carrier())], with: dell)
    #expect(match.warnings == ["this stick is sold by Dell"])
  }
}

@Suite("Simulated Sierra sticks") struct StickTests {
  @Test("Every stick answers who it is", arguments: SierraPersonality.all.map(\.name))
  func identity(name: String) async throws {
    let personality = try #require(SierraPersonality.all.first { $0.name == name }).personality
    let cable = TestCable(SierraStick(personality))
    let port = try #require(await cable.open(.at))
    let lines = await port.command("ATI")
    #expect(lines.contains { $0.hasPrefix("Manufacturer: Sierra Wireless") })
    #expect(lines.contains("Model: \(personality.model)") && lines.last == "OK")
    #expect(lines.first == "ATI")
    #expect(await port.command("ATE0").contains("OK"))
    #expect(await port.command("AT+CGSN") == ["012345678901237", "OK"])
    if name != "gobi2000" {
      let revision = SierraAnswers.version(gmr: await port.command("AT+GMR"))
      #expect(SierraRevision(revision ?? "") != nil)
    }
    #expect(await port.command("AT!QPSTDLOAD").last != "OK")
  }

  @Test("Firmware alone leaves the radio off, until the settings follow") func mismatch()
    async throws
  {
    for personality in [SierraPersonality.mc7304, .mc7455] {
      let isNew = personality.preference == .impref
      let (product, family) = isNew ? ("9X30", "SWI9X30C") : ("9X15", "SWI9X15C")
      let version = "05.05.66.00"
      let firmware = Sample.firmware(version, product: product, family: family)
      let cable = TestCable(SierraStick(personality))
      var port = try await update(cable, [Sample.image("fw", firmware)])
      let query = isNew ? "AT!IMPREF?" : "AT!GOBIIMPREF?"
      let bad = try #require(SierraPreference(lines: await port.command(query)))
      #expect(bad.mismatches == ["fw version mismatch"])
      #expect(
        SierraAnswers.mode(status: await port.command("AT!GSTATUS?")) == "LOW POWER MODE")
      #expect(SierraPower(lines: await port.command("AT!PCINFO?"))?.isImageMismatch == true)
      let carrier = Sample.carrier(version, product: product, family: family)
      port = try await update(cable, [Sample.image("nvu", carrier)])
      #expect(SierraPreference(lines: await port.command(query))?.isHealthy == true)
      #expect(SierraAnswers.mode(status: await port.command("AT!GSTATUS?")) == "ONLINE")
    }
  }

  @Test("Settings of another carrier are a mismatch that only the owner can prefer")
  func wrongCarrier() async throws {
    let cable = TestCable(SierraStick(.mc7304))
    let files = [Sample.firmware(), Sample.carrier(name: "VERIZON")]
    let port = try await update(cable, files.map { Sample.image("file", $0) })
    let read = try #require(SierraPreference(lines: await port.command("AT!GOBIIMPREF?")))
    #expect(read.mismatches.count == 3 && read.current.carrier == "VERIZON")
    #expect(await port.command("AT!GOBIIMPREF=\"VERIZON\"").last == "ERROR")
    #expect(await port.command("AT!ENTERCND=\"A710\"").last == "OK")
    #expect(await port.command("AT!GOBIIMPREF=\"VERIZON\"").last == "OK")
    #expect(!cable.stick.hasMismatch)
  }

  private func update(_ cable: TestCable, _ images: [QDLImage]) async throws -> any ByteLink {
    guard let old = await cable.open(.at) else { throw Stuck(at: "AT port") }
    _ = await old.command("AT!BOOTHOLD")
    guard let link = await cable.open(.download) else { throw Stuck(at: "download port") }
    _ = try await SierraQDL.download(images, over: link)
    guard let port = await cable.open(.at) else { throw Stuck(at: "AT port afterwards") }
    return port
  }
}
