import SmithBytes
public import SmithLink
public import SmithModel

/// A simulated Huawei stick of the Qualcomm era (Docs/Protocols/huawei-qualcomm.md): AT commands,
/// DIAG beside them or in their place, and the boot loader that DIAG leads to.
///
/// Its loader says who it is and begins an item, as far as is known; a begun item is never
/// finished, and such a stick starts into its loader for ever. So a host that only looks around
/// leaves a stick that boots.
public struct HuaweiQualcommStick: StickBody {
  /// How a unit deviates from the usual.
  public struct Options: Sendable {
    /// Whether it is locked to its operator.
    public var locked = false
    /// The code that opens it; nil if no code does.
    public var unlockCode: String?
    /// Tries that are left; 0 as in an operator's E1732.
    public var tries = 10
    /// Whether the right code opens it in memory only, as operators' builds do.
    public var unlocksUntilPowerOff = false
    /// Whether a wrong hash in AT^CARDUNLOCK costs a try.
    public var wrongHashCostsTry = false
    /// Whether it shows its AT port alone, as on a PTY.
    public var singlePort = false
    /// Whether AT$QCDMG is known.
    public var knowsQCDMG = true
    /// Whether AT^DISLOG=255 is known.
    public var knowsDISLOG = true
    /// Whether 3A leads into the loader; DIAG refuses it if not.
    public var entersLoader = true
    /// Whether it echoes 3A and stays all the same.
    public var staysAfterEntry = false
    /// Whether its loader restarts it when it is asked to (0A).
    public var loaderKnowsReset = true
    /// What its loader calls itself.
    public var loader = "M62xx-OEMSBL"
    /// Product in its loader's 45 answer; the beginning of the model name if nil.
    public var loaderProduct: String?
    /// What follows an unknown command.
    public var refusal = "COMMAND NOT SUPPORT"
    /// Whether it reports ^BOOT until it hears AT^HS.
    public var reportsBoot = false
    /// A line that comes before the echo of each command, as some units send ^SRVST.
    public var reportBeforeEcho: String?
    /// Port composition as AT^U2DIAG tells it; nil if the command is not known.
    public var composition: Int? = 255
    /// Port list as AT^SETPORT tells it; nil if the command is not known.
    public var portList: String?
    /// Whether it takes no new port composition.
    public var refusesPorts = false
    /// Answer to AT^GETPORTMODE; nil if the command is not known.
    public var portMode: String? = "^GETPORTMODE:TYPE:WCDMA:Qualcomm,MDM:0,DIAG:1,PCUI:2"
    /// USB id.
    public var id = USBID(0x12d1, 0x1001)
    /// Identity number.
    public var imei = "004999010640000"
    /// Time from leaving the bus to coming back.
    public var returnDelay: Duration = .seconds(6)

    /// The usual unit.
    public init() {}
  }

  /// Which program runs.
  public enum Mode: Equatable, Sendable { case off, normal, loader }

  /// What outlives the power.
  public struct Storage: Equatable, Sendable, Codable {
    /// Lock status as AT^CARDLOCK? tells it.
    public var lockStatus: Int
    /// Tries that are left.
    public var lockTries: Int
    /// Whether an item was begun in the loader: its firmware is gone.
    public var isBegun = false
    /// Port composition; nil if AT^U2DIAG is not known.
    public var composition: Int?
    /// Port list; nil if AT^SETPORT is not known.
    public var portList: String?
    /// Numbered settings that DIAG told and took.
    public var items: [UInt16: [UInt8]]
    /// Access point of profile 1.
    public var apn = "internet"
  }

