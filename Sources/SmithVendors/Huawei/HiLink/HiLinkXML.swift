/// The small part of XML that HiLink pages use: elements with text
/// (Docs/Protocols/huawei-hilink.md section 1). Everything is bounded.
public struct HiLinkXML: Equatable, Sendable {
  /// Name as written.
  public var name: String
  /// All text directly inside, entities resolved, blanks at both ends taken off.
  public var text: String
  /// Elements directly inside, in order.
  public var children: [HiLinkXML]

  /// Gathers the parts.
  public init(name: String, text: String = "", children: [HiLinkXML] = []) {
    self.name = name
    self.text = text
    self.children = children
  }

  static let longest = 65_536
  static let mostElements = 2000
  static let deepest = 16

  /// The first child of that name.
  public func child(_ name: String) -> HiLinkXML? { children.first { $0.name == name } }

  /// Text of the first child of that name; nil if there is none or it is empty.
  public subscript(name: String) -> String? {
    guard let text = child(name)?.text, !text.isEmpty else { return nil }
    return text
  }

  /// Reads one document.
  ///
  /// - Throws: `.badAnswer` with the offset of what could not be read.
  public static func read(_ bytes: [UInt8]) throws(HiLinkError) -> HiLinkXML {
    guard bytes.count <= longest else { throw .badAnswer("longer than 64 KiB") }
    var scanner = Scanner(bytes: bytes)
    return try scanner.document()
  }

  /// Text made safe to stand between tags.
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

  private struct Open {
    var element: HiLinkXML
    var text: [UInt8] = []
  }

  private struct Scanner {
    let bytes: [UInt8]
    var at = 0
    var count = 0

    func error(_ what: String) -> HiLinkError { .badAnswer("\(what) at byte \(at)") }

    mutating func document() throws(HiLinkError) -> HiLinkXML {
      if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
      var open: [Open] = []
      var root: HiLinkXML?
      while at < bytes.count {
        guard bytes[at] == 0x3c else {
          try text(&open)
          continue
        }
        at += 1
        if takes("!--") {
          try skip(past: "-->")
        } else if takes("?") {
          try skip(past: "?>")
        } else if takes("![CDATA[") {
          let start = at
          try skip(past: "]]>")
          guard !open.isEmpty else { throw error("text outside of everything") }
          open[open.count - 1].text += bytes[start..<(at - 3)]
        } else if takes("!") {
          throw error("a definition, which no page needs,")
        } else if takes("/") {
          let done = try close(&open)
          if open.isEmpty {
            root = done
          } else {
            open[open.count - 1].element.children.append(done)
          }
        } else {
          guard root == nil else { throw error("a second document") }
          let (name, closed) = try tag()
          count += 1
          guard count <= HiLinkXML.mostElements, open.count < HiLinkXML.deepest else {
            throw error("too many elements")
          }
          if !closed {
            open.append(Open(element: HiLinkXML(name: name)))
          } else if open.isEmpty {
            root = HiLinkXML(name: name)
          } else {
            open[open.count - 1].element.children.append(HiLinkXML(name: name))
          }
        }
      }
      guard open.isEmpty else { throw error("<\(open[0].element.name)> is never closed; the end") }
      guard let root else { throw error("no element") }
      return root
    }

    /// Text up to the next tag; outside of everything only blanks may stand.
    mutating func text(_ open: inout [Open]) throws(HiLinkError) {
      let start = at
      while at < bytes.count, bytes[at] != 0x3c { at += 1 }
      let raw = bytes[start..<at]
      guard !open.isEmpty else {
        // Some pages pad with zeros behind the end.
        if raw.allSatisfy({ $0 <= 0x20 }) { return }
        at = start
        throw error("text where an element should be")
      }
      open[open.count - 1].text += try plain(raw)
    }

    mutating func close(_ open: inout [Open]) throws(HiLinkError) -> HiLinkXML {
      let name = try name()
      blanks()
      guard takes(">"), var last = open.popLast(), last.element.name == name else {
        throw error("</\(name)> closes nothing")
      }
      last.element.text = TextFields.trim(String(decoding: last.text, as: UTF8.self))
      return last.element
    }

    /// A tag behind its `<`; attributes are passed over.
    mutating func tag() throws(HiLinkError) -> (name: String, closed: Bool) {
      let name = try name()
      while true {
        blanks()
        if takes("/>") { return (name, true) }
        if takes(">") { return (name, false) }
        _ = try self.name()
        blanks()
        guard takes("=") else { throw error("an attribute without value") }
        blanks()
        guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else {
          throw error("no quotation mark")
        }
        let quote = bytes[at]
        at += 1
        while at < bytes.count, bytes[at] != quote, bytes[at] != 0x3c { at += 1 }
        guard at < bytes.count, bytes[at] == quote else { throw error("a value without end") }
        at += 1
      }
    }

    mutating func blanks() {
      while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }

    mutating func takes(_ text: StaticString) -> Bool {
      let wanted = Array("\(text)".utf8)
      guard bytes[at...].starts(with: wanted) else { return false }
      at += wanted.count
      return true
    }

    mutating func skip(past text: StaticString) throws(HiLinkError) {
      while at < bytes.count {
        if takes(text) { return }
        at += 1
      }
      throw error("something without end")
    }

    mutating func name() throws(HiLinkError) -> String {
      let start = at
      while at < bytes.count, Self.isNameByte(bytes[at]), at - start < 128 { at += 1 }
      guard at > start else { throw error("no name") }
      return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2d, 0x2e, 0x3a: true
      default: false
      }
    }

    func plain(_ raw: ArraySlice<UInt8>) throws(HiLinkError) -> [UInt8] {
      var output: [UInt8] = []
      var rest = raw
      while let byte = rest.popFirst() {
        guard byte == 0x26 else {
          output.append(byte)
          continue
        }
        // A lone ampersand in an operator's name is a habit of some pages.
        guard let end = rest.prefix(10).firstIndex(of: 0x3b) else {
          output.append(byte)
          continue
        }
        let name = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
        guard let scalar = Self.entity(name) else { throw error("an unknown entity") }
        output += Array(String(Character(scalar)).utf8)
        rest = rest[(end + 1)...]
      }
      return output
    }

    static func entity(_ name: String) -> Unicode.Scalar? {
      switch name {
      case "amp": return "&"
      case "lt": return "<"
      case "gt": return ">"
      case "quot": return "\""
      case "apos": return "'"
      default:
        guard name.hasPrefix("#") else { return nil }
        let digits = name.dropFirst()
        let value = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return value.flatMap { $0 == 0 ? nil : Unicode.Scalar($0) }
      }
    }
  }
}
