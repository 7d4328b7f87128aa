import SmithLink
import SmithModel
import SmithVendors

/// Journals every step of a route before it is taken, and turns acknowledged bytes into progress.
final class RunWitness: FlashWitness {
  /// How far the write has come, as far as the stick has acknowledged it.
  enum Reached: Equatable {
    /// Nothing that could change the stick was sent.
    case nothing
    /// Download mode was asked for.
    case entered
    /// An item was begun; `certain` if the stick acknowledged a part of it, or all of another.
    case writing(certain: Bool)
    /// Every item is complete.
    case allWritten
  }

  let journal: any Journal
  /// Whether a one-way door was opened and not all is known to be written.
  var isWriting: Bool {
    if case .writing = reached { return true }
    return reached == .allWritten
  }
  private(set) var reached = Reached.nothing
  /// Whether all of an item may have arrived without a word that it is complete.
  private(set) var wasTakenWhole = false
  /// Bytes acknowledged in this run.
  private(set) var acknowledged = 0
  /// Whether this run began with a stick that no earlier run had touched.
  let isFresh: Bool
  /// Whether the journal took every record so far.
  private(set) var journalWorks = true

  private let owner: any Owner
  private let bus: any Bus
  private let plan: Plan
  /// Salted hash of the identity number of the stick that the update began with; nil if unknown.
  private let unit: String?
  private var finishedBytes: Int
  private var meter: RateMeter
  private var current = 0
  /// The most that was told: an item that is written once more does not take progress back.
  private var told = 0

  init(
    _ journal: any Journal, _ owner: any Owner, _ bus: any Bus, plan: Plan, unit: String?,
    firstItem: Int = 0, isFresh: Bool = false
  ) {
    self.unit = unit
    self.isFresh = isFresh
    self.journal = journal
    self.owner = owner
    self.bus = bus
    self.plan = plan
    finishedBytes = plan.items.prefix(firstItem).reduce(0) { $0 + $1.bytes }
    meter = RateMeter(start: bus.now)
    if firstItem > 0 { reached = .writing(certain: true) }
  }

  func willEnter() async throws(Trouble) {
    if owner.wantsToStop { throw UpdateRun.cancelled }
    try record(.entering)
    if reached == .nothing { reached = .entered }
    let place = plan.end == nil ? "download mode" : "its boot loader"
    await owner.hear(.phase(.enter, "Sending the stick into \(place)"))
  }

  func recognises(_ imei: IMEI?) async -> Bool? {
    guard let unit, let imei else { return nil }
    return imei.unitHash == unit
  }

  func didEnter(product: String?) async throws(Trouble) {
    try record(.inDownload(product: product))
    if reached == .nothing { reached = .entered }
    if plan.end != nil {
      await owner.hear(.phase(.enter, "Asking the loader who it is"))
    } else {
      await owner.hear(.phase(.write, "Writing \(plan.itemsWords)"))
    }
  }

  func willWrite(item: Int) async throws(Trouble) {
    if owner.wantsToStop, reached == .entered || reached == .nothing {
      throw UpdateRun.cancelledInDownload
    }
    try record(.itemBegan(item))
    if case .writing = reached {} else { reached = .writing(certain: false) }
    current = 0
    await tell(item)
  }

  func didWrite(item: Int) async throws(Trouble) {
    // True of the stick whether or not the journal can still take it.
    reached = item == plan.items.count - 1 ? .allWritten : .writing(certain: true)
    try record(.itemDone(item))
    finishedBytes += plan.items[item].bytes
    current = 0
  }

  func willLeave() async throws(Trouble) {
    try record(.leaving)
    await owner.hear(.phase(.leave, "Restarting the stick"))
  }

  func wrote(_ bytes: Int, of item: Int) async {
    if bytes > current { acknowledged += bytes - current }
    current = bytes
    // Some loaders collect an item in memory before its door: until then nothing is written.
    if bytes > 0, case .writing = reached { reached = .writing(certain: true) }
    if meter.isDue(bus.now) || bytes == plan.items[item].bytes { await tell(item) }
  }

  func mayBeWhole(item: Int) async {
    wasTakenWhole = true
    if case .writing = reached { reached = .writing(certain: false) }
  }

  func note(_ text: String) async {
    await owner.hear(.note(text))
  }

  private func record(_ record: JournalRecord) throws(Trouble) {
    do { try journal.append(record) } catch {
      journalWorks = false
      throw error
    }
  }

  private func tell(_ item: Int) async {
    told = max(told, finishedBytes + current)
    let done = told
    let total = max(plan.totalBytes, 1)
    let rate = meter.rate(bus.now, done)
    await owner.hear(
      .progress(
        Progress(
          phase: .write, item: plan.items[item].name, percent: Double(done) * 100 / Double(total),
          bytes: done, totalBytes: plan.totalBytes, rate: rate,
          etaSeconds: rate.map { Double(total - done) / max($0, 1) }, safeToUnplug: false)))
  }
}

/// Bytes per second over the last few seconds, told ten times a second at most.
struct RateMeter {
  private var samples: [(time: Duration, bytes: Int)] = []
  private var lastTold: Duration

  init(start: Duration) {
    lastTold = start - .seconds(1)
  }

  /// Whether a tenth of a second passed since the last telling.
  func isDue(_ now: Duration) -> Bool {
    now - lastTold >= .milliseconds(100)
  }

  mutating func rate(_ now: Duration, _ bytes: Int) -> Double? {
    lastTold = now
    samples.append((now, bytes))
    if samples.count > 64 { samples.removeFirst(samples.count - 64) }
    while let first = samples.first, samples.count > 2, now - first.time > .seconds(8) {
      samples.removeFirst()
    }
    guard let first = samples.first else { return nil }
    let seconds = (now - first.time).inSeconds
    guard seconds >= 0.5, bytes > first.bytes else { return nil }
    return Double(bytes - first.bytes) / seconds
  }
}
