import SmithBytes
import SmithLink
import SmithModel

/// AT commands of normal mode (Docs/Protocols/balong-download.md section 1).
extension HuaweiBalongStick {
  /// What the stick answers: information lines and how the answer ends.
  enum Answer {
    case lines([String])
    case error
    case code(Int)
    /// Text that has a shape of its own, complete.
    case raw(String)
  }

  /// Collects lines up to CR and echoes every byte as it comes, as a terminal port does; so an
  /// HDLC probe on the wrong port hears itself.
  mutating func receiveText(_ bytes: [UInt8], port: Int, _ out: inout [Emission]) {
    var text: [UInt8] = []
    for byte in bytes {
      guard leaving == nil else {
        complain("AT text while the stick is restarting", port: port)
        break
      }
      if lines[port].isEmpty, byte == 0x41 || byte == 0x61 {
        answers += 1
        // A report may come even ahead of the echo (hw-006).
        if options.unsolicited, reportsOn, answers.isMultiple(of: 3) {
          text += Array("\r\n^RSSI:18\r\n".utf8)
        }
      }
      if echo { text.append(byte) }
      if byte == 0x0d {
        let line = lines[port]
        lines[port] = []
        text += Array(answerLine(line, port: port).utf8)
      } else if byte != 0x0a, lines[port].count < 1024 {
        lines[port].append(byte)
      }
    }
    if mutedAnswers > 0, bytes.contains(0x0d) {
      mutedAnswers -= 1
      return
    }
    if !text.isEmpty { send(text, .at, port: port, &out) }
  }

  private mutating func answerLine(_ bytes: [UInt8], port: Int) -> String {
    if bytes.isEmpty { return "" }
    record(.host, .at, bytes + [0x0d], port: port)
    let isText = bytes.allSatisfy { (0x20...0x7e).contains($0) } && bytes.count < 1024
    let command = isText ? String(decoding: bytes, as: UTF8.self) : ""
    let upper = command.uppercased()
    let answer = upper.hasPrefix("AT") ? answer(to: upper, original: command, port: port) : .error
    switch answer {
    case .lines(let lines):
      if lines.isEmpty { return "\r\nOK\r\n" }
      return "\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\nOK\r\n"
    case .raw(let whole): return whole
    case .error:
      complain("AT command refused: \(isText ? command : bytes.hex)", port: port)
      return errorTexts ? "\r\n+CME ERROR: 50\r\n" : "\r\nERROR\r\n"
    case .code(let code):
      complain("AT command refused: \(command)", port: port)
      return "\r\n+CME ERROR: \(code)\r\n"
    }
  }

  private mutating func answer(to command: String, original: String, port: Int) -> Answer {
    if let lines = identity(command) { return lines }
    if let lines = network(command) { return lines }
    if face?.ports[port] == .modem { return .code(50) }
    if let answer = settings(command, original: original) { return answer }
    return door(command) ?? .error
  }

