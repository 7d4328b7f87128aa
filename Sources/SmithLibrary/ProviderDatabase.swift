import Foundation
import SmithFormats
public import SmithModel

/// Access points by network code, from the database of providers that the system has installed;
/// read when it is needed, nothing of it is ours (Docs/Protocols/backup-file.md section 4).
public struct ProviderDatabase: Sendable {
  /// Where distributions put it.
  public static let standardPath = "/usr/share/mobile-broadband-provider-info/serviceproviders.xml"

  /// One access point.
  public struct AccessPoint: Sendable, Equatable {
    /// Provider's name.
    public var provider: String
    /// Name of the plan, if it has one.
    public var plan: String?
    /// Access point name.
    public var apn: String
    /// Whether it is for the internet; others are for picture messages and the like.
    public var isForInternet: Bool
    /// Whether the database gives a user name with it, which is not written.
    public var needsUser: Bool

    /// Gathers the parts.
    public init(
      provider: String, plan: String? = nil, apn: String, isForInternet: Bool = true,
      needsUser: Bool = false
    ) {
      self.provider = provider
      self.plan = plan
      self.apn = apn
      self.isForInternet = isForInternet
      self.needsUser = needsUser
    }
  }

  private let bytes: [UInt8]

  /// Reads the installed database.
  ///
  /// - Throws: `providers.missing`.
  public init(path: String = standardPath) throws(Trouble) {
    guard let size = FileState(path: path)?.bytes, size <= 16 << 20,
      let data = FileManager.default.contents(atPath: path)
    else {
      throw Trouble(
        "providers.missing", "The database of providers is not installed.", facts: [path],
        advice: [
          "Install it: `sudo apt-get install mobile-broadband-provider-info`.",
          "Or ask your operator for the APN and set it with `modemsmith at`.",
        ], exitCode: .usage)
    }
    bytes = [UInt8](data)
  }

  /// A database in memory.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Access points of a network, those for the internet first, each in the database's order.
  ///
  /// - Parameter code: country and network code together, five or six digits.
  /// - Throws: `providers.unreadable`, or `providers.unknown-network`.
  public func accessPoints(of code: String) throws(Trouble) -> [AccessPoint] {
    guard (5...6).contains(code.utf8.count), code.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { throw Self.unknown(code) }
    var reader = ProviderReader(wanted: code)
    var limits = TextXML.Limits()
    limits.bytes = 16 << 20
    limits.elements = 1_000_000
    do throws(TextXML.Flaw) {
      var xml = try TextXML(bytes, limits: limits)
      while let event = try xml.next() { reader.take(event) }
    } catch {
      throw Trouble(
        "providers.unreadable", "The database of providers cannot be read.",
        facts: ["\(error.reason) at byte \(error.offset)"],
        advice: ["Install it once more.", "Or ask your operator for the APN."],
        exitCode: .badFile)
    }
    let found = reader.found
    guard !found.isEmpty else { throw Self.unknown(code) }
    return found.filter(\.isForInternet) + found.filter { !$0.isForInternet }
  }

  /// Access points of the first of some codes that the database knows.
  ///
  /// - Throws: as ``accessPoints(of:)``.
  public func accessPoints(among codes: [String]) throws(Trouble) -> [AccessPoint] {
    for code in codes.dropLast() {
      do throws(Trouble) { return try accessPoints(of: code) } catch {
        // A six-digit code is a guess where the network has five: the next one is tried.
        guard error.exitCode == .usage else { throw error }
      }
    }
    return try accessPoints(of: codes.last ?? "")
  }

  /// The network codes that a subscriber number may begin with, the longer one first.
  public static func codes(ofSubscriber imsi: String) -> [String] {
    guard (14...15).contains(imsi.utf8.count),
      imsi.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return [] }
    return [String(imsi.prefix(6)), String(imsi.prefix(5))]
  }

  private static func unknown(_ code: String) -> Trouble {
    Trouble(
      "providers.unknown-network",
      code.isEmpty
        ? "The SIM does not tell whose it is."
        : "The database of providers does not know the network \(code).",
      advice: [
        "Insert the SIM, enter its PIN, and try again.",
        "Or name the network: --network-code 26201 (country and network digits together).",
        "Or ask your operator for the APN and set it with `modemsmith at`.",
      ], exitCode: .usage)
  }
}

/// Gathers the access points of one network.
private struct ProviderReader {
  let wanted: String
  private(set) var found: [ProviderDatabase.AccessPoint] = []
  private var path: [String] = []
  private var text = ""
  private var provider = ""
  private var matches = false
  private var points: [ProviderDatabase.AccessPoint] = []

  init(wanted: String) {
    self.wanted = wanted
  }

  mutating func take(_ event: TextXML.Event) {
    switch event {
    case .open(let name, let given):
      path.append(name)
      text = ""
      open(given)
    case .text(let more): if text.utf8.count < 4096 { text += more }
    case .close:
      close()
      path.removeLast()
      text = ""
    }
  }

  private var spot: String { path.dropFirst(2).joined(separator: "/") }

  private mutating func open(_ given: [String: String]) {
    switch spot {
    case "provider":
      (provider, matches, points) = ("", false, [])
    case "provider/gsm/network-id":
      if (given["mcc"] ?? "") + (given["mnc"] ?? "") == wanted { matches = true }
    case "provider/gsm/apn":
      guard points.count < 64, let apn = given["value"] else { return }
      points.append(.init(provider: provider, apn: apn))
    case "provider/gsm/apn/usage":
      if !points.isEmpty { points[points.count - 1].isForInternet = given["type"] == "internet" }
    default: break
    }
  }

  private mutating func close() {
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    switch spot {
    case "provider/name": if provider.isEmpty { provider = words }
    case "provider/gsm/apn/name": if !points.isEmpty { points[points.count - 1].plan = words }
    case "provider/gsm/apn/username":
      if !points.isEmpty, !words.isEmpty { points[points.count - 1].needsUser = true }
    case "provider":
      guard matches, found.count < 256 else { return }
      found += points.map { point in
        var point = point
        point.provider = provider
        return point
      }
    default: break
    }
  }
}
