import ArgumentParser
import SmithEngine
import SmithModel
import SmithPorts
import SmithVendors

struct HuaweiLeaveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "leave-download",
    abstract: "Starts the firmware of a stick that waits in download mode and was not written.",
    discussion: """
      An update that ended after the stick had saved its settings, and before anything was \
      written, can leave it so: it shows download mode at every start, until it is restarted from \
      there. A stick that was begun to be written is refused: `modemsmith resume` is its way.

        modemsmith huawei leave-download
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let (bus, place) = try await target.bus()
      let state = try StateDirectory(target.stateDir)
      let lock = try state.hold(place, json: common.json)
      defer { withExtendedLifetime(lock) {} }
      let owner = TerminalOwner(json: common.json, yes: true)
      let manners = try await owner.manners(at: place)
      defer { manners.end() }
      let report = try await DownloadLeave(manners.minding(bus)).leave(
        at: place, unfinished: try state.unfinished(at: place))
      if common.json {
        Output.json(
          .object([
            "event": .string("huawei"), "deed": .string("leave-download"),
            "model": .text(report.model), "firmware": .text(report.firmware),
          ]))
      } else {
        Output.line("the stick runs its firmware: \(report.firmware?.text ?? "version not told")")
      }
      return .ok
    }
  }
}