  private func identity(_ command: String) -> Answer? {
    let nv = flash.nv
    let lost: Answer = errorTexts ? .code(23) : .error
    switch command {
    case "AT": return .lines([])
    case "ATI":
      return .lines([
        "Manufacturer: huawei", "Model: \(personality.model)", "Revision: \(flash.firmware)",
        "IMEI: \(nv.imei)", "+GCAP: +CGSM,+DS,+ES",
      ])
    case "AT+CGMI", "AT+GMI": return .lines(["huawei"])
    case "AT+CGMM", "AT+GMM": return .lines([personality.model])
    case "AT+CGMR", "AT+GMR": return .lines([flash.firmware])
    case "AT+CGSN", "AT+GSN": return nv.imei.isEmpty ? lost : .lines([nv.imei])
    case "AT^SN": return nv.serial.isEmpty ? lost : .lines(["^SN:\(nv.serial)"])
    case "AT^HWVER":
      return .lines(["^HWVER:\"\(personality.hardware.prefix { $0 != " " })\""])
    case "AT^FHVER":
      return .lines(["^FHVER:\"\(personality.product) \(flash.firmware),\(personality.hardware)\""])
    case "AT^VERSION?": return .lines(versionLines)
    case "AT^DLOADVER?": return .lines(["2.0"])
    case "AT^AUTHORITYVER?": return .lines(["1000"])
    case "AT^AUTHORITYID?":
      if nv.imei.isEmpty { return .error }
      return .lines([personality.monitor == .v3r3 ? nv.imei + ",0" : nv.imei])
    case "AT^DLOADINFO?": return .raw(downloadInfo)
    case "AT^FLASHINFO?" where personality.monitor == .v3r3:
      return .lines([
        "~~~~~~FLASH INFO~~~~~~:", "",
        "MMC BLOCK COUNT:1024,PAGE SIZE:2048,PAGE COUNT PER BLOCK:64",
      ])
    case "AT^HWNATQRY?": return .lines(["^HWNATQRY:0"])
    case "AT^GETPORTMODE": return .lines([portMode])
    default: return nil
    }
  }

  private var versionLines: [String] {
    let values = [
      "BDT:\(personality.buildDate)", "EXTS:\(flash.firmware)", "INTS:", "EXTD:\(flash.dashboard)",
      "INTD:", "EXTH:\(personality.hardware)", "INTH:", "EXTU:\(personality.model)", "INTU:",
      "CFG:1004", "PRL:", "OEM:", "INI:",
    ]
    return values.map { "^VERSION:\($0)" }
  }

  /// The answer to AT^DLOADINFO?, alike in both modes (section 3.1).
  var downloadInfo: String {
    let lines = [
      "swver:\(flash.firmware)", "isover:\(flash.dashboard)", "webuiver:",
      "product name:\(personality.product)", "dload type:\(forced ? 1 : 0)",
    ]
    return "\r\n" + lines.map { "\r\n\($0)\r\n" }.joined() + "\r\nOK\r\n"
  }

  private func network(_ command: String) -> Answer? {
    switch command {
    case "AT+CLCK=\"SC\",2": .lines(["+CLCK: 0"])
    case "AT+CIMI": .lines(["262011234567890"])
    case "AT+CPIN?": options.sim == .none ? .code(10) : .lines(["+CPIN: \(pinState)"])
    case "AT^CPIN?":
      options.sim == .none
        ? .code(10) : .lines(["^CPIN: \(pinState),,\(simTries.puk),\(simTries.pin),10,3"])
    case "AT+CSQ": .lines(["+CSQ: 18,99"])
    case "AT^HFREQINFO?":
      personality.monitor == .v3r3
        ? .error : .lines(["^HFREQINFO:0,6,3,1300,18150,20000,19300,17200,20000"])
    case "AT^CHIPTEMP?": .lines(["^CHIPTEMP: 34"])
    case "AT^CVOICE?":
      personality.monitor == .v3r3 ? .lines(["^CVOICE:0,8000,16,20"]) : .error
    case "AT+COPS?": .lines(["+COPS: 0,0,\"Simtel\",2"])
    case "AT+CREG?": .lines(["+CREG: 0,1"])
    case "AT+CGREG?": .lines(["+CGREG: 0,1"])
    case "AT^SYSINFO": .lines(["^SYSINFO:2,3,0,5,1,,4"])
    case "AT^CARDLOCK?": .lines(["^CARDLOCK: \(shownLockStatus),\(flash.nv.lockTries),0"])
    default: nil
    }
  }

