public import SmithBytes

/// Reads Huawei's firmware packages for Balong sticks (balong-image.md).
public enum BalongImage {
  /// Bytes in front of the first header.
  public static let prefixSize = 0x5c

  /// Reads a package, bare or carved out of a program, and verifies all of it: every header
  /// CRC, every block CRC, every packed stream to its end.
  ///
  /// - Parameters:
  ///   - file: the whole file, mapped; nothing of it is copied.
  ///   - limits: bounds for hostile files.
  /// - Throws: ``ImageError``; a damaged package is never returned as a shorter one.
  public static func read(
    _ file: SharedBytes, limits: ImageLimits = .standard
  ) throws(ImageError) -> FirmwareImage {
    try ImageRegistry.refuseForeign(file)
    let first = try BalongFinder(file: file).firstHeader()
    var chain = BalongChain(file: file, first: first, limits: limits)
    let headers = try chain.walk()
    var check = BalongItemCheck(file: file, limits: limits)
    var segments: [Segment] = []
    for (index, header) in headers.enumerated() {
      segments.append(try check.segment(header, index: index))
    }
    let kindByte = file.bytes((first - prefixSize)..<first).first ?? 0
    var image = FirmwareImage(
      format: .balong, origin: (first - prefixSize)..<(headers.last?.dataEnd ?? first),
      kinds: kinds(of: kindByte), segments: segments, warnings: chain.warnings)
    finish(&image, signature: check.signature, signedBit: kindByte & 8 != 0, kind: kindByte)
    return image
  }

  /// What the low three bits of the kind byte say (balong-image.md section 2).
  static func kinds(of byte: UInt8) -> Set<ImageKind> {
    var kinds: Set<ImageKind> = []
    if byte & 1 != 0 { kinds.insert(.firmware) }
    if byte & 2 != 0 { kinds.insert(.dashboard) }
    if byte & 4 != 0 { kinds.insert(.webInterface) }
    return kinds
  }

  /// The kind byte of a set of kinds, without the signed bit.
  static func kindByte(of kinds: Set<ImageKind>) -> UInt8 {
    (kinds.contains(.firmware) ? 1 : 0) | (kinds.contains(.dashboard) ? 2 : 0)
      | (kinds.contains(.webInterface) ? 4 : 0)
  }

  /// Adds signature, claims and the warnings that need the whole image.
  static func finish(
    _ image: inout FirmwareImage, signature: BalongSignature?, signedBit: Bool?, kind: UInt8
  ) {
    if let signature {
      image.signature = ImageSignature(
        type: kind & 7, blockSize: signature.size, keyHash: signature.keyHash,
        segment: signature.segment)
    }
    image.claims = claims(of: image, signedBit: signedBit ?? false)
    if let signedBit, signedBit != (signature != nil) {
      image.warnings.append(signedBit ? .signedWithoutBlock : .blockWithoutSignedBit)
    }
    let found = Set(image.segments.compactMap { BalongItems.kind(of: $0.id) })
    for kind in ImageKind.allCases where image.kinds.contains(kind) && !found.contains(kind) {
      image.warnings.append(.kindWithoutItem(kind))
    }
    if image.claims.products.count > 1 {
      image.warnings.append(.productsDiffer(image.claims.products))
    }
    let versions = firmwareVersions(of: image.segments)
    let different = versions.reduce(into: [String]()) { list, version in
      if !list.contains(version) { list.append(version) }
    }
    if different.count > 1 { image.warnings.append(.versionsDiffer(different)) }
  }
}
