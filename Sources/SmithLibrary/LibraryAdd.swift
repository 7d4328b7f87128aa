import Foundation
import GRDB
import Glibc
import SmithFormats
public import SmithModel
import Synchronization

/// What happens while files are added.
public enum AddEvent: Sendable, Equatable {
  /// A file is in the database for good.
  case added(path: String, sha256: String, images: Int)
  /// Its contents are in the library already; this place of it was noted.
  case known(path: String, sha256: String)
  /// The very same file was looked at before.
  case unchanged(path: String)
  /// It is not in the library, and why.
  case skipped(path: String, reason: String)
  /// How far it is.
  case progress(AddProgress)
}

/// How far adding is.
public struct AddProgress: Sendable, Equatable {
  /// Files done.
  public var files: Int
  /// Files in all.
  public var totalFiles: Int
  /// Bytes done.
  public var bytes: Int
  /// Bytes in all.
  public var totalBytes: Int
  /// Bytes a second; nil at the very beginning.
  public var rate: Double?
  /// Seconds to the end; nil at the very beginning.
  public var etaSeconds: Double?
}

/// What adding came to.
public struct AddSummary: Sendable, Equatable {
  /// Files that are new.
  public var added = 0
  /// Files whose contents were there already.
  public var known = 0
  /// Files that did not change since they were added.
  public var unchanged = 0
  /// Files that hold no firmware, or cannot be read.
  public var skipped = 0
  /// Whether the owner stopped it; the same command goes on where it stopped.
  public var stopped = false

  /// Nothing yet.
  public init() {}
}

/// How files are added.
public struct AddOptions: Sendable {
  /// Copy each file into the data directory.
  public var copies = false
  /// Where the files come from, in the owner's words.
  public var provenance: String?
  /// Threads that read and check.
  public var workers = 2
  /// Finds the images in a file.
  public var reader: ImageReader = ImageReaders.plain()

  /// Plain files, two workers.
  public init() {}
}

