public import SmithModel

extension HuaweiHiLinkStick {
  /// What a visitor needs (Docs/Protocols/huawei-hilink.md section 2).
  public enum Door: String, Sendable {
    /// Nothing.
    case open
    /// A token for each POST.
    case token
    /// A session, and a token for each POST.
    case session
  }

  /// What asking for another mode comes to (Docs/Protocols/huawei-hilink.md section 6).
  public struct Switches: Equatable, Sendable {
    /// Whether `/html/switchProjectMode.html` is there.
    public var page = false
    /// Values of `<mode>` that `/api/device/mode` takes.
    public var modes: Set<Int> = []
    /// Whether `/CGI` takes `switchMode`.
    public var cgi = false
    /// Whether the connection breaks off in place of an answer.
    public var breaksOff = false
  }

  /// What one model of stick says about itself.
  public struct Personality: Equatable, Sendable {
    /// Name by which it is chosen.
    public var name: String
    /// Model as the page shows it.
    public var model: String
    /// Hardware text.
    public var hardware: String
    /// Firmware it leaves the factory with.
    public var firmware: String
    /// Version of the page.
    public var web: String
    /// What a visitor needs.
    public var door: Door
    /// Whether settings want a login.
    public var wantsLogin = false
    /// Whether the login is one by challenge.
    public var challenges = false
    /// What asking for another mode comes to.
    public var switches: Switches
    /// USB id with the page alone.
    public var pageID = USBID(0x12d1, 0x14dc)
    /// USB id of debug mode.
    public var debugID = USBID(0x12d1, 0x1566)

    /// Balong V7R11 with newer HiLink firmware.
    public static let e3372h = Personality(
      name: "huawei-e3372h-hilink", model: "E3372", hardware: "CL2E3372HM",
      firmware: "22.329.63.00.74", web: "WEBUI_17.100.20.02.74_HILINK", door: .session,
      switches: Switches(modes: [1], cgi: true))
    /// Balong V3R3 with old HiLink firmware: no session, no token.
    public static let e303 = Personality(
      name: "huawei-e303-hilink", model: "E303", hardware: "CH1E303SM",
      firmware: "22.157.18.00.00", web: "WEBUI_13.100.09.00.03_HILINK", door: .open,
      switches: Switches(page: true, modes: [0, 1], breaksOff: true),
      debugID: USBID(0x12d1, 0x1441))
    /// Balong V3R3 with HiLink firmware of the years between: a token, no session.
    public static let e3531 = Personality(
      name: "huawei-e3531-hilink", model: "E3531", hardware: "CH1E3531SM",
      firmware: "22.318.31.00.00", web: "WEBUI_15.100.18.01.00_HILINK", door: .token,
      switches: Switches(cgi: true, breaksOff: true))
    /// Portable router: a login for settings, and no way to a serial port over its page.
    public static let e5573 = Personality(
      name: "huawei-e5573", model: "E5573s-320", hardware: "CL1E5573SM01",
      firmware: "21.318.01.00.00", web: "WEBUI_17.100.13.02.03", door: .session,
      wantsLogin: true, switches: Switches(), pageID: USBID(0x12d1, 0x14db))

    /// The newer platform under the same name: login by challenge for everything that matters, and
    /// no way to a serial port.
    public static let e3372h320 = Personality(
      name: "huawei-e3372h-320", model: "E3372h-320", hardware: "CL4E3372HM",
      firmware: "10.0.5.1(H195SP3C983)", web: "WEBUI 10.0.5.1(W13SP5C7201)", door: .session,
      wantsLogin: true, challenges: true, switches: Switches())

    /// All of them.
    public static let all = [e3372h, e303, e3531, e5573, e3372h320]

    /// The one of that name.
    public static func named(_ name: String) -> Personality? { all.first { $0.name == name } }
  }
}
