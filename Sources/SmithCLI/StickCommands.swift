import ArgumentParser
import Foundation
import SmithAT
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithProtocols
import SmithVendors

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows the serial ports of every stick that is plugged in.")

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let ports: [SmithLink.Port]
      do throws(BusError) { ports = try await SystemBus().ports() } catch { throw error.trouble }
      for port in ports {
        if common.json {
          Output.json(
            .object([
              "event": .string("port"), "place": .text(port.place), "port": .string(port.node),
              "role": .string(port.role.rawValue), "usb_id": .text(port.id),
              "interface": port.interface.map { .integer($0) } ?? .null,
            ]))
        } else {
          let id = port.id?.description ?? "-"
          let interface = port.interface.map { "if \($0)" } ?? ""
          Output.line(
            "\(port.place)\t\(port.node)\t\(id)\t\(interface)\t\(port.role.rawValue)")
        }
      }
      if ports.isEmpty, !common.json { Output.error("No stick with a serial port is plugged in.") }
      return ports.isEmpty ? .noStick : .ok
    }
  }
}

struct InfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Says what the stick is and what it runs; changes nothing.")

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Show IMEI and serial number in full.") var showIdentity = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if let web = try WebTarget(target) {
        return try await web.info(json: common.json, showIdentity: showIdentity)
      }
      let (bus, place) = try await target.bus()
      let updater = Updater(
        bus: bus, owner: TerminalOwner(json: common.json, yes: false), surroundings: .forQueries)
      let (link, subject) = try await updater.identify(place, withSettings: false)
      await link.close()
      if subject.state == .silent { throw LinkError.silent.trouble }
      let shown = ShownDevice(
        report: subject.report, mode: subject.state.word, place: place, showIdentity: showIdentity)
      if common.json { Output.json(shown.json) } else { shown.show() }
      return .ok
    }
  }
}

struct ATCommandLine: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "at", abstract: "Sends one AT command and shows the answer.",
    discussion: """
      Commands that write identity data (IMEI, serial number) are refused, always. Numbers of 14
      and more digits are masked in the answer, so that it can be shown to others.
      """)

  @Argument(help: "The command, as in AT+CGMR.") var command: String
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Seconds to wait for the answer.") var wait: Double?
  @Flag(name: .long, help: "Show IMEI and other long numbers in full.") var showIdentity = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let (bus, place) = try await target.bus()
      let link = try await Updater.open(place, on: bus)
      let answer: ATResponse
      do {
        let session = ATSession(link: link)
        answer = try await session.send(
          ATCommand(command), within: wait.map { .milliseconds(Int(max(0, min($0, 600)) * 1000)) })
        await link.close()
      } catch let error as any TroubleConvertible {
        throw error.trouble
      } catch {
        throw LinkError.broken("\(error)").trouble
      }
      let lines = showIdentity ? answer.lines : answer.lines.map { IdentityMask.masked($0) }
      if common.json {
        Output.json(
          .object([
            "event": .string("at"), "command": .string(IdentityMask.masked(command)),
            "lines": .array(lines.map { .string($0) }),
            "final": .string("\(answer.final)"), "ok": .bool(answer.isOK),
          ]))
      } else {
        for line in lines { Output.line(line) }
        Output.line("\(answer.final)")
      }
      return answer.isOK ? .ok : .warnings
    }
  }
}

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Saves the stick's settings and who it is.")

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .shortAndLong, help: "Where to (default: the state directory).")
  var output: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let state = try StateDirectory(target.stateDir)
      if let web = try WebTarget(target) {
        return try await web.backup(to: output, in: state, json: common.json)
      }
      let (bus, place) = try await target.bus()
      let updater = Updater(
        bus: bus, owner: TerminalOwner(json: common.json, yes: false), surroundings: .forQueries)
      let (link, subject) = try await updater.identify(place, withSettings: true)
      await link.close()
      guard subject.state == .normal else {
        throw Trouble(
          "backup.failed", "The stick is not in normal mode; its settings cannot be read.",
          advice: ["Run `modemsmith info` to see its state."], exitCode: .refused)
      }
      let store = BackupStore.files(in: state)
      let backup = Backup(of: subject, time: store.time())
      let path: String
      if let output {
        try backup.write(to: output)
        path = output
      } else {
        path = try store.save(backup)
      }
      if common.json {
        Output.json(.object(["event": .string("backup"), "backup": .string(path)]))
      } else {
        Output.line("saved: \(path)")
      }
      return .ok
    }
  }
}

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Writes saved settings back to the stick that they came from.")

  @Argument(help: "The backup file.") var backup: String
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Write them to another unit than the one they came from.")
  var toOtherUnit = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let saved = try Backup.read(backup)
      guard let settings = saved.settings else {
        throw Trouble(
          "backup.failed", "The backup holds no settings.", advice: ["Choose another backup."],
          exitCode: .badFile)
      }
      if let web = try WebTarget(target) {
        return try await web.restore(
          saved, settings, toOtherUnit: toOtherUnit, json: common.json)
      }
      let (bus, place) = try await target.bus()
      let updater = Updater(
        bus: bus, owner: TerminalOwner(json: common.json, yes: false), surroundings: .forQueries)
      let (link, subject) = try await updater.identify(place, withSettings: false)
      guard subject.identityHash != nil, subject.identityHash == saved.identity || toOtherUnit
      else {
        await link.close()
        throw Trouble(
          "restore.other-unit", "The backup is of another stick.",
          advice: ["Plug in the stick that it came from, or add --to-other-unit."],
          exitCode: .refused)
      }
      let lost: [String]
      do throws(ATError) {
        let family = Families.speaking(as: subject.report.vendor)
        lost =
          try await family?.restore(settings, over: ATSession(link: link)).leftOut
          ?? ["everything: this tool does not know the dialect of this stick"]
      } catch {
        await link.close()
        throw error.trouble
      }
      await link.close()
      if common.json {
        Output.json(
          .object([
            "event": .string("restore"), "not_restored": .array(lost.map { .string($0) }),
          ]))
      } else {
        Output.line(lost.isEmpty ? "restored" : "restored, except:")
        for item in lost { Output.line("  \(item)") }
      }
      return lost.isEmpty ? .ok : .warnings
    }
  }
}

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Shows earlier updates and how they ended.")

  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Folder of journals, backups and history (default: XDG state).")
  var stateDir: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let state = try StateDirectory(stateDir)
      for path in state.allJournals() {
        guard let records = try? FileJournal.read(path), case .planned(let header)? = records.first
        else {
          Output.error("  unreadable: \(path)")
          continue
        }
        show(header, records, path)
      }
      return .ok
    }
  }

  private func show(_ header: JournalHeader, _ records: [JournalRecord], _ path: String) {
    var verdict: Verdict?
    for case .ended(let last) in records { verdict = last }
    let plan = header.plan
    if common.json {
      Output.json(
        .object([
          "event": .string("history"), "time": .string(header.time), "place": .text(header.place),
          "model": .text(plan.model), "before": .text(plan.before), "after": .text(plan.after),
          "file": .string(header.file), "sha256": .string(plan.sha256),
          "verdict": .text(verdict?.rawValue), "journal": .string(path),
        ]))
    } else {
      Output.line(
        "\(header.time)  \(plan.model ?? plan.vendor)  \(plan.before?.text ?? "unknown") → "
          + "\(plan.after?.text ?? "unknown")  \(verdict?.rawValue ?? "interrupted")")
    }
  }
}
