import SmithModel
import SmithVendors

/// Where an interrupted update goes on.
enum ResumePoint {
  /// It cannot.
  case refuse(Trouble)
  /// Everything is written; only asking is left.
  case verify
  /// Items from this one on are to be written; if there is none, only the restart is left.
  case write(from: Int)

  /// Decides from what was recorded and from what the stick is now.
  ///
  /// An interrupted item is written again from its 41, which is harmless; a finished one is never
  /// written again while the stick still waits for the rest (Docs/Decisions/0006).
  init(_ records: [JournalRecord], _ subject: Subject, _ header: JournalHeader, _ policy: Policy) {
    if let obstacle = subject.state.obstacle {
      self = .refuse(obstacle)
    } else if subject.state == .normal {
      self = Self.normal(records, subject, header)
    } else {
      self = Self.waiting(records, subject, header)
    }
  }

  /// A stick that waits may be another one that waits: only the same unit goes on in the middle.
  private static func waiting(
    _ records: [JournalRecord], _ subject: Subject, _ header: JournalHeader
  ) -> ResumePoint {
    guard let before = header.identity, let now = subject.identityHash else {
      return .write(from: 0)
    }
    guard before == now else { return .refuse(ResumeTrouble.otherStick) }
    guard Families.named(header.plan.route)?.goesOnInTheMiddle == true else {
      return .write(from: 0)
    }
    return .write(from: firstUnfinished(records, count: header.plan.items.count))
  }

  private static func normal(
    _ records: [JournalRecord], _ subject: Subject, _ header: JournalHeader
  ) -> ResumePoint {
    if let before = header.identity, let now = subject.identityHash, now != before {
      return .refuse(ResumeTrouble.otherStick)
    }
    // A version alone does not prove that every item arrived: the journal has to say so too.
    let isComplete = finished(records).count == header.plan.items.count
    guard isComplete, let wanted = header.plan.after, let now = subject.report.firmware,
      wanted.isConfirmed(by: now)
    else { return .write(from: 0) }
    return .verify
  }

  /// The first item without an end. If every one has ended: none where only the restart is
  /// missing, as far as was recorded, and all of them where the stick was restarted and waits all
  /// the same, for then it does not believe us.
  private static func firstUnfinished(_ records: [JournalRecord], count: Int) -> Int {
    let wasRestarted = records.last { $0.isAboutWriting } == .verifying
    let done = wasRestarted ? [] : finished(records)
    return (0..<count).first { !done.contains($0) } ?? count
  }

  /// Items whose last word is their end.
  private static func finished(_ records: [JournalRecord]) -> Set<Int> {
    var done = Set<Int>()
    for record in records {
      switch record {
      case .itemDone(let index): done.insert(index)
      case .itemBegan(let index): done.remove(index)
      case .planned, .entering, .inDownload, .leaving, .verifying, .ended: break
      }
    }
    return done
  }
}

extension JournalRecord {
  /// Whether the record tells how far the writing has come.
  fileprivate var isAboutWriting: Bool {
    switch self {
    case .itemBegan, .itemDone, .verifying: true
    case .planned, .entering, .inDownload, .leaving, .ended: false
    }
  }
}

/// Troubles of `resume`.
enum ResumeTrouble {
  static func fileChanged(_ path: String) -> Trouble {
    Trouble(
      "resume.file-changed", "The file is not the one that the update began with (\(path)).",
      advice: ["Use the original file; an update must not mix two packages."],
      aftermath: .unknown, exitCode: .refused)
  }

  static let otherStick = Trouble(
    "resume.other-stick", "This is not the stick whose update was interrupted.",
    advice: ["Plug in the interrupted stick, or start a new update for this one."],
    exitCode: .refused)
}