  /// Model as AT+CGMM prints it.
  public let model: String
  /// Version of its firmware.
  public let firmware: String
  /// Hardware as the DIAG version answer has it.
  public let hardware: String
  /// How this unit deviates.
  public let options: Options
  /// Which program runs now.
  public private(set) var mode = Mode.off
  /// What nobody should have asked.
  public var complaints: [String] = []
  /// Whether an item was begun in the loader: its firmware is gone.
  public private(set) var isBegun = false
  /// Lock status and tries, as its storage has them.
  public var lockState: (status: Int, tries: Int) { (lock.status, lock.tries) }
  /// What outlives the power, for those who keep it.
  public var storage: Storage {
    get {
      Storage(
        lockStatus: lock.status, lockTries: lock.tries, isBegun: isBegun,
        composition: composition, portList: portList, items: diag.items, apn: apn)
    }
    set {
      (lock.status, lock.tries) = (newValue.lockStatus, newValue.lockTries)
      (isBegun, composition) = (newValue.isBegun, newValue.composition)
      (portList, diag.items, apn) = (newValue.portList, newValue.items, newValue.apn)
    }
  }

  var lock: SimulatedLock
  var echo = true
  var composition: Int?
  var portList: String?
  var apn = "internet"
  var isDiag: Set<Int> = []
  var text: [Int: [UInt8]] = [:]
  /// When the next ^BOOT report is due; nil once the host shook hands.
  var bootReport: Duration?
  private var diag: QualcommSimDiag
  private var generation = 0
  /// What the ports are in this life: a new composition shows at the next plug.
  private var shown: Int?
  private var turn: (at: Duration, to: Mode)?
  private var leaves: (at: Duration, to: Mode)?
  private var frames: [Int: HDLCDecoder] = [:]

  /// A stick that is not plugged in yet.
  public init(
    model: String = "E1550", firmware: String = "11.609.18.00.00",
    hardware: String = "E1550FCD6ATCPU Ver.A", options: Options = Options()
  ) {
    self.model = model
    self.firmware = firmware
    self.hardware = hardware
    self.options = options
    composition = options.composition
    portList = options.portList
    lock = SimulatedLock(
      status: !options.locked ? 2 : 1, tries: options.tries, isOpenForNow: false,
      right: options.unlockCode, opensForNow: options.unlocksUntilPowerOff,
      wrongHashCostsTry: options.wrongHashCostsTry)
    let identity = Self.item550(options.imei)
    diag = QualcommSimDiag(
      model: model, build: firmware, chip: 0x0120,
      items: [
        550: identity, 10: [UInt8](repeating: 4, count: 128),
        441: [UInt8](repeating: 0x80, count: 128),
      ], files: [:])
  }

  /// 08, the first digit in the high nibble with A in the low one, then swapped pairs.
  static func item550(_ imei: String) -> [UInt8] {
    let digits = imei.utf8.map { $0 &- 0x30 }
    guard digits.count == 15 else { return [UInt8](repeating: 0, count: 128) }
    var bytes: [UInt8] = [8, digits[0] << 4 | 0x0a]
    for index in stride(from: 1, to: 15, by: 2) {
      bytes.append(digits[index + 1] << 4 | digits[index])
    }
    return bytes + [UInt8](repeating: 0, count: 128 - bytes.count)
  }

  // MARK: Life

  /// What the computer sees now.
  public var face: StickFace? {
    switch mode {
    case .off: return nil
    case .normal:
      // A composition of 0 is the modem port alone.
      let all: [PortRole] = shown == 0 ? [.modem] : [.modem, .diag, .at]
      return StickFace(
        generation: generation, id: options.id, ports: options.singlePort ? [.at] : all)
    case .loader:
      return StickFace(generation: generation, id: options.id, ports: [.download])
    }
  }

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? { [turn?.at, leaves?.at, bootReport].compactMap { $0 }.min() }

  /// Performs what falls due.
  public mutating func advance(to now: Duration) -> [Emission] {
    if let leaving = leaves, leaving.at <= now {
      become(.off, now)
      turn = (leaving.at + options.returnDelay, leaving.to)
    }
    if let turning = turn, turning.at <= now { become(turning.to, now) }
    guard let due = bootReport, due <= now, let port = face?.ports.firstIndex(of: .at) else {
      return []
    }
    bootReport = due + .seconds(2)
    return isDiag.contains(port)
      ? []
      : [Emission(port: port, bytes: [UInt8]("\r\n^BOOT:37673864,0,0,0,77\r\n".utf8), at: due)]
  }

