import Crypto
import Foundation
public import SmithBytes
public import SmithFormats
public import SmithModel
import SmithProtocols

/// A firmware file whose every checksum was verified, with its own fingerprint.
public struct CheckedImage: Sendable {
  /// What the file holds.
  public let image: FirmwareImage
  /// Absolute path of the file; the name of a made-up one.
  public let path: String
  /// SHA-256 of the whole file, hexadecimal.
  public let sha256: String

  /// Opens, recognises and checks a file.
  ///
  /// - Throws: a trouble with exit code 6; nothing was sent to any stick.
  public init(path: String) throws(Trouble) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    do {
      try self.init(SharedBytes(mapping: full), named: full)
    } catch let error as MappingError {
      throw Trouble(
        "file.unreadable", "\(path) cannot be read: \(error.reason).",
        advice: ["Check the path and that you may read the file."], exitCode: .badFile)
    } catch let trouble as Trouble {
      throw trouble
    } catch {
      throw Trouble(
        "file.unreadable", "\(path) cannot be read.", advice: ["Check the file."],
        exitCode: .badFile)
    }
  }

  /// Recognises and checks bytes that are in memory already.
  public init(_ bytes: SharedBytes, named path: String) throws(Trouble) {
    do { image = try ImageRegistry.recognise(bytes) } catch { throw error.trouble }
    self.path = path
    sha256 = Self.fingerprint(bytes)
  }

  /// The items as the download procedure wants them.
  var balongItems: [BalongItem] {
    image.segments.map { segment in
      BalongItem(id: segment.id, name: segment.name, size: segment.size) { () throws(Trouble) in
        var reader: SegmentReader
        do { reader = try segment.reader() } catch { throw error.trouble }
        return { (count: Int) throws(Trouble) -> [UInt8] in
          do { return try reader.next(count) } catch { throw error.trouble }
        }
      }
    }
  }

  /// Reads a file in pieces, so that memory stays flat whatever its size.
  private static func fingerprint(_ bytes: SharedBytes) -> String {
    var hash = SHA256()
    bytes.withSpan { span in
      var done = 0
      while done < span.byteCount {
        let end = min(done + 1_048_576, span.byteCount)
        unsafe span.extracting(done..<end).withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
        done = end
      }
    }
    return [UInt8](hash.finalize()).hex
  }
}
