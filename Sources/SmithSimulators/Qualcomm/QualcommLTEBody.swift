public import SmithLink
import SmithModel

/// A simulated LTE stick: DIAG while its firmware runs, Sahara in its boot ROM, Firehose once a
/// programmer was loaded (Docs/Protocols/sahara.md, firehose.md). Stricter than a real one.
public struct QualcommLTEBody: StickBody {
  /// Which program runs.
  public enum Phase: Sendable, Equatable {
    case off, application, sahara, firehose
  }

  /// Faults and habits.
  public struct Habits: Sendable, Equatable {
    /// Asks with 64-bit packets.
    public var wide = false
    /// Says "more to come" although it is content.
    public var neverDone = false
    /// Does not greet by itself; only after it was told to begin anew.
    public var shy = false
    /// Most bytes of a raw piece that the programmer takes.
    public var mostPayload = 8192
    /// Refuses a bigger wish with NAK; otherwise accepts it and names the smaller size.
    public var refusesPayload = true
    /// Trusts only programmers that are signed with the sample key.
    public var fused = false
    /// Refuses command mode.
    public var deafToCommands = false
    /// Comes up as crashed.
    public var crashed = false
    /// The plain habits.
    public init() {}
  }

  /// Which program runs now.
  public private(set) var phase = Phase.off
  /// Its storage, which survives everything.
  public var storage: QualcommSimStorage
  /// Faults and habits.
  public var habits = Habits()
  /// What a real stick might have swallowed and this one refused.
  public private(set) var complaints: [String] = []

  /// Connection profiles, which an update does not touch.
  public var profiles = ["1,\"IP\",\"internet\""]
  /// Identity, which nothing changes.
  public let imei = "004999010640000"

  private var diag: QualcommSimDiag
  private var at = SimAT()
  private var running: String?
  private var generation = 0
  private var turn: (at: Duration, to: Phase)?
  private var leaves: (at: Duration, to: Phase, back: Duration)?
  private var framing = QualcommSimFraming()
  private var sahara = QualcommSimSahara()
  private var firehose = QualcommSimFirehose()

  static let bootChain: [(name: String, id: UInt32)] = [("sbl", 0x15), ("modem", 2)]
  /// What it calls itself.
  public static let model = "LTE-SIM"

  /// A stick with a whole firmware of that version.
  ///
  /// - Parameter modemBlocks: erase blocks of the biggest partition, 128 KiB each.
  public init(version: String, modemBlocks: UInt64 = 2) {
    storage = QualcommSimStorage(modemBlocks: modemBlocks)
    for (name, id) in Self.bootChain {
      storage.load(name, QualcommSimImage.make(id: id, version: version, size: 30_000))
    }
    storage.load("efs2", Array("calibration".utf8))
    diag = QualcommSimDiag(
      model: Self.model, build: version, chip: 0x07f1,
      items: [550: QualcommSimDiag.identityItem(imei)],
      files: ["/config": Array(version.utf8)])
  }

  /// One numbered setting.
  public func item(_ number: UInt16) -> [UInt8]? { diag.items[number] }
  /// Changes one numbered setting behind everybody's back.
  public mutating func setItem(_ number: UInt16, _ data: [UInt8]?) { diag.items[number] = data }

  /// The version that boots from storage; nil if the boot chain is broken.
  public var bootsVersion: String? {
    let versions = Self.bootChain.map {
      QualcommSimImage.version(of: storage.image($0.name), id: $0.id)
    }
    return versions.contains(nil) ? nil : versions[1]
  }

  /// What the computer sees now.
  public var face: StickFace? {
    switch phase {
    case .off: nil
    case .application:
      StickFace(generation: generation, id: USBID(0x05c6, 0x9025), ports: [.diag, .at])
    case .sahara, .firehose:
      StickFace(generation: generation, id: USBID(0x05c6, 0x9008), ports: [.download])
    }
  }

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? { [turn?.at, leaves?.at].compactMap { $0 }.min() }

  /// Performs what falls due; a boot ROM greets.
  public mutating func advance(to now: Duration) -> [Emission] {
    if let leaving = leaves, leaving.at <= now {
      leaves = nil
      phase = .off
      turn = (leaving.at + leaving.back, leaving.to)
    }
    guard let turning = turn, turning.at <= now else { return [] }
    turn = nil
    if turning.to != .firehose { generation += 1 }
    phase = turning.to
    framing = QualcommSimFraming()
    sahara = QualcommSimSahara()
    firehose = QualcommSimFirehose()
    at.restart()
    running = bootsVersion
    if let version = running { diag.build = version }
    guard phase == .sahara else { return [] }
    sahara.mode = habits.crashed ? 2 : 0
    return habits.shy ? [] : send(sahara.greeting(), turning.at + .milliseconds(5))
  }

