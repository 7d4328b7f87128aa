import SmithBytes
import SmithLink

extension HuaweiHiLinkStick {
  /// Sets something.
  mutating func post(_ call: WebCall, _ id: String?) -> Said {
    let text = String(decoding: call.body.bytes(0..<min(call.body.count, 65_536)), as: UTF8.self)
    switch call.bare {
    case "/api/user/login": return logIn(call, text, id)
    case "/api/user/challenge_login": return challenge(text, id)
    case "/api/user/authentication_login": return prove(text, id)
    case "/api/pin/operate": return operatePIN(text, id)
    case "/CGI": return cgi(text)
    case "/api/device/mode": return switchMode(text)
    case "/api/device/control":
      guard Self.field("Control", in: text) == "1" else { return .error(100_005) }
      leave(to: .page, at: clock)
      return .response("<response>OK</response>")
    case "/api/dialup/profiles":
      let isIn = id.flatMap { sessions[$0]?.isLoggedIn } == true
      guard !personality.wantsLogin || isIn else { return .error(100_003) }
      return setProfile(text)
    case "/api/net/net-mode":
      let isIn = id.flatMap { sessions[$0]?.isLoggedIn } == true
      guard !personality.wantsLogin || isIn else { return .error(100_003) }
      return setNetMode(text)
    default: return .error(100_002)
    }
  }

  private mutating func switchMode(_ text: String) -> Said {
    guard let number = Self.field("mode", in: text).flatMap({ Int($0) }) else {
      return .error(100_005)
    }
    guard personality.switches.modes.contains(number) else {
      return .error(personality.switches.modes.isEmpty ? 100_002 : 100_006)
    }
    leave(to: number == 0 ? .serial : .debug, at: clock)
    return personality.switches.breaksOff ? .breaksOff : .response("<response>OK</response>")
  }

  private mutating func cgi(_ text: String) -> Said {
    guard personality.switches.cgi else { return .page(404, "<html>404</html>") }
    guard Self.field("function", in: text) == "switchMode",
      Self.field("switchType", in: text) == "0"
    else { return .error(100_005) }
    leave(to: .serial, at: clock)
    return personality.switches.breaksOff ? .breaksOff : .response("<response>OK</response>")
  }

  static let netModeFields = ["NetworkMode", "NetworkBand", "LTEBand"]

  /// All three at once, or nothing.
  private mutating func setNetMode(_ text: String) -> Said {
    let values = Self.netModeFields.compactMap { Self.field($0, in: text) }
    let modes: Set<String> = ["00", "01", "02", "03", "0201", "0302", "0301", "030201"]
    guard values.count == 3, modes.contains(values[0]),
      values.dropFirst().allSatisfy({ UInt64($0, radix: 16) != nil })
    else { return .error(100_005) }
    netMode = values
    return .response("<response>OK</response>")
  }

  private mutating func setProfile(_ text: String) -> Said {
    guard let modify = Self.field("Modify", in: text).flatMap({ Int($0) }),
      let number = Self.field("SetDefault", in: text).flatMap({ Int($0) }),
      Self.field("Delete", in: text) == "0"
    else { return .error(100_005) }
    if modify == 0 {
      guard profiles.contains(where: { $0.index == number }) else { return .error(100_006) }
      currentProfile = number
      return .response("<response>OK</response>")
    }
    guard let inside = Self.field("Profile", in: text), let name = Self.field("Name", in: inside),
      !name.isEmpty
    else { return .error(100_005) }
    var profile = Profile(index: 0, name: name, apn: "")
    for key in profile.fields.keys {
      profile.fields[key] = Self.field(key, in: inside) ?? ""
    }
    profile.fields["ReadOnly"] = "0"
    if modify == 1 {
      guard profiles.count < 10, !profiles.contains(where: { $0.fields["Name"] == name }) else {
        return .error(100_006)
      }
      profile.index = (profiles.map(\.index).max() ?? 0) + 1
      profiles.append(profile)
    } else {
      guard let index = Self.field("Index", in: inside).flatMap({ Int($0) }),
        let place = profiles.firstIndex(where: { $0.index == index }),
        profiles[place].fields["ReadOnly"] == "0"
      else { return .error(100_006) }
      profile.index = index
      profiles[place] = profile
    }
    if number > 0 { currentProfile = profile.index }
    return .response("<response>OK</response>")
  }

  /// What stands between the first `<name>` and the next `</name>`, entities resolved where the
  /// text holds no more elements.
  static func field(_ name: String, in text: String) -> String? {
    guard let start = text.firstRange(of: "<\(name)>"),
      let end = text[start.upperBound...].firstRange(of: "</\(name)>")
    else { return nil }
    var inside = String(text[start.upperBound..<end.lowerBound])
    guard !inside.contains("<") else { return inside }
    for (entity, plain) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ] {
      inside = inside.replacing(entity, with: plain)
    }
    return inside
  }
}
