internal import SmithBytes
internal import SmithModel

extension BalongImage {
  /// What the items say, put together (balong-image.md section 5).
  static func claims(of image: FirmwareImage, signedBit: Bool) -> ImageClaims {
    var claims = ImageClaims()
    for segment in image.segments where !segment.compatibility.isEmpty {
      if !claims.products.contains(segment.compatibility) {
        claims.products.append(segment.compatibility)
      }
    }
    claims.firmware = mostFrequent(firmwareVersions(of: image.segments)).map(FirmwareVersion.init)
    claims.dashboard = version(of: .dashboard, in: image)
    claims.webInterface = version(of: .webInterface, in: image)
    if let first = image.segments.first, !(first.date + first.time).isEmpty {
      claims.buildDate = [first.date, first.time].filter { !$0.isEmpty }.joined(separator: " ")
    }
    claims.signed = signedBit || image.signature != nil
    return claims
  }

  /// Versions of the firmware items: those with at least four dotted groups, or else any.
  static func firmwareVersions(of segments: [Segment]) -> [String] {
    let texts = segments.filter { BalongItems.kind(of: $0.id) == .firmware }.map(\.version)
      .filter { !$0.isEmpty }
    let dotted = texts.filter { FirmwareVersion($0).groups.map { $0.count >= 4 } ?? false }
    return dotted.isEmpty ? Array(texts.prefix(1)) : dotted
  }

  /// The commonest text; of equally common ones the first.
  private static func mostFrequent(_ texts: [String]) -> String? {
    var counts: [String: Int] = [:]
    for text in texts { counts[text, default: 0] += 1 }
    guard let most = counts.values.max() else { return nil }
    return texts.first { counts[$0] == most }
  }

  /// Version of a dashboard or web item; in packages without firmware the version record
  /// stands in for an item that has none.
  private static func version(of kind: ImageKind, in image: FirmwareImage) -> FirmwareVersion? {
    let own = image.segments.filter { BalongItems.kind(of: $0.id) == kind }
    guard !own.isEmpty else { return nil }
    if let text = own.map(\.version).first(where: { !$0.isEmpty }) {
      return FirmwareVersion(text)
    }
    guard !image.kinds.contains(.firmware) else { return nil }
    let record = image.segments.first { BalongItems.isVersionRecord($0.id) }
    return record.flatMap { $0.version.isEmpty ? nil : FirmwareVersion($0.version) }
  }
}
