import Foundation
import GRDB
import SmithFormats
public import SmithModel

/// What taking a catalogue over came to.
public struct ImportSummary: Sendable, Equatable {
  /// Id of the key that signed it.
  public var signer: String
  /// Name of the catalogue.
  public var name: String
  /// The signed comment.
  public var comment: String
  /// Entries that it has.
  public var entries: Int
  /// How many of them are bad marks.
  public var bad: Int
  /// Files of this library that it knows.
  public var mine: Int
}

extension Library {
  /// Everything that is known here, without paths of this computer; entries by sum.
  public func catalogue(name: String, made: String? = nil) throws(Trouble) -> Catalogue {
    var found: [String: Catalogue.Entry] = [:]
    var last = 0
    while true {
      let some = try entries(after: last, limit: 500)
      guard let end = some.last else { break }
      last = end.id
      for entry in some { found[entry.sha256] = Self.shared(entry) }
    }
    let marks = try store.read { try Row.fetchAll($0, sql: "SELECT * FROM remark") }
    for mark in marks {
      guard let sum = mark.text("sha256") else { continue }
      var entry = found[sum] ?? Catalogue.Entry(sha256: sum)
      entry.note = mark.text("note")
      entry.knownBad = mark.text("bad")
      guard found[sum] != nil || entry.note != nil || entry.knownBad != nil else { continue }
      found[sum] = entry
    }
    return Catalogue(
      name: String(name.prefix(200)), made: made ?? Date().formatted(.iso8601),
      entries: found.values.sorted { $0.sha256 < $1.sha256 })
  }

  /// What may leave the computer: no folder names.
  private static func shared(_ entry: Entry) -> Catalogue.Entry {
    let names = entry.places.filter { !$0.isCopy }.map { ($0.path as NSString).lastPathComponent }
    return Catalogue.Entry(
      sha256: entry.sha256, bytes: entry.bytes, names: Array(Set(names).sorted().prefix(64)),
      images: entry.images.prefix(256).map { Catalogue.Image($0) }, provenance: entry.provenance)
  }

  /// Trusts a key from now on.
  public func trust(_ key: Minisign.PublicKey) throws(Trouble) {
    let now = Date().formatted(.iso8601)
    try store.write { database in
      try database.execute(
        sql: """
          INSERT INTO trusted(id, key, added) VALUES (?, ?, ?)
          ON CONFLICT(id) DO UPDATE SET key = excluded.key
          """, arguments: [key.id, key.base64, now])
    }
  }

  /// Trusts a key no longer, and forgets everything that it signed.
  ///
  /// - Returns: whether it was trusted.
  @discardableResult
  public func distrust(_ id: String) throws(Trouble) -> Bool {
    try store.write { database in
      try Self.withdrawOffers(of: id, database)
      try database.execute(sql: "DELETE FROM claim WHERE signer = ?", arguments: [id])
      try database.execute(sql: "DELETE FROM trusted WHERE id = ?", arguments: [id])
      return database.changesCount > 0
    }
  }

  /// The keys that are trusted.
  public func trustedKeys() throws(Trouble) -> [Minisign.PublicKey] {
    let lines = try store.read {
      try String.fetchAll($0, sql: "SELECT key FROM trusted ORDER BY id")
    }
    return lines.compactMap { line in
      do throws(Trouble) { return try Minisign.PublicKey(line) } catch { return nil }
    }
  }

  /// Takes a signed catalogue over, in the place of the same signer's older one.
  ///
  /// - Throws: `catalogue.untrusted` unless one of the trusted keys made the signature,
  ///   `catalogue.bad-signature`, `catalogue.malformed`, and `catalogue.older` for one that is
  ///   older than what this signer gave before: an attacker could take bad marks back with it.
  public func take(_ bytes: [UInt8], signature: String) throws(Trouble) -> ImportSummary {
    let keys = try trustedKeys()
    guard let key = keys.first(where: { Self.names($0, in: signature) }) else {
      throw Trouble(
        "catalogue.untrusted", "The catalogue is not signed by a key that you trust.",
        facts: keys.map { "trusted: \($0.id)" },
        advice: [
          "Get the author's public key from a place that you trust, then run"
            + " `modemsmith library trust KEY`."
        ], exitCode: .refused)
    }
    // Nothing of the file is looked at before the signature was found good.
    let comment = try Minisign.verify(bytes, signature, by: key)
    let catalogue = try Catalogue(bytes)
    return try store.write { database in
      let newest = try String.fetchOne(
        database, sql: "SELECT newest FROM trusted WHERE id = ?", arguments: [key.id])
      if let newest, catalogue.made < newest {
        throw Trouble(
          "catalogue.older", "The catalogue is older than the one that you have of this signer.",
          facts: ["this one: \(catalogue.made)", "yours: \(newest)"],
          advice: ["Get the newest one; nothing was changed."], exitCode: .refused)
      }
      try database.execute(
        sql: "UPDATE trusted SET newest = ? WHERE id = ?", arguments: [catalogue.made, key.id])
      try Self.withdrawOffers(of: key.id, database)
      try database.execute(sql: "DELETE FROM claim WHERE signer = ?", arguments: [key.id])
      return try Self.fill(catalogue, key.id, comment, database)
    }
  }

  private static func fill(
    _ catalogue: Catalogue, _ signer: String, _ comment: String, _ database: Database
  ) throws -> ImportSummary {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let insert = try database.makeStatement(
      sql: "INSERT INTO claim(signer, sha256, entry, bad) VALUES (?, ?, ?, ?)")
    for entry in catalogue.entries {
      let text = String(decoding: try encoder.encode(entry), as: UTF8.self)
      try insert.execute(arguments: [signer, entry.sha256, text, entry.knownBad])
      try offer(entry, by: signer, database)
      // A mark on an image inside an archive is a mark on that image, wherever it lies.
      for image in entry.images {
        guard let sum = image.sha256, let bad = entry.knownBad else { continue }
        try database.execute(
          sql: "INSERT OR IGNORE INTO claim(signer, sha256, entry, bad) VALUES (?, ?, ?, ?)",
          arguments: [signer, sum, text, bad])
      }
    }
    let mine = try Int.fetchOne(
      database,
      sql: """
        SELECT count(*) FROM file
        WHERE EXISTS(SELECT 1 FROM claim WHERE signer = ? AND claim.sha256 = file.sha256)
        """, arguments: [signer])
    return ImportSummary(
      signer: signer, name: catalogue.name, comment: comment, entries: catalogue.entries.count,
      bad: catalogue.entries.count { $0.knownBad != nil }, mine: mine ?? 0)
  }

  /// What trusted catalogues say about a sum.
  public func claims(of sha256: String) throws(Trouble) -> [(signer: String, Catalogue.Entry)] {
    let rows = try store.read {
      try Row.fetchAll(
        $0, sql: "SELECT signer, entry FROM claim WHERE sha256 = ? ORDER BY signer",
        arguments: [sha256])
    }
    return rows.compactMap { row in
      guard let signer = row.text("signer"), let text = row.text("entry"),
        let entry = try? JSONDecoder().decode(Catalogue.Entry.self, from: Data(text.utf8))
      else { return nil }
      return (signer, entry)
    }
  }

  /// Whether a signature says that this key made it.
  private static func names(_ key: Minisign.PublicKey, in signature: String) -> Bool {
    let lines = signature.prefix(16_384).split(whereSeparator: \.isNewline)
    guard lines.count > 1, let bytes = Data(base64Encoded: String(lines[1])), bytes.count == 74
    else { return false }
    return [UInt8](bytes[2..<10]) == key.number
  }
}
