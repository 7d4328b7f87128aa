import Foundation
import SmithModel

/// The text of a policy as it stands in the file; every key that has no meaning is a flaw, for an
/// order that is misspelt must not be an order that is not there.
struct PolicyText: Decodable {
  private let format: String
  private let name: String
  private let dryRun: Bool
  private let maxFailures: Int
  private let power: FleetPolicy.Power
  private let windows: [FleetPolicy.Window]
  private let rules: [RuleText]

  /// The format that this program reads.
  static let format = "fleet-policy/1"
  /// Bounds that no honest policy meets.
  static let mostRules = 1000
  static let mostNames = 10_000

  init(from decoder: any Decoder) throws {
    let keys = try Keys(
      decoder, ["modemsmith", "name", "dryRun", "maxFailures", "power", "windows", "rules"])
    format = try keys.need("modemsmith", String.self)
    guard format == Self.format else {
      throw PolicyFlaw("modemsmith", "this program reads \"\(Self.format)\" only")
    }
    name = try keys.text("name")
    dryRun = try keys.have("dryRun", Bool.self) ?? false
    maxFailures = try keys.have("maxFailures", Int.self) ?? 1
    guard (1...1000).contains(maxFailures) else {
      throw PolicyFlaw("maxFailures", "it has to be 1 to 1000")
    }
    power = try keys.have("power", PowerText.self)?.power ?? FleetPolicy.Power()
    windows = try keys.list("windows", WindowText.self, most: 100).map(\.window)
    rules = try keys.list("rules", RuleText.self, most: Self.mostRules)
    guard !rules.isEmpty else { throw PolicyFlaw("rules", "there is none") }
    let names = rules.map(\.rule.name)
    guard Set(names).count == names.count else {
      throw PolicyFlaw("rules", "two have the same name")
    }
  }

  func policy(of data: Data) -> FleetPolicy {
    var policy = FleetPolicy(name: name, rules: rules.map(\.rule), sha256: FleetPolicy.sum(data))
    policy.dryRun = dryRun
    policy.maxFailures = maxFailures
    policy.power = power
    policy.windows = windows
    return policy
  }
}

extension FleetPolicy {
  init(name: String, rules: [Rule], sha256: String) {
    self.name = name
    self.rules = rules
    self.sha256 = sha256
  }
}

private struct PowerText: Decodable {
  var power = FleetPolicy.Power()

  init(from decoder: any Decoder) throws {
    let keys = try Keys(decoder, ["mains", "leastBattery"])
    power.mains = try keys.have("mains", Bool.self) ?? false
    power.leastBattery = try keys.have("leastBattery", Int.self) ?? 0
    guard (0...100).contains(power.leastBattery) else {
      throw keys.flaw("leastBattery", "it has to be 0 to 100")
    }
  }
}

private struct WindowText: Decodable {
  let window: FleetPolicy.Window

  static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  init(from decoder: any Decoder) throws {
    let keys = try Keys(decoder, ["days", "from", "to"])
    let named = try keys.list("days", String.self, most: 7)
    var days: Set<Int> = []
    for name in named {
      guard let index = Self.days.firstIndex(of: name) else {
        throw keys.flaw("days", "days are \(Self.days.joined(separator: ", "))")
      }
      days.insert(index + 1)
    }
    let from = try Self.minute(keys, "from")
    let to = try Self.minute(keys, "to")
    guard from != to, from < 1440 else { throw keys.flaw("to", "the window is empty") }
    window = FleetPolicy.Window(days: days.isEmpty ? Set(1...7) : days, from: from, to: to)
  }

  /// `HH:MM` up to 24:00, as minutes.
  private static func minute(_ keys: Keys, _ name: String) throws -> Int {
    let text = Array(try keys.need(name, String.self).utf8)
    let digits = text.enumerated().filter { $0.offset != 2 }.map { Int($0.element) - 0x30 }
    guard text.count == 5, text[2] == 0x3a, digits.allSatisfy({ (0...9).contains($0) }) else {
      throw keys.flaw(name, "times are written as 01:30")
    }
    let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
    guard minute < 60, hour * 60 + minute <= 1440 else {
      throw keys.flaw(name, "there is no such time")
    }
    return hour * 60 + minute
  }
}

struct RuleText: Decodable {
  let rule: FleetPolicy.Rule