  private mutating func settings(_ command: String, original: String) -> Answer? {
    if command.hasPrefix("AT+CPIN=\"") { return enterPIN(original) }
    if options.lacksSetPort, command.hasPrefix("AT^SETPORT") { return nil }
    if options.refusesSetPort, command.hasPrefix("AT^SETPORT=\"") { return .code(50) }
    switch command {
    case "ATE0", "ATE1": echo = command == "ATE1"
    case "ATZ", "AT&F":
      echo = options.echo
      errorTexts = false
    case "AT+CMEE=0": errorTexts = false
    case "AT+CMEE=1", "AT+CMEE=2": errorTexts = true
    case "AT+CMEE?": return .lines(["+CMEE: \(errorTexts ? 1 : 0)"])
    case "AT^CURC=0", "AT^CURC=1":
      reportsOn = command == "AT^CURC=1"
      if !reportsOn { nextReport = nil }
    case "AT^CURC?": return .lines(["^CURC: \(reportsOn ? 1 : 0)"])
    case "AT^SFM=1": factoryMode = true
    case "AT^SFM=0": factoryMode = false
    case "AT^U2DIAG?": return .lines(["^U2DIAG: 276"])
    case "AT^SETPORT?":
      let list = flash.nv.setPort
      return .lines(["^SETPORT:" + (personality.quotesSetPort ? "\"\(list)\"" : list)])
    case "AT^SETPORT=?": return .lines(Self.portNames.map { "^SETPORT:\($0.number): \($0.name)" })
    case "AT+CGDCONT?":
      return .lines(
        flash.nv.profiles.sorted { $0.key < $1.key }.map {
          "+CGDCONT: \($0.key),\"\($0.value.type)\",\"\($0.value.apn)\",\"0.0.0.0\",0,0"
        })
    default:
      if command.hasPrefix("AT^U2DIAG=") { return .code(50) }
      if command.hasPrefix("AT^SETPORT=") { return setPorts(original.dropFirst(11)) }
      if command.hasPrefix("AT+CGDCONT=") { return setProfile(original.dropFirst(11)) }
      if command.hasPrefix("AT^CARDLOCK=") { return unlock(original.dropFirst(12)) }
      if command.hasPrefix("AT^CARDUNLOCK=") { return resetCounter(original.dropFirst(14)) }
      return nil
    }
    return .lines([])
  }

  /// Commands that lead out of normal mode (section 2).
  private mutating func door(_ command: String) -> Answer? {
    let zero = Answer.raw("\r\n0\r\n\r\nOK\r\n")
    switch command {
    case "AT^NVBACKUP":
      flash.nvBackup = flash.nv
      flash.backupFlag = true
      return zero
    case "AT^NVRESTORE":
      guard let backup = flash.nvBackup else { return .error }
      flash.nv = backup
      return zero
    case "AT^NVRSTSTTS": return zero
    case "AT^GODLOAD":
      if options.needsFactoryMode, !factoryMode { return .error }
      leave(after: .milliseconds(500), marker: true)
      return .lines([])
    case "AT^RESET":
      leave(after: .milliseconds(500), marker: false)
      return .lines([])
    default: return nil
    }
  }

  private mutating func setProfile(_ argument: Substring) -> Answer? {
    let fields = argument.split(separator: ",", omittingEmptySubsequences: false).map { field in
      let isQuoted = field.count > 1 && field.first == "\"" && field.last == "\""
      return String(isQuoted ? field.dropFirst().dropLast() : field)
    }
    guard let first = fields.first, let number = Int(first), (1...16).contains(number) else {
      return nil
    }
    if fields.count == 1 {
      flash.nv.profiles[number] = nil
      return .lines([])
    }
    let type = fields[1].uppercased()
    let apn = fields.count > 2 ? fields[2] : ""
    guard ["IP", "IPV6", "IPV4V6", "PPP"].contains(type), apn.utf8.count < 100 else { return nil }
    flash.nv.profiles[number] = NV.Profile(type: type, apn: apn)
    return .lines([])
  }

