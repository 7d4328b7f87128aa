public import SmithModel

/// Why a folder with `rawprogram*.xml` is no firmware that may be written
/// (Docs/Protocols/rawprogram.md section 5).
public enum RawProgramError: Error, Equatable, Sendable {
  /// A description or the programmer cannot be read.
  case file(String, QualcommImageError)
  /// A description names a file that is not there.
  case missingFile(String, needed: String)
  /// No file is a programmer.
  case noProgrammer
  /// More than one file may be the programmer.
  case severalProgrammers([String])
  /// It writes a partition of identity or calibration.
  case protected(label: String, file: String)
  /// A file is larger than its place, or its place lies outside.
  case outOfBounds(String)
  /// Two writes meet.
  case overlap(String, String)
  /// A file is an Android sparse image, which is not a plain copy.
  case sparse(String)
  /// Two parts say different things, or one that cannot be kept.
  case contradiction(String)
  /// Nothing is left that would be written.
  case nothingToWrite
  /// More files than any package has.
  case tooManyFiles(Int)
}

extension RawProgramError: TroubleConvertible {
  /// Code, words and advice; a bad file never touched a stick.
  public var trouble: Trouble {
    if case .file(let name, let error) = self {
      var trouble = error.trouble
      trouble.facts.append("in the file \(name)")
      return trouble
    }
    let (code, summary) = words
    return Trouble(code, summary, advice: [advice], exitCode: .badFile)
  }

  private var advice: String {
    switch self {
    case .noProgrammer, .missingFile, .nothingToWrite:
      "Get the whole package again: all of its files belong in one folder or archive."
    case .severalProgrammers:
      "Leave only the programmer that was made for this model in the folder."
    case .protected:
      "Use a package without identity partitions; what makes a stick this stick is never written."
    case .sparse: "Turn the sparse image into a plain one (`simg2img`), or get a plain package."
    default: "Get the package from another source; this one was not made with care."
    }
  }

  private var words: (code: String, summary: String) {
    switch self {
    case .file(_, let error): (error.trouble.code, error.trouble.summary)
    case .missingFile(let name, let needed):
      ("rawprogram.missing-file", "The file \(name) is missing; \(needed) needs it.")
    case .noProgrammer:
      ("rawprogram.no-programmer", "No programmer (ELF or MBN) is among the files.")
    case .severalProgrammers(let names):
      (
        "rawprogram.several-programmers",
        "More than one file may be the programmer: \(names.joined(separator: ", "))."
      )
    case .protected(let label, let file):
      (
        "rawprogram.protected",
        "The package writes \(file) to \(label), which holds identity or calibration."
      )
    case .outOfBounds(let what):
      ("rawprogram.out-of-bounds", "A file does not fit its place: \(what).")
    case .overlap(let one, let other):
      ("rawprogram.overlap", "\(one) and \(other) are to be written to the same sectors.")
    case .sparse(let name):
      ("rawprogram.sparse", "\(name) is an Android sparse image, which cannot be written as it is.")
    case .contradiction(let what):
      ("rawprogram.contradiction", "The description cannot be kept: \(what).")
    case .nothingToWrite:
      ("rawprogram.nothing-to-write", "The descriptions name no file that would be written.")
    case .tooManyFiles(let count):
      ("rawprogram.too-many-files", "\(count) files are more than any package has.")
    }
  }
}
