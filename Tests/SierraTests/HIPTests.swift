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

/// Files and sticks of the 3G generation.
private enum Early {
  static let models = ["ac881u", "mc8790", "usb306"]

  static func bytes(_ personality: SierraPersonality = .mc8790, version: String = "9_0_0_1")
    -> [UInt8]
  {
    var sample = SierraSample(
      product: personality.products[0], family: personality.family, version: version)
    sample.bytes = 7000
    return sample.application() ?? []
  }

  static func image(_ bytes: [UInt8]) throws -> CheckedImage {
    CheckedImage(
      image: FirmwareImage([try SierraImage.read(SharedBytes(bytes))]), path: "/f.cwe",
      sha256: "hip")
  }

  static func trial(_ name: String) throws -> Trial<SierraStick> {
    let stick = try Scenes.stick(name)
    var trial = Trial(stick, try image(bytes(stick.personality)))
    trial.policy.experimental = true
    return trial
  }
}

@Suite("HIP download") struct HIPTests {
  private static let file = SharedBytes(Early.bytes())

  private func fails(_ code: String, _ link: any ByteLink, _ file: SharedBytes = file) async
    -> HIPError?
  {
    do {
      try await SierraHIP.download(file, over: link)
      Issue.record("\(code): the download did not fail")
      return nil
    } catch {
      #expect(error.trouble.code == code)
      #expect(!error.trouble.summary.isEmpty && !error.trouble.advice.isEmpty)
      return error
    }
  }

  @Test("The messages are those of the vendor's library, to the byte") func bytes() async throws {
    let cable = TestCable(SierraStick(.mc8790))
    let port = try #require(await cable.open(.at))
    #expect(await port.command("AT!BOOTHOLD").contains("OK"))
    let link = try #require(await cable.open(.download))
    try await SierraHIP.download(Self.file, over: link)
    let sent = cable.sent
    #expect(sent[0] == [0x7e, 0, 4, 3, 0, 1, 2, 3, 1, 0x7e])
    #expect(sent[1].starts(with: [0x7e, 0x06, 0x40, 0x00, 0x00]))
    #expect(sent.dropLast(3).last?[3] == 0x02)
    let sum = Early.bytes().reduce(UInt16(0)) { $0 &+ UInt16($1) }
    #expect(
      Wire.hip.unframed(sent[sent.count - 3]) == [1, 0, UInt8(sum >> 8), UInt8(sum & 0xff)])
    #expect(sent[sent.count - 2] == [0x7e, 0, 0, 4, 0, 0x7e])
    #expect(sent.last == [0x7e, 0, 0, 0x0b, 0, 0x7e])
    #expect(cable.stick.flash.application == "9_0_0_1AP")
    #expect(cable.stick.complaints.isEmpty)
  }

  @Test("Each failure has its own code and says what is known of the stick") func codes() async {
    #expect(await fails("hip.bad-plan", ScriptedLink.hip(), SharedBytes([1])) != nil)
    #expect(await fails("hip.no-answer", ScriptedLink.hip { _ in [] }) == .noAnswer)
    let running = ScriptedLink.hip { $0 == 3 ? [[0x43, 1, 1, 2, 3, 1]] : nil }
    #expect(await fails("hip.application", running)?.trouble.aftermath == .untouched)
    let refusing = ScriptedLink.hip { $0 == 0 ? [[0x40, 0x81] + Array("no".utf8)] : nil }
    let refusal = await fails("hip.refused", refusing)
    #expect(refusal == .refused(.start, code: 0x81, text: "no"))
    #expect(refusal?.trouble.aftermath == .stillBoots)
    let silent = ScriptedLink.hip { $0 == 2 ? [] : nil }
    #expect(await fails("hip.silent", silent) == .silent(.data))
    let strange = ScriptedLink.hip { $0 == 1 ? [[0x55, 0]] : nil }
    #expect(await fails("hip.unexpected", strange) == .unexpected(.end, id: 0x55))
    let mute = ScriptedLink.hip { $0 == 4 ? [] : nil }
    let lost = await fails("hip.last-answer-lost", mute)
    #expect(lost?.trouble.aftermath == .unknown && lost?.trouble.safeToUnplug == false)
    #expect(await fails("hip.gone", ScriptedLink.hip(failing: .gone)) == .gone(.loopback))
    let busy = ScriptedLink.hip(failing: .busy(holder: "ModemManager"))
    #expect(await fails("hip.link", busy)?.trouble.aftermath == .untouched)
    #expect(HIPError.sourceFailed(offset: 9).trouble.code == "hip.source-failed")
  }

  @Test("A request without an answer is never sent again by itself") func noBlindRepeat() async {
    let link = ScriptedLink.hip { $0 == 2 ? [] : nil }
    _ = await fails("hip.silent", link)
    // Three beginnings of a loopback, a start and one message of data each.
    #expect(link.sends == 9)
  }

  @Test("Any bytes from a loader end the download in time", arguments: 0..<60)
  func babble(seed: UInt64) async {
    let link = ScriptedLink.hip { id in
      var dice = Seeded(seed &* 1000 &+ UInt64(id))
      guard dice.next() % 3 == 0 else { return nil }
      return (0..<Int(dice.next() % 4)).map { _ in
        [UInt8(truncatingIfNeeded: dice.next()), UInt8(dice.next() % 3)]
          + Sample.payload(Int(dice.next() % 12), seed: dice.next())
      }
    }
    _ = try? await SierraHIP.download(Self.file, over: link)
    #expect(link.now < .seconds(3600), "seed \(seed)")
  }

  @Test("The simulated loader takes no more than 2000 bytes in a message") func longMessage()
    async throws
  {
    for (count, isTaken) in [(2000, true), (2001, false)] {
      let (cable, link) = try await inBootMode(.mc8790)
      let size: [UInt8] = [UInt8(count >> 8), UInt8(count & 0xff)]
      try await link.send([0x7e] + size + [3, 0] + [UInt8](repeating: 1, count: count) + [0x7e])
      #expect(((try? await link.receive(within: .seconds(2))) != nil) == isTaken, "\(count)")
      #expect(cable.stick.complaints.isEmpty == isTaken, "\(count)")
    }
  }

  @Test("A running modem and a QDL loader are not taken for a HIP loader") func probe() async throws
  {
    let (_, qdl) = try await inBootMode(.mc7304)
    await #expect(throws: HIPError.noAnswer) { try await SierraHIP.probe(over: qdl) }
    #expect(try await SierraBoot().state(over: qdl) == .waiting(.qdl(version: 6)))
    let (cable, hip) = try await inBootMode(.ac881u)
    #expect(try await SierraHIP.probe(over: hip) == .loader)
    #expect(try await SierraBoot().state(over: hip) == .waiting(.hip))
    await SierraHIP.leave(over: hip)
    #expect(await cable.open(.at) != nil)
  }
}

