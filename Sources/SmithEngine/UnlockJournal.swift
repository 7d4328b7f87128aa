import Crypto
public import Foundation
public import SmithModel
public import SmithVendors
import Synchronization

/// What is remembered of codes that were entered; each record is on disk before its command leaves.
public enum UnlockRecord: Sendable, Codable, Equatable {
  /// Which stick, and what its lock said.
  case began(UnlockHeader)
  /// This attempt is about to be sent.
  case attempting(UnlockAttempt)
  /// What the stick answered, in words; no such record means that nobody knows.
  case answered(String)
  /// What the lock said after the attempt.
  case counted(status: DeviceReport.SIMLock.Status, tries: Int?)
  /// The last word.
  case ended(UnlockVerdict)
}

/// The first record of an unlock journal.
public struct UnlockHeader: Sendable, Codable, Equatable {
  /// Version of the record format.
  public var format = 1
  /// Version of the tool.
  public var tool: String
  /// When, in ISO 8601.
  public var time: String
  /// Where the stick is.
  public var place: Place
  /// Salted hash of the stick's IMEI; nil if it does not tell one.
  public var identity: String?
  /// Model as the stick says.
  public var model: String?
  /// Firmware that it runs.
  public var firmware: FirmwareVersion?
  /// What the lock said first.
  public var lock: DeviceReport.SIMLock
}

/// One attempt, as it is remembered.
public struct UnlockAttempt: Sendable, Codable, Equatable {
  /// What is sent.
  public enum Kind: String, Sendable, Codable {
    /// The code itself.
    case code
    /// The hash that sets the counter back.
    case counterReset = "counter-reset"
  }
  /// What is sent.
  public var kind: Kind
  /// How the code was made.
  public var version: HuaweiUnlockAdvice.Version
  /// Salted hash of the code, to know it again; never the code.
  public var codeMark: String
  /// Tries left before.
  public var triesBefore: Int
  /// How the owner agreed.
  public var consent: String
}

/// How entering codes ended; every word is the stick's own.
public enum UnlockVerdict: String, Sendable, Codable, CaseIterable {
  /// No code is needed for the SIM now inserted.
  case open
  /// The stick took the code and says that none is needed any more.
  case unlocked
  /// A code is still needed.
  case stillLocked = "still-locked"
  /// The stick takes no code any more.
  case blocked
  /// Nobody knows whether the last attempt counted.
  case unknown
}

/// Where unlock records go.
public protocol UnlockJournal: Sendable {
  /// Adds a record and returns when it would survive a power cut.
  ///
  /// - Throws: `journal.disk-full` or `journal.not-writable`; nothing may be sent then.
  func append(_ record: UnlockRecord) throws(Trouble)
  /// Where it is, for people.
  var location: String { get }
}

/// An unlock journal that lives as long as the process.
public final class MemoryUnlockJournal: UnlockJournal {
  private let state = Mutex<[UnlockRecord]>([])
  private let limit: Int?

  /// - Parameter limit: how many records there is room for.
  public init(room limit: Int? = nil) {
    self.limit = limit
  }

  /// What was recorded.
  public var records: [UnlockRecord] { state.withLock { $0 } }
  /// Says that it is nowhere.
  public var location: String { "memory" }

  /// Keeps the record.
  public func append(_ record: UnlockRecord) throws(Trouble) {
    let isFull = state.withLock { records -> Bool in
      if let limit, records.count >= limit { return true }
      records.append(record)
      return false
    }
    if isFull { throw FileJournal.full(location) }
  }
}

/// An unlock journal in a file: one JSON object a line, synced before `append` returns.
public final class FileUnlockJournal: UnlockJournal {
  private let file: FileJournal

  init(_ file: FileJournal) {
    self.file = file
  }

  /// Path of the file.
  public var location: String { file.location }

  /// Writes the record as a line and syncs it to the disk.
  public func append(_ record: UnlockRecord) throws(Trouble) {
    try file.append(line: record)
  }

  /// Reads a journal; lines that make no sense are left out, a torn one among them.
  public static func read(_ path: String) -> [UnlockRecord] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return data.split(separator: 0x0a).compactMap {
      try? JSONDecoder().decode(UnlockRecord.self, from: Data($0))
    }
  }
}

extension StateDirectory {
  /// Folder of the unlock journals.
  public var unlocks: String { "\(path)/unlocks" }

  /// Starts an unlock journal whose name sorts by time.
  public func newUnlockJournal(now: Date = Date()) throws(Trouble) -> FileUnlockJournal {
    do {
      try FileManager.default.createDirectory(
        atPath: unlocks, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw FileJournal.notWritable(unlocks)
    }
    for count in 0..<1000 {
      let number = String(String(1000 + count).dropFirst())
      let path = "\(unlocks)/\(Self.stamp(now))-\(number).jsonl"
      if let journal = try FileJournal(newAt: path) { return FileUnlockJournal(journal) }
    }
    throw FileJournal.notWritable(unlocks)
  }

  /// Every unlock journal, oldest first: its path and records.
  public func allUnlockJournals() -> [(path: String, records: [UnlockRecord])] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: unlocks)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { name in
      let path = "\(unlocks)/\(name)"
      return (path, FileUnlockJournal.read(path))
    }
  }
}

/// What earlier journals say of one unit.
struct UnlockPast {
  /// Marks of codes that this unit refused as wrong.
  private(set) var refused: Set<String> = []
  /// Marks of codes whose answer never came.
  private(set) var unanswered: [UnlockAttempt] = []
  /// Whether the last word of the newest journal was that the stick is unlocked.
  private(set) var wasUnlocked = false

  init(_ journals: [[UnlockRecord]], identity: String?) {
    for records in journals {
      guard case .began(let header)? = records.first, let identity, header.identity == identity
      else { continue }
      read(records)
    }
  }

  private mutating func read(_ records: [UnlockRecord]) {
    var attempt: UnlockAttempt?
    var answered = false
    func isOpen(_ attempt: UnlockAttempt?) -> UnlockAttempt? { answered ? nil : attempt }
    for record in records {
      switch record {
      case .began: break
      case .attempting(let next):
        attempt = next
        answered = false
      case .answered: answered = true
      case .counted(let status, let tries):
        if let attempt, attempt.kind == .code, status != .noCodeNeeded,
          let tries, tries < attempt.triesBefore
        {
          refused.insert(attempt.codeMark)
        }
        answered = true
      case .ended(let verdict): wasUnlocked = verdict == .unlocked
      }
    }
    if let open = isOpen(attempt) {
      wasUnlocked = false
      unanswered.append(open)
    }
  }

  /// Salted hash of a code of one unit.
  static func mark(_ code: UnlockCode, identity: String?) -> String {
    let text = "modemsmith code \(identity ?? "") \(code.digits)"
    return [UInt8](SHA256.hash(data: [UInt8](text.utf8))).prefix(8).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
