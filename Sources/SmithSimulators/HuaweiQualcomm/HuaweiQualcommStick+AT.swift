import SmithLink
import SmithModel

// MARK: AT

extension HuaweiQualcommStick {
  private static let fine = "\r\nOK\r\n"

  mutating func typed(_ bytes: [UInt8], _ port: Int, _ now: Duration) -> [Emission] {
    var reply: [UInt8] = []
    var typed: [UInt8] = []
    for byte in bytes {
      if echo { typed.append(byte) }
      if byte != 0x0d {
        if byte != 0x0a, text[port, default: []].count < 512 {
          text[port, default: []].append(byte)
        }
        continue
      }
      if let report = options.reportBeforeEcho { reply += Array("\r\n\(report)\r\n".utf8) }
      reply += typed
      typed = []
      let line = String(decoding: text[port] ?? [], as: UTF8.self).uppercased()
      let asTyped = String(decoding: text[port] ?? [], as: UTF8.self)
      text[port] = []
      if !line.isEmpty { reply += Array(answer(line, asTyped, port).utf8) }
      if isDiag.contains(port) { break }
    }
    reply += typed
    return reply.isEmpty ? [] : [Emission(port: port, bytes: reply, at: now)]
  }

  private mutating func answer(_ line: String, _ asTyped: String, _ port: Int) -> String {
    func code(_ number: Int?) -> String {
      number.map { "\r\n+CME ERROR: \($0)\r\n" } ?? Self.fine
    }
    switch line {
    case "AT", "ATZ": return Self.fine
    case "ATE0", "ATE1":
      echo = line == "ATE1"
      return Self.fine
    case "AT$QCDMG" where options.knowsQCDMG:
      isDiag.insert(port)
      return Self.fine
    case "AT^DISLOG=255" where options.knowsDISLOG:
      isDiag.insert(port)
      return Self.fine
    case "AT^HS=0,0":
      bootReport = nil
      return "\r\n^HS:40027477,0,0,0,87\r\n" + Self.fine
    // One command that a unit was seen to refuse in another way than the rest.
    case "AT^RFSWITCH?": return "\r\nERROR\r\n"
    default: break
    }
    if line.hasPrefix("AT^CARDLOCK=") { return code(lock.enter(line.dropFirst(12))) }
    if line.hasPrefix("AT^CARDUNLOCK=") {
      return code(lock.reset(Substring(line.dropFirst(14).lowercased())))
    }
    if let set = settings(line, asTyped) { return set }
    guard let lines = information(line) else {
      if line.contains("NVWR") || line.contains("CIMEI") { complaints.append(line) }
      return "\r\n\(options.refusal)\r\n"
    }
    return "\r\n" + lines.joined(separator: "\r\n") + "\r\n" + Self.fine
  }

  /// Ports and profile; nil for other commands.
  private mutating func settings(_ line: String, _ asTyped: String) -> String? {
    if line.hasPrefix("AT^U2DIAG="), composition != nil {
      guard let value = Int(line.dropFirst(10)), (0...511).contains(value),
        !options.refusesPorts
      else {
        return "\r\n+CME ERROR: 50\r\n"
      }
      if value == 0 { complaints.append("a composition without an AT port") }
      composition = value
      return Self.fine
    }
    if line.hasPrefix("AT^SETPORT=\""), portList != nil {
      let list = String(line.dropFirst(12).dropLast())
      let after = list.split(separator: ";").last.map(String.init) ?? ""
      if !after.split(separator: ",").contains(where: { $0 == "2" || $0 == "12" }) {
        complaints.append("a port list without an AT port")
      }
      portList = list
      return Self.fine
    }
    if line.hasPrefix("AT+CGDCONT=1,") {
      let fields = asTyped.dropFirst(13).split(
        separator: ",", omittingEmptySubsequences: false)
      guard fields.count >= 2 else { return "\r\nERROR\r\n" }
      apn = fields[1].filter { $0 != "\"" }
      return Self.fine
    }
    return nil
  }

  private func information(_ line: String) -> [String]? {
    switch line {
    case "ATI":
      return [
        "Manufacturer: huawei", "Model: \(model)", "Revision: \(firmware)",
        "IMEI: \(options.imei)", "+GCAP: +CGSM,+DS,+ES",
      ]
    case "AT+CGMI": return ["huawei"]
    case "AT+CGMM": return [model]
    case "AT+CGMR": return [firmware]
    case "AT+CGSN": return options.imei.isEmpty ? nil : [options.imei]
    case "AT^HWVER": return board.map { ["^HWVER:\"\($0)\""] }
    case "AT^CARDLOCK?": return ["^CARDLOCK: \(lock.shown),\(lock.tries),0"]
    case "AT^U2DIAG?": return composition.map { ["^U2DIAG:\($0)"] }
    case "AT^SETPORT?": return portList.map { ["^SETPORT:\"\($0)\""] }
    case "AT+CPIN?": return ["+CPIN: READY"]
    case "AT^CPIN?": return ["^CPIN: READY,,10,3,10,0"]
    case "AT+CREG?": return ["+CREG: 0,1"]
    case "AT+CSQ": return ["+CSQ: 24,99"]
    case "AT+COPS?": return ["+COPS: 0,0,\"Simtel\",2"]
    case "AT^SYSINFO": return ["^SYSINFO:2,3,0,5,1,,4"]
    case "AT^CVOICE?": return ["^CVOICE:0,8000,16,20"]
    case "AT^GETPORTMODE": return options.portMode.map { [$0] }
    case "AT+CGDCONT?": return ["+CGDCONT: 1,\"IP\",\"\(apn)\",\"0.0.0.0\",0,0"]
    default: return nil
    }
  }

  /// The board in the hardware text, where it begins with C; nil for models whose text no record
  /// shows.
  private var board: String? {
    let text = hardware.prefix { $0 != " " }.drop { $0 != "C" }
    return text.isEmpty ? nil : String(text)
  }
}