  init(from decoder: any Decoder) throws {
    let keys = try Keys(
      decoder,
      ["name", "sticks", "image", "reinstall", "allowDowngrade", "experimental", "acceptUnknown"])
    let image = try keys.need("image", ImageText.self)
    var rule = FleetPolicy.Rule(
      name: try keys.text("name"), sticks: try keys.need("sticks", SticksText.self).sticks,
      sha256: image.sha256, version: image.version)
    rule.allowed.reinstall = try keys.have("reinstall", Bool.self) ?? false
    rule.allowed.allowDowngrade = try keys.have("allowDowngrade", Bool.self) ?? false
    rule.allowed.experimental = try keys.have("experimental", Bool.self) ?? false
    rule.acceptUnknown = try keys.have("acceptUnknown", Bool.self) ?? false
    self.rule = rule
  }
}

private struct ImageText: Decodable {
  let sha256: String
  let version: FirmwareVersion

  init(from decoder: any Decoder) throws {
    let keys = try Keys(decoder, ["sha256", "version"])
    sha256 = try keys.need("sha256", String.self).lowercased()
    guard sha256.utf8.count == 64, sha256.isHexadecimal else {
      throw keys.flaw("sha256", "it has to be 64 hexadecimal digits")
    }
    version = FirmwareVersion(try keys.text("version"))
  }
}

private struct SticksText: Decodable {
  var sticks = FleetPolicy.Sticks()

  init(from decoder: any Decoder) throws {
    let keys = try Keys(decoder, ["model", "place", "imeiHash"])
    sticks.models = try keys.names("model")
    sticks.places = try keys.names("place")
    sticks.imeiHashes = try keys.names("imeiHash").map { $0.lowercased() }
    for hash in sticks.imeiHashes {
      guard (16...64).contains(hash.utf8.count), hash.isHexadecimal else {
        throw keys.flaw("imeiHash", "it has to be 16 to 64 hexadecimal digits")
      }
    }
    guard !(sticks.models + sticks.places + sticks.imeiHashes).isEmpty else {
      throw keys.flaw("", "it would mean every stick; name model, place or imeiHash")
    }
  }
}

extension String {
  fileprivate var isHexadecimal: Bool {
    utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

/// An object whose keys are all known.
private struct Keys {
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private let container: KeyedDecodingContainer<Key>
  private let path: [any CodingKey]

  init(_ decoder: any Decoder, _ known: Set<String>) throws {
    container = try decoder.container(keyedBy: Key.self)
    path = decoder.codingPath
    if let other = container.allKeys.first(where: { !known.contains($0.stringValue) }) {
      throw flaw(other.stringValue, "there is no such key")
    }
  }

  func flaw(_ key: String, _ reason: String) -> PolicyFlaw {
    let keys: [any CodingKey] = path + (key.isEmpty ? [] : [Key(stringValue: key)])
    return PolicyFlaw(PolicyFlaw.path(keys), reason)
  }

  func need<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value {
    try container.decode(type, forKey: Key(stringValue: key))
  }

  /// The value of a key that may be missing; null is no value.
  func have<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value? {
    let key = Key(stringValue: key)
    return container.contains(key) ? try container.decode(type, forKey: key) : nil
  }

  func list<Value: Decodable>(_ key: String, _ type: Value.Type, most: Int) throws -> [Value] {
    let values = try have(key, [Value].self) ?? []
    guard values.count <= most else { throw flaw(key, "there are more than \(most)") }
    return values
  }

  /// One line of text that people can read.
  func text(_ key: String) throws -> String {
    let text = try need(key, String.self)
    guard Self.isPlain(text) else {
      throw flaw(key, "it has to be 1 to 200 characters without control characters")
    }
    return text
  }

  /// A list of such texts, or one alone.
  func names(_ key: String) throws -> [String] {
    let found: [String]
    if let one = try? have(key, String.self) {
      found = [one]
    } else {
      found = try list(key, String.self, most: PolicyText.mostNames)
    }
    guard found.allSatisfy(Self.isPlain) else { throw flaw(key, "one of them is no plain text") }
    return found
  }

  private static func isPlain(_ text: String) -> Bool {
    (1...200).contains(text.count) && text.utf8.count <= 800
      && text.unicodeScalars.allSatisfy {
        $0.value >= 0x20 && $0.value != 0x7f && $0.properties.generalCategory != .control
          && $0.properties.generalCategory != .format
      }
  }
}
