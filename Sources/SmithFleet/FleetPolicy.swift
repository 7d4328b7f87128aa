import Crypto
public import Foundation
public import SmithModel

/// What a fleet's owner decided in advance: which sticks get which image, when, and what ends it
/// (Docs/Protocols/fleet-policy.md).
public struct FleetPolicy: Sendable, Equatable {
  /// Who is meant; every list that is given has to hold the stick.
  public struct Sticks: Sendable, Equatable {
    /// Models as the sticks say them, compared without case.
    public var models: [String] = []
    /// Places as `modemsmith list` shows them.
    public var places: [String] = []
    /// Hashes of IMEIs as a report shows them, whole or the first 16 digits and more.
    public var imeiHashes: [String] = []
  }

  /// One order.
  public struct Rule: Sendable, Equatable {
    /// What people call it.
    public var name: String
    /// Who is meant.
    public var sticks: Sticks
    /// SHA-256 of the image in the library.
    public var sha256: String
    /// The version that the image has to hold.
    public var version: FirmwareVersion
    /// What the owner allows beyond the ordinary.
    public var allowed = Policy()
    /// Whether a file may be used that only the download mode can prove to be the right one.
    public var acceptUnknown = false
  }

  /// A span of local time on some days.
  public struct Window: Sendable, Equatable {
    /// Days on which it begins, 1 for Monday to 7 for Sunday.
    public var days: Set<Int>
    /// First minute of the day.
    public var from: Int
    /// Minute after the last one; at or before `from` it is one of the next day.
    public var to: Int

    /// Gathers the parts.
    public init(days: Set<Int>, from: Int, to: Int) {
      self.days = days
      self.from = from
      self.to = to
    }
  }

  /// What the computer must run on.
  public struct Power: Sendable, Equatable {
    /// Whether mains power has to be connected.
    public var mains = false
    /// Least charge of a battery that there is, in percent.
    public var leastBattery = 0

    /// Anything will do unless told.
    public init(mains: Bool = false, leastBattery: Int = 0) {
      self.mains = mains
      self.leastBattery = leastBattery
    }
  }

  /// What people call it; stands in journals as the consent.
  public var name: String
  /// Whether it only says what it would do.
  public var dryRun = false
  /// After this many failed updates no other is begun.
  public var maxFailures = 1
  /// What the computer must run on.
  public var power = Power()
  /// When updates may begin; any time if empty.
  public var windows: [Window] = []
  /// The orders.
  public var rules: [Rule]
  /// SHA-256 of the policy's text, for journals.
  public var sha256: String

  /// Largest file that is read.
  public static let longest = 1 << 20

  /// Reads a policy.
  ///
  /// - Throws: `fleet.policy-unreadable`.
  public init(path: String) throws(Trouble) {
    let url = URL(fileURLWithPath: path)
    guard let handle = try? FileHandle(forReadingFrom: url),
      let data = try? handle.read(upToCount: Self.longest + 1)
    else { throw Self.unreadable("\(path) cannot be opened.") }
    try self.init(data)
  }

  /// Reads the text of a policy.
  ///
  /// - Throws: `fleet.policy-unreadable`, `fleet.policy-invalid`.
  public init(_ data: Data) throws(Trouble) {
    guard data.count <= Self.longest else {
      throw Self.unreadable("It has more than \(Self.longest) bytes.")
    }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    do {
      self = try decoder.decode(PolicyText.self, from: data).policy(of: data)
    } catch let error as PolicyFlaw {
      throw Trouble(
        "fleet.policy-invalid", "The policy makes no sense at \(error.place): \(error.reason).",
        advice: ["Mend the policy; nothing was asked and nothing was sent."], exitCode: .badFile)
    } catch let error as DecodingError {
      let (place, reason) = PolicyFlaw.words(error)
      throw place.isEmpty
        ? Self.unreadable(reason)
        : Trouble(
          "fleet.policy-invalid", "The policy makes no sense at \(place): \(reason).",
          advice: ["Mend the policy; nothing was asked and nothing was sent."],
          exitCode: .badFile)
    } catch {
      throw Self.unreadable("It is no JSON5.")
    }
  }

  static func sum(_ data: Data) -> String {
    SHA256.hash(data: data).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  private static func unreadable(_ reason: String) -> Trouble {
    Trouble(
      "fleet.policy-unreadable", "The policy cannot be read. \(reason)",
      advice: ["Check the path, and the text with any JSON5 checker."], exitCode: .badFile)
  }
}

/// One place of a policy that has no meaning.
struct PolicyFlaw: Error, Equatable {
  var place: String
  var reason: String

  init(_ place: String, _ reason: String) {
    self.place = place
    self.reason = reason
  }

  /// Where and why decoding ended; the place is empty if the text as a whole is no JSON5.
  static func words(_ error: DecodingError) -> (place: String, reason: String) {
    switch error {
    case .keyNotFound(let key, let context):
      (path(context.codingPath + [key]), "it is missing")
    case .typeMismatch(_, let context): (path(context.codingPath), "it has the wrong type")
    case .valueNotFound(_, let context): (path(context.codingPath), "it is null")
    case .dataCorrupted(let context):
      (
        path(context.codingPath),
        context.codingPath.isEmpty ? "It is no JSON5." : "it is no such value"
      )
    @unknown default: ("", "It is no JSON5.")
    }
  }

  static func path(_ keys: [any CodingKey]) -> String {
    keys.map { $0.intValue.map { "[\($0)]" } ?? String($0.stringValue.prefix(60)) }
      .joined(separator: ".").replacing(".[", with: "[").filter { !$0.isNewline }
  }
}
