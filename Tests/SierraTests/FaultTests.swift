import SmithBench
import SmithBytes
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import Testing

/// The fault table of Docs/Protocols/sierra-qdl.md section 8, case by case.
@Suite("QDL faults") struct FaultTests {
  static let firmware = DownloadTests.firmware
  static let carrier = DownloadTests.carrier
  static let old = "05.05.02.00"
  static let new = "05.05.66.00"

  private func fails(
    _ code: String, _ images: [QDLImage] = [firmware], over link: any ByteLink,
    limits: QDLLimits = DownloadTests.small
  ) async -> QDLError? {
    do {
      _ = try await SierraQDL.download(images, over: link, limits: limits)
      Issue.record("\(code): the download did not fail")
      return nil
    } catch {
      #expect(error.trouble.code == code)
      #expect(!error.trouble.summary.isEmpty && !error.trouble.advice.isEmpty)
      return error
    }
  }

  private func damaged(_ offset: Int, xor value: UInt8) -> QDLImage {
    var bytes = Sample.firmware().bytes
    bytes[offset] ^= value
    return Sample.image("fw.cwe", bytes)
  }

  @Test("An image with a wrong CRC is refused at the end and the old firmware stays")
  func imageCRC() async throws {
    let (cable, link) = try await inBootMode()
    let error = await fails("qdl.done-refused", [damaged(3000, xor: 1)], over: link)
    #expect(error == .doneRefused(image: "fw.cwe", status: 0x89, type: 0x80))
    #expect(error?.trouble.aftermath == .stillBoots)
    #expect(cable.stick.flash.application == Self.old)
  }

  @Test(
    "A wrong header or product is refused before any data",
    arguments: [(0x20, 0x8b as UInt16), (0x110, 0x81), (0x10c, 0x80), (0x117, 0x82)])
  func header(offset: Int, status: UInt16) async throws {
    let (cable, link) = try await inBootMode()
    let error = await fails("qdl.open-refused", [damaged(offset, xor: 1)], over: link)
    #expect(error == .openRefused(image: "fw.cwe", status: status))
    #expect(cable.stick.flash.application == Self.old)
    #expect(!cable.sent.contains { $0[0] == 0x27 })
  }

  @Test("A lost switch, hello or open is asked again", arguments: [1, 2, 3, 4])
  func lostRequest(number: Int) async throws {
    var faults = Faults()
    faults.lostSends = [number]
    let (cable, link) = try await inBootMode(faults: faults)
    _ = try await SierraQDL.download([Self.firmware], over: link, limits: DownloadTests.small)
    #expect(cable.stick.flash.application == Self.new && cable.stick.flash.writes == 1)
  }

  @Test("A lost chunk begins the image again and is never sent into the dark")
  func lostChunk() async throws {
    var faults = Faults()
    faults.lostSends = [6]
    let (cable, link) = try await inBootMode(faults: faults)
    let result = try await SierraQDL.download(
      [Self.firmware], over: link, limits: DownloadTests.small)
    #expect(result.restarts == 1)
    #expect(cable.stick.flash.application == Self.new && cable.stick.flash.writes == 1)
    #expect(cable.stick.complaints.isEmpty)
    expectNoBlindChunk(cable.sent)
  }

  @Test(
    "A lost or damaged answer leads to a whole image all the same",
    arguments: [0x02, 0x26, 0x28, 0x2a] as [UInt8], [true, false])
  func badAnswer(kind: UInt8, isLost: Bool) async throws {
    var quirks = SierraQuirks()
    if isLost { quirks.losesFirst = [kind] } else { quirks.damagesFirst = [kind] }
    let (cable, link) = try await inBootMode(quirks: quirks)
    let result = try await SierraQDL.download(
      [Self.firmware], over: link, limits: DownloadTests.small)
    #expect(result.written == ["fw.cwe"])
    #expect(cable.stick.flash.application == Self.new)
    expectNoBlindChunk(cable.sent)
  }

  @Test("Only one chunk, its answer damaged: the image is sent again and no failure is claimed")
  func lastAnswerDamaged() async throws {
    var quirks = SierraQuirks()
    quirks.damagesFirst = [0x28]
    let (cable, link) = try await inBootMode(quirks: quirks)
    let result = try await SierraQDL.download([Self.firmware], over: link)
    #expect(result.restarts == 1 && cable.stick.flash.application == Self.new)
  }

  @Test("A stick that never confirms the last chunk is unknown, not failed")
  func lastAnswerLost() async throws {
    var quirks = SierraQuirks()
    quirks.losesLastAnswer = true
    let (cable, link) = try await inBootMode(quirks: quirks)
    let error = await fails("qdl.last-answer-lost", over: link)
    #expect(error?.trouble.aftermath == .unknown)
    #expect(cable.stick.flash.application == Self.new)
    #expect(!cable.sent.contains([UInt8](hex: "7E2D9F0A7E") ?? []))
  }

