import SmithAT
import SmithLink
import SmithModel
import Testing

@testable import SmithVendors

/// A stick that answers from a table; everything else gets `unknown`.
func stick(_ table: [String: String], unknown: String = "ERROR", echo: Bool = true)
  -> ScriptedLink
{
  ScriptedLink { line in
    let answer = table[line].map { $0.isEmpty ? "OK" : $0 + "\n\nOK" } ?? unknown
    let lines = answer.split(separator: "\n", omittingEmptySubsequences: false)
    let text = "\r\n" + lines.joined(separator: "\r\n") + "\r\n"
    return [.text((echo ? line + "\r" : "") + text)]
  }
}

let e3372h = [
  "ATI": """
  Manufacturer: huawei
  Model: E3372
  Revision: 22.329.63.00.74
  IMEI: 012345678901237
  +GCAP: +CGSM,+DS,+ES
  """,
  "AT+CGMR": "22.329.63.00.74", "AT+CGSN": "012345678901237",
  "AT^FHVER": "^FHVER:\"E3372H-607 22.329.63.00.74,CL2E3372HM Ver.A\"",
  "AT^VERSION?": """
  ^VERSION:BDT:Apr 08 2018, 12:13:47
  ^VERSION:EXTS:22.329.63.00.74
  ^VERSION:INTS:
  ^VERSION:EXTD:WEBUI_17.100.20.02.74_HILINK
  ^VERSION:EXTH:CL2E3372HM Ver.A
  ^VERSION:EXTU:E3372
  ^VERSION:CFG:1004
  """,
  "AT^CARDLOCK?": "^CARDLOCK: 2,10,0", "AT+CPIN?": "+CPIN: READY", "AT+CREG?": "+CREG: 0,1",
  "AT+CSQ": "+CSQ: 24,99", "AT+COPS?": "+COPS: 0,0,\"Tele, 2\",7",
  "AT^GETPORTMODE": "^GETPORTMODE: TYPE: WCDMA: huawei,,pcui:0,3g_modem:1,ncm:2,mass:3",
]

@Suite("Huawei identification") struct HuaweiIdentityTests {
  private func report(_ link: ScriptedLink) async throws -> DeviceReport {
    try await StickIdentity.identify(over: ATSession(link: link))
  }

  @Test("A HiLink stick tells everything that its answers hold", arguments: [false, true])
  func hiLink(echo: Bool) async throws {
    let report = try await report(stick(e3372h, echo: echo))
    #expect(report.vendor == "huawei")
    #expect(report.model == "E3372")
    #expect(report.firmware == FirmwareVersion("22.329.63.00.74"))
    #expect(report.customerCode == "74")
    #expect(report.productID == "E3372H-607")
    #expect(report.hardware == "CL2E3372HM Ver.A")
    #expect(report.webInterface == "WEBUI_17.100.20.02.74_HILINK")
    #expect(report.dashboard == nil)
    #expect(report.compileDate == "Apr 08 2018, 12:13:47")
    #expect(report.imei == IMEI("012345678901237"))
    #expect(!report.identityDamaged)
    #expect(report.world == .balongHiLink)
    #expect(report.simLock == .init(status: .noCodeNeeded, triesLeft: 10))
    #expect(report.simState == "READY")
    #expect(report.registration == .home)
    #expect(report.signal?.dBm == -65)
    #expect(report.network == "Tele, 2")
    #expect(report.portRoles.map(\.role) == [.at, .modem, .unknown, .unknown])
    #expect(report.answers.first?.command == "ATI")
  }

  @Test(
    "The same model name on two platforms is told apart by its answers",
    arguments: [
      ("11.126.85.00.00", "COMMAND NOT SUPPORT", DeviceReport.World.qualcomm),
      ("21.017.09.00.314", "ERROR", .balongStick), ("31.116.22.00.51", "ERROR", .unknown),
      ("10.0.5.1(H195SP3C983)", "ERROR", .unknown),
      ("21.017.09.00.314", "COMMAND NOT SUPPORT", .unknown),
    ]) func worlds(version: String, unknown: String, world: DeviceReport.World) async throws
  {
    let link = stick(
      ["ATI": "Manufacturer: huawei\nModel: E173\nRevision: \(version)"], unknown: unknown)
    let report = try await report(link)
    #expect(report.world == world)
    #expect(report.worldEvidence.isEmpty == (world == .unknown && unknown == "ERROR"))
  }

  @Test(
    "A refused or zero identity is reported as damaged",
    arguments: [
      ["AT+CGSN": nil], ["AT+CGSN": "000000000000000"],
    ]) func damaged(change: [String: String?]) async throws
  {
    var table = e3372h
    for (key, value) in change { table[key] = value }
    let report = try await report(stick(table))
    #expect(report.identityDamaged)
    #expect(report.evidence != nil)
  }

  @Test("A port that falls silent ends the asking and keeps what was said") func silence()
    async throws
  {
    let link = ScriptedLink { line in
      line == "ATI" ? [.text("\r\nManufacturer: huawei\r\nModel: E173\r\n\r\nOK\r\n")] : []
    }
    let report = try await report(link)
    #expect(report.model == "E173")
    #expect(report.evidence != nil)
    #expect(link.now < .seconds(60))
  }

