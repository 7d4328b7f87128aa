import Crypto
import SmithBytes
public import SmithLink
import SmithModel

/// The page of a ZTE stick (Docs/Protocols/zte-web.md).
public final class ZTEPage: StickPage {
  let talk: PageTalk
  private var readPath = "/goform/goform_get_cmd_process"
  private var writePath = "/goform/goform_set_cmd_process"
  /// Whether the login was of the new kind, whose writes carry a token.
  private var signsWrites = false
  private var version = ""

  /// Speaks over `link`; `host` as the address names it.
  public init(_ link: any WebLink, host: String) {
    talk = PageTalk(link, host: host)
  }

  /// The vendor.
  public var vendor: String { "zte" }
  /// Name in plans and journals.
  public var route: String { "zte-web" }
  /// The connection.
  public var link: any WebLink { talk.link }

  /// Versions, model, IMEI and states (section 3).
  public func identify() async throws(PageError) -> DeviceReport {
    let names = [
      "wa_inner_version", "cr_version", "hardware_version", "web_version", "modem_model", "imei",
      "modem_main_state", "network_type", "unlock_nck_time",
    ]
    let values: PageValue
    do throws(PageError) {
      values = try await read(names)
    } catch {
      // Rebranded firmware answers elsewhere (section 1).
      switch error {
      case .status, .notJSON: break
      default: throw error
      }
      readPath = "/reqproc/proc_get"
      writePath = "/reqproc/proc_post"
      values = try await read(names)
    }
    guard values["wa_inner_version"] != nil else { throw .unknownPage }
    version = (values["wa_inner_version"]?.string ?? "") + (values["cr_version"]?.string ?? "")
    return try report(values)
  }

  private func report(_ values: PageValue) throws(PageError) -> DeviceReport {
    var report = DeviceReport()
    report.vendor = vendor
    report.manufacturer = "ZTE"
    report.mode = .normal
    report.model = try Self.kept(values, "modem_model")
    report.firmware = try Self.kept(values, "wa_inner_version").map { FirmwareVersion($0) }
    report.hardware = try Self.kept(values, "hardware_version")
    report.webInterface = try Self.kept(values, "web_version")
    report.network = try Self.kept(values, "network_type")
    report.imei = try Self.kept(values, "imei").flatMap { IMEI($0) }
    report.customerCode = report.firmware.flatMap { ZTERevision($0.text) }?.project
    report.simState = try Self.kept(values, "modem_main_state").map(Self.simState)
    let tries = values["unlock_nck_time"]?.int.flatMap { (0...1000).contains($0) ? $0 : nil }
    if report.simState == "PH-NET PIN" {
      report.simLock = .init(
        status: tries == 0 ? .blocked : .codeNeeded, triesLeft: tries, triesAllowed: nil)
    } else if let tries {
      report.simLock = .init(status: .unknown, triesLeft: tries, triesAllowed: nil)
    }
    GenericIdentity.noteLostIdentity(&report)
    return report
  }

  /// States of the page in the words of AT+CPIN?, where it has one.
  static func simState(_ state: String) -> String {
    switch state {
    case "modem_init_complete": "READY"
    case "modem_waitpin": "SIM PIN"
    case "modem_waitpuk": "SIM PUK"
    case "modem_imsi_waitnck": "PH-NET PIN"
    default: state
    }
  }

  private static func kept(_ values: PageValue, _ name: String) throws(PageError) -> String? {
    guard let text = values[name]?.string, !text.isEmpty else { return nil }
    return try PageText.kept(text, name)
  }

  /// Logs in; which of the two kinds it is, the page says (section 2).
  public func login(_ password: String) async throws(PageError) {
    let salt = try await read(["LD"])["LD"]?.string ?? ""
    let secret: String
    if salt.isEmpty {
      secret = PageBase64.encoded(Array(password.utf8))
    } else {
      secret = Self.upperHash(Self.upperHash(password) + salt)
    }
    let fields = [("isTest", "false"), ("goformId", "LOGIN"), ("password", secret)]
    let path = writePath
    let answer = try PageTalk.json(try await talk.write(path, form: fields), path)
    switch (answer["result"]?.string, salt.isEmpty) {
    case ("0", _), ("success", _), ("4", true): break
    case ("2", true): throw .otherUser
    case ("1", false):
      // Locked and logged in already have one number here.
      guard try await read(["loginfo"])["loginfo"]?.string == "ok" else {
        throw .locked(seconds: nil)
      }
    case ("1", true), ("3", _):
      let left = try? await read(["psw_fail_num_str"])["psw_fail_num_str"]?.int
      throw .passwordWrong(triesLeft: left)
    default:
      throw .refused(request: "LOGIN", code: PageText.shown("\(answer["result"]?.string ?? "-")"))
    }
    signsWrites = !salt.isEmpty
  }

  // MARK: Requests

  func read(_ names: [String]) async throws(PageError) -> PageValue {
    let many = names.count > 1 ? "&multi_data=1" : ""
    return try await talk.readJSON(
      "\(readPath)?isTest=false&cmd=\(names.joined(separator: ","))\(many)")
  }

  /// One write that answers success or failure (section 4); signed where the login wants it.
  func write(_ name: String, _ fields: [(String, String)] = []) async throws(PageError) {
    var form = [("isTest", "false"), ("goformId", name)] + fields
    if signsWrites {
      let random = try await read(["RD"])["RD"]?.string ?? ""
      form.append(("AD", Self.upperHash(Self.upperHash(version) + random)))
    }
    let path = writePath
    let answer = try PageTalk.json(try await talk.write(path, form: form), path)
    guard let result = answer["result"]?.string else { throw .missing(field: "result") }
    guard result == "success" || result == "0" else {
      throw .refused(request: name, code: PageText.shown(result))
    }
  }

  private static func upperHash(_ text: String) -> String {
    [UInt8](SHA256.hash(data: Array(text.utf8))).hex.uppercased()
  }

  // MARK: Compositions

  /// The compositions of `USB_MODE_SWITCH` (section 8).
  public enum Composition: Int, Sendable, CaseIterable {
    case service = 0
    case cdrom = 1
    case network = 5
    case networkAndPorts = 6
  }

  /// Changes the USB composition; exactly one digit is sent.
  public func setComposition(_ composition: Composition) async throws(PageError) {
    try await write("USB_MODE_SWITCH", [("usb_mode", "\(composition.rawValue)")])
  }

  /// Restarts the stick.
  public func restart() async throws(PageError) {
    try await write("REBOOT_DEVICE")
  }
}
