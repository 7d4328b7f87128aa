public import SmithBytes
import SmithModel

/// Profiles, network mode and PIN state of the page (Docs/Protocols/zte-web.md section 5).
extension ZTEPage {
  private struct Profile {
    var index: Int
    var name: String
    var apn: String
    var type: String
    var dial: String
    var authentication: String
    var hasSecret: Bool
  }

  private static var most: Int { 20 }
  private static var modeName: String { "net_select" }
  private static var modes: Set<String> {
    ["NETWORK_auto", "Only_GSM", "Only_WCDMA", "Only_LTE", "WCDMA_preferred"]
  }

  private func profiles() async throws(PageError) -> [Profile] {
    let values = try await read((0..<Self.most).map { "APN_config\($0)" })
    var found: [Profile] = []
    for index in 0..<Self.most {
      let name = "APN_config\(index)"
      guard let text = values[name]?.string, !text.isEmpty else { continue }
      let fields = text.split(separator: "($)", omittingEmptySubsequences: false).map(String.init)
      guard fields.count >= 5 else { continue }
      for field in fields { _ = try PageText.kept(field, name) }
      let type = fields.count > 7 && !fields[7].isEmpty ? fields[7] : "IP"
      found.append(
        Profile(
          index: index, name: fields[0], apn: fields[1], type: type.uppercased(),
          dial: fields[3], authentication: fields[4],
          hasSecret: fields.count > 6 && !(fields[5].isEmpty && fields[6].isEmpty)))
    }
    return found
  }

  /// Profiles by their place, counted from 1, network mode and PIN state; user names and
  /// passwords are not kept.
  public func settings() async throws(PageError) -> DeviceSettings {
    var settings = DeviceSettings()
    settings.profiles = try await profiles().map {
      .init(id: $0.index + 1, type: $0.type, apn: $0.apn)
    }
    let values = try await read([Self.modeName, "modem_main_state"])
    if let mode = values[Self.modeName]?.string, Self.modes.contains(mode) {
      settings.network = .init(command: Self.modeName, value: mode)
    }
    if let state = values["modem_main_state"]?.string, !state.isEmpty {
      settings.pinState = Self.simState(try PageText.kept(state, "modem_main_state"))
    }
    return settings
  }

  /// The names of the fields are not documented.
  public var profileInferences: [String] {
    ["the names of the fields with which a ZTE page takes a connection profile (APN_PROC_EX)"]
  }

  /// Writes profiles back that differ; one with a user name stays, for its password is not ours.
  public func restore(_ backup: DeviceSettings) async throws(PageError) -> SettingsRestoration {
    let present = try await profiles()
    var result = SettingsRestoration()
    for saved in backup.profiles ?? [] {
      let now = present.first { $0.index + 1 == saved.id }
      if let now, now.apn == saved.apn, now.type == saved.type.uppercased() { continue }
      let name = "APN profile \(saved.id)"
      guard (1...Self.most).contains(saved.id), TextFields.isQuotable(saved.apn),
        ["IP", "IPV6", "IPV4V6"].contains(saved.type.uppercased())
      else {
        result.leftOut.append("\(name): it holds characters that cannot be written")
        continue
      }
      if now?.hasSecret == true {
        result.leftOut.append("\(name): its user name and password are not kept; set it by hand")
        continue
      }
      do throws(PageError) {
        try await save(saved, over: now)
        result.restored.append(name)
      } catch .refused(_, let code) {
        result.leftOut.append("\(name): the page answered \(code)")
      }
    }
    try await restoreMode(backup, &result)
    return result
  }

  private func restoreMode(_ backup: DeviceSettings, _ result: inout SettingsRestoration)
    async throws(PageError)
  {
    guard let saved = backup.network else { return }
    guard saved.command == Self.modeName, Self.modes.contains(saved.value) else {
      result.leftOut.append("network mode: set it over the AT port")
      return
    }
    guard try await read([Self.modeName])[Self.modeName]?.string != saved.value else { return }
    do throws(PageError) {
      try await write("SET_BEARER_PREFERENCE", [("BearerPreference", saved.value)])
      result.restored.append("network mode")
    } catch .refused(_, let code) {
      result.leftOut.append("network mode: the page answered \(code)")
    }
  }

  private func save(_ profile: DeviceSettings.APNProfile, over now: Profile?)
    async throws(PageError)
  {
    let types = ["IP": "IP", "IPV6": "IPv6", "IPV4V6": "IPv4v6"]
    try await write(
      "APN_PROC_EX",
      [
        ("apn_action", "save"), ("apn_mode", "manual"),
        ("profile_name", now?.name ?? profile.apn), ("wan_dial", now?.dial ?? "*99#"),
        ("wan_apn", profile.apn), ("ppp_auth_mode", now?.authentication ?? "none"),
        ("pdp_type", types[profile.type.uppercased()] ?? "IP"), ("index", "\(profile.id - 1)"),
      ])
  }

  /// No such file is known of these pages.
  public func settingsFile() async throws(PageError) -> [UInt8]? { nil }

  /// No such file is known of these pages.
  public func restore(file: SharedBytes) async throws(PageError) { throw .noUpload }
}
