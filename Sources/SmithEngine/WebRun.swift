import SmithBytes
import SmithLink
import SmithModel
import SmithVendors

/// One run of one update through a page; gathers what the report will say.
final class WebRun {
  private typealias Prepared = (plan: Plan, image: CheckedImage, place: UploadPlace?)

  private let updater: WebUpdater
  private let source: WebSource
  private let policy: Policy
  var report = UpdateReport(verdict: .unchanged, device: DeviceReport())

  private var door: WebDoor { updater.door }
  private var owner: any Owner { updater.owner }

  init(_ updater: WebUpdater, _ source: WebSource, _ policy: Policy) {
    self.updater = updater
    self.source = source
    self.policy = policy
  }

  func update() async {
    do throws(Trouble) {
      await owner.hear(.phase(.identify, "Asking the stick's page who it is"))
      let (page, subject) = try await look(withSettings: true)
      await owner.hear(.phase(.plan, "Comparing with the stick"))
      guard let prepared = try await prepare(page, subject) else {
        report.after = subject.report.firmware
        await owner.hear(.note("There is nothing newer for this stick."))
        return
      }
      try await begin(prepared, page, subject)
    } catch {
      if report.trouble == nil { report.trouble = error }
    }
  }

  func planOnly() async throws(Trouble) -> Plan? {
    let (page, subject) = try await look(withSettings: false)
    return try await prepare(page, subject)?.plan
  }

  func resume(_ header: JournalHeader, _ records: [JournalRecord], _ journal: any Journal) async {
    report.before = header.plan.before
    report.backup = header.backup
    report.journal = journal.location
    let witness = WebWitness(journal, owner, door.link, header.plan)
    do throws(Trouble) {
      await owner.hear(.phase(.identify, "Looking for the stick"))
      // It may be installing, or starting, just now.
      guard let now = await wait(after: header.plan.before) else {
        report.verdict = .unknown
        throw Self.didNotReturn
      }
      report.device = now
      try checkUnit(now, header)
      let wasTaken = records.contains { if case .itemBegan = $0 { true } else { false } }
      if wasTaken, now.firmware != header.plan.before {
        await conclude(now, header, witness)
        return
      }
      await owner.hear(.note("The stick still runs its old firmware: handing over again."))
      let (page, subject) = try await look(withSettings: false)
      report.before = header.plan.before
      guard let prepared = try await prepare(page, subject) else {
        report.after = subject.report.firmware
        witness.append(.ended(.unchanged))
        return
      }
      guard prepared.plan.sha256 == header.plan.sha256 else {
        throw ResumeTrouble.fileChanged(header.file)
      }
      await write(prepared, page, header, witness)
    } catch {
      if report.verdict != .unknown { report.verdict = .unchanged }
      report.trouble = error
    }
  }

  // MARK: Before the first door

  private func look(withSettings: Bool) async throws(Trouble) -> (any StickPage, Subject) {
    do throws(PageError) {
      let (page, said) = try await door.open()
      report.device = said
      report.before = said.firmware
      guard said.firmware != nil else { throw .passwordNeeded }
      let settings = withSettings ? try await page.settings() : nil
      return (
        page, Subject(place: door.place, state: .normal, report: said, settings: settings)
      )
    } catch { throw error.trouble }
  }

  /// The plan and what it needs; nil if there is nothing to do.
  private func prepare(_ page: any StickPage, _ subject: Subject) async throws(Trouble)
    -> Prepared?
  {
    switch source {
    case .file(let path, let bytes, let wanted):
      let image = try CheckedImage(forPageOf: subject.report, bytes, named: path)
      if let wanted, wanted == subject.report.firmware, !policy.reinstall { return nil }
      let place: UploadPlace?
      do { place = try await page.uploadPlace() } catch { throw error.trouble }
      guard let place else { throw PageError.noUpload.trouble }
      let plan = try WebPlan.upload(
        image, bytes, subject, page, place, policy, expecting: wanted)
      return (plan, image, place)
    case .online:
      do throws(PageError) {
        if let obstacle = try await page.obstacle() {
          throw .refused(request: "the update", code: obstacle)
        }
        switch try await page.check() {
        case .none: return nil
        case .unavailable(let why): throw .refused(request: "looking for an update", code: why)
        case .available(let version, let bytes):
          let image = CheckedImage(online: version)
          do throws(Trouble) {
            let plan = try WebPlan.online(
              image, version: version, bytes: bytes, subject, page, policy)
            return (plan, image, nil)
          } catch { report.trouble = error }
        }
      } catch { throw error.trouble }
      throw report.trouble ?? PageError.unknownPage.trouble
    }
  }

