import SmithAT
import SmithModel

/// Tolerant readers, one for each answer (Docs/Protocols/huawei-identify.md section 3).
enum HuaweiAnswers {
  /// `^FHVER:"E3372H-607 22.329.63.00.74,CL2E3372HM Ver.A"`.
  struct FullVersion: Equatable {
    var product: String?
    var software: String?
    var hardware: String?
  }

  static func fullVersion(_ response: ATResponse) -> FullVersion? {
    guard let value = response.values("^FHVER").first.flatMap({ TextFields.bare($0) }) else {
      return nil
    }
    let comma = value.utf8.firstIndex(of: 0x2c) ?? value.endIndex
    var words = TextFields.words(value[..<comma])
    var result = FullVersion()
    if words.count >= 2 { result.software = words.removeLast() }
    result.product = words.isEmpty ? nil : words.joined(separator: " ")
    if comma < value.endIndex {
      result.hardware = TextFields.bare(Substring(value.utf8[comma...].dropFirst()))
    }
    return result
  }

  /// `^VERSION:EXTS:22.329.63.00.74` and its sisters, keys in lower case, empty values left out.
  static func versions(_ response: ATResponse) -> [String: String] {
    var result: [String: String] = [:]
    for value in response.values("^VERSION") {
      guard let (key, text) = TextFields.pair(value), !text.isEmpty, result[key] == nil else {
        continue
      }
      result[key] = text
    }
    return result
  }

  /// `^HWVER:"CL2E3372HM"`, quoted or not.
  static func hardware(_ response: ATResponse) -> String? {
    response.values("^HWVER").first.flatMap { TextFields.bare($0) }
  }

  /// `^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,PCUI:1,`: platform word and ports.
  struct PortMode: Equatable {
    var platform: String?
    var ports: [DeviceReport.PortEntry] = []
  }

  static func portMode(_ response: ATResponse) -> PortMode? {
    guard let value = response.values("^GETPORTMODE").first else { return nil }
    var result = PortMode()
    for (index, field) in TextFields.parts(value, at: 0x2c).enumerated() {
      guard let colon = field.utf8.lastIndex(of: 0x3a) else { continue }
      let name = TextFields.trim(field[..<colon])
      let tail = TextFields.trim(Substring(field.utf8[colon...].dropFirst()))
      if let number = Int(tail), (0...255).contains(number), !name.isEmpty {
        result.ports.append(.init(name: name, number: number, role: role(of: name)))
      } else if index == 0, !tail.isEmpty {
        result.platform = tail
      }
    }
    return result
  }

  private static func role(of name: String) -> PortRole {
    switch name.lowercased() {
    case "pcui": .at
    case "mdm", "modem", "3g_modem": .modem
    case "diag", "3g_diag", "4g_diag": .diag
    case "gps": .gps
    default: .unknown
    }
  }

  /// `^CARDLOCK: 2,10,0`.
  static func cardLock(_ response: ATResponse) -> DeviceReport.SIMLock? {
    guard let value = response.values("^CARDLOCK").first else { return nil }
    let fields = TextFields.split(value)
    let status: DeviceReport.SIMLock.Status
    switch fields.first.flatMap({ Int($0) }) {
    case 1: status = .codeNeeded
    case 2: status = .noCodeNeeded
    case 3: status = .blocked
    case .some: status = .unknown
    case nil: return nil
    }
    let tries = fields.count > 1 ? Int(fields[1]) : nil
    return .init(status: status, triesLeft: tries.flatMap { $0 >= 0 ? $0 : nil })
  }

  /// The lines of AT^DLOADINFO?, stray tabs and blanks between them ignored.
  struct DownloadInfo: Equatable {
    var software: String?
    var dashboard: String?
    var web: String?
    var product: String?
    var type: Int?
  }

  static func downloadInfo(_ response: ATResponse) -> DownloadInfo? {
    var result = DownloadInfo()
    for line in response.lines {
      guard let (key, value) = TextFields.pair(line), !value.isEmpty else { continue }
      switch key {
      case "swver": result.software = value
      case "isover", "iso": result.dashboard = value
      case "webuiver", "webui": result.web = value
      case "product name": result.product = value
      case "dload type": result.type = Int(value)
      default: break
      }
    }
    return result == DownloadInfo() ? nil : result
  }

