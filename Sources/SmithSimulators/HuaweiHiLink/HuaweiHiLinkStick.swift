public import SmithLink
import SmithModel

/// A Huawei stick with HiLink firmware: a page, and serial ports in the modes that have them
/// (Docs/Protocols/huawei-hilink.md).
public struct HuaweiHiLinkStick: WebBody {
  /// What of its software answers.
  public enum Mode: String, Sendable {
    /// The page alone.
    case page
    /// Page and serial ports.
    case debug
    /// Serial ports alone: 12d1:1442.
    case serial
  }

  /// One connection profile.
  public struct Profile: Equatable, Sendable {
    /// Fields as the page names them, but for Index.
    public var fields: [String: String]
    /// Number.
    public var index: Int

    /// A profile with the fields that matter.
    public init(
      index: Int, name: String, apn: String, user: String = "", password: String = "",
      isReadOnly: Bool = false
    ) {
      self.index = index
      fields = [
        "IsValid": "1", "Name": name, "ApnIsStatic": "1", "ApnName": apn, "DialupNum": "*99#",
        "Username": user, "Password": password, "AuthMode": user.isEmpty ? "0" : "1",
        "ReadOnly": isReadOnly ? "1" : "0", "iptype": "0",
      ]
    }
  }

  /// Which model it is.
  public let personality: Personality
  /// What it runs.
  public var firmware: String
  /// Fifteen digits from the test range.
  public var imei: String
  /// Serial number.
  public var serial: String
  /// User name and password of the page.
  public var account = (user: "admin", password: "simulated")
  /// Version of the page.
  public var web: String
  /// Version of the small PC program beside the page; nil if the firmware does not tell.
  public var autorun: String?
  /// PIN of the SIM; nil for a SIM that wants none.
  public var pin: String?
  /// Tries for the PIN that are left.
  public var pinTries = 3
  /// Tries for the PUK that are left.
  public var pukTries = 10
  /// Whether the SIM that is in it needs the operator's code, and the tries for it.
  public var simLock = (isLocked: true, tries: 10)
  /// Whether the PIN was entered since the last start.
  public internal(set) var pinIsEntered = false
  /// Wrong logins in a row, and until when none is taken because of them.
  public internal(set) var wrongLogins = 0
  var lockedUntil: Duration?
  /// After so many wrong logins the page takes none for a minute.
  static let mostWrongLogins = 3
  /// Connection profiles; they outlive a loss of power.
  public var profiles: [Profile]
  /// Number of the profile in use.
  public var currentProfile = 1
  /// Mode and bands that the owner chose, as the page names them; they outlive a loss of power.
  public var netMode = ["00", "3FFFFFFF", "7FFFFFFFFFFFFFFF"]
  /// Where text goes that the tests choose: the operator's name.
  public var network = "Simulated Mobile"
  /// How long a session lives without a request.
  public var sessionLife: Duration = .seconds(300)
  /// What was refused, in order: for tests.
  public private(set) var refusals: [String] = []

  var mode = Mode.page
  var clock: Duration = .zero
  var sessions: [String: Session] = [:]
  var looseTokens: [String] = []
  private var rng: UInt64
  private var powered = false
  private var present = false
  var generation = 0
  private var due: (at: Duration, to: Mode?)?
  private var line: [UInt8] = []

  struct Session: Sendable {
    var tokens: [String] = []
    var isLoggedIn = false
    /// Both words of a login by challenge that was begun.
    var words: (first: String, server: String)?
    var lastUse: Duration
  }

  /// How long it takes to come up.
  static let bootTime = Duration.seconds(12)
  /// How long it takes to leave the bus after it was asked to.
  static let leaveTime = Duration.milliseconds(400)
  static let answerTime = Duration.milliseconds(20)

