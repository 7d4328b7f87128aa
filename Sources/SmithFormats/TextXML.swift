/// A pull parser for the small part of XML that descriptions of firmware and of providers use:
/// elements, attributes, text, CDATA, comments, the declaration, and a document type without
/// definitions of its own. Nothing is fetched, no entity but the five of XML and numbers is known,
/// and everything is bounded.
public struct TextXML {
  /// One step through a document.
  public enum Event: Equatable, Sendable {
    /// An element opens.
    case open(String, [String: String])
    /// Text inside the innermost open element, entities replaced.
    case text(String)
    /// The innermost open element closes.
    case close(String)
  }

  /// What could not be read, and where.
  public struct Flaw: Error, Equatable, Sendable {
    /// Offset in bytes.
    public let offset: Int
    /// In words.
    public let reason: String
  }

  /// Bounds of one document.
  public struct Limits: Sendable {
    /// Bytes of the document.
    public var bytes = 4 << 20
    /// Elements in all.
    public var elements = 200_000
    /// Elements inside each other.
    public var depth = 32
    /// Attributes of one element.
    public var attributes = 64
    /// Bytes of one text, name or attribute.
    public var text = 65_536
    /// Whether a document type may stand in front, without definitions.
    public var documentType = true
    /// Whether `&` may stand alone and zeros behind the end, as some sticks' pages write them.
    public var isForgiving = false

    /// Four MiB and 200,000 elements.
    public init() {}
  }

  private let bytes: [UInt8]
  private let limits: Limits
  private var at = 0
  private var open: [String] = []
  private var count = 0
  private var pending: String?
  private var isOver = false

  /// Begins at the start of a document.
  ///
  /// - Throws: ``Flaw`` if it is too long.
  public init(_ bytes: [UInt8], limits: Limits = Limits()) throws(Flaw) {
    guard bytes.count <= limits.bytes else {
      throw Flaw(offset: limits.bytes, reason: "the document is too long")
    }
    self.bytes = bytes
    self.limits = limits
    _ = takes("\u{FEFF}")
  }

  /// The next step; nil at the end.
  ///
  /// - Throws: ``Flaw``; do not go on after one.
  public mutating func next() throws(Flaw) -> Event? {
    if let name = pending {
      pending = nil
      return .close(name)
    }
    while at < bytes.count {
      if bytes[at] != 0x3c {
        let text = try plainText()
        if open.isEmpty {
          guard text.allSatisfy({ $0.isWhitespace || (limits.isForgiving && $0 == "\0") }) else {
            throw flaw("text outside of elements")
          }
          continue
        }
        return .text(text)
      }
      if takes("<!--") {
        try skip(past: "-->")
      } else if takes("<?") {
        try skip(past: "?>")
      } else if takes("<![CDATA[") {
        guard !open.isEmpty else { throw flaw("text outside of elements") }
        let start = at
        try skip(past: "]]>")
        return .text(try text(start..<(at - 3)))
      } else if takes("<!DOCTYPE") {
        try documentType()
      } else if takes("</") {
        return try closing()
      } else {
        at += 1
        return try opening()
      }
    }
    guard open.isEmpty else { throw flaw("<\(open[0].prefix(40))> is never closed") }
    guard isOver else { throw flaw("there is no element") }
    return nil
  }

  // MARK: Pieces

  private mutating func opening() throws(Flaw) -> Event {
    guard !isOver || !open.isEmpty else { throw flaw("a second outermost element") }
    let name = try name()
    var attributes: [String: String] = [:]
    while true {
      blanks()
      if takes("/>") {
        pending = name
        break
      }
      if takes(">") {
        open.append(name)
        break
      }
      let key = try self.name()
      blanks()
      guard takes("=") else { throw flaw("an attribute without a value") }
      blanks()
      guard let quote = at < bytes.count ? bytes[at] : nil, quote == 0x22 || quote == 0x27 else {
        throw flaw("a value without quotes")
      }
      at += 1
      let start = at
      while at < bytes.count, bytes[at] != quote {
        guard bytes[at] != 0x3c else { throw flaw("< in a value") }
        at += 1
      }
      guard at < bytes.count else { throw flaw("a value without an end") }
      let value = try resolved(start..<at)
      at += 1
      guard attributes.updateValue(value, forKey: key) == nil else {
        throw flaw("the attribute \(key.prefix(40)) twice")
      }
      guard attributes.count <= limits.attributes else { throw flaw("too many attributes") }
    }
    count += 1
    guard count <= limits.elements, open.count <= limits.depth else {
      throw flaw("too many elements")
    }
    isOver = true
    return .open(name, attributes)
  }

  private mutating func closing() throws(Flaw) -> Event {
    let name = try name()
    blanks()
    guard takes(">"), open.last == name else {
      throw flaw("</\(name.prefix(40))> closes nothing")
    }
    open.removeLast()
    return .close(name)
  }

