import SmithBytes

/// Lines that a modem sends without being asked (Docs/Protocols/at.md section 4).
enum UnsolicitedLines {
  /// Names before the colon, upper case.
  static let names: Set<String> = [
    // Huawei
    "^RSSI", "^MODE", "^BOOT", "^SRVST", "^DSFLOWRPT", "^HCSQ", "^SIMST", "^RSSILVL", "^CSNR",
    "^LTERSRP", "^ANLEVEL", "^CERSSI", "^CRSSI", "^HRSSILVL", "^HDRRSSI", "^NDISSTAT",
    "^NDISEND", "^DCONN", "^DEND", "^STIN", "^SMMEMFULL", "^THERM", "^ORIG", "^CONF", "^CONN",
    "^CEND", "^NWTIME", "^EARST", "^RFSWITCH", "^PNN", "^OPLFTC", "^XLEMA", "^WPDGIST",
    "^ACTIVEBAND", "^CONNST",
    // ZTE
    "+ZUSIMR", "+ZDONR", "+ZPASR", "+ZPSTM", "+ZRSSI", "+ZEND", "$QCSIMSTAT", "$CREG",
    "$QCSYSMODE",
    // 3GPP TS 27.007 and 27.005
    "+CREG", "+CGREG", "+CEREG", "+CRING", "+CLIP", "+CMTI", "+CMT", "+CDSI", "+CDS", "+CBM",
    "+CUSD", "+CSSI", "+CSSU", "+CCWA", "+CGEV", "+CIEV", "+CTZV", "+CTZE",
  ]

  /// Reports whose text stands on the next line.
  private static let withText: Set<String> = ["+CMT", "+CBM"]

  /// The name of a report; nil for every line that may be an answer. A name that was asked for
  /// is an answer.
  static func name(of line: String, asked: [String]) -> String? {
    if line == "RING" { return "RING" }
    guard let colon = line.utf8.firstIndex(of: 0x3a) else { return nil }
    let bare = line[..<colon].trimmed
    guard let sign = bare.utf8.first, ATLine.isSign(sign) else { return nil }
    let name = bare.uppercased()
    guard !asked.contains(name), names.contains(name) else { return nil }
    return name
  }

  /// Whether the next line belongs to this report whatever it says.
  static func takesNextLine(_ name: String) -> Bool { withText.contains(name) }
}
