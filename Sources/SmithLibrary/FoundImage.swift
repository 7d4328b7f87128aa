import SmithBytes
public import SmithEngine
public import SmithFormats
public import SmithModel

/// One firmware image in a file of the library: what it says about itself, and where it is.
public struct FoundImage: Sendable, Codable, Equatable {
  /// Path inside the archive; nil if the file itself is the image.
  public var inside: String?
  /// SHA-256 of the image by itself, where it was peeled out of an archive.
  public var sha256: String?
  /// Container format, as in `balong`.
  public var format: String
  /// What it holds.
  public var kinds: [ImageKind]
  /// What it says about itself.
  public var claims: ImageClaims
  /// Bytes as they would be sent.
  public var bytes: Int
  /// Oddities, in words.
  public var warnings: [String]

  /// What a verified image says.
  public init(_ image: FirmwareImage, inside: String? = nil, sha256: String? = nil) {
    self.inside = inside
    self.sha256 = sha256
    format = image.format.rawValue
    kinds = ImageKind.allCases.filter { image.kinds.contains($0) }
    claims = image.claims
    bytes = image.size
    warnings = image.warnings.map { "\($0)" }
  }

  /// What somebody else says; nothing was verified.
  init(
    format: String, kinds: [ImageKind], claims: ImageClaims, bytes: Int, inside: String? = nil,
    sha256: String? = nil, warnings: [String] = []
  ) {
    self.format = format
    self.kinds = kinds
    self.claims = claims
    self.bytes = bytes
    self.inside = inside
    self.sha256 = sha256
    self.warnings = warnings
  }

  /// What a fit is judged by.
  public var facts: ImageFacts { ImageFacts(format: format, kinds: Set(kinds), claims: claims) }
}

/// Finds the images in a file; a face may look into archives too.
///
/// - Throws: why there is none.
public typealias ImageReader = @Sendable (_ path: String) throws(Trouble) -> [FoundImage]

/// Readers of images.
public enum ImageReaders {
  /// Takes the file itself for an image, or an archive apart where `archives` can.
  ///
  /// - Parameter archives: looks into a file that is no image itself; empty if it holds none.
  public static func plain(archives: ImageReader? = nil) -> ImageReader {
    { path throws(Trouble) in
      do throws(Trouble) {
        return [FoundImage(try CheckedImage.read(path: path))]
      } catch {
        guard let archives else { throw error }
        let found = try archives(path)
        if found.isEmpty { throw error }
        return found
      }
    }
  }
}
