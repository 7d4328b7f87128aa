import SmithBytes
public import SmithLink
public import SmithModel

/// Everything that a simulated stick tells the bus about itself in one enumeration
/// (Docs/Protocols/usbip.md section 4).
public struct USBDescription: Equatable, Sendable {
  /// One endpoint beside endpoint zero.
  public struct Endpoint: Equatable, Sendable {
    /// Its kind as the descriptor has it.
    public enum Kind: UInt8, Sendable {
      /// Bulk transfers.
      case bulk = 2
      /// Interrupt transfers.
      case interrupt = 3
    }
    /// Address; 0x80 set for IN.
    public var address: UInt8
    /// Its kind.
    public var kind: Kind
  }
  /// One setting of an interface.
  public struct Setting: Equatable, Sendable {
    /// Its class.
    public var kind: USBFace.Kind
    /// Its endpoints.
    public var endpoints: [Endpoint]
    /// Descriptors of its class, as bytes.
    public var extra: [UInt8] = []
    /// Its name, if it has one.
    public var name: String?
  }
  /// What an interface is there for in the simulation.
  public enum Use: Equatable, Sendable {
    /// A serial port of the stick, by its index in the stick's face.
    case serial(Int)
    /// A disc.
    case disc
    /// Frames of a network card.
    case network
    /// Nothing answers there.
    case idle
  }
  /// One interface.
  public struct Interface: Equatable, Sendable {
    /// Its number; numbers may have gaps.
    public var number: UInt8
    /// Settings; the first is chosen at the start.
    public var settings: [Setting]
    /// What it is there for.
    public var use: Use
  }

  /// Vendor and product.
  public var id: USBID
  /// Release number of the device.
  public var release: UInt16 = 0x0102
  /// Version of USB that it follows.
  public var version: UInt16 = 0x0200
  /// How fast it is.
  public var speed = USBFace.Speed.high
  /// Class of the whole device.
  public var kind = USBFace.Kind(0, 0, 0)
  /// Manufacturer, product and serial number; empty ones are left out.
  public var texts: [String]
  /// Interfaces of the only configuration.
  public var interfaces: [Interface] = []
  /// Further texts that descriptors name by index, from 8 up.
  public var furtherTexts: [String] = []

  /// A device without interfaces yet.
  public init(_ id: USBID, manufacturer: String, product: String, serial: String = "") {
    self.id = id
    texts = [manufacturer, product, serial]
  }

  // MARK: Building

  /// First index of ``furtherTexts``.
  static let firstFurtherText: UInt8 = 8
  private var usedEndpoints: Set<UInt8> {
    Set(interfaces.flatMap { $0.settings.flatMap { $0.endpoints.map(\.address) } })
  }

  /// The next free endpoint address of a direction.
  func freeEndpoint(in isIn: Bool, beside taken: [UInt8] = []) -> UInt8 {
    let used = usedEndpoints.union(taken)
    return (1...15).map { UInt8($0) | (isIn ? 0x80 : 0) }.first { !used.contains($0) } ?? 0
  }

  /// Adds an interface with one setting and a pair of bulk endpoints.
  public mutating func addBulkPair(
    _ kind: USBFace.Kind, number: Int? = nil, name: String? = nil, use: Use,
    interrupt: Bool = false
  ) {
    var endpoints: [Endpoint] = []
    if interrupt {
      endpoints.append(Endpoint(address: freeEndpoint(in: true), kind: .interrupt))
    }
    let input = freeEndpoint(in: true, beside: endpoints.map(\.address))
    endpoints.append(Endpoint(address: input, kind: .bulk))
    endpoints.append(Endpoint(address: freeEndpoint(in: false), kind: .bulk))
    interfaces.append(
      Interface(
        number: UInt8(clamping: number ?? interfaces.count),
        settings: [Setting(kind: kind, endpoints: endpoints, name: name)], use: use))
  }

  // MARK: Reading

