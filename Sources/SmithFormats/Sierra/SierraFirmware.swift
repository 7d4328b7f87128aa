import SmithBytes
import SmithModel

/// Everything about a Sierra file that decides for which stick it is: what remains of it in a
/// library or a catalogue (Docs/Protocols/sierra-identify.md section 5).
public struct SierraClaim: Hashable, Sendable, Codable {
  /// What it brings.
  public var kind: SierraImage.Kind
  /// Type of the outermost image, as in `SPKG`.
  public var type: String
  /// Product code of the outermost image.
  public var product: String
  /// What its version texts say.
  public var versions: SierraVersionText

  /// The claim of a file that was read.
  public init(_ image: SierraImage) {
    kind = image.kind
    type = image.root.type
    product = image.root.header.product.description
    versions = image.versions
  }

  /// Whether every text is short, as those of real files are.
  public var isBounded: Bool {
    let texts = [
      type, product, versions.sku, versions.part, versions.family, versions.firmware?.text,
      versions.carrier, versions.configuration,
    ]
    return texts.allSatisfy { ($0 ?? "").utf8.count <= 200 }
  }
}

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
        signed: ordered.contains { $0.root.header.flags.contains(.signed) },
        sierra: ordered.map(SierraClaim.init)))
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