  private func begin(_ prepared: Prepared, _ page: any StickPage, _ subject: Subject)
    async throws(Trouble)
  {
    let plan = prepared.plan
    for warning in plan.warnings { await owner.hear(.warning(warning)) }
    await owner.hear(.phase(.preflight, "Checking power and stick"))
    let checked = try Preflight.check(
      plan, prepared.image, subject, power: updater.surroundings.power(), policy: policy)
    await owner.hear(.phase(.backup, "Saving settings"))
    let receipt = try BackupReceipt.make(
      of: subject, for: plan, policy: policy, in: updater.surroundings.backups)
    report.backup = receipt.path
    guard let consent = await owner.consent(to: checked) else {
      throw owner.wantsToStop ? UpdateRun.cancelled : UpdateRun.noConsent
    }
    if owner.wantsToStop { throw UpdateRun.cancelled }
    let armed = try ArmedPlan(checked, receipt, consent)
    let header = JournalHeader(
      tool: updater.surroundings.tool, time: updater.surroundings.backups.time(),
      place: door.place, downloadPort: nil, file: prepared.image.path,
      identity: subject.identityHash, consent: armed.consent, backup: armed.backup.path,
      plan: plan, policy: policy)
    let journal = try updater.surroundings.newJournal()
    try journal.append(.planned(header))
    report.journal = journal.location
    await write(prepared, page, header, WebWitness(journal, owner, door.link, plan))
  }

  // MARK: From the first door on

  private func write(
    _ prepared: Prepared, _ page: any StickPage, _ header: JournalHeader, _ witness: WebWitness
  ) async {
    let work = WebUpdate(page, witness)
    do throws(Trouble) {
      switch (source, prepared.place) {
      case (.file(_, let bytes, _), let place?):
        try await work.upload(bytes, named: prepared.plan.file, to: place)
      default: try await work.online()
      }
    } catch {
      report.bytes = witness.bytes
      await settle(error, header, witness)
      return
    }
    report.bytes = witness.bytes
    witness.append(.verifying)
    await owner.hear(.phase(.verify, "Waiting for the stick to come back"))
    guard let now = await wait(after: header.plan.before) else {
      report.verdict = .unknown
      report.trouble = Self.didNotReturn
      witness.append(.ended(.unknown))
      return
    }
    await conclude(now, header, witness)
  }

  /// After a failure: what is true of the stick now?
  private func settle(_ error: Trouble, _ header: JournalHeader, _ witness: WebWitness) async {
    var error = error
    guard witness.reached != .nothing else {
      report.verdict = .unchanged
      report.trouble = error
      return
    }
    if let now = await wait(after: header.plan.before) {
      report.device = now
      report.after = now.firmware
      if now.firmware != header.plan.before {
        await conclude(now, header, witness)
        return
      }
      report.verdict = .failedStillWorks
      error.aftermath = .stillBoots
    } else {
      report.verdict = .unknown
      error.aftermath = .unknown
    }
    error.exitCode = report.exitCode(for: error)
    report.trouble = error
    witness.append(.ended(report.verdict))
  }