  /// Gives it power: it boots from what its storage holds.
  public mutating func plug(at now: Duration) {
    turn = (now + .milliseconds(500), bootPhase)
  }

  /// Takes the power away: a sector that was being written is half written.
  public mutating func unplug(at now: Duration) {
    storage.cut(at: now)
    turn = nil
    leaves = nil
    phase = .off
  }

  /// Takes bytes.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    var out = advance(to: now)
    guard let face, port >= 0, port < face.ports.count else { return out }
    if face.ports[port] == .at { return out + command(bytes, port, now) }
    switch phase {
    case .off: break
    case .application:
      for body in framing.bodies(bytes) { out += application(body, port, now) }
    case .sahara:
      let replies = sahara.take(bytes, habits: habits, at: now)
      complaints += sahara.complaints
      sahara.complaints = []
      out += replies.flatMap { send($0, now + .milliseconds(1)) }
      if sahara.finished { turn = (now + .milliseconds(50), .firehose) }
      if sahara.leaves { leaves = (now + .milliseconds(50), bootPhase, .seconds(2)) }
    case .firehose:
      let replies = firehose.take(bytes, storage: &storage, habits: habits, at: now)
      complaints += firehose.complaints
      firehose.complaints = []
      let at = storage.idle(after: now) + .milliseconds(1)
      out += replies.flatMap { send($0, at) }
      if let delay = firehose.leaves {
        firehose.leaves = nil
        leaves = (at + delay + .milliseconds(50), bootPhase, .seconds(2))
      }
    }
    return out
  }

  /// The greeting that still waits for its answer; nothing in any other state.
  func greetingAgain(at now: Duration) -> [Emission] {
    guard phase == .sahara, sahara.waitsForAnswer, !habits.shy else { return [] }
    return send(sahara.greeting(), now + .milliseconds(5))
  }

  private var bootPhase: Phase {
    habits.crashed || bootsVersion == nil ? .sahara : .application
  }

  private func send(_ bytes: [UInt8], _ at: Duration) -> [Emission] {
    bytes.isEmpty ? [] : [Emission(port: 0, bytes: bytes, at: at)]
  }

  private mutating func command(_ bytes: [UInt8], _ port: Int, _ now: Duration) -> [Emission] {
    var lines = at
    var kept = profiles
    let said = [
      "Manufacturer: QUALCOMM INCORPORATED", "Model: \(Self.model)",
      "Revision: \(running ?? "")", "IMEI: \(imei)",
    ]
    let sent = lines.take(bytes, port: port, at: now) { text in
      switch text.uppercased() {
      case "ATI": return (said, false)
      case "AT+CGMI": return (["QUALCOMM INCORPORATED"], false)
      case "AT+CGMM": return ([Self.model], false)
      case "AT+CGMR": return ([String(said[2].dropFirst(10))], false)
      case "AT+CGSN": return ([String(said[3].dropFirst(6))], false)
      case "AT+CPIN?": return (["+CPIN: READY"], false)
      case "AT+CGDCONT?": return (kept.map { "+CGDCONT: \($0),\"0.0.0.0\",0,0" }, false)
      case let upper where upper.hasPrefix("AT+CGDCONT="):
        let value = String(text.dropFirst(11))
        kept.removeAll { $0.prefix { $0 != "," } == value.prefix { $0 != "," } }
        kept.append(value)
        return ([], false)
      default: return (nil, false)
      }
    }
    at = lines
    profiles = kept
    return sent
  }

  private mutating func application(_ body: [UInt8], _ port: Int, _ now: Duration) -> [Emission] {
    let (reply, action) = diag.answer(body)
    complaints += diag.complaints
    diag.complaints = []
    switch action {
    case .none: break
    case .reset: leaves = (now + .milliseconds(200), bootPhase, .seconds(2))
    case .download, .emergency: leaves = (now + .milliseconds(100), .sahara, .seconds(2))
    }
    return [Emission(port: port, bytes: framing.frame(reply), at: now + .milliseconds(2))]
  }
}
