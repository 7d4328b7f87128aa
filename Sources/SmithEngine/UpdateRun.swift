import SmithFormats
import SmithLink
import SmithModel
import SmithVendors

/// One run of one update; gathers what the report will say.
final class UpdateRun {
  let updater: Updater
  let image: CheckedImage
  let place: Place
  let policy: Policy
  private var report = UpdateReport(verdict: .unchanged, device: DeviceReport())
  private var witness: RunWitness?

  var bus: any Bus { updater.bus }
  var owner: any Owner { updater.owner }

  /// The family that writes the file; nil for a file that can only be looked at.
  private var likely: (any Family)? { Families.taking(image.image) }

  init(_ updater: Updater, _ image: CheckedImage, _ place: Place, _ policy: Policy) {
    self.updater = updater
    self.image = image
    self.place = place
    self.policy = policy
  }

  func update() async -> UpdateReport {
    do throws(Trouble) {
      await owner.hear(.phase(.identify, "Asking the stick who it is"))
      let (link, subject) = try await updater.identify(
        place, likely: likely, withSettings: true, ofTheHour: false)
      report.device = subject.report
      report.before = subject.report.firmware
      guard let armed = try await arm(subject, link) else {
        await link.close()
        return report
      }
      try await begin(armed, subject, link)
    } catch {
      note(error)
    }
    return report
  }

  func resume(_ header: JournalHeader, _ records: [JournalRecord], _ journal: any Journal) async
    -> UpdateReport
  {
    report.before = header.plan.before
    report.backup = header.backup
    report.journal = journal.location
    do throws(Trouble) {
      guard image.sha256 == header.plan.sha256 else { throw ResumeTrouble.fileChanged(header.file) }
      await owner.hear(.phase(.identify, "Looking for the stick"))
      let (link, subject) = try await updater.identify(
        place, likely: likely, withSettings: false, within: .seconds(30))
      report.device = subject.report
      try await goOn(ResumePoint(records, subject, header, policy), header, journal, subject, link)
    } catch {
      // A refusal changes nothing; a stick in its boot ROM needs more than this command.
      report.verdict =
        error.aftermath == .needsRescue
        ? .needsRescue : error.exitCode == .refused ? .unchanged : .unknown
      note(error)
    }
    return report
  }

  // MARK: Before the first door

  /// Plan, preflight, backup, consent; nil when there is nothing to do.
  private func arm(_ subject: Subject, _ link: any ByteLink) async throws(Trouble) -> ArmedPlan? {
    do throws(Trouble) {
      await owner.hear(.phase(.plan, "Comparing the file with the stick"))
      let plan: Plan
      switch try Planner.plan(image, subject, policy: policy) {
      case .plan(let made): plan = made
      case .alreadyThere(let version, let open):
        report.after = version
        if policy.purpose == .firmware {
          await owner.hear(.note("The stick already runs \(version)."))
        }
        if let open { report.warnings.append(open) }
        return nil
      }
      for warning in plan.warnings { await owner.hear(.warning(warning)) }
      await owner.hear(.phase(.preflight, "Checking power, port and stick"))
      let checked = try Preflight.check(
        plan, image, subject, power: updater.surroundings.power(), policy: policy)
      await owner.hear(.phase(.backup, "Saving settings"))
      let receipt = try BackupReceipt.make(
        of: subject, for: plan, policy: policy, in: updater.surroundings.backups)
      report.backup = receipt.path
      guard let consent = await owner.consent(to: checked) else {
        throw owner.wantsToStop ? Self.cancelled : Self.noConsent
      }
      if owner.wantsToStop { throw Self.cancelled }
      return try ArmedPlan(checked, receipt, consent)
    } catch {
      await link.close()
      throw error
    }
  }

  private func begin(
    _ armed: consuming ArmedPlan, _ subject: Subject, _ link: any ByteLink
  ) async throws(Trouble) {
    let plan = armed.checked.plan
    let journal: any Journal
    let header = JournalHeader(
      tool: updater.surroundings.tool, time: updater.surroundings.backups.time(), place: place,
      downloadPort: updater.surroundings.downloadPort, diagPort: updater.surroundings.diagPort,
      page: updater.page?.address,
      file: image.path,
      others: image.others.isEmpty ? nil : image.others, identity: subject.identityHash,
      consent: armed.consent, backup: armed.backup.path, plan: plan, policy: policy)
    do throws(Trouble) {
      journal = try updater.surroundings.newJournal()
      try journal.append(.planned(header))
    } catch {
      await link.close()
      throw error
    }
    report.journal = journal.location
    try await write(
      plan, from: 0, header, subject, link,
      RunWitness(
        journal, owner, bus, plan: plan, unit: header.identity,
        isFresh: subject.state == .normal))
  }