  /// Gives it power.
  public mutating func plug(at now: Duration) {
    if mode == .off { turn = (now + .milliseconds(500), isBegun ? .loader : .normal) }
  }

  /// Takes the power away, and with it what was unlocked in memory only.
  public mutating func unplug(at now: Duration) {
    become(.off, now)
    lock.isOpenForNow = false
  }

  private mutating func become(_ next: Mode, _ now: Duration) {
    mode = next
    turn = nil
    leaves = nil
    echo = true
    text = [:]
    isDiag = []
    frames = [:]
    shown = composition
    bootReport = next == .normal && options.reportsBoot ? now + .seconds(2) : nil
    lock.isOpenForNow = lock.isOpenForNow && next == .normal
    if next != .off { generation += 1 }
  }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    let due = advance(to: now)
    guard let face, face.ports.indices.contains(port), leaves == nil else { return due }
    if mode == .loader || face.ports[port] == .diag || isDiag.contains(port) {
      return due + framed(bytes, port, now)
    }
    return due + typed(bytes, port, now)
  }

  // MARK: Frames

  private mutating func framed(_ bytes: [UInt8], _ port: Int, _ now: Duration) -> [Emission] {
    var out: [Emission] = []
    let read = frames[port, default: HDLCDecoder(limit: 8192)].feed(bytes)
    for case .body(let body) in read where !body.isEmpty && leaves == nil {
      guard let reply = mode == .loader ? loading(body, now) : diagnosing(body, now) else {
        continue
      }
      let hasFlag = [0xfb, 0x3a, 0x02, 0x03].contains(reply[0])
      let frame = HDLC.frame(reply)
      out.append(
        Emission(port: port, bytes: hasFlag ? frame : Array(frame.dropFirst()), at: now))
    }
    return out
  }

  private mutating func diagnosing(_ body: [UInt8], _ now: Duration) -> [UInt8]? {
    switch body {
    case [0x01]: return [0x01, 0x0d, 0xd0, 0xad, 0xde]
    case [0x4b, 0xc9, 0x03, 0xff]:
      return body + padded(firmware, 31) + padded(hardware, 32)
    case [0xfa, 0x13, 0, 0]: return body
    case [0xfb]: return [0xfb, 0]
    case [0x3a] where !options.entersLoader: return [0x13, 0x3a]
    case [0x3a] where options.staysAfterEntry: return [0x3a]
    default: break
    }
    let (reply, action) = diag.answer(body)
    complaints += diag.complaints
    diag.complaints = []
    switch action {
    case .none, .emergency: break
    case .reset: leaves = (now + .milliseconds(300), isBegun ? .loader : .normal)
    case .download: leaves = (now + .milliseconds(500), .loader)
    }
    return reply
  }

  private mutating func loading(_ body: [UInt8], _ now: Duration) -> [UInt8]? {
    switch body[0] {
    case 0x0c where body.count == 1:
      return [0x0d, UInt8(options.loader.utf8.count)] + Array(options.loader.utf8)
    case 0x3a where body.count == 1: return [0x3a]
    case 0x45 where body.count == 1:
      return [0x45] + padded("HUAWEI \(options.loaderProduct ?? String(model.prefix(4)))", 20)
    case 0x41 where body.count == 12:
      complaints.append("an item was begun")
      isBegun = true
      return [0x02]
    case 0x0a where body.count == 1 && options.loaderKnowsReset:
      leaves = (now + .seconds(1), isBegun ? .loader : .normal)
      return [0x02]
    default:
      if body != [0x0a] { complaints.append("loader command \(body[0])") }
      return [0x03, 0, 0x06]
    }
  }

  private func padded(_ text: String, _ width: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(width))
    return bytes + [UInt8](repeating: 0, count: width - bytes.count)
  }
}
