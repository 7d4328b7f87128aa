public import SmithBytes

/// A four-letter code of a Sierra header: image type or product.
public struct SierraCode: Hashable, Sendable, CustomStringConvertible {
  /// The four bytes as they stand in the file.
  public let bytes: [UInt8]

  /// Takes exactly four printable characters; nil for anything else.
  public init?(_ text: String) {
    self.init(bytes: [UInt8](text.utf8))
  }

  /// Takes exactly four bytes of printable ASCII; nil for anything else.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 4, bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    self.bytes = bytes
  }

  /// The four letters.
  public var description: String { String(printable: bytes) }

  /// Types that some loader or tool knows (Docs/Protocols/sierra-cwe.md section 5).
  public static let knownTypes: Set<String> = Set(
    """
    QPAR SBL1 SBL2 DSP1 DSP2 DSP3 QRPM BOOT APPL OSBL AMSS APPS APBL NVBF NVBO NVBU EXEC SWOC
    FOTO FILE SPKG MODM SYST USER HDAT NVBC SPLA NVUP QMBA TZON QSDI ARCH UAPP LRAM
    CUS0 CUS1 CUS2 HASH META CUSG KEYS DCFG TAOP QCOM USBD
    """.split { $0 == " " || $0 == "\n" }.map(String.init))

  /// Whether this is a type that some loader or tool knows.
  public var isKnownType: Bool { Self.knownTypes.contains(description) }
}

/// Option bits of a Sierra header (Docs/Protocols/sierra-cwe.md section 1).
public struct SierraFlags: OptionSet, Hashable, Sendable {
  /// The byte at offset 0x17C.
  public let rawValue: UInt8
  /// Keeps any bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The body is a zlib stream; the image CRC is that of the inflated body.
  public static let compressed = SierraFlags(rawValue: 1)
  /// The body is encrypted; its CRC cannot be checked by us.
  public static let encrypted = SierraFlags(rawValue: 2)
  /// The body is signed.
  public static let signed = SierraFlags(rawValue: 4)
  /// The body is a difference to an older image.
  public static let delta = SierraFlags(rawValue: 8)
}

/// One package descriptor of the product-specific buffer (Docs/Protocols/sierra-cwe.md section 4).
public struct SierraDescriptor: Equatable, Sendable {
  /// 1 boot, 2 product (carrier), 3 generic (OEM), 8 to 16 differences; bit 80 means reverse.
  public var component: UInt8
  /// 1 extended, 2 reset.
  public var flags: UInt8
  /// Offset from the start of the file, in bytes.
  public var offset: Int
  /// Size in bytes.
  public var size: Int
  /// `FULL` for a complete component, otherwise the version that the difference starts from.
  public var source: String

  /// Gathers the parts.
  public init(component: UInt8, flags: UInt8, offset: Int, size: Int, source: String) {
    self.component = component
    self.flags = flags
    self.offset = offset
    self.size = size
    self.source = source
  }
}

/// The 400 bytes in front of every Sierra image (Docs/Protocols/sierra-cwe.md section 1).
public struct SierraHeader: Equatable, Sendable {
  /// Size of a header in bytes.
  public static let size = 400

  /// The product-specific buffer, 256 bytes.
  public var psb: [UInt8]
  /// CRC of the buffer as it stands in the header.
  public var psbCRC: UInt32
  /// Header revision; 3 in everything that is in use.
  public var revision: UInt32
  /// FFFFFFFF as shipped, ASCII `GOOD` once a loader has checked the image.
  public var indicator: UInt32
  /// What the image is.
  public var type: SierraCode
  /// What the image is for; opaque.
  public var product: SierraCode
  /// Bytes after the header.
  public var bodySize: UInt32
  /// CRC of the body (of the inflated body if it is compressed).
  public var bodyCRC: UInt32
  /// Version text, cut at its first zero, blanks taken off.
  public var version: String
  /// Whether anything but zeros follows the end of the version text.
  public var versionHasJunk: Bool
  /// Date as `MM/DD/YY`.
  public var date: String
  /// Compatibility number.
  public var compatibility: UInt32
  /// Option bits.
  public var flags: SierraFlags
  /// Required to be 1 in an APPL image.
  public var signature: UInt32

