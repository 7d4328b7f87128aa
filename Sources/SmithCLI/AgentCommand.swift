import ArgumentParser
import Foundation
import SmithEngine
import SmithFleet
import SmithLibrary
import SmithLink
import SmithModel
import SmithPorts
import Synchronization

struct AgentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent",
    abstract: "Updates many sticks by a policy file, without anybody at the terminal.",
    discussion: """
      The policy says which stick gets which image of the library, when, on which power, and \
      after how many failures to stop. Each stick is judged as `plan` and `advise` judge it, and \
      written to as `update` does. Begin with --dry-run. Nothing listens on the network, and \
      nothing runs by itself: a timer of the system starts `modemsmith agent --once`.
      """)

  @Flag(name: .long, help: "Take every stick once and end; the only way to run, so far.")
  var once = false
  @Option(name: .long, help: "The policy (JSON5); see Docs/Protocols/fleet-policy.md.")
  var policy: String
  @Flag(name: .long, help: "Say what would be done, whatever the policy says.") var dryRun = false
  @OptionGroup var target: TargetOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard once else {
      throw ValidationError("The agent runs with --once only; let a timer of the system start it.")
    }
    guard target.web == nil else {
      throw ValidationError("The agent does not update over pages of sticks (--web).")
    }
  }

  func run() async throws {
    try await explaining(json: true) { () throws(Trouble) in
      var policy = try FleetPolicy(path: self.policy)
      if dryRun { policy.dryRun = true }
      let state = try StateDirectory(target.stateDir)
      let shelf = try await sticks()
      let stop = TerminalOwner(json: true, yes: false)
      stop.mindSignals()
      let agent = FleetAgent(policy, in: world(state, stop, shelf, onlyLooks: policy.dryRun))
      let outcome = await withTaskExecutorPreference(PortThread()) {
        await agent.run(on: shelf.map(\.stick)) { Output.json($0.json) }
      }
      Output.json(outcome.json(policy))
      return outcome.exitCode
    }
  }

  /// Every stick that can be asked, or the one that is named.
  private func sticks() async throws(Trouble) -> [AgentStick] {
    if target.port != nil || target.place != nil || target.imeiEnds != nil {
      let (bus, place) = try await target.bus()
      return [AgentStick(bus, place)]
    }
    let states: [UsbState] = [.modem, .download, .qdl]
    return ThisComputer.sticks().filter { states.contains($0.state) }.map {
      AgentStick(ThisComputer.bus(), $0.place)
    }
  }

  private func world(
    _ state: StateDirectory, _ stop: TerminalOwner, _ shelf: [AgentStick], onlyLooks: Bool
  ) -> FleetWorld {
    @Sendable func one(_ place: Place) -> AgentStick? {
      shelf.first { $0.stick.place == place }
    }
    let (dataDir, downloadPort) = (target.dataDir, target.downloadPort)
    var world = FleetWorld(
      now: { Date() }, calendar: .current, power: { PowerSupply.state() },
      image: { sha256 throws(Trouble) in
        try AgentImages.open(sha256, dataDir: dataDir, keeping: .copied(in: state.path))
      },
      surroundings: { _ in .files(in: state, downloadPort: downloadPort) })
    world.hold = { place throws(Trouble) in
      let lock = try state.hold(place, json: true)
      // Who only looks is no reason to take the modem away from others.
      return (lock, onlyLooks ? nil : try one(place)?.keepAway())
    }
    world.interrupted = { place throws(Trouble) in
      let found = try state.unfinished(at: place)
      for note in found?.notes ?? [] { Output.error("\(place): \(note)") }
      return found?.path
    }
    world.hear = { place, event in
      if case .progress = event { return }
      Output.error("\(place): \(event.json.text)")
    }
    world.minding = { place, owner in one(place)?.minding(owner, state) ?? owner }
    world.finished = { place, image, report in
      if let (watch, history) = one(place)?.watch { history.keep(report, image, place, watch) }
    }
    world.wantsToStop = { stop.wantsToStop }
    return world
  }
}

/// Images of the library, by sum.
enum AgentImages {
  /// The image with this SHA-256, be it a file or inside one, and why it is marked as bad.
  ///
  /// - Throws: `fleet.image-missing`, and what opening it can come to.
  static func open(_ sha256: String, dataDir: String?, keeping: FileKeeping) throws(Trouble)
    -> (CheckedImage, knownBad: String?)
  {
    guard Library.exists(dataDir) else { throw missing(sha256, []) }
    let library = try Library(dataDir)
    var last = 0
    while true {
      let entries = try library.entries(after: last)
      guard let end = entries.last?.id else { break }
      last = end
      for entry in entries {
        let inside = entry.images.first { $0.sha256 == sha256 }
        guard entry.sha256 == sha256 || inside != nil else { continue }
        let bad = try library.knownBad([entry.sha256, sha256]).first
        let paths = entry.places.map(\.path)
        for path in paths where FileManager.default.fileExists(atPath: path) {
          let file = FirmwareFile(path, inside: inside?.inside)
          return (try file.open(sha256: sha256, keeping: keeping), bad)
        }
        throw missing(sha256, paths)
      }
    }
    throw missing(sha256, [])
  }