  private mutating func setPorts(_ argument: Substring) -> Answer? {
    guard argument.count >= 3, argument.first == "\"", argument.last == "\"" else { return nil }
    let list = argument.dropFirst().dropLast().uppercased()
    let known = Set(Self.portNames.map(\.number) + ["FF", ""])
    let halves = list.split(separator: ";", omittingEmptySubsequences: false)
    guard halves.count == 2, !halves[1].isEmpty, list.utf8.count <= 128,
      halves.allSatisfy({ half in
        half.split(separator: ",", omittingEmptySubsequences: false)
          .allSatisfy { known.contains(String($0)) }
      })
    else { return nil }
    flash.nv.setPort = list
    return .lines([])
  }

  // MARK: Ports

  struct PortName: Sendable {
    let number: String
    let name: String
    let mode: String
    let role: PortRole?
  }

  static let portNames: [PortName] = [
    PortName(number: "1", name: "3G MODEM", mode: "MDM", role: .modem),
    PortName(number: "2", name: "3G PCUI", mode: "PCUI", role: .at),
    PortName(number: "3", name: "3G DIAG", mode: "DIAG", role: .diag),
    PortName(number: "5", name: "3G GPS", mode: "GPS", role: .gps),
    PortName(number: "10", name: "4G MODEM", mode: "MDM", role: .modem),
    PortName(number: "12", name: "4G PCUI", mode: "PCUI", role: .at),
    PortName(number: "13", name: "4G DIAG", mode: "DIAG", role: .diag),
    PortName(number: "14", name: "4G GPS", mode: "GPS", role: .gps),
    PortName(number: "16", name: "NCM", mode: "NDIS", role: nil),
    PortName(number: "A1", name: "CDROM", mode: "CDROM", role: nil),
    PortName(number: "A2", name: "SD", mode: "SD", role: nil),
  ]

  /// The interfaces of normal mode in their order, from the list after the semicolon.
  private var interfaces: [PortName] {
    let second = flash.nv.setPort.split(separator: ";").last ?? ""
    return second.split(separator: ",").compactMap { number in
      Self.portNames.first { $0.number == number }
    }
  }

  /// Serial ports of normal mode; `number` is the one of AT^SETPORT, as hexadecimal digits.
  var serialPorts: [(role: PortRole, interface: Int, number: String)] {
    interfaces.enumerated().compactMap { index, name in name.role.map { ($0, index, name.number) } }
  }

  private var portMode: String {
    let list = interfaces.enumerated().map { "\($0.element.mode):\($0.offset)" }
    return "^GETPORTMODE: TYPE: WCDMA: huawei," + list.joined(separator: ",")
  }

  /// Lines that come by themselves.
  mutating func report(_ out: inout [Emission]) {
    guard let port = face?.ports.firstIndex(of: .at) else {
      nextReport = nil
      return
    }
    let strength = 14 + draw(.zero...(.milliseconds(9))).milliseconds
    let text = answers.isMultiple(of: 2) ? "^RSSI:\(strength)" : "^HCSQ:\"WCDMA\",37,28,49"
    send([UInt8]("\r\n\(text)\r\n".utf8), .at, port: port, &out)
    nextReport = clock + draw(.seconds(3)...(.seconds(9)))
  }
}

/// The PIN of the SIM (Docs/Protocols/sim-pin.md section 1).
extension HuaweiBalongStick {
  fileprivate var pinState: String {
    guard options.pin != nil, !pinIsEntered else { return "READY" }
    return simTries.pin > 0 ? "SIM PIN" : "SIM PUK"
  }

  fileprivate mutating func enterPIN(_ command: String) -> Answer {
    guard options.sim != .none else { return .code(10) }
    guard pinState == "SIM PIN" else { return .code(pinState == "SIM PUK" ? 12 : 3) }
    let entered = command.dropFirst("AT+CPIN=\"".count)
    guard entered.last == "\"", (5...9).contains(entered.count) else { return .code(50) }
    guard String(entered.dropLast()) == options.pin else {
      simTries.pin -= 1
      return .code(16)
    }
    simTries.pin = 3
    pinIsEntered = true
    return .lines([])
  }
}
