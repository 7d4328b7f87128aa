import SmithAT
import SmithLink
import SmithModel
import SmithProtocols

/// Writes a Balong package through the download monitor: enter, compare, write, restart
/// (Docs/Protocols/balong-download.md sections 3 to 7).
struct BalongRoute {
  /// What is to be written, and where to begin.
  struct Job {
    /// Where the stick is.
    var place: Place
    /// Product ids for which the file says that it is made; compared before the first write.
    var products: [String]
    /// Whether a stick that does not say its product id may be written.
    var allowUnknownProduct: Bool
    /// Signature to announce; nil for an unsigned package.
    var signature: BalongSignature?
    /// The items, in the order of the file.
    var items: [BalongItem]
    /// Index of the first item to write: 0, or the interrupted one of an earlier run.
    var firstItem: Int
  }

  private let bus: any Bus
  private let witness: any FlashWitness

  /// How long a stick may take from GODLOAD to its download port.
  static var returnLimit: Duration { .seconds(45) }
  /// How many sessions in a row may end with a restart and no item more: one item finished is
  /// progress, and there may be any number of stages.
  static var sessionLimit: Int { 5 }

  /// A route over a bus, watched by the engine.
  init(bus: any Bus, witness: any FlashWitness) {
    self.bus = bus
    self.witness = witness
  }

  /// Does the whole job from `state`, the probed state behind `link`, up to the restart.
  ///
  /// - Throws: a trouble. Before ``FlashWitness/willWrite(item:)`` the stick keeps its firmware;
  ///   after it the stick waits in download mode for the same item.
  func flash(_ job: Job, over link: any ByteLink, in state: BalongState)
    async throws(Trouble)
  {
    var link = link
    var state = state
    var session = Session(next: job.firstItem, isTouched: job.firstItem > 0)
    if state == .normal {
      try await enter(over: link)
      (link, state) = try await downloadPort(of: job.place)
    }
    var fruitless = 0
    while true {
      let begun = session.next
      do {
        try await write(job, &session, over: link, in: state)
        await link.close()
        return
      } catch {
        await link.close()
        fruitless = session.next > begun ? 0 : fruitless + 1
        guard error.isRestart, fruitless < Self.sessionLimit else {
          throw (error.isRestart ? session.refusal ?? error : error).trouble
        }
        await witness.note(
          "The stick left: it restarts, or was unplugged. If so, plug it in again now; this waits.")
        (link, state) = try await downloadPort(of: job.place)
        if state == .normal {
          if session.next == job.items.count { return }
          try await recognise(over: link)
          try await enter(over: link)
          (link, state) = try await downloadPort(of: job.place)
        }
      }
    }
  }

  /// What outlives a download session.
  private struct Session {
    /// Index of the next item to write.
    var next: Int
    /// Whether any item was begun, by this run or the one that it goes on with.
    var isTouched: Bool
    /// Whether the stick's product id was compared and fits.
    var isCompared = false
    /// Why the stick last refused something, before it reset itself.
    var refusal: BalongError?
  }

  /// One download session: opened, compared, and written from the next item on.
  private func write(
    _ job: Job, _ session: inout Session, over link: any ByteLink, in state: BalongState
  ) async throws(BalongError) {
    let monitor = BalongMonitor(link)
    defer { session.refusal = monitor.lastRefusal ?? session.refusal }
    let report = try await monitor.open(
      state, signature: job.signature,
      mayLackDataMode: DeviceCatalogue.huaweiBalong.mayLackDataMode(job.products))
    try await compare(report, with: job, &session, monitor)
    try await journaled { () throws(Trouble) in
      try await witness.didEnter(product: report.product)
    }
    while session.next < job.items.count {
      let index = session.next
      try await journaled { () throws(Trouble) in try await witness.willWrite(item: index) }
      session.isTouched = true
      let watcher = witness
      try await monitor.write(job.items[index]) { bytes in await watcher.wrote(bytes, of: index) }
      try await journaled { () throws(Trouble) in try await witness.didWrite(item: index) }
      session.next += 1
    }
    try await journaled { () throws(Trouble) in try await witness.willLeave() }
    try await monitor.reset()
  }

