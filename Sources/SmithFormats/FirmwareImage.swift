public import SmithBytes
public import SmithModel

/// A firmware file that was read and verified: what any reader of this room returns.
public struct FirmwareImage: Sendable {
  /// Which container it is.
  public var format: ImageFormat
  /// Bytes of the file that the container occupies (not 0-based when carved out of an .exe).
  public var origin: Range<Int>
  /// What the container says it holds.
  public var kinds: Set<ImageKind>
  /// The parts in the order in which they are to be sent.
  public var segments: [Segment]
  /// What the container says about itself; compared with the stick before anything is written.
  public var claims: ImageClaims
  /// The vendor's signature block, if one was found.
  public var signature: ImageSignature?
  /// Oddities that do not make the image unusable.
  public var warnings: [ImageWarning]
  /// The trees of Sierra Wireless files, one for each segment; empty for other formats.
  public var sierra: [SierraImage] = []
  /// Loader and partition table of a Qualcomm NAND package; nil for other formats.
  public var nand: NANDPackage?
  /// Programmer and places of a Qualcomm folder; nil for other formats.
  public var rawProgram: RawProgramPackage?

  /// Gathers the parts.
  public init(
    format: ImageFormat, origin: Range<Int>, kinds: Set<ImageKind> = [], segments: [Segment],
    claims: ImageClaims = ImageClaims(), signature: ImageSignature? = nil,
    warnings: [ImageWarning] = []
  ) {
    self.format = format
    self.origin = origin
    self.kinds = kinds
    self.segments = segments
    self.claims = claims
    self.signature = signature
    self.warnings = warnings
  }

  /// Bytes of all segments as they are sent, unpacked.
  public var size: Int { segments.reduce(0) { $0 + $1.size } }

  /// The files that count where an image is made of several: what a fingerprint is of. Nil where
  /// all that were given do.
  public var parts: [SharedBytes]? {
    rawProgram?.parts ?? (format == .gobi2000 ? segments.map(\.stored) : nil)
  }
}

/// The container formats that have a name.
public enum ImageFormat: String, Sendable, Codable, CaseIterable {
  /// Huawei's package for Balong sticks (balong-image.md).
  case balong
  /// A folder of single Balong items (balong-image.md section 8).
  case balongFolder = "balong-folder"
  /// Sierra Wireless CWE.
  case sierraCWE = "sierra-cwe"
  /// The three files of a Gobi 2000 modem (sierra-cwe.md section 8).
  case gobi2000 = "gobi-2000"
  /// A Windows program for Huawei's sticks of the Qualcomm era, of unknown layout
  /// (huawei-qualcomm.md section 4).
  case huaweiUpdater = "huawei-updater"
  /// Loader, partition table and images for Qualcomm NAND flash (qualcomm-nand.md).
  case qualcommNAND = "qualcomm-nand"
  /// A folder with `rawprogram*.xml` for Qualcomm's Firehose (rawprogram.md section 5).
  case qualcommRawProgram = "qualcomm-rawprogram"
  /// A file that only the stick itself can read, handed over as it is through its page.
  case opaque
}

/// What a container holds.
public enum ImageKind: String, Sendable, Codable, CaseIterable {
  /// The stick's own firmware.
  case firmware
  /// The computer program on the stick's CD-ROM.
  case dashboard
  /// The web page that the stick serves.
  case webInterface = "web-interface"
  /// Settings for one carrier.
  case carrierSettings = "carrier-settings"
}

/// What an image says about itself; nothing here was proved by reading it.
public struct ImageClaims: Sendable, Codable, Equatable {
  /// Product ids the image is for (compatibility texts), each once, in file order.
  public var products: [String]
  /// Version of the firmware items, for example `21.157.06.00.264`.
  public var firmware: FirmwareVersion?
  /// Version of the dashboard, for example `UTPS23.015.05.08.143`.
  public var dashboard: FirmwareVersion?
  /// Version of the web interface, for example `17.100.13.01.03`.
  public var webInterface: FirmwareVersion?
  /// Build date and time as the first item has them.
  public var buildDate: String?
  /// Whether the container says that it is signed, or a signature block was found.
  public var signed: Bool
  /// What each Sierra file of the set claims; nil for other formats.
  public var sierra: [SierraClaim]?

  /// Gathers the parts.
  public init(
    products: [String] = [], firmware: FirmwareVersion? = nil, dashboard: FirmwareVersion? = nil,
    webInterface: FirmwareVersion? = nil, buildDate: String? = nil, signed: Bool = false,
    sierra: [SierraClaim]? = nil
  ) {
    self.products = products
    self.firmware = firmware
    self.dashboard = dashboard
    self.webInterface = webInterface
    self.buildDate = buildDate
    self.signed = signed
    self.sierra = sierra
  }

  /// Huawei's customer code: the last of five groups of the firmware version; `00` is general.
  public var customer: String? {
    guard let firmware, firmware.groups?.count == 5 else { return nil }
    return firmware.text.split(separator: ".").last.map(String.init)
  }
}

