public import SmithModel

/// Why files are no usable package for Qualcomm NAND flash
/// (Docs/Protocols/qualcomm-nand.md section 1).
public enum NANDPackageError: Error, Equatable, Sendable {
  /// One of the files is damaged.
  case part(String, QualcommImageError)
  /// There is no partition table for a loader.
  case noTable
  /// There is no loader.
  case noLoader
  /// The loader was changed by somebody.
  case patchedLoader(String)
  /// There is no application (AMSS).
  case noApplication
  /// Two files are the same part.
  case twoOfAKind(String, [String])
  /// An image is bigger than its partition.
  case tooBig(String, size: Int, room: Int)
}

extension NANDPackageError: TroubleConvertible {
  /// Code, words and advice; a bad file never touched a stick.
  public var trouble: Trouble {
    if case .part(let name, let error) = self {
      var trouble = error.trouble
      trouble.facts.append("in \(Self.tame(name))")
      return trouble
    }
    let (code, summary, advice) = words
    return Trouble(code, summary, advice: [advice], exitCode: .badFile)
  }

  private var words: (code: String, summary: String, advice: String) {
    let whole = "Give the folder or archive as the maker's program has it, with all of its files."
    switch self {
    case .part: return ("mbn.no-header", "A part is damaged.", whole)
    case .noTable:
      return (
        "nand.no-table", "The package has no partition table (partition.mbn) to compare with.",
        whole
      )
    case .noLoader:
      return (
        "nand.no-loader", "The package has no loader (NPRG or ENPRG, as .hex, .mbn or .bin).", whole
      )
    case .patchedLoader(let name):
      return (
        "nand.patched-loader", "The loader \(Self.tame(name)) was changed by somebody.",
        "Use the loader of the maker's own package: a changed one goes past the care for bad blocks."
      )
    case .noApplication:
      return ("nand.no-application", "The package has no application (AMSS) to write.", whole)
    case .twoOfAKind(let what, let names):
      return (
        "nand.two-of-a-kind",
        "The package has more than one \(what): \(names.map(Self.tame).joined(separator: ", ")).",
        "Leave only the files of one package in the folder."
      )
    case .tooBig(let name, let size, let room):
      return (
        "nand.too-big",
        "\(Self.tame(name)) has \(size) bytes and its partition room for \(room).",
        "The files are not of one package: get the whole of it for exactly this model."
      )
    }
  }

  private static func tame(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(80).map {
        $0.isASCII && $0.value >= 32 ? Character($0) : "?"
      })
  }
}
