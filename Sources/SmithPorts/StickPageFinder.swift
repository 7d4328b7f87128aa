import Glibc
import SmithLink
public import SmithModel

/// An address of version 4, as a number.
public struct IPv4: Hashable, Sendable, CustomStringConvertible {
  /// Most significant byte first.
  public var value: UInt32

  /// From its number.
  public init(_ value: UInt32) { self.value = value }

  /// Reads `192.168.8.1`; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let byte = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(byte)
    }
    self.value = value
  }

  /// As people write it.
  public var description: String {
    [24, 16, 8, 0].map { "\(value >> $0 & 255)" }.joined(separator: ".")
  }
}

/// An address of one of this computer's network cards.
public struct CardAddress: Hashable, Sendable {
  /// The address.
  public var address: IPv4
  /// Bits that name the network.
  public var mask: IPv4

  /// Gathers the parts.
  public init(_ address: IPv4, mask: IPv4) {
    self.address = address
    self.mask = mask
  }

  /// Whether an address is in the network of this one.
  public func reaches(_ other: IPv4) -> Bool {
    address.value & mask.value == other.value & mask.value && other != address
  }
}

/// Where the page of one stick may be.
public struct PagePlace: Hashable, Sendable {
  /// Its address.
  public var address: WebAddress
  /// The stick's own network card: nothing else is asked.
  public var card: String

  /// Gathers the parts.
  public init(_ address: WebAddress, card: String) {
    self.address = address
    self.card = card
  }
}

/// Finds the page of a stick that is a network card: through that card alone, so that neither a
/// second stick with the same address nor the router of the house is asked
/// (Docs/Protocols/huawei-hilink.md section 1).
public struct StickPageFinder: Sendable {
  private let routes: String
  private let addresses: @Sendable (String) -> [CardAddress]
  private let port: Int

  /// - Parameters:
  ///   - routes: where the kernel lists its routes.
  ///   - addresses: addresses of a card.
  ///   - port: TCP port of the page.
  public init(
    routes: String = "/proc/net/route",
    addresses: @escaping @Sendable (String) -> [CardAddress] = {
      StickPageFinder.systemAddresses(of: $0)
    },
    port: Int = 80
  ) {
    self.routes = routes
    self.addresses = addresses
    self.port = port
  }

  /// Every place where the stick's page may be, the likeliest first; nothing is asked.
  ///
  /// - Parameter known: addresses that our device files know.
  public func places(of device: UsbDevice, known: [String] = []) -> [PagePlace] {
    var places: [PagePlace] = []
    for card in device.names(.net) {
      let own = addresses(card)
      var wanted = gateways(of: card)
      for text in known {
        if let web = try? WebAddress(text), let address = IPv4(web.host) { wanted.append(address) }
      }
      // Most sticks are the first of their network.
      wanted += own.map { IPv4($0.address.value & $0.mask.value | 1) }
      wanted += Self.usual.compactMap { IPv4($0) }
      for address in wanted where own.contains(where: { $0.reaches(address) }) {
        guard let web = try? WebAddress("\(address):\(port)") else { continue }
        let place = PagePlace(web, card: card)
        if !places.contains(place) { places.append(place) }
      }
    }
    return places
  }

  /// The first of these places where something answers HTTP.
  public func find(among places: [PagePlace]) async -> CurlWebLink? {
    for place in places {
      let link = CurlWebLink(place.address, over: place.card)
      if (try? await link.exchange(WebRequest("GET", "/"), within: .seconds(3))) != nil {
        return link
      }
    }
    return nil
  }

  /// The page of a stick.
  ///
  /// - Throws: `web.no-address` while its card has none, `web.not-found` if nothing answers.
  public func page(of device: UsbDevice, known: [String] = []) async throws(Trouble)
    -> CurlWebLink
  {
    let places = places(of: device, known: known)
    if let link = await find(among: places) { return link }
    let card = device.names(.net).first ?? "the stick's network card"
    guard device.names(.net).contains(where: { !addresses($0).isEmpty }) else {
      throw Trouble(
        "web.no-address", "The stick's network card \(card) has no address yet.",
        advice: [
          "Wait ten seconds: the computer asks the stick for an address after it was plugged in.",
          "Without NetworkManager: `sudo dhclient \(card)`.",
        ], exitCode: .noStick)
    }
    throw Trouble(
      "web.not-found", "No page answers behind the stick's network card \(card).",
      facts: places.map { "asked: \($0.address)" },
      advice: [
        "Name it with --web URL if you know its address.",
        "Unplug the stick, wait ten seconds, plug it in again.",
      ], exitCode: .noStick)
  }

  private static let usual = ["192.168.8.1", "192.168.1.1", "192.168.3.1", "192.168.0.1"]

  private func gateways(of card: String) -> [IPv4] {
    let text = FileNames.text(of: routes, limit: 65_536) ?? ""
    return text.split(separator: "\n").dropFirst().compactMap { line in
      let words = line.split { $0 == "\t" || $0 == " " }
      guard words.count >= 3, words[0] == card, let value = UInt32(words[2], radix: 16), value != 0
      else { return nil }
      return IPv4(value.byteSwapped)
    }
  }

  /// What the kernel says of a card.
  public static func systemAddresses(of card: String) -> [CardAddress] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&first) == 0 else { return [] }
    defer { unsafe freeifaddrs(first) }
    var found: [CardAddress] = []
    var next = unsafe first
    while let entry = unsafe next {
      unsafe next = entry.pointee.ifa_next
      guard unsafe String(cString: entry.pointee.ifa_name) == card,
        let address = unsafe number(entry.pointee.ifa_addr),
        let mask = unsafe number(entry.pointee.ifa_netmask)
      else { continue }
      found.append(CardAddress(address, mask: mask))
    }
    return found
  }

  private static func number(_ address: UnsafeMutablePointer<sockaddr>?) -> IPv4? {
    guard let address = unsafe address,
      unsafe address.pointee.sa_family == sa_family_t(AF_INET)
    else { return nil }
    return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
      unsafe IPv4(UInt32(bigEndian: address.pointee.sin_addr.s_addr))
    }
  }
}
