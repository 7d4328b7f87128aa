public import SmithBytes

/// One image of a Sierra file: a header, its body, and the images nested in the body.
public struct SierraNode: Sendable {
  /// Offset of the header in the file.
  public let offset: Int
  /// The header's fields.
  public let header: SierraHeader
  /// The body as it stands in the file (compressed if the header says so).
  public let body: SharedBytes
  /// Images nested in the body, back to back; empty if the body is payload.
  public internal(set) var children: [SierraNode] = []
  /// Headers of a META image: they describe what a difference makes, not what the file holds.
  public internal(set) var described: [SierraHeader] = []
  /// Whether the body's CRC was computed; an encrypted body cannot be checked.
  public internal(set) var isChecked = false
  /// What is wrong with this image itself, worst first; not of its children.
  public internal(set) var flaws: [SierraImageError] = []

  /// Type of the image as text.
  public var type: String { header.type.description }

  /// Calls `body` for this image and everything below it, outermost first.
  public func visit(_ body: (_ node: SierraNode, _ depth: Int) -> Void) {
    visit(depth: 0, body)
  }

  private func visit(depth: Int, _ body: (SierraNode, Int) -> Void) {
    body(self, depth)
    for child in children { child.visit(depth: depth + 1, body) }
  }
}

/// A `.cwe`, `.spk` or `.nvu` file of Sierra Wireless (Docs/Protocols/sierra-cwe.md).
public struct SierraImage: Sendable {
  /// What a file brings.
  public enum Kind: String, Sendable {
    /// Firmware only (`.cwe` of a package, or a single image).
    case firmware
    /// Carrier or OEM settings only (`.nvu`).
    case carrier
    /// Firmware and carrier settings together (`.spk`).
    case package
    /// A difference, useless without exactly the right base.
    case difference
    /// Something else: keys, file systems, tools.
    case other
  }

  /// Limits that no real file comes near.
  public struct Limits: Sendable {
    /// Largest body, also after inflating, in bytes.
    public var body = 256 << 20
    /// Deepest nesting.
    public var depth = 8
    /// Most images in one file.
    public var nodes = 4096
    /// The defaults.
    public init() {}
  }

  /// The whole file.
  public let bytes: SharedBytes
  /// The outermost image.
  public let root: SierraNode
  /// What the file brings.
  public let kind: Kind
  /// What the version texts say: the outermost header first, gaps filled from BOOT, APPL, MODM
  /// and NVUP paths below it.
  public let versions: SierraVersionText

  private init(bytes: SharedBytes, root: SierraNode) {
    self.bytes = bytes
    self.root = root
    kind = Self.kind(of: root)
    versions = Self.versions(of: root)
  }

  /// Reads a file and refuses everything that is wrong with it.
  ///
  /// - Throws: the first flaw, outermost image first (Docs/Protocols/sierra-cwe.md section 7).
  public static func read(
    _ bytes: SharedBytes, limits: Limits = Limits()
  ) throws(SierraImageError) -> SierraImage {
    let image = try examine(bytes, limits: limits)
    if let flaw = image.flaws.first { throw flaw }
    return image
  }

  /// Reads a file as far as it can be read; what is wrong stands at each image.
  ///
  /// - Throws: only if there is no outermost header or if nesting has no end.
  public static func examine(
    _ bytes: SharedBytes, limits: Limits = Limits()
  ) throws(SierraImageError) -> SierraImage {
    guard !bytes.isEmpty else { throw .empty }
    guard bytes.count >= SierraHeader.size else {
      throw .truncatedHeader(at: 0, have: bytes.count)
    }
    guard let header = SierraHeader(bytes) else { throw .notAnImage }
    var walker = SierraWalker(file: bytes, limits: limits)
    return SierraImage(bytes: bytes, root: try walker.root(header))
  }

  /// Everything that is wrong, outermost image first.
  public var flaws: [SierraImageError] {
    var found: [SierraImageError] = []
    root.visit { node, _ in found += node.flaws }
    if let family = versions.family, SierraGeneration.outOfScope.contains(family) {
      found.append(.wrongGeneration(family: family))
    }
    return found
  }

  /// Whether some image of that type stands anywhere in the file.
  public func contains(_ type: String) -> Bool { Self.types(of: root).contains(type) }

  private static func types(of root: SierraNode) -> Set<String> {
    var found = Set<String>()
    root.visit { node, _ in found.insert(node.type) }
    return found
  }

  private static func kind(of root: SierraNode) -> Kind {
    if root.header.flags.contains(.delta) { return .difference }
    let types = types(of: root)
    let firmware = !types.isDisjoint(
      with: ["APPL", "BOOT", "MODM", "AMSS", "APPS", "EXEC", "QCOM"])
    switch (firmware, types.contains("NVUP")) {
    case (true, true): return .package
    case (true, false): return .firmware
    case (false, true): return .carrier
    case (false, false): return .other
    }
  }

  private static func versions(of root: SierraNode) -> SierraVersionText {
    var merged = SierraVersionText(root.header.version)
    root.visit { node, depth in
      guard depth > 0, ["BOOT", "APPL", "MODM", "NVUP", "FILE"].contains(node.type) else { return }
      let text = SierraVersionText(node.header.version)
      merged.family = merged.family ?? text.family
      merged.firmware = merged.firmware ?? text.firmware
      merged.carrier = merged.carrier ?? text.carrier
      merged.configuration = merged.configuration ?? text.configuration
    }
    return merged
  }
}

/// Chip generations by the family token of Sierra's version texts.
public enum SierraGeneration {
  /// Families that are loaded over Sahara and Firehose, not over QDL.
  public static let outOfScope: Set<String> = [
    "SWI9X50C", "SWI9X06Y", "SWI9X07Y", "SWI9X65C", "SWIX55C", "SWIX65C",
  ]
}