@Suite("An experimental update over HIP") struct HIPUpdateTests {
  @Test("needs the owner's word, which names what rests on inference", arguments: Early.models)
  func experimental(name: String) async throws {
    var trial = try Early.trial(name)
    trial.policy.experimental = false
    let refused = await trial.run()
    #expect(refused.first.trouble?.code == "plan.experimental")
    #expect(refused.first.trouble?.facts.count == 4)
    #expect(refused.stick.flash == trial.stick.flash)
    trial.policy.experimental = true
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
    #expect(outcome.stick.complaints.isEmpty, "\(outcome.stick.complaints)")
  }

  @Test("of anything but one application image is refused before anything is sent")
  func otherFiles() async throws {
    let stick = try Scenes.stick("mc8790")
    let header = { (type: String) in Sample.header(type, "K879", version: "K9_0_0_1AP") }
    let single = SierraBuilder.payload(header("QCOM"), Sample.payload(500)).bytes
    let package = SierraBuilder.composite(
      header("SPKG"), [.payload(header("APPL"), Sample.payload(500))]
    ).bytes
    var both = try Early.image(Early.bytes()).image
    both.claims.sierra = (both.claims.sierra ?? []) + (both.claims.sierra ?? [])
    let images = [
      try Early.image(single), try Early.image(package),
      CheckedImage(image: both, path: "/f", sha256: "two"),
    ]
    for image in images {
      var trial = Trial(stick, image)
      trial.policy.experimental = true
      let outcome = await trial.run()
      #expect(outcome.first.trouble?.code == "sierra.hip-loader")
      #expect(outcome.first.verdict == .unchanged)
      #expect(outcome.stick.flash == stick.flash)
    }
  }

  @Test("of a file of another line, or an older one, is refused") func otherLine() async throws {
    let stick = try Scenes.stick("mc8790")
    for (line, version, code) in [
      ("F", "9_0_0_1", "sierra.other-family"), ("K", "0_0_0_1", "sierra.downgrade"),
    ] {
      var sample = SierraSample(product: "K879", family: line, version: version)
      sample.bytes = 2000
      var trial = Trial(stick, try Early.image(sample.application() ?? []))
      trial.policy.experimental = true
      #expect(await trial.run().first.trouble?.code == code)
    }
  }

  @Test("cut at every send is survived, and resume finishes the job") func everySend() async throws
  {
    let sends = await (try Early.trial("mc8790")).cutAtEverySend { cut, outcome in
      #expect(outcome.broken.isEmpty, "\(cut): \(outcome.broken)")
    }
    #expect(sends > 15)
  }

  @Test("of a host that dies after any journal record is finished by resume") func everyRecord()
    async throws
  {
    let records = await (try Early.trial("mc8790")).crashAfterEveryRecord { record, outcome in
      #expect(outcome.broken.isEmpty, "crash after \(record): \(outcome.broken)")
    }
    #expect(records > 6)
  }

  @Test("in any weather tells the truth", arguments: 0..<100) func weather(seed: UInt64)
    async throws
  {
    var dice = Seeded(seed)
    var trial = try Early.trial(Early.models[Int(dice.next() % 3)])
    trial.seed = dice.next()
    trial.weather = Weather(seed: dice.next(), sends: 40)
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "seed \(seed) \(trial.weather): \(outcome.broken)")
  }

  @Test(
    "with any one answer lost or damaged ends truly", arguments: [0x40, 0x41, 0x42, 0x43, 0x44])
  func answers(kind: UInt8) async throws {
    for isLost in [true, false] {
      var trial = try Early.trial("mc8790")
      if isLost {
        trial.stick.quirks.losesFirst = [kind]
      } else {
        trial.stick.quirks.damagesFirst = [kind]
      }
      let outcome = await trial.run()
      #expect(outcome.broken.isEmpty, "\(outcome.broken)")
      #expect(outcome.first.verdict == .updated, "\(String(describing: outcome.first.trouble))")
    }
  }

  @Test("that the stick refuses leaves the old firmware", arguments: [0, 1, 2]) func refused(
    step: Int
  ) async throws {
    var trial = try Early.trial("mc8790")
    switch step {
    case 0: trial.stick.quirks.openStatus = 0x81
    case 1: trial.stick.quirks.writeStatus = 2
    default: trial.stick.quirks.doneStatus = 0x87
    }
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.first.trouble?.code == "hip.refused")
    #expect(outcome.stick.flash.application == trial.stick.flash.application)
  }
}
