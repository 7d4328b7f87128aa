import SmithAT
import SmithLink
import SmithModel
import SmithVendors

/// Waits for a stick that was restarted.
struct StickReturn {
  private let bus: any Bus
  private let place: Place
  private let likely: (any Family)?
  private let page: StickPageDoor?

  init(_ bus: any Bus, _ place: Place, likely: (any Family)?, page: StickPageDoor? = nil) {
    self.page = page
    self.bus = bus
    self.place = place
    self.likely = likely
  }

  /// Asks until the stick answers in normal mode, or has waited in another state for as long as
  /// a restart could hide it; nil if it never answered.
  func wait(within limit: Duration, settleAfter: Duration = .seconds(40)) async -> Subject? {
    let start = bus.now
    var last: Subject?
    var sightings = 0
    while bus.now - start < limit {
      let left = limit - (bus.now - start)
      if let subject = await ask(within: left) {
        if subject.state == .normal { return subject }
        // The diagnostic port belongs to a running firmware whose AT commands are still to come.
        if subject.state != .silent, subject.state != .diag {
          last = subject
          sightings += 1
        }
        // Once may be a misunderstanding: a normal stick answers some of a monitor's questions.
        if last != nil, sightings > 1, bus.now - start >= settleAfter { return last }
      } else {
        // Whatever it was, it is gone: what it is now is not known.
        last = nil
        sightings = 0
      }
      await bus.pause(.milliseconds(500))
    }
    return last
  }

  /// Sends a stick that waits in download mode, unwritten, back into its firmware.
  func bringBack() async -> Subject? {
    guard let found = await wait(within: .seconds(60), settleAfter: .seconds(3)) else { return nil }
    guard case .waiting(let loader) = found.state, let likely,
      let link = await open(within: .seconds(5))
    else { return found }
    let hasLeft = (try? await likely.leave(over: link, from: loader)) != nil
    await link.close()
    return hasLeft ? await wait(within: .seconds(90)) : found
  }

  /// Asks a loader to restart the stick until it leaves the bus; a request can be lost.
  ///
  /// - Returns: what it is afterwards, and whether it was seen to leave.
  func restart(_ found: Subject, _ loader: Loader) async -> (subject: Subject?, hasLeft: Bool) {
    guard let likely else { return (found, false) }
    for _ in 0..<3 {
      guard let link = await open(within: .seconds(5)) else { continue }
      try? await likely.leave(over: link, from: loader)
      let hasLeft = await goes(link)
      await link.close()
      if hasLeft { return (await wait(within: .seconds(150)), true) }
    }
    return (found, false)
  }

  /// Whether the port behind a link vanishes within ten seconds.
  private func goes(_ link: any ByteLink) async -> Bool {
    let end = bus.now + .seconds(10)
    while bus.now < end {
      do { _ = try await link.receive(within: .milliseconds(200)) } catch .silent {
        continue
      } catch { return true }
    }
    return false
  }

  private func ask(within limit: Duration) async -> Subject? {
    if let page, await page.isThere() { return try? await page.ask(at: place, withSettings: true) }
    guard let link = await open(within: page == nil ? limit : min(limit, .seconds(1))) else {
      return nil
    }
    let subject = try? await Subject.ask(
      link, at: place, likely: likely, alone: true, ofTheHour: false)
    await link.close()
    return subject
  }

  private func open(within limit: Duration) async -> (any ByteLink)? {
    let end = bus.now + limit
    repeat {
      // Download mode may have a port of its own.
      for role in [PortRole.at, .download] {
        if let port = try? await bus.port(at: place, as: role, within: .milliseconds(500)),
          let link = try? await bus.open(port)
        {
          return link
        }
      }
    } while bus.now < end
    return nil
  }
}

/// Asks the stick what it runs and who it is, and compares.
struct Verification {
  struct Outcome {
    var verdict: Verdict
    var subject: Subject?
    var warnings: [String] = []
    var trouble: Trouble?
  }

  private let bus: any Bus
  private let place: Place
  private let header: JournalHeader
  private let policy: Policy
  private let family: (any Family)?
  /// Whether the stick acknowledged everything.
  private let isComplete: Bool
  private let page: StickPageDoor?

  /// The first start after an update can take more than a minute.
  private static var limit: Duration { .seconds(150) }

  init(
    _ bus: any Bus, _ place: Place, _ header: JournalHeader, _ policy: Policy,
    _ family: (any Family)?, isComplete: Bool, page: StickPageDoor? = nil
  ) {
    self.page = page
    self.family = family
    self.isComplete = isComplete
    self.bus = bus
    self.place = place
    self.header = header
    self.policy = policy
  }

  func outcome() async -> Outcome {
    let back = StickReturn(bus, place, likely: family, page: page)
    guard var subject = await back.wait(within: Self.limit) else {
      return Outcome(verdict: .unknown, trouble: Self.didNotReturn())
    }
    if case .waiting(let loader) = subject.state, family?.startsWhenReplugged == true {
      let (again, hasLeft) = await back.restart(subject, loader)
      guard let again else { return Outcome(verdict: .unknown, trouble: Self.didNotReturn()) }
      subject = again
      // A stick that says that all is written and yet stays may start with its next power.
      if subject.state.isWaiting, isComplete || !hasLeft {
        return Outcome(
          verdict: .unknown, subject: subject,
          trouble: Self.didNotReturn("All was sent, but the stick stays in its boot loader."))
      }
    }
    guard subject.state == .normal else {
      return Outcome(
        verdict: .needsRescue, subject: subject, trouble: Self.stillWaiting(subject.state))
    }
    return compare(subject)
  }

