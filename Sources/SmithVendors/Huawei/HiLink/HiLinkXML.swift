import SmithFormats

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
    do throws(TextXML.Flaw) {
      return try tree(bytes)
    } catch {
      throw .badAnswer("\(error.reason) at byte \(error.offset)")
    }
  }

  private static let limits: TextXML.Limits = {
    var limits = TextXML.Limits()
    limits.bytes = longest
    limits.elements = mostElements
    limits.depth = deepest
    limits.documentType = false
    limits.isForgiving = true
    return limits
  }()

  private static func tree(_ bytes: [UInt8]) throws(TextXML.Flaw) -> HiLinkXML {
    var reader = try TextXML(bytes, limits: limits)
    var open: [HiLinkXML] = []
    var root = HiLinkXML(name: "")
    while let event = try reader.next() {
      switch event {
      case .open(let name, _): open.append(HiLinkXML(name: name))
      // The reader hands out text inside of elements alone.
      case .text(let text): open[open.count - 1].text += text
      case .close:
        var done = open.removeLast()
        done.text = TextFields.trim(done.text)
        if open.isEmpty { root = done } else { open[open.count - 1].children.append(done) }
      }
    }
    return root
  }
}
