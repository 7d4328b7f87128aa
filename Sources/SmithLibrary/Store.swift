import Foundation
import GRDB
import Glibc
import SmithModel

/// What one kind of database is called, and how it is laid out.
struct StoreKind: Sendable {
  /// What people call it, as in "firmware library".
  var noun: String
  /// SQLite's application id: a file without it is not ours.
  var application: Int32
  /// Whether every change is on the disk before it counts, power cuts included.
  var isDurable: Bool
  /// Lays out the tables.
  var migrator: DatabaseMigrator
}

/// One SQLite file in WAL mode: made whole or not at all, never remade over a damaged one
/// (Docs/Protocols/library.md section 1).
final class Store: Sendable {
  let path: String
  let kind: StoreKind
  /// Whether the folder cannot be written: everything is read from a copy then.
  let isReadOnly: Bool
  private let queue: DatabaseQueue
  private let temporary: String?

  /// Opens the database, or makes a new one where there is none.
  ///
  /// - Throws: `library.corrupt`, `library.not-writable`, `library.disk-full`, `library.busy`.
  init(_ path: String, _ kind: StoreKind, pageLimit: Int? = nil) throws(Trouble) {
    self.path = path
    self.kind = kind
    let folder = (path as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    // One process at a time makes or migrates the file.
    let gate = unsafe open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { if gate >= 0 { Glibc.close(gate) } }
    isReadOnly = gate < 0
    if gate >= 0 { _ = flock(gate, LOCK_EX) }
    do {
      if isReadOnly {
        guard FileManager.default.fileExists(atPath: path) else {
          throw Self.notWritable(path, kind)
        }
        let copy = try Self.copied(path)
        temporary = copy
        queue = try Self.opened("\(copy)/copy.sqlite", kind, isNew: false, pageLimit)
      } else {
        temporary = nil
        if !FileManager.default.fileExists(atPath: path) { try Self.make(path, kind) }
        queue = try Self.opened(path, kind, isNew: false, pageLimit)
      }
    } catch {
      throw Self.trouble(error, path, kind)
    }
  }

  deinit {
    try? queue.close()
    if let temporary { try? FileManager.default.removeItem(atPath: temporary) }
  }

  /// Reads in one consistent view.
  func read<Value>(_ body: (Database) throws -> Value) throws(Trouble) -> Value {
    do { return try queue.read(body) } catch { throw Self.trouble(error, path, kind) }
  }

  /// Changes everything in `body`, or nothing.
  func write<Value>(_ body: (Database) throws -> Value) throws(Trouble) -> Value {
    if isReadOnly { throw Self.notWritable(path, kind) }
    do { return try queue.write(body) } catch { throw Self.trouble(error, path, kind) }
  }

  /// What SQLite finds wrong with the file; empty if nothing.
  func flaws() throws(Trouble) -> [String] {
    try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(20)") }.filter { $0 != "ok" }
  }

  /// Lays the file out beside its place and moves it there, so that no half-made one is ever found.
  private static func make(_ path: String, _ kind: StoreKind) throws {
    let part = "\(path).new"
    for ending in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: part + ending)
    }
    let queue = try opened(part, kind, isNew: true, nil)
    try queue.close()
    // The log of a lost database must not be played into this one.
    for ending in ["-wal", "-shm"] where FileManager.default.fileExists(atPath: path + ending) {
      try FileManager.default.moveItem(
        atPath: path + ending, toPath: "\(path)\(ending).lost-\(getpid())")
    }
    guard unsafe rename(part, path) == 0 else { throw notWritable(path, kind) }
  }

  private static func opened(
    _ path: String, _ kind: StoreKind, isNew: Bool, _ pageLimit: Int?
  ) throws -> DatabaseQueue {
    if !isNew { try checkHead(path, kind) }
    var configuration = Configuration()
    // The mode stays with the file; setting it once more would write to a damaged one.
    if isNew { configuration.journalMode = .wal }
    configuration.busyMode = .timeout(30)
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = \(kind.isDurable ? "FULL" : "NORMAL")")
      try database.execute(sql: "PRAGMA cache_size = -8000")
    }
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.inDatabase { database in
      if isNew {
        try database.execute(sql: "PRAGMA application_id = \(kind.application)")
      }
    }
    if try !queue.read({ try kind.migrator.hasCompletedMigrations($0) }) {
      // What looks unfinished may be damaged, and nothing is written to that.
      let flaw = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
      guard flaw == "ok" else { throw corrupt(path, kind, flaw ?? "it cannot be checked") }
      try kind.migrator.migrate(queue)
    }
    if let pageLimit {
      _ = try queue.inDatabase {
        try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(pageLimit)")
      }
    }
    return queue
  }

  /// SQLite takes an emptied or very short file for a new one and writes over it, so the head is
  /// looked at first: its name, and whose file it is.
  private static func checkHead(_ path: String, _ kind: StoreKind) throws(Trouble) {
    guard let file = FileHandle(forReadingAtPath: path) else { throw notWritable(path, kind) }
    let head = ((try? file.read(upToCount: 100)) ?? nil).map { [UInt8]($0) } ?? []
    guard head.count == 100, head.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw corrupt(path, kind, head.isEmpty ? "the file is empty" : "it is no database")
    }
    let owner = head[68..<72].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard owner == UInt32(bitPattern: kind.application) else {
      throw corrupt(path, kind, "it is not a \(kind.noun)")
    }
  }

  /// Closes the file before its time; nothing can be asked afterwards.
  func close() { try? queue.close() }

  /// A private copy of a database on a disk that cannot be written, with its log.
  private static func copied(_ path: String) throws -> String {
    let folder = NSTemporaryDirectory() + "/modemsmith-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    for ending in ["", "-wal"] where FileManager.default.fileExists(atPath: path + ending) {
      try FileManager.default.copyItem(
        atPath: path + ending, toPath: "\(folder)/copy.sqlite\(ending)")
    }
    return folder
  }

  // MARK: What can go wrong

  static func trouble(_ error: any Error, _ path: String, _ kind: StoreKind) -> Trouble {
    if let trouble = error as? Trouble { return trouble }
    guard let error = error as? DatabaseError else { return notWritable(path, kind, "\(error)") }
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH,
      .SQLITE_EMPTY, .SQLITE_FORMAT:
      return corrupt(path, kind, error.message ?? "\(error.resultCode)")
    case .SQLITE_FULL: return diskFull(path, kind)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return Trouble(
        "library.busy", "Another modemsmith has been changing the \(kind.noun) for 30 seconds.",
        facts: [path], advice: ["Wait until it is done, then repeat the command."],
        exitCode: .refused)
    default:
      return errno == ENOSPC ? diskFull(path, kind) : notWritable(path, kind, error.message)
    }
  }

  static func corrupt(_ path: String, _ kind: StoreKind, _ reason: String) -> Trouble {
    Trouble(
      "library.corrupt", "The database of the \(kind.noun) is damaged; it was left as it is.",
      facts: [path, reason],
      advice: [
        "Run `modemsmith library repair`: it sets the damaged file aside and keeps what can be read.",
        "Put a copy of the file back, if you have one.",
      ], exitCode: .badFile)
  }

  private static func diskFull(_ path: String, _ kind: StoreKind) -> Trouble {
    Trouble(
      "library.disk-full", "The \(kind.noun) cannot take more: the disk is full.",
      facts: [path], advice: ["Make room on the disk, then repeat the command: it goes on."],
      exitCode: .refused)
  }

  static func notWritable(_ path: String, _ kind: StoreKind, _ reason: String? = nil) -> Trouble {
    Trouble(
      "library.not-writable", "The \(kind.noun) cannot be written.",
      facts: [path] + (reason.map { [$0] } ?? []),
      advice: ["Choose a folder of your own with --data-dir DIR or --state-dir DIR."],
      exitCode: .refused)
  }
}
