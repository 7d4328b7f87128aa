import ArgumentParser
import Foundation
import SmithModel
import SmithPorts
import SmithVendors

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows every stick that is plugged in, in every state, and what can be done next.",
    discussion: """
      Nothing is opened and nothing is sent: it disturbs no stick and no program. With --watch, a \
      stick that comes back under another id has left and come; as JSON the events are `stick` \
      (one that came, or shows more than before) and `gone`.

        modemsmith list
        modemsmith list --watch          go on, and show every change
      """)

  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Go on, and show every change.") var watch = false

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      // Listening begins before looking, so that nothing falls in between.
      let events = watch ? UsbWatch() : nil
      var tracker = StickTracker(usb: SysfsUSB(), knowledge: ThisComputer.knowledge)
      _ = tracker.readAll()
      show(tracker.sticks)
      if tracker.sticks.isEmpty, !common.json { Output.error("No stick is plugged in.") }
      guard watch else { return tracker.sticks.isEmpty ? .noStick : .ok }
      // Nothing is being written to a stick: a reader that goes away ends this.
      signal(SIGPIPE, SIG_DFL)
      Self.rehearse()
      // Waiting blocks its thread: one of its own, for all of it.
      await PortThread().run { [tracker] in follow(tracker, events) }
      return .ok
    }
  }

  /// Tells every change, without end.
  private func follow(_ known: StickTracker, _ events: UsbWatch?) {
    var tracker = known
    let clock = SystemBus()
    while true {
      guard let events else {
        // Without the kernel's word, a look five times a second has to do.
        usleep(200_000)
        showChanges(tracker.readAll())
        continue
      }
      let limit = tracker.deadline.map { max(.zero, $0 - clock.now) } ?? .seconds(3600)
      let heard = events.next(within: limit)
      showChanges(tracker.take(heard, at: clock.now))
    }
  }

  /// Describes sticks that are not there: what is read and prepared at first use (catalogues, port
  /// lists) is ready when one comes.
  private static func rehearse() {
    for vendor: UInt16 in [0x12d1, 0x19d2, 0x1bbb, 0x1199] {
      var device = UsbDevice(place: "0-0", path: "/nowhere", id: USBID(vendor, 0x1506))
      let node = UsbNode(kind: .tty, name: "ttyUSB0")
      device.interfaces = [
        UsbInterface(number: 0, triple: UsbTriple(0xff, 0xff, 0xff), nodes: [node])
      ]
      _ = ThisComputer.knowledge.sighting(of: device)?.json(event: "stick").text
    }
  }

  private func show(_ sticks: [StickSighting]) {
    if common.json {
      for stick in sticks { Output.json(stick.json(event: "stick")) }
      return
    }
    guard !sticks.isEmpty else { return }
    let rows = sticks.map(\.row)
    let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for (row, stick) in zip(rows, sticks) {
      Output.line(line(row, widths))
      for action in stick.actions {
        Output.line(
          Output.paint("    → \(action.words)\(action.command.map { ": \($0)" } ?? "")", .faint))
      }
      if let door = FrontDoor(stick.device.id) {
        let evidence = Families.evidence(for: stick.device.id).map { "  (evidence: \($0))" } ?? ""
        Output.line(Output.paint("    updated by \(door.advice)\(evidence)", .faint))
      }
    }
  }

  private func line(_ row: [String], _ widths: [Int]) -> String {
    zip(row, widths + [0]).map { cell, width in
      cell + String(repeating: " ", count: max(0, width - cell.count))
    }.joined(separator: "  ")
  }

  private func showChanges(_ changes: [StickChange]) {
    for change in changes {
      switch change {
      case .came(let stick): show([stick])
      case .left(let stick) where common.json: Output.json(stick.json(event: "gone"))
      case .left(let stick): Output.line("\(stick.device.place)  left")
      }
    }
  }
}

extension StickSighting {
  /// What can be done next, with the page where it is likeliest to be.
  fileprivate var actions: [NextAction] {
    guard state == .networkCard, let likeliest = ThisComputer.pages(of: self).first else {
      return next
    }
    return [NextAction("open its web page", "\(likeliest.address)/")]
      + next.filter { $0.words != "open its web page" }
  }

  /// Cells of the table: place, id, state, name, ports and other nodes.
  fileprivate var row: [String] {
    let or = orState.map { " (or \($0.rawValue))" } ?? ""
    var nodes = ports.map { "\($0.name):\($0.role.rawValue)" }
    nodes += device.names(.net) + device.names(.control) + device.names(.disc)
    return [
      device.place, device.id.description, state.rawValue + or, name, nodes.joined(separator: " "),
    ]
  }

  /// The stick as an object of the JSON contract.
  func json(event: String) -> JSONValue {
    .object([
      "event": .string(event), "place": .string(device.place), "usb_id": .text(device.id),
      "name": .string(name), "state": .string(state.rawValue),
      "evidence": .text(Families.evidence(for: device.id)),
      "or_state": .text(orState?.rawValue), "why": .string(reason),
      "manufacturer": .text(device.manufacturer), "product": .text(device.product),
      "device": .string("/dev/\(device.node)"), "sysfs": .string(device.path),
      "ports": .array(
        ports.map { port in
          .object([
            "port": .string("/dev/\(port.name)"), "interface": .integer(port.interface),
            "role": .string(port.role.rawValue), "said_by": .string(port.source.rawValue),
          ])
        }),
      "interfaces": .array(
        device.interfaces.map { interface in
          .object([
            "number": .integer(interface.number), "class": .text(interface.triple),
            "driver": .text(interface.driver),
            "nodes": .array(interface.nodes.map { .string($0.name) }),
          ])
        }),
      "way": .text(FrontDoor(device.id)?.way.rawValue),
      "way_advice": .text(FrontDoor(device.id)?.advice),
      "next": .array(
        actions.map { .object(["words": .string($0.words), "command": .text($0.command)]) }),
    ])
  }
}

