import SmithBytes
public import SmithLink
public import SmithModel

/// A simulated Huawei stick with a HiSilicon Balong chip (Docs/Protocols/balong-download.md).
///
/// It boots from its flash alone: into normal mode (AT), into download mode (AT and HDLC), or into
/// the boot ROM when a part that carries the download mode is half written. Input that is unknown
/// or comes at the wrong time is refused as the device refuses it, and kept in ``complaints``.
///
/// Real sticks carry their version inside the image. Here a written item names it by the ASCII
/// text `SMITHSIM-VERSION:<version>;` (firmware items) or `SMITHSIM-DASHBOARD:<version>;` (any
/// item) in its first 4 KiB; the item begun last wins. Without a marker the firmware version is
/// the first text of the form dd.ddd.dd.dd.dd or dd.ddd.dd.dd.ddd in the written data, and without
/// that it stays what it was.
public struct HuaweiBalongStick: StickBody, Sendable {
  enum Mode: Equatable, Sendable { case normal, download, bootROM }
  enum Deferred: Equatable, Sendable { case acknowledge, endItem(Int) }

  /// What the stick says about itself.
  public let personality: Personality
  /// How this unit deviates from the usual.
  public var options: Options
  /// Tries that the SIM has left for its PIN and its PUK.
  public var simTries = (pin: 3, puk: 10)
  /// Whether the PIN was entered since the last start.
  var pinIsEntered = false
  /// Everything that survives without power.
  public var flash: Flash
  /// What the stick sees on USB just now; nil while it is off the bus.
  public private(set) var face: StickFace?
  /// What was refused or ill-timed, oldest first; the first 65536 are kept.
  public internal(set) var complaints: [Complaint] = []
  /// How many complaints there were in all.
  public internal(set) var complaintCount = 0
  /// Messages in and out since the last ``drainLog()``, if `options.logging`.
  public internal(set) var log: [FrameRecord] = []
  /// How often the stick booted.
  public private(set) var boots = 0

  // State that is lost with the power.
  var clock: Duration = .zero
  var powered = false
  var mode = Mode.normal
  var lines: [[UInt8]] = []
  var echo: Bool
  var errorTexts = false
  var reportsOn = true
  var factoryMode = false
  var mutedAnswers = 0
  /// Unlocked in memory only.
  var isOpenForNow = false
  var answers = 0
  var decoder: BalongFrameDecoder
  var dataMode = false
  var signatureSeen = false
  var forced = false
  var item: Int?
  var counter: UInt32 = 0
  var ended: (id: UInt32, size: UInt32)?
  var finishing = false
  var busy: (until: Duration, then: Deferred)?
  var backlog: [[UInt8]] = []
  var backlogBytes = 0
  var leaving: (at: Duration, marker: Bool)?
  var marker = false
  var returning: Duration?
  var nextReport: Duration?
  var rng: UInt64
  var generation = 0
  var loading = BootROMSession()
  /// A loader was started from memory and comes up at the next start; lost with the power.
  var loader: LoaderStart?
  /// The boot pin is grounded: the next start shows the boot ROM, whatever the flash holds.
  public var bootPinIsGrounded = false

  /// A stick that is not plugged in yet.
  ///
  /// - Parameters:
  ///   - firmware: version it runs; nil for the personality's.
  ///   - dashboard: version of its PC software; nil for the personality's.
  ///   - imei: fifteen digits from the test range; an empty text for lost identity data.
  ///   - seed: decides every delay that is drawn.
  public init(
    personality: Personality, firmware: FirmwareVersion? = nil, dashboard: String? = nil,
    imei: String = "004999010640000", serial: String = "SIM0A14C30100042", seed: UInt64 = 1,
    options: Options = Options()
  ) {
    self.personality = personality
    self.options = options
    let nv = NV(
      imei: imei, serial: serial, lockStatus: !options.locked ? 2 : options.tries > 0 ? 1 : 3,
      lockTries: options.tries,
      profiles: [1: NV.Profile(type: "IP", apn: "internet")], setPort: personality.setPort)
    flash = Flash(
      personality: personality, firmware: firmware?.text ?? personality.firmware,
      dashboard: dashboard ?? personality.dashboard, nv: nv)
    decoder = BalongFrameDecoder(personality.monitor)
    echo = options.echo
    rng = seed
  }

  // MARK: Time

  /// The next moment at which something happens by itself.
  public var nextDue: Duration? {
    var due = returning
    if let at = leaving?.at { due = min(due ?? at, at) }
    if let until = busy?.until { due = min(due ?? until, until) }
    if let nextReport { due = min(due ?? nextReport, nextReport) }
    return due
  }

  /// Performs what falls due up to `now`, in order of time.
  public mutating func advance(to now: Duration) -> [Emission] {
    var out: [Emission] = []
    pass(to: now, &out)
    return out
  }

  mutating func pass(to now: Duration, _ out: inout [Emission]) {
    while let due = nextDue, due <= now {
      clock = max(clock, due)
      if let busy, busy.until == due {
        finishWork(busy.then, &out)
      } else if let leaving, leaving.at == due {
        leaveBus(marker: leaving.marker)
      } else if let returning, returning == due {
        self.returning = nil
        boot()
      } else {
        report(&out)
      }
    }
    clock = max(clock, now)
  }

