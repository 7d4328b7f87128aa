import SmithAT
import SmithLink
import SmithModel
import Testing

@Suite("AT guard and mask") struct GuardTests {
  @Test(
    "Commands that write identity, locks or storage never leave",
    arguments: [
      "AT^CIMEI=\"012345678901237\"", "AT+EGMR=1,7,\"012345678901237\"", "at+egmr = 1,7",
      "AT^PHYNUM=IMEI,1", "AT ^ SN = 1", "AT^SN=\"X\"", "AT^NVWR=0,1,1", "AT^NVWREX=6,0,1,0",
      "AT^NVWREX=8269,0,1", "AT^NVWREX = \"50502\" ,0,1", "AT^NVWREX=008267,0,1",
      "AT^NVWREX=8268,0,12,1,0,0,0", "AT^NVWREX=0x1F3D,0", "AT^NVRESTORE", "AT^NVRESTORE=1",
      "AT^DATALOCK=\"12345678\"", "AT+CGMM;^CIMEI=1", "ATE0^CIMEI=1", "ATE0+EGMR=1,7",
      "AT+CGDCONT=1,\"IP\",\"x\";^SN=\"1\"", "AT+CSQ;+CSQ; ^nvwrex=550,0,1", "AT\"^\"SN=1",
      "AT+CGSN=\"012345678901237\"", "ATS3=59", "ATS03=59", "AT&FS5=1", "AT!NVRESTORE=0",
      "AT!RMARESET=1", "AT!QPSTDLOAD", "AT!IMAGE=0", "AT!image=", "AT!UDPID=68E2",
      "AT!USBCOMP=1,1,0000100D", "AT!SETCND=\"X\"", "AT+ZNCK=\"12345678\"",
      "AT+CLCK=\"PN\",0,\"12345678\"", "A/", "+CGMM", "AT+CGMM\rAT^CIMEI=1", "AT\u{8}^SN?",
      "AT+CGMM\u{0}", "AT+C\u{ff}",
    ]) func refused(text: String) async throws
  {
    let link = ScriptedLink(always: [UInt8]("\r\nOK\r\n".utf8))
    let error = await #expect(throws: ATError.self) {
      try await ATSession(link: link).send(ATCommand(text))
    }
    #expect(error?.trouble.code == "at.refused-by-guard")
    #expect(link.sent.isEmpty)
  }

  @Test(
    "Questions and ordinary settings leave",
    arguments: [
      "AT", "ATI", "AT^SN", "AT^SN?", "AT^SN=?", "AT^PHYNUM?", "AT^DATALOCK?", "AT+CGSN=1",
      "AT^NVRDEX=50502,0,128", "AT^CARDLOCK?", "AT^SETPORT=\"FF;12,1\"", "ATS0=0", "AT^SYSINFO",
      "AT!IMAGE?", "AT!IMAGE=?", "AT!UDPID=?", "AT+CLCK=\"PN\",2", "AT+CLCK=\"SC\",2", "AT+ZNCK?",
      "AT^SNTP?", "AT+CGDCONT=1,\"IP\",\"internet\"", "AT!BOOTHOLD", "AT^GODLOAD",
    ]) func allowed(text: String)
  {
    #expect(ATGuard().refusal(of: ATCommand(text)) == nil)
  }

  @Test("No exception opens raw storage or identity") func exceptions() {
    let open = ATGuard(allowing: [.lockCode, .sierraComposition])
    // Identity, lock list and state, secrets; 8266 stands for every other item.
    for item in [0, 6, 550, 8266, 8267, 8268, 8269, 8517, 8518, 50502, 50503] {
      #expect(open.refusal(of: ATCommand("AT^NVWREX=\(item),0,1,1")) != nil)
      #expect(open.refusal(of: ATCommand("at ^ nvwr = \(item),1,1")) != nil)
      #expect(open.refusal(of: ATCommand("AT+CSQ;^NVWREX=\(item),0,1,1")) != nil)
    }
    #expect(open.refusal(of: "AT^NVWREX=?;^NVWREX=0,0,1,1") != nil)
    #expect(open.refusal(of: "AT^NVWREX=?") == nil)
    #expect(open.refusal(of: "AT!UDPID=68C0") == nil)
    #expect(open.refusal(of: "AT^CIMEI=1") != nil)
  }

  @Test("A code leaves alone and whole, or not at all") func lockCodes() {
    let closed = ATGuard()
    let open = ATGuard(allowing: [.lockCode])
    let hash = String(repeating: "3e", count: 16)
    for text in ["AT^CARDLOCK=\"12345678\"", "AT^CARDUNLOCK=\"\(hash)\"", "at^cardlock=12345678"] {
      #expect(closed.refusal(of: ATCommand(text)) != nil)
      #expect(open.refusal(of: ATCommand(text)) == nil)
    }
    for text in [
      "AT^CARDLOCK=\"1234\"", "AT^CARDLOCK=\"12345678\";^CARDLOCK=\"87654321\"",
      "AT+CSQ;^CARDLOCK=\"12345678\"", "AT^CARDUNLOCK=\"12345678\"", "AT^CARDLOCK=\"12345678\",1",
      "AT^CARDLOCK=\"12345678\";^CIMEI=1",
    ] {
      #expect(open.refusal(of: ATCommand(text)) != nil, "\(text)")
    }
    #expect(closed.refusal(of: "AT^CARDLOCK?") == nil)
    #expect(closed.refusal(of: "AT^CARDLOCK=?") == nil)
  }

  @Test(
    "What cannot be taken back is named, wherever it stands in the line",
    arguments: [
      "AT^GODLOAD", "at ^ godload", "AT+CSQ;^GODLOAD", "AT^DLOAD=1", "AT^FWLOAD=0", "AT^DATAMODE",
      "AT^NVBACKUP", "AT^RESET", "AT^CARDLOCK=\"12345678\"", "AT^CARDUNLOCK=\"x\"",
      "AT+CPIN=\"1234\"", "AT^SETPORT=\"FF;12\"", "AT^U2DIAG=0", "AT$QCDMG", "AT^DISLOG=255",
      "AT+CFUN=1,1", "AT!BOOTHOLD", "AT&F", "AT^SFM=1", "AT^SIGNVER=1,0,00,1",
    ]) func oneWay(text: String)
  {
    #expect(OneWayCommands.consequence(of: ATCommand(text)) != nil)
  }

  @Test(
    "Questions and settings that can be set back need nobody's word",
    arguments: [
      "ATI", "AT^DLOADVER?", "AT^DLOADINFO?", "AT^CARDLOCK?", "AT+CPIN?", "AT^SETPORT?",
      "AT^SETPORT=?", "AT^U2DIAG?", "AT+CFUN=1", "AT+CFUN=4", "AT^GODLOAD?", "AT^CURC=0",
      "AT+CGDCONT=1,\"IP\",\"internet\"", "AT!IMPREF?", "AT^SYSCFGEX?",
    ]) func twoWay(text: String)
  {
    #expect(OneWayCommands.consequence(of: ATCommand(text)) == nil)
  }

  @Test(
    "Identity numbers, codes and PINs are starred out",
    arguments: [
      ("IMEI: 012345678901237", "IMEI: ***********1237"),
      ("^ICCID: 89410000000000001234", "^ICCID: ****************1234"),
      ("AT+CPIN=\"1234\"", "AT+CPIN=\"****\""),
      ("AT+CPIN=1234;+CSQ", "AT+CPIN=****;+CSQ"),
      ("AT+CPIN=\"12345678\",\"1234\"", "AT+CPIN=\"****\",\"****\""),
      ("at^cardlock = \"12345678\"", "at^cardlock = \"****\""),
      ("AT+CGMM;^CARDLOCK=12345678", "AT+CGMM;^CARDLOCK=****"),
      ("AT+CLCK=\"SC\",1,\"1234\"", "AT+CLCK=\"SC\",1,\"****\""),
      ("^CARDLOCK: 2,10,0", "^CARDLOCK: 2,10,0"), ("AT+CPIN?", "AT+CPIN?"),
      ("11.126.07.04.00", "11.126.07.04.00"), ("1234567890123", "1234567890123"),
    ]) func masks(text: String, masked: String)
  {
    #expect(IdentityMask.masked(text) == masked)
  }

  @Test("Every error has its own code and page name") func codes() {
    let errors: [(ATError, String)] = [
      (.silent(command: "AT"), "at.silent"), (.binary([1]), "at.binary"),
      (.unfinished(command: "AT", lines: []), "at.unfinished"), (.garbage([1]), "at.garbage"),
      (.refusedByGuard(command: "AT", reason: "x"), "at.refused-by-guard"),
      (.tooLong(limit: 1), "at.too-long"), (.link(.gone), "port.gone"),
      (.link(.busy(holder: "x")), "port.busy"), (.link(.broken("x")), "port.broken"),
    ]
    for (error, code) in errors {
      #expect(error.trouble.code == code)
      #expect(!error.trouble.advice.isEmpty)
    }
  }

  @Test("A PIN never reaches an error") func noPINInErrors() async {
    let link = ScriptedLink { _ in [] }
    let error = await #expect(throws: ATError.self) {
      try await ATSession(link: link).send("AT+CPIN=\"4711\"")
    }
    #expect(error == .silent(command: "AT+CPIN=\"****\""))
  }
}