  private func compare(_ subject: Subject) -> Outcome {
    var outcome = Outcome(verdict: .updated, subject: subject)
    let plan = header.plan
    guard let now = subject.report.firmware else {
      outcome.verdict = .unknown
      outcome.trouble = Self.unverified("the stick does not tell its version")
      return outcome
    }
    if let wanted = plan.after {
      if !wanted.isConfirmed(by: now) {
        let isOld = plan.before?.isConfirmed(by: now) == true
        outcome.verdict = isOld ? .failedStillWorks : .unknown
        outcome.trouble = Self.unverified("it runs \(now), the file holds \(wanted)")
        return outcome
      }
    } else if family?.readsBack != true, let before = plan.before, before.isConfirmed(by: now) {
      outcome.verdict = .unknown
      outcome.trouble = Self.unverified("the file names no version and the stick's is the same")
      return outcome
    }
    if family?.readsBack == true, !isComplete {
      outcome.verdict = .unknown
      outcome.trouble = Self.unverified("not every part was written and read back")
      return outcome
    }
    if family?.versionSpeaksForAll == false {
      if plan.after == nil, plan.before == nil {
        outcome.verdict = .unknown
        outcome.trouble = Self.unverified("neither the file nor the stick before named a version")
        return outcome
      }
      guard isComplete else {
        outcome.verdict = .unknown
        outcome.trouble = Self.unverified("\(now) is there, but not every part was acknowledged")
        return outcome
      }
    }
    if let before = plan.model, let model = subject.report.model, model != before {
      outcome.warnings.append("the stick called itself \(before) before and says \(model) now")
    }
    let shortfalls = family?.shortfalls(of: subject.report, carrier: plan.carrier) ?? []
    outcome.warnings += shortfalls
    // Only a part was acknowledged: the version is new, the rest has to speak for itself.
    if !isComplete, family?.startsWhenReplugged == true, plan.items.count > 1 {
      if !shortfalls.isEmpty {
        outcome.verdict = .failedStillWorks
        outcome.trouble = Self.unverified("\(now) is there, but not all that belongs to it")
      } else if plan.before == plan.after {
        outcome.verdict = .unknown
        outcome.trouble = Self.unverified("its version is the same before and after")
      }
    }
    if !shortfalls.isEmpty, plan.carrier != nil, plan.before == plan.after {
      // Only settings were to come: the version proves nothing, and they are not there.
      outcome.verdict = .failedStillWorks
      outcome.trouble = Self.unverified(shortfalls.joined(separator: "; "))
    }
    compareIdentity(subject, &outcome)
    return outcome
  }

  private func compareIdentity(_ subject: Subject, _ outcome: inout Outcome) {
    guard let before = header.identity else { return }
    // A page that wants a login first may keep the number to itself after the update.
    if page != nil, subject.report.imei == nil, !subject.identityDamaged {
      outcome.warnings.append("the page does not tell the identity number; it was not compared")
      return
    }
    if subject.identityDamaged || subject.identityHash == nil {
      outcome.trouble = Trouble(
        "stick.identity-changed", "The stick no longer tells the identity number that it had.",
        advice: [
          "Unplug it, wait a minute, plug it in and run `modemsmith info`.",
          "Do not flash it again; its seller or maker can restore the number.",
        ], aftermath: .stillBoots, exitCode: .warnings)
    } else if subject.identityHash != before {
      outcome.verdict = .unknown
      outcome.trouble = Trouble(
        "stick.identity-changed", "Another stick answers: its identity number is a different one.",
        advice: ["Plug the right stick in and run `modemsmith resume`."],
        aftermath: .unknown, exitCode: .unknown)
    }
  }

  /// Writes settings back that the update lost; what could not be restored becomes a warning.
  func restore(_ settings: DeviceSettings, _ outcome: inout Outcome) async {
    guard let family else { return }
    if let page, await page.isThere() {
      do throws(Trouble) {
        let lost = try await page.restore(settings).leftOut
        outcome.warnings += lost.map { "not restored: \($0)" }
      } catch {
        outcome.warnings.append(Self.notCompared)
      }
      return
    }
    do {
      let port = try await bus.port(at: place, as: .at, within: .seconds(5))
      let link = try await bus.open(port)
      let result: SettingsRestoration
      do {
        result = try await family.restore(settings, over: ATSession(link: link))
      } catch {
        await link.close()
        throw error
      }
      await link.close()
      if result.restarts {
        await bus.pause(.seconds(2))
        let again = await self.outcome()
        outcome = again
      }
      outcome.warnings += result.leftOut.map { "not restored: \($0)" }
    } catch {
      outcome.warnings.append(Self.notCompared)
    }
  }

  private static let notCompared =
    "settings could not be compared after the update; the backup has them"

  private static func didNotReturn(
    _ summary: String = "All was written, but the stick did not come back in time."
  ) -> Trouble {
    Trouble(
      "stick.did-not-return", summary,
      advice: [
        "Unplug it, wait ten seconds, plug it in and run `modemsmith resume`: it only asks then."
      ], aftermath: .unknown, exitCode: .unknown)
  }

  private static func stillWaiting(_ state: StickState) -> Trouble {
    Trouble(
      "update.interrupted", "The stick waits in download mode: it does not count as complete.",
      advice: [
        "Run `modemsmith resume`: it writes what is missing.",
        "If it ends here again, the package itself is incomplete: get the whole of it.",
      ],
      aftermath: .needsRescue, exitCode: .needsRescue)
  }

  private static func unverified(_ why: String) -> Trouble {
    Trouble(
      "update.unverified", "The stick works, but the update is not confirmed: \(why).",
      advice: ["Run `modemsmith info` to see its version; if it is the old one, update again."],
      aftermath: .stillBoots, exitCode: .unknown)
  }
}
