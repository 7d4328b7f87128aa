import Foundation
import GRDB
import SmithFormats
import SmithModel

/// What a search for a stick goes by: one row for each product of an image, in an order in which
/// the likeliest of one product and customer stand together, the newest last
/// (Docs/Protocols/library.md section 2).
enum Candidates {
  /// Whose image a row speaks of.
  enum Source: Int {
    /// An image in a file of the owner.
    case mine = 0
    /// An image that a trusted catalogue knows.
    case offer = 1
  }

  static let tables = """
    CREATE TABLE candidate(
      source INTEGER NOT NULL, name TEXT NOT NULL, family INTEGER NOT NULL,
      customer INTEGER NOT NULL, age TEXT NOT NULL, image INTEGER NOT NULL,
      PRIMARY KEY(source, name, family, customer, age, image)) WITHOUT ROWID;
    CREATE INDEX candidate_family ON candidate(source, name, family, age);
    CREATE INDEX candidate_age ON candidate(source, name, age);
    CREATE INDEX candidate_image ON candidate(source, image);
    CREATE TABLE offer(
      id INTEGER PRIMARY KEY, signer TEXT NOT NULL, sha256 TEXT NOT NULL, image INTEGER NOT NULL);
    CREATE INDEX offer_signer ON offer(signer);
    CREATE VIRTUAL TABLE offerwords USING fts5(text, detail=full, columnsize=0);
    """

  /// Stands for a version that is not named or has no such group.
  static let unknown = -1

  /// The first four groups of a version as text that sorts by age.
  static func age(_ version: FirmwareVersion?) -> String {
    guard let groups = version?.groups else { return "" }
    return groups.prefix(4).map { number in
      let digits = String(max(0, min(number, 999_999)))
      return String(repeating: "0", count: 6 - digits.count) + digits
    }.joined(separator: ".")
  }

  static func family(_ version: FirmwareVersion?) -> Int { version?.groups?.first ?? unknown }

  /// Huawei's fifth group.
  static func customer(_ version: FirmwareVersion?) -> Int {
    guard let groups = version?.groups, groups.count >= 5 else { return unknown }
    return groups[4]
  }

  /// Notes an image under each of its products; one without any is noted under none.
  static func insert(
    _ claims: ImageClaims, _ source: Source, image: Int64, _ database: Database
  ) throws {
    let names = claims.products.isEmpty ? [""] : claims.products.map { $0.uppercased() }
    let insert = try database.cachedStatement(
      sql: """
        INSERT OR IGNORE INTO candidate(source, name, family, customer, age, image)
        VALUES (?, ?, ?, ?, ?, ?)
        """)
    for name in names {
      try insert.execute(arguments: [
        source.rawValue, name, family(claims.firmware), customer(claims.firmware),
        age(claims.firmware), image,
      ])
    }
  }

  static func forget(_ source: Source, image: Int, _ database: Database) throws {
    try database.execute(
      sql: "DELETE FROM candidate WHERE source = ? AND image = ?",
      arguments: [source.rawValue, image])
  }

  /// Ids of the likeliest images for products, tier by tier: of the stick's own customer, then
  /// those whose customer is not known, then all others; each from the newest on.
  static func likeliest(
    _ names: [String], _ version: FirmwareVersion?, inFamily: Bool, _ source: Source, limit: Int,
    _ database: Database
  ) throws -> [[Int]] {
    var seen: Set<Int> = []
    return try queries(version, inFamily: inFamily).map { query in
      try names.flatMap { name in
        let statement = try database.cachedStatement(
          sql: """
            SELECT image FROM candidate WHERE source = ? AND name = ?\(query)
            ORDER BY age DESC LIMIT ?
            """)
        return try Int.fetchAll(statement, arguments: [source.rawValue, name, limit])
          .filter { seen.insert($0).inserted }
      }
    }
  }

