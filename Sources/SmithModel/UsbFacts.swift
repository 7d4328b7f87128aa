/// Class, subclass and protocol of a USB interface.
public struct UsbTriple: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Class: ff is the vendor's own, 08 storage, 02 communication.
  public var kind: UInt8
  /// Subclass.
  public var subclass: UInt8
  /// Protocol.
  public var proto: UInt8

  /// Joins the three numbers.
  public init(_ kind: UInt8, _ subclass: UInt8, _ proto: UInt8) {
    self.kind = kind
    self.subclass = subclass
    self.proto = proto
  }

  /// Two hexadecimal digits each, as in `ff/02/12`.
  public var description: String {
    [kind, subclass, proto].map { value in
      let digits = String(value, radix: 16)
      return digits.count < 2 ? "0" + digits : digits
    }.joined(separator: "/")
  }
}

/// What a stick looks like from outside; which state it is in is known only after asking it.
public enum UsbState: String, Hashable, Sendable, Codable, CaseIterable {
  /// A CD-ROM with the operator's program; the modem is hidden behind it.
  case fakeCD = "fake-cd"
  /// Serial ports of a modem.
  case modem
  /// A network card with a web page, and no serial port.
  case networkCard = "network-card"
  /// Download mode of a Huawei stick, or of a Qualcomm chip.
  case download
  /// The loader of a Sierra or Gobi modem.
  case qdl
  /// The boot ROM of a Balong chip.
  case bootROM = "boot-rom"
  /// The emergency loader of a Qualcomm chip.
  case edl
  /// It is on the bus, and offers nothing that could be talked to.
  case dead
  /// A device of a modem maker that we know nothing about.
  case unknown
}

/// What a device file says about one USB id: a composition of a stick, never by itself a state.
public struct UsbEntry: Hashable, Sendable, Codable {
  /// Vendor id, four hexadecimal digits.
  public var vendor: String
  /// Product ids, four hexadecimal digits each.
  public var products: [String]
  /// What people call it.
  public var name: String
  /// What a stick with this id usually is; nil if only its interfaces tell.
  public var state: UsbState?
  /// Another state that the same id may stand for.
  public var orState: UsbState?
  /// Role of serial interfaces by number.
  public var roles: [String: PortRole]?
  /// How a fake CD is switched: `huawei-new`, `huawei-control`, `eject`, `eject-m85`, `m85-0166`,
  /// `m1`, `m0`, `sierra`, `configuration-1` or `configuration-2`.
  public var method: String?
  /// Products that it may come back as.
  public var targets: [String]?
  /// Address of its web page, if it has one.
  public var page: String?

  /// Gathers the parts.
  public init(
    vendor: String, products: [String], name: String, state: UsbState? = nil,
    orState: UsbState? = nil, roles: [String: PortRole]? = nil, method: String? = nil,
    targets: [String]? = nil, page: String? = nil
  ) {
    self.vendor = vendor
    self.products = products
    self.name = name
    self.state = state
    self.orState = orState
    self.roles = roles
    self.method = method
    self.targets = targets
    self.page = page
  }
}