  /// A stick that is not plugged in yet.
  public init(
    _ personality: Personality = .e3372h, firmware: String? = nil,
    imei: String = "004999010640000", serial: String = "SIM0A14C30100042", seed: UInt64 = 1
  ) {
    self.personality = personality
    self.firmware = firmware ?? personality.firmware
    web = personality.web
    self.imei = imei
    self.serial = serial
    rng = seed
    profiles = [
      Profile(index: 1, name: "Operator", apn: "internet", isReadOnly: true),
      Profile(index: 2, name: "Mine", apn: "my.apn", user: "me", password: "secret"),
    ]
  }

  /// The mode that it is in.
  public var presentMode: Mode? { present ? mode : nil }

  // MARK: Bus

  /// What the computer sees.
  public var face: StickFace? {
    guard present else { return nil }
    switch mode {
    case .page: return StickFace(generation: generation, id: personality.pageID, ports: [])
    case .debug:
      return StickFace(
        generation: generation, id: personality.debugID, ports: [.at, .unknown, .diag])
    case .serial: return StickFace(generation: generation, id: USBID(0x12d1, 0x1442), ports: [.at])
    }
  }

  /// Whether the page is there.
  public var isListening: Bool { present && mode != .serial }

  /// When it comes up or leaves.
  public var nextDue: Duration? { due?.at }

  /// Comes up or leaves when it is time.
  public mutating func advance(to now: Duration) -> [Emission] {
    while let next = due, next.at <= now {
      clock = max(clock, next.at)
      if let mode = next.to {
        self.mode = mode
        present = false
        due = (next.at + Self.bootTime, nil)
      } else {
        present = true
        generation += 1
        due = nil
        pinIsEntered = false
        sessions = [:]
        looseTokens = []
        line = []
      }
    }
    clock = max(clock, now)
    return []
  }

  /// Boots to its page: modes that were asked for do not outlive a loss of power.
  public mutating func plug(at now: Duration) {
    clock = max(clock, now)
    guard !powered else { return }
    powered = true
    mode = .page
    wrongLogins = 0
    lockedUntil = nil
    due = (now + Self.bootTime, nil)
  }

  /// Falls silent.
  public mutating func unplug(at now: Duration) {
    clock = max(clock, now)
    powered = false
    present = false
    due = nil
  }

  /// Leaves the bus soon and comes back in another mode, or in the same one.
  mutating func leave(to mode: Mode, at now: Duration) {
    guard due == nil else { return }
    due = (now + Self.leaveTime, mode)
  }

  // MARK: Ports

  /// The AT port of the modes that have one: identification and the way back.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    var out = advance(to: now)
    guard present, mode != .page, port == 0 else { return out }
    for byte in bytes {
      guard byte == 13 else {
        if line.count < 512 { line.append(byte) }
        continue
      }
      let command = String(decoding: line, as: UTF8.self).uppercased()
      line = []
      let answer = self.answer(to: command.filter { $0 != "\n" })
      out.append(Emission(port: 0, bytes: Array(answer.utf8), at: now + .milliseconds(5)))
    }
    return out
  }

  private mutating func answer(to command: String) -> String {
    func lines(_ texts: String...) -> String {
      (texts + ["OK"]).map { "\r\n\($0)\r\n" }.joined()
    }
    switch command {
    case "AT", "ATE0", "AT+CMEE=1", "AT^CURC=0": return lines()
    case "ATI":
      return lines(
        "Manufacturer: huawei", "Model: \(personality.model)", "Revision: \(firmware)",
        "IMEI: \(imei)")
    case "AT+CGMI": return lines("huawei")
    case "AT+CGMM": return lines(personality.model)
    case "AT+CGMR": return lines(firmware)
    case "AT+CGSN": return lines(imei)
    case "AT^HWVER": return lines("^HWVER:\"\(personality.hardware)\"")
    case "AT^RESET":
      leave(to: .page, at: clock)
      return lines()
    default:
      refusals.append(command)
      return "\r\nERROR\r\n"
    }
  }

  mutating func refuse(_ what: String) {
    refusals.append(what)
  }

  /// Thirty-two characters that nobody can guess who does not know the seed.
  mutating func secret() -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    var text = ""
    for _ in 0..<32 {
      rng = rng &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text.append(letters[Int(rng >> 33) % letters.count])
    }
    return text
  }
}