  // MARK: Power

  /// Gives the stick power; it enumerates after `options.plugDelay`.
  public mutating func plug(at now: Duration) {
    clock = max(clock, now)
    guard !powered else { return }
    powered = true
    marker = false
    if options.plugDelay > .zero {
      returning = clock + options.plugDelay
    } else {
      boot()
    }
  }

  /// Takes the power away: what was begun and not ended stays half written.
  public mutating func unplug(at now: Duration) {
    var lost: [Emission] = []
    pass(to: now, &lost)
    powered = false
    marker = false
    loader = nil
    factoryMode = false
    returning = nil
    goSilent()
  }

  /// Decides from the flash alone (and from the marker that AT^GODLOAD leaves in memory, which a
  /// reboot keeps and a power cut does not) what the stick is now.
  private mutating func boot() {
    boots += 1
    generation += 1
    goSilent()
    forced = !flash.allPartsComplete
    if let loader {
      mode = .download
      forced = true
      if loader.erases { flash.eraseEverything() }
    } else if flash.bootPartIsBroken || bootPinIsGrounded {
      mode = .bootROM
      // The person lets go of it once the stick has started.
      bootPinIsGrounded = false
    } else if forced || marker || flash.backupFlag {
      mode = .download
    } else {
      mode = .normal
      flash.restoreNV()
      nextReport = options.unsolicited ? clock + draw(.seconds(1)...(.seconds(4))) : nil
    }
    marker = false
    loader = nil
    let shown = currentFace()
    lines = Array(repeating: [], count: shown.ports.count)
    face = shown
  }

  private mutating func leaveBus(marker: Bool) {
    goSilent()
    self.marker = marker
    factoryMode = false
    returning = clock + draw(loader == nil ? options.returnDelay : options.loaderDelay)
  }

  /// Everything that lives in memory only is gone.
  private mutating func goSilent() {
    face = nil
    leaving = nil
    busy = nil
    backlog = []
    backlogBytes = 0
    nextReport = nil
    lines = []
    echo = options.echo
    errorTexts = false
    isOpenForNow = false
    pinIsEntered = false
    reportsOn = true
    decoder.restart()
    loading = BootROMSession()
    dataMode = false
    signatureSeen = false
    item = nil
    counter = 0
    ended = nil
    finishing = false
  }

  private func currentFace() -> StickFace {
    switch mode {
    case .bootROM:
      return StickFace(
        generation: generation, id: USBID(0x12d1, 0x1443), ports: [.bootROM])
    case .download:
      // HiLink builds show one serial port, stick builds a shell in front of it (section 1.2).
      let hiLink = flash.firmware.hasPrefix("22.")
      let ports: [PortRole] = hiLink || options.singlePort ? [.download] : [.unknown, .download]
      return StickFace(
        generation: generation, id: USBID(0x12d1, hiLink ? 0x1442 : 0x1c05), ports: ports)
    case .normal:
      let roles = serialPorts.map(\.role)
      let shown = options.singlePort ? (roles.contains(.at) ? [.at] : []) : roles
      return StickFace(generation: generation, id: personality.normalID, ports: shown)
    }
  }

  // MARK: Bytes

  /// The next AT answers are formed and never sent, as when a cable swallows them.
  public mutating func muteAnswers(_ count: Int) { mutedAnswers = count }

  /// Takes bytes that arrived on one port of the current face.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    var out: [Emission] = []
    pass(to: now, &out)
    guard let face, face.ports.indices.contains(port) else {
      complain("bytes for a port that is not there", port: port)
      return out
    }
    guard !bytes.isEmpty else { return out }
    switch (mode, face.ports[port]) {
    case (.normal, .at), (.normal, .modem):
      receiveText(bytes, port: port, &out)
    case (.download, .download):
      receiveDownload(bytes, port: port, &out)
    case (.bootROM, _):
      receiveBootROM(bytes, port: port, &out)
    default:
      complain("bytes on a port that takes none", port: port)
    }
    return out
  }

  /// Sends now, in pieces of `options.answerChunking`.
  mutating func send(
    _ bytes: [UInt8], _ kind: FrameRecord.Kind, port: Int, _ out: inout [Emission]
  ) {
    record(.stick, kind, bytes, port: port)
    let size = options.answerChunking
    guard size > 0, bytes.count > size else {
      out.append(Emission(port: port, bytes: bytes, at: clock))
      return
    }
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = bytes[start..<min(start + size, bytes.count)]
      out.append(Emission(port: port, bytes: [UInt8](piece), at: clock))
    }
  }

  /// The stick leaves the bus by itself after `delay`, unless it is about to already.
  mutating func leave(after delay: Duration, marker: Bool) {
    guard leaving == nil else { return }
    leaving = (clock + delay, marker)
  }

  /// A duration in milliseconds out of the seed.
  mutating func draw(_ range: ClosedRange<Duration>) -> Duration {
    let low = range.lowerBound.milliseconds
    let span = range.upperBound.milliseconds - low
    guard span > 0 else { return range.lowerBound }
    rng &+= 0x9e37_79b9_7f4a_7c15
    var value = rng
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    value ^= value >> 31
    return .milliseconds(low + Int64(value % UInt64(span + 1)))
  }
}

extension Duration {
  var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
