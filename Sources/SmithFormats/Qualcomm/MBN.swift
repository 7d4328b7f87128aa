public import SmithBytes

/// The boot header in front of a Qualcomm image, 40 or 80 bytes (Docs/Protocols/mbn.md sections
/// 1 and 2). All numbers are little-endian 32-bit words.
public struct MBNHeader: Equatable, Sendable {
  /// Which of the two headers it is.
  public enum Form: Int, Sendable {
    /// Ten words, used up to MDM9x15.
    case short = 40
    /// Twenty words with codeword and magic, used by secondary boot loaders and programmers.
    case long = 80
  }

  /// Which header.
  public var form: Form
  /// What the image is (Docs/Protocols/mbn.md section 3); sloppy in loader files.
  public var imageID: UInt32
  /// Version of the short form: 3, 5 or 6. Always 3 in the long form.
  public var version: UInt32
  /// Offset of the image in flash or file; from version 5 on the size of Qualcomm's signature.
  public var source: UInt32
  /// Load address; from version 5 on the size of Qualcomm's certificate chain.
  public var destination: UInt32
  /// Bytes after the header: code, signature and certificates.
  public var imageSize: UInt32
  /// Bytes of code.
  public var codeSize: UInt32
  /// Address of the signature in memory.
  public var signatureAddress: UInt32
  /// Bytes of the signature.
  public var signatureSize: UInt32
  /// Address of the certificate chain in memory.
  public var certificatesAddress: UInt32
  /// Bytes of the certificate chain.
  public var certificatesSize: UInt32
  /// Which root certificate is used (long form only).
  public var rootSelection: UInt32
  /// How many root certificates there are (long form only).
  public var rootCount: UInt32

  /// Header for unsigned code that is loaded to `destination`.
  public init(form: Form, imageID: UInt32, destination: UInt32, codeSize: UInt32) {
    self.form = form
    self.imageID = imageID
    version = 3
    source = form == .short ? destination : 80
    self.destination = destination
    imageSize = codeSize
    self.codeSize = codeSize
    signatureAddress = destination &+ codeSize
    signatureSize = 0
    certificatesAddress = destination &+ codeSize
    certificatesSize = 0
    rootSelection = 0xffff_ffff
    rootCount = 0xffff_ffff
  }

  /// Reads the header at the start of `bytes`; the body may be missing (files such as
  /// `amsshd.mbn` are a header and nothing else).
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    var reader = ByteReader(bytes)
    let words = reader.words(20)
    if words.count == 20, words[0] == Self.codeword, words[1] == Self.magic {
      self.init(long: words)
    } else if words.count >= 10, [3, 5, 6].contains(words[1]), words[0] < 0x40 {
      self.init(short: words)
    } else {
      throw .noHeader
    }
    try check()
  }

  /// The header as it stands in a file.
  public func encoded() -> [UInt8] {
    let sizes = [
      imageSize, codeSize, signatureAddress, signatureSize, certificatesAddress, certificatesSize,
    ]
    let words: [UInt32] =
      switch form {
      case .short: [imageID, version, source, destination] + sizes
      case .long:
        [Self.codeword, Self.magic, imageID, Self.none, Self.none, source, destination] + sizes
          + [rootSelection, rootCount] + [UInt32](repeating: Self.none, count: 5)
      }
    var output: [UInt8] = []
    for word in words { output.append(little: word) }
    return output
  }

  /// The field's name of the image id, as in `AMSS`.
  public var imageName: String {
    let names = [
      "none", "OEMSBL", "AMSS", "QCSBL", "hash", "APPSBL", "APPS", "HOSTDL", "DSP1", "FSBL", "DBL",
      "OSBL", "DSP2", "EHOSTDL", "NAND programmer", "NOR programmer", "RAMFS1", "RAMFS2", "ADSP",
      "kernel", "backup RAMFS", "SBL1", "SBL2", "RPM", "SBL3", "TZ", "SSD keys", "generic", "DSP3",
      "ACDB", "WDT", "MBA",
    ]
    return imageID < names.count ? names[Int(imageID)] : "id \(imageID)"
  }

  private static let codeword: UInt32 = 0x844b_dcd1
  private static let magic: UInt32 = 0x73d7_1034
  private static let none: UInt32 = 0xffff_ffff

  private init(short w: [UInt32]) {
    self.init(form: .short, imageID: w[0], destination: w[3], codeSize: w[5])
    version = w[1]
    source = w[2]
    setSizes(w, from: 4)
  }

  private init(long w: [UInt32]) {
    self.init(form: .long, imageID: w[2], destination: w[6], codeSize: w[8])
    source = w[5]
    setSizes(w, from: 7)
    rootSelection = w[13]
    rootCount = w[14]
  }

  private mutating func setSizes(_ w: [UInt32], from first: Int) {
    imageSize = w[first]
    codeSize = w[first + 1]
    signatureAddress = w[first + 2]
    signatureSize = w[first + 3]
    certificatesAddress = w[first + 4]
    certificatesSize = w[first + 5]
  }

  private func check() throws(QualcommImageError) {
    // 64-bit sums of 32-bit words cannot overflow.
    let parts = UInt64(codeSize) + UInt64(signatureSize) + UInt64(certificatesSize)
    if imageSize == 0 { throw .sizesDisagree("the image is empty") }
    let fits = version == 3 ? parts == UInt64(imageSize) : parts <= UInt64(imageSize)
    guard fits else {
      throw .sizesDisagree("code and signature make \(parts) bytes, the image \(imageSize)")
    }
  }
}

/// A boot header with its body (Docs/Protocols/mbn.md sections 1 and 2).
public struct MBNImage: Sendable {
  /// The header.
  public let header: MBNHeader
  /// Code, signature and certificates.
  public let body: SharedBytes
  /// What stands behind the declared end, such as the 12-byte marker of patched loaders.
  public let trailing: SharedBytes

  /// Reads a whole file.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    header = try MBNHeader(reading: bytes)
    var reader = ByteReader(bytes)
    guard reader.skip(header.form.rawValue), let body = reader.take(Int(header.imageSize)),
      let trailing = reader.take(reader.left)
    else {
      throw .truncated(
        declared: header.form.rawValue + Int(header.imageSize), present: bytes.count)
    }
    self.body = body
    self.trailing = trailing
  }

  /// The code alone; empty where the sizes of a newer header do not tell.
  public var code: SharedBytes { body.slice(0..<Int(header.codeSize)) ?? SharedBytes([]) }

  /// A file around unsigned code.
  public static func build(
    form: MBNHeader.Form, imageID: UInt32, destination: UInt32, code: [UInt8]
  ) -> [UInt8] {
    MBNHeader(
      form: form, imageID: imageID, destination: destination,
      codeSize: UInt32(truncatingIfNeeded: code.count)
    ).encoded() + code
  }
}

extension ByteReader {
  /// The next little-endian words, fewer than `count` at the end of the bytes.
  mutating func words(_ count: Int) -> [UInt32] {
    var words: [UInt32] = []
    while words.count < count, let word = little(UInt32.self) { words.append(word) }
    return words
  }
}
