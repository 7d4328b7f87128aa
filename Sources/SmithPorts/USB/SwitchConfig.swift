import SmithBytes
public import SmithModel

/// One entry of the mode-switch data: `Key=value` lines (Docs/Protocols/usb-modes.md section 6).
public struct SwitchConfig: Equatable, Sendable {
  /// Where it comes from, as in `12d1:1446` or `built-in`.
  public var source: String
  /// Every key with its value, quotes taken off, keys in lower case.
  public var values: [String: String]

  /// Gathers the parts; keys count without case.
  public init(source: String, values: [String: String]) {
    self.source = source
    self.values = Dictionary(
      values.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reads the text of one entry; comments and lines without a key are passed over.
  public init(source: String, text: String) {
    self.source = source
    values = [:]
    for line in text.prefix(65_536).split(whereSeparator: \.isNewline) {
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard line.first != "#", line.first != ";", let equals = line.firstIndex(of: "=") else {
        continue
      }
      let key = line[..<equals].filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
      guard !key.isEmpty, key.count <= 40 else { continue }
      let value = line[line.index(after: equals)...].filter { $0 != "\"" }
      let trimmed = value.drop { $0 == " " || $0 == "\t" }
      let name = key.lowercased()
      if values[name] == nil {
        let bare = trimmed.prefix { $0 != "#" }
        values[name] = String(bare.reversed().drop { $0.isWhitespace }.reversed())
      }
    }
  }

  /// A number, decimal or with `0x`.
  public func number(_ key: String) -> Int? {
    guard let text = values[key.lowercased()] else { return nil }
    if text.hasPrefix("0x") || text.hasPrefix("0X") { return Int(text.dropFirst(2), radix: 16) }
    return Int(text)
  }

  /// Whether a switch is on.
  public func isOn(_ key: String) -> Bool {
    ["1", "yes", "true"].contains(values[key.lowercased()]?.lowercased() ?? "")
  }

  /// The messages of a chain, in order.
  public var messages: [[UInt8]] {
    ["messagecontent", "messagecontent2", "messagecontent3"].compactMap { key in
      values[key].flatMap { [UInt8](hex: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  /// Ids that the stick may come back with; empty if the entry names none.
  public var targets: Set<USBID> {
    let vendor = number("targetvendor").flatMap { UInt16(exactly: $0) }
    guard let vendor else { return [] }
    let listed = (values["targetproductlist"] ?? "").split { $0 == "," || $0 == " " }
      .compactMap { UInt16($0, radix: 16) }
    let single = number("targetproduct").flatMap { UInt16(exactly: $0) }
    return Set((listed + (single.map { [$0] } ?? [])).map { USBID(vendor, $0) })
  }

  /// Class of the first interface after the switch, where the id stays the same.
  public var targetClass: UInt8? { number("targetclass").flatMap { UInt8(exactly: $0) } }
}

/// Everything that is known about switching: overrides, the installed data, our own minimum.
public struct SwitchData: Sendable {
  /// Entries by name, as in `12d1:1446` or `05c6:1000:uMa=Option`.
  private var entries: [String: SwitchConfig] = [:]
  /// Whether the data of the package was found.
  public private(set) var hasInstalledData = false
  /// Number of entries.
  public var count: Int { entries.count }

  /// No data at all.
  public init() {}

  /// Reads what is installed.
  ///
  /// - Parameters:
  ///   - archive: the archive of the package.
  ///   - folders: folders with one file an entry; an earlier one wins, and both win over the
  ///     archive, as they do for the package's own program.
  public static func installed(
    archive: String = "/usr/share/usb_modeswitch/configPack.tar.gz",
    folders: [String] = ["/etc/usb_modeswitch.d", "/usr/share/usb_modeswitch"]
  ) -> SwitchData {
    var data = SwitchData()
    for folder in folders {
      for name in FileNames.entries(of: folder) where isEntryName(name) {
        if let text = FileNames.text(of: "\(folder)/\(name)", limit: 65_536) {
          data.add(name, text)
          data.hasInstalledData = true
        }
      }
    }
    if let packed = FileNames.bytes(of: archive, limit: 8 << 20) { data.add(archive: packed) }
    return data
  }

  /// Adds the entries of an archive; a damaged one gives what can be read.
  public mutating func add(archive packed: [UInt8]) {
    guard let tar = SwitchArchive.gunzip(packed) else { return }
    for (name, bytes) in SwitchArchive.files(inTar: tar) where Self.isEntryName(name) {
      add(name, String(decoding: bytes, as: UTF8.self))
      hasInstalledData = true
    }
  }

  /// Adds one entry, unless one of that name is there.
  public mutating func add(_ name: String, _ text: String) {
    let key = name.lowercased()
    if entries[key] == nil, entries.count < 20_000 {
      entries[key] = SwitchConfig(source: name, text: text)
    }
  }

  /// The entry for a device: one whose attributes fit before one that names only the id, and our
  /// own minimum last.
  public func config(for device: UsbDevice, knowledge: UsbKnowledge) -> SwitchConfig? {
    let id = device.id.description
    let special = entries.filter { $0.key.hasPrefix("\(id):") }
      .sorted { $0.key < $1.key }
      .first { Self.fits($0.value.source, device) }
    if let found = special?.value ?? entries[id] { return found }
    return knowledge.entry(device.id).flatMap { SwitchConfig(builtIn: $0) }
  }

  static func isEntryName(_ name: String) -> Bool {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2 else { return false }
    return parts[..<2].allSatisfy { $0.count == 4 && UInt16($0, radix: 16) != nil }
  }

  /// Whether the attributes in an entry's name are part of what the device says; `_` stands for a
  /// blank as well.
  static func fits(_ name: String, _ device: UsbDevice) -> Bool {
    name.split(separator: ":").dropFirst(2).allSatisfy { part in
      let halves = part.split(separator: "=", maxSplits: 1)
      guard halves.count == 2 else { return false }
      let value: String? =
        switch halves[0].lowercased() {
        case "uma": device.manufacturer
        case "upr": device.product
        case "use": device.serial
        case "sve": device.drive?.vendor
        case "smo": device.drive?.model
        default: nil
        }
      guard let value else { return false }
      func plain(_ text: some StringProtocol) -> String {
        String(text.map { $0 == "_" ? " " : $0 })
      }
      return plain(value).contains(plain(halves[1]))
    }
  }
}

extension SwitchConfig {
  /// Our own minimum for an id of our device files; nil if it is no fake CD.
  init?(builtIn entry: UsbEntry) {
    guard let method = entry.method else { return nil }
    var values: [String: String] = ["targetvendor": "0x\(entry.vendor)"]
    if let targets = entry.targets { values["targetproductlist"] = targets.joined(separator: ",") }
    switch method {
    case "huawei-new": values["huaweinewmode"] = "1"
    case "huawei-control": values["huaweimode"] = "1"
    case "sierra": values["sierramode"] = "1"
    case "eject": values["standardeject"] = "1"
    case "eject-m85":
      values["standardeject"] = "1"
      values["messagecontent"] = SwitchMessages.m85.hex
    case "m85": values["messagecontent"] = SwitchMessages.m85.hex
    case "m85-0166": values["messagecontent"] = SwitchMessages.m85Long.hex
    case "m1": values["messagecontent"] = SwitchMessages.m1.hex
    case "m0": values["messagecontent"] = SwitchMessages.m0.hex
    case "configuration-1": values["configuration"] = "1"
    case "configuration-2": values["configuration"] = "2"
    default: return nil
    }
    self.init(source: "built-in", values: values)
  }
}

/// Messages of our own minimum (Docs/Protocols/usb-modes.md section 6).
enum SwitchMessages {
  /// A bulk-only wrapper around a command block.
  ///
  /// - Parameter length: what the wrapper says the block's length is; Huawei's recipes say 0.
  static func wrapper(
    _ block: [UInt8], length: UInt8, data: UInt32 = 0, towardsHost: Bool = false,
    tag: UInt32 = 0x7856_3412
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x55, 0x53, 0x42, 0x43]
    bytes.append(little: tag)
    bytes.append(little: data)
    bytes += [towardsHost ? 0x80 : 0, 0, length]
    bytes += block.prefix(16)
    bytes += [UInt8](repeating: 0, count: max(0, 31 - bytes.count))
    return bytes
  }

  static let huaweiNew = wrapper([0x11, 0x06, 0x20, 0, 0, 1, 1, 0, 1], length: 0)
  static let huaweiAlternative = wrapper([0x11, 0x06, 0x30, 0, 0, 0, 0, 1, 0], length: 0)
  static let allowRemoval = wrapper([0x1e, 0, 0, 0, 0, 0], length: 6)
  static let eject = wrapper([0x1b, 0, 0, 0, 2, 0], length: 6)
  static let optionRezero = wrapper([0x01], length: 6, data: 1, towardsHost: true)
  static let m85 = wrapper(
    [0x85, 1, 1, 1, 0x18, 1, 1, 1, 1, 1], length: 12, data: 0x20, towardsHost: true)
  static let m85Long = wrapper(
    [0x85, 0, 0, 0, 0x24], length: 6, data: 0x24, towardsHost: true)
  static let m1 = wrapper(
    [0x06, 0xf5, 0x04, 0x02, 0x52, 0x70], length: 6, data: 0x80, towardsHost: true)
  static let m0 = wrapper([0x06, 0xf5, 0x04, 0x02, 0x52, 0x70], length: 6)
}
