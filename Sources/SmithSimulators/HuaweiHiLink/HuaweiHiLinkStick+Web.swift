public import SmithLink

extension HuaweiHiLinkStick {
  /// What a request comes to: the answer's body, or a refusal by number.
  enum Said {
    case response(String)
    case error(Int)
    case page(Int, String)
    case breaksOff
  }

  /// Answers as the page does.
  public mutating func answer(_ call: WebCall, at now: Duration) -> WebReply {
    _ = advance(to: now)
    guard isListening else { return .nothing(at: now) }
    for (id, session) in sessions where now - session.lastUse > sessionLife { sessions[id] = nil }
    let id = sessionID(of: call)
    if let id { sessions[id]?.lastUse = now }
    var headers = [WebHeader("Server", "mini_httpd"), WebHeader("Content-Type", "text/html")]
    let said: Said
    if call.method == "POST" {
      if let code = check(call, id) {
        said = .error(code)
      } else {
        said = post(call, id)
        headers += nextTokens(for: id)
      }
    } else {
      said = get(call.bare, id)
    }
    let at = now + Self.answerTime
    switch said {
    case .response(let text):
      return .page(headers: headers, body: Array((Self.head + text).utf8), at: at)
    case .error(let code):
      refuse("\(call.method) \(call.path): \(code)")
      let text = "<error><code>\(code)</code><message></message></error>"
      return .page(headers: headers, body: Array((Self.head + text).utf8), at: at)
    case .page(let status, let text):
      return .page(status, headers: headers, body: Array(text.utf8), at: at)
    case .breaksOff: return .nothing(at: at)
    }
  }

  private static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"

  private func sessionID(of call: WebCall) -> String? {
    guard let cookie = call["Cookie"] else { return nil }
    for part in cookie.split(separator: ";") {
      let word = part.drop { $0 == " " }
      if word.hasPrefix("SessionID=") {
        let id = String(word.dropFirst(10))
        return sessions[id] == nil ? nil : id
      }
    }
    return nil
  }

  /// Session and token of a POST; a code if they are wrong. A good token is used up.
  private mutating func check(_ call: WebCall, _ id: String?) -> Int? {
    let token = call["__RequestVerificationToken"] ?? ""
    switch personality.door {
    case .open: return nil
    case .token:
      guard let index = looseTokens.firstIndex(of: token) else { return 125_001 }
      looseTokens.remove(at: index)
    case .session:
      guard let id else { return 125_002 }
      guard let index = sessions[id]?.tokens.firstIndex(of: token) else { return 125_003 }
      sessions[id]?.tokens.remove(at: index)
    }
    return nil
  }

  private mutating func nextTokens(for id: String?) -> [WebHeader] {
    switch personality.door {
    case .open, .token: return []
    case .session:
      guard let id else { return [] }
      let token = secret()
      sessions[id]?.tokens.append(token)
      return [WebHeader("__RequestVerificationToken", token)]
    }
  }

  private func isAllowed(_ id: String?) -> Bool {
    !personality.wantsLogin || id.flatMap { sessions[$0]?.isLoggedIn } == true
  }

  private mutating func get(_ path: String, _ id: String?) -> Said {
    switch path {
    case "/": return .page(200, "<html><head><title>HiLink</title></head></html>")
    case "/api/webserver/SesTokInfo":
      guard personality.door == .session else { return .error(100_002) }
      let fresh = secret()
      let token = secret()
      sessions[fresh] = Session(tokens: [token], lastUse: clock)
      return .response(
        "<response><SesInfo>SessionID=\(fresh)</SesInfo><TokInfo>\(token)</TokInfo></response>")
    case "/api/webserver/token":
      guard personality.door != .open else { return .error(100_002) }
      let token = secret()
      if personality.door == .token {
        looseTokens.append(token)
      } else {
        guard let id else { return .error(125_002) }
        sessions[id]?.tokens.append(token)
      }
      let filler = personality.door == .session ? secret() : ""
      return .response("<response><token>\(filler)\(token)</token></response>")
    case "/html/switchProjectMode.html", "/html/switchDebugMode.html":
      guard personality.switches.page else { return .page(404, "<html>404</html>") }
      return .page(200, "<html><script>saveAjaxData('api/device/mode', xml)</script></html>")
    default: break
    }
    if personality.door == .session, id == nil { return .error(125_002) }
    return inform(path, id)
  }

