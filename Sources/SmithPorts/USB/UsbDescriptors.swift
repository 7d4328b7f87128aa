public import SmithModel

/// One endpoint of an interface (Docs/Protocols/usb-modes.md section 2).
public struct UsbEndpoint: Hashable, Sendable, Codable {
  /// Address with the direction in bit 7.
  public var address: UInt8
  /// Transfer type in the lowest two bits.
  public var attributes: UInt8
  /// Largest packet in bytes.
  public var packetSize: Int

  /// Gathers the parts.
  public init(address: UInt8, attributes: UInt8, packetSize: Int) {
    self.address = address
    self.attributes = attributes
    self.packetSize = packetSize
  }

  /// Whether it sends to the computer.
  public var isIn: Bool { address & 0x80 != 0 }
  /// Whether it is a bulk endpoint.
  public var isBulk: Bool { attributes & 3 == 2 }
  /// Whether it is an interrupt endpoint.
  public var isInterrupt: Bool { attributes & 3 == 3 }
}

/// One setting of one interface as its descriptor says.
public struct UsbSetting: Hashable, Sendable, Codable {
  /// Interface number.
  public var interface: Int
  /// Number of the alternate setting.
  public var alternate: Int
  /// Class, subclass, protocol.
  public var triple: UsbTriple
  /// Its endpoints.
  public var endpoints: [UsbEndpoint]

  /// The bulk endpoints of both directions, if it has both.
  public var bulkPair: (input: UsbEndpoint, output: UsbEndpoint)? {
    guard let input = endpoints.first(where: { $0.isBulk && $0.isIn }),
      let output = endpoints.first(where: { $0.isBulk && !$0.isIn })
    else { return nil }
    return (input, output)
  }
}

/// One configuration of a device.
public struct UsbConfiguration: Hashable, Sendable, Codable {
  /// What SET_CONFIGURATION takes.
  public var value: Int
  /// Every setting of every interface.
  public var settings: [UsbSetting]
}

/// The descriptors of a device as the kernel keeps them in sysfs: device descriptor, then every
/// configuration with what belongs to it.
public struct UsbDescriptors: Hashable, Sendable, Codable {
  /// Vendor and product id.
  public var id: USBID
  /// Release number, binary coded decimal.
  public var release: Int
  /// Class of the whole device; 9 is a hub.
  public var deviceClass: UInt8
  /// How many configurations it claims to have.
  public var claimedConfigurations: Int
  /// The configurations that could be read.
  public var configurations: [UsbConfiguration]

  /// The most interfaces settings and endpoints that are kept; a device that claims more lies.
  static let limit = 512

  /// Reads what a device says of itself, and believes none of it: a descriptor that is too short
  /// or reaches past the end ends the reading.
  ///
  /// - Parameter bytes: the sysfs file `descriptors`.
  /// - Returns: nil if not even the device descriptor is there.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= 18, bytes[0] >= 18, bytes[1] == 1 else { return nil }
    id = USBID(Self.word(bytes, 8), Self.word(bytes, 10))
    release = Int(Self.word(bytes, 12))
    deviceClass = bytes[4]
    claimedConfigurations = Int(bytes[17])
    configurations = []
    var at = Int(bytes[0])
    var kept = 0
    // A class descriptor between an interface and its endpoint belongs to neither.
    var isOpen = false
    while at + 2 <= bytes.count, kept < Self.limit {
      let length = Int(bytes[at])
      guard length >= 2, length <= bytes.count - at else { break }
      switch bytes[at + 1] {
      case 2 where length >= 9:
        configurations.append(UsbConfiguration(value: Int(bytes[at + 5]), settings: []))
        isOpen = false
        kept += 1
      case 4 where length >= 9:
        isOpen = !configurations.isEmpty
        guard isOpen else { break }
        configurations[configurations.count - 1].settings.append(Self.setting(bytes, at))
        kept += 1
      case 5 where length >= 7:
        guard isOpen, let last = configurations.last?.settings.indices.last else { break }
        configurations[configurations.count - 1].settings[last].endpoints.append(
          Self.endpoint(bytes, at))
        kept += 1
      default: break
      }
      at += length
    }
  }

  /// The setting of that number in the configuration that is active; the first one if none is
  /// named.
  public func setting(_ interface: Int, alternate: Int = 0, configuration: Int? = nil)
    -> UsbSetting?
  {
    let chosen =
      configuration.flatMap { value in configurations.first { $0.value == value } }
      ?? configurations.first
    return chosen?.settings.first { $0.interface == interface && $0.alternate == alternate }
  }

  private static func setting(_ bytes: [UInt8], _ at: Int) -> UsbSetting {
    UsbSetting(
      interface: Int(bytes[at + 2]), alternate: Int(bytes[at + 3]),
      triple: UsbTriple(bytes[at + 5], bytes[at + 6], bytes[at + 7]), endpoints: [])
  }

  private static func endpoint(_ bytes: [UInt8], _ at: Int) -> UsbEndpoint {
    // Bits 11 and 12 are extra transactions, not size.
    UsbEndpoint(
      address: bytes[at + 2], attributes: bytes[at + 3],
      packetSize: Int(word(bytes, at + 4) & 0x7ff))
  }

  private static func word(_ bytes: [UInt8], _ at: Int) -> UInt16 {
    UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
  }
}
