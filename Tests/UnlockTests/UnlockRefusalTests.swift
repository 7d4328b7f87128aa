import SmithAT
import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("Unlock refusals") struct UnlockRefusalTests {
  @Test("A stick that does not run its firmware has no lock to ask") func wrongMode() async throws {
    let scene = UnlockScene()
    scene.bus.withBody { $0.flash.allPartsComplete = false }
    scene.bus.replug()
    let report = await scene.run()
    #expect(report.trouble?.code == "unlock.wrong-mode")
    #expect(scene.journal.records.isEmpty)
  }

  @Test("Lost identity is left alone; a number with a wrong check digit has no code but takes one")
  func identity() async throws {
    #expect(await UnlockScene(imei: "").run().trouble?.code == "unlock.no-identity")
    let odd = UnlockScene(code: "12345678", imei: "004999010640001")
    #expect(await odd.run().trouble?.code == "unlock.no-code")
    #expect(await odd.run { $0.code = UnlockCode("12345678") }.verdict == .unlocked)
  }

  @Test("A lock that is not told is not touched") func lockUnknown() async throws {
    for (answer, code) in [
      ("^CARDLOCK: 7,10,0", "unlock.lock-unknown"), ("^CARDLOCK: 1", "unlock.lock-unknown"),
    ] {
      let report = await TalkingBus.run(cardLock: answer)
      #expect(report.trouble?.code == code, "\(answer)")
    }
    #expect(await TalkingBus.run(cardLock: nil).trouble?.code == "unlock.lock-unknown")
    #expect(
      await TalkingBus.run(cardLock: "^CARDLOCK: 1,10,0", maker: "Sierra Wireless").trouble?.code
        == "unlock.wrong-vendor")
  }

  @Test("A stick that says OK and stays locked is not called unlocked") func notEffective()
    async throws
  {
    let report = await TalkingBus.run(cardLock: "^CARDLOCK: 1,10,0")
    #expect(report.trouble?.code == "unlock.not-effective")
    #expect(report.verdict == .stillLocked)
    #expect(report.attempts.count == 1)
  }

  @Test("An operator's Qualcomm build is called temporary, a general one and Balong are not")
  func customised() throws {
    func notes(_ world: DeviceReport.World, _ firmware: String) -> String {
      var report = DeviceReport()
      report.model = "E1550"
      report.world = world
      report.firmware = FirmwareVersion(firmware)
      report.customerCode = firmware.split(separator: ".").last.map(String.init)
      return HuaweiUnlockAdvice(for: report).notes.joined()
    }
    #expect(notes(.qualcomm, "11.609.18.21.135").contains("temporary"))
    #expect(!notes(.qualcomm, "11.609.18.21.00").contains("temporary"))
    #expect(!notes(.balongStick, "21.157.31.00.135").contains("temporary"))
  }

  @Test(
    "The rule for the version is the documented one, with its word",
    arguments: [
      ("E1550", "11.609.18.00.00", nil, "v1", "likely"),
      ("E173", "11.126.85.00.00", nil, "v1", "likely"),
      ("E173", "11.810.09.00.00", nil, "v2", "possible"),
      ("E367", "11.810.09.00.00", nil, "v201", "likely"),
      ("E353", "21.157.06.00.264", "Jun 01 2011, 10:00:00", "v2", "likely"),
      ("E3131", "21.157.31.00.00", "Jan 21 2013, 20:52:32", "v201", "possible"),
      ("E3531", "21.318.15.00.00", nil, "v2", "possible"),
      ("E3276", "21.192.03.01.07", "Nov 12 2012, 10:00:00", "v201", "likely"),
      ("E3372", "21.300.05.00.143", "Mar 03 2015, 11:42:10", "v201", "possible"),
      ("E220", "11.117.09.00.00", nil, nil, nil), ("E1732", "11.126.16.04.617", nil, nil, nil),
    ] as [(String, String, String?, String?, String?)])
  func rule(model: String, firmware: String, built: String?, version: String?, word: String?)
    throws
  {
    var report = DeviceReport()
    report.model = model
    report.firmware = FirmwareVersion(firmware)
    report.world = firmware.hasPrefix("11.") ? .qualcomm : .balongStick
    report.compileDate = built
    report.imei = IMEI(UnlockScene.imei)
    let advice = HuaweiUnlockAdvice(for: report)
    #expect(advice.candidates.first?.version.rawValue == version)
    #expect(advice.candidates.first?.confidence.rawValue == word)
    #expect(advice.candidates.isEmpty == (version == nil))
    #expect(advice.candidates.isEmpty ? !advice.notes.isEmpty : advice.candidates.count == 3)
  }

  @Test("A code never prints") func printing() throws {
    let code = try #require(UnlockCode("12345678"))
    #expect(!"\(code) \(String(reflecting: code))".contains("1234"))
    for text in ["1234567", "123456789", "1234567x", "１２３４５６７８", ""] {
      #expect(UnlockCode(text) == nil)
    }
  }
}

/// A bus with a stick that answers from a table.
private final class TalkingBus: Bus, ByteLink, @unchecked Sendable {
  private let cardLock: String?
  private let maker: String
  private var pending: [UInt8] = []
  var now = Duration.zero

  init(_ cardLock: String?, _ maker: String) {
    self.cardLock = cardLock
    self.maker = maker
  }

  static func run(cardLock: String?, maker: String = "huawei") async -> UnlockReport {
    let bus = TalkingBus(cardLock, maker)
    return await Unlocker(
      bus: bus, owner: CountingOwner(yes: 1),
      surroundings: UnlockSurroundings(
        newJournal: { () throws(Trouble) in MemoryUnlockJournal() }, tool: "test")
    ).run(UnlockRequest(), at: .usb("1-1"))
  }

  func ports() async throws(BusError) -> [Port] { [] }
  func port(at place: Place, as role: PortRole, within limit: Duration) async throws(BusError)
    -> Port
  {
    Port(place: place, role: role, node: "talking")
  }
  func open(_ port: Port) async throws(LinkError) -> any ByteLink { self }
  func pause(_ duration: Duration) async { now += duration }
  func close() async {}

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    let line = String(decoding: bytes, as: UTF8.self).filter { $0 != "\r" }
    let answer: String
    switch line {
    case "ATI":
      answer =
        "Manufacturer: \(maker)\r\nModel: E3131\r\nRevision: 21.157.31.00.00\r\nIMEI: "
        + "\(UnlockScene.imei)\r\n\r\nOK"
    case "AT+CGSN": answer = "\(UnlockScene.imei)\r\n\r\nOK"
    case "AT^CARDLOCK?": answer = cardLock.map { "\($0)\r\n\r\nOK" } ?? "ERROR"
    case _ where line.hasPrefix("AT^CARDLOCK="): answer = "OK"
    default: answer = "ERROR"
    }
    pending += [UInt8]("\r\n\(answer)\r\n".utf8)
  }

  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard !pending.isEmpty else {
      now += limit
      throw .silent
    }
    defer { pending = [] }
    return pending
  }
}