/// Draws the tree; counts what it has done so that hostile nesting ends.
struct SierraWalker {
  let file: SharedBytes
  let limits: SierraImage.Limits
  private var nodes = 0

  init(file: SharedBytes, limits: SierraImage.Limits) {
    self.file = file
    self.limits = limits
  }

  mutating func root(_ header: SierraHeader) throws(SierraImageError) -> SierraNode {
    let type = header.type.description
    let declared = Int(header.bodySize)
    let have = file.count - SierraHeader.size
    var wrong: [SierraImageError] = []
    if declared > limits.body {
      wrong.append(.tooBig(at: 0, type: type, declared: declared, limit: limits.body))
    } else if declared > have {
      wrong.append(.truncatedBody(at: 0, type: type, declared: declared, have: have))
    } else if declared > 0, declared < have {
      wrong.append(.trailingGarbage(count: have - declared))
    }
    let isWhole = declared <= have && declared <= limits.body
    return try node(
      header, at: 0, size: min(declared, have), flaws: wrong, isWhole: isWhole, depth: 0)
  }

  private mutating func node(
    _ header: SierraHeader, at offset: Int, size: Int, flaws: [SierraImageError], isWhole: Bool,
    depth: Int
  ) throws(SierraImageError) -> SierraNode {
    nodes += 1
    guard nodes <= limits.nodes, depth <= limits.depth else { throw .tooComplex(at: offset) }
    let start = offset + SierraHeader.size
    let body = file.slice(start..<(start + size)) ?? SharedBytes([])
    var node = SierraNode(offset: offset, header: header, body: body)
    node.flaws = flaws + headerFlaws(header, at: offset)
    if isWhole, size > 0 { checkBody(&node) }
    guard !header.flags.contains(.compressed), !header.flags.contains(.encrypted) else {
      return node
    }
    if node.type == "META" {
      describe(&node)
    } else {
      try walkChildren(&node, depth: depth)
    }
    return node
  }

  private func headerFlaws(_ header: SierraHeader, at offset: Int) -> [SierraImageError] {
    let type = header.type.description
    var found: [SierraImageError] = []
    if !header.psbIsGood {
      found.append(
        .psbCRC(
          at: offset, type: type, stored: header.psbCRC, computed: CRC32Sierra.of(header.psb)))
    }
    if header.revision < 3 {
      found.append(.oldHeader(at: offset, type: type, revision: header.revision))
    } else if header.revision > 3 {
      found.append(.newHeader(at: offset, type: type, revision: header.revision))
    }
    if header.bodySize == 0 { found.append(.zeroSize(at: offset, type: type)) }
    if !header.type.isKnownType { found.append(.unknownType(at: offset, type: type)) }
    if type == "APPL", header.signature != 1 {
      found.append(.applSignature(at: offset, signature: header.signature))
    }
    if header.versionHasJunk { found.append(.junkAfterVersion(at: offset, type: type)) }
    return found
  }

  private func checkBody(_ node: inout SierraNode) {
    let header = node.header
    if header.flags.contains(.encrypted) { return }
    let computed: UInt32
    if header.flags.contains(.compressed) {
      switch SierraInflate.crc(of: node.body, limit: limits.body) {
      case .crc(let value): computed = value
      case .damaged:
        node.flaws.append(.badCompression(at: node.offset, type: node.type))
        return
      case .tooBig:
        node.flaws.append(
          .inflatesTooBig(at: node.offset, type: node.type, limit: limits.body))
        return
      }
    } else {
      computed = CRC32Sierra.of(node.body)
    }
    node.isChecked = true
    if computed != header.bodyCRC {
      node.flaws.append(
        .imageCRC(
          at: node.offset, type: node.type, stored: header.bodyCRC, computed: computed))
    }
  }

  private mutating func describe(_ node: inout SierraNode) {
    var position = 0
    while position < node.body.count, node.described.count < 64,
      let cut = node.body.slice(position..<min(node.body.count, position + SierraHeader.size)),
      let header = SierraHeader(cut), header.psbIsGood
    {
      node.described.append(header)
      position += SierraHeader.size
    }
    if position > 0, position < node.body.count {
      node.flaws.append(garbage(in: node, from: position))
    }
  }

  private mutating func walkChildren(
    _ node: inout SierraNode, depth: Int
  ) throws(SierraImageError) {
    var position = 0
    let start = node.offset + SierraHeader.size
    while position < node.body.count {
      guard let cut = node.body.slice(position..<node.body.count),
        let header = SierraHeader(cut), looksLikeHeader(header)
      else { break }
      let room = cut.count - SierraHeader.size
      let declared = Int(header.bodySize)
      let fits = declared <= room
      let type = header.type.description
      let flaws: [SierraImageError] =
        fits
        ? []
        : [.childOutOfBounds(at: start + position, type: type, declared: declared, room: room)]
      let child = try self.node(
        header, at: start + position, size: min(declared, room), flaws: flaws, isWhole: fits,
        depth: depth + 1)
      node.children.append(child)
      position += SierraHeader.size + min(declared, room)
    }
    if position > 0, position < node.body.count {
      node.flaws.append(garbage(in: node, from: position))
    }
  }

  private func garbage(in node: SierraNode, from position: Int) -> SierraImageError {
    .childGarbage(
      at: node.offset + SierraHeader.size + position, parent: node.type,
      count: node.body.count - position)
  }

  /// A body starts with a header if either the type is one we know, so that a damaged CRC is
  /// reported instead of hidden, or the CRC is right, so that an unknown type is.
  private func looksLikeHeader(_ header: SierraHeader) -> Bool {
    (1...3).contains(header.revision) && (header.type.isKnownType || header.psbIsGood)
  }
}
