import SmithAT
import SmithLink
import SmithModel
import SmithProtocols
import SmithVendors

/// One run of one unlock; gathers what the report will say.
final class UnlockRun {
  private let unlocker: Unlocker
  private let request: UnlockRequest
  private let place: Place
  private var report = UnlockReport(verdict: .unknown)
  private var link: (any ByteLink)?
  private var identity: String?
  /// Whether the owner said no after at least one attempt.
  private var ownerIsDone = false
  private var journal: (any UnlockJournal)?
  private var past = UnlockPast([], identity: nil)
  /// Whether the page was left for a serial port.
  private var hasLeftPage = false

  private var bus: any Bus { unlocker.bus }
  private var owner: any UnlockOwner { unlocker.owner }

  init(_ unlocker: Unlocker, _ request: UnlockRequest, _ place: Place) {
    self.unlocker = unlocker
    self.request = request
    self.place = place
  }

  func run() async -> UnlockReport {
    do throws(Trouble) {
      let (open, subject) = try await look()
      link = open
      let lock = try read(subject)
      await tell(subject, lock)
      report.onlyShown = request.onlyShows
      if request.onlyShows {
        report.verdict = Self.verdict(of: lock)
      } else {
        try await go(lock)
      }
    } catch {
      report.trouble = error
    }
    await link?.close()
    if let journal { try? journal.append(.ended(report.verdict)) }
    if hasLeftPage { await unlocker.page?.back(on: bus, at: place) }
    return report
  }

  // MARK: Before anything is sent

  private func look() async throws(Trouble) -> (any ByteLink, Subject) {
    let link: any ByteLink
    if let page = unlocker.page {
      guard let port = try await page.isThereOrPort(place, on: bus, within: .seconds(3)) else {
        return (NoLink(bus), try await page.ask(at: place, withSettings: false))
      }
      link = port
    } else {
      link = try await Updater.open(place, on: bus)
    }
    return (link, try await ask(link))
  }

  private func ask(_ link: any ByteLink) async throws(Trouble) -> Subject {
    do throws(Trouble) {
      return try await Subject.ask(link, at: place)
    } catch {
      await link.close()
      throw error
    }
  }

  /// From the page, which takes no codes, to a serial port of the same unit; a replug undoes it
  /// (Docs/Protocols/huawei-hilink.md section 9).
  ///
  /// - Returns: the lock as the port tells it.
  private func leavePage(_ page: StickPageDoor) async throws(Trouble) -> DeviceReport.SIMLock {
    let port = try await page.port(on: bus, at: place) { await owner.hear(.note($0)) }
    hasLeftPage = true
    let open: any ByteLink
    do { open = try await bus.open(port) } catch { throw error.trouble }
    link = open
    let subject = try await ask(open)
    if let identity, subject.identityHash != identity { throw UnlockTrouble.otherStick }
    return try read(subject)
  }

  /// The lock of a stick whose lock may be touched at all.
  private func read(_ subject: Subject) throws(Trouble) -> DeviceReport.SIMLock {
    report.device = subject.report
    identity = subject.identityHash
    guard subject.state == .normal else { throw UnlockTrouble.wrongMode(subject.state.unlockWord) }
    // Read only: zte.md forbids writing codes, and nothing is known of Alcatel's.
    let knowsLock = ["zte", "alcatel"].contains(subject.report.vendor) && request.onlyShows
    guard LockDialects.speaking(as: subject.report.vendor) != nil || knowsLock else {
      throw UnlockTrouble.wrongVendor(subject.report.manufacturer)
    }
    guard !subject.identityDamaged else { throw UnlockTrouble.noIdentity }
    guard let lock = subject.report.simLock, lock.status != .unknown else {
      throw UnlockTrouble.lockUnknown
    }
    report.before = lock
    report.after = lock
    report.verdict = Self.verdict(of: lock)
    return lock
  }

  private func tell(_ subject: Subject, _ lock: DeviceReport.SIMLock) async {
    past = UnlockPast(unlocker.surroundings.earlier(), identity: identity)
    await owner.hear(.lock(lock))
    let isHuawei = subject.report.vendor == "huawei"
    if isHuawei { await owner.hear(.advice(HuaweiUnlockAdvice(for: subject.report))) }
    if subject.report.simState == nil {
      await owner.hear(.note("The stick names no SIM: without one its lock state is not reliable."))
    }
    if past.wasUnlocked, lock.status != .noCodeNeeded {
      let text =
        "This stick was unlocked before and is locked again: the unlock was temporary on this "
        + (isHuawei && HuaweiUnlockAdvice.isCustomised(subject.report)
          ? "customised build." : "build.")
      report.warnings.append(text)
      await owner.hear(.note(text))
    }
    for attempt in past.unanswered {
      let now = lock.triesLeft.map(String.init) ?? "unknown"
      await owner.hear(
        .note(
          "An earlier attempt (\(attempt.version.rawValue)) never got an answer: the counter was "
            + "\(attempt.triesBefore) then and is \(now) now."))
    }
  }

