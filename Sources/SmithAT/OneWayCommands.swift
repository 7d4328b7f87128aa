/// Commands that may leave, and that a person has to confirm first: what they do cannot be taken
/// back by another command (Docs/Protocols/at.md section 7.1).
public enum OneWayCommands {
  /// What a command line would do that cannot be taken back; nil if it holds nothing of the kind.
  ///
  /// The guard of a session is judged apart: a command can be confirmed and still be refused.
  public static func consequence(of command: ATCommand) -> String? {
    let line = ATGuard.Line(command.text)
    for entry in always where line.contains(entry.name) {
      // `AT^GODLOAD?` and `AT^DLOADVER?` only ask.
      let asks = line.tails(of: entry.name).allSatisfy { tail in
        tail.drop { $0.isLetter }.first == "?" || tail.drop { $0.isLetter }.hasPrefix("=?")
      }
      if !asks { return entry.what }
    }
    for entry in whenSet where ATGuard.sets(entry.name, in: line) { return entry.what }
    for tail in line.tails(of: "+CFUN=") where tail.contains(",1") || tail.hasPrefix("6") {
      return "it restarts the stick"
    }
    if line.contains("&F") { return "it resets the settings of the port" }
    return nil
  }

  private static let always: [(name: ATGuard.Name, what: String)] = [
    ("^GODLOAD", "it restarts the stick into download mode"),
    ("^DLOAD", "it may restart the stick into download mode"),
    ("^DATAMODE", "it leaves AT commands behind"), ("^SIGNVER", "it begins a download"),
    ("^FWLOAD", "it begins a firmware download"),
    ("^NVBACKUP", "the stick starts into download mode afterwards"),
    ("^NVRSTSTTS", "it changes what the next start restores"),
    ("^RESET", "it restarts the stick"), ("!RESET", "it restarts the stick"),
    ("!BOOTHOLD", "it restarts the stick into its loader"),
    ("$QCDMG", "it turns the AT port into the diagnostic port"),
    ("+ZCDRUN", "it changes which ports the stick shows"),
  ]

  private static let whenSet: [(name: ATGuard.Name, what: String)] = [
    ("^CARDLOCK", "a wrong code costs one of ten tries"),
    ("^CARDUNLOCK", "nobody documents whether a wrong hash costs a try"),
    ("+CPIN", "a wrong PIN costs one of three tries"),
    ("+CPIN2", "a wrong PIN costs one of three tries"),
    ("^CPIN", "a wrong PIN costs one of three tries"), ("+CPWD", "it changes a password"),
    ("^SETPORT", "it changes which ports the stick shows; the AT port may be lost"),
    ("^U2DIAG", "it changes which ports the stick shows; the AT port may be lost"),
    ("^DISLOG", "it turns the AT port into the diagnostic port"),
    ("^SFM", "it switches factory mode"), ("^TMODE", "it switches factory mode"),
    ("+ZCDRUN", "it changes which ports the stick shows"),
    ("+ZSNT", "it changes the network mode for good"), ("!UDPID", "it changes the USB id"),
    ("!UDUSBCOMP", "it changes which ports the stick shows"),
    ("!USBCOMP", "it changes which ports the stick shows"),
    ("!ENTERCND", "it opens protected commands"),
    ("!IMPREF", "it changes which firmware the stick starts"),
  ]
}