struct SwitchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "switch",
    abstract: "Makes a modem of a stick that shows only a drive.",
    discussion: """
      Uses the data of the package usb-modeswitch-data where it is installed, and our own \
      minimum for Huawei, ZTE, Alcatel and Sierra where it is not.
      """)

  @Option(name: .long, help: "The stick at this USB place, as `modemsmith list` shows it.")
  var place: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let sticks = ThisComputer.sticks()
      if place == nil, !sticks.isEmpty, !sticks.contains(where: { $0.state == .fakeCD }) {
        // Nobody has to name a stick that needs nothing.
        for stick in sticks { say(stick, "already", []) }
        return .nothingToDo
      }
      let stick = try await ThisComputer.onlyStick(
        place: place, imeiEnds: nil, states: place == nil ? [.fakeCD] : Set(UsbState.allCases))
      let change = ModeSwitch(
        usb: SysfsUSB(), knowledge: ThisComputer.knowledge, data: SwitchData.installed()
      ) { device throws(UsbError) in
        try LibUSBDevice(path: "/dev/\(device.node)")
      }
      // Transfers block their thread: one of its own.
      let outcome = await withTaskExecutorPreference(PortThread()) {
        await Self.result(change, stick.device.place)
      }
      switch outcome {
      case .failure(let error): throw error.trouble
      case .success(.alreadySwitched(let found)):
        say(found, "already", [])
        return .nothingToDo
      case .success(.switched(let found, let notes)):
        say(found, "switched", notes)
        return .ok
      }
    }
  }

  private static func result(_ change: ModeSwitch, _ place: String) async
    -> Result<SwitchOutcome, SwitchError>
  {
    do throws(SwitchError) { return .success(try await change.run(at: place)) } catch {
      return .failure(error)
    }
  }

  private func say(_ stick: StickSighting, _ how: String, _ notes: [String]) {
    if common.json {
      Output.json(
        .object([
          "event": .string("switch"), "outcome": .string(how),
          "notes": .array(notes.map { .string($0) }), "stick": stick.json(event: "stick"),
        ]))
      return
    }
    for note in notes { Output.error("  · \(note)") }
    let words = how == "already" ? "nothing to do: it is" : "it is now"
    Output.line("\(stick.device.place): \(words) \(stick.name) (\(stick.device.id))")
    for action in stick.next.prefix(1) {
      Output.line("→ \(action.words)\(action.command.map { ": \($0)" } ?? "")")
    }
  }
}

struct BindCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bind",
    abstract: "Has the kernel's serial driver take a stick's ports whose id it does not know.",
    discussion: """
      Needs root. This tool itself does not need it, because it speaks to such ports through \
      libusb; other programs want a /dev/ttyUSB. The driver forgets it at the next restart.
      """)

  @Option(name: .long, help: "The stick at this USB place, as `modemsmith list` shows it.")
  var place: String?
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      let stick = try await ThisComputer.onlyStick(
        place: place, imeiEnds: nil, states: Set(UsbState.allCases))
      let bound = try await SerialBinding.bind(at: stick.device.place, usb: SysfsUSB())
      let ports = bound.flatMap(\.nodes).filter { $0.kind == .tty }.map { "/dev/\($0.name)" }
      if common.json {
        Output.json(
          .object([
            "event": .string("bind"), "place": .string(stick.device.place),
            "ports": .array(ports.map { .string($0) }),
          ]))
      } else if ports.isEmpty {
        Output.line("\(stick.device.place): nothing to do: no port is without a driver")
      } else {
        Output.line("\(stick.device.place): bound: \(ports.joined(separator: " "))")
      }
      return ports.isEmpty ? .nothingToDo : .ok
    }
  }
}

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Looks for what stands between you and your stick; changes nothing by itself.")

  @OptionGroup var common: CommonOptions
  @Flag(name: .long, help: "Write udev rules that let people at this computer use its sticks.")
  var installRules = false
  @Option(name: .long, help: "With --install-rules: a system below this folder.")
  var root: String?

  func run() async throws {
    try await explaining(json: common.json) { () throws(Trouble) in
      if installRules { return try install() }
      let doctor = Doctor(knowledge: ThisComputer.knowledge, data: SwitchData.installed())
      let findings = doctor.examine(power: PowerSupply.state())
      for finding in findings {
        if common.json {
          Output.json(
            .object([
              "event": .string("finding"), "area": .string(finding.area),
              "grade": .string(finding.grade.rawValue), "words": .string(finding.words),
              "advice": .text(finding.advice),
            ]))
        } else {
          show(finding)
        }
      }
      return findings.contains { $0.grade == .bad } ? .warnings : .ok
    }
  }

  private func install() throws(Trouble) -> SmithModel.ExitCode {
    let path = try UdevRulesFile.install(ThisComputer.knowledge.entries, root: root ?? "")
    if common.json {
      Output.json(.object(["event": .string("rules"), "path": .string(path)]))
    } else {
      Output.line("written: \(path)")
      Output.line("→ unplug the stick and plug it in again")
    }
    return .ok
  }

  private func show(_ finding: Finding) {
    let (mark, colour): (String, Output.Colour) =
      switch finding.grade {
      case .good: ("✓", .green)
      case .note: ("·", .yellow)
      case .bad: ("✗", .red)
      }
    let area = finding.area + String(repeating: " ", count: max(0, 13 - finding.area.count))
    Output.line("\(Output.paint(mark, colour)) \(area)\(finding.words)")
    if let advice = finding.advice { Output.line("    → \(advice)") }
  }
}
