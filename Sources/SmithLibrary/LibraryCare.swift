import Foundation
import GRDB
import Glibc
public import SmithModel

/// What became of one copy of a file since it was added.
public struct PlaceCheck: Sendable, Equatable {
  /// The one word.
  public enum State: String, Sendable, CaseIterable {
    /// The same bytes.
    case good
    /// Other bytes now.
    case changed
    /// No file there any more.
    case missing
    /// It cannot be read.
    case unreadable
  }

  /// Where it is.
  public var path: String
  /// The sum it should have.
  public var sha256: String
  /// What was found.
  public var state: State
}

/// What repairing came to.
public struct RepairSummary: Sendable, Equatable {
  /// Where the damaged file is now; nil if it was not damaged.
  public var setAside: String?
  /// Files that could be taken over.
  public var kept: Int
}

extension Library {
  /// Reads every copy of every file once more and compares the sums; also asks SQLite whether the
  /// database is sound.
  ///
  /// - Parameter hear: called for each place.
  /// - Throws: `library.corrupt` if the database itself is damaged.
  public func verify(
    isStopped: () -> Bool = { false }, hear: (PlaceCheck) -> Void
  ) throws(Trouble) {
    let flaws = try store.flaws()
    guard flaws.isEmpty else {
      throw Store.corrupt(store.path, store.kind, flaws.prefix(3).joined(separator: "; "))
    }
    var last = 0
    while true {
      let some = try entries(after: last, limit: 200)
      guard let end = some.last else { return }
      last = end.id
      for entry in some {
        for place in entry.places {
          if isStopped() { return }
          hear(PlaceCheck(path: place.path, sha256: entry.sha256, state: Self.state(place, entry)))
        }
      }
    }
  }

  private static func state(_ place: Place, _ entry: Entry) -> PlaceCheck.State {
    switch FileSum.of(place.path) {
    case .sum(entry.sha256, _): .good
    case .sum, .changed, .stopped: .changed
    case .unreadable:
      FileManager.default.fileExists(atPath: place.path) ? .unreadable : .missing
    }
  }

  /// Sets a damaged database aside and takes over what can be read of it, row by row.
  ///
  /// The damaged file is never deleted. A sound one is left alone.
  public static func repair(_ folder: String? = nil) throws(Trouble) -> RepairSummary {
    let path = "\(Self.path(folder))/library.sqlite"
    guard FileManager.default.fileExists(atPath: path) else {
      throw Trouble(
        "library.nothing-to-repair", "There is no library at \(path).",
        advice: ["Make one with `modemsmith library add PATH`."], exitCode: .nothingToDo)
    }
    if let sound = try? Library(folder), (try? sound.store.flaws()) == [] {
      return RepairSummary(setAside: nil, kept: try sound.count())
    }
    let stamp = Date().formatted(.iso8601).filter { !":-".contains($0) }
    let aside = "\(path).damaged-\(stamp)-\(getpid())"
    for ending in ["", "-wal"] where FileManager.default.fileExists(atPath: path + ending) {
      guard unsafe rename(path + ending, aside + ending) == 0 else {
        throw Store.notWritable(path, Tables.library)
      }
    }
    try? FileManager.default.removeItem(atPath: path + "-shm")
    let fresh = try Library(folder)
    let kept = try fresh.salvage(aside)
    return RepairSummary(setAside: aside, kept: kept)
  }

  /// Reads the rows of a damaged database as far as they can be read; works on a copy, so that
  /// the damaged file stays as it was.
  private func salvage(_ damaged: String) throws(Trouble) -> Int {
    let copy = "\(folder)/salvage-\(getpid()).sqlite"
    defer {
      for ending in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: copy + ending)
      }
    }
    for ending in ["", "-wal"] {
      try? FileManager.default.copyItem(atPath: damaged + ending, toPath: copy + ending)
    }
    Self.mark(copy)
    guard let old = try? DatabaseQueue(path: copy) else { return 0 }
    defer { try? old.close() }
    // Trust and marks first: losing a bad mark would be worse than losing a file.
    for table in ["remark", "trusted", "claim"] {
      for row in Self.readable(table, old) { try keep(row, in: table) }
    }
    let images = Dictionary(grouping: Self.readable("image", old)) { $0.number("file") ?? 0 }
    let places = Dictionary(grouping: Self.readable("place", old)) { $0.number("file") ?? 0 }
    var kept = 0
    for row in Self.readable("file", old) {
      guard let id = row.number("id"), let sum = row.text("sha256"), Self.isSum(sum) else {
        continue
      }
      if try keep(row, sum, images[id] ?? [], places[id] ?? []) { kept += 1 }
    }
    return kept
  }

  /// Writes the sixteen bytes that every database begins with: a file in which nothing but its
  /// beginning was overwritten is whole behind them.
  private static func mark(_ copy: String) {
    guard let file = FileHandle(forUpdatingAtPath: copy) else { return }
    try? file.write(contentsOf: Data("SQLite format 3\0".utf8))
    try? file.close()
  }

  /// Rows in both directions, until the first that cannot be read.
  private static func readable(_ table: String, _ old: DatabaseQueue) -> [Row] {
    var found: [Row] = []
    for order in ["", " ORDER BY rowid DESC"] {
      var seen: [Row] = []
      do {
        try old.read { database in
          let cursor = try Row.fetchCursor(database, sql: "SELECT * FROM \(table)\(order)")
          while let row = try cursor.next() { seen.append(row.copy()) }
        }
        return seen
      } catch {
        found += seen
      }
    }
    return found
  }

  private func keep(_ row: Row, in table: String) throws(Trouble) {
    let names = row.columnNames.joined(separator: ", ")
    let marks = row.columnNames.map { _ in "?" }.joined(separator: ", ")
    let values = StatementArguments(row.databaseValues)
    _ = try store.write { database in
      // A row that does not obey the rules any more is part of the damage.
      try? database.execute(
        sql: "INSERT OR IGNORE INTO \(table)(\(names)) VALUES (\(marks))", arguments: values)
      guard table == "claim", let signer = row.text("signer"), let text = row.text("entry"),
        let entry = try? JSONDecoder().decode(Catalogue.Entry.self, from: Data(text.utf8)),
        entry.sha256 == row.text("sha256")
      else { return }
      try? Self.offer(entry, by: signer, database)
    }
  }

  private func keep(_ row: Row, _ sum: String, _ images: [Row], _ places: [Row])
    throws(Trouble) -> Bool
  {
    let found = images.compactMap { Self.image($0) }
    guard !found.isEmpty else { return false }
    let provenance = row.text("provenance")
    return try store.write { database in
      try database.execute(
        sql: "INSERT OR IGNORE INTO file(sha256, bytes, added, provenance) VALUES (?, ?, ?, ?)",
        arguments: [sum, row.number("bytes") ?? 0, row.text("added") ?? "", provenance])
      guard database.changesCount > 0 else { return false }
      let id = Int(database.lastInsertedRowID)
      let path = places.first?.text("path") ?? ""
      for image in found { try Self.insert(image, of: id, path, provenance, database) }
      for place in places {
        try database.execute(
          sql: """
            INSERT OR IGNORE INTO place(path, file, bytes, modified, inode, added, copied)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            place.text("path") ?? "", id, place.number("bytes") ?? 0,
            place.number("modified") ?? 0, place.number("inode") ?? 0,
            place.text("added") ?? "", place.number("copied") ?? 0,
          ])
      }
      return true
    }
  }
}
