import SmithAT

/// Connection profiles of 3GPP TS 27.007, which every vendor's sticks have alike.
enum PacketProfiles {
  /// `+CGDCONT: 1,"IP","internet","0.0.0.0",0,0`, one line a profile.
  static func read(_ response: ATResponse) -> [DeviceSettings.APNProfile] {
    response.values("+CGDCONT").compactMap { value in
      let fields = TextFields.split(value)
      guard fields.count >= 3, let id = Int(fields[0]) else { return nil }
      return .init(id: id, type: fields[1], apn: fields[2])
    }
  }

  /// The command that writes a profile; nil if it holds what cannot stand between quotes.
  static func command(for profile: DeviceSettings.APNProfile) -> ATCommand? {
    guard (1...16).contains(profile.id), TextFields.isQuotable(profile.apn),
      ["IP", "IPV6", "IPV4V6", "PPP"].contains(profile.type.uppercased())
    else { return nil }
    return ATCommand("AT+CGDCONT=\(profile.id),\"\(profile.type)\",\"\(profile.apn)\"")
  }

  /// Writes those of `backup` that differ from `present`; others stay as they are.
  static func restore(
    _ backup: DeviceSettings, present: DeviceSettings, over session: ATSession,
    _ result: inout SettingsRestoration
  ) async throws(ATError) {
    for profile in backup.profiles ?? [] where present.profiles?.contains(profile) != true {
      let name = "APN profile \(profile.id)"
      guard let command = command(for: profile) else {
        result.leftOut.append("\(name): it holds characters that cannot be written")
        continue
      }
      result.note(name, try await session.send(command))
    }
  }
}

extension Asker {
  /// Connection profiles; nil if the stick does not tell them.
  func profiles() async throws(ATError) -> [DeviceSettings.APNProfile]? {
    guard let answer = try await ask("AT+CGDCONT?"), answer.isOK else { return nil }
    return PacketProfiles.read(answer)
  }

  /// `READY`, `SIM PIN` and so on; nil if the stick does not tell.
  func pinState() async throws(ATError) -> String? {
    try await ask("AT+CPIN?")?.values("+CPIN").first.flatMap { TextFields.bare($0) }
  }
}

extension SettingsRestoration {
  /// Remembers what became of one setting.
  mutating func note(_ name: String, _ response: ATResponse) {
    if response.isOK {
      restored.append(name)
    } else {
      leftOut.append("\(name): the stick answered \(response.final)")
    }
  }
}
