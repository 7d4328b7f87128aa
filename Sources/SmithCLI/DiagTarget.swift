import Foundation
import SmithEngine
import SmithLink
import SmithModel
import SmithVendors

/// What commands do over a stick's diagnostic port, beside its AT port or in its place.
struct DiagTarget {
  let bus: any Bus
  let place: Place
  let json: Bool

  /// A stick that was asked: over AT, or over DIAG where nothing else answers. The link is the AT
  /// port's.
  ///
  /// - Parameter isAlone: whether the owner named the diagnostic port and no other.
  func identify(isAlone: Bool, withSettings: Bool) async throws(Trouble)
    -> ((any ByteLink)?, Subject)
  {
    if isAlone { return (nil, try await only()) }
    let updater = Updater(
      bus: bus, owner: TerminalOwner(json: json, yes: false), surroundings: .forQueries)
    let link: any ByteLink
    var subject: Subject
    do throws(Trouble) {
      (link, subject) = try await updater.identify(place, withSettings: withSettings)
    } catch {
      // A stick whose only port is the diagnostic one.
      guard error.code == "port.not-found",
        let subject = try await DiagAccess.look(at: place, on: bus)
      else { throw error }
      return (nil, subject)
    }
    switch subject.state {
    case .diag:
      subject = (try? await DiagAccess.look(over: link, at: place, on: bus)) ?? subject
    case .silent:
      subject = (try? await DiagAccess.look(at: place, on: bus)) ?? subject
    case .normal, .waiting, .bootROM: break
    }
    return (link, subject)
  }

  private func only() async throws(Trouble) -> Subject {
    guard let subject = try await DiagAccess.look(at: place, on: bus) else {
      throw LinkError.notFound(path: place.description).trouble
    }
    return subject
  }

  /// Everything that DIAG gives away; nil if the stick shows no such port, or another language is
  /// spoken there.
  ///
  /// - Throws: a trouble if the stick leaves in the middle.
  func copy(of subject: Subject, time: String) async throws(Trouble) -> DiagCopy? {
    guard DiagAccess.isQualcomm(subject.report) else { return nil }
    guard let link = await DiagAccess.open(place, on: bus) else {
      // Where nothing else answers, a backup without it would be an empty one.
      if subject.state == .diag { throw LinkError.notFound(path: place.description).trouble }
      return nil
    }
    do throws(Trouble) {
      guard let reader = try await reader(link, time, mustAnswer: subject.state == .diag) else {
        await link.close()
        return nil
      }
      let quiet = json || isatty(2) != 1
      let copy = try await reader.read { what in
        if !quiet { Output.raw("\r\u{1b}[K  DIAG: \(what.prefix(60))") }
      }
      if !quiet { Output.raw("\r\u{1b}[K") }
      await link.close()
      return copy
    } catch {
      await link.close()
      throw error
    }
  }

  private func reader(_ link: any ByteLink, _ time: String, mustAnswer: Bool)
    async throws(Trouble) -> DiagReader?
  {
    do throws(Trouble) { return try await DiagReader(link, time: time) } catch {
      if mustAnswer { throw error }
      Output.error("! Its diagnostic port does not answer: \(error.summary)")
      return nil
    }
  }

  // MARK: Restoring

  /// What became of the settings that go back over DIAG.
  struct Outcome {
    var restored: [UInt16] = []
    var leftOut: [String] = []
  }

  /// Shows what would be written, asks, and writes it; nil if the backup holds nothing of DIAG.
  func restore(_ saved: Backup, yes: Bool) async throws(Trouble) -> Outcome? {
    guard saved.diagItems?.isEmpty == false else { return nil }
    guard let link = await DiagAccess.open(place, on: bus) else {
      return Outcome(leftOut: ["diagnostic settings: name the port with --diag-port PATH"])
    }
    do throws(Trouble) {
      let outcome = try await restore(saved, yes: yes, over: link)
      await link.close()
      return outcome
    } catch {
      await link.close()
      throw error
    }
  }

  private func restore(_ saved: Backup, yes: Bool, over link: any ByteLink)
    async throws(Trouble) -> Outcome
  {
    let plan = try await DiagRestore.plan(saved, over: link)
    show(plan)
    var outcome = Outcome(leftOut: plan.refused.map { "\($0); never written" })
    guard !plan.changes.isEmpty else { return outcome }
    guard let consent = consent(yes) else {
      outcome.leftOut += plan.changes.map {
        "setting \($0.number) (\($0.name)): not agreed to; add --yes"
      }
      return outcome
    }
    outcome.restored = try await DiagRestore.write(plan, from: saved, over: link, consent)
    return outcome
  }

  private func show(_ plan: DiagRestorePlan) {
    if json {
      Output.json(
        .object([
          "event": .string("restore-plan"),
          "diag": .array(
            plan.changes.map {
              .object([
                "item": .integer(Int($0.number)), "name": .string($0.name), "now": .text($0.now),
                "saved": .string($0.saved),
              ])
            }), "never_written": .array(plan.refused.map { .string($0) }),
        ]))
      return
    }
    for change in plan.changes {
      Output.error(
        "  setting \(change.number) (\(change.name)): \(change.now ?? "never written") → "
          + change.saved)
    }
    for refused in plan.refused { Output.error("  left out: \(refused)") }
  }

  private func consent(_ yes: Bool) -> Consent? {
    if yes { return Consent(how: "--yes") }
    guard !json, isatty(0) == 1 else { return nil }
    Output.raw("Write these settings to this stick? Type \(Output.paint("yes", .bold)): ")
    // What was typed before the question stood there is no answer to it.
    tcflush(0, TCIFLUSH)
    let typed = readLine(strippingNewline: true)?.trimmingCharacters(in: .whitespaces)
    return typed?.lowercased() == "yes" ? Consent(how: "typed") : nil
  }
}

extension DiagSummary {
  /// What DIAG told, as an object of the JSON contract.
  func json(file: String) -> JSONValue {
    .object([
      "file": .string(file), "chip": .text(facts.chipName), "chip_code": .string(facts.chip),
      "build": .text(facts.build), "model": .string(facts.model),
      "compiled": .string(facts.compiled), "items": .integer(items), "files": .integer(files),
      "file_bytes": .integer(fileBytes), "left_out": .array(leftOut.map { .string($0) }),
    ])
  }

  /// The same for people.
  func show(file: String) {
    Output.line("saved: \(file) (from DIAG; it holds identity and calibration: keep it private)")
    Output.line(
      "  \(items) settings, \(files) files and folders (\(fileBytes) bytes), chip "
        + (facts.chipName ?? "code \(facts.chip)"))
    for what in leftOut { Output.line("  not saved: \(what)") }
  }
}
