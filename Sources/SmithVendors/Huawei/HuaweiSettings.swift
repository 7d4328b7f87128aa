public import SmithAT

/// Reads and restores the settings of a Huawei stick (Docs/Protocols/huawei-identify.md
/// section 4).
public enum HuaweiSettings {
  /// Reads profiles, ports, network mode and PIN state; what the stick refuses stays nil.
  public static func read(over session: ATSession) async throws(ATError) -> DeviceSettings {
    let asker = Asker(session)
    var settings = DeviceSettings()
    settings.profiles = try await asker.profiles()
    if let answer = try await asker.ask("AT^SETPORT?") { settings.ports = ports(answer) }
    // Only sticks without a port list have the older word.
    if settings.ports == nil, let answer = try await asker.ask("AT^U2DIAG?") {
      settings.composition = HuaweiPorts.composition(answer)
    }
    for name in ["SYSCFGEX", "SYSCFG"] where settings.network == nil {
      if let answer = try await asker.ask(ATCommand("AT^\(name)?")),
        let value = answer.values("^\(name)").first, isNetworkMode(value)
      {
        settings.network = .init(command: name, value: value)
        settings.bands = bands(name, value)
      }
    }
    settings.pinState = try await asker.pinState()
    // A question only: 2 asks whether the SIM's lock is on (3GPP TS 27.007).
    if let answer = try await asker.ask("AT+CLCK=\"SC\",2") {
      switch answer.values("+CLCK").first.map({ TextFields.trim($0) }) {
      case "0": settings.pinRequired = false
      case "1": settings.pinRequired = true
      default: break
      }
    }
    return settings
  }

  /// Writes back what differs now: connection profiles and network mode, nothing else.
  ///
  /// Ports are not written: a wrong composition takes the AT port away. Profiles that the backup
  /// does not know stay.
  public static func restore(_ backup: DeviceSettings, over session: ATSession)
    async throws(ATError) -> SettingsRestoration
  {
    let present = try await read(over: session)
    var result = SettingsRestoration()
    try await PacketProfiles.restore(backup, present: present, over: session, &result)
    if let network = backup.network, network != present.network {
      if network.command == present.network?.command, isNetworkMode(network.value) {
        let command = ATCommand("AT^\(network.command)=\(network.value)")
        result.note("network mode", try await session.send(command))
      } else {
        result.leftOut.append("network mode: the new firmware writes it in another way")
      }
    }
    if let pin = backup.pinRequired, let now = present.pinRequired, pin != now {
      result.leftOut.append(
        "PIN: the SIM \(now ? "asks" : "does not ask") for it now; changing that takes the PIN")
    }
    if let ports = backup.ports, ports != present.ports {
      result.leftOut.append("ports: the composition differs and is never written by itself")
    }
    if let word = backup.composition, word != present.composition {
      result.leftOut.append("ports: the composition differs and is never written by itself")
    }
    return result
  }

  /// The command that sets a composition; nil if it would take the AT port away or holds
  /// anything but port numbers.
  public static func command(for ports: DeviceSettings.PortSetup) -> ATCommand? {
    guard ports.keepsATPort,
      (ports.before + ports.after).allSatisfy({ code in
        (1...2).contains(code.count) && code.allSatisfy { $0.isASCII && $0.isHexDigit }
      })
    else { return nil }
    let before = ports.before.joined(separator: ",")
    return ATCommand("AT^SETPORT=\"\(before);\(ports.after.joined(separator: ","))\"")
  }

  /// `^SETPORT:"A1,A2;12,1,16,A1,A2"`, or the older `^SETPORT:;2,3,16`.
  static func ports(_ response: ATResponse) -> DeviceSettings.PortSetup? {
    guard let value = response.values("^SETPORT").first.flatMap({ TextFields.bare($0) }),
      let semicolon = value.firstIndex(of: ";")
    else { return nil }
    func codes(_ text: Substring) -> [String] {
      text.split(separator: ",").map { TextFields.trim($0).uppercased() }.filter { !$0.isEmpty }
    }
    return .init(
      before: codes(value[..<semicolon]), after: codes(value[value.index(after: semicolon)...]))
  }

  /// The masks in the network mode: third field of SYSCFG, second and fifth of SYSCFGEX.
  static func bands(_ command: String, _ value: String) -> DeviceSettings.BandChoice? {
    let fields = TextFields.split(value)
    if command == "SYSCFGEX" {
      guard fields.count >= 5 else { return nil }
      return .init(mask: fields[1], lte: fields[4])
    }
    return fields.count >= 3 ? .init(mask: fields[2]) : nil
  }

  /// Hexadecimal numbers, commas and quotes: what may be written back as it was read.
  private static func isNetworkMode(_ value: String) -> Bool {
    (1...80).contains(value.count)
      && value.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == "," || $0 == "\"") }
  }
}
