public import SmithBytes

/// A program that a boot code puts into RAM and starts, and that writes flash
/// (Docs/Protocols/qualcomm-nand.md section 2).
public struct RAMLoader: Sendable {
  /// Bytes as they are uploaded, from their header on.
  public var bytes: SharedBytes
  /// Address of the first byte.
  public var base: UInt32
  /// Where to start it.
  public var entry: UInt32
  /// Chip family that its texts name, as in `MDM6x00`; nil if they name none, or several.
  public var chip: String?
  /// Maker that its texts name, in lower case; nil if they name none we know.
  public var maker: String?
  /// Whether somebody changed it: it carries a mark behind its declared end.
  public var isPatched = false

  /// Reads a loader: a boot image or Intel HEX text that speaks streaming download; nil for
  /// anything else.
  init?(_ bytes: SharedBytes, header: MBNHeader?, trailing: SharedBytes) {
    guard let header else { return nil }
    let size = UInt32(header.form.rawValue)
    guard QualcommTexts.isStreaming(bytes), header.destination >= size else { return nil }
    self.init(bytes, base: header.destination - size, entry: header.destination - size)
    isPatched = trailing.bytes().contains { $0 != 0 && $0 != 0xff }
  }

  init?(hex image: IntelHexImage) {
    let bytes = SharedBytes(image.bytes)
    guard QualcommTexts.isStreaming(bytes) else { return nil }
    self.init(bytes, base: image.base, entry: image.entry)
  }

  private init(_ bytes: SharedBytes, base: UInt32, entry: UInt32) {
    self.bytes = bytes
    self.base = base
    self.entry = entry
    chip = QualcommTexts.chip(in: bytes)
    maker = QualcommTexts.maker(in: bytes)
  }

  /// Whether it runs from the chip's own memory, for a stick whose boot loader set up nothing.
  public var needsNothing: Bool { base >= 0x2000_0000 }
}

/// One file of a package for Qualcomm NAND flash (Docs/Protocols/qualcomm-nand.md section 1).
public enum QualcommPart: Sendable {
  /// `partition.mbn`: the table that a loader is asked to accept.
  case table(UserPartitionTable)
  /// The table as the flash itself keeps it.
  case flashTable(SystemPartitionTable)
  /// A loader for the RAM.
  case loader(RAMLoader)
  /// An image with its boot header; `bytes` are all of the file up to the header's end of it.
  case image(MBNHeader)
  /// A boot header alone, as in `amsshd.mbn`.
  case header(MBNHeader)
  /// What to write where, as in `rawprogram0.xml` and `patch0.xml`.
  case description(RawProgram)
  /// The table of a storage without NAND, as in `gpt_main0.bin`.
  case storageTable(GPT)
  /// An ELF program with Qualcomm's hashes, as Firehose programmers are.
  case program(QualcommProgrammer)

  /// Recognises a file by its content; nil if it is none of these.
  ///
  /// - Throws: ``QualcommImageError`` if it is one, and damaged.
  public static func recognise(_ file: SharedBytes) throws(QualcommImageError) -> QualcommPart? {
    switch ForeignFile.recognise(file)?.kind {
    case .qualcommTable?:
      if file.bytes(0..<8) == UserPartitionTable.magic {
        return .table(try UserPartitionTable(reading: file))
      }
      return .flashTable(try SystemPartitionTable(reading: file))
    case .intelHex?:
      return RAMLoader(hex: try IntelHexImage(reading: file)).map { .loader($0) }
    case .mbn?:
      let header = try MBNHeader(reading: file)
      if file.count <= header.form.rawValue { return .header(header) }
      let image = try MBNImage(reading: file)
      if let loader = RAMLoader(file, header: header, trailing: image.trailing) {
        return .loader(loader)
      }
      return .image(header)
    default: return nil
    }
  }

