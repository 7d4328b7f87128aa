public import SmithModel

/// Where in a file something is.
public struct ImageSpot: Sendable, Equatable, CustomStringConvertible {
  /// Offset in the file.
  public var offset: Int
  /// Index of the item from 0, if it belongs to one.
  public var item: Int?
  /// Name of the item, if known.
  public var name: String?

  /// Gathers the parts.
  public init(offset: Int, item: Int? = nil, name: String? = nil) {
    self.offset = offset
    self.item = item
    self.name = name
  }

  /// As in `item 3 (Kernel) at 0x5c`; items are counted from 1 for people.
  public var description: String {
    guard let item else { return "offset \(hex(offset))" }
    let named = name.map { " (\($0))" } ?? ""
    return "item \(item + 1)\(named) at \(hex(offset))"
  }
}

/// Why a file is no usable firmware image; each case is one trouble page.
public enum ImageError: Error, Equatable, Sendable {
  /// The file has no bytes.
  case empty
  /// Every byte of the file is the same.
  case blank(byte: UInt8, count: Int)
  /// The file is something else that we know.
  case foreign(ForeignFile)
  /// No header of a Huawei package is in the file; `strays` bytes patterns looked like one.
  case notFirmware(size: Int, strays: Int)
  /// The package kind is none that exists.
  case kindInvalid(ImageSpot, found: UInt8)
  /// The file ends before what the header announces.
  case truncated(ImageSpot, expected: Int, found: Int)
  /// The CRC of a header is wrong.
  case headerCRC(ImageSpot, expected: UInt16, found: UInt16)
  /// The CRC of a block of data is wrong.
  case blockCRC(ImageSpot, block: Int, expected: UInt16, found: UInt16)
  /// The header's size does not fit its number of CRC entries.
  case headerSize(ImageSpot, expected: Int, found: Int)
  /// The header says that a CRC block has zero bytes.
  case blockSizeZero(ImageSpot)
  /// An item without data.
  case itemEmpty(ImageSpot)
  /// An item or all items together are larger than the limit.
  case itemTooBig(ImageSpot, size: Int, limit: Int)
  /// More items than any known package has.
  case tooManyItems(limit: Int)
  /// Two items have the same id.
  case duplicateItem(ImageSpot, id: UInt32, first: Int)
  /// An item's data runs over the header of another item.
  case itemOverlap(ImageSpot, other: Int)
  /// Items are there and the first header in front of them is not.
  case firstHeaderLost(expected: Int?, found: Int)
  /// A header between or after items is lost; `next` is where a good one follows.
  case chainBroken(ImageSpot, next: Int?)
  /// Bytes that belong to nothing follow the last item.
  case trailingData(offset: Int, count: Int)
  /// A second whole package follows the first.
  case twoPackages(first: Int, second: Int)
  /// An item unpacks to more than is sane.
  case bomb(ImageSpot, stored: Int, limit: Int)
  /// A zlib stream is broken.
  case zlibBroken(ImageSpot, reason: String)
  /// An LZMA stream is broken.
  case lzmaBroken(ImageSpot, reason: String)
  /// An LZMA stream wants more memory than allowed.
  case lzmaMemory(ImageSpot)
  /// Bytes follow a packed stream inside its item.
  case packedTrailing(ImageSpot, count: Int)
  /// A signature block says something impossible.
  case signatureNonsense(ImageSpot, blockSize: Int)
  /// A folder without items.
  case folderEmpty
  /// A folder with more items than the known tool takes.
  case folderTooMany(found: Int, limit: Int)
  /// A file of the folder is not named `NN-IIIIIIII-Name.bin`.
  case folderName(String)
  /// The numbers of a folder do not run from 00 without gap.
  case folderOrder(expected: Int, found: Int, name: String)
  /// A file of the folder begins with an item header.
  case folderHeader(name: String)
  /// A Sierra Wireless file is damaged.
  case sierra(SierraImageError)
  /// A package for Qualcomm NAND flash is not complete or contradicts itself.
  case nand(NANDPackageError)
  /// A Qualcomm folder is incomplete, or may not be written.
  case rawProgram(RawProgramError)
  /// The files of a Gobi 2000 modem are not complete, or not what they are called.
  case gobi(GobiPackageError)
}

extension ImageError: TroubleConvertible {
  /// The explanation; nothing was sent to any stick when an image is refused.
  public var trouble: Trouble {
    if case .sierra(let error) = self { return error.trouble }
    if case .nand(let error) = self { return error.trouble }
    if case .rawProgram(let error) = self { return error.trouble }
    if case .gobi(let error) = self { return error.trouble }
    let words = words
    return Trouble(
      words.code, words.summary, facts: words.facts, advice: words.advice, exitCode: .badFile)
  }

  var words: ImageTroubleWords {
    switch self {
    case .empty, .blank, .foreign, .notFirmware: fileWords
    case .kindInvalid, .truncated, .headerCRC, .blockCRC, .headerSize, .blockSizeZero,
      .itemEmpty, .itemTooBig:
      headerWords
    case .tooManyItems, .duplicateItem, .itemOverlap, .firstHeaderLost, .chainBroken,
      .trailingData, .twoPackages:
      chainWords
    case .bomb, .zlibBroken, .lzmaBroken, .lzmaMemory, .packedTrailing, .signatureNonsense:
      contentWords
    case .folderEmpty, .folderTooMany, .folderName, .folderOrder, .folderHeader, .sierra, .nand,
      .rawProgram, .gobi:
      folderWords
    }
  }
}
