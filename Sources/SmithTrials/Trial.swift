public import SmithBench
public import SmithEngine
import SmithLink
public import SmithModel
import Synchronization

/// An owner who agrees to everything and remembers what was said.
public final class TrialOwner: RescueOwner {
  private let stopped = Mutex(false)
  private let heard = Mutex<[UpdateEvent]>([])
  private let remembers: Bool

  /// - Parameter remembers: whether events are kept for ``events``.
  public init(remembers: Bool = false) {
    self.remembers = remembers
  }

  /// Everything that was said.
  public var events: [UpdateEvent] { heard.withLock { $0 } }
  /// Asks to stop, as Ctrl-C does.
  public func stop() { stopped.withLock { $0 = true } }

  /// Whether ``stop()`` was called.
  public var wantsToStop: Bool { stopped.withLock { $0 } }
  /// Agrees.
  public func consent(to plan: CheckedPlan) async -> Consent? { Consent(how: "trial") }
  /// Agrees.
  public func consent(toRescue plan: RescuePlan) async -> Consent? { Consent(how: "trial") }
  /// Keeps the event, if events are remembered.
  public func hear(_ event: UpdateEvent) async {
    guard remembers else { return }
    heard.withLock { $0.append(event) }
  }
}

/// One stick, one file, one cable: an update from start to end in virtual time, interrupted and
/// resumed as told, and everything that must be true afterwards.
public struct Trial<Stick: TrialStick>: Sendable {
  /// The stick before.
  public var stick: Stick
  /// The file.
  public var image: CheckedImage
  /// What the file's segments unpack to, for the checks; unpacked anew if it is not given.
  public var contents: [[UInt8]]?
  /// What the cable does.
  public var weather = Weather()
  /// Decides what the weather does when.
  public var seed: UInt64 = 1
  /// The host process dies after this many journal records.
  public var crashAfterRecord: Int?
  /// A byte of the written flash changes before the checks: they must notice.
  public var sabotage = false
  /// What the owner allows.
  public var policy = Policy()

  /// A trial in calm weather.
  public init(_ stick: Stick, _ image: CheckedImage) {
    self.stick = stick
    self.image = image
  }

  /// What came of it.
  public struct Outcome: Sendable {
    /// The report of the first run.
    public var first: UpdateReport
    /// The report of the last resume, if one was needed.
    public var resumed: UpdateReport?
    /// Sends of the first run.
    public var sends: Int
    /// Records in the journal after the first run.
    public var records: Int
    /// The stick after everything.
    public var stick: Stick
    /// Broken invariants, in words; empty is good.
    public var broken: [String]
  }

  /// Runs the update, then checks, then replugs and resumes until it is done, and checks again.
  public func run() async -> Outcome {
    let bus = VirtualBus(stick, weather: weather, seed: seed)
    let journal = MemoryJournal(crashAfter: crashAfterRecord) { bus.killHost() }
    let backups = BackupStore.memory()
    let updater = Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: backups, tool: "trial"))
    // Nobody starts an update before the stick has started.
    if bus.body.face == nil { await bus.pause(.seconds(60)) }
    let report = await updater.update(image, at: bus.place, policy: policy)
    let sends = bus.sends
    let records = journal.records
    if sabotage { bus.withBody { $0.damage() } }
    var checks = Invariants(before: stick, image: image, contents: contents)
    bus.setWeather(Weather())
    checks.check(report, bus, records)
    var outcome = Outcome(
      first: report, resumed: nil, sends: sends, records: records.count, stick: bus.body,
      broken: checks.broken)
    await finish(&outcome, bus, journal, backups, &checks)
    return outcome
  }

  /// A person plugs the stick in again and runs `resume`, at most three times.
  private func finish(
    _ outcome: inout Outcome, _ bus: VirtualBus<Stick>, _ journal: MemoryJournal,
    _ backups: BackupStore, _ checks: inout Invariants<Stick>
  ) async {
    let crashed = crashAfterRecord != nil
    var last = outcome.first
    var records = journal.records
    for _ in 0..<3 {
      guard case .planned(let header)? = records.first else { break }
      let isOver = last.verdict == .updated || last.verdict == .unchanged
      if isOver, !crashed { break }
      if outcome.resumed != nil, isOver { break }
      bus.revive()
      bus.replug()
      let later = MemoryJournal(records)
      let updater = Updater(
        bus: bus, owner: TrialOwner(),
        surroundings: Surroundings(
          newJournal: { () throws(Trouble) in later }, backups: backups, tool: "trial"))
      last = await updater.resume(image, header, records, journal: later, policy: policy)
      outcome.resumed = last
      records = later.records
      checks.check(last, bus, records)
    }
    outcome.stick = bus.body
    checks.checkEnd(outcome)
    outcome.broken = checks.broken
  }
}