  @Test("Each refusal has its code and leaves the stick as it says")
  func refusals() async throws {
    var quirks = SierraQuirks()
    quirks.openStatus = 6
    _ = try await fails("qdl.open-refused", over: inBootMode(quirks: quirks).1)
    quirks = SierraQuirks()
    quirks.writeStatus = 2
    _ = try await fails("qdl.write-refused", over: inBootMode(quirks: quirks).1)
    quirks.writeStatus = 1
    _ = try await fails("qdl.write-refused", over: inBootMode(quirks: quirks).1)
    quirks = SierraQuirks()
    quirks.doneStatus = 1
    let (cable, link) = try await inBootMode(quirks: quirks)
    _ = await fails("qdl.done-refused", over: link)
    #expect(cable.stick.flash.application == Self.old)
    quirks = SierraQuirks()
    quirks.switchAnswer = .error(7)
    _ = try await fails("qdl.switch-refused", over: inBootMode(quirks: quirks).1)
  }

  @Test("An image that the stick does not need is left out") func notNeeded() async throws {
    var quirks = SierraQuirks()
    quirks.openStatus = 7
    let (cable, link) = try await inBootMode(quirks: quirks)
    let result = try await SierraQDL.download([Self.firmware], over: link)
    #expect(result.notNeeded == ["fw.cwe"] && result.written.isEmpty)
    #expect(cable.stick.flash.writes == 0)
  }

  @Test("A loader that is silent to the switch but answers hello is used") func silentSwitch()
    async throws
  {
    var quirks = SierraQuirks()
    quirks.switchAnswer = .silent
    let (cable, link) = try await inBootMode(quirks: quirks)
    _ = try await SierraQDL.download([Self.firmware], over: link)
    #expect(cable.stick.flash.application == Self.new)
  }

  @Test("Wrong ports and wrong generations are named") func wrongPlaces() async throws {
    let running = TestCable(SierraStick(.mc7304))
    let diag = try #require(await running.open(.diag))
    _ = await fails("qdl.diag-port", over: diag)
    var sahara = SierraQuirks()
    sahara.noise = [1, 0, 0, 0, 0x30, 0, 0, 0] + [UInt8](repeating: 0, count: 40)
    sahara.switchAnswer = .silent
    _ = try await fails("qdl.sahara", over: inBootMode(quirks: sahara).1)
    _ = try await fails("qdl.no-answer", over: inBootMode(.mc8790).1)
    var gobi1000 = SierraPersonality.gobi2000
    gobi1000.loader = .qdl(version: 4, knowsSwitch: true)
    _ = try await fails("qdl.version-refused", over: inBootMode(gobi1000).1)
    _ = try await fails("qdl.wrong-version", over: inBootMode(.gobi2000).1)
  }

  @Test("What cannot be sent is refused before the first byte") func badPlans() async throws {
    let (cable, link) = try await inBootMode()
    _ = await fails("qdl.bad-plan", [], over: link)
    let empty = QDLImage(name: "x", type: .cwe, header: [], size: 0) { _, _ in true }
    _ = await fails("qdl.bad-plan", [empty], over: link)
    #expect(cable.sends == 0)
    let torn = QDLImage(
      name: "torn", type: .cwe, header: Self.firmware.header, size: Self.firmware.size
    ) { range, buffer in
      range.lowerBound == 0 && Self.firmware.append(range, &buffer)
    }
    _ = await fails("qdl.source-failed", [torn], over: link)
    var quirks = SierraQuirks()
    quirks.largestChunk = 1
    let large = Sample.image("large", Sample.firmware(bytes: 70_000))
    let error = try await fails(
      "qdl.chunks-too-small", [large], over: inBootMode(quirks: quirks).1)
    #expect(error == .chunksTooSmall(image: "large", bytes: 1))
  }

  @Test("Answers that no loader should give end the download with their own codes")
  func strange() async {
    let error = ScriptedLink.loader { message, _ in
      message[0] == 0x25 ? [[0x0d, 0x12, 0, 0, 0, 0x66, 0x75, 0x6c, 0x6c, 0]] : nil
    }
    #expect(await fails("qdl.refused", over: error) == .refused(.open, image: "fw.cwe", code: 0x12))
    let other = ScriptedLink.loader { message, _ in message[0] == 0x25 ? [[0x55]] : nil }
    #expect(await fails("qdl.unexpected", over: other) == .unexpected(.open, first: 0x55))
    let short = ScriptedLink.loader { message, _ in message[0] == 0x25 ? [[0x26, 0]] : nil }
    #expect(await fails("qdl.malformed", over: short) == .malformed(.open, count: 2))
    let mute = ScriptedLink.loader { message, _ in message[0] == 0x25 ? [] : nil }
    #expect(await fails("qdl.silent", over: mute) == .silent(.open, image: "fw.cwe"))
    let gone = ScriptedLink(failing: .gone) { _, _ in [] }
    #expect(await fails("qdl.gone", over: gone) == .gone(.start))
    let busy = ScriptedLink(failing: .busy(holder: "ModemManager")) { _, _ in [] }
    #expect(await fails("qdl.link", over: busy)?.trouble.safeToUnplug == true)
  }

