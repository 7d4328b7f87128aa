import SmithBytes
public import SmithLink
import SmithModel

/// A simulated ZTE MF667: a network card with a page, or, in the service composition, diagnostic
/// and AT ports (Docs/Protocols/zte-at.md section 4, Docs/Protocols/zte-web.md).
///
/// A file whose first 4 KiB hold `SMITHSIM-VERSION:<version>;` changes the version with the restart
/// that follows its upload; other files are refused.
public struct ZTEStick: WebBody {
  /// How this unit deviates from the usual.
  public struct Options: Sendable, Equatable {
    /// The page's server.
    public var manners = WebManners()
    /// Whether the page has a place for firmware.
    public var offersUpload = true
    /// Whether the login is of the new kind.
    public var newLogin = false
    /// Whether reading wants a login, too.
    public var hidesVersions = false
    /// The password; empty for a page without login.
    public var password = ""
    /// The version at the maker's server; nil for none.
    public var offered: String?
    /// Whether the stick restarts by itself once it took a file.
    public var restartsItself = true
    /// Whether a cut installation leaves nothing that starts.
    public var diesWhenCut = false
    /// Tries of the operator's lock that are left.
    public var lockTries = 5
    /// Whether the page says how an update over the air ended.
    public var tellsResult = true
    /// Whether the operator's lock is closed.
    public var locked = false
    /// The code that opens it; nil if none does.
    public var unlockCode: String?

    /// The usual.
    public init() {}
  }

  /// One connection profile.
  public struct Profile: Sendable, Equatable {
    /// Name for people.
    public var name: String
    /// Access point.
    public var apn: String
    /// User name; empty for none.
    public var user: String

    /// Gathers the parts.
    public init(name: String, apn: String, user: String = "") {
      self.name = name
      self.apn = apn
      self.user = user
    }
  }

  /// Deviations.
  public var options: Options
  /// What the host should not have done, in words.
  public internal(set) var complaints: [String] = []
  /// Identity; never changed by anything.
  public let imei = "004999010640000"
  /// Profiles by place.
  public var profiles: [Int: Profile] = [0: Profile(name: "Default", apn: "internet")]
  /// Which networks the owner chose, in the page's word.
  public var bearer = "NETWORK_auto"
  /// Whether the service composition is on.
  public internal(set) var isService = false
  /// Whether the CD-ROM is on.
  public internal(set) var hasAutorun = true
  /// How many files were taken.
  public internal(set) var uploads = 0
  /// How many lock codes were entered.
  public private(set) var codes = 0
  /// Whether the radio is on.
  public var isOnline: Bool { online }

  var body: PageBody
  var at: [SimAT] = [SimAT(), SimAT()]
  var online = true
  var networkMode = "0,0,0"
  var session: String?
  var wrongPasswords = 0
  /// The composition that is shown: switches take effect when the stick is plugged in again.
  var showsService = false

  var diag: QualcommSimDiag
  var frames = HDLCDecoder(limit: 8192)

  /// A stick that is not plugged in yet.
  public init(firmware: String = "BD_O2MF667V1.0.0B03", options: Options = Options()) {
    diag = QualcommSimDiag(
      model: "MF667", build: firmware, chip: 0x04e0,
      items: [
        550: QualcommSimDiag.identityItem(imei), 10: [UInt8](repeating: 4, count: 128),
        441: [UInt8](repeating: 1, count: 128),
      ],
      files: ["/config": Array(firmware.utf8), "/AUTORUN.FLG": [], "/nv/item_files/a": [1, 2]])
    self.options = options
    body = PageBody(version: firmware)
    body.diesWhenCut = options.diesWhenCut
    body.online.version = options.offered
  }

  /// The version that runs.
  public var firmware: String { body.version }
  /// Whether it starts no more.
  public var isDead: Bool { body.isDead }

  /// Changes the composition from outside, for setting a scene; takes effect with the next start.
  public mutating func setService(_ on: Bool) { isService = on }

  /// What the computer sees.
  public var face: StickFace? {
    guard body.isUp else { return nil }
    let id: UInt16 = showsService ? 0x0016 : 0x1405
    return StickFace(
      generation: body.generation, id: USBID(0x19d2, id),
      ports: showsService ? [.diag, .at, .modem] : [])
  }

  /// The next thing that happens by itself.
  public var nextDue: Duration? { body.nextDue }

  /// Performs what is due.
  public mutating func advance(to now: Duration) -> [Emission] {
    let before = body.generation
    body.advance(to: now)
    if body.generation != before {
      showsService = isService
      at = [SimAT(), SimAT()]
      frames.reset()
      session = nil
    }
    return []
  }

  /// Gives power.
  public mutating func plug(at now: Duration) { body.plug(at: now) }

