import Foundation
import Glibc
public import SmithModel
import Synchronization

/// What a journal remembers of one update; every record is on disk before the thing it names
/// happens.
public enum JournalRecord: Sendable, Codable, Equatable {
  /// The plan, the owner's consent, and how to find stick and file again.
  case planned(JournalHeader)
  /// AT^NVBACKUP and AT^GODLOAD are about to be sent.
  case entering
  /// The stick waits in download mode and what it said of itself was checked.
  case inDownload(product: String?)
  /// The 41 of this item is about to be sent: a one-way door.
  case itemBegan(Int)
  /// The 43 of this item was acknowledged.
  case itemDone(Int)
  /// All items are written; the restart is about to be sent.
  case leaving
  /// The stick was told to restart, or restarted; it is being asked.
  case verifying
  /// The last word.
  case ended(Verdict)
}

/// The first record of a journal.
public struct JournalHeader: Sendable, Codable, Equatable {
  /// Version of the record format.
  public var format = 1
  /// Version of the tool.
  public var tool: String
  /// When, in ISO 8601.
  public var time: String
  /// Where the stick is.
  public var place: Place
  /// The port of download mode, if it was named apart.
  public var downloadPort: String?
  /// The diagnostic port, if it was named.
  public var diagPort: String?
  /// Address of the stick's page, if it is asked over one.
  public var page: String?
  /// Absolute path of the file.
  public var file: String
  /// Absolute paths of files that go with it.
  public var others: [String]?
  /// Salted hash of the stick's IMEI; nil if it could not be asked.
  public var identity: String?
  /// How the owner agreed.
  public var consent: String
  /// Path of the backup, if one was made.
  public var backup: String?
  /// The plan.
  public var plan: Plan
  /// What the owner allowed; nil in journals that do not say.
  public var policy: Policy?
}

/// Where records go.
public protocol Journal: Sendable {
  /// Adds a record and returns when it would survive a power cut.
  ///
  /// - Throws: `journal.disk-full` or `journal.not-writable`; nothing may be done then.
  func append(_ record: JournalRecord) throws(Trouble)
  /// Where it is, for people.
  var location: String { get }
}

/// A journal that lives as long as the process: for rehearsals and simulations.
public final class MemoryJournal: Journal {
  private let state: Mutex<(records: [JournalRecord], limit: Int?)>
  private let onLimit: @Sendable () -> Void

  /// - Parameters:
  ///   - limit: after this many records the host "crashes": `onLimit` is called and every later
  ///     append fails.
  ///   - onLimit: what else happens at the crash.
  public init(
    _ records: [JournalRecord] = [], crashAfter limit: Int? = nil,
    onLimit: @escaping @Sendable () -> Void = {}
  ) {
    state = Mutex((records, limit))
    self.onLimit = onLimit
  }

  /// What was recorded.
  public var records: [JournalRecord] { state.withLock { $0.records } }
  /// Says that it is nowhere.
  public var location: String { "memory" }

  /// Keeps the record, or crashes the host as told.
  public func append(_ record: JournalRecord) throws(Trouble) {
    let crashed = state.withLock { state -> Bool in
      if let limit = state.limit, state.records.count >= limit { return true }
      state.records.append(record)
      return state.limit == state.records.count
    }
    guard crashed else { return }
    onLimit()
    throw FileJournal.full("the host stopped here")
  }
}

/// A journal file: one JSON object a line, synced before `append` returns.
public final class FileJournal: Journal {
  /// Path of the file.
  public let location: String
  private let descriptor: Int32

  /// Opens or creates the file, readable by its owner only.
  ///
  /// - Throws: `journal.not-writable`.
  public init(path: String) throws(Trouble) {
    location = path
    descriptor = unsafe open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.notWritable(path) }
    Self.syncFolder(of: path)
    try endTornLine()
  }

  /// A power cut may have torn the last line: the next record must not be glued to it.
  private func endTornLine() throws(Trouble) {
    guard let data = ReadJournal.bytes(location), let last = data.last, last != 0x0a else {
      return
    }
    let start = data.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    let isWhole =
      (try? JSONDecoder().decode(JournalRecord.self, from: Data(data[start...]))) != nil
    let isMended =
      isWhole ? unsafe write(descriptor, "\n", 1) == 1 : ftruncate(descriptor, off_t(start)) == 0
    guard isMended else { throw Self.notWritable(location) }
  }

  /// Creates the file; nil if it is there already, perhaps as another process's journal.
  ///
  /// - Throws: `journal.not-writable`.
  init?(newAt path: String) throws(Trouble) {
    location = path
    descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 {
      guard errno == EEXIST else { throw Self.notWritable(path) }
      return nil
    }
    Self.syncFolder(of: path)
  }

  /// The name itself must survive a power cut too.
  static func syncFolder(of path: String) {
    let folder = unsafe open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  deinit {
    close(descriptor)
  }

  /// Writes the record as a line and syncs it to the disk.
  public func append(_ record: JournalRecord) throws(Trouble) {
    try append(line: record)
  }

  /// Writes a record of any journal as a line and syncs it to the disk.
  func append(line record: some Encodable) throws(Trouble) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var line = try? encoder.encode(record) else { throw Self.notWritable(location) }
    line.append(0x0a)
    let before = lseek(descriptor, 0, SEEK_END)
    var done = 0
    while done < line.count {
      let written = unsafe line.withUnsafeBytes { bytes in
        unsafe write(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        let isFull = errno == ENOSPC || errno == EDQUOT
        // Half a line would spoil the one after it, should there be room again.
        if before >= 0 { _ = ftruncate(descriptor, before) }
        throw isFull ? Self.full(location) : Self.notWritable(location)
      }
      done += written
    }
    guard fdatasync(descriptor) == 0 else { throw Self.full(location) }
  }

  /// Reads a journal back; a torn last line, the mark of a power cut, is left out.
  ///
  /// - Throws: `journal.corrupt` if any other line cannot be read.
  public static func read(_ path: String) throws(Trouble) -> [JournalRecord] {
    let read = ReadJournal(path)
    guard let line = read.damagedLine else { return read.records }
    throw Trouble(
      "journal.corrupt", "Line \(line) of the journal \(path) cannot be read.",
      advice: [
        "Run `modemsmith info`; if the stick waits in download mode, run `modemsmith update`"
          + " with the file again."
      ], exitCode: .internalError)
  }

  static func full(_ place: String) -> Trouble {
    Trouble(
      "journal.disk-full", "The journal cannot be written (\(place)): the disk is full.",
      advice: ["Make room on the disk, then repeat the command."], exitCode: .refused)
  }

  static func notWritable(_ path: String) -> Trouble {
    Trouble(
      "journal.not-writable", "The journal \(path) cannot be written.",
      advice: ["Choose a folder of your own with --state-dir DIR."], exitCode: .refused)
  }
}
