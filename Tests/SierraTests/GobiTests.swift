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

/// Files, sticks and trials of a Gobi 2000.
enum GobiScenes {
  typealias File = (name: String, bytes: SharedBytes)
  static let old = SierraPersonality.gobi2000.firmware
  static let new = "D3200-STSUGN-1580"

  static func files(_ version: String = new, bytes: Int = 8192) -> [File] {
    SierraSample.gobi(version: version, bytes: bytes, seed: 7)
  }

  static func image(_ files: [File] = files()) throws -> CheckedImage {
    CheckedImage(
      image: try ImageRegistry.recognise(folder: files), path: "/files/gobi", sha256: "gobi")
  }

  /// A modem that shows its loader whenever it gets power, as another program left it.
  static func waiting(_ quirks: SierraQuirks = SierraQuirks()) -> SierraStick {
    var quirks = quirks
    quirks.startsInLoader = true
    return SierraStick(.gobi2000, quirks: quirks)
  }

  static func trial(
    _ image: CheckedImage, on stick: SierraStick = waiting()
  ) -> Trial<SierraStick> {
    var trial = Trial(stick, image)
    trial.policy.experimental = true
    return trial
  }
}

@Suite("The files of a Gobi 2000") struct GobiFileTests {
  @Test("are one image in the order in which they are sent, by name whatever the case")
  func whole() throws {
    var files = Array(GobiScenes.files().reversed())
    files[0].name = "uqcn.MBN"
    files.append(("readme.bin", SharedBytes([1, 2, 3])))
    let image = try ImageRegistry.recognise(folder: files)
    #expect(image.format == .gobi2000)
    #expect(image.segments.map(\.name) == ["amss.mbn", "apps.mbn", "UQCN.mbn"])
    #expect(image.segments.map(\.id) == [0x05, 0x06, 0x0d])
    #expect(image.claims.firmware?.text == GobiScenes.new)
    #expect(image.warnings == [.noChecksum, .fileIgnored("readme.bin")])
    #expect(image.warnings[0].description.contains("no checksum"))
    #expect(image.parts?.count == 3)
  }

  @Test("that are not complete, or not what they are called, are refused")
  func broken() {
    func refuses(_ code: String, _ change: (inout [GobiScenes.File]) -> Void) {
      var files = GobiScenes.files()
      change(&files)
      do throws(ImageError) {
        _ = try ImageRegistry.recognise(folder: files)
        Issue.record("\(code) was not noticed")
      } catch {
        #expect(error.trouble.code == code)
        #expect(error.trouble.exitCode == .badFile)
      }
    }
    refuses("gobi.incomplete") { $0.remove(at: 0) }
    refuses("gobi.incomplete") { $0.remove(at: 1) }
    refuses("gobi.wrong-part") { $0[0].bytes = SharedBytes([UInt8](repeating: 5, count: 8)) }
    refuses("gobi.wrong-part") { $0[1].bytes = SharedBytes([]) }
    refuses("gobi.wrong-part") { $0[2].bytes = SharedBytes([UInt8](repeating: 0xff, count: 99)) }
    refuses("gobi.wrong-part") { $0[1].bytes = SharedBytes([UInt8]("<html><p>Gone</p>".utf8)) }
    refuses("gobi.wrong-part") { $0.append(("AMSS.MBN", $0[1].bytes)) }
    refuses("gobi.wrong-part") { $0[0].bytes = SharedBytes(Sample.firmware().bytes) }
    // A boot header that names the other part: somebody renamed the files.
    refuses("gobi.wrong-part") {
      $0[1].bytes = SharedBytes(
        MBNImage.build(form: .short, imageID: 2, destination: 0, code: Sample.payload(500)))
    }
  }

