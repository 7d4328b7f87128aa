import SmithBytes
public import SmithLink
import SmithModel

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
    /// What its loader calls itself.
    public var loader = "M62xx-OEMSBL"
    /// Identity number.
    public var imei = "004999010640000"
    /// Time from leaving the bus to coming back.
    public var returnDelay: Duration = .seconds(6)

    /// The usual unit.
    public init() {}
  }

  /// Which program runs.
  public enum Mode: Equatable, Sendable { case off, normal, loader }

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
  public private(set) var complaints: [String] = []
  /// Whether an item was begun in the loader: its firmware is gone.
  public private(set) var isBegun = false
  /// Lock status and tries, as its storage has them.
  public var lockState: (status: Int, tries: Int) { (lock.status, lock.tries) }

  private var lock: SimulatedLock
  private var diag: QualcommSimDiag
  private var generation = 0
  private var turn: (at: Duration, to: Mode)?
  private var leaves: (at: Duration, to: Mode)?
  private var echo = true
  private var text: [Int: [UInt8]] = [:]
  private var isDiag: Set<Int> = []
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
    let id = USBID(0x12d1, 0x1001)
    return switch mode {
    case .off: nil
    case .normal:
      StickFace(
        generation: generation, id: id, ports: options.singlePort ? [.at] : [.modem, .diag, .at])
    case .loader: StickFace(generation: generation, id: id, ports: [.download])
    }
  }

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? { [turn?.at, leaves?.at].compactMap { $0 }.min() }

  /// Performs what falls due.
  public mutating func advance(to now: Duration) -> [Emission] {
    if let leaving = leaves, leaving.at <= now {
      become(.off)
      turn = (leaving.at + options.returnDelay, leaving.to)
    }
    if let turning = turn, turning.at <= now { become(turning.to) }
    return []
  }

  /// Gives it power.
  public mutating func plug(at now: Duration) {
    if mode == .off { turn = (now + .milliseconds(500), isBegun ? .loader : .normal) }
  }

  /// Takes the power away, and with it what was unlocked in memory only.
  public mutating func unplug(at now: Duration) {
    become(.off)
    lock.isOpenForNow = false
  }

  private mutating func become(_ next: Mode) {
    mode = next
    turn = nil
    leaves = nil
    echo = true
    text = [:]
    isDiag = []
    frames = [:]
    lock.isOpenForNow = lock.isOpenForNow && next == .normal
    if next != .off { generation += 1 }
  }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    _ = advance(to: now)
    guard let face, face.ports.indices.contains(port), leaves == nil else { return [] }
    if mode == .loader || face.ports[port] == .diag || isDiag.contains(port) {
      return framed(bytes, port, now)
    }
    return typed(bytes, port, now)
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
    case 0x45 where body.count == 1: return [0x45] + padded("HUAWEI \(model.prefix(4))", 21)
    case 0x41 where body.count == 12:
      complaints.append("an item was begun")
      isBegun = true
      return [0x02]
    case 0x0a where body.count == 1:
      leaves = (now + .seconds(1), isBegun ? .loader : .normal)
      return [0x02]
    default:
      complaints.append("loader command \(body[0])")
      return [0x03, 0, 0x06]
    }
  }

  private func padded(_ text: String, _ width: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(width))
    return bytes + [UInt8](repeating: 0, count: width - bytes.count)
  }

  // MARK: AT

  private mutating func typed(_ bytes: [UInt8], _ port: Int, _ now: Duration) -> [Emission] {
    var reply: [UInt8] = []
    for byte in bytes {
      if echo { reply.append(byte) }
      if byte != 0x0d {
        if byte != 0x0a, text[port, default: []].count < 512 {
          text[port, default: []].append(byte)
        }
        continue
      }
      let line = String(decoding: text[port] ?? [], as: UTF8.self).uppercased()
      text[port] = []
      if !line.isEmpty { reply += Array(answer(line, port).utf8) }
      if isDiag.contains(port) { break }
    }
    return reply.isEmpty ? [] : [Emission(port: port, bytes: reply, at: now)]
  }

  private mutating func answer(_ line: String, _ port: Int) -> String {
    let fine = "\r\nOK\r\n"
    func code(_ number: Int?) -> String { number.map { "\r\n+CME ERROR: \($0)\r\n" } ?? fine }
    switch line {
    case "AT": return fine
    case "ATE0", "ATE1":
      echo = line == "ATE1"
      return fine
    case "AT$QCDMG" where options.knowsQCDMG:
      isDiag.insert(port)
      return fine
    case "AT^DISLOG=255":
      isDiag.insert(port)
      return fine
    default: break
    }
    if line.hasPrefix("AT^CARDLOCK=") { return code(lock.enter(line.dropFirst(12))) }
    if line.hasPrefix("AT^CARDUNLOCK=") {
      return code(lock.reset(Substring(line.dropFirst(14).lowercased())))
    }
    guard let lines = information(line) else {
      if line.contains("NVWR") || line.contains("CIMEI") { complaints.append(line) }
      return "\r\nCOMMAND NOT SUPPORT\r\n"
    }
    return "\r\n" + lines.joined(separator: "\r\n") + "\r\n" + fine
  }

  private func information(_ line: String) -> [String]? {
    let board = hardware.prefix { $0 != " " }
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
    case "AT^HWVER": return ["^HWVER:\"\(board.drop { $0 != "C" })\""]
    case "AT^CARDLOCK?": return ["^CARDLOCK: \(lock.shown),\(lock.tries),0"]
    case "AT+CPIN?": return ["+CPIN: READY"]
    case "AT+CREG?": return ["+CREG: 0,1"]
    case "AT+CSQ": return ["+CSQ: 24,99"]
    case "AT+COPS?": return ["+COPS: 0,0,\"Simtel\",2"]
    case "AT^SYSINFO": return ["^SYSINFO:2,3,0,5,1,,4"]
    case "AT^CVOICE?": return ["^CVOICE:0,8000,16,20"]
    case "AT^GETPORTMODE": return ["^GETPORTMODE:TYPE:WCDMA:Qualcomm,MDM:0,DIAG:1,PCUI:2"]
    case "AT+CGDCONT?": return ["+CGDCONT: 1,\"IP\",\"internet\",\"0.0.0.0\",0,0"]
    default: return nil
    }
  }
}
