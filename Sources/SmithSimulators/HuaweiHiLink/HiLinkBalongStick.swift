public import SmithLink
import SmithModel

/// A whole HiLink stick: the page, and the Balong chip with its download mode behind it
/// (Docs/Protocols/huawei-hilink.md section 8).
///
/// Normally the page is up. In serial or debug mode the chip's AT port answers as well; from there
/// AT^GODLOAD leads to download mode. Whenever the chip starts its firmware, the page comes back
/// with whatever version the flash holds then.
public struct HiLinkBalongStick: WebBody {
  /// The page and what is set on it.
  public var page: HuaweiHiLinkStick
  /// The chip with its flash.
  public var core: HuaweiBalongStick
  /// Whether new firmware starts with the profiles of the factory.
  public var losesProfiles = false

  private let factoryProfiles: [HuaweiHiLinkStick.Profile]
  private var coreIsUp = false
  private var seenBoots = 0
  private var clock: Duration = .zero

  /// A stick that is not plugged in yet; its chip is chosen by the page's model.
  ///
  /// - Parameter options: how the chip deviates from the usual.
  public init(
    _ personality: HuaweiHiLinkStick.Personality = .e3372h, firmware: String? = nil,
    imei: String = "004999010640000", serial: String = "SIM0A14C30100042", seed: UInt64 = 1,
    options: HuaweiBalongStick.Options = HuaweiBalongStick.Options()
  ) {
    page = HuaweiHiLinkStick(
      personality, firmware: firmware, imei: imei, serial: serial, seed: seed)
    core = HuaweiBalongStick(
      personality: Self.chip(of: personality), firmware: FirmwareVersion(page.firmware),
      dashboard: page.web, imei: imei, serial: serial, seed: seed, options: options)
    factoryProfiles = page.profiles
    showLock()
  }

  /// The page tells what the chip keeps.
  private mutating func showLock() {
    page.simLock = (core.shownLockStatus != 2, core.flash.nv.lockTries)
  }

  /// Whether there is a chip to go with a page's model.
  public static func knows(_ personality: HuaweiHiLinkStick.Personality) -> Bool {
    [.e3372h, .e303, .e3531].contains(personality)
  }

  /// The chip behind a page: the stick's own silicon with HiLink firmware on it.
  public static func chip(of personality: HuaweiHiLinkStick.Personality)
    -> HuaweiBalongStick.Personality
  {
    let isLTE = personality.model.hasPrefix("E3372")
    var chip: HuaweiBalongStick.Personality = isLTE ? .e3372h : .e3131
    chip.name = personality.name
    chip.model = personality.model
    chip.product = isLTE ? "E3372H-153" : "\(personality.model)s-1"
    chip.hardware = "\(personality.hardware) Ver.A"
    chip.firmware = personality.firmware
    chip.dashboard = personality.web
    chip.normalID = USBID(0x12d1, 0x1442)
    return chip
  }

  // MARK: Bus

  /// What the computer sees.
  public var face: StickFace? {
    guard var shown = showsCore ? core.face : page.face else { return nil }
    // Each part counts for itself; the sum rises with every enumeration of either.
    shown.generation = page.generation + seenBoots * 1000
    return shown
  }

  /// The chip alone is on the bus, but for debug mode, where the page is there too.
  private var showsCore: Bool { coreIsUp && page.presentMode != .debug }

  /// Whether the page is there.
  public var isListening: Bool { page.isListening }

  /// The earlier of both.
  public var nextDue: Duration? {
    guard let one = page.nextDue, let other = core.nextDue else {
      return page.nextDue ?? core.nextDue
    }
    return min(one, other)
  }

  /// Performs what falls due, in order of time.
  public mutating func advance(to now: Duration) -> [Emission] {
    var out: [Emission] = []
    while let due = nextDue, due <= now {
      step(to: max(due, clock), &out)
    }
    step(to: max(now, clock), &out)
    return out
  }

  private mutating func step(to now: Duration, _ out: inout [Emission]) {
    clock = now
    _ = page.advance(to: now)
    out += core.advance(to: now)
    couple(at: now)
  }

  /// Lets one part follow what the other has done.
  private mutating func couple(at now: Duration) {
    if coreIsUp {
      if core.boots != seenBoots {
        seenBoots = core.boots
        page.unplug(at: now)
        if core.mode == .normal { startPage(at: now) }
      } else if core.face == nil {
        page.unplug(at: now)
      } else if core.mode == .normal, page.mode == .page {
        // The page was told to restart.
        core.unplug(at: now)
        coreIsUp = false
      }
    } else if page.presentMode == .serial || page.presentMode == .debug {
      startCore(at: now)
    }
  }

  private mutating func startCore(at now: Duration) {
    core.plug(at: now)
    coreIsUp = true
    seenBoots = core.boots
  }

  private mutating func startPage(at now: Duration) {
    core.unplug(at: now)
    coreIsUp = false
    let isNew = page.firmware != core.flash.firmware
    page.firmware = core.flash.firmware
    showLock()
    if core.flash.dashboard.hasPrefix("WEBUI") { page.web = core.flash.dashboard }
    if isNew, losesProfiles {
      page.profiles = factoryProfiles
      page.currentProfile = 1
    }
    page.plug(at: now)
  }

  /// Boots from its flash: to its page, or to download mode if that is what the flash says.
  public mutating func plug(at now: Duration) {
    clock = max(clock, now)
    guard !coreIsUp, page.presentMode == nil, page.nextDue == nil else { return }
    startCore(at: now)
    if core.mode == .normal { startPage(at: now) }
  }

  /// Falls silent.
  public mutating func unplug(at now: Duration) {
    _ = advance(to: now)
    core.unplug(at: now)
    page.unplug(at: now)
    coreIsUp = false
  }

  /// Bytes for the chip's ports.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    var out = advance(to: now)
    guard coreIsUp, port == 0 || showsCore else { return out }
    out += core.receive(bytes, on: port, at: now)
    couple(at: now)
    return out
  }

  /// Requests for the page.
  public mutating func answer(_ call: WebCall, at now: Duration) -> WebReply {
    // What the chip says meanwhile leaves with the next advance; it says nothing unasked here.
    _ = advance(to: now)
    let reply = page.answer(call, at: now)
    couple(at: now)
    return reply
  }
}