/// The facts of a signature block that the stick wants to hear first.
public struct ImageSignature: Sendable, Codable, Equatable {
  /// Low three bits of the package kind; the `type` of `AT^SIGNVER`.
  public var type: UInt8
  /// Size of the signature block in bytes.
  public var blockSize: Int
  /// SHA-256 of the signer's public key, 32 bytes.
  public var keyHash: [UInt8]
  /// Index of the segment that ends with the block.
  public var segment: Int

  /// Gathers the parts.
  public init(type: UInt8, blockSize: Int, keyHash: [UInt8], segment: Int) {
    self.type = type
    self.blockSize = blockSize
    self.keyHash = keyHash
    self.segment = segment
  }
}

/// Something odd about an image that can still be used; prints itself as one sentence.
public enum ImageWarning: Sendable, Equatable, CustomStringConvertible {
  /// The kind byte says signed and no signature block was found.
  case signedWithoutBlock
  /// A signature block was found and the kind byte does not say signed.
  case blockWithoutSignedBit
  /// The prefix holds bytes besides the kind where known tools write zeros.
  case prefixNotZero(offset: Int)
  /// The bytes that fill up to the next item are not zero.
  case paddingNotZero(offset: Int)
  /// A long run of one byte value follows the last item.
  case longPadding(offset: Int, count: Int, byte: UInt8)
  /// Bytes that do not belong to the package follow it in the program it was carved from.
  case foreignTail(offset: Int, count: Int)
  /// The package says that it holds a kind of content, and no item of that kind is in it.
  case kindWithoutItem(ImageKind)
  /// The items are meant for more than one product.
  case productsDiffer([String])
  /// The firmware items carry more than one version.
  case versionsDiffer([String])
  /// A file of the folder that is no item was left out.
  case fileIgnored(String)
  /// No reader knows the layout: nothing in the file was verified.
  case layoutUnknown
  /// The files carry no checksum at all.
  case noChecksum
  /// A part of the package is not written, and why.
  case leftOut(String, why: String)

  /// One plain sentence.
  public var description: String {
    switch self {
    case .signedWithoutBlock:
      "The package says that it is signed, but no signature block was found in it."
    case .blockWithoutSignedBit:
      "The package holds a signature block, but its kind byte does not say that it is signed."
    case .prefixNotZero(let offset):
      "The prefix has data at \(hex(offset)) where known packages have zeros."
    case .paddingNotZero(let offset):
      "The filling between two items at \(hex(offset)) is not zero."
    case .longPadding(let offset, let count, let byte):
      "\(count) bytes of \(hex(Int(byte))) follow the last item at \(hex(offset))."
    case .foreignTail(let offset, let count):
      "\(count) bytes at \(hex(offset)) after the package belong to the program around it."
    case .kindWithoutItem(let kind):
      "The package says that it holds \(kind.words), but no item of it does."
    case .productsDiffer(let products):
      "The items are meant for different products: \(products.joined(separator: ", "))."
    case .versionsDiffer(let versions):
      "The firmware items carry different versions: \(versions.joined(separator: ", "))."
    case .layoutUnknown:
      "The layout of this file is not known: nothing in it was verified, and nothing can be sent."
    case .noChecksum:
      "These files carry no checksum: names and sizes were checked, not that they are whole."
    case .fileIgnored(let name):
      "The file \(name) in the folder is no firmware item and was left out."
    case .leftOut(let name, let why): "\(name) is not written: \(why)."
    }
  }
}

extension ImageKind {
  /// The kind in words, as in "a dashboard".
  public var words: String {
    switch self {
    case .firmware: "firmware"
    case .dashboard: "a dashboard"
    case .webInterface: "a web interface"
    case .carrierSettings: "carrier settings"
    }
  }
}

/// Bounds that keep a hostile file from eating the machine.
public struct ImageLimits: Sendable, Equatable {
  /// Largest unpacked size of one item in bytes.
  public var itemSize: Int
  /// Largest unpacked size of all items in bytes.
  public var totalSize: Int
  /// Most items (120 in the known tool).
  public var items: Int
  /// Most files of a folder (30 in the known tool).
  public var folderFiles: Int
  /// Memory that an LZMA stream may ask for, in bytes.
  public var lzmaMemory: Int
  /// How many times its stored size an item may unpack to, once it is above `freeSize`.
  public var ratio: Int
  /// Unpacked size in bytes below which the ratio does not matter.
  public var freeSize: Int

  /// The limits used unless others are given.
  public static let standard = ImageLimits()

  /// Gathers the limits.
  public init(
    itemSize: Int = 256 << 20, totalSize: Int = 1 << 30, items: Int = 120, folderFiles: Int = 30,
    lzmaMemory: Int = 160 << 20, ratio: Int = 1000, freeSize: Int = 16 << 20
  ) {
    self.itemSize = itemSize
    self.totalSize = totalSize
    self.items = items
    self.folderFiles = folderFiles
    self.lzmaMemory = lzmaMemory
    self.ratio = ratio
    self.freeSize = freeSize
  }
}

/// An offset as people write it, as in `0x5c`.
func hex(_ value: Int) -> String { "0x" + String(value, radix: 16) }

/// A 32-bit number with all its digits, as in `00110000`.
func hex8(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}

/// A 16-bit number with all its digits, as in `40b5`.
func hex4(_ value: UInt16) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 4 - digits.count) + digits
}
