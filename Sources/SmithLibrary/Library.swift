import Foundation
import GRDB
import SmithBytes
import SmithEngine
import SmithFormats
public import SmithModel

/// The owner's firmware files: what they hold, where they lie, and what is known about them.
///
/// The files stay where they are unless they are copied in; the database holds facts only
/// (Docs/Protocols/library.md section 2).
public final class Library: Sendable {
  /// Folder of the database and of copied files.
  public let folder: String
  let store: Store

  /// Opens the library in `folder`, or in the XDG data directory; makes it where there is none.
  ///
  /// - Throws: `library.corrupt`, `library.not-writable`, `library.disk-full`, `library.busy`.
  public convenience init(_ folder: String? = nil) throws(Trouble) {
    try self.init(folder, pageLimit: nil)
  }

  /// A library that may grow to so many pages of 4 KiB only.
  init(_ folder: String?, pageLimit: Int?) throws(Trouble) {
    self.folder = Self.path(folder)
    store = try Store("\(self.folder)/library.sqlite", Tables.library, pageLimit: pageLimit)
  }

  /// The folder that is meant: `folder`, or the XDG data directory.
  public static func path(_ folder: String?) -> String {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? NSHomeDirectory()
    let base = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let chosen = folder ?? "\(base ?? "\(home)/.local/share")/modemsmith"
    return URL(fileURLWithPath: chosen).standardizedFileURL.path
  }

  /// Whether there is a library; asking makes none.
  public static func exists(_ folder: String? = nil) -> Bool {
    FileManager.default.fileExists(atPath: "\(path(folder))/library.sqlite")
  }

  /// One file of the library.
  public struct Entry: Sendable, Equatable {
    /// Number in this library.
    public var id: Int
    /// SHA-256 of the file, hexadecimal.
    public var sha256: String
    /// Its size.
    public var bytes: Int
    /// When it was added, in ISO 8601.
    public var added: String
    /// Where the owner got it from.
    public var provenance: String?
    /// Where copies of it lie, ours first.
    public var places: [Place]
    /// The images in it.
    public var images: [FoundImage]
    /// The owner's own note.
    public var note: String?
    /// Why it is marked as bad, by whom.
    public var bad: [String]
  }

  /// One copy of a file.
  public struct Place: Sendable, Equatable {
    /// Absolute path.
    public var path: String
    /// Whether it is the library's own copy.
    public var isCopy: Bool
  }

  // MARK: Looking things up

  /// How many files there are.
  public func count() throws(Trouble) -> Int {
    try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM file") ?? 0 }
  }

  /// Files in the order in which they were added, from after `last` on.
  public func entries(after last: Int = 0, limit: Int = 1000) throws(Trouble) -> [Entry] {
    try store.read { database in
      let ids = try Int.fetchAll(
        database, sql: "SELECT id FROM file WHERE id > ? ORDER BY id LIMIT ?",
        arguments: [last, limit])
      return try ids.compactMap { try Self.entry($0, database) }
    }
  }

  /// The one file that is meant by a number, the beginning of a SHA-256, or a path.
  ///
  /// - Throws: `library.not-found`, or `library.ambiguous` if the beginning is too short.
  public func entry(_ name: String) throws(Trouble) -> Entry {
    let path = URL(fileURLWithPath: name).standardizedFileURL.path
    let found: [Entry] = try store.read { database in
      var ids = try Int.fetchAll(
        database, sql: "SELECT file FROM place WHERE path = ?", arguments: [path])
      if ids.isEmpty, let number = Int(name), name.count < 10 {
        ids = try Int.fetchAll(
          database, sql: "SELECT id FROM file WHERE id = ?", arguments: [number])
      }
      let isHex = name.allSatisfy { $0.isASCII && $0.isHexDigit }
      if ids.isEmpty, isHex, (4...64).contains(name.count) {
        let start = name.lowercased()
        ids = try Int.fetchAll(
          database, sql: "SELECT id FROM file WHERE sha256 >= ? AND sha256 < ? LIMIT 5",
          arguments: [start, start + "g"])
      }
      return try ids.compactMap { try Self.entry($0, database) }
    }
    guard let first = found.first else {
      throw Trouble(
        "library.not-found", "The library has no file \"\(name)\".",
        advice: ["Run `modemsmith library list` to see numbers and sums."], exitCode: .usage)
    }
    guard found.count == 1 else {
      throw Trouble(
        "library.ambiguous", "\"\(name)\" is the beginning of several sums.",
        facts: found.map { $0.sha256 }, advice: ["Write more of it, or the number of the file."],
        exitCode: .usage)
    }
    return first
  }

  static func entry(_ id: Int, _ database: Database) throws -> Entry? {
    guard
      let row = try Row.fetchOne(
        database.cachedStatement(sql: "SELECT * FROM file WHERE id = ?"), arguments: [id])
    else { return nil }
    let sha = row.text("sha256") ?? ""
    let places = try Row.fetchAll(
      database.cachedStatement(
        sql: "SELECT path, copied FROM place WHERE file = ? ORDER BY copied DESC, path"),
      arguments: [id])
    let images = try Row.fetchAll(
      database.cachedStatement(sql: "SELECT * FROM image WHERE file = ? ORDER BY id"),
      arguments: [id])
    let found = images.compactMap { image($0) }
    let sums = [sha] + found.compactMap(\.sha256)
    return Entry(
      id: id, sha256: sha, bytes: row.number("bytes") ?? 0, added: row.text("added") ?? "",
      provenance: row.text("provenance"),
      places: places.map { Place(path: $0.text("path") ?? "", isCopy: $0.number("copied") == 1) },
      images: found,
      note: try String.fetchOne(
        database.cachedStatement(sql: "SELECT note FROM remark WHERE sha256 = ?"),
        arguments: [sha]),
      bad: try sums.flatMap { try bad($0, database) })
  }

