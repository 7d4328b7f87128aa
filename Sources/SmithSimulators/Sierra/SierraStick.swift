public import SmithLink
import SmithModel

/// What a Sierra stick keeps without power.
public struct SierraFlash: Equatable, Sendable, Codable {
  /// A carrier configuration in the store.
  public struct Carrier: Equatable, Sendable, Codable {
    /// Carrier name, upper case.
    public var name: String
    /// As in `002.026_000`.
    public var configuration: String
    /// Firmware version it belongs to.
    public var firmware: String
  }
  /// What the stick is told to run.
  public struct Preference: Equatable, Sendable, Codable {
    /// Firmware version.
    public var firmware: String
    /// Carrier name.
    public var carrier: String
    /// Configuration with the carrier's name in front, as in `GENERIC_002.026_000`.
    public var configuration: String
  }
  /// Version of the application, or nil if it cannot start.
  public var application: String?
  /// Carrier configuration in use.
  public var carrier: Carrier
  /// The preference.
  public var preference: Preference
  /// How often the application was written.
  public var writes = 0
  /// CRC-32 of each image of a Gobi 2000, by its type; nil if none was ever written.
  public var gobi: [Int: UInt32]?
}

/// A simulated Sierra stick: AT commands in normal mode, QDL in boot mode.
///
/// The loader collects an image in memory and writes the flash when the last byte has arrived; a
/// stick whose application is not whole starts in boot mode
/// (Docs/Protocols/sierra-qdl.md section 6).
public struct SierraStick: StickBody {
  /// Which stick it is.
  public let personality: SierraPersonality
  /// What it does wrong.
  public var quirks: SierraQuirks
  /// How long things take.
  public var timing: SierraTiming
  /// What it keeps.
  public var flash: SierraFlash
  /// Identity; never changed by an update.
  public let imei = "012345678901237"
  /// Access point of each connection profile, which new firmware forgets.
  public var profiles = [1: "internet"]
  /// What a host should not have done, in words.
  public internal(set) var complaints: [String] = []

  enum Mode: Equatable {
    case unpowered, application, loader
    /// Off the bus; what comes next.
    case between(boot: Bool, until: Duration)
  }
  var mode = Mode.unpowered
  var generation = 0
  /// Time at which the firmware leaves the bus for the loader or for a restart.
  var leaving: (at: Duration, boot: Bool)?
  var at = SierraATState()
  var loader = SierraLoaderState()

  /// A stick as it leaves the factory, without power.
  public init(
    _ personality: SierraPersonality, quirks: SierraQuirks = SierraQuirks(),
    timing: SierraTiming = SierraTiming()
  ) {
    self.personality = personality
    self.quirks = quirks
    self.timing = timing
    let version = Self.plain(personality.firmware)
    flash = SierraFlash(
      application: personality.firmware,
      carrier: SierraFlash.Carrier(
        name: personality.carrier, configuration: personality.configuration, firmware: version),
      preference: SierraFlash.Preference(
        firmware: version, carrier: personality.carrier,
        configuration: "\(personality.carrier)_\(personality.configuration)"))
  }

  /// The version without the letters of its image, as in `03.05.10.02` for `03.05.10.02AP`.
  static func plain(_ version: String) -> String {
    version.hasSuffix("AP") ? String(version.dropLast(2)) : version
  }

  /// Full revision text of the application, or of nothing.
  public var revision: String { personality.family + (flash.application ?? "") + personality.build }

  /// Whether firmware and carrier settings contradict the preference.
  public var hasMismatch: Bool { !mismatches.isEmpty }

  var mismatches: [String] {
    guard personality.preference != .none, let application = flash.application else { return [] }
    var lines: [String] = []
    if Self.plain(application) != flash.preference.firmware { lines.append("fw version mismatch") }
    if flash.carrier.name != flash.preference.carrier { lines.append("carrier name mismatch") }
    if currentConfiguration != flash.preference.configuration {
      lines.append("config name mismatch")
    }
    return lines
  }

  var currentConfiguration: String { "\(flash.carrier.name)_\(flash.carrier.configuration)" }

  /// What the computer sees.
  public var face: StickFace? {
    switch mode {
    case .unpowered, .between: nil
    case .application:
      StickFace(generation: generation, id: personality.appID, ports: personality.ports)
    case .loader: StickFace(generation: generation, id: personality.bootID, ports: [.download])
    }
  }

  /// The next thing that happens by itself.
  public var nextDue: Duration? {
    switch mode {
    case .unpowered: nil
    case .between(_, let until): until
    case .application: leaving?.at
    case .loader: earlier(leaving?.at, loader.nextDue)
    }
  }

  private func earlier(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  /// Performs what is due.
  public mutating func advance(to now: Duration) -> [Emission] {
    var sent: [Emission] = []
    while let due = nextDue, due <= now {
      switch mode {
      case .unpowered: return sent
      case .between(let boot, _): sent += appear(boot: boot, at: due)
      case .application: leave(at: due)
      case .loader:
        if let leaving, leaving.at == due { leave(at: due) } else { sent += loaderDue(at: due) }
      }
    }
    return sent
  }

  /// Takes bytes from the computer.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    let sent = advance(to: now)
    guard let face, face.ports.indices.contains(port) else { return sent }
    switch mode {
    case .loader: return sent + loaderReceive(bytes, at: now)
    default:
      guard face.ports[port] == .at else { return sent + otherPort(bytes, port, at: now) }
      return sent + atReceive(bytes, on: port, at: now)
    }
  }

  /// Gives power.
  public mutating func plug(at now: Duration) {
    guard mode == .unpowered else { return }
    goTo(boot: flash.application == nil || quirks.startsInLoader, at: now)
  }

  /// Takes power; memory is lost, and a flash that is being written is not whole.
  public mutating func unplug(at now: Duration) {
    _ = advance(to: now)
    mode = .unpowered
    leaving = nil
    at = SierraATState()
    loader = SierraLoaderState()
  }

  /// Off the bus, then up again.
  mutating func goTo(boot: Bool, at now: Duration) {
    let toBoot = boot || flash.application == nil
    mode = .between(boot: toBoot, until: now + (toBoot ? timing.toBoot : timing.toApp))
    leaving = nil
    at = SierraATState()
    loader = SierraLoaderState()
  }

  private mutating func leave(at now: Duration) {
    goTo(boot: leaving?.boot ?? false, at: now)
  }

  private mutating func appear(boot: Bool, at now: Duration) -> [Emission] {
    generation += 1
    mode = boot ? .loader : .application
    guard boot else { return [] }
    holdOn(at: now)
    return quirks.noise.isEmpty ? [] : [Emission(port: 0, bytes: quirks.noise, at: now)]
  }

  /// Starts the boot-and-hold time anew; a stick without a whole application waits for ever.
  mutating func holdOn(at now: Duration) {
    leaving = nil
    guard let hold = quirks.bootHold, flash.application != nil else { return }
    leaving = (now + hold, false)
  }

  /// The diagnostic port answers a frame that it does not know with code 13; others are silent.
  private mutating func otherPort(
    _ bytes: [UInt8], _ port: Int, at now: Duration
  ) -> [Emission] {
    guard personality.ports[port] == .diag else { return [] }
    complaints.append("bytes on the diagnostic port of a running modem")
    return SierraFrames.bodies(in: bytes).map { body in
      Emission(
        port: port, bytes: SierraFrames.frame([0x13] + body), at: now + quirks.answerDelay)
    }
  }
}