extension Library {
  /// Adds files and everything below folders; each file is in the database whole or not at all,
  /// whenever the process ends (Docs/Protocols/library.md section 4).
  ///
  /// - Parameters:
  ///   - paths: files and folders; links inside folders are not followed.
  ///   - isStopped: asked between pieces; what was added stays.
  ///   - hear: called from the workers' threads, one call at a time.
  /// - Throws: what the disk or the database refuses; what was added before stays.
  public func add(
    _ paths: [String], options: AddOptions = AddOptions(),
    isStopped: @escaping @Sendable () -> Bool = { false },
    hear: @escaping @Sendable (AddEvent) -> Void = { _ in }
  ) throws(Trouble) -> AddSummary {
    if store.isReadOnly { throw Store.notWritable(store.path, store.kind) }
    for path in paths where !FileManager.default.fileExists(atPath: path) {
      throw Trouble(
        "file.unreadable", "\(path) cannot be read: No such file or directory.",
        advice: ["Check the path and that you may read the file."], exitCode: .badFile)
    }
    sweep()
    let walk = FileWalk(
      paths, excluding: URL(fileURLWithPath: folder).resolvingSymlinksInPath().path)
    let work = AddWork(self, walk, options, isStopped, hear)
    let group = DispatchGroup()
    for _ in 0..<max(1, min(options.workers, 8)) {
      group.enter()
      let thread = Thread {
        work.run()
        group.leave()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
    group.wait()
    return try work.outcome()
  }

  /// Whether this place was added in this very state.
  func isUnchanged(_ path: String, _ state: FileState) throws(Trouble) -> Bool {
    try store.read { database in
      try Bool.fetchOne(
        database,
        sql: """
          SELECT EXISTS(SELECT 1 FROM place
          WHERE path = ? AND bytes = ? AND modified = ? AND inode = ?)
          """, arguments: [path, state.bytes, state.modified, state.inode]) ?? false
    }
  }

  /// Whether a sum is in the library.
  func isKnown(_ sum: String) throws(Trouble) -> Bool {
    try store.read {
      try Bool.fetchOne(
        $0, sql: "SELECT EXISTS(SELECT 1 FROM file WHERE sha256 = ?)", arguments: [sum]) ?? false
    }
  }

  /// One file in one transaction; false if its contents were there already.
  func insert(
    _ sum: String, _ state: FileState, _ path: String, _ images: [FoundImage],
    provenance: String?, copiedTo copy: (path: String, state: FileState)?
  ) throws(Trouble) -> Bool {
    let now = Date().formatted(.iso8601)
    return try store.write { database in
      try database.execute(
        sql: """
          INSERT OR IGNORE INTO file(sha256, bytes, added, provenance) VALUES (?, ?, ?, ?)
          """, arguments: [sum, state.bytes, now, provenance])
      let isNew = database.changesCount > 0
      guard
        let id = try Int.fetchOne(
          database, sql: "SELECT id FROM file WHERE sha256 = ?", arguments: [sum])
      else { return false }
      if isNew {
        for image in images { try Self.insert(image, of: id, path, provenance, database) }
      }
      var places = [(path, state, false)]
      if let copy { places.append((copy.path, copy.state, true)) }
      for (path, state, copied) in places {
        try database.execute(
          sql: """
            INSERT OR REPLACE INTO place(path, file, bytes, modified, inode, added, copied)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [path, id, state.bytes, state.modified, state.inode, now, copied])
      }
      return isNew
    }
  }

  static func insert(
    _ image: FoundImage, of file: Int, _ path: String, _ provenance: String?, _ database: Database
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    try database.execute(
      sql: """
        INSERT INTO image(file, inside, sha256, format, kinds, claims, version, bytes, warnings)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        file, image.inside, image.sha256, image.format, try text(image.kinds),
        try text(image.claims), image.claims.firmware?.text, image.bytes, try text(image.warnings),
      ])
    let id = database.lastInsertedRowID
    try Candidates.insert(image.claims, .mine, image: id, database)
    try database.execute(
      sql: "INSERT INTO words(rowid, text) VALUES (?, ?)",
      arguments: [
        id,
        words(
          image.claims, image.format, image.kinds,
          more: [image.inside, provenance, (path as NSString).lastPathComponent]),
      ])
  }
}

/// The files below some paths, one at a time, for several threads; nothing is kept of them.
final class FileWalk: Sendable {
  private struct State {
    var paths: [String]
    var enumerator: FileManager.DirectoryEnumerator?
    var root = ""
    /// Folders whose files are one image, and given out as one.
    var packages: Set<String> = []
  }

  private let state: Mutex<State>
  private let excluded: String
  /// Regular files in all.
  let totalFiles: Int
  /// Their bytes.
  let totalBytes: Int

  init(_ paths: [String], excluding folder: String) {
    let roots = paths.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    excluded = folder
    var files = 0
    var bytes = 0
    var counting = State(paths: roots.reversed())
    while let (_, size) = Self.next(&counting, excluded) {
      files += 1
      bytes += size
    }
    totalFiles = files
    totalBytes = bytes
    state = Mutex(State(paths: roots.reversed()))
  }

  func next() -> (path: String, bytes: Int)? {
    state.withLock { Self.next(&$0, excluded) }
  }

  private static func next(_ state: inout State, _ excluded: String) -> (String, Int)? {
    while true {
      if let enumerator = state.enumerator {
        while let name = enumerator.nextObject() as? String {
          let path = "\(state.root)/\(name)"
          // The library's own folder is no source of files.
          if path == excluded {
            enumerator.skipDescendants()
            continue
          }
          if let file = FileState(path: path) {
            let folder = (path as NSString).deletingLastPathComponent
            if state.packages.contains(folder) { continue }
            return (path, file.bytes)
          }
          if let bytes = package(path, &state) { return (path, bytes) }
        }
        state.enumerator = nil
      }
      guard let path = state.paths.popLast() else { return nil }
      // A link that the owner names is followed; links inside folders are not.
      let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      var isFolder: ObjCBool = false
      guard unsafe FileManager.default.fileExists(atPath: real, isDirectory: &isFolder) else {
        continue
      }
      if isFolder.boolValue {
        state.root = real == "/" ? "" : real
        state.enumerator = FileManager.default.enumerator(atPath: real)
        if let bytes = package(real, &state) { return (real, bytes) }
      } else if let file = FileState(path: real) {
        return (real, file.bytes)
      }
    }
  }

  /// Bytes of a folder whose files are one image, as the description among them says; nil if it
  /// is none. Its folders are walked through all the same.
  private static func package(_ path: String, _ state: inout State) -> Int? {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      isFolder.boolValue,
      (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil,
      let names = try? FileManager.default.contentsOfDirectory(atPath: path),
      RawProgramPackage.isOne(names) || names.contains(where: GobiPackage.isMark),
      let whole = FileState(folder: path)
    else { return nil }
    state.packages.insert(path)
    return whole.bytes
  }
}
