import SmithFormats

/// Reads the settings of a HiLink stick; restores its connection profiles and network mode
/// (Docs/Protocols/huawei-hilink.md section 5).
public enum HiLinkSettings {
  private static let path = "/api/dialup/profiles"
  /// No stick has room for more.
  private static let mostProfiles = 32

  /// Connection profiles, network mode, bands and PIN state; passwords are left out.
  public static func read(over session: HiLinkSession) async throws(HiLinkError) -> DeviceSettings {
    let shown = try await profiles(session)
    var settings = DeviceSettings(profiles: shown.list.map(\.profile))
    settings.defaultProfile = shown.current
    try await HiLinkNetworkMode.read(session, &settings)
    return settings
  }

  /// Writes back what differs now. A profile is recognised by its name: the numbers change when
  /// profiles come and go, and repeating a restoration changes nothing.
  ///
  /// - Throws: when the page breaks off; restoring once more goes on where it ended.
  public static func restore(_ backup: DeviceSettings, over session: HiLinkSession)
    async throws(HiLinkError) -> SettingsRestoration
  {
    var result = SettingsRestoration()
    var shown = try await profiles(session)
    let saved = (backup.profiles ?? []).prefix(mostProfiles)
    for profile in saved {
      let name = "APN profile \(profile.name ?? profile.apn)"
      if shown.place(of: profile) != nil { continue }
      guard profile.isReadOnly != true else {
        result.leftOut.append("\(name): it belongs to the firmware and is not in this one")
        continue
      }
      guard isWritable(profile) else {
        result.leftOut.append("\(name): it holds characters that cannot be written")
        continue
      }
      do throws(HiLinkError) {
        try await write(profile, shown, session)
      } catch .refused(let code, _) {
        result.leftOut.append("\(name): the stick answered \(HiLinkCodes.sentence(code))")
        continue
      }
      shown = try await profiles(session)
      guard let place = shown.place(of: profile) else {
        result.leftOut.append("\(name): the stick said yes and does not show it")
        continue
      }
      result.restored.append(name)
      if profile.user?.isEmpty == false, shown.list[place].password.isEmpty {
        result.leftOut.append("\(name): its password was never saved; enter it on the page")
      }
    }
    try await restoreDefault(backup, shown, session, &result)
    try await HiLinkNetworkMode.restore(backup, session, &result)
    return result
  }

  private static func restoreDefault(
    _ backup: DeviceSettings, _ shown: Shown, _ session: HiLinkSession,
    _ result: inout SettingsRestoration
  ) async throws(HiLinkError) {
    guard let number = backup.defaultProfile,
      let profile = backup.profiles?.first(where: { $0.id == number }),
      let place = shown.place(of: profile)
    else { return }
    let index = shown.list[place].profile.id
    guard index != shown.current else { return }
    let inside =
      "<Delete>0</Delete><SetDefault>\(index)</SetDefault><Modify>0</Modify>"
    do throws(HiLinkError) {
      _ = try await session.post(path, inside)
      result.restored.append("default APN profile")
    } catch .refused(let code, _) {
      result.leftOut.append("default APN profile: \(HiLinkCodes.sentence(code))")
    }
  }

  private static func write(
    _ profile: DeviceSettings.APNProfile, _ shown: Shown, _ session: HiLinkSession
  ) async throws(HiLinkError) {
    let name = profile.name ?? profile.apn
    let old = shown.list.first { $0.profile.name == name && $0.profile.isReadOnly != true }
    // Stars are what newer pages show in place of a password; they are none.
    let password = old.map(\.password).flatMap { $0.allSatisfy { $0 == "*" } ? nil : $0 } ?? ""
    func field(_ name: String, _ text: String) -> String {
      "<\(name)>\(TextXML.escaped(text))</\(name)>"
    }
    let fields = [
      field("Index", old.map { "\($0.profile.id)" } ?? ""), field("IsValid", "1"),
      field("Name", name), field("ApnIsStatic", profile.apn.isEmpty ? "0" : "1"),
      field("ApnName", profile.apn), field("DialupNum", profile.dialNumber ?? "*99#"),
      field("Username", profile.user ?? ""), field("Password", password),
      field("AuthMode", "\(profile.authentication ?? 0)"), field("IpIsStatic", ""),
      field("IpAddress", ""), field("DnsIsStatic", ""), field("PrimaryDns", ""),
      field("SecondaryDns", ""), field("ReadOnly", "0"),
      field("iptype", "\(types.firstIndex(of: profile.type) ?? 0)"),
    ]
    let isCurrent = old.map { $0.profile.id == shown.current } ?? false
    let number = isCurrent ? shown.current ?? 0 : 0
    _ = try await session.post(
      path,
      "<Delete>0</Delete><SetDefault>\(number)</SetDefault>"
        + "<Modify>\(old == nil ? 1 : 2)</Modify><Profile>\(fields.joined())</Profile>")
  }

  private static let types = ["IP", "IPV6", "IPV4V6"]

  private static func isWritable(_ profile: DeviceSettings.APNProfile) -> Bool {
    let texts = [profile.name, profile.apn, profile.user, profile.dialNumber].compactMap { $0 }
    return types.contains(profile.type) && !(profile.name ?? profile.apn).isEmpty
      && (0...3).contains(profile.authentication ?? 0)
      && texts.allSatisfy { text in
        text.count <= 100 && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
      }
  }

  /// The profiles that a stick shows.
  private struct Shown {
    var list: [(profile: DeviceSettings.APNProfile, password: String)] = []
    var current: Int?

    /// Where a profile of the same content is; its number does not matter.
    func place(of profile: DeviceSettings.APNProfile) -> Int? {
      list.firstIndex { other in
        var other = other.profile
        other.id = profile.id
        other.isReadOnly = profile.isReadOnly
        return other == profile
      }
    }
  }

  private static func profiles(_ session: HiLinkSession) async throws(HiLinkError) -> Shown {
    let answer = try await session.get(path)
    var shown = Shown(current: answer["CurrentProfile"].flatMap { Int($0) })
    for entry in (answer.child("Profiles")?.children ?? []).prefix(mostProfiles)
    where entry.name == "Profile" {
      guard let index = entry["Index"].flatMap({ Int($0) }), (1...1000).contains(index) else {
        continue
      }
      let type = entry["iptype"].flatMap { Int($0) } ?? 0
      var profile = DeviceSettings.APNProfile(
        id: index, type: types.indices.contains(type) ? types[type] : "IP",
        apn: entry["ApnName"] ?? "")
      profile.name = entry["Name"]
      profile.user = entry["Username"]
      profile.authentication = entry["AuthMode"].flatMap { Int($0) }
      profile.dialNumber = entry["DialupNum"]
      profile.isReadOnly = entry["ReadOnly"].map { $0 != "0" }
      shown.list.append((profile, entry["Password"] ?? ""))
    }
    return shown
  }
}
