public import SmithModel

/// Why a file is no usable loader for a Balong boot ROM.
public enum LoaderError: Error, Equatable, Sendable {
  /// The file is something else that we know.
  case foreign(ForeignFile)
  /// It does not begin as loaders do.
  case notALoader(size: Int)
  /// Its list of parts is empty.
  case noParts
  /// A part reaches beyond the end of the file; bytes.
  case truncated(part: Int, expected: Int, found: Int)
  /// An entry that no loader has; number from 1, and why.
  case badPart(Int, String)
}

extension LoaderError: TroubleConvertible {
  /// The explanation; nothing was sent to any stick.
  public var trouble: Trouble {
    let again = "Get the file again, and compare its size with the page you got it from."
    switch self {
    case .foreign(let file):
      return Trouble(
        file.code, "The file is \(file.words), not a loader.",
        facts: ["recognised by its content at \(hex(file.evidence))"], advice: [again],
        exitCode: .badFile)
    case .notALoader(let size):
      return Trouble(
        "loader.not-a-loader", "The file is no loader for a Balong boot ROM.",
        facts: ["a loader begins with 00 00 02 00; this file of \(size) bytes does not"],
        advice: ["Give the loader after --loader and the firmware without it.", again],
        exitCode: .badFile)
    case .noParts:
      return Trouble(
        "loader.bad-part", "The loader's list of parts is empty.", advice: [again],
        exitCode: .badFile)
    case .truncated(let part, let expected, let found):
      return Trouble(
        "loader.truncated", "The loader is cut off in its part \(part).",
        facts: ["expected \(expected) bytes, found \(found)"], advice: [again],
        exitCode: .badFile)
    case .badPart(let part, let reason):
      return Trouble(
        "loader.bad-part", "Part \(part) of the loader contradicts itself: \(reason).",
        advice: [again], exitCode: .badFile)
    }
  }
}