  // MARK: Attempts

  /// Goes through the codes, one word of the owner for each.
  private func go(_ lock: DeviceReport.SIMLock) async throws(Trouble) {
    if lock.status == .noCodeNeeded { return }
    let advice = advice()
    let codes = try codes(from: advice)
    var lock = lock
    defer {
      if report.verdict == .blocked { report.trouble = report.trouble ?? blocked }
    }
    for (index, code) in codes.enumerated() {
      if request.resetsCounter {
        guard index == 0 else { break }
        try await attempt(try resetStep(code, advice, lock), &lock)
        guard report.trouble == nil, report.verdict == .stillLocked else { break }
      }
      try check(lock)
      if past.refused.contains(UnlockPast.mark(code.code, identity: identity)), !request.again {
        guard codes.count > 1 else { throw UnlockTrouble.triedBefore }
        await owner.hear(
          .note("The \(code.version.rawValue) code was refused by this stick before: left out."))
        continue
      }
      var step = code
      step.triesLeft = lock.triesLeft ?? 0
      try await attempt(step, &lock)
      guard report.trouble == nil, report.verdict == .stillLocked, !ownerIsDone else { break }
    }
    if report.attempts.isEmpty { throw UnlockTrouble.triedBefore }
  }

  /// What can be calculated, for Huawei's sticks alone.
  private func advice() -> HuaweiUnlockAdvice {
    var advice = HuaweiUnlockAdvice(for: report.device)
    if report.device.vendor != "huawei" {
      advice.candidates = []
      advice.notes = ["Codes of this maker's sticks cannot be calculated."]
    }
    return advice
  }

  private func codes(from advice: HuaweiUnlockAdvice) throws(Trouble) -> [UnlockStep] {
    if let code = request.code {
      let known = advice.candidates.first { $0.code == code }
      return [
        UnlockStep(
          kind: .code, code: code, version: .owners, confidence: known?.confidence,
          reason: known.map { "your code equals the \($0.version.rawValue) code of this stick" }
            ?? "a code that you brought; it equals none of the calculated ones", triesLeft: 0)
      ]
    }
    let chosen = advice.candidates.filter {
      request.version == nil || $0.version == request.version
    }
    guard !chosen.isEmpty else { throw UnlockTrouble.noCode(advice.notes) }
    return chosen.map {
      UnlockStep(
        kind: .code, code: $0.code, version: $0.version, confidence: $0.confidence,
        reason: $0.reason, triesLeft: 0)
    }
  }

  private func resetStep(
    _ code: UnlockStep, _ advice: HuaweiUnlockAdvice, _ lock: DeviceReport.SIMLock
  ) throws(Trouble) -> UnlockStep {
    let evidence = advice.resetEvidence(
      for: code.code, version: code.version, world: report.device.world)
    guard let evidence else { throw UnlockTrouble.resetUnproven }
    var step = code
    step.kind = .counterReset
    step.reason = evidence + "; whether a wrong hash costs a try is not documented"
    step.triesLeft = lock.triesLeft ?? 0
    return step
  }

  private var blocked: Trouble { UnlockTrouble.blocked(after: report.attempts.last?.kind) }

  /// Whether a code may be entered with so many tries left.
  private func check(_ lock: DeviceReport.SIMLock) throws(Trouble) {
    guard let tries = lock.triesLeft else { throw UnlockTrouble.lockUnknown }
    guard lock.status != .blocked, tries > 0 else {
      report.verdict = .blocked
      throw blocked
    }
    guard tries > request.stopAt else {
      throw UnlockTrouble.fewTries(
        tries, stopAt: request.stopAt, isAfterAttempt: !report.attempts.isEmpty)
    }
  }