  /// The stick answers with another version, or with the old one after its restart.
  private func conclude(_ now: DeviceReport, _ header: JournalHeader, _ witness: WebWitness) async {
    report.device = now
    report.after = now.firmware
    let hash = Subject(place: door.place, state: .normal, report: now).identityHash
    if let before = header.identity, let hash, hash != before {
      report.verdict = .unknown
      report.trouble = Self.identityChanged(isOther: true)
      witness.append(.ended(.unknown))
      return
    }
    await judge(now, header.plan)
    if report.verdict == .updated, header.identity != nil, hash == nil {
      report.trouble = Self.identityChanged(isOther: false)
    }
    let hasChanged = now.firmware != nil && now.firmware != header.plan.before
    if hasChanged, let path = header.backup,
      let settings = updater.surroundings.backups.load(path)?.settings
    {
      await owner.hear(.phase(.restore, "Comparing settings"))
      report.warnings += await restore(settings, header)
    }
    witness.append(.ended(report.verdict))
  }

  /// A version counts if it is the one that was announced; a mere change is called a change.
  private func judge(_ now: DeviceReport, _ plan: Plan) async {
    let text = now.firmware?.text ?? "nothing"
    if now.firmware == plan.before {
      report.verdict = .failedStillWorks
      report.trouble = Self.unverified("it runs its old version", .stillWorks)
    } else if let wanted = plan.after {
      report.verdict = wanted == now.firmware ? .updated : .unknown
      if report.verdict == .unknown {
        report.trouble = Self.unverified("it runs \(text), not \(wanted)", .unknown)
      }
    } else if plan.file == WebPlan.onlineFile, await saysItUpdated() == true {
      report.verdict = .updated
    } else {
      report.verdict = .unknown
      let who =
        plan.file == WebPlan.onlineFile ? "the page did not announce" : "the file does not say"
      report.trouble = Self.unverified(
        "it changed and runs \(text) now, but \(who) its version", .unknown)
    }
  }

  private func saysItUpdated() async -> Bool? {
    do throws(PageError) { return try await door.open().page.saysItUpdated() } catch { return nil }
  }

  /// Writes profiles back where the plan says so; elsewhere only says what differs.
  private func restore(_ settings: DeviceSettings, _ header: JournalHeader) async -> [String] {
    do throws(PageError) {
      let page = try await door.open().page
      if header.plan.stages.contains(.restoreSettings) {
        return try await page.restore(settings).leftOut.map { "not restored: \($0)" }
      }
      let lost = try await WebSettings.differing(settings, page)
      return lost.map {
        "\($0) is not as it was; `modemsmith restore \(header.backup ?? "BACKUP") --web URL"
          + " --experimental` writes it back"
      }
    } catch {
      return ["settings could not be compared after the update; the backup has them"]
    }
  }

  private func wait(after before: FirmwareVersion?) async -> DeviceReport? {
    await WebUpdate.comeBack(after: before, over: door.link) { () async throws(PageError) in
      try await door.open().report
    }
  }

  private func checkUnit(_ now: DeviceReport, _ header: JournalHeader) throws(Trouble) {
    let hash = Subject(place: door.place, state: .normal, report: now).identityHash
    if let before = header.identity, let hash, hash != before { throw ResumeTrouble.otherStick }
  }

  // MARK: Troubles

  private static let didNotReturn = Trouble(
    "stick.did-not-return", "The stick's page did not come back in time.",
    advice: [
      "Unplug it, wait ten seconds, plug it in, wait a minute and run `modemsmith resume`."
    ], aftermath: .unknown, exitCode: .unknown)

  private static func unverified(_ why: String, _ code: ExitCode) -> Trouble {
    Trouble(
      "update.unverified", "The stick works, but the update is not confirmed: \(why).",
      advice: ["Run `modemsmith info --web URL` to see its version."], aftermath: .stillBoots,
      exitCode: code)
  }

  private static func identityChanged(isOther: Bool) -> Trouble {
    Trouble(
      "stick.identity-changed",
      isOther
        ? "Another stick answers: its identity number is a different one."
        : "The stick's page no longer tells the identity number that it told before.",
      advice: ["Run `modemsmith info --web URL` and compare."],
      aftermath: isOther ? .unknown : .stillBoots, exitCode: isOther ? .unknown : .warnings)
  }
}
