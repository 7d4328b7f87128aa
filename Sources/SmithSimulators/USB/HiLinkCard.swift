public import SmithLink
import SmithModel

/// A stick whose USB side is a network card with a page behind it.
protocol USBNetworked {
  /// Takes one Ethernet frame, and says what comes back.
  mutating func takeFrame(_ frame: [UInt8], at now: Duration) -> [[UInt8]]
}

/// A Huawei stick with HiLink firmware as the bus and the network see it: a disc, then a CDC
/// network card with the page at 192.168.8.1 (Docs/Protocols/usbip.md section 6).
public struct HiLinkCard: USBDescribed, USBNetworked {
  /// What it runs.
  public let firmware: String
  /// Requests that the page got, oldest first; the last 256.
  public private(set) var requests: [String] = []

  private var generation = 0
  private var isPowered = false
  private var network = CardNetwork(
    hardware: [0x0c, 0x5b, 0x8f, 0x27, 0x9a, 0x64], address: [192, 168, 8, 1])

  /// A stick without power.
  public init(firmware: String = "22.200.09.01.161") { self.firmware = firmware }

  /// What the bus sees: no serial port.
  public var face: StickFace? {
    isPowered
      ? StickFace(generation: generation, id: USBID(0x12d1, 0x14dc), ports: []) : nil
  }
  /// Nothing happens by itself.
  public var nextDue: Duration? { nil }
  /// Nothing happens by itself.
  public mutating func advance(to now: Duration) -> [Emission] { [] }
  /// There is no port.
  public mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    []
  }
  /// Boots at once.
  public mutating func plug(at now: Duration) {
    guard !isPowered else { return }
    isPowered = true
    generation += 1
  }
  /// Falls silent.
  public mutating func unplug(at now: Duration) { isPowered = false }

  mutating func takeFrame(_ frame: [UInt8], at now: Duration) -> [[UInt8]] {
    var asked: [String] = []
    let firmware = firmware
    let answers = network.take(frame) { request in
      let line = String(decoding: request.prefix { $0 != 13 }, as: UTF8.self)
      asked.append(line)
      return Self.page(line, firmware)
    }
    requests = (requests + asked).suffix(256)
    return answers
  }

  private static func page(_ line: String, _ firmware: String) -> [UInt8] {
    let words = line.split(separator: " ")
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
    let body: String
    switch words.count > 1 ? words[1] : "" {
    case "/api/device/basic_information":
      body =
        "\(xml)<response><productfamily>LTE</productfamily><classify>hilink</classify>"
        + "<devicename>E3372</devicename><SoftwareVersion>\(firmware)</SoftwareVersion></response>"
    case "/", "/html/home.html": body = "<html><title>HiLink</title></html>"
    default: body = "\(xml)<error><code>100002</code><message></message></error>"
    }
    let head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: \(body.utf8.count)\r\n"
      + "Connection: close\r\n\r\n"
    return Array((head + body).utf8)
  }

  /// A CDC Ethernet card: control, and data that is there in the second setting alone.
  public var usbDescription: USBDescription? {
    guard face != nil else { return nil }
    var device = USBDescription(
      USBID(0x12d1, 0x14dc), manufacturer: "HUAWEI", product: "HUAWEI Mobile")
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
    return device
  }

  /// The disc of a HiLink stick.
  public var usbDisc: USBDiscFace? {
    guard face != nil else { return nil }
    return USBDiscFace(
      description: USBDescription(
        USBID(0x12d1, 0x1f01), manufacturer: "HUAWEI", product: "HUAWEI Mobile"),
      vendor: "HUAWEI", model: "Mass Storage", image: DiscImage.mobilePartner(label: "HILINK"),
      triggers: [.huawei, .eject])
  }
}
