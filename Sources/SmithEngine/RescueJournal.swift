public import Foundation
public import SmithModel
import Synchronization

/// What is remembered of one rescue up to the point where the update's own journal begins; every
/// record is on disk before the thing it names happens.
public enum RescueRecord: Sendable, Codable, Equatable {
  /// The plan, the place, and how the owner agreed.
  case planned(RescuePlan, place: Place, consent: String, time: String)
  /// The head of this part is about to be sent.
  case sending(part: Int)
  /// Everything was sent; the loader is being waited for.
  case waiting
  /// The loader answers in download mode.
  case loaderAnswers
  /// The last word on the rescue itself.
  case ended(String)
}

/// Where records of a rescue go.
public protocol RescueJournal: Sendable {
  /// Adds a record and returns when it would survive a power cut.
  ///
  /// - Throws: `journal.disk-full` or `journal.not-writable`; nothing may be done then.
  func append(_ record: RescueRecord) throws(Trouble)
  /// Where it is, for people.
  var location: String { get }
}

extension FileJournal: RescueJournal {
  /// Writes the record as a line and syncs it to the disk.
  public func append(_ record: RescueRecord) throws(Trouble) {
    try append(line: record)
  }
}

/// A rescue's journal that lives as long as the process.
public final class MemoryRescueJournal: RescueJournal {
  private let kept = Mutex<[RescueRecord]>([])
  private let limit: Int?

  /// - Parameter limit: after this many records the disk is full.
  public init(limit: Int? = nil) {
    self.limit = limit
  }

  /// What was recorded.
  public var records: [RescueRecord] { kept.withLock { $0 } }
  /// Says that it is nowhere.
  public var location: String { "memory" }

  /// Keeps the record.
  public func append(_ record: RescueRecord) throws(Trouble) {
    let isFull = kept.withLock { records -> Bool in
      if let limit, records.count >= limit { return true }
      records.append(record)
      return false
    }
    if isFull { throw FileJournal.full("memory") }
  }
}

extension StateDirectory {
  /// Starts the journal of a rescue, in a folder of its own: it is none that `resume` reads.
  public func newRescueJournal(now: Date = Date()) throws(Trouble) -> FileJournal {
    let folder = "\(path)/rescues"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw FileJournal.notWritable(folder)
    }
    let stamp = Self.stamp(now)
    for count in 0..<1000 {
      let number = String(String(1000 + count).dropFirst())
      if let journal = try FileJournal(newAt: "\(folder)/\(stamp)-\(number).jsonl") {
        return journal
      }
    }
    throw FileJournal.notWritable(folder)
  }
}