  private static func missing(_ sha256: String, _ places: [String]) -> Trouble {
    Trouble(
      "fleet.image-missing",
      places.isEmpty
        ? "The library has no image with the sum \(sha256.prefix(16))... ."
        : "The file of the image \(sha256.prefix(16))... is not where the library knows it.",
      facts: places, advice: ["Add the file: `modemsmith library add FILE`."], exitCode: .refused)
  }
}

/// A stick, and what keeps other programs away from it while it is its turn.
final class AgentStick: Sendable {
  let stick: FleetStick
  private let turn: AgentTurn
  private let measured = Mutex<(PhaseWatch, HistoryKeeper)?>(nil)

  /// Who measured the update of this stick, and who keeps it.
  var watch: (PhaseWatch, HistoryKeeper)? { measured.withLock { $0 } }

  /// The owner, measured and with manners.
  func minding(_ owner: any Owner, _ state: StateDirectory) -> any Owner {
    let watch = PhaseWatch(owner)
    measured.withLock { $0 = (watch, HistoryKeeper(state: state)) }
    return turn.manners?.minding(watch) ?? watch
  }

  /// Keeps other programs away from the stick as long as what is returned lives.
  ///
  /// - Throws: `port.modem-manager`.
  func keepAway() throws(Trouble) -> any Sendable {
    let manners = StickManners(place: stick.place)
    if let obstacle = manners.obstacle { throw obstacle }
    turn.begin(manners)
    return AgentHold(turn: turn)
  }

  init(_ bus: any Bus, _ place: Place) {
    turn = AgentTurn()
    stick = FleetStick(bus: AgentBus(bus: bus, turn: turn), place: place)
  }
}

/// The manners of a stick whose turn it is.
private final class AgentTurn: Sendable {
  private let current = Mutex<StickManners?>(nil)

  var manners: StickManners? { current.withLock { $0 } }

  func begin(_ manners: StickManners) { current.withLock { $0 = manners } }

  func end() { current.withLock { $0.take() }?.end() }
}

/// Ends a turn when nobody needs it any more.
private final class AgentHold: Sendable {
  private let turn: AgentTurn

  init(turn: AgentTurn) { self.turn = turn }

  deinit { turn.end() }
}

/// A stick's bus, with the manners of its turn.
private struct AgentBus: Bus {
  let bus: any Bus
  let turn: AgentTurn

  func ports() async throws(BusError) -> [SmithLink.Port] { try await bus.ports() }

  func port(at place: Place, as role: PortRole, within limit: Duration) async throws(BusError)
    -> SmithLink.Port
  {
    try await bus.port(at: place, as: role, within: limit)
  }

  func open(_ port: SmithLink.Port) async throws(LinkError) -> any ByteLink {
    try await (turn.manners?.minding(bus) ?? bus).open(port)
  }

  func pause(_ duration: Duration) async { await bus.pause(duration) }

  var now: Duration { bus.now }
}

extension FleetLine {
  /// The stick as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "event": .string("stick"), "place": .text(place), "model": .text(model),
      "imei_hash": .text(imeiHash), "rule": .text(rule), "decision": .string(decision.rawValue),
      "reason": .string(reason), "before": .text(before), "after": .text(after),
      "fit": .text(fit?.rawValue), "advice": .text(advice?.rawValue), "sha256": .text(sha256),
      "journal": .text(journal), "backup": .text(backup),
      "seconds": seconds.map { .number($0) } ?? .null,
      "warnings": .array(warnings.map { .string($0) }), "trouble": trouble?.json ?? .null,
    ])
  }
}

extension FleetOutcome {
  /// The last line of a run.
  func json(_ policy: FleetPolicy) -> JSONValue {
    var counts: [String: JSONValue] = [:]
    for decision in FleetLine.Decision.allCases where count(decision) > 0 {
      counts[decision.rawValue] = .integer(count(decision))
    }
    return .object([
      "event": .string("fleet"), "policy": .string(policy.name),
      "policy_sha256": .string(policy.sha256), "dry_run": .bool(policy.dryRun),
      "sticks": .integer(lines.count), "decisions": .object(counts),
      "exit_code": .integer(Int(exitCode.rawValue)),
    ])
  }
}
