public import SmithBytes

/// A CD-ROM image that was read: its labels and all of its files
/// (Docs/Protocols/iso9660.md section 1).
public struct ISO9660Image: Sendable {
  /// Name of the volume; the Joliet one where there is one.
  public var volume: String
  /// What the image says of the system it is for.
  public var system: String
  /// Who published it, as the image says.
  public var publisher: String
  /// Who prepared it, as the image says.
  public var preparer: String
  /// The program that made it, as the image says.
  public var application: String
  /// When it was made, as `2014-06-11 17:25:43`; nil if it does not say.
  public var created: String?
  /// Whether names were read from the Joliet tree.
  public var isJoliet: Bool
  /// Bytes that the volume occupies.
  public var size: Int
  /// Every file, in the order of the directories.
  public var files: [ISO9660File]
  /// Oddities that do not make the image unreadable.
  public var warnings: [ISO9660Warning]

  /// The file at `path` without regard to case; nil if there is none.
  public func file(_ path: String) -> ISO9660File? {
    let wanted = path.lowercased()
    return files.first { $0.path.lowercased() == wanted }
  }
}

/// One file of a CD-ROM image.
public struct ISO9660File: Sendable {
  /// Path from the root with `/` between names; safe to print, never to be used as a path.
  public var path: String
  /// Size in bytes as the directory says.
  public var size: Int
  /// The bytes: slices of the image, in order; empty if they do not lie inside of it.
  public var extents: [SharedBytes]

  /// The last part of the path.
  public var name: String { String(path.split(separator: "/").last ?? "") }

  /// Copies the first bytes of the file, `limit` at most.
  public func bytes(limit: Int) -> [UInt8] {
    var result: [UInt8] = []
    for extent in extents where result.count < limit {
      result += extent.bytes(0..<min(extent.count, limit - result.count))
    }
    return result
  }
}

/// Something odd about a CD-ROM image; prints itself as one sentence.
public enum ISO9660Warning: Sendable, Equatable, CustomStringConvertible {
  /// A directory leads back to one that was read already.
  case loop(String)
  /// Directories are nested deeper than is sane; what is below was left out.
  case tooDeep(String)
  /// Data of the file or directory lies outside of the image.
  case outside(String)
  /// Data of two files overlap without being the same.
  case overlap(String, String)
  /// A directory record contradicts itself; the rest of its block was left out.
  case badRecord(String)
  /// The Joliet names cannot be read; the short ones are shown.
  case jolietBroken

  /// One plain sentence.
  public var description: String {
    switch self {
    case .loop(let path): "The directory \(path) leads back to another one."
    case .tooDeep(let path): "The directory \(path) lies too deep and was left out."
    case .outside(let path): "The data of \(path) lies outside of the image."
    case .overlap(let one, let other): "The data of \(one) and \(other) overlap."
    case .badRecord(let path): "A record of the directory \(path) is damaged."
    case .jolietBroken: "The long names cannot be read; the short ones are shown."
    }
  }
}

/// Bounds that keep a hostile CD-ROM image from eating the machine.
public struct ISO9660Limits: Sendable, Equatable {
  /// Most files and directories together.
  public var entries: Int
  /// Deepest nesting of directories.
  public var depth: Int
  /// Most bytes of one directory.
  public var directorySize: Int
  /// Most warnings that are kept.
  public var warnings: Int

  /// The limits used unless others are given.
  public static let standard = ISO9660Limits()

  /// Gathers the limits.
  public init(
    entries: Int = 20_000, depth: Int = 16, directorySize: Int = 4 << 20, warnings: Int = 32
  ) {
    self.entries = entries
    self.depth = depth
    self.directorySize = directorySize
    self.warnings = warnings
  }
}