  @Test("take nothing from packages of other kinds") func others() throws {
    var files = GobiScenes.files()
    files.append(
      ("partition.mbn", SharedBytes([0x9a, 0x1b, 0x7d, 0xaa, 0xbc, 0x48, 0x7d, 0x1f, 0, 0])))
    #expect(NANDPackage.isOne(files) && !GobiPackage.isOne(files))
    // Without the one file that only a Gobi has, the others may be of any modem.
    let two = Array(GobiScenes.files().prefix(2))
    #expect(!GobiPackage.isOne(two))
    #expect(throws: ImageError.folderEmpty) { try ImageRegistry.recognise(folder: two) }
  }

  @Test("name a version only by one text of the known shape") func version() throws {
    #expect(GobiPackage.version(in: "D3200-STSUGN-1575  1  [Apr]")?.text == "D3200-STSUGN-1575")
    for text in ["", "D3200-STSUGN-157", "D3200-STSUGN-15755", "K1_0_2_4AP", "D320A-STSUGN-1575"] {
      #expect(GobiPackage.version(in: text) == nil)
    }
    var files = GobiScenes.files()
    let both = [UInt8]("D3200-STSUGN-1575 D3200-STSUGN-1580 ".utf8) + Sample.payload(99)
    files[0].bytes = SharedBytes(both)
    let image = try ImageRegistry.recognise(folder: files)
    #expect(image.claims.firmware == nil)
    #expect(image.warnings.contains(.versionsDiffer(["D3200-STSUGN-1575", "D3200-STSUGN-1580"])))
  }
}

@Suite("A Gobi 2000 update") struct GobiUpdateTests {
  @Test("of a modem in its loader ends updated, asked of the modem itself") func good()
    async throws
  {
    let outcome = await GobiScenes.trial(try GobiScenes.image()).run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
    #expect(outcome.first.after?.text == GobiScenes.new)
    #expect(outcome.stick.flash.gobi?.keys.sorted() == [0x05, 0x06, 0x0d])
  }

  @Test("says in its plan what rests on inference, and wants the owner's word") func inference()
    async throws
  {
    let image = try GobiScenes.image()
    let refused = await Trial(GobiScenes.waiting(), image).run()
    #expect(refused.first.trouble?.code == "plan.experimental")
    for words in ["names a modem", "never seen", "no checksum", GobiScenes.new] {
      #expect(refused.first.trouble?.facts.contains { $0.contains(words) } == true, "\(words)")
    }
    #expect(refused.stick.flash == GobiScenes.waiting().flash)
  }

  @Test("cut at every send is survived, and resume finishes the job") func everySend()
    async throws
  {
    let sends = await GobiScenes.trial(try GobiScenes.image()).cutAtEverySend { cut, outcome in
      #expect(outcome.broken.isEmpty, "\(cut): \(outcome.broken)")
    }
    #expect(sends > 14)
  }

  @Test("of a host that dies after any journal record is finished by resume") func everyRecord()
    async throws
  {
    let records = await GobiScenes.trial(try GobiScenes.image())
      .crashAfterEveryRecord { record, outcome in
        #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
      }
    #expect(records > 8)
  }

