import ArgumentParser
import Glibc
import SmithEngine
import SmithLink
import SmithModel
import SmithPorts
import SmithVendors

struct HuaweiCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "huawei", abstract: "What only Huawei sticks have.",
    subcommands: [HuaweiPortsCommand.self, HuaweiLeaveCommand.self])
}

struct HuaweiPortsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ports", abstract: "Shows which ports the stick has, or sets them.",
    discussion: """
      Sticks of the Qualcomm era know one word for all of them (AT^U2DIAG): 255, 256 and 276 are \
      in use, and 276 shows everything. Later ones know a list (AT^SETPORT): what is shown \
      before the CD is left, a semicolon, and what is shown afterwards; 12, or 2 on older \
      sticks, is the AT port. Nothing is sent that would leave the stick without an AT port.
      """)

  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions
  @Option(name: .long, help: "The word to set: 255, 256 or 276.") var word: Int?
  @Option(name: .long, help: "The list to set, as in \"A1,A2;12,1,16\".") var list: String?
  @Flag(name: .long, help: "Agree without being asked.") var yes = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let wanted = try wanted()
      let (bus, place) = try await target.bus()
      guard let wanted else {
        let keeper = PortKeeper(
          bus: bus, owner: TerminalOwner(json: common.json, yes: false), surroundings: .forQueries)
        show(try await keeper.look(place))
        return .ok
      }
      return try await set(wanted, place, bus)
    }
  }

  private func wanted() throws(Trouble) -> HuaweiPorts.Setting? {
    if word != nil, list != nil { throw Self.badList("Give --word or --list, not both.") }
    if let word { return .composition(word) }
    guard let list else { return nil }
    guard let setup = HuaweiPorts.list(list) else {
      throw Self.badList("\"\(list)\" is no list of port numbers around one semicolon.")
    }
    return .list(setup)
  }

  private func set(_ wanted: HuaweiPorts.Setting, _ place: Place, _ bus: any Bus)
    async throws(Trouble) -> SmithModel.ExitCode
  {
    if !yes, common.json || isatty(0) != 1 { throw UpdateCommand.needsYes }
    let state = try StateDirectory(target.stateDir)
    let lock = try state.hold(place, json: common.json)
    defer { withExtendedLifetime(lock) {} }
    let owner = TerminalOwner(json: common.json, yes: yes)
    owner.mindSignals()
    let manners = try await owner.manners(at: place)
    defer { manners.end() }
    let keeper = PortKeeper(
      bus: manners.minding(bus), owner: owner,
      surroundings: .files(in: state, downloadPort: target.downloadPort))
    let isForPrograms = common.json
    let (now, backup) = try await keeper.set(wanted, at: place) { state in
      if !isForPrograms {
        Output.error("ports now:       \(state.setting.map { "\($0)" } ?? "not told")")
        Output.error("ports afterwards: \(wanted)")
        Output.error("It is effective when the stick is plugged in the next time.")
      }
      return owner.agreed(typing: state.model ?? "yes")
    }
    if common.json {
      Output.json(
        .object([
          "event": .string("ports"), "command": .string(now.command), "setting": .string("\(now)"),
          "changed": .bool(backup != nil), "backup": .text(backup),
        ]))
    } else if let backup {
      Output.line("set from the next plug on: \(now.command)=\(now)")
      Output.line("  backup:  \(backup)")
    } else {
      Output.line("nothing to do: it is \(now) already")
    }
    return backup == nil ? .nothingToDo : .ok
  }

  private func show(_ state: PortKeeper.State) {
    if common.json {
      Output.json(
        .object([
          "event": .string("ports"), "command": .text(state.setting?.command),
          "setting": .text(state.setting.map { "\($0)" }),
          "ports": .array(
            state.ports.map {
              .object([
                "name": .string($0.name), "interface": .integer($0.number),
                "role": .string($0.role.rawValue),
              ])
            }),
        ]))
      return
    }
    for port in state.ports {
      Output.line("interface \(port.number)  \(port.name) (\(port.role.rawValue))")
    }
    Output.line(
      state.setting.map { "\($0.command): \($0)" } ?? "set-up      the stick does not tell")
  }

  private static func badList(_ text: String) -> Trouble {
    Trouble(
      "usage.bad-ports", text, advice: ["Try `modemsmith huawei ports` to see what the stick has."],
      exitCode: .usage)
  }
}
