import SmithAT
import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

/// The fault table of Docs/Protocols/sierra-qdl.md section 8 once more, as whole updates: what the
/// owner is told is true in each, and the update succeeds wherever it can.
@Suite("A Sierra update with a fault") struct SierraFaultUpdateTests {
  private typealias Outcome = Trial<SierraStick>.Outcome

  private func run(
    _ name: String = "mc7304", weather: Weather = Weather(),
    _ change: (inout SierraQuirks) -> Void = { _ in }
  ) async throws -> Outcome {
    var quirks = SierraQuirks()
    change(&quirks)
    let stick = try Scenes.stick(name, quirks: quirks)
    var trial = Trial(stick, try Scenes.files(stick))
    trial.weather = weather
    let outcome = await trial.run()
    #expect(outcome.broken.isEmpty, "\(outcome.broken)")
    return outcome
  }

  private func refused(_ outcome: Outcome, _ code: String, _ version: String = "05.05.02.00") {
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.first.trouble?.code == code)
    #expect(outcome.first.trouble?.aftermath == .stillBoots)
    #expect(outcome.stick.flash.application == version)
  }

  @Test("in an image or its header ends with the old firmware", arguments: [0x8b, 0x81, 6])
  func openRefused(status: UInt16) async throws {
    refused(try await run { $0.openStatus = status }, "qdl.open-refused")
  }

  @Test("found after the last byte ends with the old firmware", arguments: [0x89, 1])
  func doneRefused(status: UInt16) async throws {
    refused(try await run { $0.doneStatus = status }, "qdl.done-refused")
  }

  @Test("at every chunk ends with the old firmware", arguments: [1, 2])
  func writeRefused(status: UInt16) async throws {
    refused(try await run { $0.writeStatus = status }, "qdl.write-refused")
  }

  @Test(
    "in any one answer is survived", arguments: [0x02, 0x26, 0x28, 0x2a] as [UInt8], [true, false])
  func answer(kind: UInt8, isLost: Bool) async throws {
    let outcome = try await run {
      if isLost { $0.losesFirst = [kind] } else { $0.damagesFirst = [kind] }
    }
    #expect(outcome.first.verdict == .updated)
  }

  @Test("in the last answer, every time, is decided by asking the stick") func lastAnswer()
    async throws
  {
    let outcome = try await run("mc7700") { $0.losesLastAnswer = true }
    #expect(outcome.first.verdict == .updated)
  }

  @Test("in the answer to an image that is in the flash already does not call it done")
  func lastAnswerOfTheFirst() async throws {
    let outcome = try await run { $0.losesLastAnswer = true }
    #expect(outcome.first.verdict == .failedStillWorks)
    #expect(outcome.stick.flash.application == "05.05.99.00")
    #expect(outcome.first.trouble?.code == "qdl.last-answer-lost")
  }

  enum Disturbance: CaseIterable { case twice, split, noise }

  @Test("of the cable is survived", arguments: Disturbance.allCases)
  func cable(what: Disturbance) async throws {
    for name in Scenes.models {
      var weather = Weather()
      switch what {
      case .twice: weather.duplicate = 1
      case .split: weather.split = 1
      // Noise in every text answer would be another stick; a tenth is a bad cable.
      case .noise: weather.noise = 0.1
      }
      let outcome = try await run(name, weather: weather)
      #expect((outcome.resumed ?? outcome.first).verdict == .updated, "\(name)")
    }
  }

  @Test("of speed is survived", arguments: [900, 1500, 2500]) func slow(milliseconds: Int)
    async throws
  {
    let outcome = try await run { $0.answerDelay = .milliseconds(milliseconds) }
    #expect(outcome.first.verdict == .updated)
  }

  @Test("of a loader that is deaf to the switch, or refuses it, is survived") func deaf()
    async throws
  {
    #expect(try await run { $0.switchAnswer = .silent }.first.verdict == .updated)
    refused(try await run { $0.switchAnswer = .error(7) }, "qdl.switch-refused")
  }

  @Test("of a window of three seconds is survived, one second too", arguments: [3, 1])
  func window(seconds: Int) async throws {
    #expect(try await run { $0.bootHold = .seconds(seconds) }.first.verdict == .updated)
  }

  @Test("A stick that says that all is written and stays in its loader is not called updated")
  func stays() async throws {
    let outcome = try await run { $0.staysInBoot = true }
    #expect(outcome.first.verdict == .unknown)
    #expect(outcome.first.trouble?.code == "stick.did-not-return")
    #expect(outcome.first.exitCode == .unknown)
    #expect(outcome.resumed?.verdict == .updated)
  }

  @Test("of power while flashing is unknown at first, and resume writes it again") func power()
    async throws
  {
    let stick = try Scenes.stick("mc7700")
    let image = try Scenes.files(stick)
    var lost = 0
    _ = await Trial(stick, image).cutAtEverySend(afterDelivery: [true]) { cut, outcome in
      // Only a stick that lost its application is written by a resume alone.
      guard outcome.first.verdict == .unknown, outcome.stick.flash.writes == 1 else { return }
      lost += 1
      #expect(outcome.resumed?.verdict == .updated, "\(cut)")
    }
    #expect(lost > 0)
  }
}

@Suite("Restoring Sierra settings") struct SierraRestoreTests {
  private func restore(_ carrier: String, _ bus: VirtualBus<SierraStick>) async throws
    -> SettingsRestoration
  {
    var settings = DeviceSettings()
    settings.carrier = carrier
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(60))
    let link = try await bus.open(port)
    let result = try await SierraBoot().restore(settings, over: ATSession(link: link))
    await link.close()
    await bus.pause(.seconds(30))
    return result
  }

  @Test("mends a preference that keeps the radio off", arguments: ["mc7304", "mc7455"])
  func mends(name: String) async throws {
    var stick = try Scenes.stick(name)
    stick.flash.preference.carrier = "TELSTRA"
    #expect(stick.hasMismatch)
    let bus = VirtualBus(stick)
    let result = try await restore("GENERIC", bus)
    #expect(result.leftOut.isEmpty)
    #expect(result.restarts)
    #expect(!bus.body.hasMismatch)
  }

  @Test("names a carrier whose settings are not in the stick, and changes nothing") func missing()
    async throws
  {
    let stick = try Scenes.stick("mc7304")
    let bus = VirtualBus(stick)
    let result = try await restore("TELSTRA", bus)
    #expect(result.leftOut.count == 1)
    #expect(bus.body.flash == stick.flash)
  }

  @Test("leaves a healthy preference alone") func healthy() async throws {
    let bus = VirtualBus(try Scenes.stick("mc7455"))
    let before = bus.body.face?.generation
    let result = try await restore("GENERIC", bus)
    #expect(!result.restarts && result.leftOut.isEmpty)
    #expect(bus.body.face?.generation == before || before == nil)
  }
}

@Suite("The virtual cable") struct VirtualCableTests {
  @Test("ends a wait at one port while bytes lie at another") func otherPort() async throws {
    let bus = VirtualBus(SierraStick(.mc7304))
    await bus.pause(.seconds(60))
    let ports = try await bus.ports()
    let diag = try await bus.open(try #require(ports.first { $0.role == .diag }))
    let at = try await bus.open(try #require(ports.first { $0.role == .at }))
    try await diag.send(HDLC.frame([0x70, 0, 0]))
    await bus.pause(.seconds(1))
    let start = bus.now
    await #expect(throws: LinkError.silent) { try await at.receive(within: .seconds(2)) }
    #expect(bus.now - start == .seconds(2))
    #expect(try await diag.receive(within: .seconds(1)).isEmpty == false)
  }
}
