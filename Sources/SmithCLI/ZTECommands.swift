import ArgumentParser
import SmithAT
import SmithEngine
import SmithLink
import SmithModel
import SmithVendors

struct ZTECommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zte", abstract: "Throws one of a ZTE stick's lasting switches, or takes it back.",
    discussion: """
      autorun-off and autorun-on: the CD-ROM with the maker's program. service-on and \
      service-off: diagnostic and AT ports instead of the network card. Each lasts through \
      restarts until its opposite is sent, and takes effect when the stick is plugged in again. \
      A stick that shows only a page takes `service-on --web URL`, at once.

      enter-download and leave-download: the chip's download mode, in which an update is \
      written. They touch memory only: leave-download, or pulling the stick out, is the way \
      back.
      """)

  @Argument(
    help:
      "autorun-off, autorun-on, service-on, service-off, enter-download or leave-download.",
    transform: ZTECommand.read)
  var what: ZTEDeed
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Do it; without this the effect is only explained.") var yes = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      guard yes else {
        say("explained")
        return .cancelled
      }
      if let address = target.web {
        try await throwOverPage(address)
        return .ok
      }
      let (bus, place) = try await target.bus()
      let what: ZTESwitch
      switch self.what {
      case .setting(let setting): what = setting
      case .enterDownload:
        let port = try await ZTEDownload.enter(at: place, on: bus)
        say("done: download mode answers on \(port.node)")
        return .ok
      case .leaveDownload:
        try await ZTEDownload.leave(at: place, on: bus)
        say("done: the firmware answers")
        return .ok
      }
      let link = try await Updater.open(place, on: bus)
      let outcome: ZTESwitchOutcome
      do throws(ZTESwitchError) {
        outcome = try await ZTESwitches(ATSession(link: link)).set(what)
      } catch {
        await link.close()
        throw error.trouble
      }
      await link.close()
      say(outcome == .done ? "done" : "sent; this stick keeps its answer to itself")
      return .ok
    }
  }

  /// The one switch that a page has: in the service composition there is no page to take it back.
  private func throwOverPage(_ address: String) async throws(Trouble) {
    guard case .setting(.serviceOn) = what else {
      throw Trouble(
        "usage.bad-target", "Over its page a stick takes service-on only.",
        advice: ["Name the stick's port instead: --port PATH."], exitCode: .usage)
    }
    let door = try WebTarget.door(address, target)
    do throws(PageError) {
      guard let page = try await door.open().page as? ZTEPage else { throw .unknownPage }
      try await page.setComposition(.service)
    } catch { throw error.trouble }
    say("done: the page goes, the ports come")
  }

  private static func read(_ text: String) throws -> ZTEDeed {
    guard let known = ZTEDeed(text) else {
      throw ValidationError("\(text) is none of the switches")
    }
    return known
  }

  private func say(_ outcome: String) {
    if common.json {
      Output.json(
        .object([
          "event": .string("zte"), "switch": .string(what.name), "outcome": .string(outcome),
          "effect": .string(what.effect), "undo": .string(what.undo),
        ]))
      return
    }
    Output.line("\(what.name): \(outcome)")
    Output.line("  \(what.effect)")
    Output.line("  back: modemsmith zte \(what.undo)\(yes ? " --yes" : "")")
    if !yes { Output.line("  nothing was sent; add --yes to do it") }
  }
}

/// What `zte` does.
enum ZTEDeed {
  case setting(ZTESwitch)
  case enterDownload, leaveDownload

  init?(_ text: String) {
    switch text {
    case "enter-download": self = .enterDownload
    case "leave-download": self = .leaveDownload
    default:
      guard let setting = ZTESwitch(rawValue: text) else { return nil }
      self = .setting(setting)
    }
  }

  var name: String {
    switch self {
    case .setting(let setting): setting.rawValue
    case .enterDownload: "enter-download"
    case .leaveDownload: "leave-download"
    }
  }

  /// The deed that takes this one back.
  var undo: String {
    switch self {
    case .setting(let setting): setting.undo.rawValue
    case .enterDownload: "leave-download"
    case .leaveDownload: "enter-download"
    }
  }

  var effect: String {
    switch self {
    case .setting(let setting): setting.effect
    case .enterDownload:
      "At once the stick leaves the network and waits for a download. Nothing is erased: pulled out"
        + " and plugged in again, it starts its firmware as before."
    case .leaveDownload:
      "The stick starts the firmware that it has. One whose update was interrupted has none and"
        + " stays: `modemsmith resume` is its way."
    }
  }
}
