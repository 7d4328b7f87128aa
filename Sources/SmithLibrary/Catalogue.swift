import Foundation
import SmithEngine
public import SmithFormats
public import SmithModel

/// What somebody knows about firmware files: sums, claims, notes, bad marks; no firmware
/// (Docs/Protocols/catalogue.md section 1).
public struct Catalogue: Sendable, Codable, Equatable {
  /// One image in a file.
  public struct Image: Sendable, Codable, Equatable {
    /// Path inside the archive.
    public var inside: String?
    /// SHA-256 of the image by itself.
    public var sha256: String?
    /// Container format.
    public var format: String
    /// What it holds.
    public var kinds: [ImageKind]
    /// What it says about itself.
    public var claims: ImageClaims
    /// Bytes as they are sent.
    public var bytes: Int

    /// What is known of an image that was found.
    public init(_ found: FoundImage) {
      inside = found.inside
      sha256 = found.sha256
      format = found.format
      kinds = found.kinds
      claims = found.claims
      bytes = found.bytes
    }
  }

  /// One file.
  public struct Entry: Sendable, Codable, Equatable {
    /// SHA-256 of the file, 64 lower-case digits.
    public var sha256: String
    /// Its size; nil for a mark of a file that the author does not have.
    public var bytes: Int?
    /// File names that were seen.
    public var names: [String]
    /// The images in it.
    public var images: [Image]
    /// Where it came from.
    public var provenance: String?
    /// A note.
    public var note: String?
    /// Why it must not be used; nil if nothing is known against it.
    public var knownBad: String?

    /// Gathers the parts.
    public init(
      sha256: String, bytes: Int? = nil, names: [String] = [], images: [Image] = [],
      provenance: String? = nil, note: String? = nil, knownBad: String? = nil
    ) {
      self.sha256 = sha256
      self.bytes = bytes
      self.names = names
      self.images = images
      self.provenance = provenance
      self.note = note
      self.knownBad = knownBad
    }
  }

  /// Always `modemsmith-catalogue`.
  public var format: String
  /// Version of the form; 1.
  public var version: Int
  /// Who made it, or what it is about.
  public var name: String
  /// When, in ISO 8601 and UTC; a newer one of the same signer replaces the older.
  public var made: String
  /// The files, by sum.
  public var entries: [Entry]

  /// Gathers the parts.
  public init(name: String, made: String, entries: [Entry]) {
    format = "modemsmith-catalogue"
    version = 1
    self.name = name
    self.made = made
    self.entries = entries
  }

  /// Largest file that is read, in bytes.
  public static let longest = 128 << 20
  static let mostEntries = 200_000
  static let longestText = 4096

  /// Reads a catalogue; every length and number is bounded.
  ///
  /// - Throws: `catalogue.malformed`.
  public init(_ bytes: [UInt8]) throws(Trouble) {
    guard bytes.count <= Self.longest else { throw Self.malformed("it is longer than 128 MiB") }
    guard Self.depth(bytes) <= 16 else { throw Self.malformed("it is nested too deep") }
    do { self = try JSONDecoder().decode(Catalogue.self, from: Data(bytes)) } catch {
      throw Self.malformed("it is no catalogue in JSON")
    }
    guard format == "modemsmith-catalogue" else { throw Self.malformed("it is something else") }
    guard version == 1 else { throw Self.malformed("its version \(version) is not known") }
    guard entries.count <= Self.mostEntries else { throw Self.malformed("it has too many entries") }
    guard Self.isTime(made) else { throw Self.malformed("its time is none") }
    var seen: Set<String> = []
    for entry in entries {
      guard Library.isSum(entry.sha256), seen.insert(entry.sha256).inserted else {
        throw Self.malformed("a sum is wrong or comes twice: \(entry.sha256.prefix(70))")
      }
      guard entry.isBounded else { throw Self.malformed("entry \(entry.sha256) is too long") }
    }
  }

  /// The bytes that are signed: keys sorted, so that the same catalogue is the same bytes.
  public func encoded() throws(Trouble) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    guard let data = try? encoder.encode(self) else {
      throw Self.malformed("it cannot be written as JSON")
    }
    return [UInt8](data) + [0x0a]
  }

  /// `2026-11-21T08:00:00Z`, and nothing else: such texts sort by time.
  static func isTime(_ text: String) -> Bool {
    let pattern = Array("0000-00-00T00:00:00Z".utf8)
    return text.utf8.count == pattern.count
      && zip(text.utf8, pattern).allSatisfy { byte, mark in
        mark == 0x30 ? (0x30...0x39).contains(byte) : byte == mark
      }
  }

  /// How deep brackets are nested, outside of texts: a parser may be recursive.
  private static func depth(_ bytes: [UInt8]) -> Int {
    var depth = 0
    var deepest = 0
    var isText = false
    var isEscaped = false
    for byte in bytes {
      if isText {
        if isEscaped {
          isEscaped = false
        } else if byte == 0x5c {
          isEscaped = true
        } else if byte
          == 0x22
        {
          isText = false
        }
        continue
      }
      switch byte {
      case 0x22: isText = true
      case 0x5b, 0x7b:
        depth += 1
        deepest = max(deepest, depth)
      case 0x5d, 0x7d: depth -= 1
      default: break
      }
    }
    return deepest
  }

  static func malformed(_ reason: String) -> Trouble {
    Trouble(
      "catalogue.malformed", "The catalogue cannot be read: \(reason).",
      advice: ["Get it once more from where it came from."], exitCode: .badFile)
  }
}

extension Catalogue.Entry {
  /// Whether every text and list is of a sensible size.
  var isBounded: Bool {
    let texts =
      names + [provenance, note, knownBad].compactMap { $0 }
      + images.flatMap { image in
        [image.inside, image.sha256, image.format].compactMap { $0 } + image.claims.products
          + [image.claims.firmware, image.claims.dashboard, image.claims.webInterface]
          .compactMap { $0?.text } + [image.claims.buildDate].compactMap { $0 }
      }
    return names.count <= 64 && images.count <= 256 && (bytes ?? 0) >= 0
      && images.allSatisfy { image in
        image.bytes >= 0 && image.claims.products.count <= 64
          && (image.claims.sierra ?? []).count <= 16
          && (image.claims.sierra ?? []).allSatisfy(\.isBounded)
          && image.sha256.map { Library.isSum($0) } != false
      } && texts.allSatisfy { $0.utf8.count <= Catalogue.longestText }
  }
}