  /// One attempt: asked, journaled, sent once, and then the counter, whatever was answered.
  private func attempt(_ step: UnlockStep, _ lock: inout DeviceReport.SIMLock)
    async throws(Trouble)
  {
    guard let consent = await owner.confirm(step) else {
      ownerIsDone = true
      if report.attempts.isEmpty { throw UnlockTrouble.notConfirmed }
      return
    }
    var step = step
    if let page = unlocker.page, link is NoLink {
      lock = try await leavePage(page)
      if step.kind == .code { try check(lock) }
      step.triesLeft = lock.triesLeft ?? 0
    }
    guard let open = link, let dialect = LockDialects.speaking(as: report.device.vendor) else {
      throw LinkError.gone.trouble
    }
    try record(step, consent, lock)
    var outcome = UnlockOutcome(
      kind: step.kind, version: step.version, triesBefore: step.triesLeft)
    var accepted = false
    // One session for the attempt and the counter: it never takes a late answer for another's.
    let session = dialect.session(on: open)
    do throws(ATError) {
      let answer = try await send(step, dialect, over: session)
      accepted = answer.isOK
      outcome.answer = dialect.words(for: answer.final)
      try? journal?.append(.answered(outcome.answer ?? ""))
    } catch .refusedByGuard(let command, let reason) {
      throw ATError.refusedByGuard(command: command, reason: reason).trouble
    } catch {
      await owner.hear(.note("No answer came: \(error.trouble.summary) The counter will tell."))
    }
    let (again, now) = await recount(session, dialect)
    link = again
    if let now {
      try? journal?.append(.counted(status: now.status, tries: now.triesLeft))
      report.after = now
      lock = now
    } else {
      report.after = nil
    }
    judge(&outcome, step, now, accepted: accepted)
    report.attempts.append(outcome)
    await owner.hear(.attempt(outcome))
    if let now { await owner.hear(.lock(now)) }
  }

  private func send(
    _ step: UnlockStep, _ dialect: any LockDialect, over session: ATSession
  ) async throws(ATError) -> ATResponse {
    switch step.kind {
    case .code: try await dialect.enter(step.code, over: session)
    case .counterReset: try await HuaweiLock.resetCounter(with: step.code, over: session)
    }
  }

  /// Takes the owner's word: it is good for this one attempt.
  private func record(
    _ step: UnlockStep, _ consent: consuming UnlockConsent, _ lock: DeviceReport.SIMLock
  ) throws(Trouble) {
    let journal: any UnlockJournal
    if let begun = self.journal {
      journal = begun
    } else {
      journal = try unlocker.surroundings.newJournal()
      try journal.append(
        .began(
          UnlockHeader(
            tool: unlocker.surroundings.tool, time: unlocker.surroundings.time(), place: place,
            identity: identity, model: report.device.model, firmware: report.device.firmware,
            lock: lock)))
    }
    self.journal = journal
    report.journal = journal.location
    try journal.append(
      .attempting(
        UnlockAttempt(
          kind: step.kind, version: step.version,
          codeMark: UnlockPast.mark(step.code, identity: identity), triesBefore: step.triesLeft,
          consent: consent.how)))
  }

  /// Reads the lock again, on the same link or, when that is gone, on the stick that comes back;
  /// only if it is the same unit.
  private func recount(_ session: ATSession, _ dialect: any LockDialect) async
    -> (link: (any ByteLink)?, lock: DeviceReport.SIMLock?)
  {
    for _ in 0..<2 {
      do throws(ATError) {
        if let lock = try await dialect.read(over: session) { return (session.link, lock) }
      } catch .link {
        break
      } catch {
        continue
      }
    }
    await session.link.close()
    let returned = (try? await bus.port(at: place, as: .at, within: .seconds(20))) != nil
    guard returned || unlocker.page != nil, let (again, subject) = try? await look()
    else { return (nil, nil) }
    guard subject.identityHash == identity, identity != nil, let lock = subject.report.simLock
    else {
      await again.close()
      return (nil, nil)
    }
    return (again, lock)
  }

  /// The stick's own word decides; an answer without it decides nothing.
  private func judge(
    _ outcome: inout UnlockOutcome, _ step: UnlockStep, _ now: DeviceReport.SIMLock?,
    accepted: Bool
  ) {
    guard let now, now.status != .unknown else {
      report.verdict = .unknown
      report.trouble = UnlockTrouble.unknown(before: step.triesLeft)
      return
    }
    outcome.triesAfter = now.triesLeft
    outcome.usedTry = now.triesLeft.map { $0 < step.triesLeft }
    report.verdict = Self.verdict(of: now)
    if now.status == .noCodeNeeded {
      outcome.usedTry = false
      report.verdict = .unlocked
      if report.device.vendor == "huawei", HuaweiUnlockAdvice.isCustomised(report.device),
        report.device.world == .qualcomm
      {
        report.warnings.append(
          "This unlock may be temporary on this customised build: plug the stick in again and run "
            + "`modemsmith unlock --show` to see whether it lasts.")
      }
    } else if accepted, step.kind == .code {
      report.trouble = UnlockTrouble.notEffective
    }
  }

  private static func verdict(of lock: DeviceReport.SIMLock) -> UnlockVerdict {
    switch lock.status {
    case .noCodeNeeded: .open
    case .codeNeeded: lock.triesLeft == 0 ? .blocked : .stillLocked
    case .blocked: .blocked
    case .unknown: .unknown
    }
  }
}
