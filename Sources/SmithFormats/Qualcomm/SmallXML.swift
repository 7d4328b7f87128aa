public import SmithBytes

/// The small part of XML that rawprogram files and Firehose answers use: elements with
/// attributes, comments and the declaration; no text, no definitions, no own entities
/// (Docs/Protocols/rawprogram.md section 1). Everything is bounded.
public enum SmallXML {
  /// One element, in the order in which it opens.
  public struct Element: Equatable, Sendable {
    /// Name as written.
    public var name: String
    /// Attributes; a name that comes twice is refused.
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

  static let longest = 4 << 20
  static let mostElements = 20_000
  static let mostAttributes = 64
  static let deepest = 16

  /// All elements of a document.
  ///
  /// - Throws: `.badXML` with the offset of what could not be read.
  public static func elements(of bytes: SharedBytes) throws(QualcommImageError) -> [Element] {
    guard bytes.count <= longest else {
      throw .badXML(offset: longest, "longer than 4 MiB")
    }
    var scanner = Scanner(bytes: bytes.bytes())
    var elements: [Element] = []
    var open: [String] = []
    while try scanner.nextTag() {
      if scanner.takes("!--") {
        try scanner.skip(past: "-->")
      } else if scanner.takes("?") {
        try scanner.skip(past: "?>")
      } else if scanner.takes("/") {
        let name = try scanner.name()
        scanner.blanks()
        guard open.popLast() == name, scanner.takes(">") else {
          throw scanner.error("</\(name)> closes nothing")
        }
      } else {
        let (element, closed) = try scanner.element(depth: open.count)
        elements.append(element)
        if !closed { open.append(element.name) }
        guard elements.count <= mostElements, open.count <= deepest else {
          throw scanner.error("too many elements")
        }
      }
    }
    guard open.isEmpty else { throw scanner.error("<\(open[0])> is never closed") }
    return elements
  }

  /// Text made safe to stand in an attribute.
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

  private struct Scanner {
    let bytes: [UInt8]
    var at = 0

    func error(_ what: String) -> QualcommImageError { .badXML(offset: at, what) }

    /// Goes behind the next `<`; between elements only blanks may stand.
    mutating func nextTag() throws(QualcommImageError) -> Bool {
      if at == 0, bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
      blanks()
      guard at < bytes.count, bytes[at] != 0 else { return false }
      guard bytes[at] == 0x3c else { throw error("text where an element should be") }
      at += 1
      return true
    }

    mutating func blanks() {
      while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }

    mutating func takes(_ text: StaticString) -> Bool {
      let wanted = Array("\(text)".utf8)
      guard bytes.count - at >= wanted.count, bytes[at..<(at + wanted.count)].elementsEqual(wanted)
      else { return false }
      at += wanted.count
      return true
    }

    mutating func skip(past text: StaticString) throws(QualcommImageError) {
      while at < bytes.count {
        if takes(text) { return }
        at += 1
      }
      throw error("the file ends inside a comment")
    }

    mutating func name() throws(QualcommImageError) -> String {
      let start = at
      while at < bytes.count, Self.isNameByte(bytes[at]), at - start < 128 { at += 1 }
      guard at > start else { throw error("no name") }
      return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    mutating func element(depth: Int) throws(QualcommImageError) -> (Element, closed: Bool) {
      var element = Element(name: try name(), attributes: [:], depth: depth)
      while true {
        blanks()
        if takes("/>") { return (element, true) }
        if takes(">") { return (element, false) }
        let key = try name()
        blanks()
        guard takes("=") else { throw error("no value for \(key)") }
        blanks()
        let text = try value()
        guard element.attributes.updateValue(text, forKey: key) == nil,
          element.attributes.count <= SmallXML.mostAttributes
        else { throw error("\(key) comes twice, or there are too many attributes") }
      }
    }

    mutating func value() throws(QualcommImageError) -> String {
      guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else {
        throw error("no quotation mark")
      }
      let quote = bytes[at]
      at += 1
      let start = at
      while at < bytes.count, bytes[at] != quote {
        if bytes[at] == 0x3c || at - start > 4096 { throw error("a value without end") }
        at += 1
      }
      guard at < bytes.count else { throw error("a value without end") }
      defer { at += 1 }
      return try Self.plain(bytes[start..<at], else: error("an unknown entity"))
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2d, 0x2e, 0x3a: true
      default: false
      }
    }

    static func plain(_ raw: ArraySlice<UInt8>, else error: QualcommImageError)
      throws(QualcommImageError) -> String
    {
      let known: [String: UInt8] = [
        "amp": 0x26, "lt": 0x3c, "gt": 0x3e, "quot": 0x22, "apos": 0x27,
      ]
      var output: [UInt8] = []
      var rest = raw
      while let byte = rest.popFirst() {
        guard byte == 0x26 else {
          output.append(byte)
          continue
        }
        guard let end = rest.prefix(8).firstIndex(of: 0x3b),
          let value = known[String(decoding: rest[..<end], as: UTF8.self)]
        else { throw error }
        output.append(value)
        rest = rest[(end + 1)...]
      }
      return String(decoding: output, as: UTF8.self)
    }
  }
}
