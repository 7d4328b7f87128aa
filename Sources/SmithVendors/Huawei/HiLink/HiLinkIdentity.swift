import SmithLink
import SmithModel

/// Asks a HiLink stick who it is, over its page (Docs/Protocols/huawei-hilink.md section 5).
public enum HiLinkIdentity {
  /// How many pages may stay unanswered before the asking ends.
  private static let patience = 2

  /// Reads everything that the page tells; changes nothing.
  ///
  /// What the stick refuses stays nil. The first question must be answered.
  public static func identify(over session: HiLinkSession) async throws(HiLinkError)
    -> DeviceReport
  {
    var report = DeviceReport()
    report.vendor = "huawei"
    report.mode = .normal
    let told = try await device(session, &report)
    // A name with markup in it is none that a stick would give.
    let names = ["DeviceName", "devicename", "HardwareVersion", "SoftwareVersion", "WebUIVersion"]
    if names.contains(where: { told[$0]?.contains("<") == true }) {
      throw .badAnswer("a name with markup")
    }
    apply(device: told, to: &report)
    var silences = 0
    for path in questions where silences < patience {
      do throws(HiLinkError) {
        let answer = try await session.get(path)
        apply(answer, of: path, to: &report)
      } catch {
        switch error {
        case .refused, .loginNeeded: break
        case .badAnswer: note("\(path) could not be read", &report)
        case .page(.silent):
          silences += 1
          note("\(path) was not answered", &report)
        default: throw error
        }
      }
    }
    judgeWorld(&report)
    report.chipset = ModelSheet.chip(of: report)
    report.customerCode = HuaweiIdentity.customerCode(of: report.firmware)
    GenericIdentity.noteLostIdentity(&report)
    return report
  }

  private static let questions = [
    "/api/monitoring/status", "/api/net/current-plmn", "/api/device/signal", "/api/pin/status",
    "/api/pin/simlock", "/api/device/autorun-version",
  ]

  /// The full answer, or the short one that needs no login.
  private static func device(_ session: HiLinkSession, _ report: inout DeviceReport)
    async throws(HiLinkError) -> HiLinkXML
  {
    let first: HiLinkError
    do throws(HiLinkError) { return try await session.get("/api/device/information") } catch {
      first = error
    }
    switch first {
    case .loginNeeded, .refused:
      note("the page tells IMEI and serial number only after a login", &report)
    default: throw first
    }
    do throws(HiLinkError) { return try await session.get("/api/device/basic_information") } catch {
      // A page that has neither is another maker's.
      if case .refused(HiLinkCodes.notSupported, _) = first,
        case .refused(HiLinkCodes.notSupported, _) = error
      {
        throw .notHiLink(status: 404)
      }
      throw error
    }
  }

  private static func apply(device answer: HiLinkXML, to report: inout DeviceReport) {
    report.model = clean(answer["DeviceName"] ?? answer["devicename"])
    report.serial = clean(answer["SerialNumber"])
    report.imei = answer["Imei"].flatMap { IMEI($0) }
    report.hardware = clean(answer["HardwareVersion"])
    report.firmware = clean(answer["SoftwareVersion"]).map { FirmwareVersion($0) }
    report.webInterface = clean(answer["WebUIVersion"])
  }

  private static func apply(_ answer: HiLinkXML, of path: String, to report: inout DeviceReport) {
    switch path {
    case "/api/monitoring/status": report.registration = registration(answer)
    case "/api/net/current-plmn":
      report.network = clean(answer["FullName"] ?? answer["ShortName"] ?? answer["Numeric"])
    case "/api/device/signal":
      report.signal = number(answer["rssi"]).flatMap { .init(level: ($0 + 113) / 2) }
      report.band = clean(answer["band"])
    case "/api/pin/status": report.simState = simState(answer)
    case "/api/pin/simlock": report.simLock = simLock(answer)
    case "/api/device/autorun-version": report.dashboard = clean(answer["Version"])
    default: break
    }
  }

  private static func registration(_ answer: HiLinkXML) -> DeviceReport.Registration? {
    guard let service = number(answer["ServiceStatus"]) else { return nil }
    if service == 2 { return number(answer["RoamingStatus"]) == 1 ? .roaming : .home }
    return .unknown
  }

  static func simState(_ answer: HiLinkXML) -> String? {
    guard let state = number(answer["SimState"]) else { return nil }
    switch state {
    case 255: return "NO SIM"
    case 256: return "SIM FAILURE"
    case 257, 258, 259: return "READY"
    case 260: return "SIM PIN"
    case 261: return "SIM PUK"
    default: return "\(state)"
    }
  }

  private static func simLock(_ answer: HiLinkXML) -> DeviceReport.SIMLock? {
    guard let locked = number(answer["SimLockEnable"]) else { return nil }
    let tries = number(answer["SimLockRemainTimes"]).flatMap { (0...100).contains($0) ? $0 : nil }
    switch locked {
    case 0: return .init(status: .noCodeNeeded, triesLeft: tries)
    case 1: return .init(status: tries == 0 ? .blocked : .codeNeeded, triesLeft: tries)
    default: return .init(status: .unknown, triesLeft: tries)
    }
  }

  /// The page proves HiLink firmware; the version's family must not speak against it.
  private static func judgeWorld(_ report: inout DeviceReport) {
    report.worldEvidence = ["the page answers the HiLink API"]
    guard let family = report.firmware?.groups?.first else { return }
    report.worldEvidence.append("firmware version begins with \(family).")
    // 11 is Qualcomm; 10 is the newer platform that no Balong tool can write.
    report.world = family == 11 || family == 10 ? .unknown : .balongHiLink
  }

  private static func note(_ text: String, _ report: inout DeviceReport) {
    report.evidence = report.evidence.map { "\($0); \(text)" } ?? text
  }

  /// A number with whatever unit behind it, as in `-65dBm` or `>=-51dBm`.
  static func number(_ text: String?) -> Int? {
    guard let text else { return nil }
    let digits = text.drop { !($0.isASCII && $0.isNumber) && $0 != "-" }
    return Int(digits.prefix { $0 == "-" || ($0.isASCII && $0.isNumber) })
  }

  /// A line of text that is safe to show: no control characters, no more than 100 characters.
  static func clean(_ text: String?) -> String? {
    guard let text else { return nil }
    let kept = text.unicodeScalars.filter {
      switch $0.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: false
      default: true
      }
    }
    let line = TextFields.trim(String(String.UnicodeScalarView(kept)).prefix(100))
    return line.isEmpty ? nil : line
  }
}
