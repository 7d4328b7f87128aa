/// Settings of a stick that an update may lose; holds no PIN and no password.
public struct DeviceSettings: Sendable, Equatable, Codable {
  /// One connection profile of AT+CGDCONT or of a stick's page.
  public struct APNProfile: Sendable, Equatable, Codable {
    /// Number of the profile.
    public var id: Int
    /// `IP`, `IPV6`, `IPV4V6`, `PPP`.
    public var type: String
    /// Access point name; may be empty.
    public var apn: String
    /// Name of the profile, where profiles have names (stick pages).
    public var name: String?
    /// User name of the access point; the password is never kept.
    public var user: String?
    /// Kind of login at the access point: 0 none, 1 PAP, 2 CHAP, 3 either.
    public var authentication: Int?
    /// Number to dial, as in `*99#`.
    public var dialNumber: String?
    /// Whether the profile belongs to the firmware and cannot be changed.
    public var isReadOnly: Bool?

    /// Gathers the parts.
    public init(id: Int, type: String, apn: String) {
      self.id = id
      self.type = type
      self.apn = apn
    }
  }

  /// Port numbers of AT^SETPORT, two hexadecimal digits at most each.
  public struct PortSetup: Sendable, Equatable, Codable {
    /// Before switching.
    public var before: [String]
    /// After switching.
    public var after: [String]

    /// Gathers the parts.
    public init(before: [String], after: [String]) {
      self.before = before
      self.after = after
    }

    /// Whether an AT port is left after switching (12, or 2 on older sticks).
    public var keepsATPort: Bool { after.contains { $0 == "12" || $0 == "2" } }
  }

  /// Network mode as the stick writes it, and which command it belongs to.
  public struct NetworkMode: Sendable, Equatable, Codable {
    /// `SYSCFG` or `SYSCFGEX`.
    public var command: String
    /// What follows the colon.
    public var value: String

    /// Gathers the parts.
    public init(command: String, value: String) {
      self.command = command
      self.value = value
    }
  }

  /// Bands that the stick may use, as masks in hexadecimal; written back with the network mode.
  public struct BandChoice: Sendable, Equatable, Codable {
    /// GSM and WCDMA.
    public var mask: String
    /// LTE; nil on sticks without.
    public var lte: String?

    /// Gathers the parts.
    public init(mask: String, lte: String? = nil) {
      self.mask = mask
      self.lte = lte
    }
  }

  /// Connection profiles; nil if the stick did not tell them.
  public var profiles: [APNProfile]?
  /// Number of the profile in use, where the stick tells it.
  public var defaultProfile: Int?
  /// Port setup.
  public var ports: PortSetup?
  /// Port composition of AT^U2DIAG, on sticks that know no port list.
  public var composition: Int?
  /// Network mode.
  public var network: NetworkMode?
  /// Which bands the stick may use; for readers, the network mode holds it too.
  public var bands: BandChoice?
  /// `READY`, `SIM PIN` and so on; never the PIN.
  public var pinState: String?
  /// Carrier whose settings the stick is told to run.
  public var carrier: String?
  /// Whether the SIM asks for its PIN after each start; never written back, for that takes the PIN.
  public var pinRequired: Bool?

  /// Gathers the parts.
  public init(
    profiles: [APNProfile]? = nil, ports: PortSetup? = nil, network: NetworkMode? = nil,
    bands: BandChoice? = nil, pinState: String? = nil, pinRequired: Bool? = nil,
    carrier: String? = nil
  ) {
    self.bands = bands
    self.pinRequired = pinRequired
    self.carrier = carrier
    self.profiles = profiles
    self.ports = ports
    self.network = network
    self.pinState = pinState
  }
}

/// What writing settings back came to.
public struct SettingsRestoration: Sendable, Equatable, Codable {
  /// Written and accepted, as in `APN profile 1`.
  public var restored: [String] = []
  /// Different from the backup and not written, with the reason.
  public var leftOut: [String] = []
  /// Whether the stick restarts to take the settings.
  public var restarts = false

  /// Nothing done yet.
  public init() {}
}
