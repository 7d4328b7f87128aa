public import SmithBytes
public import SmithFormats
public import SmithModel

/// Something in a file or folder that an owner may want to use.
public struct Candidate: Sendable {
  /// What it is.
  public enum Content: Sendable {
    /// A verified firmware image.
    case image(FirmwareImage)
    /// A firmware image that is damaged.
    case damaged(ImageError)
    /// A CD-ROM image.
    case dashboard(Dashboard)
    /// A loader, settings, a part of a firmware, or firmware for other devices.
    case other(ForeignFile)
  }

  /// What it is.
  public let content: Content
  /// Path of the file on the disk.
  public let outer: String
  /// What the file is called in lists: its name, or its path in the folder that was given.
  public let label: String
  /// Names inside of it, outermost first; empty for the file itself. Safe to print, unique
  /// together, and never a path on this computer.
  public let inside: [String]
  /// Its bytes.
  public let bytes: SharedBytes

  /// The files that it was put together from; empty for one file.
  public var parts: [SharedBytes] = []

  /// Whether it was found by looking through a folder.
  let isInFolder: Bool

  /// What `--inside` takes, as in `inner.7z#E3131_Update.exe`; in a folder with the file in front.
  public var insideName: String {
    ((isInFolder ? [label] : []) + inside).joined(separator: "#")
  }
  /// A path that leads to it again, as in `/tmp/outer.zip#inner.7z#E3131_Update.exe`.
  public var path: String { ([outer] + inside).joined(separator: "#") }
  /// Where it was found, for people, as in `outer.zip > inner/E3131_Update.exe`.
  public var foundAt: String { ([label] + inside).joined(separator: " > ") }

  /// The image, if it is a good one.
  public var image: FirmwareImage? {
    guard case .image(let image) = content else { return nil }
    return image
  }

  /// Lower is better.
  public var rank: Int {
    switch content {
    case .image(let image): image.kinds.contains(.firmware) || image.kinds.isEmpty ? 0 : 1
    case .damaged: 2
    case .dashboard: 3
    case .other: 4
    }
  }

  /// What it is, in words.
  public var words: String {
    switch content {
    case .image(let image):
      let kinds = image.kinds.map(\.words).sorted().joined(separator: " and ")
      let version = (image.claims.firmware ?? image.claims.dashboard).map { " \($0.text)" } ?? ""
      let products = image.claims.products.joined(separator: ", ")
      return (kinds.isEmpty ? "firmware" : kinds) + version
        + (products.isEmpty ? "" : " for \(products)")
    case .damaged(let error): return "a damaged image (\(error.trouble.code))"
    case .dashboard(let dashboard):
      let vendor = dashboard.vendor.map { "\($0.words) dashboard" } ?? "a CD-ROM image"
      return vendor + (dashboard.version.map { " \($0)" } ?? "")
        + " named \"\(dashboard.image.volume)\""
    case .other(let file): return file.words
    }
  }
}

extension Dashboard.Vendor {
  /// The maker's name as its owner writes it.
  public var words: String {
    switch self {
    case .huawei: "Huawei"
    case .zte: "ZTE"
    case .alcatel: "Alcatel"
    }
  }
}

/// What was found in a file or folder.
public struct Findings: Sendable {
  /// Path of the file or folder.
  public let path: String
  /// Everything that may be wanted, best first.
  public let candidates: [Candidate]
  /// What could not be looked into, and why.
  public let flaws: [ArchiveError]

  /// Good images, best first.
  public var images: [Candidate] { candidates.filter { $0.image != nil } }

  /// The images of the best rank, each content once.
  public var best: [Candidate] {
    guard let rank = images.first?.rank else { return [] }
    var result: [Candidate] = []
    for one in images where one.rank == rank {
      if !result.contains(where: { $0.isSame(as: one) }) { result.append(one) }
    }
    return result
  }

  /// One line for each candidate, with the number that `--inside` takes.
  public var list: [String] {
    candidates.enumerated().map { "\($0 + 1): \($1.foundAt): \($1.words)" }
  }

  /// The image to use.
  ///
  /// - Parameter wanted: its name or number as `--inside` takes it; nil for the only or best one.
  /// - Throws: ``ArchiveError`` or ``ImageError``, as a trouble-convertible error, if there is
  ///   none, or more than one that could be meant.
  public func choose(_ wanted: String?) throws(Choice) -> Candidate {
    guard let wanted else {
      let best = best
      guard let first = best.first else { throw nothing }
      guard best.count == 1 else {
        let found = candidates.enumerated().filter { pair in
          best.contains { $0.path == pair.element.path }
        }
        throw .archive(
          .severalImages(at: path, found: found.map { "\($0 + 1): \($1.foundAt): \($1.words)" }))
      }
      return first
    }
    let named = candidates.filter { $0.isNamed(wanted) }
    let exact = candidates.filter { $0.insideName == wanted }
    let match = exact.first ?? named.first
    if exact.isEmpty, named.count > 1 {
      throw .archive(.severalImages(at: path, found: named.map { "\($0.foundAt): \($0.words)" }))
    }
    if let match { return match }
    if let number = Int(wanted), candidates.indices.contains(number - 1) {
      return candidates[number - 1]
    }
    // What could not be looked into may be what was asked for.
    if let flaw = flaws.min(by: { $0.weight < $1.weight }) { throw .archive(flaw) }
    throw .archive(.noSuchEntry(at: path, wanted: wanted.shownSafely, found: list))
  }

  /// Why there is no image.
  private var nothing: Choice {
    for case (let candidate, .damaged(let error)) in candidates.map({ ($0, $0.content) }) {
      return .damaged(error, at: candidate.foundAt)
    }
    if let flaw = flaws.min(by: { $0.weight < $1.weight }) { return .archive(flaw) }
    return .archive(.nothingInside(at: path, found: list))
  }

  /// Why no image could be chosen.
  public enum Choice: Error, Equatable, TroubleConvertible {
    /// Something about the archives.
    case archive(ArchiveError)
    /// The only image is damaged.
    case damaged(ImageError, at: String)

    /// The explanation.
    public var trouble: Trouble {
      switch self {
      case .archive(let error): return error.trouble
      case .damaged(let error, let place):
        var trouble = error.trouble
        trouble.facts.append("found at \(place)")
        return trouble
      }
    }
  }
}

extension Candidate {
  /// Whether two hold the same bytes, in one file or in several.
  func isSame(as other: Candidate) -> Bool {
    bytes.isSame(as: other.bytes) && parts.count == other.parts.count
      && zip(parts, other.parts).allSatisfy { $0.isSame(as: $1) }
  }

  /// Whether a name given by a person means this one: its own name, or all of its path inside.
  func isNamed(_ wanted: String) -> Bool {
    let wanted = wanted.lowercased()
    let own = (inside.last ?? outer).lowercased()
    let file = own.split(separator: "/").last.map(String.init) ?? own
    return insideName.lowercased() == wanted || own == wanted || file == wanted
      || foundAt.lowercased() == wanted || path.lowercased() == wanted
  }
}

extension SharedBytes {
  /// Whether two slices hold the same bytes.
  func isSame(as other: SharedBytes) -> Bool {
    guard count == other.count else { return false }
    for start in stride(from: 0, to: count, by: 1 << 20) {
      let part = start..<min(start + (1 << 20), count)
      guard bytes(part) == other.bytes(part) else { return false }
    }
    return true
  }
}
