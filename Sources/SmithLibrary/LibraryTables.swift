import GRDB

/// How the library and the history lie on the disk (Docs/Protocols/library.md sections 2 and 3).
enum Tables {
  static let library = StoreKind(
    noun: "firmware library", application: 0x4d53_4c42, isDurable: false, migrator: libraryTables)
  static let history = StoreKind(
    noun: "update history", application: 0x4d53_4849, isDurable: true, migrator: historyTables)

  private static let libraryTables: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("library 1") { database in
      try database.execute(
        sql: """
          CREATE TABLE file(
            id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE CHECK(length(sha256) = 64),
            bytes INTEGER NOT NULL, added TEXT NOT NULL, provenance TEXT);
          CREATE TABLE place(
            path TEXT PRIMARY KEY, file INTEGER NOT NULL REFERENCES file(id) ON DELETE CASCADE,
            bytes INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL,
            added TEXT NOT NULL, copied INTEGER NOT NULL) WITHOUT ROWID;
          CREATE INDEX place_file ON place(file);
          CREATE TABLE image(
            id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES file(id) ON DELETE CASCADE,
            inside TEXT, sha256 TEXT, format TEXT NOT NULL, kinds TEXT NOT NULL,
            claims TEXT NOT NULL, version TEXT, bytes INTEGER NOT NULL, warnings TEXT NOT NULL);
          CREATE INDEX image_file ON image(file);
          CREATE INDEX image_sha ON image(sha256);
          CREATE TABLE product(
            name TEXT NOT NULL, image INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,
            PRIMARY KEY(name, image)) WITHOUT ROWID;
          CREATE INDEX product_image ON product(image);
          CREATE VIRTUAL TABLE words USING fts5(text, detail=full, columnsize=0);
          CREATE TABLE remark(sha256 TEXT PRIMARY KEY, note TEXT, bad TEXT) WITHOUT ROWID;
          CREATE TABLE trusted(
            id TEXT PRIMARY KEY, key TEXT NOT NULL, added TEXT NOT NULL,
            newest TEXT) WITHOUT ROWID;
          CREATE TABLE claim(
            signer TEXT NOT NULL, sha256 TEXT NOT NULL, entry TEXT NOT NULL, bad TEXT,
            PRIMARY KEY(signer, sha256)) WITHOUT ROWID;
          CREATE INDEX claim_sha ON claim(sha256);
          """)
    }
    migrator.registerMigration("library 2") { try Candidates.migrate($0) }
    return migrator
  }()

  private static let historyTables: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("history 1") { database in
      try database.execute(
        sql: """
          CREATE TABLE run(
            id INTEGER PRIMARY KEY, began TEXT NOT NULL, place TEXT NOT NULL, route TEXT,
            vendor TEXT, model TEXT, hardware TEXT, unit TEXT, before TEXT, after TEXT,
            verdict TEXT NOT NULL, trouble TEXT, file TEXT NOT NULL, sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL, seconds REAL NOT NULL, journal TEXT, backup TEXT,
            resumed INTEGER NOT NULL, warnings TEXT NOT NULL);
          CREATE INDEX run_model ON run(vendor, model, verdict);
          CREATE TABLE phase(
            run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, position INTEGER NOT NULL,
            name TEXT NOT NULL, seconds REAL NOT NULL, PRIMARY KEY(run, position)) WITHOUT ROWID;
          """)
    }
    return migrator
  }()
}

extension Row {
  /// A text, or nil for anything else: a damaged row must not end the process.
  func text(_ name: String) -> String? {
    (self[name] as DatabaseValue?).flatMap { String.fromDatabaseValue($0) }
  }

  /// A whole number, or nil for anything else.
  func number(_ name: String) -> Int? {
    (self[name] as DatabaseValue?).flatMap { Int.fromDatabaseValue($0) }
  }

  /// Any number, or nil for anything else.
  func real(_ name: String) -> Double? {
    (self[name] as DatabaseValue?).flatMap { Double.fromDatabaseValue($0) }
  }
}