  static func image(_ row: Row) -> FoundImage? {
    let decoder = JSONDecoder()
    func read<Value: Decodable>(_ name: String) -> Value? {
      row.text(name).flatMap { try? decoder.decode(Value.self, from: Data($0.utf8)) }
    }
    guard let kinds: [ImageKind] = read("kinds"), let claims: ImageClaims = read("claims"),
      let warnings: [String] = read("warnings"), let format = row.text("format")
    else { return nil }
    return FoundImage(
      format: format, kinds: kinds, claims: claims, bytes: row.number("bytes") ?? 0,
      inside: row.text("inside"), sha256: row.text("sha256"), warnings: warnings)
  }

  // MARK: Marks

  /// Every reason why a sum is marked as bad: the owner's own, then those of trusted catalogues.
  static func bad(_ sha256: String, _ database: Database) throws -> [String] {
    let own = try String.fetchAll(
      database.cachedStatement(
        sql: "SELECT bad FROM remark WHERE sha256 = ? AND bad IS NOT NULL"),
      arguments: [sha256])
    let others = try Row.fetchAll(
      database.cachedStatement(
        sql: """
          SELECT claim.bad, claim.signer FROM claim JOIN trusted ON trusted.id = claim.signer
          WHERE claim.sha256 = ? AND claim.bad IS NOT NULL ORDER BY claim.signer
          """), arguments: [sha256])
    return own.map { "\($0) (your own mark)" }
      + others.map { "\($0.text("bad") ?? "") (catalogue \($0.text("signer") ?? ""))" }
  }

  /// Why files with any of these sums are marked as bad; empty if none is.
  public func knownBad(_ sums: [String]) throws(Trouble) -> [String] {
    try store.read { database in
      var all = Set(sums)
      // A mark on an archive counts for what is in it, and the other way round.
      for sum in sums {
        all.formUnion(
          try String.fetchAll(
            database,
            sql: """
              SELECT file.sha256 FROM file JOIN image ON image.file = file.id
              WHERE image.sha256 = ?
              """, arguments: [sum]))
      }
      return try all.sorted().flatMap { try Self.bad($0, database) }
    }
  }

  /// A refusal if the file is marked as bad: asked before an update is planned.
  ///
  /// - Throws: `library.known-bad` with exit code 5.
  public func refuseKnownBad(_ sums: [String]) throws(Trouble) {
    let reasons = try knownBad(sums)
    guard !reasons.isEmpty else { return }
    throw Trouble(
      "library.known-bad", "This file is marked as bad.", facts: reasons,
      advice: [
        "Choose another file: `modemsmith library find --for-device` shows what fits.",
        "If the mark is your own and wrong: `modemsmith library mark SHA256 --good`.",
      ], exitCode: .refused)
  }

  /// Sets or takes away the owner's own note and bad mark of a sum.
  ///
  /// - Parameters:
  ///   - note: nil leaves the note, an empty text takes it away.
  ///   - bad: nil leaves the mark, an empty text takes it away.
  public func mark(_ sha256: String, note: String? = nil, bad: String? = nil) throws(Trouble) {
    guard Self.isSum(sha256) else {
      throw Trouble(
        "library.bad-sum", "\"\(sha256)\" is no SHA-256 sum.",
        advice: ["Write all 64 hexadecimal digits, or a file of the library."], exitCode: .usage)
    }
    try store.write { database in
      try database.execute(
        sql: "INSERT OR IGNORE INTO remark(sha256) VALUES (?)", arguments: [sha256])
      if let note {
        try database.execute(
          sql: "UPDATE remark SET note = nullif(?, '') WHERE sha256 = ?",
          arguments: [String(note.prefix(4000)), sha256])
      }
      if let bad {
        try database.execute(
          sql: "UPDATE remark SET bad = nullif(?, '') WHERE sha256 = ?",
          arguments: [String(bad.prefix(4000)), sha256])
      }
    }
  }

  static func isSum(_ text: String) -> Bool {
    text.utf8.count == 64
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  // MARK: Taking away

  /// Forgets a file; deletes the library's own copy, never the owner's file.
  public func remove(_ entry: Entry) throws(Trouble) {
    try store.write { database in
      let images = try Int.fetchAll(
        database, sql: "SELECT id FROM image WHERE file = ?", arguments: [entry.id])
      for id in images {
        try database.execute(sql: "DELETE FROM words WHERE rowid = ?", arguments: [id])
        try Candidates.forget(.mine, image: id, database)
      }
      try database.execute(sql: "DELETE FROM file WHERE id = ?", arguments: [entry.id])
    }
    for place in entry.places where place.isCopy && place.path.hasPrefix("\(folder)/files/") {
      try? FileManager.default.removeItem(atPath: place.path)
    }
  }
}
