import SmithModel

/// What a udev rule can ask about one port.
public struct UdevSubject: Sendable {
  /// Subsystem of the port, as in `tty`.
  public var subsystem: String
  /// Name of the port, as in `ttyUSB2`.
  public var kernel: String
  /// Attributes of the port's parents, nearest first: the interface, then the stick. In a rule
  /// all keys about parents have to fit the same one.
  public var parents: [(subsystem: String, driver: String, attributes: [String: String])]

  /// The subject that one node of one interface is.
  public init(_ node: UsbNode, of interface: UsbInterface, of device: UsbDevice) {
    subsystem = node.kind == .control ? "usbmisc" : node.kind.rawValue
    kernel = node.name
    func hex(_ value: some BinaryInteger, _ width: Int) -> String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    parents = [
      (
        "usb", interface.driver ?? "",
        [
          "bInterfaceNumber": hex(interface.number, 2),
          "bInterfaceClass": hex(interface.triple.kind, 2),
          "bInterfaceSubClass": hex(interface.triple.subclass, 2),
          "bInterfaceProtocol": hex(interface.triple.proto, 2),
          "bNumEndpoints": hex(interface.endpoints.count, 2),
        ]
      ),
      (
        "usb", "usb",
        [
          "idVendor": hex(device.id.vendor, 4), "idProduct": hex(device.id.product, 4),
          "manufacturer": device.manufacturer ?? "", "product": device.product ?? "",
        ]
      ),
    ]
  }

  fileprivate func attribute(_ name: String) -> String? {
    parents.lazy.compactMap { $0.attributes[name] }.first
  }
}

/// The part of the udev rule language that the port lists of ModemManager are written in
/// (Docs/Protocols/usb-modes.md section 4): matches, environment, labels. Everything else is
/// passed over; nothing is ever run.
public struct UdevRules: Sendable {
  private enum Key: Equatable {
    case parent(String)
    case parentAttribute(String)
    case environment(String)
    case own(String)
    case foreign
  }

  private struct Term {
    var key: Key
    var isMatch: Bool
    var isNegated: Bool
    var value: String
    var pattern: UdevPattern
  }

  private struct Rule {
    var matches: [Term] = []
    var settings: [(name: String, value: String)] = []
    var jump: String?
    var label: String?
  }

  private var rules: [Rule] = []

  /// How many rules there are.
  public var count: Int { rules.count }

  /// The most rules that are read; the port lists hold some two thousand.
  static let limit = 50_000

  /// No rules.
  public init() {}

  /// ModemManager's rules as they are installed on this system, in their own order.
  ///
  /// - Parameter directories: where rules are looked for; a file in an earlier one hides its
  ///   namesake in a later one.
  public static func modemManager(
    in directories: [String] = ["/etc/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"]
  ) -> UdevRules {
    var found: [String: String] = [:]
    for directory in directories {
      for name in FileNames.entries(of: directory)
      where name.hasPrefix("77-mm-") && name.hasSuffix(".rules") && found[name] == nil {
        found[name] = "\(directory)/\(name)"
      }
    }
    var rules = UdevRules()
    for (_, path) in found.sorted(by: { $0.key < $1.key }) {
      if let text = FileNames.text(of: path, limit: 4 << 20) { rules.add(text) }
    }
    return rules
  }

