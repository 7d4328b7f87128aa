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
}
