@testable import SmithVendors

/// One unit of the recorded dialogues: what it answered, and what its record says that it is.
struct RecordedUnit: Sendable, CustomStringConvertible {
  /// Numbers of the dialogues.
  var ids: String
  var model: String
  /// Version, where one of the answers holds it.
  var firmware: String?
  var world = DeviceReport.World.unknown
  /// How it ends the answer to a command that the record does not have.
  var unknown = "ERROR"
  /// Lines of each answer, joined.
  var answers: [String: String]

  var description: String { "\(ids) \(model)" }
}

/// Made from the reference's dialogues: identity numbers replaced, the expected world taken from
/// the record's platform column where an answer speaks for it. `E1` stands for a unit without a name.
let recordedUnits: [RecordedUnit] = [
  RecordedUnit(
    ids: "hw-001, hw-002", model: "E1750", firmware: "11.126.07.04.00", world: .qualcomm,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E1750\n"
        + "Revision: 11.126.07.04.00\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK",
      "AT^CARDLOCK=\"<8 digits>\"": "OK",
    ]),
  RecordedUnit(
    ids: "hw-003", model: "E1750",
    answers: [
      "AT+CGMM": "E1750\nOK"
    ]),
  RecordedUnit(
    ids: "hw-004", model: "E1750", world: .qualcomm, unknown: "COMMAND NOT SUPPORT",
    answers: [
      "AT+CPROT=?": "COMMAND NOT SUPPORT"
    ]),
  RecordedUnit(
    ids: "hw-005 to hw-007", model: "E1752",
    answers: [
      "AT+CGSN": "012345678901237\nOK",
      "AT+CPMS=\"SM\",\"SM\"": "^SRVST:0\n+CPMS: 0,50,0,50,0,50\nOK",
    ]),
  RecordedUnit(
    ids: "hw-008 to hw-012", model: "E1752", firmware: "11.126.03.01.314",
    world: .qualcomm, unknown: "COMMAND NOT SUPPORT",
    answers: [
      "AT+CGMR": "11.126.03.01.314\nOK",
      "AT+CGMI": "huawei\nOK",
      "AT+MODE=2": "COMMAND NOT SUPPORT",
      "AT$TSSPCSW=?": "COMMAND NOT SUPPORT",
      "AT+CPIN?": "+CPIN: READY\nOK",
    ]),
  RecordedUnit(
    ids: "hw-013 to hw-016", model: "E173", firmware: "11.126.85.00.00", world: .qualcomm,
    answers: [
      "AT+CGMR": "11.126.85.00.00\nOK",
      "AT+CGSN": "012345678901237\nOK",
      "AT+CSCS?": "+CSCS: \"GSM\"\nOK",
      "AT+CSQ": "+CSQ: 24,99\nOK",
    ]),
  RecordedUnit(
    ids: "hw-017", model: "E173", firmware: "21.017.09.00.314", world: .balongStick,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E173\n"
        + "Revision: 21.017.09.00.314\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-018", model: "E173", firmware: "11.126.16.04.617", world: .qualcomm,
    answers: [
      "AT+CGMR": "11.126.16.04.617\nOK"
    ]),
  RecordedUnit(
    ids: "hw-019, hw-020", model: "E1550", firmware: "11.609.20.00.00", world: .qualcomm,
    answers: [
      "AT+CGMI": "huawei\nOK",
      "AT+CGMR": "11.609.20.00.00\nOK",
    ]),
  RecordedUnit(
    ids: "hw-021", model: "E1553", firmware: "11.608.13.00.150", world: .qualcomm,
    answers: [
      "AT+CGMR": "11.608.13.00.150\nOK"
    ]),
  RecordedUnit(
    ids: "hw-022", model: "E153Eu-1",
    answers: [
      "AT+CGSN": "ERROR"
    ]),
  RecordedUnit(
    ids: "hw-023 to hw-027", model: "E1550",
    answers: [
      "AT$QCDMG": "OK"
    ]),
  RecordedUnit(
    ids: "hw-031 to hw-033", model: "E352", firmware: "31.116.22.00.51",
    answers: [
      "AT+CGMR": "31.116.22.00.51\nOK",
      "AT+CGMI": "huawei\nOK",
      "AT+CSCS?": "+CSCS: \"HEX\"\nOK",
    ]),
  RecordedUnit(
    ids: "hw-034 to hw-036", model: "E3531",
    answers: [
      "ATE1": "OK",
      "AT+MODE=2": "ERROR",
      "AT+CSCS=?": "+CSCS: (\"IRA\",\"UCS2\",\"GSM\")\nOK",
    ]),
  RecordedUnit(
    ids: "hw-037", model: "E353", world: .qualcomm,
    answers: [
      "AT^GETPORTMODE": "^getportmode:type:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3\nOK"
    ]),
  RecordedUnit(
    ids: "hw-038", model: "E353",
    answers: [
      "AT^GETPORTMODE":
        "^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,NDIS:1,DIAG:2,PCUI:3,CDROM:4,SD:5\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-039 to hw-043", model: "E353s-2A", firmware: "21.157.06.00.264", world: .balongStick,
    answers: [
      "AT^DLOADINFO?":
        "swver:21.157.06.00.264\n"
        + "isover:UTPS21.005.11.10.264_MAC21.005.11.08.264\n"
        + "webuiver:\n"
        + "product name:E353s-2A\n"
        + "dload type:0\n"
        + "OK",
      "AT^AUTHORITYVER?": "1000\nOK",
      "AT^AUTHORITYID?": "012345678901237,0\nOK",
      "AT^FHVER": "^FHVER:\"E353s-2A 21.157.06.00.264,CH2E353SM Ver.A\"\nOK",
      "AT^NDISADD=?":
        "^NDISADD: (0-1),(IP_Address),(Primary_DNS),(Secondary_DNS),(Primary_NB"
        + "NS),(Secondary_NBNS)\n"
        + "OK",
    ]),
  RecordedUnit(
    ids: "hw-044", model: "E303",
    answers: [
      "AT^U2DIAG=1": "+CME ERROR: 50"
    ]),
  RecordedUnit(
    ids: "hw-045", model: "E3131",
    answers: [
      "AT^SETPORT?": "^SETPORT:;2,3,16\nOK"
    ]),
  RecordedUnit(
    ids: "hw-046", model: "E3131",
    answers: [
      "AT^SETPORT=\"A1,A2;1,2,3\"": "OK"
    ]),
  RecordedUnit(
    ids: "hw-047", model: "E3276", firmware: "21.192.03.01.07", world: .balongStick,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E3276\n"
        + "Revision: 21.192.03.01.07\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-048, hw-049", model: "E3276", firmware: "21.263.03.00.78", world: .balongStick,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E3276\n"
        + "Revision: 21.263.03.00.78\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK",
      "AT^FHVER": "^FHVER:\"E3276s-150 21.263.03.00.78,CH1E3276SM Ver.C\"\nOK",
    ]),
  RecordedUnit(
    ids: "hw-050 to hw-053", model: "E3372", firmware: "22.329.63.00.74", world: .balongHiLink,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E3372\n"
        + "Revision: 22.329.63.00.74\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK",
      "AT^CARDLOCK?": "^CARDLOCK: 2,10,0\nOK",
      "AT^FHVER": "^FHVER:\"E3372H-607 22.329.63.00.74,CL2E3372HM Ver.A\"\nOK",
      "AT^VERSION?":
        "^VERSION:BDT:Apr 08 2018, 12:13:47\n"
        + "^VERSION:EXTS:22.329.63.00.74\n"
        + "^VERSION:INTS:\n"
        + "^VERSION:EXTD:WEBUI_17.100.20.02.74_HILINK\n"
        + "^VERSION:INTD:\n"
        + "^VERSION:EXTH:CL2E3372HM Ver.A\n"
        + "^VERSION:INTH:\n"
        + "^VERSION:EXTU:E3372\n"
        + "^VERSION:INTU:\n"
        + "^VERSION:CFG:1004\n"
        + "^VERSION:PRL:\n"
        + "^VERSION:OEM:\n"
        + "^VERSION:INI:\n"
        + "OK",
    ]),
  RecordedUnit(
    ids: "hw-054 to hw-057", model: "E3372", firmware: "21.200.07.00.00", world: .balongStick,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E3372\n"
        + "Revision: 21.200.07.00.00\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK",
      "AT+CGSN": "012345678901237\nOK",
      "AT^ICCID?": "^ICCID: 89410000000000001234\nOK",
      "AT^HFREQINFO?": "^HFREQINFO:0,6,1,425,21525,15000,18425,19625,15000\nOK",
    ]),
  RecordedUnit(
    ids: "hw-058, hw-059", model: "E3372s-153", firmware: "21.300.05.00.143", world: .balongStick,
    answers: [
      "AT^FHVER": "^FHVER:\"E3372S-153 21.300.05.00.143,CL1E3372SM Ver.A\"\nOK",
      "AT^VERSION?":
        "^VERSION:BDT:Mar 03 2015, 11:42:10\n"
        + "^VERSION:EXTS:21.300.05.00.143\n"
        + "^VERSION:INTS:\n"
        + "^VERSION:EXTD:UTPS23.015.05.08.143_MAC23.015.05.08.143\n"
        + "^VERSION:INTD:\n"
        + "^VERSION:EXTH:CL1E3372SM Ver.A\n"
        + "^VERSION:INTH:\n"
        + "^VERSION:EXTU:E3372\n"
        + "^VERSION:INTU:\n"
        + "^VERSION:CFG:1004\n"
        + "^VERSION:PRL:\n"
        + "^VERSION:OEM:\n"
        + "^VERSION:INI:\n"
        + "OK",
    ]),
  RecordedUnit(
    ids: "hw-061", model: "E3372",
    answers: [
      "AT^SETPORT?": "^SETPORT:\"A1,A2;12,1,16,A1,A2\"\nOK"
    ]),
  RecordedUnit(
    ids: "hw-062", model: "E3372h-320", firmware: "10.0.5.1(H195SP3C983)",
    answers: [
      "ATI":
        "Manufacturer: Huawei Technologies Co.,Ltd.\n"
        + "Model: E3372h-320\n"
        + "Revision: 10.0.5.1(H195SP3C983)\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-067", model: "D26HW",
    answers: [
      "AT^CARDLOCK?": "^CARDLOCK: 1,10,0\nOK"
    ]),
  RecordedUnit(
    ids: "hw-068", model: "D26HW",
    answers: [
      "AT^CARDLOCK?": "^CARDLOCK: 2,10,0\nOK"
    ]),
  RecordedUnit(
    ids: "hw-069", model: "E1",
    answers: [
      "AT^CARDLOCK?": "^CARDLOCK: 2,10,0\nOK"
    ]),
  RecordedUnit(
    ids: "hw-070", model: "E1",
    answers: [
      "AT^CARDLOCK?": "^CARDLOCK: 1,10,0\nOK"
    ]),
  RecordedUnit(
    ids: "hw-071, hw-072", model: "E1",
    answers: [
      "AT^CARDLOCK=<8 digits, no quotes>": "+CME ERROR: 3",
      "AT^U2DIAG=276": "OK",
    ]),
  RecordedUnit(
    ids: "hw-073", model: "E3372",
    answers: [
      "AT^CARDLOCK=\"<8 digits>\"": "+CME ERROR: 50"
    ]),
  RecordedUnit(
    ids: "hw-074", model: "E1732",
    answers: [
      "AT^CARDLOCK=\"<8 digits>\"": "+CME ERROR: 3"
    ]),
  RecordedUnit(
    ids: "hw-075", model: "E160E",
    answers: [
      "ATZ": "^BOOT:37673864,0,0,0,77\n^BOOT:37673864,0,0,0,77\nNO CARRIER\nOK"
    ]),
  RecordedUnit(
    ids: "hw-076", model: "MC509", firmware: "11.105.01.00.000", world: .qualcomm,
    answers: [
      "AT+CGMR": "11.105.01.00.000\nOK"
    ]),
  RecordedUnit(
    ids: "hw-077", model: "E1",
    answers: [
      "AT^GETPORTMODE": "^GETPORTMODE: TYPE: WCDMA: huawei,PCUI:0,MDM:1\nOK"
    ]),
  RecordedUnit(
    ids: "hw-078", model: "E1",
    answers: [
      "AT^GETPORTMODE": "^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,PCUI:1,NDIS:2,CDROM:3,SD:4,\nOK"
    ]),
  RecordedUnit(
    ids: "hw-079", model: "E1",
    answers: [
      "AT^GETPORTMODE":
        "^GETPORTMODE: TYPE: WCDMA: huawei ,, rndis: 0, pcui: 1, c_shell: 2, a_"
        + "shell: 3,3g_diag: 4, gps: 5, 4g_diag: 6, mass_two: 7\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-080", model: "E1",
    answers: [
      "AT^GETPORTMODE":
        "^GETPORTMODE: TYPE: WCDMA: huawei,,pcui:0,3g_modem:1,ncm:2,mass:3,mass_two:4\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-081", model: "E1", world: .qualcomm,
    answers: [
      "AT^GETPORTMODE":
        "^GETPORTMODE:TYPE:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3,CDROM:4,SD:5\n"
        + "OK"
    ]),
  RecordedUnit(
    ids: "hw-082", model: "E1",
    answers: [
      "AT^DHCP?": "^DHCP: CCDB080A,F8FFFFFF,C9DB080A,C9DB080A,E67B59C0,E77B59C0,85600,85600\nOK"
    ]),
  RecordedUnit(
    ids: "hw-083", model: "E1",
    answers: [
      "AT^SYSINFO": "^SYSINFO:2,4,5,3,1,,6\nOK"
    ]),
  RecordedUnit(
    ids: "hw-084 to hw-086", model: "E1550",
    answers: [
      "AT^HS=0,0": "^HS:40027477,0,0,0,87\nOK",
      "AT^CPIN?": "^CPIN: READY,,10,3,10,0\nOK",
      "AT^RFSWITCH?": "ERROR",
    ]),
  RecordedUnit(
    ids: "hw-087", model: "E173", firmware: "11.126.83.00.00", world: .qualcomm,
    answers: [
      "ATI":
        "Manufacturer: huawei\n"
        + "Model: E173\n"
        + "Revision: 11.126.83.00.00\n"
        + "IMEI: 012345678901237\n"
        + "+GCAP: +CGSM,+DS,+ES\n"
        + "OK"
    ]),
]
