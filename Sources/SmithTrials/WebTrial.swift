public import SmithBench
public import SmithEngine
public import SmithLink
public import SmithModel

/// One page stick, one source, one network: an update in virtual time, cut and resumed as told.
public struct WebTrial<Body: WebBody>: Sendable {
  /// The stick before.
  public var stick: Body
  /// What it gets.
  public var source: WebSource
  /// What happens to requests.
  public var weather = WebWeather()
  /// What the owner allows.
  public var policy = Policy()
  /// Password of the page.
  public var password: String?

  /// A trial in calm weather, of a way that rests on inference.
  public init(_ stick: Body, _ source: WebSource) {
    self.stick = stick
    self.source = source
    policy.experimental = true
  }

  /// What came of it.
  public struct Outcome: Sendable {
    /// The first run.
    public var first: UpdateReport
    /// The run after the interruption, if one was needed.
    public var resumed: UpdateReport?
    /// Requests of the first run.
    public var requests: Int
    /// What was recorded.
    public var records: [JournalRecord]
    /// What the owner was told.
    public var events: [UpdateEvent]
    /// The stick after everything.
    public var stick: Body
    /// The last word.
    public var last: UpdateReport { resumed ?? first }
  }

  /// Runs; after a cut the stick is plugged in anew and the update resumed.
  public func run() async -> Outcome {
    let bus = VirtualBus(stick)
    // The stick has started when its owner begins.
    await bus.pause(.seconds(30))
    let link = VirtualWebLink(bus, weather: weather)
    let journal = MemoryJournal()
    let backups = BackupStore.memory()
    let owner = TrialOwner(remembers: true)
    let door = WebDoor(
      link: link, host: "192.168.0.1", address: "http://192.168.0.1", password: password)
    func updater(_ journal: MemoryJournal) -> WebUpdater {
      WebUpdater(
        door: door, owner: owner,
        surroundings: Surroundings(
          newJournal: { () throws(Trouble) in journal }, backups: backups, tool: "trial"))
    }
    let first = await updater(journal).update(source, policy: policy)
    var outcome = Outcome(
      first: first, resumed: nil, requests: link.requests, records: journal.records,
      events: owner.events, stick: bus.body)
    if first.verdict != .updated, case .planned(let header)? = journal.records.first {
      link.setWeather(WebWeather())
      bus.replug()
      await bus.pause(.seconds(30))
      let later = MemoryJournal(journal.records)
      outcome.resumed = await updater(later).resume(
        source, header, journal.records, journal: later)
      outcome.records = later.records
    }
    outcome.stick = bus.body
    return outcome
  }
}

/// Made-up firmware of page sticks.
public enum SamplePageFile {
  /// A file that a simulated stick of that model takes for this version.
  public static func bytes(model: String, version: String, count: Int = 200_000) -> [UInt8] {
    let head = Array("SIMPKG \(model) SMITHSIM-VERSION:\(version);".utf8)
    var bytes = head
    bytes.reserveCapacity(count)
    for index in head.count..<max(count, head.count) {
      bytes.append(UInt8(truncatingIfNeeded: index &* 2_654_435_761 >> 11))
    }
    return bytes
  }
}