  private func goOn(
    _ point: ResumePoint, _ header: JournalHeader, _ journal: any Journal, _ subject: Subject,
    _ link: any ByteLink
  ) async throws(Trouble) {
    switch point {
    case .refuse(let trouble):
      await link.close()
      throw trouble
    case .verify where isOnlyLook(header, subject), .write where isOnlyLook(header, subject):
      await link.close()
      report.after = subject.report.firmware
      await owner.hear(.note("Nothing was to be written, and the stick runs its firmware."))
      try journal.append(.ended(report.verdict))
    case .verify:
      await link.close()
      await verify(
        header, RunWitness(journal, owner, bus, plan: header.plan, unit: header.identity))
    case .write(let first):
      await owner.hear(
        .note(
          first == 0
            ? "Starting the package from its beginning."
            : "Going on with item \(first + 1) of \(header.plan.items.count)."))
      try await write(
        header.plan, from: first, header, subject, link,
        RunWitness(
          journal, owner, bus, plan: header.plan, unit: header.identity ?? subject.identityHash,
          firstItem: first))
    }
  }

  /// Whether the plan ended before its first write and the stick runs its firmware.
  private func isOnlyLook(_ header: JournalHeader, _ subject: Subject) -> Bool {
    header.plan.end != nil && subject.state == .normal
  }

  // MARK: From the first door on

  private func write(
    _ plan: Plan, from first: Int, _ header: JournalHeader, _ subject: Subject,
    _ link: any ByteLink, _ witness: RunWitness
  ) async throws(Trouble) {
    self.witness = witness
    do throws(Trouble) {
      let (link, subject) = try await port(of: subject, link)
      let job = FlashJob(
        place: place, image: image.image, report: subject.report, state: subject.state,
        policy: policy, firstItem: first)
      try await family().flash(job, over: link, on: bus, watched: witness)
    } catch {
      report.bytes = witness.acknowledged
      if witness.isWriting, isDecidedByAsking(error) {
        await verify(header, witness, after: error)
      } else {
        try await settle(error, header, witness)
      }
      return
    }
    report.bytes = witness.acknowledged
    await verify(header, witness)
  }

  /// The port to write through; a stick that shows its page is brought to one, and has to be the
  /// same unit there.
  private func port(of subject: Subject, _ link: any ByteLink) async throws(Trouble)
    -> (any ByteLink, Subject)
  {
    guard let page = updater.page, link is NoLink else { return (link, subject) }
    if owner.wantsToStop { throw Self.cancelled }
    await owner.hear(.phase(.enter, "Asking the page for a serial port"))
    let port = try await page.port(on: bus, at: place) { await owner.hear(.note($0)) }
    let open: any ByteLink
    do { open = try await bus.open(port) } catch { throw error.trouble }
    do throws(Trouble) {
      let now = try await Subject.ask(
        open, at: place, likely: likely, alone: true, ofTheHour: false)
      if let obstacle = now.state.obstacle { throw obstacle }
      if let before = subject.identityHash, let hash = now.identityHash, hash != before {
        throw ResumeTrouble.otherStick
      }
      return (open, now)
    } catch {
      await open.close()
      throw error
    }
  }

  /// Whether only the stick itself can say what a failed write came to: its last answer was lost,
  /// or its loader writes whole images, so that every one may be there, the old or the new.
  private func isDecidedByAsking(_ error: Trouble) -> Bool {
    likely?.writesAllOrNothing == true || likely?.mayHaveWorked.contains(error.code) == true
  }

  /// The planner refused every file without a family.
  private func family() throws(Trouble) -> any Family {
    guard let likely else { throw Planner.notFirmware(image.image) }
    return likely
  }

  /// After a failed write: what is true of the stick now?
  private func settle(_ error: Trouble, _ header: JournalHeader, _ witness: RunWitness)
    async throws(Trouble)
  {
    var error = error
    switch witness.reached {
    case .nothing:
      report.verdict = .unchanged
      await updater.page?.back(on: bus, at: place)
    case .entered:
      await settleEntered(header, witness, &error)
    case .writing(certain: false)
    where witness.isFresh && !witness.wasTakenWhole
      && (try? family().refusalsAtTheDoor.contains(error.code)) == true:
      // The first item was refused, so nothing was begun: the stick can go back to what it ran.
      await settleEntered(header, witness, &error)
    case .writing(let certain):
      report.verdict = certain ? .needsRescue : .unknown
      error.aftermath = certain ? .needsRescue : .unknown
    case .allWritten:
      report.verdict = .unknown
      error.aftermath = .unknown
    }
    error.exitCode = report.exitCode(for: error)
    report.trouble = error
    adviseAfterFailure()
    if witness.reached != .nothing, !error.code.hasPrefix("journal.") {
      try? witness.journal.append(.ended(report.verdict))
    }
  }

