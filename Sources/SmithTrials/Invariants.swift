import SmithBench
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators

/// What must be true after every run, however it ended (house plan section 5).
struct Invariants {
  private let before: HuaweiBalongStick
  private let image: CheckedImage
  private(set) var broken: [String] = []

  init(before: HuaweiBalongStick, image: CheckedImage) {
    self.before = before
    self.image = image
  }

  mutating func check(
    _ report: UpdateReport, _ bus: VirtualBus<HuaweiBalongStick>, _ records: [JournalRecord]
  ) {
    let flash = bus.body.flash
    doorsWereJournaled(flash, records)
    identityIsKept(flash)
    verdictIsTrue(report, bus)
    troubleIsTold(report)
  }

  /// S1: no item differs from the factory's without its 41 in the journal.
  private mutating func doorsWereJournaled(
    _ flash: HuaweiBalongStick.Flash, _ records: [JournalRecord]
  ) {
    var allowed = Set<UInt32>()
    for case .itemBegan(let index) in records { allowed.insert(image.image.segments[index].id) }
    for item in flash.items where !allowed.contains(item.id) {
      if before.flash.item(item.id) != item {
        broken.append("S1: item \(item.id) changed without a record of its door")
      }
    }
  }

  /// S7: identity is never written.
  private mutating func identityIsKept(_ flash: HuaweiBalongStick.Flash) {
    let (old, new) = (before.flash.nv, flash.nv)
    if old.imei != new.imei || old.serial != new.serial { broken.append("S7: identity changed") }
    if old.lockTries != new.lockTries { broken.append("S7: the lock counter changed") }
    if old.profiles != new.profiles { broken.append("settings were lost") }
  }

  /// S10: "updated" only if it is, "failed" only if it is not.
  private mutating func verdictIsTrue(
    _ report: UpdateReport, _ bus: VirtualBus<HuaweiBalongStick>
  ) {
    let flash = bus.body.flash
    let isNew = Self.holds(flash, image) && flash.allPartsComplete
    switch report.verdict {
    case .updated where !isNew:
      broken.append("S10: said updated, and the stick holds something else")
    case .failedStillWorks where isNew && flash.firmware == image.image.claims.firmware?.text:
      broken.append("S10: said failed, and the stick is updated")
    case .failedStillWorks where !flash.allPartsComplete:
      broken.append("S10: said that it still works, and it waits in download mode")
    case .needsRescue where flash.allPartsComplete && !flash.backupFlag:
      broken.append("S10: said that it needs rescue, and it boots")
    case .unchanged where !flash.allPartsComplete && before.flash.allPartsComplete:
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
  mutating func checkEnd(_ outcome: Trial.Outcome) {
    let last = outcome.resumed ?? outcome.first
    switch last.verdict {
    case .updated: break
    case .unchanged, .failedStillWorks:
      if !outcome.stick.flash.allPartsComplete { broken.append("S3: ended half written") }
    // What only the boot ROM can mend is another way's work; here it must be named truly.
    case .needsRescue where outcome.stick.flash.bootPartIsBroken:
      if last.trouble?.code != "stick.wrong-mode" { broken.append("S3: the boot ROM is not named") }
    case .needsRescue, .unknown:
      broken.append(
        "S3: still \(last.verdict.rawValue) after resume (\(last.trouble?.code ?? "no trouble"))")
    }
  }

  /// Whether the flash holds every item of the image to the byte.
  static func holds(_ flash: HuaweiBalongStick.Flash, _ image: CheckedImage) -> Bool {
    for segment in image.image.segments {
      guard let item = flash.item(segment.id), item.state == .complete,
        item.bytes.count == segment.size
      else { return false }
      guard var reader = try? segment.reader() else { return false }
      guard let bytes = try? reader.next(segment.size), bytes == item.bytes else { return false }
    }
    return true
  }
}
