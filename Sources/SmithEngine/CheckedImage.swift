import Crypto
import Foundation
public import SmithBytes
public import SmithFormats
public import SmithModel

/// A firmware file whose every checksum was verified, with its own fingerprint.
public struct CheckedImage: Sendable {
  /// What the file holds.
  public let image: FirmwareImage
  /// Absolute path of the file; the name of a made-up one.
  public let path: String
  /// SHA-256 of the whole file, hexadecimal; of the sums of all files where there are several.
  public let sha256: String
  /// Absolute paths of the files that go with it.
  public let others: [String]
  /// SHA-256 of each file of the set: what bad marks are about.
  public let sums: [String]

  /// Opens, recognises and checks a file.
  ///
  /// - Parameters:
  ///   - path: the file, or a folder of parts.
  ///   - keeping: how its bytes are kept until they are sent.
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(path: String, keeping: FileKeeping = .asItIs) throws(Trouble) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    if let folder = try Self.folder(full, keeping) {
      let all = folder.map(\.bytes)
      let read = try Self.steadily(all, path: full) { () throws(ImageError) in
        try ImageRegistry.recognise(folder: folder)
      }
      self.init(
        image: read, path: full,
        sha256: try Self.fingerprint(read.parts ?? all, path: full))
      return
    }
    try self.init(try keeping.open(full), named: full)
  }

  /// Joins files that are installed together, as Sierra's firmware and carrier settings are.
  ///
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(joining all: [CheckedImage]) throws(Trouble) {
    if all.count == 1 {
      self = all[0]
      return
    }
    let trees = all.flatMap(\.image.sierra)
    guard trees.count == all.count else {
      throw Trouble(
        "file.not-together", "These files cannot be installed together.",
        facts: all.map { "\($0.path): \($0.image.format.rawValue)" },
        advice: ["Only Sierra's firmware and carrier settings (.cwe and .nvu) go together."],
        exitCode: .badFile)
    }
    let sums = all.map(\.sha256).joined(separator: " ")
    self.init(
      image: FirmwareImage(trees), path: all.first?.path ?? "",
      sha256: [UInt8](SHA256.hash(data: [UInt8](sums.utf8))).hex,
      others: all.dropFirst().map(\.path), sums: all.map(\.sha256))
  }

  /// Recognises and checks bytes that are in memory already.
  public init(_ bytes: SharedBytes, named path: String) throws(Trouble) {
    let read = try Self.steadily([bytes], path: path) { () throws(ImageError) in
      try ImageRegistry.recognise(bytes)
    }
    self.init(image: read, path: path, sha256: try Self.fingerprint([bytes], path: path))
  }

  /// Wraps an image that was made of several files, as those of a folder inside an archive.
  public init(image: FirmwareImage, path: String, parts: [SharedBytes]) throws(Trouble) {
    self.init(image: image, path: path, sha256: try Self.fingerprint(parts, path: path))
  }

  /// Adds the fingerprint to an image that was read out of these bytes, and verified, just now.
  public init(_ image: FirmwareImage, of bytes: SharedBytes, named path: String) throws(Trouble) {
    self.init(image: image, path: path, sha256: try Self.fingerprint([bytes], path: path))
  }

  /// Wraps an image that was read and verified elsewhere.
  public init(
    image: FirmwareImage, path: String, sha256: String, others: [String] = [],
    sums: [String]? = nil
  ) {
    self.sums = sums ?? [sha256]
    self.image = image
    self.others = others
    self.path = path
    self.sha256 = sha256
  }

  /// Whether nobody can change its bytes any more: they are in memory or in a private copy.
  public var isSteady: Bool {
    image.segments.allSatisfy(\.stored.isSteady) && image.sierra.allSatisfy(\.bytes.isSteady)
  }

  /// Whether the package carries a signature that the stick checks.
  public var isSigned: Bool { image.signature != nil }

  /// Opens and checks a file without a fingerprint: enough to look into it.
  ///
  /// - Throws: a trouble with exit code 6.
  public static func read(path: String) throws(Trouble) -> FirmwareImage {
    if let folder = try folder(path, .asItIs) {
      return try steadily(folder.map(\.bytes), path: path) { () throws(ImageError) in
        try ImageRegistry.recognise(folder: folder)
      }
    }
    let bytes = try FileKeeping.asItIs.open(path)
    return try steadily([bytes], path: path) { () throws(ImageError) in
      try ImageRegistry.recognise(bytes)
    }
  }

  /// Reads, unless a file is not what it was when the reading began: then nothing that was seen
  /// of it counts.
  private static func steadily(
    _ bytes: [SharedBytes], path: String, _ read: () throws(ImageError) -> FirmwareImage
  ) throws(Trouble) -> FirmwareImage {
    let outcome = Result { () throws(ImageError) in try read() }
    guard !bytes.contains(where: \.hasChanged) else { throw FileKeeping.changed(path) }
    switch outcome {
    case .success(let image): return image
    case .failure(let error): throw error.trouble
    }
  }

  /// The files of a folder of parts, by name; nil if the path is no folder.
  private static func folder(_ path: String, _ keeping: FileKeeping) throws(Trouble)
    -> [(name: String, bytes: SharedBytes)]?
  {
    guard isFolder(path) else { return nil }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    var parts: [(name: String, bytes: SharedBytes)] = []
    // More names than any package has parts are somebody's home directory.
    // Beside a description nothing but files counts.
    let isDescribed = RawProgramPackage.isOne(names) || names.contains(where: GobiPackage.isMark)
    for name in names.sorted().prefix(256) where !name.hasPrefix(".") {
      if isDescribed, Self.isFolder("\(path)/\(name)") { continue }
      parts.append((name, try keeping.open("\(path)/\(name)")))
    }
    return parts
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// Reads files window by window, so that memory stays flat whatever their size.
  private static func fingerprint(_ parts: [SharedBytes], path: String) throws(Trouble) -> String {
    var hash = SHA256()
    for bytes in parts {
      bytes.forEachWindow { span, _ in
        unsafe span.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
        return true
      }
      if bytes.hasChanged { throw FileKeeping.changed(path) }
    }
    return [UInt8](hash.finalize()).hex
  }
}