  /// Reads one file of rules; labels are known only inside it.
  public mutating func add(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      guard rules.count < Self.limit else { return }
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      guard let first = trimmed.first, first != "#" else { continue }
      if let rule = Self.rule(trimmed) { rules.append(rule) }
    }
    // Jumps never leave their file: it is closed by a label that no file can write.
    rules.append(Rule(label: "\u{0}"))
  }

  /// What the rules put into the environment of a port, as in `ID_MM_PORT_TYPE_GPS`.
  public func environment(of subject: UdevSubject) -> [String: String] {
    var environment: [String: String] = [:]
    var wanted: String?
    for rule in rules {
      if let label = wanted {
        // Rules only jump forward; the end of the file ends a jump to nowhere.
        if rule.label == label || rule.label == "\u{0}" { wanted = nil } else { continue }
      }
      guard fits(rule, subject, environment) else { continue }
      for (name, value) in rule.settings {
        environment[name] = Self.expanded(value, subject)
      }
      wanted = rule.jump
    }
    return environment
  }

  private func fits(_ rule: Rule, _ subject: UdevSubject, _ environment: [String: String]) -> Bool {
    var asksParents = false
    for term in rule.matches {
      let value: String
      switch term.key {
      case .parent, .parentAttribute:
        asksParents = true
        continue
      case .environment(let name): value = environment[name] ?? ""
      case .own("SUBSYSTEM"): value = subject.subsystem
      case .own("KERNEL"): value = subject.kernel
      case .own("ACTION"): value = "add"
      // What we cannot know must not make a rule fit.
      case .own, .foreign: return false
      }
      if term.pattern.matches(value) == term.isNegated { return false }
    }
    guard asksParents else { return true }
    return subject.parents.contains { parent in
      rule.matches.allSatisfy { term in
        switch term.key {
        case .parent("SUBSYSTEMS"):
          term.pattern.matches(parent.subsystem) != term.isNegated
        case .parent("DRIVERS"): term.pattern.matches(parent.driver) != term.isNegated
        case .parent: false
        case .parentAttribute(let name):
          parent.attributes[name].map { term.pattern.matches($0) != term.isNegated } ?? false
        default: true
        }
      }
    }
  }

  private static func expanded(_ value: String, _ subject: UdevSubject) -> String {
    guard value.hasPrefix("$attr{"), value.hasSuffix("}") else { return value }
    return subject.attribute(String(value.dropFirst(6).dropLast())) ?? ""
  }

  /// `KEY{name}=="value", ...`; nil if the line is none.
  private static func rule(_ line: Substring) -> Rule? {
    var rule = Rule()
    var rest = line
    while let term = term(&rest) {
      if term.isMatch {
        rule.matches.append(term)
        continue
      }
      switch term.key {
      case .environment(let name): rule.settings.append((name, term.value))
      case .own("GOTO"): rule.jump = term.value
      case .own("LABEL"): rule.label = term.value
      default: break
      }
    }
    return rest.allSatisfy { $0 == " " || $0 == "," || $0 == "\t" } ? rule : nil
  }

  private static func term(_ rest: inout Substring) -> Term? {
    let start = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
    let name = start.prefix { $0.isASCII && ($0.isLetter || $0 == "_") }
    guard !name.isEmpty else { return nil }
    var after = start[name.endIndex...]
    var inner: Substring?
    if after.first == "{" {
      guard let close = after.firstIndex(of: "}") else { return nil }
      inner = after[after.index(after: after.startIndex)..<close]
      after = after[after.index(after: close)...]
    }
    after = after.drop { $0 == " " }
    let sign = after.prefix { "=!+:-".contains($0) }
    guard ["==", "!=", "=", "+=", ":=", "-="].contains(String(sign)) else { return nil }
    after = after[sign.endIndex...].drop { $0 == " " }
    guard after.first == "\"" else { return nil }
    after = after.dropFirst()
    guard let close = after.firstIndex(of: "\"") else { return nil }
    let value = String(after[..<close])
    rest = after[after.index(after: close)...]
    return Term(
      key: key(String(name), inner.map(String.init)), isMatch: sign == "==" || sign == "!=",
      isNegated: sign == "!=", value: value, pattern: UdevPattern(value))
  }

  private static func key(_ name: String, _ inner: String?) -> Key {
    switch (name, inner) {
    case ("ENV", let inner?): .environment(inner)
    case ("ATTRS", let inner?): .parentAttribute(inner)
    case ("SUBSYSTEMS", nil), ("DRIVERS", nil), ("KERNELS", nil): .parent(name)
    case ("SUBSYSTEM", nil), ("KERNEL", nil), ("ACTION", nil), ("GOTO", nil), ("LABEL", nil):
      .own(name)
    default: .foreign
    }
  }
}

/// One of udev's patterns: `|` between alternatives, `*`, `?`, `[ab]`. Case of attributes that are
/// hexadecimal is as the kernel writes it, the lists are not always.
struct UdevPattern: Sendable {
  private let alternatives: [[UInt8]]
  private let isPlain: Bool

  /// Prepares a pattern: thousands of them are asked about every port.
  init(_ pattern: String) {
    alternatives = pattern.utf8.split(
      separator: UInt8(ascii: "|"), omittingEmptySubsequences: false
    )
    .map { $0.map(Self.lowered) }
    isPlain = !pattern.utf8.contains { [0x2a, 0x3f, 0x5b].contains($0) }
  }

  /// Whether one of the alternatives fits all of the text.
  func matches(_ text: String) -> Bool {
    if isPlain {
      return alternatives.contains { word in
        word.count == text.utf8.count && text.utf8.lazy.map(Self.lowered).elementsEqual(word)
      }
    }
    let bytes = text.utf8.map(Self.lowered)
    return alternatives.contains { Self.glob(bytes, $0) }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
  }

  /// Steps back only to the last star, so a hostile pattern costs no more than text times pattern.
  private static func glob(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
    var (at, into) = (0, 0)
    var star: (pattern: Int, text: Int)?
    while at < text.count {
      if into < pattern.count, pattern[into] == 0x2a {
        star = (into + 1, at)
        into += 1
      } else if let next = step(text[at], pattern, into) {
        at += 1
        into = next
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        into = last.pattern
        at = last.text + 1
      } else {
        return false
      }
    }
    return pattern[min(into, pattern.count)...].allSatisfy { $0 == 0x2a }
  }

  /// Where the pattern goes on if it takes this byte; nil if it does not.
  private static func step(_ byte: UInt8, _ pattern: [UInt8], _ at: Int) -> Int? {
    guard at < pattern.count else { return nil }
    if pattern[at] == 0x3f { return at + 1 }
    guard pattern[at] == 0x5b, let close = pattern[at...].firstIndex(of: 0x5d) else {
      return pattern[at] == byte ? at + 1 : nil
    }
    var set = pattern[(at + 1)..<close]
    let isNegated = set.first == 0x21
    if isNegated { set = set.dropFirst() }
    var found = false
    var index = set.startIndex
    while index < set.endIndex {
      if index + 2 < set.endIndex, set[index + 1] == 0x2d {
        if set[index] <= byte, byte <= set[index + 2] { found = true }
        index += 3
      } else {
        if set[index] == byte { found = true }
        index += 1
      }
    }
    return found != isNegated ? close + 1 : nil
  }
}