  /// Product id of the stick against the file's, before the first write; on a mismatch an
  /// untouched stick is restarted into its firmware, and a touched one is never restarted.
  private func compare(
    _ report: BalongMonitor.Report, with job: Job, _ session: inout Session,
    _ monitor: BalongMonitor
  ) async throws(BalongError) {
    // The same stick at the same place, later in the same run, may keep its id to itself.
    if session.isCompared, report.product == nil { return }
    let fits =
      report.product.map { product in
        job.products.isEmpty
          ? job.allowUnknownProduct
          : job.products.allSatisfy { BalongProduct.matches($0, product) }
      } ?? job.allowUnknownProduct
    session.isCompared = fits
    if fits { return }
    let untouched = !session.isTouched
    if untouched { try await monitor.reset() }
    throw .journal(
      BalongProduct.mismatch(
        stick: report.product, file: job.products, aftermath: untouched ? .stillBoots : .needsRescue
      ))
  }

  private func journaled(_ step: () async throws(Trouble) -> Void) async throws(BalongError) {
    do { try await step() } catch { throw .journal(error) }
  }

  /// Makes sure that a stick that came back in normal mode is the one that left: somebody may have
  /// plugged in another, and a named port may lead to anything by now.
  private func recognise(over link: any ByteLink) async throws(Trouble) {
    var isSame: Bool?
    for _ in 0..<3 where isSame == nil {
      let answer = try? await ATSession(link: link).send("AT+CGSN")
      isSame = await witness.recognises(answer.flatMap(HuaweiAnswers.imei))
    }
    if isSame == true { return }
    await link.close()
    throw .anotherStick()
  }

  /// NVBACKUP and GODLOAD on the AT port; returns when the stick has left, or should have.
  private func enter(over link: any ByteLink) async throws(Trouble) {
    try await witness.willEnter()
    let at = BalongEntry(link)
    let accepted: Bool
    do {
      if try await !at.backUpNV() {
        await witness.note("The stick has no AT^NVBACKUP; it goes on without it.")
      }
      accepted = try await at.goToDownload()
    } catch {
      await link.close()
      throw error.trouble
    }
    await link.close()
    if !accepted { throw Self.noDownloadMode }
  }

  private static let noDownloadMode = Trouble(
    "preflight.no-download-mode", "The stick refuses to go into download mode (AT^GODLOAD).",
    facts: ["some firmwares, E3276 from 21.491 on among them, no longer allow it"],
    advice: [
      "Unplug the stick and plug it in again: it still has its firmware.",
      "If it waits in download mode then: `modemsmith huawei leave-download`.",
      "Such a stick can be updated only by the way of its boot ROM, with the case open.",
    ], aftermath: .stillBoots, exitCode: .refused)

  /// Waits for the port of download mode and asks until its state is known.
  private func downloadPort(of place: Place) async throws(Trouble) -> (any ByteLink, BalongState) {
    let deadline = bus.now + Self.returnLimit
    var lastState = BalongState.silent
    var bootROMs = 0
    while deadline - bus.now > .zero {
      let found: (any ByteLink, BalongState)?
      do {
        let port = try await bus.port(at: place, as: .download, within: deadline - bus.now)
        let link = try await bus.open(port)
        found = (link, try await BalongProbe(link).state(expectingDownload: true))
      } catch let error as LinkError {
        // A port that has just appeared may not be ours yet, or may vanish again.
        if case .notPermitted = error, deadline - bus.now < .seconds(5) { throw error.trouble }
        found = nil
      } catch let error as BusError {
        throw error.trouble
      } catch {
        found = nil
      }
      if let (link, state) = found {
        lastState = state
        switch state {
        case .download, .downloadAT: return (link, state)
        case .normal where deadline - bus.now < .seconds(20): return (link, state)
        default: await link.close()
        }
        // It does not leave its boot ROM by itself.
        if state == .bootROM { bootROMs += 1 }
        if bootROMs > 1 { break }
      }
      await bus.pause(.milliseconds(250))
    }
    throw Self.wrongState(lastState, place)
  }

  private static func wrongState(_ state: BalongState, _ place: Place) -> Trouble {
    switch state {
    case .bootROM:
      Trouble(
        "stick.wrong-mode", "The stick shows its boot ROM: it cannot start its download monitor.",
        advice: ["It needs a loader for its chip: `modemsmith rescue --loader LOADER FIRMWARE`."],
        aftermath: .needsRescue, exitCode: .needsRescue)
    default:
      BusError.absent(place, .download).trouble
    }
  }
}

extension BalongError {
  /// Whether the stick left the bus, as it does after a refused block or a new partition table.
  var isRestart: Bool {
    if case .link(.gone) = self { return true }
    return false
  }
}
