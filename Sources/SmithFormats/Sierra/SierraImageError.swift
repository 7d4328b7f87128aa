public import SmithModel

/// What is wrong with a Sierra image file; `at` is the offset of the header in the file.
public enum SierraImageError: Error, Equatable, Sendable {
  /// The file holds nothing.
  case empty
  /// The file ends inside a header.
  case truncatedHeader(at: Int, have: Int)
  /// Type or product are not printable: this is no Sierra image.
  case notAnImage
  /// The file ends inside a body.
  case truncatedBody(at: Int, type: String, declared: Int, have: Int)
  /// Bytes follow the outermost image.
  case trailingGarbage(count: Int)
  /// A header declares an empty body.
  case zeroSize(at: Int, type: String)
  /// A header declares more than any stick takes.
  case tooBig(at: Int, type: String, declared: Int, limit: Int)
  /// A nested image ends after the image that contains it.
  case childOutOfBounds(at: Int, type: String, declared: Int, room: Int)
  /// Nested images are followed by bytes that are no image.
  case childGarbage(at: Int, parent: String, count: Int)
  /// Images are nested deeper, or are more, than any real file.
  case tooComplex(at: Int)
  /// The CRC of the product-specific buffer is wrong.
  case psbCRC(at: Int, type: String, stored: UInt32, computed: UInt32)
  /// The CRC of a body is wrong.
  case imageCRC(at: Int, type: String, stored: UInt32, computed: UInt32)
  /// No loader knows this type.
  case unknownType(at: Int, type: String)
  /// Something follows the end of the version text.
  case junkAfterVersion(at: Int, type: String)
  /// The header is older than revision 3.
  case oldHeader(at: Int, type: String, revision: UInt32)
  /// The header is newer than revision 3.
  case newHeader(at: Int, type: String, revision: UInt32)
  /// An APPL image without the signature word that loaders ask for.
  case applSignature(at: Int, signature: UInt32)
  /// A compressed body is no zlib stream.
  case badCompression(at: Int, type: String)
  /// A compressed body inflates to more than any stick takes.
  case inflatesTooBig(at: Int, type: String, limit: Int)
  /// The version names a chip generation that is loaded by another protocol.
  case wrongGeneration(family: String)
}

extension SierraImageError: TroubleConvertible {
  /// The explanation; a file error never touches a stick.
  public var trouble: Trouble {
    let (name, summary, fact, advice) = words
    return Trouble(
      name, summary, facts: fact.isEmpty ? [] : [fact],
      advice: advice.isEmpty ? [Self.again] : [advice, Self.again], exitCode: .badFile)
  }

  private static let again =
    "Download or copy the file again and compare its size and checksum with the source."

  private var words: (name: String, summary: String, fact: String, advice: String) {
    switch self {
    case .empty:
      ("sierra.empty", "The file is empty.", "", "")
    case .truncatedHeader(let at, let have):
      (
        "sierra.truncated-header", "The file ends inside a header.",
        "\(have) of 400 bytes at \(at)", ""
      )
    case .truncatedBody(let at, let type, let declared, let have):
      (
        "sierra.truncated-body", "The file ends inside the image \(type).",
        "image at \(at): \(have) of \(declared) bytes", ""
      )
    case .trailingGarbage(let count):
      (
        "sierra.trailing-garbage", "Bytes follow the end of the image.", "\(count) bytes too many",
        ""
      )
    case .zeroSize(let at, let type):
      ("sierra.zero-size", "The image \(type) is empty.", "header at \(at)", "")
    case .tooBig(let at, let type, let declared, let limit):
      (
        "sierra.too-big", "The image \(type) claims an impossible size.",
        "header at \(at): \(declared) bytes, limit \(limit)", ""
      )
    case .childOutOfBounds(let at, let type, let declared, let room):
      (
        "sierra.child-out-of-bounds", "The nested image \(type) is larger than what contains it.",
        "image at \(at): \(declared) bytes, room for \(room)", ""
      )
    case .childGarbage(let at, let parent, let count):
      (
        "sierra.child-garbage", "Bytes inside \(parent) belong to no image.",
        "\(count) bytes at \(at)",
        ""
      )
    case .tooComplex(let at):
      ("sierra.too-complex", "The images are nested too deeply or are too many.", "at \(at)", "")
    default: moreWords
    }
  }

  private var moreWords: (name: String, summary: String, fact: String, advice: String) {
    switch self {
    case .psbCRC(let at, let type, let stored, let computed):
      (
        "sierra.psb-crc", "The header of \(type) is damaged.",
        "header at \(at): CRC \(hex(stored)) stored, \(hex(computed)) computed", ""
      )
    case .imageCRC(let at, let type, let stored, let computed):
      (
        "sierra.image-crc", "The content of \(type) is damaged.",
        "image at \(at): CRC \(hex(stored)) stored, \(hex(computed)) computed", ""
      )
    case .unknownType(let at, let type):
      (
        "sierra.unknown-type", "The image type \(type) is not known.", "header at \(at)",
        "Check that the file is meant for a stick that Modemsmith supports."
      )
    case .junkAfterVersion(let at, let type):
      (
        "sierra.junk-after-version", "The version text of \(type) has a tail.", "header at \(at)",
        ""
      )
    case .oldHeader(let at, let type, let revision):
      (
        "sierra.old-header", "The header of \(type) is of an old revision.",
        "header at \(at): revision \(revision), 3 expected", ""
      )
    case .newHeader(let at, let type, let revision):
      (
        "sierra.new-header", "The header of \(type) is of an unknown revision.",
        "header at \(at): revision \(revision), 3 expected", ""
      )
    case .applSignature(let at, let signature):
      (
        "sierra.appl-signature", "The APPL image lacks the word that loaders ask for.",
        "header at \(at): \(hex(signature)), 00000001 expected", ""
      )
    case .badCompression(let at, let type):
      ("sierra.bad-compression", "The content of \(type) cannot be inflated.", "image at \(at)", "")
    case .inflatesTooBig(let at, let type, let limit):
      (
        "sierra.inflates-too-big", "The content of \(type) inflates to an impossible size.",
        "image at \(at): more than \(limit) bytes", ""
      )
    case .wrongGeneration(let family):
      (
        "sierra.wrong-generation",
        "The file is for the \(family) generation, which is out of scope.",
        "version names \(family)", "Use the vendor's own tool for this stick."
      )
    default:
      // Only `.notAnImage` is left.
      (
        "sierra.not-an-image", "The file is no Sierra image.", "type or product is not text",
        "Check that the file is a .cwe, .spk or .nvu of Sierra Wireless."
      )
    }
  }

  private func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
