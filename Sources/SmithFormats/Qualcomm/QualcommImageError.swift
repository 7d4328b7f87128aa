public import SmithModel

/// Why a file of the Qualcomm family is not what it should be (Docs/Protocols/mbn.md, mibib.md,
/// rawprogram.md).
public enum QualcommImageError: Error, Equatable, Sendable {
  /// No 40- or 80-byte boot header stands at the start.
  case noHeader
  /// The file is shorter than its header declares.
  case truncated(declared: Int, present: Int)
  /// Sizes inside one header contradict each other.
  case sizesDisagree(String)
  /// There is no 32-bit little-endian ELF.
  case noELF
  /// A header or a segment of an ELF lies outside the file.
  case elfOutOfBounds(String)
  /// No partition table magic was found.
  case noTable
  /// The partition table declares more entries than it holds, or more than fit on flash.
  case tableTruncated(declared: Int, fitting: Int)
  /// The partition table has a version that we do not know.
  case tableVersion(UInt32)
  /// An entry of the partition table makes no sense.
  case tableEntry(String)
  /// No GPT header of any sector size.
  case noGPT
  /// A checksum of the GPT is wrong; the text says which.
  case gptChecksum(String)
  /// A field or an entry of the GPT makes no sense.
  case gptEntry(String)
  /// The description is not the small part of XML that is used in these files.
  case badXML(offset: Int, String)
  /// An element lacks an attribute or has a nonsensical one.
  case badAttribute(element: String, String)
  /// A line of the Intel HEX file is no record.
  case hexLine(Int)
  /// The checksum of a line is wrong.
  case hexChecksum(line: Int)
  /// The file ends without an end record, or holds no data.
  case hexEnd
  /// Two records claim the same address, or the records lie too far apart.
  case hexSpan(String)
}

extension QualcommImageError: TroubleConvertible {
  /// Code, words and advice; a bad file never touched a stick.
  public var trouble: Trouble {
    let (code, summary) = words
    return Trouble(
      code, summary,
      advice: [
        "Get the file again from where it came, and compare its size and checksum.",
        "Use the file that was made for exactly this model.",
      ],
      exitCode: .badFile)
  }

  private var words: (code: String, summary: String) {
    switch self {
    case .noHeader:
      ("mbn.no-header", "The file does not begin with a Qualcomm boot header.")
    case .truncated(let declared, let present):
      ("mbn.truncated", "The header declares \(declared) bytes and only \(present) are there.")
    case .sizesDisagree(let what):
      ("mbn.sizes-disagree", "The sizes in the boot header contradict each other: \(what).")
    case .noELF:
      ("mbn.no-elf", "The file is no 32-bit little-endian ELF program.")
    case .elfOutOfBounds(let what):
      ("mbn.elf-out-of-bounds", "The ELF program points outside the file: \(what).")
    case .noTable:
      ("mibib.no-table", "There is no partition table in these bytes.")
    case .tableTruncated(let declared, let fitting):
      (
        "mibib.truncated",
        "The partition table declares \(declared) entries where at most \(fitting) fit."
      )
    case .tableVersion(let version):
      ("mibib.unknown-version", "The partition table has version \(version); 3 and 4 are known.")
    case .tableEntry(let what):
      ("mibib.bad-entry", "An entry of the partition table makes no sense: \(what).")
    default: laterWords
    }
  }

  private var laterWords: (code: String, summary: String) {
    switch self {
    case .noGPT:
      ("gpt.no-header", "There is no GPT header in these bytes.")
    case .gptChecksum(let what):
      ("gpt.bad-checksum", "The checksum of the GPT \(what) is wrong.")
    case .gptEntry(let what):
      ("gpt.bad-entry", "The GPT makes no sense: \(what).")
    case .badXML(let offset, let what):
      ("rawprogram.bad-xml", "The description cannot be read at byte \(offset): \(what).")
    case .badAttribute(let element, let what):
      ("rawprogram.bad-attribute", "The element <\(element)> makes no sense: \(what).")
    case .hexLine(let line):
      ("ihex.bad-line", "Line \(line) is no Intel HEX record.")
    case .hexChecksum(let line):
      ("ihex.bad-checksum", "The checksum of line \(line) of the Intel HEX file is wrong.")
    case .hexEnd:
      ("ihex.no-end", "The Intel HEX file holds no data or has no end record.")
    case .hexSpan(let what):
      ("ihex.bad-span", "The Intel HEX records do not make one image: \(what).")
    default: ("mbn.no-header", "The file cannot be read.")
    }
  }
}