  /// Download mode was asked for and nothing was written: bring the stick back if it can be done.
  private func settleEntered(
    _ header: JournalHeader, _ witness: RunWitness, _ error: inout Trouble
  ) async {
    let back = await StickReturn(bus, place, likely: likely, page: updater.page).bringBack()
    if back?.state == .normal { await updater.page?.back(on: bus, at: place) }
    switch back?.state {
    case .normal: break
    case .waiting where likely?.startsWhenReplugged == true:
      // A stick that ran before still can; of one that waited before, nothing is known.
      report.verdict = witness.isFresh ? .failedStillWorks : .unknown
      error.aftermath = witness.isFresh ? .stillBoots : .unknown
      return
    case .waiting, .bootROM:
      report.verdict = .needsRescue
      error.aftermath = .needsRescue
      return
    case .diag, .silent, nil:
      report.verdict = .unknown
      error.aftermath = .unknown
      return
    }
    guard let back else { return }
    if let before = header.identity, let now = back.identityHash, now != before {
      report.verdict = .unknown
      error.aftermath = .unknown
      return
    }
    report.device = back.report
    report.after = back.report.firmware
    if let before = header.plan.before, let now = report.after, !before.isConfirmed(by: now) {
      report.verdict = .unknown
      error.aftermath = .unknown
      return
    }
    let isChoice = error.exitCode == .refused || error.exitCode == .cancelled
    report.verdict = isChoice ? .unchanged : .failedStillWorks
    error.aftermath = .stillBoots
  }

  /// Asks the stick what it runs.
  ///
  /// - Parameter failure: why the write did not end well, where the stick may be written all the
  ///   same; it stands in the report unless the stick proves the update.
  private func verify(
    _ header: JournalHeader, _ witness: RunWitness, after failure: Trouble? = nil
  ) async {
    // Nothing that follows can harm the stick, so a full disk is no reason not to ask it.
    do { try witness.journal.append(.verifying) } catch { report.warnings.append(error.summary) }
    await owner.hear(.phase(.verify, "Waiting for the stick to start its new firmware"))
    let isComplete = failure == nil || witness.reached == .allWritten
    let checker = Verification(
      bus, place, header, policy, likely, isComplete: isComplete, page: updater.page)
    var outcome = await checker.outcome()
    let saved = header.backup.flatMap { updater.surroundings.backups.load($0) }
    if let settings = saved?.settings, outcome.verdict == .updated {
      await owner.hear(.phase(.restore, "Comparing settings"))
      await checker.restore(settings, &outcome)
    }
    if outcome.verdict != .updated, var failure {
      failure.aftermath = outcome.verdict.aftermath
      outcome.trouble = failure
    }
    report.verdict = outcome.verdict
    report.after = outcome.subject?.report.firmware
    if let subject = outcome.subject { report.device = subject.report }
    report.warnings += outcome.warnings
    report.trouble = outcome.trouble
    let code = report.exitCode
    if outcome.verdict != .updated { report.trouble?.exitCode = code }
    adviseAfterFailure()
    if witness.journalWorks { try? witness.journal.append(.ended(outcome.verdict)) }
  }

  /// A stick that works as before has nothing left to resume.
  private func adviseAfterFailure() {
    guard report.verdict == .failedStillWorks, let advice = report.trouble?.advice,
      advice.contains(where: { $0.contains("resume") })
    else { return }
    report.trouble?.advice =
      advice.filter { !$0.contains("resume") }
      + ["The stick still works: unplug it, plug it in, and run `modemsmith update` again."]
  }

  private func note(_ trouble: Trouble) {
    report.trouble = trouble
  }

  static let noConsent = Trouble(
    "consent.missing", "The owner did not agree; nothing was sent.",
    advice: ["Run it again and type the word that is asked for, or use --yes."],
    exitCode: .cancelled)

  static let cancelled = Trouble(
    "update.cancelled", "Stopped at your request; nothing was sent.",
    advice: ["Run the command again whenever you like."], exitCode: .cancelled)
}

extension UpdateRun {
  static let cancelledInDownload = Trouble(
    "update.cancelled", "Stopped at your request before anything was written.",
    advice: ["Run the command again whenever you like."], exitCode: .cancelled)
}

extension Verdict {
  /// What a failure that ends so left behind.
  fileprivate var aftermath: Aftermath {
    switch self {
    case .unchanged: .untouched
    case .updated, .failedStillWorks: .stillBoots
    case .needsRescue: .needsRescue
    case .unknown: .unknown
    }
  }
}

extension UpdateReport {
  /// A trouble's exit code must not contradict the verdict.
  func exitCode(for trouble: Trouble) -> ExitCode {
    switch verdict {
    case .unchanged: trouble.exitCode
    case .failedStillWorks: .stillWorks
    case .needsRescue: .needsRescue
    case .unknown, .updated: .unknown
    }
  }
}
