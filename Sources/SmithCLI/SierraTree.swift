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

  var json: JSONValue {
    .object([
      "depth": .integer(depth), "type": .string(node.type),
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
