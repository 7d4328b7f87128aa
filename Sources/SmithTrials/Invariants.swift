import SmithBench
import SmithEngine
import SmithFormats
import SmithModel

/// What must be true after every run, however it ended (house plan section 5).
struct Invariants<Stick: TrialStick> {
  private let before: Stick
  private let image: CheckedImage
  private let contents: [[UInt8]]?
  private(set) var broken: [String] = []

  init(before: Stick, image: CheckedImage, contents: [[UInt8]]?) {
    self.before = before
    self.image = image
    self.contents = contents
  }

  mutating func check(
    _ report: UpdateReport, _ bus: VirtualBus<Stick>, _ records: [JournalRecord]
  ) {
    let stick = bus.body
    broken += stick.breaches(since: before, image: image, records: records)
    verdictIsTrue(report, stick)
    troubleIsTold(report)
    endsInTime(report)
    finishedItemsStay(records)
  }

  /// S6: waits scale with the data; an hour covers every one of them in the worst weather, for
  /// packages of the size that trials use.
  private mutating func endsInTime(_ report: UpdateReport) {
    let limit = 3600 + Double(image.image.size) / 512
    if report.seconds > limit { broken.append("S6: took \(Int(report.seconds)) s") }
  }

  /// S4: an item that is finished is not written again, unless download mode was entered anew or
  /// the stick was asked and still waits. Only of a family that keeps finished items, and of a
  /// stick that is known.
  private mutating func finishedItemsStay(_ records: [JournalRecord]) {
    guard case .planned(let header)? = records.first, header.identity != nil,
      header.plan.route == "huawei-balong"
    else { return }
    var done: Set<Int> = []
    for record in records {
      switch record {
      case .itemDone(let item): done.insert(item)
      case .itemBegan(let item) where done.contains(item):
        broken.append("S4: item \(item) was finished and begun again")
      case .entering, .verifying: done = []
      default: break
      }
    }
  }

  /// S10: "updated" only if it is, "failed" only if it is not.
  private mutating func verdictIsTrue(_ report: UpdateReport, _ stick: Stick) {
    let isNew = stick.holds(image, contents: contents)
    switch report.verdict {
    case .updated where !isNew:
      broken.append("S10: said updated, and the stick holds something else")
    case .failedStillWorks where isNew && !before.holds(image, contents: contents):
      broken.append("S10: said failed, and the stick is updated")
    case .failedStillWorks where stick.isHalfWritten:
      broken.append("S10: said that it still works, and it waits in download mode")
    case .needsRescue where stick.isWhole:
      broken.append("S10: said that it needs rescue, and it boots")
    case .unchanged where stick.isHalfWritten && !before.isHalfWritten:
      broken.append("S10: said unchanged, and an item was begun")
    default: break
    }
  }

  private mutating func troubleIsTold(_ report: UpdateReport) {
    switch report.verdict {
    case .failedStillWorks, .needsRescue, .unknown:
      guard let trouble = report.trouble else {
        broken.append("a failure without a trouble")
        return
      }
      if trouble.advice.isEmpty { broken.append("\(trouble.code) has no advice") }
    case .updated, .unchanged: break
    }
  }

  /// S3: after at most three resumes in calm weather the stick is whole, old or new.
  mutating func checkEnd(_ outcome: Trial<Stick>.Outcome) {
    let last = outcome.resumed ?? outcome.first
    switch last.verdict {
    case .updated: break
    case .unchanged, .failedStillWorks:
      if outcome.stick.isHalfWritten { broken.append("S3: ended half written") }
    // What only the boot ROM can mend is another way's work; here it must be named truly.
    case .needsRescue where outcome.stick.isBeyondResume:
      if last.trouble?.code != "stick.wrong-mode" { broken.append("S3: the boot ROM is not named") }
    case .needsRescue, .unknown:
      broken.append(
        "S3: still \(last.verdict.rawValue) after resume (\(last.trouble?.code ?? "no trouble"))")
    }
  }
}
