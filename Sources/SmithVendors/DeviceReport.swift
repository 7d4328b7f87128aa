public import SmithAT
public import SmithModel

/// What a stick said about itself; everything it did not say is nil.
///
/// Nothing is derived from a product name (Docs/Protocols/huawei-identify.md section 1).
public struct DeviceReport: Sendable, Equatable {
  /// Vendor in lower case (`huawei`), from the manufacturer text; nil if that is unknown to us.
  public var vendor: String?
  /// Manufacturer as it was read.
  public var manufacturer: String?
  /// Model as it was read, as in `E3372`.
  public var model: String?
  /// Version of the firmware that runs.
  public var firmware: FirmwareVersion?
  /// Hardware text, as in `CL2E3372HM Ver.A`.
  public var hardware: String?
  /// Version of the PC software inside the stick.
  public var dashboard: String?
  /// Version of the web interface inside the stick.
  public var webInterface: String?
  /// USB id that it was reached by; nil where the cable does not tell.
  public var usbID: USBID?
  /// Identity number; prints masked.
  public var imei: IMEI?
  /// Serial number.
  public var serial: String?
  /// Chip, if the stick names it.
  public var chipset: String?
  /// Which platform stands behind the name.
  public var world = World.unknown
  /// The answers that `world` rests on, one a line.
  public var worldEvidence: [String] = []
  /// The exact product, as in `E3372h-607`, from AT^DLOADINFO or AT^FHVER.
  public var productID: String?
  /// Last group of the firmware version.
  public var customerCode: String?
  /// The whole revision text, where a version is only a part of it.
  public var revision: String?
  /// Carrier whose settings the stick runs.
  public var carrier: String?
  /// Version of those settings (PRI).
  public var carrierSettings: String?
  /// Part number of the package that the seller put in, if the stick keeps one.
  public var package: String?
  /// What is wrong with the stick by its own words; empty when nothing is.
  public var complaints: [String] = []
  /// When the firmware was built, as the stick writes it.
  public var compileDate: String?
  /// Mode the answers came from.
  public var mode: Mode?
  /// Ports in the order the stick lists them (AT^GETPORTMODE).
  public var portRoles: [PortEntry] = []
  /// Operator lock.
  public var simLock: SIMLock?
  /// `READY`, `SIM PIN` and so on; never the PIN.
  public var simState: String?
  /// Network registration.
  public var registration: Registration?
  /// Received signal strength.
  public var signal: Signal?
  /// Operator as the stick names it.
  public var network: String?
  /// Radio technology in use, as in `WCDMA`.
  public var technology: String?
  /// Band as the stick names it.
  public var band: String?
  /// Chip temperatures as the stick writes them; the unit differs between models.
  public var temperature: String?
  /// Answer to AT^CVOICE? as it was read.
  public var voice: String?
  /// Flash geometry as the stick writes it (AT^FLASHINFO?).
  public var flashChip: String?
  /// Download type of AT^DLOADINFO: 0 normal, 1 forced.
  public var downloadType: Int?
  /// Whether the identity data of the stick reads as lost: do not flash further.
  public var identityDamaged = false
  /// What made us say so, or why questions were left out.
  public var evidence: String?
  /// Every answer in the order it came, unmasked: mask before logging.
  public var answers: [Answer] = []

  /// Nothing known yet.
  public init() {}

  /// What a Qualcomm loader that waits shows by being there; no vendor where it may be of many.
  static func qualcommLoader(of vendor: String?) -> DeviceReport {
    var report = DeviceReport()
    report.vendor = vendor
    report.mode = .download
    report.world = .qualcomm
    return report
  }

  /// The platform worlds of Huawei (Docs/Protocols/huawei-identify.md section 2).
  public enum World: String, Sendable, Codable, CaseIterable {
    /// Qualcomm chip.
    case qualcomm
    /// HiSilicon Balong chip, stick firmware.
    case balongStick = "balong-stick"
    /// HiSilicon Balong chip, HiLink firmware with a web page.
    case balongHiLink = "balong-hilink"
    /// Not known, or the answers contradict each other.
    case unknown
  }

  /// Which software answered.
  public enum Mode: String, Sendable, Codable, CaseIterable {
    /// The firmware itself.
    case normal
    /// The download monitor.
    case download
  }

  /// One port of AT^GETPORTMODE.
  public struct PortEntry: Sendable, Equatable, Codable {
    /// Name as read, as in `PCUI`.
    public var name: String
    /// USB interface number.
    public var number: Int
    /// What it is for.
    public var role: PortRole

    /// Gathers the parts.
    public init(name: String, number: Int, role: PortRole) {
      self.name = name
      self.number = number
      self.role = role
    }
  }

  /// Operator lock as far as the inserted SIM shows it.
  public struct SIMLock: Sendable, Equatable, Codable {
    /// What the stick says.
    public enum Status: String, Sendable, Codable, CaseIterable {
      /// A code is needed for the SIM now inserted.
      case codeNeeded = "code-needed"
      /// No code is needed for this SIM; no proof that other SIMs work.
      case noCodeNeeded = "no-code-needed"
      /// Blocked for good.
      case blocked
      /// A number we do not know.
      case unknown
    }
    /// What the stick says.
    public var status: Status
    /// Tries that are left, if told.
    public var triesLeft: Int?
    /// Tries that a new stick of this maker has: ten of Huawei's; nil where nobody knows.
    public var triesAllowed: Int?
    /// Wrong codes entered so far; nil if the stick does not tell, or tells more than it allows.
    public var wrongCodes: Int? {
      guard let triesLeft, let triesAllowed, (0...triesAllowed).contains(triesLeft) else {
        return nil
      }
      return triesAllowed - triesLeft
    }

    /// Gathers the parts.
    public init(status: Status, triesLeft: Int? = nil, triesAllowed: Int? = 10) {
      self.status = status
      self.triesLeft = triesLeft
      self.triesAllowed = triesAllowed
    }
  }

  /// Registration state of 3GPP TS 27.007.
  public enum Registration: String, Sendable, Codable, CaseIterable {
    case notSearching = "not-searching"
    case home, searching, denied, unknown, roaming

    init?(number: Int) {
      switch number {
      case 0: self = .notSearching
      case 1, 6: self = .home
      case 2: self = .searching
      case 3: self = .denied
      case 4: self = .unknown
      case 5, 7: self = .roaming
      default: return nil
      }
    }
  }

  /// Signal strength of AT+CSQ.
  public struct Signal: Sendable, Equatable, Codable {
    /// 0 to 31 as read; 99 means unknown and is not kept.
    public var level: Int

    /// Keeps a level of 0 to 31; nil for others.
    public init?(level: Int) {
      guard (0...31).contains(level) else { return nil }
      self.level = level
    }

    /// In dBm: -113 to -51.
    public var dBm: Int { -113 + 2 * level }
  }

  /// One question and what came back.
  public struct Answer: Sendable, Equatable {
    /// The command.
    public var command: String
    /// Information lines.
    public var lines: [String]
    /// Final result; nil if none came.
    public var final: ATFinal?

    /// Gathers the parts.
    public init(command: String, lines: [String], final: ATFinal?) {
      self.command = command
      self.lines = lines
      self.final = final
    }
  }
}