  /// The interface that has that endpoint in any setting.
  public func interface(of endpoint: UInt8) -> Interface? {
    interfaces.first { interface in
      interface.settings.contains { $0.endpoints.contains { $0.address == endpoint } }
    }
  }

  /// Address of the bulk IN endpoint of the interface that serves `use`.
  public func bulkIn(for use: Use) -> UInt8? {
    interfaces.first { $0.use == use }?.settings.flatMap(\.endpoints)
      .first { $0.kind == .bulk && $0.address & 0x80 != 0 }?.address
  }

  /// What the list of devices shows.
  func face(generation: Int, configuration: UInt8) -> USBFace {
    USBFace(
      generation: generation, id: id, release: release, speed: speed, kind: kind,
      configuration: configuration, configurations: 1,
      interfaces: interfaces.compactMap { $0.settings.first?.kind })
  }

  /// The descriptor of that type and index, whole; nil if there is none.
  public func descriptor(type: UInt8, index: UInt8) -> [UInt8]? {
    switch type {
    case 1: device
    case 2: index == 0 ? configuration : nil
    case 3: text(index)
    case 6: speed == .high ? qualifier : nil
    default: nil
    }
  }

  private var device: [UInt8] {
    var bytes: [UInt8] = [18, 1]
    bytes.append(little: version)
    bytes += [kind.class, kind.subclass, kind.protocol, 64]
    bytes.append(little: id.vendor)
    bytes.append(little: id.product)
    bytes.append(little: release)
    bytes += (0..<3).map { texts.indices.contains($0) && !texts[$0].isEmpty ? UInt8($0 + 1) : 0 }
    bytes.append(1)
    return bytes
  }

  /// What it would be at the other speed: the same.
  private var qualifier: [UInt8] {
    var bytes: [UInt8] = [10, 6]
    bytes.append(little: version)
    return bytes + [kind.class, kind.subclass, kind.protocol, 64, 1, 0]
  }

  private var configuration: [UInt8] {
    var body: [UInt8] = []
    var names = 0
    for interface in interfaces {
      for (index, setting) in interface.settings.enumerated() {
        var name: UInt8 = 0
        if setting.name != nil {
          // Names are numbered in the order in which they occur.
          name = Self.firstFurtherText + UInt8(clamping: furtherTexts.count + names)
          names += 1
        }
        body += [
          9, 4, interface.number, UInt8(clamping: index), UInt8(clamping: setting.endpoints.count),
          setting.kind.class, setting.kind.subclass, setting.kind.protocol, name,
        ]
        body += setting.extra
        for endpoint in setting.endpoints { body += bytes(of: endpoint) }
      }
    }
    var bytes: [UInt8] = [9, 2]
    bytes.append(little: UInt16(clamping: body.count + 9))
    // Bus powered, 500 mA, as they all say.
    bytes += [UInt8(clamping: interfaces.count), 1, 0, 0x80, 250]
    return bytes + body
  }

  private func bytes(of endpoint: Endpoint) -> [UInt8] {
    let size: UInt16 = endpoint.kind == .interrupt ? 16 : speed == .high ? 512 : 64
    var bytes: [UInt8] = [7, 5, endpoint.address, endpoint.kind.rawValue]
    bytes.append(little: size)
    bytes.append(endpoint.kind == .interrupt ? 5 : 0)
    return bytes
  }

  private func text(_ index: UInt8) -> [UInt8]? {
    // Languages: American English.
    guard index > 0 else { return [4, 3, 0x09, 0x04] }
    let names = interfaces.flatMap { $0.settings.compactMap(\.name) }
    let further = furtherTexts + names
    let text: String?
    if index >= Self.firstFurtherText {
      let place = Int(index - Self.firstFurtherText)
      text = further.indices.contains(place) ? further[place] : nil
    } else {
      let place = Int(index) - 1
      text = texts.indices.contains(place) && !texts[place].isEmpty ? texts[place] : nil
    }
    guard let text else { return nil }
    var units: [UInt8] = []
    for unit in text.utf16.prefix(126) { units.append(little: unit) }
    return [UInt8(units.count + 2), 3] + units
  }
}
