import Glibc
public import SmithEngine
import SmithModel

/// One thing that was looked at.
public struct Finding: Hashable, Sendable, Codable {
  /// How it stands.
  public enum Grade: String, Hashable, Sendable, Codable {
    case good, note, bad
  }

  /// What was looked at, as in `ModemManager`.
  public var area: String
  /// How it stands.
  public var grade: Grade
  /// What was seen.
  public var words: String
  /// What to do; nil if nothing.
  public var advice: String?

  /// Gathers the parts.
  public init(_ area: String, _ grade: Grade, _ words: String, advice: String? = nil) {
    self.area = area
    self.grade = grade
    self.words = words
    self.advice = advice
  }
}

/// Looks at what usually stands between people and their stick. Opens no port, changes nothing.
public struct Doctor: Sendable {
  private let usb: SysfsUSB
  private let knowledge: UsbKnowledge
  private let data: SwitchData
  private let devices: String
  private let rules: String
  private let address: String?
  private let sharedLocks: String

  /// - Parameters:
  ///   - devices: where `/dev` is.
  ///   - rules: where our udev rules would be.
  ///   - address: another bus than the system's.
  ///   - sharedLocks: where users share lock files.
  public init(
    usb: SysfsUSB = SysfsUSB(), knowledge: UsbKnowledge, data: SwitchData,
    devices: String = "/dev", rules: String = "/etc/udev/rules.d/\(UdevRulesFile.name)",
    address: String? = nil, sharedLocks: String = StateDirectory.sharedLocks
  ) {
    self.usb = usb
    self.knowledge = knowledge
    self.data = data
    self.devices = devices
    self.rules = rules
    self.address = address
    self.sharedLocks = sharedLocks
  }

  /// Everything that was looked at, in the order in which it matters.
  public func examine(power: PowerState) -> [Finding] {
    let sticks = knowledge.sticks(on: usb)
    return [found(sticks)] + sticks.flatMap(state) + permissions(sticks) + drivers(sticks)
      + [modemManager(), switchData(), locks(), charge(power)]
  }

  private func found(_ sticks: [StickSighting]) -> Finding {
    if !sticks.isEmpty { return Finding("sticks", .good, "\(sticks.count) plugged in") }
    return Finding(
      "sticks", .note, "none is plugged in",
      advice: "Plug the stick straight into the computer and wait ten seconds.")
  }

  private func state(_ stick: StickSighting) -> [Finding] {
    let title = "\(stick.device.place) \(stick.name)"
    switch stick.state {
    case .dead:
      return [Finding("state", .bad, "\(title): \(stick.reason)", advice: stick.next.first?.words)]
    case .fakeCD:
      return [
        Finding("state", .note, "\(title) shows a drive only", advice: stick.next.first?.command)
      ]
    default: return []
    }
  }

  private func permissions(_ sticks: [StickSighting]) -> [Finding] {
    var closed: [String] = []
    for stick in sticks {
      let nodes = stick.ports.map(\.name) + (stick.state == .fakeCD ? [stick.device.node] : [])
      closed += nodes.map { "\(devices)/\($0)" }.filter { unsafe access($0, R_OK | W_OK) != 0 }
    }
    let hasRules = FileNames.status(of: rules) != nil
    guard let first = closed.first else {
      return [Finding("permission", .good, "every port may be opened")]
    }
    let why =
      Self.group(of: first).map { "it belongs to the group \($0), which you are not in" }
      ?? "you are not allowed to"
    return [
      Finding(
        "permission", .bad, "\(first) cannot be opened: \(why)",
        advice: hasRules
          ? "Unplug the stick and plug it in again: the rules are new."
          : "sudo modemsmith doctor --install-rules, then plug the stick in again")
    ]
  }

  private static func group(of path: String) -> String? {
    guard let status = FileNames.status(of: path) else { return nil }
    guard let entry = unsafe getgrgid(status.st_gid) else { return "number \(status.st_gid)" }
    return unsafe String(cString: entry.pointee.gr_name)
  }

  private func drivers(_ sticks: [StickSighting]) -> [Finding] {
    var findings: [Finding] = []
    for stick in sticks where stick.state != .fakeCD {
      let bare = stick.device.interfaces.filter { interface in
        interface.driver == nil && interface.triple.kind == 0xff
          && interface.endpoints.contains { $0.isBulk && $0.isIn }
      }
      if !bare.isEmpty {
        let numbers = bare.map { "\($0.number)" }.joined(separator: ", ")
        findings.append(
          Finding(
            "drivers", .note,
            "\(stick.device.place): no kernel driver for interface \(numbers)",
            advice: "It is used through USB directly; nothing needs to be done."))
      }
    }
    return findings.isEmpty ? [Finding("drivers", .good, "every interface has one")] : findings
  }

  private func modemManager() -> Finding {
    guard let bus = try? DBusConnection(address: address) else {
      return Finding("ModemManager", .note, "there is no system bus, so it cannot run")
    }
    guard bus.owner(of: ModemManagerHold.name) != nil else {
      return Finding("ModemManager", .good, "it does not run")
    }
    return Finding(
      "ModemManager", .good, "it runs; it is asked to keep away while a stick is worked on")
  }

  private func switchData() -> Finding {
    if data.hasInstalledData {
      return Finding("mode switch", .good, "\(data.count) entries of usb-modeswitch-data")
    }
    return Finding(
      "mode switch", .note, "usb-modeswitch-data is missing; only our own minimum is known",
      advice: "sudo apt install usb-modeswitch-data")
  }

  private func locks() -> Finding {
    let folder = sharedLocks
    if unsafe access(folder, W_OK | X_OK) == 0 {
      return Finding("locks", .good, "users of this computer see each other's in \(folder)")
    }
    return Finding(
      "locks", .note, "\(folder) cannot be written: \(FileNames.words(errno))",
      advice: "Do not update one stick from two containers at once; elsewhere it is noticed.")
  }

  private func charge(_ power: PowerState) -> Finding {
    guard let percent = power.batteryPercent else { return Finding("power", .good, "mains") }
    if power.onMains { return Finding("power", .good, "mains, battery \(percent)%") }
    return Finding(
      "power", percent < 30 ? .bad : .note, "battery, \(percent)%",
      advice: "Plug the computer in before an update.")
  }
}
