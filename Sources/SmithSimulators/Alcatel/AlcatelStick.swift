public import SmithLink
import SmithModel

/// A simulated Alcatel stick: the L800 with its page, and relatives of other generations
/// (Docs/Protocols/alcatel-at.md, Docs/Protocols/alcatel-web.md).
public struct AlcatelStick: WebBody {
  /// Which stick it is.
  public enum Personality: String, Sendable, CaseIterable {
    /// First generation page.
    case l800
    /// Third generation page.
    case l850
    /// A serial stick without page.
    case x220

    /// Name of the model as it says it.
    public var model: String {
      switch self {
      case .l800: "L800"
      case .l850: "L850"
      case .x220: "HSPA Data Card"
      }
    }

    var firmware: String {
      switch self {
      case .l800: "L800_00_02.00_05"
      case .l850: "L850_IA_02.00_10"
      case .x220: "L1112000"
      }
    }
  }

  /// How this unit deviates from the usual.
  public struct Options: Sendable, Equatable {
    /// The page's server.
    public var manners = WebManners()
    /// Whether the page names an upload.
    public var offersUpload = true
    /// Whether a page stick shows an AT port, too.
    public var showsPorts = false
    /// The password; empty for a page without login.
    public var password = ""
    /// Whether name and password are wanted hidden.
    public var hidden = false
    /// The version at the maker's server; nil for none.
    public var offered: String?
    /// Whether a cut installation leaves nothing that starts.
    public var diesWhenCut = false
    /// Whether the page wants a verification key of its own.
    public var ownKey: String?

    /// The usual.
    public init() {}
  }

  /// Which one.
  public let personality: Personality
  /// Deviations.
  public var options: Options
  /// Identity; never changed by anything.
  public let imei = "004999010640109"
  /// Profiles: number to access point.
  public var profiles: [Int: String] = [1: "internet"]
  /// Files that were taken as settings.
  public internal(set) var restoredSettings: [UInt8]?
  /// How many firmware files were taken.
  public internal(set) var uploads = 0

  var body: PageBody
  var at = SimAT()
  var mode = 0
  var isLoggedIn = false
  var triesLeft = 5

  /// A stick that is not plugged in yet.
  public init(
    _ personality: Personality = .l800, firmware: String? = nil, options: Options = Options()
  ) {
    self.personality = personality
    self.options = options
    body = PageBody(version: firmware ?? personality.firmware)
    body.diesWhenCut = options.diesWhenCut
    body.online.version = options.offered
  }

  /// The version that runs.
  public var firmware: String { body.version }
  /// Whether it starts no more.
  public var isDead: Bool { body.isDead }

  /// What the computer sees.
  public var face: StickFace? {
    guard body.isUp else { return nil }
    let isSerial = personality == .x220 || options.showsPorts
    return StickFace(
      generation: body.generation, id: USBID(0x1bbb, isSerial ? 0x0017 : 0x0195),
      ports: isSerial ? [.at] : [])
  }

  /// The next thing that happens by itself.
  public var nextDue: Duration? { body.nextDue }

  /// Performs what is due.
  public mutating func advance(to now: Duration) -> [Emission] {
    let before = body.generation
    body.advance(to: now)
    if body.generation != before {
      at.restart()
      isLoggedIn = false
    }
    return []
  }

  /// Gives power.
  public mutating func plug(at now: Duration) { body.plug(at: now) }

  /// Takes power.
  public mutating func unplug(at now: Duration) {
    body.unplug(at: now)
    isLoggedIn = false
  }

  /// Takes bytes on the AT port.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    _ = advance(to: now)
    guard let face, face.ports.indices.contains(port) else { return [] }
    var lines = at
    var stick = self
    let sent = lines.take(bytes, port: port, at: now) { (stick.run($0), false) }
    self = stick
    at = lines
    return sent
  }

  private mutating func run(_ text: String) -> [String]? {
    let command = text.uppercased()
    switch command {
    case "ATI":
      return [
        "Manufacturer: TCT Mobile International Limited", "Model: \(personality.model)",
        "Revision: \(firmware)", "IMEI: \(imei)", "+GCAP: +CGSM,+DS,+ES",
      ]
    case "AT+GMR": return ["AT+GMR \(firmware)"]
    case "AT+CGSN": return [imei]
    case "AT+CPIN?": return ["+CPIN: READY"]
    case "AT+CSQ": return ["+CSQ: 20,99"]
    case "AT+CREG?": return ["+CREG: 0,1"]
    case "AT+COPS?": return ["+COPS: 0,0,\"Simulated\",2"]
    case "AT+SYSSEL?": return ["+SYSSEL: 0,0,\(mode),0"]
    case "AT+CGDCONT?":
      return profiles.sorted { $0.key < $1.key }.map {
        "+CGDCONT: \($0.key),\"IP\",\"\($0.value)\",\"0.0.0.0\",0,0"
      }
    case _ where command.hasPrefix("AT+SYSSEL=,"):
      guard let digit = command.dropFirst(11).first.flatMap({ Int(String($0)) }) else { return nil }
      mode = digit
      return []
    case _ where command.hasPrefix("AT+CGDCONT="):
      let fields = text.dropFirst(11).split(separator: ",").map { $0.filter { $0 != "\"" } }
      guard fields.count >= 3, let place = Int(fields[0]) else { return nil }
      profiles[place] = fields[2]
      return []
    default: return nil
    }
  }
}
