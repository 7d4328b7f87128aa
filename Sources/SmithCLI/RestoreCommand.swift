import ArgumentParser
import Foundation
import SmithAT
import SmithEngine
import SmithLibrary
import SmithLink
import SmithModel
import SmithPorts
import SmithProtocols
import SmithVendors

struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Writes saved settings back to the stick that they came from.",
    discussion: """
      Without a backup, --default-apn writes the access point that the system's database of \
      providers names for the SIM's network.

        modemsmith restore mine.json
      """)

  @Argument(help: "The backup file.") var backup: String?
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Write them to another unit than the one they came from.")
  var toOtherUnit = false
  @Flag(name: .long, help: "Write the usual APN of the SIM's network as profile 1.")
  var defaultApn = false
  @Flag(name: .shortAndLong, help: "Agree to what is shown without being asked.") var yes = false
  @Flag(name: .long, help: "Write profiles of a page whose form rests on inference.")
  var experimental = false
  @Option(name: .long, help: "The network's code, five or six digits, where it cannot be read.")
  var networkCode: String?
  @Option(name: .long, help: "Which of the network's APNs, where it has several.")
  var apn: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if defaultApn {
        guard backup == nil else { throw Self.eitherOr }
        let providers = try ProviderDatabase()
        return try await onStick { bus, place throws(Trouble) in
          try await restoreDefault(providers, on: bus, at: place)
        }
      }
      guard let backup else { throw Self.noBackup }
      let saved = try Backup.read(backup)
      let settings = saved.settings
      guard settings != nil || saved.diagItems?.isEmpty == false else {
        throw Trouble(
          "backup.failed", "The backup holds no settings.", advice: ["Choose another backup."],
          exitCode: .badFile)
      }
      if let web = try await PageTarget.meant(by: target) {
        guard let place = web.place else {
          return try await web.restore(saved, settings ?? DeviceSettings(), self)
        }
        return try await owner.keepingAway(from: place, keepingNetwork: true) {
          _ throws(Trouble) in try await web.restore(saved, settings ?? DeviceSettings(), self)
        }
      }
      return try await onStick { bus, place throws(Trouble) in
        var lost: [String] = []
        if let settings, !target.namesOnlyDiag {
          lost += try await restore(settings, saved, on: bus, at: place)
        }
        let diag = try await DiagTarget(bus: bus, place: place, json: common.json)
          .restore(saved, yes: yes)
        lost += diag?.leftOut ?? []
        say(lost, diag)
        return lost.isEmpty ? .ok : .warnings
      }
    }
  }

  private var owner: TerminalOwner { TerminalOwner(json: common.json, yes: false) }

  /// Works on the stick that is meant, with ModemManager kept away from it.
  private func onStick(
    _ work: (any Bus, Place) async throws(Trouble) -> SmithModel.ExitCode
  ) async throws(Trouble) -> SmithModel.ExitCode {
    let (bus, place) = try await target.bus()
    return try await owner.keepingAway(from: place) { manners throws(Trouble) in
      try await work(manners.minding(bus), place)
    }
  }

  /// Over AT, to the unit of the backup; what was left out.
  private func restore(
    _ settings: DeviceSettings, _ saved: Backup, on bus: any Bus, at place: Place
  ) async throws(Trouble) -> [String] {
    let (link, subject) = try await identify(place, on: bus)
    guard subject.identityHash != nil, subject.identityHash == saved.identity || toOtherUnit
    else {
      await link.close()
      let isHidden = subject.identityHash == nil
      throw Trouble(
        "restore.other-unit",
        isHidden
          ? "The stick does not tell its identity number, so the backup may be of another one."
          : "The backup is of another stick.",
        advice: [
          isHidden
            ? "Unplug it, wait ten seconds, plug it in: `modemsmith info` has to show an IMEI."
            : "Plug in the stick that it came from, or add --to-other-unit."
        ], exitCode: .refused)
    }
    return try await write(settings, over: link, as: subject.report.vendor).leftOut
  }

  private func say(_ lost: [String], _ diag: DiagTarget.Outcome?) {
    let written = diag?.restored ?? []
    if common.json {
      Output.json(
        .object([
          "event": .string("restore"), "not_restored": .array(lost.map { .string($0) }),
          "diag_restored": .array(written.map { .integer(Int($0)) }),
        ]))
      return
    }
    Output.line(lost.isEmpty ? "restored" : "restored, except:")
    for item in lost { Output.line("  \(item)") }
    if !written.isEmpty {
      let numbers = written.map(String.init).joined(separator: ", ")
      Output.line("over DIAG: \(numbers); they count from the next start on")
    }
  }

  private func identify(_ place: Place, on bus: any Bus) async throws(Trouble)
    -> (any ByteLink, Subject)
  {
    let updater = Updater(bus: bus, owner: owner, surroundings: .forQueries)
    return try await updater.identify(place, withSettings: false)
  }

  private func write(
    _ settings: DeviceSettings, over link: any ByteLink, as vendor: String?
  ) async throws(Trouble) -> SettingsRestoration {
    do throws(ATError) {
      var done = SettingsRestoration()
      if let family = Families.speaking(as: vendor) {
        done = try await family.restore(settings, over: ATSession(link: link))
      } else {
        done.leftOut = ["everything: this tool does not know the dialect of this stick"]
      }
      await link.close()
      return done
    } catch {
      await link.close()
      throw error.trouble
    }
  }

  // MARK: Without a backup

  private func restoreDefault(
    _ providers: ProviderDatabase, on bus: any Bus, at place: Place
  ) async throws(Trouble) -> SmithModel.ExitCode {
    let (link, subject) = try await identify(place, on: bus)
    guard subject.state == .normal else {
      await link.close()
      throw Trouble(
        "stick.wrong-mode", "The stick is not in normal mode; no setting can be written.",
        advice: ["Run `modemsmith info` to see its state."], exitCode: .refused)
    }
    let point: ProviderDatabase.AccessPoint
    let others: [ProviderDatabase.AccessPoint]
    do throws(Trouble) {
      let points = try providers.accessPoints(among: try await codes(link))
      (point, others) = try choose(points)
    } catch {
      await link.close()
      throw error
    }
    let profile = DeviceSettings.APNProfile(id: 1, type: "IP", apn: point.apn)
    let lost = try await write(
      DeviceSettings(profiles: [profile]), over: link, as: subject.report.vendor
    ).leftOut
    if common.json {
      Output.json(
        .object([
          "event": .string("restore"), "provider": .string(point.provider),
          "apn": .string(point.apn), "needs_user": .bool(point.needsUser),
          "others": .array(others.map { .string($0.apn) }),
          "not_restored": .array(lost.map { .string($0) }),
        ]))
    } else {
      if lost.isEmpty { Output.line("profile 1: \(point.apn)  (\(point.provider))") }
      for other in others { Output.line("  or: --apn \(other.apn)  (\(other.plan ?? "other"))") }
      if point.needsUser { Output.line("! This one wants a user name; ask your operator for it.") }
      for item in lost { Output.line("! \(item)") }
    }
    return lost.isEmpty ? .ok : .warnings
  }

  /// The network's code as the owner or the SIM tells it; the subscriber number stays here.
  private func codes(_ link: any ByteLink) async throws(Trouble) -> [String] {
    if let networkCode { return [networkCode] }
    let answer: ATResponse
    do throws(ATError) { answer = try await ATSession(link: link).send("AT+CIMI") } catch {
      throw error.trouble
    }
    return answer.lines.map { $0.trimmingCharacters(in: .whitespaces) }
      .flatMap { ProviderDatabase.codes(ofSubscriber: $0) }
  }

  private func choose(_ points: [ProviderDatabase.AccessPoint]) throws(Trouble)
    -> (ProviderDatabase.AccessPoint, [ProviderDatabase.AccessPoint])
  {
    let chosen =
      apn.map { name in points.first { $0.apn == name } } ?? points.first(where: \.isForInternet)
    guard let chosen else {
      throw Trouble(
        "restore.no-such-apn", "The network has no such access point in the database.",
        facts: points.map { "\($0.apn) (\($0.provider))" }, advice: ["Choose one of these."],
        exitCode: .usage)
    }
    var seen: Set<String> = [chosen.apn]
    return (chosen, points.filter { $0.isForInternet && seen.insert($0.apn).inserted })
  }

  private static let noBackup = Trouble(
    "usage.no-backup", "Say which backup is to be written back.",
    advice: [
      "Name a file: `modemsmith backup` and `modemsmith update` make them.",
      "There is none? `modemsmith restore --default-apn` writes the usual APN of the SIM's network.",
    ], exitCode: .usage)

  private static let eitherOr = Trouble(
    "usage.backup-or-default", "A backup and --default-apn do not go together.",
    advice: ["Leave one of them out."], exitCode: .usage)
}
