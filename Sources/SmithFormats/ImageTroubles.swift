/// A trouble before its aftermath and exit code, which are the same for every bad file.
struct ImageTroubleWords {
  var code: String
  var summary: String
  var facts: [String] = []
  var advice: [String]

  static let again =
    "Download the file again, and compare its size or check sum with the page you got it from."
  static let other = "Get the file from another source; this one was damaged before you had it."
  static let refuse = "Do not use this file; get the update from the vendor or operator."
}

extension ImageError {
  var fileWords: ImageTroubleWords {
    switch self {
    case .empty:
      ImageTroubleWords(
        code: "file.empty", summary: "The file is empty.",
        facts: ["expected a firmware file, found 0 bytes"], advice: [ImageTroubleWords.again])
    case .blank(let byte, let count):
      ImageTroubleWords(
        code: "file.blank",
        summary: "The file holds nothing: all \(count) bytes are \(hex(Int(byte))).",
        facts: ["an unwritten or erased copy looks like this"],
        advice: [ImageTroubleWords.again, "Check the disk or memory card it was copied from."])
    case .foreign(let file):
      ImageTroubleWords(
        code: file.code, summary: "The file is \(file.words), not a firmware package.",
        facts: ["recognised by its content at \(hex(file.evidence))"], advice: [file.advice])
    case .notFirmware(let size, let strays):
      ImageTroubleWords(
        code: "balong.not-firmware",
        summary: "No Huawei firmware package is in the file.",
        facts: [
          "searched \(size) bytes for an item header with a valid check sum",
          "\(strays) places look like a header and are none",
        ],
        advice: [
          "Check that this is the update for your model (.bin, or the .exe it came in).",
          "If the .exe is a self-extracting archive, unpack it first and give the file inside.",
        ])
    default: folderWords
    }
  }

