public import SmithModel

/// What a version text or file name of Sierra says: family, firmware, carrier, configuration
/// (Docs/Protocols/sierra-cwe.md section 6).
public struct SierraVersionText: Hashable, Sendable, Codable {
  /// Stock-keeping unit; `9999999` generic, `INTERNAL` a vendor build; nil if not stated.
  public var sku: String?
  /// Part number of the package; nil if not stated.
  public var part: String?
  /// Chip family or module, as in `SWI9X15C`; nil if not stated.
  public var family: String?
  /// Firmware version, four groups, as in `05.05.66.00`; nil if not stated.
  public var firmware: FirmwareVersion?
  /// Carrier, as in `GENNA-UMTS`; nil if not stated.
  public var carrier: String?
  /// Carrier configuration, as in `005.028_000`; nil if not stated.
  public var configuration: String?

  /// Reads whatever is recognised in `text`; a path or an extension does no harm.
  public init(_ text: String) {
    let word = text.split(separator: " ").first.map(String.init) ?? ""
    if let early = Self.early(word) {
      (family, firmware, _) = early
      return
    }
    let name = text.split(separator: "/").last.map(String.init) ?? text
    let parts = name.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
    if parts.count >= 7 {
      sku = Self.known(parts[0])
      part = Self.known(parts[1])
    }
    guard let place = parts.firstIndex(where: { Self.firmware($0) != nil }) else {
      if parts.count >= 7 { family = Self.known(parts[2]) }
      return
    }
    firmware = Self.firmware(parts[place]).map { FirmwareVersion($0) }
    if place > 0 { family = Self.family(parts[place - 1]) }
    for part in parts.dropFirst(place + 1) where carrier == nil {
      if Self.isCarrier(part) { carrier = part }
    }
    readConfiguration(parts.dropFirst(place + 1))
  }

  /// The parts of a 3G version, as in `K1_0_2_4AP`: the letter of its line, its groups of numbers
  /// joined by dots, the letters behind them; nil for any other word
  /// (Docs/Protocols/sierra-identify.md section 3).
  public static func early(
    _ word: String
  ) -> (line: String, version: FirmwareVersion, letters: String)? {
    let line = word.prefix { $0.isASCII && $0.isLetter }
    let rest = word.dropFirst(line.count)
    let number = rest.prefix { ($0.isASCII && $0.isNumber) || $0 == "_" }
    let letters = String(rest.dropFirst(number.count))
    guard line.count == 1, letters.hasSuffix("AP") || letters.hasSuffix("BT"),
      letters.allSatisfy({ $0.isASCII && $0.isLetter })
    else { return nil }
    let version = FirmwareVersion(number.split(separator: "_").joined(separator: "."))
    guard let groups = version.groups, groups.count >= 3 else { return nil }
    return (String(line), version, letters)
  }

  private mutating func readConfiguration(_ parts: ArraySlice<String>) {
    for (part, next) in zip(parts, parts.dropFirst()) {
      guard part.utf8.count == 7, Self.isNumber(part, groups: [3, 3]) else { continue }
      let digits = next.prefix { $0.isASCII && $0.isNumber }
      if digits.count == 3 { configuration = part + "_" + digits }
      return
    }
  }

  private static func known(_ text: String) -> String? {
    text.isEmpty || text == "?" ? nil : text
  }

  /// A family token: letters and digits, at least one of each.
  private static func family(_ text: String) -> String? {
    let isWord = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    return isWord && text.contains(where: \.isLetter) && text.contains(where: \.isNumber)
      ? text : nil
  }

  /// `NN.NN.NN.NN` at the start of `text`, which may end with letters or an extension.
  private static func firmware(_ text: String) -> String? {
    let bytes = text.utf8
    guard bytes.count >= 11, bytes.dropFirst(2).first == 0x2e else { return nil }
    let head = String(text.prefix(11))
    guard isNumber(head, groups: [2, 2, 2, 2]) else { return nil }
    let tail = text.dropFirst(11)
    return tail.first.map { $0.isNumber } == true ? nil : head
  }

  private static func isNumber(_ text: String, groups: [Int]) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.map(\.count) == groups
      && parts.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isNumber } }
  }

  private static func isCarrier(_ text: String) -> Bool {
    text.contains { $0.isASCII && $0.isLetter }
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "-") }
  }
}
