public import SmithBytes

/// Files that people give by mistake, recognised by their content.
public struct ForeignFile: Sendable, Equatable {
  /// What it is.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// HTML or JSON: what a browser saves when the download failed.
    case webPage = "web-page"
    /// Sierra Wireless CWE.
    case sierra
    /// An ELF program, as firehose programmers are.
    case elf
    /// An ISO 9660 image.
    case iso9660 = "iso"
    /// A Huawei NV image (balong-image.md section 9).
    case nvImage = "nv-image"
    /// A loader for the Balong boot ROM.
    case balongLoader = "balong-loader"
    /// A Balong partition table.
    case balongTable = "balong-table"
    /// A single Balong item with its header and without package.
    case balongItem = "balong-item"
    /// A Qualcomm boot image with MBN header.
    case mbn
    /// A Qualcomm partition table.
    case qualcommTable = "qualcomm-table"
    /// Intel HEX text, as old Qualcomm loaders are.
    case intelHex = "intel-hex"
    /// An Android boot image.
    case androidBoot = "android-boot"
    /// A compressed archive.
    case archive
    /// A Windows program without firmware.
    case windowsProgram = "windows-program"
    /// Text.
    case text
  }

  /// What it is.
  public var kind: Kind
  /// Offset of the bytes that tell.
  public var evidence: Int
  /// Which archive, as in `zip`.
  public var archive: String?

  /// Stable trouble code.
  public var code: String {
    switch kind {
    case .webPage: "file.web-page"
    case .sierra: "file.sierra"
    case .elf: "file.elf"
    case .iso9660: "file.iso"
    case .nvImage: "file.nv-image"
    case .balongLoader: "file.balong-loader"
    case .balongTable: "file.balong-table"
    case .balongItem: "file.balong-item"
    case .mbn: "file.mbn"
    case .qualcommTable: "file.qualcomm-table"
    case .intelHex: "file.intel-hex"
    case .androidBoot: "file.android-boot"
    case .archive: "file.archive"
    case .windowsProgram: "file.windows-program"
    case .text: "file.text"
    }
  }

  /// The kind in words, with article.
  public var words: String {
    switch kind {
    case .webPage: "a web page"
    case .sierra: "a firmware for Sierra Wireless modules (CWE)"
    case .elf: "an ELF program"
    case .iso9660: "a CD-ROM image (ISO 9660)"
    case .nvImage: "a Huawei NV settings image"
    case .balongLoader: "a loader for a Balong stick's boot ROM"
    case .balongTable: "a Balong partition table"
    case .balongItem: "a single Balong item without its package"
    case .mbn: "a Qualcomm boot image (MBN)"
    case .qualcommTable: "a Qualcomm partition table"
    case .intelHex: "a loader in Intel HEX text"
    case .androidBoot: "an Android boot image"
    case .archive: "a \(archive ?? "packed") archive"
    case .windowsProgram: "a Windows program without a package in it"
    case .text: "a text file"
    }
  }

  /// The one next action.
  public var advice: String {
    switch kind {
    case .webPage:
      "Open the download page again and save the file itself, not the page that shows it."
    case .sierra: "Use it with a Sierra module; for this stick get the Huawei update."
    case .mbn, .qualcommTable, .intelHex:
      "It is one part of a Qualcomm package: give the folder with partition.mbn, loader and images."
    case .elf, .androidBoot:
      "It is for other chips or only a part; get the complete update for your model."
    case .iso9660:
      "Give the dashboard update package (.exe or .bin); the CD image alone cannot be sent."
    case .nvImage: "Settings images hold a stick's identity and are never written from a file."
    case .balongLoader: "Loaders are for `modemsmith rescue`; give the firmware here."
    case .balongTable: "A partition table is never written alone; give the whole package."
    case .balongItem: "Give the package (.bin or .exe) that the item was taken from."
    case .archive: "Unpack the archive and give the .exe or .bin inside."
    case .windowsProgram:
      "If it is a self-extracting archive, unpack it and give the .bin or .exe inside."
    case .text: "Check that the download is the firmware and not a note beside it."
    }
  }

  /// Looks at the head of a file; nil for a Windows program or anything unknown, which may hold
  /// a package.
  public static func recognise(_ file: SharedBytes) -> ForeignFile? {
    let head = file.bytes(0..<min(file.count, 0x9000))
    for (kind, offset, magic) in magics where starts(head, with: magic, at: offset) {
      return ForeignFile(kind: kind, evidence: offset)
    }
    for (name, offset, magic) in archives where starts(head, with: magic, at: offset) {
      return ForeignFile(kind: .archive, evidence: offset, archive: name)
    }
    if isSierra(head) { return ForeignFile(kind: .sierra, evidence: 0x100) }
    if isLoader(head) { return ForeignFile(kind: .balongLoader, evidence: 0) }
    if isMBN(head) { return ForeignFile(kind: .mbn, evidence: 0) }
    return text(head)
  }

  private static let magics: [(Kind, Int, [UInt8])] = [
    (.elf, 0, [0x7f, 0x45, 0x4c, 0x46]),
    (.iso9660, 0x8001, [UInt8]("CD001".utf8)),
    (.nvImage, 0, [0x44, 0x49, 0x4e, 0x22]),
    (.nvImage, 0, [0x22, 0x4e, 0x49, 0x44]),
    (.balongTable, 0, [UInt8]("pTableHead".utf8)),
    (.balongItem, 0, BalongHeader.magicBytes),
    (.mbn, 0, [0xd1, 0xdc, 0x4b, 0x84, 0x34, 0x10, 0xd7, 0x73]),
    (.qualcommTable, 0, [0xaa, 0x73, 0xee, 0x55, 0xdb, 0xbd, 0x5e, 0xe3]),
    (.qualcommTable, 0, [0x9a, 0x1b, 0x7d, 0xaa, 0xbc, 0x48, 0x7d, 0x1f]),
    (.androidBoot, 0, [UInt8]("ANDROID!".utf8)),
  ]

  private static let archives: [(String, Int, [UInt8])] = [
    ("zip", 0, [0x50, 0x4b, 0x03, 0x04]),
    ("zip", 0, [0x50, 0x4b, 0x05, 0x06]),
    ("7z", 0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]),
    ("rar", 0, [UInt8]("Rar!".utf8) + [0x1a, 0x07]),
    ("gzip", 0, [0x1f, 0x8b, 0x08]),
    ("cab", 0, [UInt8]("MSCF".utf8) + [0, 0, 0, 0]),
    ("xz", 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
    ("bzip2", 0, [UInt8]("BZh".utf8)),
    ("tar", 257, [UInt8]("ustar".utf8)),
  ]

  private static func starts(_ head: [UInt8], with magic: [UInt8], at offset: Int) -> Bool {
    offset + magic.count <= head.count
      && head[offset..<(offset + magic.count)].elementsEqual(magic)
  }

  private static func little(_ head: [UInt8], _ offset: Int) -> UInt32? {
    guard offset + 4 <= head.count else { return nil }
    return (0..<4).reduce(0) { $0 | UInt32(head[offset + $1]) << (8 * UInt32($1)) }
  }

  /// Revision 1 to 3 and CRC indicator `FF FF FF FF` or `GOOD` at their places of the 400-byte
  /// header, and an image type in capitals; a file that ends behind these is one cut short.
  private static func isSierra(_ head: [UInt8]) -> Bool {
    guard head.count >= 0x110, let revision = little(head, 0x104)?.byteSwapped,
      (1...3).contains(revision)
    else { return false }
    let indicator = head[0x108..<0x10c]
    let marked = indicator.allSatisfy { $0 == 0xff } || indicator.elementsEqual("GOOD".utf8)
    return marked && head[0x10c..<0x110].allSatisfy { (0x30...0x5a).contains($0) }
  }

  /// The number 00020000, 32 zero bytes, and entries whose offset lies inside a small header.
  private static func isLoader(_ head: [UInt8]) -> Bool {
    guard head.count >= 0x54, little(head, 0) == 0x0002_0000,
      head[4..<0x24].allSatisfy({ $0 == 0 })
    else { return false }
    return little(head, 0x28) != 0
  }

  /// The 40-byte header: a small image id, version 3, and sizes that add up.
  private static func isMBN(_ head: [UInt8]) -> Bool {
    guard head.count >= 40, let id = little(head, 0), (1...0x40).contains(id),
      little(head, 4) == 3, let size = little(head, 16), let code = little(head, 20)
    else { return false }
    return size >= code && size > 0
  }

  private static func text(_ head: [UInt8]) -> ForeignFile? {
    var start = 0
    if starts(head, with: [0xef, 0xbb, 0xbf], at: 0) { start = 3 }
    while start < head.count, [0x20, 0x09, 0x0a, 0x0d].contains(head[start]) { start += 1 }
    let sample = head[start...].prefix(512)
    guard sample.count >= 4 else { return nil }
    let textual = sample.allSatisfy {
      (0x20...0x7e).contains($0) || [0x09, 0x0a, 0x0d].contains($0) || $0 >= 0x80
    }
    guard textual else { return nil }
    if QualcommPart.looksLikeHex(sample) { return ForeignFile(kind: .intelHex, evidence: start) }
    let plain = sample.allSatisfy { $0 < 0x80 }
    let first = sample[start]
    if first == 0x3c || plain && (first == 0x7b || first == 0x5b) {
      return ForeignFile(kind: .webPage, evidence: start)
    }
    return plain && sample.count >= 16 ? ForeignFile(kind: .text, evidence: start) : nil
  }
}