  /// A lone line, with or without the prefix, quotes taken off.
  static func lone(_ response: ATResponse, _ prefix: String) -> String? {
    guard response.isOK else { return nil }
    if let value = response.values(prefix).first { return TextFields.bare(value) }
    guard let line = response.lines.first, !line.utf8.contains(0x3a) else { return nil }
    return TextFields.bare(line)
  }

  /// Digits of AT+CGSN, bare or after a prefix.
  static func imei(_ response: ATResponse) -> IMEI? {
    for line in response.lines {
      let colon = line.utf8.lastIndex(of: 0x3a)
      let tail = colon.map { Substring(line.utf8[$0...].dropFirst()) } ?? line[...]
      if let imei = TextFields.bare(tail).flatMap({ IMEI($0) }) { return imei }
    }
    return nil
  }

  /// Numbers of `^SYSINFO:2,4,5,3,1,,6`; an empty field is nil.
  static func systemInfo(_ response: ATResponse) -> [Int?]? {
    response.values("^SYSINFO").first.map { value in TextFields.split(value).map { Int($0) } }
  }

  /// Operator of `+COPS: 0,0,"Name",2`.
  static func network(_ response: ATResponse) -> String? {
    guard let value = response.values("+COPS").first else { return nil }
    let fields = TextFields.split(value)
    return fields.count > 2 && !fields[2].isEmpty ? fields[2] : nil
  }

  /// `+CSQ: 24,99`.
  static func signal(_ response: ATResponse) -> DeviceReport.Signal? {
    response.values("+CSQ").first.flatMap { TextFields.split($0).first }.flatMap { Int($0) }
      .flatMap { DeviceReport.Signal(level: $0) }
  }

  /// `+CREG: 0,1`; a report that slipped in between (one number, or a number and a quoted area)
  /// is no answer.
  static func registration(_ response: ATResponse) -> DeviceReport.Registration? {
    for value in response.values("+CREG") {
      let fields = TextFields.parts(value, at: 0x2c, keepingEmpty: true)
      guard fields.count >= 2, let number = Int(TextFields.trim(fields[1])) else { continue }
      return DeviceReport.Registration(number: number)
    }
    return nil
  }

  /// Band of `^HFREQINFO:0,6,1,425,...`: system mode, then band class
  /// (Docs/Protocols/huawei-identify.md section 3).
  static func band(_ response: ATResponse) -> String? {
    guard let value = response.values("^HFREQINFO").first else { return nil }
    let fields = TextFields.split(value).map { Int($0) }
    guard fields.count >= 3, let band = fields[2], (1...255).contains(band) else { return nil }
    return fields[1] == 6 ? "LTE band \(band)" : "band \(band)"
  }

  /// System mode of AT^SYSINFO, its fourth number.
  static func technology(_ numbers: [Int?]) -> String? {
    guard numbers.count >= 4, let mode = numbers[3] else { return nil }
    return switch mode {
    case 3: "GSM"
    case 5: "WCDMA"
    case 15: "TD-SCDMA"
    case 17: "LTE"
    default: nil
    }
  }

  /// `^CVOICE:0,8000,16,20`: 0 is on, 1 is off; a refusal says that there is none.
  static func voice(_ response: ATResponse) -> String? {
    if let value = response.values("^CVOICE").first.flatMap({ TextFields.bare($0) }) {
      return switch TextFields.split(value).first {
      case "0": "on (\(value))"
      case "1": "off (\(value))"
      default: value
      }
    }
    return response.isOK ? nil : "none"
  }

  /// Geometry line of AT^FLASHINFO?.
  static func flash(_ response: ATResponse) -> String? {
    guard response.isOK else { return nil }
    return response.lines.map { TextFields.trim($0) }
      .first { !$0.isEmpty && !$0.hasPrefix("~") }
  }
}