  /// A document type that only names an outside file, which is not fetched.
  private mutating func documentType() throws(Flaw) {
    guard limits.documentType else { throw flaw("a document type, which no page needs") }
    guard !isOver else { throw flaw("a document type in the wrong place") }
    while at < bytes.count {
      let byte = bytes[at]
      // Definitions of one's own are where entity bombs live.
      if byte == 0x5b { throw flaw("a document type with definitions") }
      at += 1
      if byte == 0x3e { return }
      if byte == 0x22 || byte == 0x27 {
        while at < bytes.count, bytes[at] != byte { at += 1 }
        at += 1
      }
    }
    throw flaw("a document type without an end")
  }

  private mutating func plainText() throws(Flaw) -> String {
    let start = at
    while at < bytes.count, bytes[at] != 0x3c { at += 1 }
    return try resolved(start..<at)
  }

  private mutating func name() throws(Flaw) -> String {
    let start = at
    while at < bytes.count {
      switch bytes[at] {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x3a, 0x5f, 0x80...0xff: at += 1
      default:
        guard at > start, at - start <= 256 else { throw flaw("no name") }
        return try text(start..<at)
      }
    }
    throw flaw("a name without an end")
  }

  private func text(_ range: Range<Int>) throws(Flaw) -> String {
    guard range.count <= limits.text else { throw flaw("a text is too long") }
    return String(decoding: bytes[range], as: UTF8.self)
  }

  /// Text with its entities replaced.
  private func resolved(_ range: Range<Int>) throws(Flaw) -> String {
    let raw = try text(range)
    guard raw.utf8.contains(0x26) else { return raw }
    var output = ""
    var rest = Substring(raw)
    while let mark = rest.firstIndex(of: "&") {
      output += rest[..<mark]
      let tail = rest[rest.index(after: mark)...]
      let end = tail.prefix(12).firstIndex(of: ";")
      if end == nil, limits.isForgiving {
        output.append("&")
        rest = tail
        continue
      }
      guard let end, let scalar = Self.entity(tail[..<end]) else {
        throw flaw("an entity that is not known")
      }
      output.unicodeScalars.append(scalar)
      rest = tail[tail.index(after: end)...]
    }
    return output + rest
  }

  private static func entity(_ name: Substring) -> Unicode.Scalar? {
    switch name {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard name.hasPrefix("#") else { return nil }
      let digits = name.dropFirst()
      let value =
        digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      return value.flatMap { $0 == 0 ? nil : Unicode.Scalar($0) }
    }
  }

  private mutating func blanks() {
    while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
  }

  private mutating func takes(_ word: String) -> Bool {
    let wanted = word.utf8
    guard bytes.count - at >= wanted.count, zip(bytes[at...], wanted).allSatisfy({ $0 == $1 })
    else { return false }
    at += wanted.count
    return true
  }

  private mutating func skip(past word: String) throws(Flaw) {
    while at < bytes.count {
      if takes(word) { return }
      at += 1
    }
    throw flaw("\(word) is missing")
  }

  private func flaw(_ reason: String) -> Flaw {
    Flaw(offset: min(at, bytes.count), reason: reason)
  }
}

// MARK: - Documents of attributes

extension TextXML {
  /// One element of a document that keeps everything in attributes.
  public struct Element: Equatable, Sendable {
    /// Name as written.
    public var name: String
    /// Attributes by name.
    public var attributes: [String: String]
    /// 0 for the outermost.
    public var depth: Int

    /// Gathers the parts.
    public init(name: String, attributes: [String: String], depth: Int) {
      self.name = name
      self.attributes = attributes
      self.depth = depth
    }
  }

  /// Bounds for rawprogram files and Firehose answers (Docs/Protocols/rawprogram.md section 1).
  public static var attributeLimits: Limits {
    var limits = Limits()
    limits.elements = 20_000
    limits.depth = 16
    limits.text = 4096
    return limits
  }

  /// All elements in the order in which they open; a zero byte ends the document, and between
  /// elements only blanks may stand.
  ///
  /// - Throws: ``Flaw``.
  public static func elements(of bytes: [UInt8], limits: Limits = attributeLimits) throws(Flaw)
    -> [Element]
  {
    var xml = try TextXML([UInt8](bytes.prefix { $0 != 0 }), limits: limits)
    var elements: [Element] = []
    var depth = 0
    while let event = try xml.next() {
      switch event {
      case .open(let name, let attributes):
        elements.append(Element(name: name, attributes: attributes, depth: depth))
        depth += 1
      case .close: depth -= 1
      case .text(let text):
        guard text.allSatisfy(\.isWhitespace) else {
          throw xml.flaw("text where an element should be")
        }
      }
    }
    return elements
  }

  /// Text made safe to stand in an attribute or between tags.
  public static func escaped(_ text: String) -> String {
    var output = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": output += "&amp;"
      case "<": output += "&lt;"
      case ">": output += "&gt;"
      case "\"": output += "&quot;"
      case "'": output += "&apos;"
      default: output.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
      }
    }
    return output
  }
}
