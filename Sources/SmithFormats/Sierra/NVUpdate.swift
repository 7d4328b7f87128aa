public import SmithBytes

/// What an NVUP image holds: the settings of a carrier or a seller, as far as its layout is known
/// (Docs/Protocols/sierra-cwe.md section 9). Good enough to be shown, never to be changed.
public struct NVUpdate: Sendable {
  /// Where the length of an element is counted from; the only source does not say.
  public enum Counting: Int, CaseIterable, Sendable {
    /// From behind the element's eight bytes.
    case entries = 8
    /// From behind the length itself.
    case afterLength = 4
    /// From the length's first byte.
    case whole = 0
  }

  /// One name, value or NV item in an element.
  public enum Entry: Sendable {
    /// A flag byte (00, 01 or 08) and a name.
    case name(SharedBytes)
    /// A value.
    case value(SharedBytes)
    /// An NV item by its number, with its content.
    case item(UInt16, SharedBytes)

    /// A name as it is written.
    public static func name(_ text: String, flag: UInt8) -> Entry {
      .name(SharedBytes([flag] + Array(text.utf8)))
    }
  }

  /// One element: what a setting is, and its content.
  public struct Element: Sendable {
    /// 0 NV item, 1 variable, 2 and above files.
    public var kind: UInt16
    /// A second number whose meaning is not known.
    public var mark: UInt16
    /// Names and contents in their order.
    public var entries: [Entry]

    /// Gathers the parts.
    public init(kind: UInt16, mark: UInt16 = 0, entries: [Entry]) {
      self.kind = kind
      self.mark = mark
      self.entries = entries
    }

    /// The kind in a word.
    public var word: String {
      switch kind {
      case 0: "NV item"
      case 1: "variable"
      default: "file"
      }
    }

    /// The first name, or the number of the first NV item.
    public var title: String {
      for entry in entries {
        switch entry {
        case .name(let bytes): return String(printable: Array(bytes.bytes().dropFirst()))
        case .item(let number, _): return String(number)
        case .value: continue
        }
      }
      return "(no name)"
    }

    /// The first content.
    public var content: SharedBytes? {
      for entry in entries {
        switch entry {
        case .value(let bytes), .item(_, let bytes): return bytes
        case .name: continue
        }
      }
      return nil
    }
  }

  /// Version of the layout.
  public var version: UInt16
  /// The numbers behind the count, whose meaning is not known.
  public var marks: (UInt16, UInt32) { (firstMark, secondMark) }
  private var firstMark: UInt16
  private var secondMark: UInt32
  /// Which counting makes everything fit.
  public var counting: Counting
  /// The settings in their order.
  public var elements: [Element]

  /// Gathers the parts.
  public init(version: UInt16 = 1, counting: Counting = .entries, elements: [Element]) {
    self.version = version
    firstMark = 0
    secondMark = 0
    self.counting = counting
    self.elements = elements
  }

  /// Takes the payload of an NVUP image apart; nil unless every element and every entry fills its
  /// place exactly under one of the countings.
  public init?(_ payload: SharedBytes) {
    for counting in Counting.allCases {
      guard let read = Self.read(payload, counting) else { continue }
      self = read
      return
    }
    return nil
  }

  private static func read(_ payload: SharedBytes, _ counting: Counting) -> NVUpdate? {
    var reader = ByteReader(payload)
    guard let version = reader.little(UInt16.self), let count = reader.little(UInt16.self),
      let first = reader.little(UInt16.self), let second = reader.little(UInt32.self)
    else { return nil }
    var update = NVUpdate(version: version, counting: counting, elements: [])
    update.firstMark = first
    update.secondMark = second
    for _ in 0..<count {
      // Each round takes eight bytes at least, so a false count ends with the bytes.
      guard let length = reader.little(UInt32.self), let kind = reader.little(UInt16.self),
        let mark = reader.little(UInt16.self)
      else { return nil }
      let size = Int(length) - (8 - counting.rawValue)
      guard size >= 0, let body = reader.take(size), let entries = entries(body) else { return nil }
      update.elements.append(Element(kind: kind, mark: mark, entries: entries))
    }
    return reader.left == 0 ? update : nil
  }

  private static func entries(_ body: SharedBytes) -> [Entry]? {
    var reader = ByteReader(body)
    var found: [Entry] = []
    while reader.left > 0 {
      guard let type = reader.little(UInt16.self), let length = reader.little(UInt32.self),
        let data = reader.take(Int(length))
      else { return nil }
      switch type {
      case 1: found.append(.name(data))
      case 2: found.append(.value(data))
      default: found.append(.item(type, data))
      }
    }
    return found
  }

  /// The payload that reads as this: for tests and samples.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: version)
    bytes.append(little: UInt16(truncatingIfNeeded: elements.count))
    bytes.append(little: firstMark)
    bytes.append(little: secondMark)
    for element in elements {
      var body: [UInt8] = []
      for entry in element.entries { Self.append(entry, to: &body) }
      bytes.append(little: UInt32(truncatingIfNeeded: body.count + 8 - counting.rawValue))
      bytes.append(little: element.kind)
      bytes.append(little: element.mark)
      bytes += body
    }
    return bytes
  }

  private static func append(_ entry: Entry, to body: inout [UInt8]) {
    let (type, data): (UInt16, [UInt8]) =
      switch entry {
      case .name(let bytes): (1, bytes.bytes())
      case .value(let value): (2, value.bytes())
      case .item(let number, let value): (number, value.bytes())
      }
    body.append(little: type)
    body.append(little: UInt32(truncatingIfNeeded: data.count))
    body += data
  }
}

extension SierraNode {
  /// The settings in an NVUP image; nil for other images, compressed ones, and layouts that are
  /// not known.
  public var settings: NVUpdate? {
    guard type == "NVUP", children.isEmpty, !header.flags.contains(.compressed),
      !header.flags.contains(.encrypted)
    else { return nil }
    return NVUpdate(body)
  }
}