  @Test(
    "Other makers are named and not asked Huawei's questions",
    arguments: [
      ("ZTE CORPORATION", "zte"), ("TCT Mobile International Limited", "alcatel"),
      ("Sierra Wireless, Incorporated", "sierra"), ("QUALCOMM INCORPORATED", "qualcomm"),
      ("Somebody", nil),
    ] as [(String, String?)]) func others(manufacturer: String, vendor: String?) async throws
  {
    let link = stick(["ATI": "Manufacturer: \(manufacturer)\nModel: X\nIMEI: 012345678901237"])
    let report = try await report(link)
    #expect(report.vendor == vendor)
    #expect(report.manufacturer == manufacturer)
    #expect(link.sent.first == "ATI\r")
    #expect(!link.sent.contains { $0.contains("^") })
  }

  @Test("The question that crashes an MU609 is not asked") func mu609() async throws {
    let link = stick(["ATI": "Manufacturer: huawei\nModel: MU609\nRevision: 11.103.04.00.00"])
    _ = try await report(link)
    #expect(!link.sent.contains("AT^GETPORTMODE\r"))
    #expect(link.sent.contains("AT^FHVER\r"))
  }
}

@Suite("Huawei answers") struct HuaweiAnswersTests {
  private func answer(_ lines: String...) -> ATResponse { .init(lines: lines, final: .ok) }

  @Test("AT^FHVER is taken apart, whole or poor") func fullVersion() {
    typealias Full = HuaweiAnswers.FullVersion
    let read = HuaweiAnswers.fullVersion
    #expect(
      read(answer("^FHVER:\"E353s-2A 21.157.06.00.264,CH2E353SM Ver.A\""))
        == Full(product: "E353s-2A", software: "21.157.06.00.264", hardware: "CH2E353SM Ver.A"))
    #expect(read(answer("^FHVER: E1")) == Full(product: "E1", software: nil, hardware: nil))
    #expect(read(answer("^FHVER:\"\"")) == nil)
    #expect(read(answer("^FHVER:\",\"")) == Full())
  }

  @Test(
    "AT^GETPORTMODE is read in every spelling seen",
    arguments: [
      ("^getportmode:type:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3", "Qualcomm", 3, 4),
      ("^GETPORTMODE: TYPE: WCDMA: huawei,PCUI:0,MDM:1", "huawei", 0, 2),
      (
        "^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,PCUI:1,NDIS:2,CDROM:3,SD:4,", "huawei", 1, 5
      ),
      (
        "^GETPORTMODE: TYPE: WCDMA: huawei ,, rndis: 0, pcui: 1, c_shell: 2, a_shell: 3,3g_diag: 4,"
          + " gps: 5, 4g_diag: 6, mass_two: 7", "huawei", 1, 8
      ),
      (
        "^GETPORTMODE:TYPE:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3,CDROM:4,SD:5", "Qualcomm", 3, 6
      ),
    ]) func portMode(line: String, platform: String, pcui: Int, count: Int)
  {
    let read = HuaweiAnswers.portMode(answer(line))
    #expect(read?.platform == platform)
    #expect(read?.ports.count == count)
    #expect(read?.ports.first { $0.role == .at }?.number == pcui)
  }

  @Test("AT^CARDLOCK? names its states") func cardLock() {
    func read(_ line: String) -> DeviceReport.SIMLock? { HuaweiAnswers.cardLock(answer(line)) }
    #expect(read("^CARDLOCK: 1,10,0") == .init(status: .codeNeeded, triesLeft: 10))
    #expect(read("^CARDLOCK: 3,0,0") == .init(status: .blocked, triesLeft: 0))
    #expect(read("^CARDLOCK: 9") == .init(status: .unknown))
    #expect(read("^CARDLOCK: x,1") == nil)
  }

  @Test("AT^DLOADINFO? is read with stray tabs and blanks") func downloadInfo() async throws {
    let text =
      "\r\n\r\nswver:21.157.06.00.264\r\n \t\r\niso:UTPS21\r\n\t\r\nproduct name:E353s-2A\r\n"
      + "\r\n\tdload type:1\r\n\r\nwebuiver:\r\n\r\nOK\r\n"
    let link = ScriptedLink(always: [UInt8](text.utf8))
    let response = try await ATSession(link: link).send("AT^DLOADINFO?")
    #expect(
      HuaweiAnswers.downloadInfo(response)
        == .init(
          software: "21.157.06.00.264", dashboard: "UTPS21", web: nil, product: "E353s-2A", type: 1)
    )
  }

  @Test("Poor lines never become values") func poor() {
    #expect(HuaweiAnswers.registration(answer("+CREG: 1")) == nil)
    #expect(HuaweiAnswers.registration(answer("+CREG: 5", "+CREG: 2,\"1\"")) == nil)
    #expect(HuaweiAnswers.signal(answer("+CSQ: 99,99")) == nil)
    #expect(HuaweiAnswers.network(answer("+COPS: 0")) == nil)
    #expect(HuaweiAnswers.systemInfo(answer("^SYSINFO:2,4,5,3,1,,6")) == [2, 4, 5, 3, 1, nil, 6])
    #expect(HuaweiAnswers.imei(answer("<IMEI>")) == nil)
    #expect(HuaweiAnswers.hardware(answer("^HWVER:CD96TCPU")) == "CD96TCPU")
    #expect(HuaweiAnswers.hardware(answer("^HWVER:\"CD33TCPW\"")) == "CD33TCPW")
    #expect(
      HuaweiAnswers.flash(answer("~~~~FLASH INFO~~~~:", "MMC BLOCK COUNT:1")) == "MMC BLOCK COUNT:1"
    )
  }
}
