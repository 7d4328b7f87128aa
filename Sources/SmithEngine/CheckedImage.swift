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
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(path: String) throws(Trouble) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    if let folder = try Self.folder(full) {
      let read: FirmwareImage
      do { read = try ImageRegistry.recognise(folder: folder) } catch { throw error.trouble }
      self.init(image: read, path: full, sha256: Self.fingerprint(folder.map(\.bytes)))
      return
    }
    let bytes: SharedBytes
    do { bytes = try SharedBytes(mapping: full) } catch {
      throw Self.unreadable(path, error.reason)
    }
    try self.init(bytes, named: full)
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
    let read: FirmwareImage
    do { read = try ImageRegistry.recognise(bytes) } catch { throw error.trouble }
    self.init(image: read, path: path, sha256: Self.fingerprint([bytes]))
  }

  /// Adds the fingerprint to an image that was read out of these bytes, and verified, just now.
  public init(_ image: FirmwareImage, of bytes: SharedBytes, named path: String) {
    self.init(image: image, path: path, sha256: Self.fingerprint([bytes]))
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

  /// Wraps an image that was put together from several files of an archive.
  public init(image: FirmwareImage, path: String, parts: [SharedBytes]) {
    self.init(image: image, path: path, sha256: Self.fingerprint(parts))
  }

  /// Whether the package carries a signature that the stick checks.
  public var isSigned: Bool { image.signature != nil }

  /// Opens and checks a file without a fingerprint: enough to look into it.
  ///
  /// - Throws: a trouble with exit code 6.
  public static func read(path: String) throws(Trouble) -> FirmwareImage {
    if let folder = try folder(path) {
      do { return try ImageRegistry.recognise(folder: folder) } catch { throw error.trouble }
    }
    let bytes: SharedBytes
    do { bytes = try SharedBytes(mapping: path) } catch { throw unreadable(path, error.reason) }
    do { return try ImageRegistry.recognise(bytes) } catch { throw error.trouble }
  }

  /// The files of a folder of parts, by name; nil if the path is no folder.
  private static func folder(_ path: String) throws(Trouble)
    -> [(name: String, bytes: SharedBytes)]?
  {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      isFolder.boolValue
    else { return nil }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    var parts: [(name: String, bytes: SharedBytes)] = []
    // More names than any package has parts are somebody's home directory.
    for name in names.sorted().prefix(256) where !name.hasPrefix(".") {
      do { parts.append((name, try SharedBytes(mapping: "\(path)/\(name)"))) } catch {
        throw unreadable("\(path)/\(name)", error.reason)
      }
    }
    return parts
  }

  private static func unreadable(_ path: String, _ reason: String) -> Trouble {
    Trouble(
      "file.unreadable", "\(path) cannot be read: \(reason).",
      advice: ["Check the path and that you may read the file."], exitCode: .badFile)
  }

  /// Reads a file in pieces, so that memory stays flat whatever its size.
  private static func fingerprint(_ parts: [SharedBytes]) -> String {
    var hash = SHA256()
    for bytes in parts {
      var passing = PassingReader(bytes)
      bytes.withSpan { span in
        var done = 0
        while done < span.byteCount {
          let end = min(done + 1_048_576, span.byteCount)
          unsafe span.extracting(done..<end).withUnsafeBytes {
            unsafe hash.update(bufferPointer: $0)
          }
          done = end
          passing.passed(done)
        }
      }
      bytes.release(0..<bytes.count)
    }
    return [UInt8](hash.finalize()).hex
  }
}
