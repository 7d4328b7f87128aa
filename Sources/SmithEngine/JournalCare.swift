import Foundation
import Glibc
public import SmithModel

/// What could be read of a journal that may be damaged.
///
/// Nothing is guessed from a damaged one but which update it was: resuming then starts the package
/// from its beginning, which is harmless for every item (Docs/Decisions/0014).
public struct ReadJournal: Sendable {
  /// Path of the file.
  public let path: String
  /// Every record that makes sense.
  public let records: [JournalRecord]
  /// Number of the first line that makes no sense, from 1; a torn last line is none.
  public let damagedLine: Int?

  /// The first record, if it is the right one and not damaged.
  public var header: JournalHeader? {
    guard damagedLine != 1, case .planned(let header)? = records.first else { return nil }
    return header
  }

  /// Reads what can be read; nothing of a file that cannot be opened.
  public init(_ path: String) {
    self.path = path
    guard let data = Self.bytes(path) else {
      records = []
      damagedLine = 1
      return
    }
    let lines = data.split(separator: 0x0a, omittingEmptySubsequences: true)
    var records: [JournalRecord] = []
    var damaged: Int?
    for (index, line) in lines.enumerated() {
      if let record = try? JSONDecoder().decode(JournalRecord.self, from: Data(line)) {
        records.append(record)
      } else if index != lines.count - 1 || data.last == 0x0a {
        damaged = damaged ?? index + 1
      }
    }
    self.records = records
    damagedLine = damaged
  }

  /// Largest journal that is read; a package of a thousand items makes one of some 100 KB.
  private static let longest = 64 << 20

  /// The bytes of a regular file of sensible size.
  static func bytes(_ path: String) -> Data? {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size <= longest
    else { return nil }
    return FileManager.default.contents(atPath: path)
  }

  /// Whether its last word was that there is nothing left to do.
  var isOver: Bool {
    guard case .ended(let verdict)? = records.last(where: { $0.isEnd }) else { return false }
    return verdict != .needsRescue && verdict != .unknown
  }

  /// Records from which nothing but a fresh start of the same package follows.
  var fromTheStart: [JournalRecord] {
    guard let header else { return [] }
    return [.planned(header), .entering, .itemBegan(0)]
  }
}

extension JournalRecord {
  fileprivate var isEnd: Bool {
    if case .ended = self { return true }
    return false
  }
}

extension StateDirectory {
  /// What ends the name of a journal that was set aside.
  static let asideSuffix = ".corrupt"

  /// The newest journal without a last word, for `place` if one is named; a stick's older
  /// journals do not count once a newer one has its last word.
  ///
  /// A journal whose first record cannot be read is set aside under another name, never deleted,
  /// and the next one is looked at. As it may have been about the same stick, an older one is
  /// started from the beginning then.
  public func unfinished(at place: Place?) throws(Trouble) -> Unfinished? {
    // While it waits, a stick may be seen at its download port only.
    try unfinished {
      place == nil || $0.place == place || $0.downloadPort.map { .named($0) } == place
    }
  }

  /// The newest journal without a last word of a stick whose backup was made of an IMEI that ends
  /// so: backups keep no more than the last four digits.
  public func unfinished(imeiEnds ending: String) throws(Trouble) -> Unfinished? {
    try unfinished { header in
      guard let path = header.backup, let backup = try? Backup.read(path) else { return false }
      return backup.imeiMasked?.hasSuffix(ending.suffix(4)) == true
    }
  }

  private func unfinished(where fits: (JournalHeader) -> Bool) throws(Trouble) -> Unfinished? {
    var settled: [Place] = []
    var notes: [String] = []
    for path in allJournals().reversed() {
      let read = ReadJournal(path)
      guard let header = read.header else {
        // Created, and nothing was written into it before the end came: about nothing.
        if read.damagedLine == nil { continue }
        notes.append(setAside(path))
        continue
      }
      if settled.contains(header.place) { continue }
      guard fits(header) else { continue }
      if !read.isOver {
        return Unfinished(read, header, notes, isAfterAside: hasAside(after: path))
      }
      settled.append(header.place)
    }
    if let first = notes.first {
      throw Self.corrupt(first, place: nil)
    }
    return nil
  }

  /// The journal that the owner names, whatever it is called.
  ///
  /// - Throws: `journal.corrupt` if not even its first record can be read, `resume.nothing` if
  ///   it has its last word.
  public func unfinished(named path: String) throws(Trouble) -> Unfinished {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    let read = ReadJournal(full)
    guard let header = read.header else {
      throw Self.corrupt(
        "Line \(read.damagedLine ?? 1) of the journal \(full) cannot be read.", place: full)
    }
    guard !read.isOver else {
      throw Trouble(
        "resume.nothing", "The update of \(full) has ended; nothing is left to resume.",
        advice: ["Begin a new one with `modemsmith update FILE`."], exitCode: .nothingToDo)
    }
    return Unfinished(read, header, [], isAfterAside: hasAside(after: full))
  }

  /// Paths of the journals that nobody could read, oldest first.
  public func journalsSetAside() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: journals)) ?? []
    return names.filter { $0.hasSuffix(Self.asideSuffix) }.sorted().map { "\(journals)/\($0)" }
  }

  private func hasAside(after path: String) -> Bool {
    let name = (path as NSString).lastPathComponent
    return journalsSetAside().contains { ($0 as NSString).lastPathComponent > name }
  }

  /// Renames a journal that nobody can read, and says so.
  private func setAside(_ path: String) -> String {
    let aside = path + Self.asideSuffix
    guard unsafe rename(path, aside) == 0 else {
      return "The journal \(path) cannot be read; it stays where it is."
    }
    return "The journal \(path) cannot be read; it was set aside as \(aside)."
  }

  private static func corrupt(_ what: String, place: String?) -> Trouble {
    Trouble(
      "journal.corrupt", what,
      facts: place == nil ? ["There is no other update to resume."] : [],
      advice: [
        "Run `modemsmith info`; if the stick waits in download mode, run `modemsmith update`"
          + " with the file again.",
        "Keep the journal for a report; nothing deletes it.",
      ], exitCode: .internalError)
  }
}

/// An update that has no last word yet.
public struct Unfinished: Sendable {
  /// Path of its journal.
  public let path: String
  /// How it was planned.
  public let header: JournalHeader
  /// Everything that was recorded and can be believed.
  public let records: [JournalRecord]
  /// What the owner should know of damaged journals.
  public let notes: [String]

  init(_ read: ReadJournal, _ header: JournalHeader, _ notes: [String], isAfterAside: Bool) {
    path = read.path
    self.header = header
    var notes = notes
    if let line = read.damagedLine {
      notes.append(
        "Line \(line) of the journal \(read.path) cannot be read: the package is started from its"
          + " beginning.")
    } else if isAfterAside {
      notes.append(
        "A newer journal cannot be read and may be of the same stick: the package is started from"
          + " its beginning.")
    }
    records = read.damagedLine == nil && !isAfterAside ? read.records : read.fromTheStart
    self.notes = notes
  }
}