  @Test("A loader that repeats itself for ever does not hold us for ever")
  func endless() async {
    let old: [UInt8] = [0x26, 0, 0, 1, 0, 0, 0x10, 0]
    let link = EndlessLink(HDLC.frame(old))
    #expect(await fails("qdl.no-answer", over: link) == .noAnswer)
    #expect(link.now < .seconds(60))
  }

  @Test("Whatever a loader babbles, the download ends", arguments: 0..<60)
  func babble(seed: UInt64) async {
    let link = ScriptedLink.loader { message, count in
      var dice = Seeded(seed &* 1000 &+ UInt64(count))
      guard dice.next() % 3 == 0 else { return nil }
      let kinds: [UInt8] = [0x02, 0x0d, 0x26, 0x28, 0x2a, 0x13, UInt8(dice.next() % 256)]
      return (0..<Int(dice.next() % 4)).map { _ in
        [kinds[Int(dice.next() % 7)]] + Sample.payload(Int(dice.next() % 12), seed: dice.next())
      }
    }
    let result = try? await SierraQDL.download([Self.firmware], over: link)
    #expect(result?.written.count ?? 0 <= 1, "seed \(seed)")
    #expect(link.now < .seconds(3600), "seed \(seed)")
  }

  @Test("False success of the stick is not ours to claim: the stick has to be asked")
  func falseSuccess() async throws {
    var quirks = SierraQuirks()
    quirks.keepsOldVersion = true
    let (cable, link) = try await inBootMode(quirks: quirks)
    _ = try await SierraQDL.download([Self.firmware], over: link)
    let port = try #require(await cable.open(.at))
    #expect(await port.command("AT+GMR").joined().contains(Self.old))
    quirks = SierraQuirks()
    quirks.staysInBoot = true
    let (stuck, other) = try await inBootMode(quirks: quirks)
    _ = try await SierraQDL.download([Self.firmware], over: other)
    #expect(await stuck.open(.at) == nil)
    #expect(await stuck.open(.download) != nil)
  }

  /// A chunk may only be sent again after a hello and an open.
  private func expectNoBlindChunk(_ sent: [[UInt8]]) {
    var last = -1
    for message in sent {
      if message.starts(with: [0x7e, 0x25]) { last = -1 }
      guard message[0] == 0x27 else { continue }
      let sequence = Int(message[1]) | Int(message[2]) << 8
      #expect(sequence == last + 1)
      last = sequence
    }
  }
}

@Suite("QDL interruptions") struct InterruptionTests {
  /// Updates whatever state the stick is in, as `resume` would.
  private func finish(_ cable: TestCable) async throws {
    if let port = await cable.open(.at, within: .seconds(30)) {
      #expect(await port.command("AT!BOOTHOLD").contains("OK"))
    }
    guard let link = await cable.open(.download) else { throw Stuck(at: "no port after the cut") }
    _ = try await SierraQDL.download(
      [FaultTests.firmware, FaultTests.carrier], over: link, limits: DownloadTests.small)
    #expect(await cable.open(.at) != nil)
  }

  @Test(
    "Power cut at every send: old firmware or loader, and a second run ends it",
    arguments: [true, false])
  func cutEverywhere(isDelivered: Bool) async throws {
    let (whole, link) = try await inBootMode()
    _ = try await SierraQDL.download(
      [FaultTests.firmware, FaultTests.carrier], over: link, limits: DownloadTests.small)
    let count = whole.sends
    #expect(count > 12)
    var bootOnly = 0
    for number in 1...count {
      var faults = Faults()
      faults.cutAtSend = number
      faults.cutAfterDelivery = isDelivered
      let (cable, link) = try await inBootMode(faults: faults)
      var failure: QDLError?
      do {
        _ = try await SierraQDL.download(
          [FaultTests.firmware, FaultTests.carrier], over: link, limits: DownloadTests.small)
        #expect(number == count, "send \(number)")
      } catch {
        failure = error
      }
      let application = cable.stick.flash.application
      if application == nil { bootOnly += 1 }
      if failure?.trouble.aftermath == .stillBoots {
        #expect(application != nil, "send \(number)")
      }
      cable.replug()
      try await finish(cable)
      #expect(cable.stick.flash.application == FaultTests.new, "send \(number)")
      #expect(!cable.stick.hasMismatch, "send \(number)")
    }
    #expect(bootOnly == (isDelivered ? 1 : 0))
  }

  @Test("Power cut while flashing leaves only boot mode, and the same image repairs it")
  func cutWhileFlashing() async throws {
    let (cable, link) = try await inBootMode()
    cable.change { $0.faults.cutAtSend = 5 }
    do {
      _ = try await SierraQDL.download([FaultTests.firmware], over: link)
      Issue.record("the cut was not seen")
    } catch {
      #expect(error == .gone(.flash))
      #expect(error.trouble.aftermath == .unknown && !error.trouble.safeToUnplug)
    }
    cable.replug()
    #expect(await cable.open(.at, within: .seconds(60)) == nil)
    try await finish(cable)
    #expect(cable.stick.flash.application == FaultTests.new)
  }
}