  /// Takes power.
  public mutating func unplug(at now: Duration) {
    _ = advance(to: now)
    body.unplug(at: now)
    session = nil
  }

  /// Takes bytes on a port of the service composition.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    _ = advance(to: now)
    guard let face, face.ports.indices.contains(port) else { return [] }
    guard port > 0 else { return receiveDiag(bytes, at: now) }
    var lines = at[port - 1]
    var stick = self
    let sent = lines.take(bytes, port: port, at: now) { stick.run($0) }
    self = stick
    at[port - 1] = lines
    return sent
  }

  mutating func run(_ text: String) -> (lines: [String]?, silent: Bool) {
    let command = text.uppercased()
    let lines: [String]?
    switch command {
    case "ATI":
      lines = [
        "Manufacturer: ZTE CORPORATION", "Model: MF667", "Revision: \(firmware)", "IMEI: \(imei)",
        "+GCAP: +CGSM,+DS,+ES",
      ]
    case "AT+CGMI": lines = ["ZTE CORPORATION"]
    case "AT+CGMM": lines = ["MF667"]
    case "AT+CGMR": lines = [firmware]
    case "AT+CGSN": lines = [imei]
    case "AT+CPIN?":
      let wanted = options.lockTries > 0 ? "PH-NET PIN" : "PH-NET PUK"
      lines = ["+ZUSIMR:2", "+CPIN: \(options.locked ? wanted : "READY")"]
    case "AT+CLCK=\"PN\",2": lines = ["+CLCK: \(options.locked ? 1 : 0)"]
    case "AT+ZPAS?": lines = ["+ZPAS: \"3G\",\"CS_PS\""]
    case "AT+CSQ": lines = ["+CSQ: 17,99"]
    case "AT+CREG?": lines = ["+CREG: 0,1"]
    case "AT+COPS?": lines = ["+COPS: 0,0,\"Simulated\",2"]
    case "AT+ZSEC?": lines = [options.locked ? "+ZSEC: 2,1" : "+ZSEC: 3,0"]
    case "AT+ZNCK?": lines = options.lockTries > 0 ? ["+ZNCK: \(options.lockTries)"] : nil
    case "AT+ZOPRT?": lines = ["+ZOPRT: \(online ? 5 : 6)"]
    case "AT+ZOPRT=5", "AT+ZOPRT=6":
      online = command.hasSuffix("5")
      lines = []
    case "AT+ZSNT?": lines = ["+ZSNT: \(networkMode)"]
    case "AT+CGDCONT?":
      lines = profiles.sorted { $0.key < $1.key }.map {
        "+CGDCONT: \($0.key + 1),\"IP\",\"\($0.value.apn)\",\"0.0.0.0\",0,0"
      }
    default: return runChange(text, command)
    }
    return (lines, false)
  }

  private mutating func runChange(_ text: String, _ command: String)
    -> (lines: [String]?, silent: Bool)
  {
    switch command {
    case "AT+ZCDRUN=4":
      return (["Inquiry autorun open state result(0:NO 1:YES):\(hasAutorun ? 1 : 0)"], false)
    case "AT+ZCDRUN=8", "AT+ZCDRUN=9":
      hasAutorun = command.hasSuffix("9")
      let word = hasAutorun ? "Open" : "Close"
      return (["\(word) autorun state result(0:FAIL 1:SUCCESS):1"], false)
    case "AT+ZCDRUN=E":
      isService = true
      return (["Enter download mode result(0:FAIL 1:SUCCESS):1"], false)
    case "AT+ZCDRUN=F":
      isService = false
      // In the service composition such sticks often do it and say nothing.
      return (["exit download mode result(0:FAIL 1:SUCCESS):1"], showsService)
    case _ where command.hasPrefix("AT+ZSNT="):
      networkMode = String(command.dropFirst(8))
      return ([], false)
    case _ where command.hasPrefix("AT+CGDCONT="):
      let fields = text.dropFirst(11).split(separator: ",").map { $0.filter { $0 != "\"" } }
      guard fields.count >= 3, let place = Int(fields[0]), place > 0 else { return (nil, false) }
      profiles[place - 1] = Profile(name: fields[2], apn: fields[2])
      return ([], false)
    case _ where command.hasPrefix("AT+ZNCK="):
      return (enter(command.dropFirst(8).filter { $0 != "\"" }), false)
    case "AT+CFUN=1":
      online = true
      return ([], false)
    default: return (nil, false)
    }
  }

  /// A lock code: a wrong one costs a try for good, a right one leaves the radio off.
  private mutating func enter(_ code: String) -> [String]? {
    codes += 1
    guard options.locked, options.lockTries > 0, code == options.unlockCode else {
      if options.locked { options.lockTries = max(0, options.lockTries - 1) }
      return nil
    }
    options.locked = false
    online = false
    return []
  }
}
