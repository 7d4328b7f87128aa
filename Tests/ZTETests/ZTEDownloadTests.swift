import SmithBench
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("ZTE's download mode") struct ZTEDownloadTests {
  @Test("A stick goes into download mode and comes back as it was") func thereAndBack()
    async throws
  {
    let bus = VirtualBus(QualcommBody(version: "BD_OLD"))
    await bus.pause(.seconds(30))
    let before = bus.body.face?.id
    let port = try await ZTEDownload.enter(at: bus.place, on: bus)
    #expect(port.role == .download)
    #expect(bus.body.face?.id == USBID(0x05c6, 0x9008))
    try await ZTEDownload.leave(at: bus.place, on: bus)
    #expect(bus.body.face?.id == before)
  }

  @Test("A stick without a diagnostic port is left alone") func noPort() async {
    let bus = VirtualBus(ZTEStick())
    await bus.pause(.seconds(30))
    await #expect(throws: Trouble.self) { try await ZTEDownload.enter(at: bus.place, on: bus) }
    #expect(bus.body.complaints.isEmpty)
  }

  private func code(_ work: () async throws -> Void) async -> String? {
    do {
      try await work()
      return nil
    } catch { return (error as? Trouble)?.code }
  }

  @Test("Every way that does not work has its name") func names() async {
    let running = VirtualBus(ZTESerialStick())
    await running.pause(.seconds(10))
    #expect(
      await code { try await ZTEDownload.leave(at: running.place, on: running) }
        == "zte.not-in-download")
    let page = VirtualBus(ZTEStick())
    await page.pause(.seconds(30))
    #expect(
      await code { _ = try await ZTEDownload.enter(at: page.place, on: page) }
        == "zte.no-diag-port")
    // It takes no notice of the switch.
    let deaf = VirtualBus(DeafStick())
    await deaf.pause(.seconds(10))
    #expect(
      await code { _ = try await ZTEDownload.enter(at: deaf.place, on: deaf) }
        == "zte.no-download-mode")
    var broken = ZTESerialStick()
    broken.chip.flash.load("0:AMSS", [])
    let waiting = VirtualBus(broken)
    await waiting.pause(.seconds(10))
    #expect(
      await code { try await ZTEDownload.leave(at: waiting.place, on: waiting) }
        == "zte.stays-in-download")
  }

  @Test("The whole stick comes back with the version it had") func whole() async throws {
    let bus = VirtualBus(ZTESerialStick())
    await bus.pause(.seconds(10))
    let port = try await ZTEDownload.enter(at: bus.place, on: bus)
    #expect(port.role == .download)
    try await ZTEDownload.leave(at: bus.place, on: bus)
    #expect(bus.body.firmware == NANDScene.old)
  }
}

/// A stick that answers on its diagnostic port and does not hear the switch.
struct DeafStick: StickBody {
  private var inner = ZTESerialStick()

  var face: StickFace? { inner.face }
  var nextDue: Duration? { inner.nextDue }
  mutating func advance(to now: Duration) -> [Emission] { inner.advance(to: now) }
  mutating func plug(at now: Duration) { inner.plug(at: now) }
  mutating func unplug(at now: Duration) { inner.unplug(at: now) }

  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    bytes.contains(0x3a) ? [] : inner.receive(bytes, on: port, at: now)
  }
}
