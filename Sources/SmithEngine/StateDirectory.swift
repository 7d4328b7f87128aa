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
  var locks: String { "\(path)/locks" }

  /// Starts a journal whose name sorts by time, and behind every other one even if the clock was
  /// set back since: which is the newest decides what `resume` goes on with.
  public func newJournal(now: Date = Date()) throws(Trouble) -> FileJournal {
    let newest = allJournals().last.map { ($0 as NSString).lastPathComponent } ?? ""
    let stamp = max(Self.stamp(now), String(newest.prefix(Self.stamp(now).count)))
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

  static func stamp(_ date: Date) -> String {
    date.formatted(.iso8601).filter { !":-".contains($0) }
  }
}
