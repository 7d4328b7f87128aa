/// A JSON value of a page; depth and number of values are bounded (Docs/Protocols/zte-web.md
/// section 1).
public enum PageValue: Equatable, Sendable {
  /// A text.
  case text(String)
  /// A number as it was written.
  case number(String)
  /// `true` or `false`.
  case bool(Bool)
  /// `null`.
  case null
  /// A list.
  case list([PageValue])
  /// Members; the first of a name counts.
  case object([String: PageValue])

  /// Reads one value and nothing behind it; nil for anything that is no JSON.
  public init?(_ bytes: [UInt8]) {
    var reader = Reader(bytes)
    guard let value = reader.document() else { return nil }
    self = value
  }

  /// A member of an object.
  public subscript(name: String) -> PageValue? {
    if case .object(let members) = self { return members[name] }
    return nil
  }

  /// A member whose name has these letters, whatever their case and the bars between them: where
  /// no source says how a firmware spells it.
  public subscript(spelled name: String) -> PageValue? {
    if let exact = self[name] { return exact }
    guard case .object(let members) = self else { return nil }
    let wanted = Self.letters(name)
    return members.keys.sorted().first { Self.letters($0) == wanted }.flatMap { members[$0] }
  }

  private static func letters(_ name: String) -> [UInt8] {
    name.utf8.filter { $0 != 0x5f }.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
  }

  /// The text, or the number as text.
  public var string: String? {
    switch self {
    case .text(let text): text
    case .number(let text): text
    case .bool, .null, .list, .object: nil
    }
  }

  /// The number, written as number or as text.
  public var int: Int? { string.flatMap { Int($0) } }

  /// The elements of a list; empty for everything else.
  public var elements: [PageValue] {
    if case .list(let elements) = self { return elements }
    return []
  }

  /// Whether it is an object.
  public var isObject: Bool {
    if case .object = self { return true }
    return false
  }

  private struct Reader {
    private let bytes: [UInt8]
    private var at = 0
    /// More values than any page of a stick has.
    private var budget = 20_000
    private static let deepest = 32

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
    }

    mutating func document() -> PageValue? {
      guard let value = value(0) else { return nil }
      skipBlanks()
      return at == bytes.count ? value : nil
    }

    private mutating func value(_ depth: Int) -> PageValue? {
      skipBlanks()
      budget -= 1
      guard depth <= Self.deepest, budget > 0, at < bytes.count else { return nil }
      switch bytes[at] {
      case 0x7b: return object(depth)
      case 0x5b: return list(depth)
      case 0x22: return text().map { .text($0) }
      case 0x74: return word("true") ? .bool(true) : nil
      case 0x66: return word("false") ? .bool(false) : nil
      case 0x6e: return word("null") ? .null : nil
      default: return number()
      }
    }

    private mutating func object(_ depth: Int) -> PageValue? {
      at += 1
      var members: [String: PageValue] = [:]
      if take(0x7d) { return .object(members) }
      repeat {
        skipBlanks()
        guard at < bytes.count, bytes[at] == 0x22, let name = text(), take(0x3a),
          let value = value(depth + 1)
        else { return nil }
        if members[name] == nil { members[name] = value }
      } while take(0x2c)
      return take(0x7d) ? .object(members) : nil
    }

    private mutating func list(_ depth: Int) -> PageValue? {
      at += 1
      var elements: [PageValue] = []
      if take(0x5d) { return .list(elements) }
      repeat {
        guard let value = value(depth + 1) else { return nil }
        elements.append(value)
      } while take(0x2c)
      return take(0x5d) ? .list(elements) : nil
    }

    private mutating func text() -> String? {
      at += 1
      var units: [UInt8] = []
      while at < bytes.count {
        let byte = bytes[at]
        at += 1
        switch byte {
        case 0x22: return String(validating: units, as: UTF8.self)
        case 0x5c: guard escape(&units) else { return nil }
        case 0x00...0x1f: return nil
        default: units.append(byte)
        }
      }
      return nil
    }

    private mutating func escape(_ units: inout [UInt8]) -> Bool {
      guard at < bytes.count else { return false }
      let byte = bytes[at]
      at += 1
      switch byte {
      case 0x22, 0x5c, 0x2f: units.append(byte)
      case 0x62: units.append(0x08)
      case 0x66: units.append(0x0c)
      case 0x6e: units.append(0x0a)
      case 0x72: units.append(0x0d)
      case 0x74: units.append(0x09)
      case 0x75:
        guard var code = four() else { return false }
        if (0xd800...0xdbff).contains(code) {
          guard word("\\u"), let low = four(), (0xdc00...0xdfff).contains(low) else {
            return false
          }
          code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { return false }
        units += Array(String(scalar).utf8)
      default: return false
      }
      return true
    }

    private mutating func four() -> UInt32? {
      guard bytes.count - at >= 4 else { return nil }
      let digits = bytes[at..<(at + 4)]
      at += 4
      guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
      return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    private mutating func number() -> PageValue? {
      let start = at
      while at < bytes.count, at - start < 40,
        [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains(bytes[at]) || (0x30...0x39).contains(bytes[at])
      {
        at += 1
      }
      let text = String(decoding: bytes[start..<at], as: UTF8.self)
      return Double(text) == nil ? nil : .number(text)
    }

    private mutating func word(_ text: String) -> Bool {
      guard bytes[at...].starts(with: text.utf8) else { return false }
      at += text.utf8.count
      return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
      skipBlanks()
      guard at < bytes.count, bytes[at] == byte else { return false }
      at += 1
      return true
    }

    private mutating func skipBlanks() {
      while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }
  }
}
