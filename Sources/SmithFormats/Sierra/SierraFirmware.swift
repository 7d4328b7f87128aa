import SmithBytes
import SmithModel

extension FirmwareImage {
  /// Sierra Wireless files that are installed together, in the order in which they are sent: the
  /// larger first (Docs/Protocols/sierra-qdl.md section 6).
  public init(_ images: [SierraImage]) {
    let ordered = images.sorted { $0.bytes.count > $1.bytes.count }
    let segments = ordered.enumerated().map { index, image in
      Segment(
        index: index, id: UInt32(index), name: image.kind.words, size: image.bytes.count,
        version: image.root.header.version, compatibility: image.root.header.product.description,
        headerVersion: image.root.header.revision, date: image.root.header.date, offset: 0,
        stored: image.bytes)
    }
    var kinds: Set<ImageKind> = []
    for image in ordered {
      switch image.kind {
      case .firmware: kinds.insert(.firmware)
      case .carrier: kinds.insert(.carrierSettings)
      case .package: kinds.formUnion([.firmware, .carrierSettings])
      case .difference, .other: break
      }
    }
    let families = ordered.compactMap { $0.versions.family }
    let version = ordered.lazy.compactMap { image in
      image.kind == .carrier ? nil : image.versions.firmware
    }.first
    self.init(
      format: .sierraCWE, origin: 0..<(ordered.map(\.bytes.count).max() ?? 0), kinds: kinds,
      segments: segments,
      claims: ImageClaims(
        products: families.reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
        firmware: version, buildDate: ordered.first?.root.header.date,
        signed: ordered.contains { $0.root.header.flags.contains(.signed) }))
    sierra = ordered
  }
}

extension SierraImage.Kind {
  /// The kind as a plan names it.
  var words: String {
    switch self {
    case .firmware: "firmware"
    case .carrier: "carrier settings"
    case .package: "firmware and carrier settings"
    case .difference: "difference"
    case .other: "other"
    }
  }
}