  @Test("in any weather tells the truth", arguments: 0..<100) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    var trial = GobiScenes.trial(try GobiScenes.image())
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 40)
    // What changes behind the bus's checksums nobody can notice; the plan says so.
    trial.weather.corrupt = 0
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "seed \(seed) \(trial.weather): \(outcome.broken)")
  }

  @Test("that a byte of sabotage undoes is noticed by the checks") func canary() async throws {
    var trial = GobiScenes.trial(try GobiScenes.image())
    trial.sabotage = true
    #expect(!(await trial.run().broken.isEmpty))
  }

  @Test("of a modem that keeps its old version, or of files without one, is not called updated")
  func unproven() async throws {
    var quirks = SierraQuirks()
    quirks.keepsOldVersion = true
    let kept = await GobiScenes.trial(try GobiScenes.image(), on: GobiScenes.waiting(quirks)).run()
    #expect(kept.first.verdict == .unknown)
    #expect(kept.first.trouble?.code == "update.unverified")
    var files = GobiScenes.files()
    files[0].bytes = SharedBytes([UInt8](repeating: 3, count: 9) + Sample.payload(4000))
    let nameless = await GobiScenes.trial(try GobiScenes.image(files)).run()
    #expect(nameless.first.verdict == .unknown)
    #expect(nameless.first.trouble?.code == "update.unverified")
  }

  @Test("of a running modem is refused with the next step, unless it runs the version already")
  func running() async throws {
    let stick = SierraStick(.gobi2000)
    let refused = await GobiScenes.trial(try GobiScenes.image(), on: stick).run()
    #expect(refused.first.trouble?.code == "sierra.gobi-way-in")
    #expect(refused.first.trouble?.advice.first?.contains("loader") == true)
    #expect(refused.first.verdict == .unchanged && refused.stick.flash == stick.flash)
    #expect(refused.first.before?.text == GobiScenes.old)
    let same = try GobiScenes.image(GobiScenes.files(GobiScenes.old))
    let outcome = await GobiScenes.trial(same, on: stick).run()
    #expect(outcome.first.verdict == .unchanged && outcome.first.trouble == nil)
  }

  @Test("A loader is known for Sierra's by a port that nobody knows anything of") func unknownPort()
    async throws
  {
    for (personality, version) in [(SierraPersonality.gobi2000, 5), (.mc7304, 6)] {
      let (_, link) = try await inBootMode(personality)
      let (state, family) = try await Families.state(over: link, likely: nil, alone: false)
      #expect(state == .waiting(.qdl(version: UInt8(version))))
      #expect(family?.name == (version == 5 ? "sierra-gobi" : "sierra-qdl"))
    }
  }

  @Test("fits as far as is known: never more than that nothing speaks against it") func fit() throws
  {
    let facts = ImageFacts(try GobiScenes.image().image)
    var report = DeviceReport()
    report.vendor = "sierra"
    report.mode = .download
    #expect(Fit.judge(facts, report).answer == .unknown)
    report.mode = .normal
    report.revision = "D3200-STSUGN-1575  1  [Apr 14 2010 17:00:00]"
    report.firmware = FirmwareVersion(GobiScenes.old)
    let running = Fit.judge(facts, report)
    #expect(running.answer == .unknown)
    #expect(running.objections.contains { $0.text.contains("QMI") })
    #expect(FrontDoor(report, overPage: false).advice.contains("QMI"))
    report.revision = "SWI9X15C_05.05.02.00 r19147 carmd-fwbuild1 2013/11/15 13:54:28"
    #expect(Fit.judge(facts, report).answer == .doesNotFit)
  }

  @Test("of a loader of another generation is refused, both ways") func otherLoader() async throws {
    let gobi = try GobiScenes.image()
    var other = try Scenes.stick("mc7700")
    other.flash.application = nil
    let refused = await GobiScenes.trial(gobi, on: other).run()
    #expect(refused.first.trouble?.code == "sierra.other-loader")
    #expect(refused.first.trouble?.facts.first == "it speaks version 6 of QDL")
    #expect(refused.stick.flash == other.flash)
    let running = await GobiScenes.trial(gobi, on: try Scenes.stick("mc7304")).run()
    #expect(running.first.trouble?.code == "sierra.other-loader")
    var trial = GobiScenes.trial(try Scenes.files(other))
    trial.policy.forced = [.productUnknown]
    let cwe = await trial.run()
    #expect(cwe.first.trouble?.code == "sierra.other-loader")
    #expect(cwe.stick.flash == GobiScenes.waiting().flash)
    // The protocol itself refuses, too, should anybody come past the planner.
    let (cable, link) = try await inBootMode(.mc7304)
    let amss = try #require(
      QDLImage(name: "amss.mbn", type: .amss, file: GobiScenes.files()[0].bytes))
    await #expect(throws: QDLError.wrongVersion(6)) {
      try await SierraQDL.download([amss], over: link)
    }
    #expect(QDLError.wrongVersion(6).trouble.facts == ["protocol version 6, 5 needed"])
    #expect(cable.stick.flash.writes == 0)
  }
}
