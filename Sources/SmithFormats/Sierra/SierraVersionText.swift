public import SmithModel

/// What a version text or file name of Sierra says: family, firmware, carrier, configuration
/// (Docs/Protocols/sierra-cwe.md section 6).
public struct SierraVersionText: Hashable, Sendable {
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

  /// Whether the text says anything that can be compared.
  public var saysNothing: Bool {
    family == nil && firmware == nil && carrier == nil && configuration == nil
  }

  /// Reads whatever is recognised in `text`; a path or an extension does no harm.
  public init(_ text: String) {
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
