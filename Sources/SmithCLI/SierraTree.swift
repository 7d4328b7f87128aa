import SmithBytes
import SmithFormats
import SmithModel

/// One image of a Sierra file as it is shown.
struct ShownSierraNode {
  let node: SierraNode
  let depth: Int

  private var flaw: String? { node.flaws.first.map { $0.trouble.summary } }

  /// One line, indented by its depth.
  var line: String {
    let header = node.header
    let version = header.version.isEmpty ? "" : "  \(header.version)"
    let state = flaw.map { "  ! \($0)" } ?? "  ok"
    return String(repeating: "  ", count: depth)
      + "\(node.type) \(header.product)  \(ProgressText.size(Int(header.bodySize)))\(version)\(state)"
  }

  /// What stands inside the settings of a carrier, one line for each; empty for other images.
  var settingLines: [String] {
    guard node.type == "NVUP" else { return [] }
    let indent = String(repeating: "  ", count: depth + 1)
    guard let settings = node.settings else {
      return ["\(indent)(its settings are laid out in a way that is not known)"]
    }
    let shown = settings.elements.prefix(Self.most).map { element in
      let size = element.content.map { "\($0.count) bytes" } ?? "nothing"
      return "\(indent)\(element.word) \(element.title)  \(size)  \(Self.sample(element))"
    }
    let rest = settings.elements.count - shown.count
    return ["\(indent)layout \(settings.version), \(settings.elements.count) settings"] + shown
      + (rest > 0 ? ["\(indent)and \(rest) more"] : [])
  }

  /// The most settings that are drawn; `--json` has them all.
  private static var most: Int { 200 }

  /// The first bytes of a content, as text where they are text.
  private static func sample(_ element: NVUpdate.Element) -> String {
    let bytes = element.content?.bytes() ?? []
    let head = Array(bytes.prefix(12))
    let isText = !head.isEmpty && head.allSatisfy { (0x20...0x7e).contains($0) }
    let text = isText ? "\"\(String(decoding: head, as: UTF8.self))\"" : head.hex
    return text + (bytes.count > head.count ? " ..." : "")
  }

  private var settings: JSONValue {
    guard let settings = node.settings else { return .null }
    return .array(
      settings.elements.map { element in
        .object([
          "kind": .integer(Int(element.kind)), "name": .string(element.title),
          "bytes": .integer(element.content?.count ?? 0),
          "value": .text(element.content?.bytes().hex),
        ])
      })
  }

  var json: JSONValue {
    .object([
      "settings": settings, "depth": .integer(depth), "type": .string(node.type),
      "product": .string(node.header.product.description), "offset": .integer(node.offset),
      "bytes": .integer(Int(node.header.bodySize)), "version": .string(node.header.version),
      "date": .string(node.header.date), "flaw": .text(flaw),
    ])
  }
}

extension SierraImage {
  /// The tree from the outside in.
  var shownNodes: [ShownSierraNode] {
    var nodes: [ShownSierraNode] = []
    root.visit { node, depth in nodes.append(ShownSierraNode(node: node, depth: depth)) }
    return nodes
  }
}
