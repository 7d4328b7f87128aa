public import SmithModel

/// Names and classes of the modem's numbered settings (Docs/Protocols/diag.md section 4).
public enum NVItems {
  /// The only items that a restore may write.
  public static let restorable: Set<UInt16> = [10, 441, 442, 946]

  /// The field's name of an item, where it has one.
  public static func name(_ item: UInt16) -> String? { names[item] }

  /// Whether an item holds identity, locks, calibration or factory state.
  public static func isForbidden(_ item: UInt16) -> Bool {
    forbidden.contains { $0.contains(item) }
  }

  /// The number of the item that tells this stick from all others.
  public static let identity: UInt16 = 550

  /// The identity number in the content of item 550; nil if it holds none.
  public static func identity(in data: [UInt8]) -> IMEI? {
    guard data.count >= 9, data[0] == 8, data[1] & 0x0f == 0x0a else { return nil }
    let nibbles = [data[1] >> 4] + data[2...8].flatMap { [$0 & 0x0f, $0 >> 4] }
    guard nibbles.allSatisfy({ $0 < 10 }) else { return nil }
    return IMEI(nibbles.map { String($0) }.joined())
  }

  private static let names: [UInt16: String] = [
    0: "ESN", 1: "ESN checksum", 10: "mode preference", 25: "A-key", 82: "lock code",
    85: "service programming code", 441: "band preference", 442: "roaming preference",
    447: "Bluetooth address", 453: "factory test mode", 550: "IMEI",
    946: "band preference, upper half", 1943: "MEID", 1992: "MEID of the card",
    2497: "factory data 1", 2498: "factory data 2", 2499: "factory data 3",
    2500: "factory data 4", 3462: "service code timeout", 4160: "lock code",
    4191: "lock code", 4399: "detect hardware reset",
  ]

  private static let forbidden: [ClosedRange<UInt16>] = [
    0...1, 25...25, 82...82, 85...85, 129...140, 327...337, 381...389, 431...439, 447...447,
    453...453, 524...534, 550...550, 590...613, 692...873, 948...963, 1033...1260,
    1359...1849, 1943...1943, 1992...1992, 2079...2156, 2330...2500, 2791...2884,
    3253...3283, 3462...3462, 3562...4030, 4160...4160, 4191...4191, 4294...4429,
  ]
}

/// One setting as it was read.
public struct NVItem: Equatable, Sendable {
  /// Its number.
  public var number: UInt16
  /// 128 bytes; nil if the item was never written.
  public var data: [UInt8]?

  /// Gathers the parts.
  public init(number: UInt16, data: [UInt8]?) {
    self.number = number
    self.data = data
  }
}

/// Settings of one stick and the mark of the stick that they belong to. Holds identity: keep it
/// for the owner's eyes alone.
public struct NVBackup: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// What item 550 held when the backup was taken.
  public var unit: [UInt8]
  /// Items by number.
  public var items: [UInt16: [UInt8]]

  /// Gathers the parts, as from a backup file.
  public init(unit: [UInt8], items: [UInt16: [UInt8]]) {
    self.unit = unit
    self.items = items
  }

  /// Number of items; never their content.
  public var description: String { "\(items.count) items" }
  /// Number of items; never their content.
  public var debugDescription: String { description }
}
