public import SmithModel

/// A simulated stick as its USB plug shows it: descriptors, control requests and endpoints.
///
/// What a ``StickBody`` is for a serial cable, this is for a bus: a value that reacts to transfers
/// and to time. `now` never goes back (Docs/Protocols/usbip.md section 3).
public protocol USBStickBody: Sendable {
  /// What the bus sees now; nil while the stick is off the bus.
  var usbFace: USBFace? { get }
  /// The next moment at which something happens by itself; nil if nothing is waiting.
  var nextDue: Duration? { get }
  /// Performs what falls due up to `now`.
  mutating func advance(to now: Duration) -> [USBEmission]
  /// Answers a request on endpoint zero; `data` is what an OUT request carries.
  mutating func control(_ request: USBRequest, data: [UInt8], at now: Duration) -> USBAnswer
  /// Takes one transfer to an OUT endpoint; `endpoint` is its number.
  mutating func take(_ bytes: [UInt8], endpoint: UInt8, at now: Duration) -> [USBEmission]
  /// Gives the stick power.
  mutating func plug(at now: Duration)
  /// Takes the power away at this very moment.
  mutating func unplug(at now: Duration)
}

/// One enumeration of a simulated stick as a list of USB devices names it.
public struct USBFace: Equatable, Sendable {
  /// Speeds as USB/IP numbers them.
  public enum Speed: UInt32, Sendable {
    /// 12 Mbit/s.
    case full = 2
    /// 480 Mbit/s.
    case high = 3
  }
  /// Class, subclass and protocol of a device or an interface.
  public struct Kind: Hashable, Sendable {
    /// Class code.
    public var `class`: UInt8
    /// Subclass code.
    public var `subclass`: UInt8
    /// Protocol code.
    public var `protocol`: UInt8

    /// Joins the three codes.
    public init(_ class: UInt8, _ subclass: UInt8, _ protocol: UInt8) {
      self.class = `class`
      self.subclass = subclass
      self.protocol = `protocol`
    }
  }

  /// Counts enumerations: a connection to an earlier one is dead.
  public var generation: Int
  /// Vendor and product.
  public var id: USBID
  /// Release number of the device, as in 0x0102.
  public var release: UInt16
  /// How fast it is.
  public var speed: Speed
  /// Class of the whole device.
  public var kind: Kind
  /// The configuration in use; 0 before the host chose one.
  public var configuration: UInt8
  /// How many configurations there are.
  public var configurations: UInt8
  /// Classes of the interfaces of the configuration in use, or of the first one.
  public var interfaces: [Kind]

  /// Gathers the parts.
  public init(
    generation: Int, id: USBID, release: UInt16, speed: Speed, kind: Kind, configuration: UInt8,
    configurations: UInt8, interfaces: [Kind]
  ) {
    self.generation = generation
    self.id = id
    self.release = release
    self.speed = speed
    self.kind = kind
    self.configuration = configuration
    self.configurations = configurations
    self.interfaces = interfaces
  }
}

/// The eight bytes that begin every transfer on endpoint zero.
public struct USBRequest: Equatable, Sendable {
  /// Direction, kind and recipient.
  public var type: UInt8
  /// What is asked.
  public var request: UInt8
  /// Its value.
  public var value: UInt16
  /// Its index: an interface, an endpoint or a language.
  public var index: UInt16
  /// Bytes that follow, or the most that may be answered.
  public var length: UInt16

  /// Gathers the parts.
  public init(type: UInt8, request: UInt8, value: UInt16, index: UInt16, length: UInt16) {
    self.type = type
    self.request = request
    self.value = value
    self.index = index
    self.length = length
  }

  /// Whether the answer carries data.
  public var isIn: Bool { type & 0x80 != 0 }
}

/// What a stick answers on endpoint zero.
public enum USBAnswer: Equatable, Sendable {
  /// Done; the data of an IN request, or nothing.
  case done([UInt8])
  /// Refused.
  case stall
}

/// What a simulated stick does on one of its endpoints.
public struct USBEmission: Equatable, Sendable {
  /// What happens there.
  public enum Event: Equatable, Sendable {
    /// One transfer; it never shares a host's request with the next one.
    case transfer([UInt8])
    /// The endpoint halts until the host clears it.
    case halt
    /// What waits there for the host is forgotten.
    case forget
  }
  /// Endpoint address; 0x80 set for IN.
  public var endpoint: UInt8
  /// What happens.
  public var event: Event
  /// When it happens.
  public var at: Duration

  /// Gathers the parts.
  public init(endpoint: UInt8, _ event: Event, at: Duration) {
    self.endpoint = endpoint
    self.event = event
    self.at = at
  }
}
