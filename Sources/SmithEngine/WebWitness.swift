import SmithLink
import SmithModel
import SmithVendors
import Synchronization

/// Journals every step of an update through a page, and turns sent bytes into progress.
final class WebWitness: WebUpdateWitness {
  /// How far it has come.
  enum Reached: Sendable {
    case nothing, writing, taken, leaving
  }

  private struct State {
    var reached = Reached.nothing
    var sent = 0
    var journalWorks = true
    var meter: RateMeter
  }

  let journal: any Journal
  private let owner: any Owner
  private let link: any WebLink
  private let plan: Plan
  private let state: Mutex<State>

  init(_ journal: any Journal, _ owner: any Owner, _ link: any WebLink, _ plan: Plan) {
    self.journal = journal
    self.owner = owner
    self.link = link
    self.plan = plan
    state = Mutex(State(meter: RateMeter(start: link.now)))
  }

  var reached: Reached { state.withLock { $0.reached } }
  var bytes: Int { state.withLock { $0.sent } }
  var journalWorks: Bool { state.withLock { $0.journalWorks } }

  func willWrite() async throws(Trouble) {
    if owner.wantsToStop { throw UpdateRun.cancelled }
    try record(.itemBegan(0))
    state.withLock { $0.reached = .writing }
    let isFile = plan.file != WebPlan.onlineFile
    await owner.hear(
      .phase(.write, isFile ? "Handing the file to the stick" : "The stick loads its update"))
  }

  func didWrite() async throws(Trouble) {
    try record(.itemDone(0))
    state.withLock { $0.reached = .taken }
  }

  func willLeave() async throws(Trouble) {
    try record(.leaving)
    state.withLock { $0.reached = .leaving }
    await owner.hear(.phase(.leave, "The stick installs and restarts; leave it plugged in"))
  }

  func sent(_ bytes: Int) async {
    let now = link.now
    let total = max(plan.totalBytes, 1)
    let told = state.withLock { state -> (due: Bool, rate: Double?) in
      state.sent = max(state.sent, bytes)
      guard state.meter.isDue(now) || bytes == total else { return (false, nil) }
      return (true, state.meter.rate(now, bytes))
    }
    guard told.due else { return }
    await tell(bytes, total, told.rate)
  }

  func loaded(percent: Int) async {
    let total = max(plan.totalBytes, 100)
    let now = link.now
    let done = total / 100 * percent
    let rate = state.withLock { $0.meter.rate(now, done) }
    await tell(done, total, rate)
  }

  private func tell(_ done: Int, _ total: Int, _ rate: Double?) async {
    await owner.hear(
      .progress(
        Progress(
          phase: .write, item: plan.items.first?.name,
          percent: min(100, Double(done) * 100 / Double(total)), bytes: done, totalBytes: total,
          rate: rate, etaSeconds: rate.map { Double(max(0, total - done)) / max($0, 1) },
          safeToUnplug: false)))
  }

  func append(_ record: JournalRecord) { if journalWorks { try? self.record(record) } }

  private func record(_ record: JournalRecord) throws(Trouble) {
    do { try journal.append(record) } catch {
      state.withLock { $0.journalWorks = false }
      throw error
    }
  }
}
