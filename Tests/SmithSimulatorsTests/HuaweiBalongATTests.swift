import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@Suite("Huawei Balong stick, normal mode") struct HuaweiBalongATTests {
  @Test("ATI has the shape of real sticks, echo and blank line included") func ati() {
    var desk = Desk(.e3372h)
    #expect(
      desk.type("ATI")
        == "ATI\r\r\nManufacturer: huawei\r\nModel: E3372\r\nRevision: 21.200.07.00.00\r\n"
        + "IMEI: 004999010640000\r\n+GCAP: +CGSM,+DS,+ES\r\n\r\nOK\r\n")
    #expect(desk.stick.complaints.isEmpty)
  }

  @Test("The default identity number is a valid one of the test range") func imei() {
    let stick = HuaweiBalongStick(personality: .e3131)
    #expect(IMEI(stick.flash.nv.imei)?.luhnIsGood == true)
    #expect(stick.flash.nv.imei.hasPrefix("00"))
  }

  @Test(
    "Information commands answer as in the transcripts",
    arguments: [
      ("AT+CGMI", "huawei"), ("AT+GMI", "huawei"), ("AT+CGMM", "E3276"), ("AT+GMM", "E3276"),
      ("AT+CGMR", "21.263.03.00.78"), ("AT+GMR", "21.263.03.00.78"),
      ("AT+CGSN", "004999010640000"), ("AT+GSN", "004999010640000"),
      ("AT^FHVER", "^FHVER:\"E3276s-150 21.263.03.00.78,CH1E3276SM Ver.C\""),
      ("AT^HWVER", "^HWVER:\"CH1E3276SM\""), ("AT^CARDLOCK?", "^CARDLOCK: 2,10,0"),
      ("AT^DLOADVER?", "2.0"), ("AT^AUTHORITYVER?", "1000"),
      ("AT^AUTHORITYID?", "004999010640000"), ("AT+CPIN?", "+CPIN: READY"),
      ("AT^SETPORT?", "^SETPORT:\"A1,A2;1,16,3,2,A1,A2\""),
      (
        "AT^GETPORTMODE",
        "^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,NDIS:1,DIAG:2,PCUI:3,CDROM:4,SD:5"
      ),
    ]) func information(_ command: String, _ line: String)
  {
    var desk = Desk(.e3276)
    #expect(desk.type("ATE0") == "ATE0\r\r\nOK\r\n")
    #expect(desk.type(command) == "\r\n\(line)\r\n\r\nOK\r\n")
  }

  @Test("An E3131 prints the older port list and its authority id with a zero") func e3131() {
    var options = HuaweiBalongStick.Options()
    options.echo = false
    var desk = Desk(.e3131, options: options)
    #expect(desk.type("AT^SETPORT?") == "\r\n^SETPORT:;2,3,16\r\n\r\nOK\r\n")
    #expect(desk.type("AT^AUTHORITYID?") == "\r\n004999010640000,0\r\n\r\nOK\r\n")
    #expect(
      desk.type("AT^DLOADINFO?")
        == "\r\n\r\nswver:21.157.31.00.00\r\n\r\nisover:UTPS23.009.09.01.00_MAC23.009.09.01.00\r\n"
        + "\r\nwebuiver:\r\n\r\nproduct name:E3131h-2\r\n\r\ndload type:0\r\n\r\nOK\r\n")
  }

  @Test("AT^VERSION? prints its thirteen lines in order") func version() {
    var desk = Desk(.e3372h)
    _ = desk.type("ATE0")
    let lines = desk.type("AT^VERSION?").split(separator: "\r\n").map(String.init)
    #expect(
      lines == [
        "^VERSION:BDT:Mar 03 2015, 11:42:10", "^VERSION:EXTS:21.200.07.00.00", "^VERSION:INTS:",
        "^VERSION:EXTD:UTPS23.015.05.08.143_MAC23.015.05.08.143", "^VERSION:INTD:",
        "^VERSION:EXTH:CL2E3372HM Ver.A", "^VERSION:INTH:", "^VERSION:EXTU:E3372",
        "^VERSION:INTU:", "^VERSION:CFG:1004", "^VERSION:PRL:", "^VERSION:OEM:", "^VERSION:INI:",
        "OK",
      ])
  }

  @Test("Unknown commands are refused, with a number when CMEE is on, and recorded") func unknown()
  {
    var desk = Desk(.e3131)
    _ = desk.type("ATE0")
    #expect(desk.type("AT+MODE=2") == "\r\nERROR\r\n")
    #expect(desk.type("AT+CMEE=1") == "\r\nOK\r\n")
    #expect(desk.type("AT+MODE=2") == "\r\n+CME ERROR: 50\r\n")
    #expect(desk.type("AT^U2DIAG=1") == "\r\n+CME ERROR: 50\r\n")
    #expect(desk.stick.complaints.count == 3)
  }

  @Test("Lost identity data is an error, not a number") func lostIdentity() {
    var stick = HuaweiBalongStick(personality: .e3131, imei: "")
    stick.plug(at: .zero)
    let answer = stick.receive([UInt8]("AT+CGSN\r".utf8), on: 0, at: .zero).flatMap(\.bytes)
    #expect(String(decoding: answer, as: UTF8.self) == "AT+CGSN\r\r\nERROR\r\n")
  }

  @Test("A command may come byte by byte, and two in one go") func pieces() {
    var desk = Desk(.e3131)
    var answer: [UInt8] = []
    for byte in [UInt8]("AT\rAT+CGMM\r".utf8) { answer += desk.send([byte]) }
    let text = "AT\r\r\nOK\r\nAT+CGMM\r\r\nE3131\r\n\r\nOK\r\n"
    #expect(String(decoding: answer, as: UTF8.self) == text)
    #expect(desk.type("AT\rAT+CGMM") == text)
  }

  @Test("Data connections and port lists survive a power cut; wrong ones are refused")
  func settings() {
    var desk = Desk(.e3372h)
    _ = desk.type("ATE0")
    #expect(desk.type("AT+CGDCONT=2,\"IP\",\"Web.Example\"") == "\r\nOK\r\n")
    #expect(desk.type("AT+CGDCONT=17,\"IP\",\"x\"") == "\r\nERROR\r\n")
    #expect(desk.type("AT^SETPORT=\"FF;12,13,16\"") == "\r\nOK\r\n")
    #expect(desk.type("AT^SETPORT=\"99;12\"") == "\r\nERROR\r\n")
    desk.cutPower()
    _ = desk.type("ATE0")
    #expect(
      desk.type("AT+CGDCONT?")
        == "\r\n+CGDCONT: 1,\"IP\",\"internet\",\"0.0.0.0\",0,0\r\n"
        + "+CGDCONT: 2,\"IP\",\"Web.Example\",\"0.0.0.0\",0,0\r\n\r\nOK\r\n")
    #expect(desk.type("AT^SETPORT?") == "\r\n^SETPORT:\"FF;12,13,16\"\r\n\r\nOK\r\n")
  }

  @Test("A port list without an AT port takes the AT port away at the next start") func lostPort() {
    var desk = Desk(.e3372h)
    _ = desk.type("AT^SETPORT=\"FF;1,16\"")
    #expect(desk.role == .at)
    desk.cutPower()
    #expect(desk.stick.face?.ports == [])
  }

  @Test("The whole composition follows the port list; modem and diag ports do not do the work")
  func composition() {
    var options = HuaweiBalongStick.Options()
    options.singlePort = false
    var desk = Desk(.e3276, options: options)
    #expect(desk.stick.face?.ports == [.modem, .diag, .at])
    #expect(desk.stick.face?.id == USBID(0x12d1, 0x1506))
    #expect(desk.type("AT^GODLOAD", port: 0).hasSuffix("+CME ERROR: 50\r\n"))
    #expect(desk.type("AT", port: 1) == "")
    #expect(desk.type("AT", port: 2) == "AT\r\r\nOK\r\n")
    #expect(desk.stick.complaints.count == 2)
    _ = desk.type("AT^GODLOAD", port: 2)
    desk.waitForReturn()
    #expect(desk.stick.face?.ports == [.unknown, .download])
  }

  @Test("AT^GODLOAD answers first, leaves after half a second and comes back as another face")
  func goDownload() {
    var desk = Desk(.e3131)
    let first = desk.stick.face
    #expect(desk.type("AT^GODLOAD") == "AT^GODLOAD\r\r\nOK\r\n")
    #expect(desk.stick.face == first)
    _ = desk.wait(.milliseconds(499))
    #expect(desk.stick.face == first)
    _ = desk.wait(.milliseconds(1))
    #expect(desk.stick.face == nil)
    _ = desk.wait(.milliseconds(2999))
    #expect(desk.stick.face == nil)
    _ = desk.wait(.seconds(12))
    #expect(desk.stick.face?.generation == 2)
    #expect(desk.stick.face?.id == USBID(0x12d1, 0x1c05))
    #expect(desk.stick.face?.ports == [.download])
  }

  @Test("The marker of AT^GODLOAD is lost with the power, the flag of AT^NVBACKUP is not")
  func markers() {
    var desk = Desk(.e3131)
    _ = desk.type("AT^GODLOAD")
    _ = desk.wait(.seconds(1))
    desk.cutPower()
    #expect(desk.role == .at)
    #expect(desk.type("AT^NVBACKUP") == "AT^NVBACKUP\r\r\n0\r\n\r\nOK\r\n")
    desk.cutPower()
    #expect(desk.role == .download)
    #expect(desk.frame([0x0a]) == ack)
    desk.waitForReturn()
    #expect(desk.role == .at)
  }

  @Test("AT^NVRESTORE brings back what AT^NVBACKUP saved, and nothing where nothing was saved")
  func restore() {
    var desk = Desk(.e3131)
    _ = desk.type("ATE0")
    #expect(desk.type("AT^NVRESTORE") == "\r\nERROR\r\n")
    _ = desk.type("AT^NVBACKUP")
    _ = desk.type("AT+CGDCONT=1")
    #expect(desk.type("AT+CGDCONT?") == "\r\nOK\r\n")
    #expect(desk.type("AT^NVRESTORE") == "\r\n0\r\n\r\nOK\r\n")
    #expect(desk.type("AT+CGDCONT?").contains("\"internet\""))
  }

  @Test("Where factory mode is needed, AT^GODLOAD is refused without it") func factoryMode() {
    var options = HuaweiBalongStick.Options()
    options.needsFactoryMode = true
    var desk = Desk(.e3131, options: options)
    _ = desk.type("ATE0")
    #expect(desk.type("AT^GODLOAD") == "\r\nERROR\r\n")
    #expect(desk.type("AT^SFM=1") == "\r\nOK\r\n")
    #expect(desk.type("AT^GODLOAD") == "\r\nOK\r\n")
  }

  @Test("Ten wrong codes block the stick for good; the right one opens it") func lock() {
    var options = HuaweiBalongStick.Options()
    options.locked = true
    options.unlockCode = "12345678"
    options.echo = false
    var desk = Desk(.e3131, options: options)
    #expect(desk.type("AT^CARDLOCK=12345678") == "\r\n+CME ERROR: 3\r\n")
    #expect(desk.type("AT^CARDLOCK=\"00000000\"") == "\r\n+CME ERROR: 16\r\n")
    #expect(desk.type("AT^CARDLOCK?") == "\r\n^CARDLOCK: 1,9,0\r\n\r\nOK\r\n")
    var other = desk
    #expect(desk.type("AT^CARDLOCK=\"12345678\"") == "\r\nOK\r\n")
    #expect(desk.type("AT^CARDLOCK?") == "\r\n^CARDLOCK: 2,10,0\r\n\r\nOK\r\n")
    for _ in 0..<9 { _ = other.type("AT^CARDLOCK=\"00000000\"") }
    #expect(other.type("AT^CARDLOCK?") == "\r\n^CARDLOCK: 3,0,0\r\n\r\nOK\r\n")
    #expect(other.type("AT^CARDLOCK=\"12345678\"") == "\r\n+CME ERROR: 3\r\n")
  }

  @Test("Reports come by themselves until AT^CURC=0") func reports() {
    var options = HuaweiBalongStick.Options()
    options.unsolicited = true
    options.echo = false
    var desk = Desk(.e3131, options: options)
    let heard = String(decoding: desk.wait(.seconds(60)), as: UTF8.self)
    #expect(heard.hasPrefix("\r\n^"))
    #expect(heard.split(separator: "\r\n").count >= 6)
    #expect(desk.type("AT^CURC=0").hasSuffix("\r\nOK\r\n"))
    #expect(desk.stick.nextDue == nil)
    #expect(desk.wait(.seconds(60)).isEmpty)
  }

  @Test("An HDLC probe on the AT port hears its own echo, and spoils the line it stands in")
  func probeOnTheWrongPort() {
    var desk = Desk(.e3131)
    #expect(desk.hex("7E 0C 14 3A 7E") == "7e0c143a7e")
    #expect(desk.type("AT") == "AT\r\r\nERROR\r\n")
    #expect(desk.type("AT") == "AT\r\r\nOK\r\n")
    #expect(desk.stick.complaints.count == 1)
  }

  @Test("Answers come in pieces where that is asked for") func chunks() {
    var options = HuaweiBalongStick.Options()
    options.answerChunking = 5
    var desk = Desk(.e3131, options: options)
    let pieces = desk.stick.receive([UInt8]("AT\r".utf8), on: 0, at: .zero)
    #expect(pieces.map(\.bytes.count) == [5, 4])
  }
}
