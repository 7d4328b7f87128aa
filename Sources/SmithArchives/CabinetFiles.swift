public import SmithBytes

/// The files of a Windows cabinet, first to last, read as every archive is.
public final class CabinetFiles {
  private let stream: ArchiveStream
  private let budget: PeelBudget
  private let path: String

  /// Opens a cabinet; what is none ends the first look for a file.
  public init(_ file: SharedBytes, path: String) throws(ArchiveError) {
    self.path = path
    // Whoever takes the files may write them to a slow disk meanwhile.
    budget = PeelBudget(PeelLimits(time: .seconds(3600)), now: monotonicNow)
    stream = try ArchiveStream(
      ArchiveFound(kind: .cab, bytes: file, offset: 0), at: path, budget: budget)
  }

  /// The name of the next file as it is in the cabinet, for comparing only; nil at the end.
  public func next() throws(ArchiveError) -> String? {
    try budget.checkTime(at: path)
    guard let entry = try stream.next() else { return nil }
    try stream.unpack()
    return String(decoding: entry.rawName, as: UTF8.self)
  }

  /// The next bytes of the file; empty at its end.
  public func bytes() throws(ArchiveError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.isEmpty {
      try budget.checkTime(at: path)
      let isThere = try unsafe stream.piece { (piece, _) in bytes = unsafe [UInt8](piece) }
      if !isThere { break }
    }
    return bytes
  }
}
