import SmithBytes
import SmithLink
import SmithModel

/// What the AT command interpreter of a simulated stick remembers.
struct SierraATState: Sendable {
  var line: [UInt8] = []
  var echoes = true
  var isUnlocked = false
}

/// What one command answers.
private enum Reply {
  case ok([String])
  case error
  /// Information that replaces the final result, as `NOT IMPLEMENTED` does.
  case bare(String)
}

extension SierraStick {
  mutating func atReceive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    var sent: [UInt8] = []
    for byte in bytes {
      switch byte {
      case 0x0d:
        let line = String(printable: at.line)
        if at.echoes, !at.line.isEmpty { sent += at.line + [0x0d] }
        at.line = []
        if let reply = run(line, at: now) { sent += Self.wire(reply) }
      case 0x0a: continue
      default:
        if at.line.count < 256 { at.line.append(byte) }
      }
    }
    guard !sent.isEmpty else { return [] }
    return [Emission(port: port, bytes: sent, at: now + .milliseconds(5))]
  }

  private static func wire(_ reply: Reply) -> [UInt8] {
    var text = "\r\n"
    switch reply {
    case .ok(let lines):
      for line in lines { text += "\(line)\r\n" }
      text += lines.isEmpty ? "OK\r\n" : "\r\nOK\r\n"
    case .error: text += "ERROR\r\n"
    case .bare(let line): text += "\(line)\r\n"
    }
    return [UInt8](text.utf8)
  }

  private mutating func run(_ line: String, at now: Duration) -> Reply? {
    let command = line.uppercased()
    guard command.hasPrefix("AT") else { return command.isEmpty ? nil : .error }
    let body = String(command.dropFirst(2))
    switch body {
    case "", "E1", "E0", "Z", "+CFUN=1", "+CFUN=0", "V1", "Q0", "+CMEE=1", "+CMEE=2":
      if body.hasPrefix("E") { at.echoes = body == "E1" }
      return .ok([])
    case "I": return .ok(information)
    case "+CGMI", "+GMI": return .ok([personality.manufacturer])
    case "+CGMM", "+GMM": return .ok([personality.model])
    case "+CGMR", "+GMR": return .ok([revision])
    case "+CGSN", "+GSN": return .ok([imei])
    case "+CFUN?": return .ok(["+CFUN: \(hasMismatch ? 0 : 1)"])
    case "+CPIN?": return .ok(["+CPIN: READY"])
    case "+CGDCONT?":
      return .ok(
        profiles.sorted { $0.key < $1.key }.map {
          "+CGDCONT: \($0.key),\"IP\",\"\($0.value)\",\"0.0.0.0\",0,0"
        })
    case "!ENTERCND=\"A710\"":
      at.isUnlocked = true
      return .ok([])
    default:
      if body.hasPrefix("+CGDCONT=") { return setProfile(line.dropFirst(11)) }
      return body.hasPrefix("!") ? vendor(String(body.dropFirst()), at: now) : .error
    }
  }

  /// `1,"IP","internet"`.
  private mutating func setProfile(_ text: Substring) -> Reply {
    let fields = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.filter { $0 != "\"" } }
    guard fields.count >= 3, let number = Int(fields[0]), (1...16).contains(number),
      ["IP", "IPV6", "IPV4V6"].contains(fields[1])
    else { return .error }
    profiles[number] = fields[2]
    return .ok([])
  }

  private var information: [String] {
    var lines = [
      "Manufacturer: \(personality.manufacturer)", "Model: \(personality.model)",
      "Revision: \(revision)", "IMEI: \(imei)", "IMEI SV: 2", "FSN: XX000000000000",
    ]
    if let release = personality.release { lines.append(release) }
    return lines + ["+GCAP: +CGSM"]
  }

  private mutating func vendor(_ body: String, at now: Duration) -> Reply {
    switch body {
    case "BOOTHOLD":
      guard personality.knowsBootHold else { return unknown }
      leaving = (now + timing.leave, true)
      return .ok([])
    case "RESET":
      leaving = (now + timing.leave, false)
      return .ok([])
    case "GVER?":
      return personality.saysNotImplemented ? unknown : .ok(["!GVER: \(revision)"])
    case "GSTATUS?": return .ok(status)
    case "PRIID?" where personality.preference != .none: return .ok(pri)
    case "PCINFO?" where personality.preference != .none: return .ok(powerState)
    case "IMPREF?" where personality.preference == .impref: return .ok(preferenceLines)
    case "GOBIIMPREF?" where personality.preference != .none: return .ok(preferenceLines)
    case "IMAGE?" where personality.preference != .none: return .ok(images)
    case "HWID?" where personality.preference == .impref: return .ok(["Revision: 1.0"])
    case "USBINFO?" where personality.preference == .impref: return .ok(usb)
    case "UDUSBCOMP?" where personality.preference != .impref: return .ok(["!UDUSBCOMP: 6"])
    case _ where body.hasPrefix("IMPREF=") || body.hasPrefix("GOBIIMPREF="):
      return setPreference(String(body.drop { $0 != "=" }.dropFirst()))
    default: return unknown
    }
  }

  private var unknown: Reply {
    personality.saysNotImplemented ? .bare("NOT IMPLEMENTED") : .error
  }

  /// Only settings that are stored can be preferred, and only once the stick is unlocked.
  private mutating func setPreference(_ value: String) -> Reply {
    let name = value.filter { $0 != "\"" }
    guard at.isUnlocked, personality.preference != .none, name == flash.carrier.name,
      let application = flash.application, flash.carrier.firmware == Self.plain(application)
    else { return .error }
    flash.preference = SierraFlash.Preference(
      firmware: Self.plain(application), carrier: flash.carrier.name,
      configuration: currentConfiguration)
    return .ok([])
  }

  private var preferenceLines: [String] {
    let name = personality.preference == .impref ? "!IMPREF: " : "!GOBIIMPREF:"
    let preferred = flash.preference
    var lines = [
      name,
      " preferred fw version:    \(preferred.firmware)",
      " preferred carrier name:  \(preferred.carrier)",
      " preferred config name:   \(preferred.configuration)",
      " preferred subpri index:  000",
      " current fw version:      \(Self.plain(flash.application ?? ""))",
      " current carrier name:    \(flash.carrier.name)",
      " current config name:     \(currentConfiguration)",
      " current subpri index:    000",
    ]
    if hasMismatch { lines.append("") }
    return lines + mismatches.map { " \($0)" }
  }

  private var status: [String] {
    let mode = hasMismatch ? "LOW POWER MODE" : "ONLINE"
    return [
      "!GSTATUS: ", "Current Time:  434              Temperature: 29",
      "Reset Counter: 3                Mode:        \(mode)", "",
    ]
  }

  private var powerState: [String] {
    let vote = hasMismatch ? 1 : 0
    if personality.preference == .gobiimpref {
      return [
        "State: \(hasMismatch ? "LowPowerMode" : "Online")",
        "LPM force flags - W_DISABLE:0, User:0, Temp:0, Volt:0, BIOS:0, GOBIIM:\(vote)",
        "W_DISABLE: 0", "Poweroff mode: 0", "LPM Persistent: 0",
      ]
    }
    return [
      "State: \(hasMismatch ? "Low Power Mode" : "Online")",
      "LPM voters - Temp:0, Volt:0, User:0, W_DISABLE:0, IMSWITCH:\(vote), BIOS:0",
      "LPM persistence - None",
    ]
  }

  private var pri: [String] {
    [
      "PRI Part Number: 9907763", "Revision: \(flash.carrier.configuration.prefix(7))",
      "Customer: \(flash.carrier.name)", "", "Carrier PRI: None",
    ]
  }

  private var images: [String] {
    let title = "TYPE SLOT STATUS LRU FAILURES UNIQUE_ID   BUILD_ID"
    let version = Self.plain(flash.application ?? "")
    return [
      title, "FW   1    GOOD   1   0 0      ?_?         \(version)_?",
      "FW   2    EMPTY  0   0 0                  ", "Max FW images: 2",
      "Active FW image is at slot 1", "", title,
      "PRI  FF   GOOD   0   0 0      \(flash.carrier.configuration) "
        + "\(flash.carrier.firmware)_\(flash.carrier.name)",
      "Max PRI images: 50",
    ]
  }

  private var usb: [String] {
    func four(_ value: UInt16) -> String {
      let digits = String(value, radix: 16, uppercase: true)
      return String(repeating: "0", count: 4 - digits.count) + digits
    }
    return [
      "VID: 0x\(four(personality.appID.vendor))", "APP PID: 0x\(four(personality.appID.product))",
      "BOOT PID: 0x\(four(personality.bootID.product))",
      "Manufacturer: \(personality.manufacturer)",
    ]
  }
}
