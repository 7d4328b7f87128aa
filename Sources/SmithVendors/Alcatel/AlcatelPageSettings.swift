public import SmithBytes
import SmithModel

/// Profiles and the settings file of the page (Docs/Protocols/alcatel-web.md sections 5 and 6).
extension AlcatelPage {
  private struct Profile {
    var id: Int
    var name: String
    var apn: String
    var type: Int
    var hasSecret: Bool
  }

  /// Types by their numbers on these pages.
  private static let types = ["IP", "PPP", "IPV6", "IPV4V6"]

  private func profiles() async throws(PageError) -> [Profile] {
    let values: PageValue
    switch generation {
    case .w3: values = try await call("GetProfileList", "15.1")
    case .w2: values = try await call("Profile.GetProfileList", "15.1")
    case .w1: values = try await ask("getProfileList")
    }
    var found: [Profile] = []
    for value in (values[spelled: "ProfileList"] ?? .null).elements.prefix(32) {
      guard let id = value[spelled: "ProfileID"]?.int, (0...1000).contains(id) else { continue }
      let name = try PageText.kept(value[spelled: "ProfileName"]?.string ?? "", "ProfileName")
      let apn = try PageText.kept(value[spelled: "APN"]?.string ?? "", "APN")
      let user = value[spelled: "UserName"]?.string ?? ""
      found.append(
        Profile(
          id: id, name: name, apn: apn, type: value[spelled: "PdpType"]?.int ?? 0,
          hasSecret: !user.isEmpty))
    }
    return found
  }

  /// Profiles; user names and passwords are not kept.
  public func settings() async throws(PageError) -> DeviceSettings {
    var settings = DeviceSettings()
    settings.profiles = try await profiles().map {
      let type = Self.types.indices.contains($0.type) ? Self.types[$0.type] : "IP"
      return .init(id: $0.id, type: type, apn: $0.apn)
    }
    return settings
  }

  /// Numbers and fields are not documented.
  public var profileInferences: [String] {
    ["the request and the fields with which an Alcatel page takes a connection profile"]
  }

  /// Writes profiles back that differ; one with a user name stays, for its password is not ours.
  public func restore(_ backup: DeviceSettings) async throws(PageError) -> SettingsRestoration {
    let present = try await settings().profiles ?? []
    let detailed = try await profiles()
    var result = SettingsRestoration()
    for saved in backup.profiles ?? [] where !present.contains(saved) {
      let name = "APN profile \(saved.id)"
      let now = detailed.first { $0.id == saved.id }
      guard TextFields.isQuotable(saved.apn), let type = Self.types.firstIndex(of: saved.type)
      else {
        result.leftOut.append("\(name): it holds characters that cannot be written")
        continue
      }
      if now?.hasSecret == true {
        result.leftOut.append("\(name): its user name and password are not kept; set it by hand")
        continue
      }
      do throws(PageError) {
        try await save(saved, type: type, over: now)
        result.restored.append(name)
      } catch .refused(_, let code) {
        result.leftOut.append("\(name): the page answered \(code)")
      } catch { throw error }
    }
    if backup.network != nil { result.leftOut.append("network mode: set it over the AT port") }
    return result
  }

  private func save(_ profile: DeviceSettings.APNProfile, type: Int, over now: Profile?)
    async throws(PageError)
  {
    let name = now?.name ?? profile.apn
    if generation == .w1 {
      let error = try await set(
        "setProfileSave",
        [
          ("ProfileID", "\(profile.id)"), ("ProfileName", name), ("APN", profile.apn),
          ("PdpType", "\(type)"),
        ])
      guard error == 0 else { throw .refused(request: "setProfileSave", code: "\(error)") }
      return
    }
    let fields =
      "{\"ProfileID\":\(profile.id),\"ProfileName\":\(PageQuote.json(name)),"
      + "\"APN\":\(PageQuote.json(profile.apn)),\"PdpType\":\(type)}"
    let method = now == nil ? ("AddNewProfile", "15.2") : ("EditProfile", "15.3")
    _ = try await call(generation == .w2 ? "Profile.\(method.0)" : method.0, method.1, fields)
  }

  /// The page's own backup; it may hold passwords. Nil if this page makes none.
  public func settingsFile() async throws(PageError) -> [UInt8]? {
    if generation == .w2 { return nil }
    do throws(PageError) {
      try await change("setBackupSettings", nil, ("SetDeviceBackup", "13.7"))
    } catch {
      // What was read over the page is worth keeping without it.
      switch error {
      case .refused, .status: return nil
      default: throw error
      }
    }
    let file = try await talk.read("/cfgbak/configure.bin")
    // A page instead of the file means that the session is over.
    guard !file.isEmpty, !file.starts(with: "<".utf8), !file.starts(with: "\r\n<".utf8) else {
      throw .notJSON(path: "/cfgbak/configure.bin")
    }
    return file
  }

  /// Gives the page its own backup back; the stick restarts by itself.
  public func restore(file: SharedBytes) async throws(PageError) {
    let answer = try await talk.upload(
      "/goform/uploadBackupSettings", field: "iptUpload", name: "configure.bin", file, keys,
      Unheard())
    try Self.taken(answer, "/goform/uploadBackupSettings")
  }

  /// `{"error":"0"}`, or the number of a refusal.
  static func taken(_ answer: [UInt8], _ path: String) throws(PageError) {
    guard let error = try PageTalk.json(answer, path)["error"]?.string else {
      throw .missing(field: "error")
    }
    let words = ["1": "failed", "2": "wrong call", "3": "bad parameter", "4": "too long"]
    guard error == "0" else { throw .uploadRefused(words[error] ?? PageText.shown(error)) }
  }

  private final class Unheard: PageWitness {
    func sent(_ bytes: Int) async {}
  }
}
