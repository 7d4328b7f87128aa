import SmithBytes
public import SmithLink
import SmithModel

/// A stick whose USB side is a network card with a page behind it.
protocol USBNetworked {
  /// Takes one Ethernet frame, and says what comes back.
  mutating func takeFrame(_ frame: [UInt8], at now: Duration) -> [[UInt8]]
}

/// A Huawei stick with HiLink firmware as the bus and the network see it: a disc, then a CDC
/// network card with the stick's page at 192.168.8.1, and serial ports beside it in the modes
/// that have them (Docs/Protocols/usbip.md section 6).
public struct HiLinkCard: USBDescribed, USBNetworked {
  /// The stick behind the card.
  public private(set) var stick: HuaweiHiLinkStick

  private var network = CardNetwork(
    hardware: [0x0c, 0x5b, 0x8f, 0x27, 0x9a, 0x64], address: [192, 168, 8, 1])

  /// A stick without power.
  public init(_ stick: HuaweiHiLinkStick = HuaweiHiLinkStick()) { self.stick = stick }

  /// What the bus sees.
  public var face: StickFace? { stick.face }
  /// When the stick comes up or leaves.
  public var nextDue: Duration? { stick.nextDue }
  /// Comes up or leaves when it is time.
  public mutating func advance(to now: Duration) -> [Emission] { stick.advance(to: now) }
  /// Bytes to a serial port.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    stick.receive(bytes, on: port, at: now)
  }
  /// Boots.
  public mutating func plug(at now: Duration) { stick.plug(at: now) }
  /// Falls silent.
  public mutating func unplug(at now: Duration) { stick.unplug(at: now) }

  mutating func takeFrame(_ frame: [UInt8], at now: Duration) -> [[UInt8]] {
    var stick = stick
    let answers = network.take(frame) { request in
      Self.call(request).map { stick.answer($0, at: now).pieces.flatMap(\.bytes) } ?? []
    }
    self.stick = stick
    return answers
  }

  /// A request as it came over the wire; nil for what is none.
  private static func call(_ request: [UInt8]) -> WebCall? {
    guard let end = request.firstRange(of: [13, 10, 13, 10]) else { return nil }
    let lines = String(decoding: request[..<end.lowerBound], as: UTF8.self).split(
      separator: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    guard words.count >= 2 else { return nil }
    let headers = lines.dropFirst().compactMap { line -> WebHeader? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return WebHeader(
        String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
    }
    return WebCall(
      String(words[0]), String(words[1]), headers: headers,
      body: SharedBytes(Array(request[end.upperBound...])))
  }

  /// A CDC Ethernet card: control, and data that is there in the second setting alone.
  public var usbDescription: USBDescription? {
    guard let face else { return nil }
    var device = USBDescription(
      face.id, manufacturer: "HUAWEI", product: "HUAWEI Mobile")
    if stick.presentMode == .serial {
      device.addBulkPair(USBFace.Kind(0xff, 2, 0x12), use: .serial(0))
      return device
    }
    device.furtherTexts = ["0C5B8F279A65"]
    let name = USBDescription.firstFurtherText
    let control = USBDescription.Setting(
      kind: USBFace.Kind(2, 6, 0), endpoints: [.init(address: 0x81, kind: .interrupt)],
      // Header, union of both interfaces, and the card's address by its text.
      extra: [5, 0x24, 0, 0x10, 1, 5, 0x24, 6, 0, 1]
        + [13, 0x24, 0x0f, name, 0, 0, 0, 0, 0xea, 5, 0, 0, 0])
    let data = USBFace.Kind(0x0a, 0, 0)
    device.interfaces = [
      .init(number: 0, settings: [control], use: .idle),
      .init(
        number: 1,
        settings: [
          USBDescription.Setting(kind: data, endpoints: []),
          USBDescription.Setting(
            kind: data,
            endpoints: [.init(address: 0x82, kind: .bulk), .init(address: 0x02, kind: .bulk)]),
        ], use: .network),
    ]
    for (index, role) in face.ports.enumerated() {
      let code: UInt8 = [.at: 0x12, .diag: 0x13][role] ?? 0x18
      device.addBulkPair(USBFace.Kind(0xff, 2, code), use: .serial(index))
    }
    return device
  }

  /// The disc of a HiLink stick.
  public var usbDisc: USBDiscFace? {
    guard stick.presentMode == .page else { return nil }
    return USBDiscFace(
      description: USBDescription(
        USBID(0x12d1, 0x1f01), manufacturer: "HUAWEI", product: "HUAWEI Mobile"),
      vendor: "HUAWEI", model: "Mass Storage", image: DiscImage.mobilePartner(label: "HILINK"),
      triggers: [.huawei, .eject])
  }
}
