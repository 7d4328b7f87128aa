import SmithBytes

/// Builds Sierra images: for tests, and to cut one image of a package into a file of its own.
///
/// Sizes and CRCs are set on the way; everything else is taken from the header as it is
/// (Docs/Protocols/sierra-cwe.md sections 1 and 2).
public indirect enum SierraBuilder: Sendable {
  /// An image with payload.
  case payload(SierraHeader, [UInt8])
  /// An image that contains others.
  case composite(SierraHeader, [SierraBuilder])
  /// An image whose body is compressed already; the CRC is that of the inflated content.
  case compressed(SierraHeader, stream: [UInt8], contentCRC: UInt32)

  /// The bytes of the file.
  public var bytes: [UInt8] {
    switch self {
    case .payload(let header, let body):
      Self.join(header, body, crc: CRC32Sierra.of(body))
    case .composite(let header, let children):
      Self.composite(header, children)
    case .compressed(let header, let stream, let crc):
      Self.join(header, stream, crc: crc, flags: .compressed)
    }
  }

  private static func composite(_ header: SierraHeader, _ children: [SierraBuilder]) -> [UInt8] {
    var body: [UInt8] = []
    for child in children { body += child.bytes }
    return join(header, body, crc: CRC32Sierra.of(body))
  }

  private static func join(
    _ header: SierraHeader, _ body: [UInt8], crc: UInt32, flags: SierraFlags = []
  ) -> [UInt8] {
    var header = header
    header.flags.formUnion(flags)
    header.bodySize = UInt32(truncatingIfNeeded: body.count)
    header.bodyCRC = crc
    return header.encoded + body
  }
}