  /// Conditions, each of which an index serves.
  private static func queries(_ version: FirmwareVersion?, inFamily: Bool) -> [String] {
    guard let version, inFamily, let family = version.groups?.first else { return [""] }
    let own = customer(version)
    let mine = own == unknown ? [] : [" AND family = \(family) AND customer = \(own)"]
    return mine + [
      " AND family = \(family) AND customer = \(unknown)", " AND family = \(family)",
      // A file that does not name its version may be of any family.
      " AND family = \(unknown)",
    ]
  }

  /// The products that begin with one of these texts, as far as there are some: files say
  /// `E3372h`, sticks say `E3372`.
  static func names(_ beginnings: [String], _ source: Source, _ database: Database) throws
    -> [String]
  {
    var found: [String] = []
    for beginning in beginnings {
      var next = beginning
      // From name to name, however many images have the same.
      while found.count < 64,
        let name = try String.fetchOne(
          database,
          sql: "SELECT min(name) FROM candidate WHERE source = ? AND name >= ? AND name < ?",
          arguments: [source.rawValue, next, beginning + "\u{10FFFF}"])
      {
        if !found.contains(name) { found.append(name) }
        next = name + "\u{1}"
      }
    }
    return found
  }

  /// Fills the tables from what an older version of them kept.
  static func migrate(_ database: Database) throws {
    try database.execute(sql: tables)
    let images = try Row.fetchCursor(database, sql: "SELECT id, claims FROM image")
    let decoder = JSONDecoder()
    while let row = try images.next() {
      guard let id = row.number("id"), let text = row.text("claims"),
        let claims = try? decoder.decode(ImageClaims.self, from: Data(text.utf8))
      else { continue }
      try insert(claims, .mine, image: Int64(id), database)
    }
    let claims = try Row.fetchCursor(database, sql: "SELECT signer, sha256, entry FROM claim")
    while let row = try claims.next() {
      guard let signer = row.text("signer"), let sum = row.text("sha256"),
        let text = row.text("entry"),
        let entry = try? decoder.decode(Catalogue.Entry.self, from: Data(text.utf8)),
        entry.sha256 == sum
      else { continue }
      try Library.offer(entry, by: signer, database)
    }
    try database.execute(sql: "DROP TABLE product")
  }
}

extension Library {
  /// Makes the images of a catalogue's entry findable.
  static func offer(_ entry: Catalogue.Entry, by signer: String, _ database: Database) throws {
    let insert = try database.cachedStatement(
      sql: "INSERT INTO offer(signer, sha256, image) VALUES (?, ?, ?)")
    let words = try database.cachedStatement(
      sql: "INSERT INTO offerwords(rowid, text) VALUES (?, ?)")
    for (number, image) in entry.images.prefix(16).enumerated() {
      try insert.execute(arguments: [signer, entry.sha256, number])
      let id = database.lastInsertedRowID
      let text = Self.words(
        image.claims, image.format, image.kinds,
        more: [image.inside, entry.provenance, entry.note] + entry.names.prefix(8).map { $0 })
      try words.execute(arguments: [id, text])
      try Candidates.insert(image.claims, .offer, image: id, database)
    }
  }

  /// Forgets everything that a signer offered.
  static func withdrawOffers(of signer: String, _ database: Database) throws {
    try database.execute(
      sql: "DELETE FROM offerwords WHERE rowid IN (SELECT id FROM offer WHERE signer = ?)",
      arguments: [signer])
    try database.execute(
      sql: """
        DELETE FROM candidate WHERE source = 1
        AND image IN (SELECT id FROM offer WHERE signer = ?)
        """, arguments: [signer])
    try database.execute(sql: "DELETE FROM offer WHERE signer = ?", arguments: [signer])
  }

  /// What a search by words goes by.
  static func words(
    _ claims: ImageClaims, _ format: String, _ kinds: [ImageKind], more: [String?]
  ) -> String {
    let texts =
      claims.products
      + [claims.firmware?.text, claims.dashboard?.text, claims.webInterface?.text, format]
      .compactMap { $0 }
      + (claims.sierra ?? []).flatMap { [$0.product, $0.versions.carrier].compactMap { $0 } }
    return (texts + more.compactMap { $0 } + kinds.map(\.rawValue)).joined(separator: " ")
  }
}