  /// The same for a file that is looked at alone, and what only packages for Firehose have, and
  /// the dump of a NAND flash, of which the table is shown.
  ///
  /// - Throws: ``QualcommImageError`` if it is one, and damaged.
  public static func recogniseAlone(_ file: SharedBytes, named name: String)
    throws(QualcommImageError) -> QualcommPart?
  {
    if let dump = try? MIBIB(searching: file) { return .flashTable(dump.system) }
    switch ForeignFile.recognise(file)?.kind {
    case .elf?:
      guard let program = try? ELFProgram(reading: file), program.hashTable != nil else {
        return nil
      }
      return .program(try QualcommProgrammer(name: name, reading: file))
    case .webPage?, .text?:
      guard let description = try? RawProgram(reading: file),
        !description.programs.isEmpty || !description.patches.isEmpty
      else { return nil }
      return .description(description)
    case nil:
      let isTable = [512, 4096].contains { file.bytes($0..<($0 + 8)) == GPT.signature }
      return isTable ? .storageTable(try GPT(reading: file)) : nil
    default: return try recognise(file)
    }
  }

  /// Whether text begins with an Intel HEX record.
  static func looksLikeHex(_ sample: ArraySlice<UInt8>) -> Bool {
    guard sample.count >= 11, sample.first == 0x3a else { return false }
    return sample.dropFirst().prefix(10).allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte & 0xdf)
    }
  }
}

/// What the texts inside a program tell (Docs/Protocols/qualcomm-nand.md section 2).
enum QualcommTexts {
  static func isStreaming(_ bytes: SharedBytes) -> Bool {
    var found = false
    scan(bytes, for: Array("QCOM fast download protocol targ".utf8)) { _ in
      found = true
      return false
    }
    return found
  }

  /// The one chip family that is named, as in `MDM6X00 v1.0`.
  static func chip(in bytes: SharedBytes) -> String? {
    var families: Set<String> = []
    for prefix in ["MDM", "MSM"] {
      scan(bytes, for: Array(prefix.utf8)) { offset in
        let rest = bytes.bytes((offset + 3)..<min(offset + 7, bytes.count))
        if let family = family(prefix + String(decoding: rest, as: UTF8.self)) {
          families.insert(family)
        }
        return families.count < 2
      }
    }
    return families.count == 1 ? families.first : nil
  }

  /// The family of a chip's name, as in `MDM6x00` for `MDM6600`; nil for what is no chip.
  static func family(_ name: String) -> String? {
    let digits = name.dropFirst(3).uppercased()
    guard digits.utf8.count == 4,
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x58 }),
      digits.utf8.first != 0x58
    else { return nil }
    if name.hasPrefix("MDM6"), ["6200", "6600", "6X00"].contains(digits) { return "MDM6x00" }
    if name.hasPrefix("MDM9"), digits.hasPrefix("9") { return "MDM9x" + digits.suffix(2) }
    return digits.contains("X") ? nil : String(name.prefix(3)) + digits
  }

  static func maker(in bytes: SharedBytes) -> String? {
    for (text, maker) in [("ZTE", "zte"), ("TCT", "alcatel"), ("Alcatel", "alcatel")] {
      var found = false
      scan(bytes, for: Array(text.utf8)) { offset in
        // A whole word, not three letters of machine code.
        let after = bytes.bytes((offset + text.utf8.count)..<min(offset + 8, bytes.count)).first
        found = after.map { [0x20, 0x2c, 0x5f, 0].contains($0) } ?? false
        return !found
      }
      if found { return maker }
    }
    return nil
  }

  /// Calls `visit` with the offset of every occurrence until it returns false.
  static func scan(_ bytes: SharedBytes, for text: [UInt8], _ visit: (Int) -> Bool) {
    guard let first = text.first else { return }
    var start = 0
    while start < bytes.count {
      // Pieces overlap by a text, so that none is missed at a border.
      let piece = bytes.bytes(start..<min(start + (1 << 18) + text.count, bytes.count))
      var index = 0
      while index + text.count <= piece.count {
        if piece[index] == first, index < 1 << 18,
          piece[index..<(index + text.count)].elementsEqual(text), !visit(start + index)
        {
          return
        }
        index += 1
      }
      start += 1 << 18
    }
  }
}