  private func inform(_ path: String, _ id: String?) -> Said {
    func response(_ fields: [(String, String)]) -> Said {
      .response("<response>\(Self.xml(fields))</response>")
    }
    switch path {
    case "/api/device/information":
      guard isAllowed(id) else { return .error(100_003) }
      return response([
        ("DeviceName", personality.model), ("SerialNumber", serial), ("Imei", imei),
        ("HardwareVersion", personality.hardware), ("SoftwareVersion", firmware),
        ("WebUIVersion", web), ("ProductFamily", "LTE"), ("Classify", "hilink"),
      ])
    case "/api/device/basic_information":
      return response([
        ("productfamily", "LTE"), ("classify", "hilink"), ("devicename", personality.model),
        ("SoftwareVersion", firmware), ("WebUIVersion", web),
      ])
    case "/api/monitoring/status":
      return response([
        ("ConnectionStatus", "901"), ("SignalIcon", "4"), ("CurrentNetworkType", "19"),
        ("RoamingStatus", "0"), ("SimStatus", "1"), ("ServiceStatus", "2"),
      ])
    case "/api/net/current-plmn":
      return response([
        ("State", "0"), ("FullName", network), ("ShortName", ""), ("Numeric", "00101"),
        ("Rat", "7"),
      ])
    case "/api/device/signal":
      return response([
        ("rsrq", "-9dB"), ("rsrp", "-95dBm"), ("rssi", "-65dBm"), ("sinr", "12dB"), ("band", "3"),
      ])
    case "/api/pin/status":
      return response([
        ("SimState", "\(simState)"), ("PinOptState", pin == nil ? "258" : "259"),
        ("SimPinTimes", "\(pinTries)"), ("SimPukTimes", "\(pukTries)"),
      ])
    case "/api/device/autorun-version" where autorun != nil:
      return response([("Version", autorun ?? "")])
    case "/api/pin/simlock":
      return response([
        ("SimLockEnable", simLock.isLocked ? "1" : "0"), ("SimLockRemainTimes", "\(simLock.tries)"),
      ])
    case "/api/user/state-login":
      return response(loginState(id))
    case "/api/dialup/profiles":
      guard isAllowed(id) else { return .error(100_003) }
      return .response(listedProfiles)
    case "/api/net/net-mode":
      guard isAllowed(id) else { return .error(100_003) }
      return response(Array(zip(Self.netModeFields, netMode)))
    default: return .error(100_002)
    }
  }

  private var simState: Int {
    if pin == nil { return 257 }
    return pukTries == 0 ? 256 : pinTries == 0 ? 261 : pinIsEntered ? 257 : 260
  }

  private func loginState(_ id: String?) -> [(String, String)] {
    let isIn = id.flatMap { sessions[$0]?.isLoggedIn } == true
    let base = [
      ("State", isIn ? "0" : "-1"), ("Username", isIn ? account.user : ""),
      ("password_type", personality.door == .session ? "4" : "0"),
    ]
    guard personality.challenges else { return base }
    return base + [
      ("extern_password_type", "1"), ("remainwaittime", "\(minutesLocked)"),
      ("lockstatus", minutesLocked > 0 ? "1" : "0"),
    ]
  }

  private var listedProfiles: String {
    let list = profiles.map { profile in
      let names = profile.fields.keys.sorted()
      let fields = names.map { name in
        // Newer pages show stars in place of a password.
        let isHidden =
          name == "Password" && personality.door == .session
          && profile.fields[name]?.isEmpty == false
        return (name, isHidden ? "******" : profile.fields[name] ?? "")
      }
      return "<Profile>\(Self.xml([("Index", "\(profile.index)")] + fields))</Profile>"
    }
    return "<response><CurrentProfile>\(currentProfile)</CurrentProfile>"
      + "<Profiles>\(list.joined())</Profiles></response>"
  }

  private static func xml(_ fields: [(String, String)]) -> String {
    fields.map { name, text in
      var safe = ""
      for character in text {
        switch character {
        case "&": safe += "&amp;"
        case "<": safe += "&lt;"
        case ">": safe += "&gt;"
        default: safe.append(character)
        }
      }
      return "<\(name)>\(safe)</\(name)>"
    }.joined()
  }
}