  /// A header of a whole image with revision 3, as a vendor ships it; sizes and CRCs are zero.
  public init(type: SierraCode, product: SierraCode, version: String, date: String) {
    psb = [UInt8](repeating: 0, count: 256)
    psbCRC = CRC32Sierra.of(psb)
    revision = 3
    indicator = 0xffff_ffff
    self.type = type
    self.product = product
    bodySize = 0
    bodyCRC = 0
    self.version = version
    versionHasJunk = false
    self.date = date
    compatibility = 1
    flags = []
    signature = 1
  }

  /// Reads a header at the start of `bytes`; nil if there are fewer than 400 bytes or if type or
  /// product are not printable. Nothing else is judged here.
  public init?(_ bytes: SharedBytes) {
    var reader = ByteReader(bytes)
    guard let psb = reader.take(256)?.bytes(), let psbCRC = reader.big(UInt32.self),
      let revision = reader.big(UInt32.self), let indicator = reader.big(UInt32.self),
      let type = reader.take(4).flatMap({ SierraCode(bytes: $0.bytes()) }),
      let product = reader.take(4).flatMap({ SierraCode(bytes: $0.bytes()) }),
      let bodySize = reader.big(UInt32.self), let bodyCRC = reader.big(UInt32.self),
      let version = reader.take(84)?.bytes(), let date = reader.text(8),
      let compatibility = reader.big(UInt32.self), let flags = reader.little(UInt8.self),
      reader.skip(15), let signature = reader.big(UInt32.self)
    else { return nil }
    self.psb = psb
    self.psbCRC = psbCRC
    self.revision = revision
    self.indicator = indicator
    self.type = type
    self.product = product
    self.bodySize = bodySize
    self.bodyCRC = bodyCRC
    self.version = String(printable: version)
    versionHasJunk = version.drop { $0 != 0 }.contains { $0 != 0 }
    self.date = date
    self.compatibility = compatibility
    self.flags = SierraFlags(rawValue: flags)
    self.signature = signature
  }

  /// The 400 bytes, exactly as the fields say (also if the fields are wrong).
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.size)
    bytes.append(contentsOf: psb.prefix(256))
    bytes.append(contentsOf: repeatElement(0, count: 256 - bytes.count))
    bytes.append(big: psbCRC)
    bytes.append(big: revision)
    bytes.append(big: indicator)
    bytes.append(contentsOf: type.bytes)
    bytes.append(contentsOf: product.bytes)
    bytes.append(big: bodySize)
    bytes.append(big: bodyCRC)
    bytes.append(text: version, width: 84)
    bytes.append(text: date, width: 8)
    bytes.append(big: compatibility)
    bytes.append(flags.rawValue)
    bytes.append(contentsOf: repeatElement(0, count: 15))
    bytes.append(big: signature)
    return bytes
  }

  /// Whether the CRC of the product-specific buffer is right.
  public var psbIsGood: Bool { CRC32Sierra.of(psb) == psbCRC }

  /// Package descriptors of the buffer, up to the first that is not in use.
  public var descriptors: [SierraDescriptor] {
    var reader = ByteReader(SharedBytes(psb))
    var found: [SierraDescriptor] = []
    while found.count < 8, let version = reader.little(UInt8.self), version == 1,
      let component = reader.little(UInt8.self), let flags = reader.little(UInt8.self),
      reader.skip(1), let offset = reader.big(UInt32.self), let size = reader.big(UInt32.self),
      let source = reader.text(16), reader.skip(4)
    {
      found.append(
        SierraDescriptor(
          component: component, flags: flags, offset: Int(offset), size: Int(size), source: source)
      )
    }
    return found
  }

  /// Writes descriptors (eight at most) into the buffer and sets its CRC.
  public mutating func describe(_ descriptors: [SierraDescriptor]) {
    var buffer: [UInt8] = []
    for one in descriptors.prefix(8) {
      buffer += [1, one.component, one.flags, 0]
      buffer.append(big: UInt32(truncatingIfNeeded: one.offset))
      buffer.append(big: UInt32(truncatingIfNeeded: one.size))
      buffer.append(text: one.source, width: 16)
      buffer.append(big: UInt32(0))
    }
    psb = buffer + [UInt8](repeating: 0, count: 256 - buffer.count)
    psbCRC = CRC32Sierra.of(psb)
  }
}
