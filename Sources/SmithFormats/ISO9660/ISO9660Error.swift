public import SmithModel

/// Why bytes are no usable CD-ROM image; each case is one trouble page.
public enum ISO9660Error: Error, Equatable, Sendable {
  /// No primary volume descriptor where it has to be.
  case noDescriptor
  /// The image is shorter than its descriptor says.
  case truncated(expected: Int, found: Int)
  /// Logical blocks of a size that no CD-ROM has.
  case blockSize(Int)
  /// The root directory lies outside of the image or is no directory.
  case badRoot
  /// More files or directories than any dashboard has.
  case tooManyFiles(limit: Int)
}

extension ISO9660Error: TroubleConvertible {
  /// The explanation; nothing was sent to any stick when an image is refused.
  public var trouble: Trouble {
    let words = words
    return Trouble(
      words.code, words.summary, facts: words.facts, advice: words.advice, exitCode: .badFile)
  }

  private var words: ImageTroubleWords {
    switch self {
    case .noDescriptor:
      ImageTroubleWords(
        code: "iso.no-descriptor", summary: "The file is no CD-ROM image.",
        facts: ["expected the mark CD001 of a primary volume at 0x8001"],
        advice: [ImageTroubleWords.again])
    case .truncated(let expected, let found):
      ImageTroubleWords(
        code: "iso.truncated", summary: "The CD-ROM image is cut off.",
        facts: ["it says that it has \(expected) bytes, \(found) are there"],
        advice: [ImageTroubleWords.again])
    case .blockSize(let size):
      ImageTroubleWords(
        code: "iso.block-size", summary: "The CD-ROM image has blocks of an impossible size.",
        facts: ["expected blocks of 2048 bytes, found \(size)"],
        advice: [ImageTroubleWords.other])
    case .badRoot:
      ImageTroubleWords(
        code: "iso.bad-root", summary: "The CD-ROM image has no readable root directory.",
        facts: ["expected a directory that lies inside of the image"],
        advice: [ImageTroubleWords.again, ImageTroubleWords.other])
    case .tooManyFiles(let limit):
      ImageTroubleWords(
        code: "iso.too-many-files", summary: "The CD-ROM image has too many files.",
        facts: ["expected at most \(limit) files and directories"],
        advice: [ImageTroubleWords.refuse])
    }
  }
}
