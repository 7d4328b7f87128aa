import ArgumentParser
import Foundation
import SmithAT
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithProtocols
import SmithVendors

struct InfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Says what the stick is and what it runs; changes nothing.",
    discussion: """
      IMEI and serial number are masked, so that the answer can be shown to others. A stick that \
      waits in download mode or shows its boot ROM is named as such, with the way on.

        modemsmith info
        modemsmith info --port /dev/ttyUSB2 --json
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Show IMEI and serial number in full.") var showIdentity = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if let web = try await PageTarget.meant(by: target) {
        return try await web.info(json: common.json, showIdentity: showIdentity)
      }
      let (bus, place) = try await target.bus()
      let (link, subject) = try await DiagTarget(bus: bus, place: place, json: common.json)
        .identify(isAlone: target.namesOnlyDiag, withSettings: false)
      await link?.close()
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
      Commands that write identity data (IMEI, serial number) are refused, always. Numbers of 14 \
      and more digits are masked in the answer, so that it can be shown to others.

        modemsmith at AT+CGMR
      """)

  @Argument(help: "The command, as in AT+CGMR.") var command: String
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "Seconds to wait for the answer.") var wait: Double?
  @Flag(name: .long, help: "Show IMEI and other long numbers in full.") var showIdentity = false
  @Flag(name: .shortAndLong, help: "Send a command that cannot be taken back.") var yes = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      try confirm()
      let (bus, place) = try await target.bus()
      let link = try await Updater.open(place, on: bus)
      let answer: ATResponse
      do {
        let allowed = ATGuard(allowing: yes ? [.lockCode] : [])
        let session = ATSession(link: link, options: .init(atGuard: allowed))
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

extension ATCommandLine {
  /// A command that cannot be taken back needs the owner's word; one that is refused is refused.
  private func confirm() throws(Trouble) {
    let command = ATCommand(command)
    do throws(ATError) { try ATGuard(allowing: [.lockCode]).check(command) } catch {
      throw error.trouble
    }
    guard !yes, let what = OneWayCommands.consequence(of: command) else { return }
    throw Trouble(
      "at.needs-confirmation", "\(command) was not sent: \(what).",
      advice: [
        "If you want exactly that, add --yes.",
        "Codes are better entered with `modemsmith unlock`: it watches the tries.",
      ], exitCode: .refused)
  }
}

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Saves the stick's settings and who it is.",
    discussion: """
      A stick with a diagnostic port of Qualcomm's is asked there, too: versions, numbered \
      settings and files go into a second file, BACKUP.diag, which holds identity and \
      calibration and is for its owner alone. The answer says what could not be read.

        modemsmith backup
        modemsmith backup -o mine.json
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .shortAndLong, help: "Where to (default: the state directory).")
  var output: String?
  @Flag(name: .long, help: "Leave out what a diagnostic port would tell.") var noDiag = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let state = try StateDirectory(target.stateDir)
      if let web = try await PageTarget.meant(by: target) {
        return try await web.backup(to: output, in: state, json: common.json)
      }
      let (bus, place) = try await target.bus()
      let diag = DiagTarget(bus: bus, place: place, json: common.json)
      let (link, subject) = try await diag.identify(
        isAlone: target.namesOnlyDiag, withSettings: true)
      await link?.close()
      guard subject.state == .normal || subject.state == .diag else {
        throw Trouble(
          "backup.failed", "The stick is not in normal mode; its settings cannot be read.",
          advice: ["Run `modemsmith info` to see its state."], exitCode: .refused)
      }
      let store = BackupStore.files(in: state)
      var backup = Backup(of: subject, time: store.time())
      let copy = noDiag ? nil : try await diag.copy(of: subject, time: backup.time)
      if let copy { backup.add(copy) }
      let path = try backup.keep(at: output, in: store)
      try copy?.write(to: "\(path).diag")
      say(path, backup)
      return .ok
    }
  }

  private func say(_ path: String, _ backup: Backup) {
    let file = "\(path).diag"
    var leftOut: [String] = []
    if backup.settings == nil { leftOut.append("settings of its AT port") }
    if backup.diag == nil { leftOut.append("what a diagnostic port would tell") }
    if common.json {
      Output.json(
        .object([
          "event": .string("backup"), "backup": .string(path),
          "diag": backup.diag?.json(file: file) ?? .null,
          "left_out": .array(leftOut.map { .string($0) }),
        ]))
      return
    }
    Output.line("saved: \(path)")
    backup.diag?.show(file: file)
    for what in leftOut { Output.line("  not saved: \(what)") }
  }
}
