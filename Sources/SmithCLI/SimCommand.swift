import ArgumentParser
import Foundation
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

struct SimCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim", abstract: "Serves a simulated stick on a pseudo-terminal.",
    discussion: """
      It stays on the same path through every restart, and its flash outlives the process if \
      --flash names a folder. Stop it with Ctrl-C: that is pulling the plug. Standard output \
      says `published PATH ROLE` and `withdrawn PATH` whenever a port comes or goes.

      With --usbip it serves one or more sticks as USB devices instead, which any Linux machine \
      can attach: `sudo modprobe vhci-hcd; sudo usbip attach -r 127.0.0.1 -b 1-1`. Standard \
      output then says `appeared BUSID ID`, `left BUSID`, `taken BUSID` and `free BUSID`; \
      standard input takes `unplug N`, `plug N` and `lose N` (never back after its next \
      restart).

        modemsmith sim huawei-e3131 --link /tmp/stick --log wire.log
        modemsmith update sample.bin --port /tmp/stick
      """)

  @Argument(
    help: ArgumentHelp(
      "The model: \(SimCommand.names.joined(separator: ", ")); with --usbip also "
        + "\(SimulatedUSB.furtherNames.joined(separator: ", ")).", valueName: "model"))
  var models: [String]
  @Option(name: .long, help: "Where the port appears (a symbolic link).")
  var link = "/tmp/modemsmith-stick"
  @Option(name: .long, help: "The version that it runs.") var firmware: String?
  @Flag(name: .long, help: "A monitor that insists on the order of commands.") var strict = false
  @Flag(name: .long, help: "A monitor that takes signed packages only.") var signed = false
  @Option(name: .long, help: "Folder into which received items are written.") var flash: String?
  @Option(name: .long, help: "File that gets one JSON line for every message.") var log: String?
  @Flag(name: .long, help: "Its boot part is damaged: only the boot ROM is left.")
  var bricked = false
  @Flag(name: .long, help: "Sierra: it shows its boot loader whenever it gets power.")
  var inLoader = false
  @Flag(name: .long, help: "Its boot pin is grounded while it is plugged in.")
  var bootPin = false
  @Option(name: .long, help: "Decides every delay that is drawn.") var seed: UInt64 = 1
  @Option(name: .long, help: "How many times faster than life it restarts.") var speed = 1.0
  @Option(name: .long, help: "Where the page of a model with a page appears: 127.0.0.1:PORT.")
  var http: String?

  @Option(name: .long, help: "The version that the maker's server offers a model with a page.")
  var offered: String?

  @Option(name: .long, help: "PIN that its SIM wants.") var pin: String?

  @Option(
    name: .long,
    help: "What is wrong with a page: endless, redirect, wrong-length, html or script.")
  var malice = "none"

  @OptionGroup var lock: LockSwitches

  @Flag(
    name: .customLong("usbip"),
    help: "Serve USB devices over USB/IP; an ADDR:PORT may follow (127.0.0.1:3240 if none does).")
  var overUSBIP = false
  @Flag(name: .long, help: "With --usbip: plug the sticks into this machine (root, vhci-hcd).")
  var attach = false
  @Option(
    name: .long,
    help:
      "With --usbip: the disc is shown always, once or never; slow, deaf, looping: on switching."
  )
  var disc = "once"

  func validate() throws {
    if !overUSBIP, models.count != 1 {
      throw ValidationError("a pseudo-terminal serves one model; --usbip serves several")
    }
  }

  func run() async throws {
    if overUSBIP { return try await serveUSB() }
    try await explaining(json: false) { () throws(Trouble) in
      let model = models[0]
      if model != SimulatedModels.zte || http != nil,
        let end = try await PageSim.serve(
          model, firmware: firmware, http: http ?? "127.0.0.1:0", link: link, speed: speed,
          seed: seed, offered: offered, lock: lock, pin: pin, malice: malice)
      {
        return end
      }
      if try await DiagSim.serve(model, firmware: firmware, link: link, speed: speed) {
        return .ok
      }
      let keeper = try SimulatedFlashKeeper(flash: flash, log: log)
      let switches = SimulatedModels.Switches(
        strict: strict, signed: signed, logging: log != nil, seed: seed, lock: lock, pin: pin,
        inLoader: inLoader)
      switch try SimulatedModels.stick(model, firmware: firmware, options: switches) {
      case .huawei(var stick):
        if bricked { stick.flash.brick() }
        stick.bootPinIsGrounded = bootPin
        try await serve(keeper.restored(stick), keep: keeper.keep)
      case .huaweiQualcomm(let stick):
        try await serve(
          LoggedStick(keeper.restored(stick), isLogging: log != nil), keep: keeper.keep)
      case .sierra(let stick):
        try await serve(
          LoggedStick(keeper.restored(stick), isLogging: log != nil), keep: keeper.keep)
      case .zte(let stick):
        let nand = NANDKeeper(keeper: keeper, folder: flash)
        try await serve(
          LoggedStick(nand.restored(stick), isLogging: log != nil), keep: nand.keep)
      case .qualcomm(let stick):
        try await serve(
          LoggedStick(keeper.restored(stick), isLogging: log != nil), keep: keeper.keep)
      }
      return .ok
    }
  }

  private static var names: [String] {
    Set(SimulatedModels.names + PageSim.names + DiagSim.names).sorted()
  }

  private func serve<Body: StickBody>(
    _ stick: Body, keep: @escaping @Sendable (inout Body) -> Void
  ) async throws(Trouble) {
    let server = PTYServer(stick, link: link, speed: max(0.01, speed)) { event in
      switch event {
      case .published(let link, _, let role): Output.line("published \(link) \(role.rawValue)")
      case .withdrawn(let link): Output.line("withdrawn \(link)")
      }
    }
    Output.error("\(models[0]) on \(link); Ctrl-C pulls the plug")
    do throws(LinkError) {
      try await server.run(keep: keep)
    } catch { throw error.trouble }
  }
}
