public import Foundation
import Glibc
public import SmithModel

/// Where journals, backups, history and locks of one user live.
public struct StateDirectory: Sendable {
  /// The folder.
  public let path: String

  /// Uses `path`, or the XDG state directory, and creates what is missing.
  ///
  /// - Throws: `journal.not-writable`.
  public init(_ path: String?) throws(Trouble) {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? NSHomeDirectory()
    let base = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let chosen = path ?? "\(base ?? "\(home)/.local/state")/modemsmith"
    self.path = URL(fileURLWithPath: chosen).standardizedFileURL.path
    for folder in [journals, backups, locks] {
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      } catch {
        throw FileJournal.notWritable(folder)
      }
    }
  }

  /// Folder of the journals.
  public var journals: String { "\(path)/journals" }
  /// Folder of the backups.
  public var backups: String { "\(path)/backups" }
  private var locks: String { "\(path)/locks" }

  /// Starts a journal whose name sorts by time.
  public func newJournal(now: Date = Date()) throws(Trouble) -> FileJournal {
    let stamp = Self.stamp(now)
    for count in 0..<1000 {
      // Always with a number of three digits, so that names of one second sort, too.
      let number = String(String(1000 + count).dropFirst())
      let path = "\(journals)/\(stamp)-\(number).jsonl"
      if let journal = try FileJournal(newAt: path) { return journal }
    }
    throw FileJournal.notWritable(journals)
  }

  /// Paths of all journals, oldest first.
  public func allJournals() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: journals)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { "\(journals)/\($0)" }
  }

  /// The newest journal without a last word, for `place` if one is named; a stick's older
  /// journals do not count once a newer one has its last word.
  ///
  /// - Throws: `journal.corrupt` if the newest one cannot be read.
  public func unfinished(at place: Place?) throws(Trouble) -> Unfinished? {
    var settled: [Place] = []
    for path in allJournals().reversed() {
      let records = try FileJournal.read(path)
      guard case .planned(let header)? = records.first else { continue }
      if settled.contains(header.place) { continue }
      if let place, header.place != place { continue }
      let isOver = records.contains {
        if case .ended(let verdict) = $0 { return verdict != .needsRescue && verdict != .unknown }
        return false
      }
      if !isOver { return Unfinished(path: path, header: header, records: records) }
      settled.append(header.place)
    }
    return nil
  }

  /// Takes the lock of one stick; the system takes it back from a killed owner.
  ///
  /// - Throws: `lock.held` while another process works on the same stick.
  public func lock(_ place: Place) throws(Trouble) -> StickLock {
    let name = place.description.utf8.map { byte in
      let isPlain =
        byte == 0x2d || byte == 0x2e || (0x30...0x39).contains(byte)
        || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      return isPlain ? String(Unicode.Scalar(byte)) : "_"
    }.joined()
    return try StickLock(
      paths: [
        "\(locks)/\(name.suffix(200)).lock",
        // Two state directories must not mean two updates of one stick.
        "/run/lock/modemsmith-\(name.suffix(200)).lock",
      ], place: place)
  }

  static func stamp(_ date: Date) -> String {
    date.formatted(.iso8601).filter { !":-".contains($0) }
  }
}

/// An update that has no last word yet.
public struct Unfinished: Sendable {
  /// Path of its journal.
  public let path: String
  /// How it was planned.
  public let header: JournalHeader
  /// Everything that was recorded.
  public let records: [JournalRecord]
}

/// One update per stick, across processes; held until it is released or its owner dies.
public final class StickLock: Sendable {
  private let descriptors: [Int32]

  /// The first path is ours and has to work; the others are the system's and may be missing.
  fileprivate init(paths: [String], place: Place) throws(Trouble) {
    var held: [Int32] = []
    for (index, path) in paths.enumerated() {
      let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else {
        if index > 0 { continue }
        throw FileJournal.notWritable(path)
      }
      held.append(descriptor)
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        for descriptor in held { close(descriptor) }
        throw Trouble(
          "lock.held", "Another modemsmith works on the stick at \(place).",
          advice: ["Wait until it is done; its window shows the progress."], exitCode: .refused)
      }
    }
    descriptors = held
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }
}