  var headerWords: ImageTroubleWords {
    switch self {
    case .kindInvalid(let spot, let found):
      ImageTroubleWords(
        code: "balong.kind-invalid",
        summary: "The package kind at \(spot) is none that exists.",
        facts: ["expected 1 to 7, or 9 to 0xf if signed; found \(hex(Int(found)))"],
        advice: [ImageTroubleWords.again])
    case .truncated(let spot, let expected, let found):
      ImageTroubleWords(
        code: "balong.truncated", summary: "The file is cut off in \(spot).",
        facts: ["expected \(expected) bytes there, found \(found)"],
        advice: [ImageTroubleWords.again])
    case .headerCRC(let spot, let expected, let found):
      ImageTroubleWords(
        code: "balong.header-crc", summary: "The header of \(spot) is damaged.",
        facts: ["the header says CRC \(hex4(expected)), its bytes give \(hex4(found))"],
        advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .blockCRC(let spot, let block, let expected, let found):
      ImageTroubleWords(
        code: "balong.block-crc", summary: "The data of \(spot) is damaged in block \(block).",
        facts: ["the table says CRC \(hex4(expected)), the block gives \(hex4(found))"],
        advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .headerSize(let spot, let expected, let found):
      ImageTroubleWords(
        code: "balong.header-size", summary: "The header of \(spot) contradicts itself.",
        facts: ["expected a header of \(expected) bytes, it says \(found)"],
        advice: [ImageTroubleWords.refuse])
    case .blockSizeZero(let spot):
      ImageTroubleWords(
        code: "balong.block-size-zero", summary: "The header of \(spot) has no block size.",
        facts: ["expected a block size above 0, found 0"], advice: [ImageTroubleWords.refuse])
    case .itemEmpty(let spot):
      ImageTroubleWords(
        code: "balong.empty", summary: "There is no data in \(spot).",
        facts: ["expected at least 1 byte, found 0"], advice: [ImageTroubleWords.refuse])
    case .itemTooBig(let spot, let size, let limit):
      ImageTroubleWords(
        code: "balong.item-too-big", summary: "More data than any stick holds, in \(spot).",
        facts: ["expected at most \(limit) bytes, found \(size)"],
        advice: [ImageTroubleWords.refuse])
    default: folderWords
    }
  }

  var chainWords: ImageTroubleWords {
    switch self {
    case .tooManyItems(let limit):
      ImageTroubleWords(
        code: "balong.too-many-items", summary: "The package has more than \(limit) items.",
        facts: ["expected at most \(limit) items"], advice: [ImageTroubleWords.refuse])
    case .duplicateItem(let spot, let id, let first):
      ImageTroubleWords(
        code: "balong.duplicate-item", summary: "The package holds \(spot) twice.",
        facts: ["id \(hex8(id)) is already item \(first + 1)"],
        advice: [ImageTroubleWords.refuse])
    case .itemOverlap(let spot, let other):
      ImageTroubleWords(
        code: "balong.item-overlap", summary: "The data of \(spot) runs over another item.",
        facts: ["expected plain data, found the header of another item at \(hex(other))"],
        advice: [ImageTroubleWords.refuse])
    case .firstHeaderLost(let expected, let found):
      ImageTroubleWords(
        code: "balong.first-header-lost", summary: "The beginning of the package is lost.",
        facts: [
          expected.map { "expected the first header at \(hex($0))" }
            ?? "expected the package's 92-byte beginning in front of the first good header",
          "the first header found is at \(hex(found))",
        ], advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .chainBroken(let spot, let next):
      ImageTroubleWords(
        code: "balong.chain-broken", summary: "A header is lost after \(spot).",
        facts: [
          "expected another item's header or the end of the package",
          next.map { "a good header follows only at \(hex($0))" }
            ?? "found what is left of a damaged header",
        ], advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .trailingData(let offset, let count):
      ImageTroubleWords(
        code: "balong.trailing-data",
        summary: "\(count) bytes at \(hex(offset)) after the last item belong to nothing.",
        facts: ["expected the end of the file or zeros", "an item may have lost its header"],
        advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .twoPackages(let first, let second):
      ImageTroubleWords(
        code: "balong.two-packages", summary: "The file holds two packages.",
        facts: ["one begins at \(hex(first)), another at \(hex(second))"],
        advice: ["Unpack the file and give one package at a time, firmware first."])
    default: folderWords
    }
  }

  var contentWords: ImageTroubleWords {
    switch self {
    case .bomb(let spot, let stored, let limit):
      ImageTroubleWords(
        code: "balong.bomb", summary: "The data of \(spot) unpacks to an insane size.",
        facts: ["\(stored) bytes may unpack to \(limit) bytes at most, these want more"],
        advice: [ImageTroubleWords.refuse])
    case .zlibBroken(let spot, let reason):
      ImageTroubleWords(
        code: "balong.zlib-broken", summary: "The zlib stream of \(spot) is broken.",
        facts: [reason], advice: [ImageTroubleWords.other])
    case .lzmaBroken(let spot, let reason):
      ImageTroubleWords(
        code: "balong.lzma-broken", summary: "The LZMA stream of \(spot) is broken.",
        facts: [reason], advice: [ImageTroubleWords.other])
    case .lzmaMemory(let spot):
      ImageTroubleWords(
        code: "balong.lzma-memory",
        summary: "Unpacking \(spot) would take more memory than allowed.",
        facts: ["known packages need at most 64 MiB"], advice: [ImageTroubleWords.refuse])
    case .packedTrailing(let spot, let count):
      ImageTroubleWords(
        code: "balong.packed-trailing", summary: "Data follows the packed stream of \(spot).",
        facts: ["expected the item to end with its stream, found \(count) more bytes"],
        advice: [ImageTroubleWords.other])
    case .signatureNonsense(let spot, let size):
      ImageTroubleWords(
        code: "balong.signature-nonsense",
        summary: "The signature block of \(spot) is impossible.",
        facts: ["it says that it has \(size) bytes, which cannot be"],
        advice: [ImageTroubleWords.other])
    default: folderWords
    }
  }

  var folderWords: ImageTroubleWords {
    let rename = "Name the files as `modemsmith image unpack` does: 00-00110000-Fastboot.bin."
    return switch self {
    case .folderTooMany(let found, let limit):
      ImageTroubleWords(
        code: "balong.folder-too-many", summary: "The folder holds \(found) items.",
        facts: ["expected at most \(limit)"], advice: ["Give one package's items only."])
    case .folderName(let name):
      ImageTroubleWords(
        code: "balong.folder-name", summary: "The file name \(name) tells no item id.",
        facts: ["expected two digits, dash, eight hex digits, dash, a name and .bin"],
        advice: [rename])
    case .folderOrder(let expected, let found, let name):
      ImageTroubleWords(
        code: "balong.folder-order", summary: "The items of the folder do not count on.",
        facts: ["expected number \(expected), found \(found) in \(name)"],
        advice: ["Add the missing file, or remove the one that is twice there.", rename])
    case .folderHeader(let name):
      ImageTroubleWords(
        code: "balong.folder-header", summary: "The file \(name) still has its item header.",
        facts: ["expected raw data, found the item magic at 0x0"],
        advice: ["Give the whole package instead, or unpack it with `modemsmith image unpack`."])
    default:
      ImageTroubleWords(
        code: "balong.folder-empty", summary: "No firmware item is in the folder.",
        facts: ["expected files such as 00-00110000-Fastboot.bin"], advice: [rename])
    }
  }
}
