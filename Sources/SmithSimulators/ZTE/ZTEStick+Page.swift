import SmithBytes
public import SmithLink
import SmithModel

/// The page (Docs/Protocols/zte-web.md).
extension ZTEStick {
  /// Whether the page is there: not while starting, and not in the service composition.
  public var isListening: Bool { body.isUp && !showsService }

  private static var uploadPath: String { "/cgi-bin/fw_update/mf667upd" }

  /// Answers one request.
  public mutating func answer(_ call: WebCall, at now: Duration) -> WebReply {
    _ = advance(to: now)
    let web = LooseWeb(manners: options.manners, now: now)
    switch call.bare {
    case "/", "/index.html":
      return web.page(
        "<html><script src=\"js/main.js\"></script><body>MF667</body></html>")
    case "/js/main.js":
      let place = options.offersUpload ? "post('\(Self.uploadPath)', file)" : "nothing()"
      return web.page("function update() { \(place) }")
    case "/goform/goform_get_cmd_process": return read(call, web, now)
    case "/goform/goform_set_cmd_process": return write(call, web, now)
    case "/goform/goform_process":
      guard WebAsk.fields(of: call)["goformId"] == "MODE_SWITCH" else { return web.missing() }
      isService = true
      body.restartAt = now + .seconds(1)
      return web.json("{\"result\":\"success\"}")
    case Self.uploadPath where options.offersUpload: return upload(call, web, now)
    default: return web.missing()
    }
  }

  private var isLoggedIn: Bool { options.password.isEmpty || session != nil }

  private func knows(_ call: WebCall) -> Bool {
    guard call["Referer"]?.hasSuffix("/index.html") == true else { return false }
    return session == nil || call["Cookie"] == session
  }

  private mutating func read(_ call: WebCall, _ web: LooseWeb, _ now: Duration) -> WebReply {
    let names = (WebAsk.fields(of: call)["cmd"] ?? "").split(separator: ",").map(String.init)
    let isOpen = knows(call) && (isLoggedIn || !options.hidesVersions)
    let members = names.prefix(40).map { name -> String in
      let isFree = ["LD", "RD", "loginfo", "psw_fail_num_str"].contains(name)
      let value = isOpen || isFree ? value(of: name, now) : ""
      return MarkedFirmware.quoted(name) + ":"
        + (value.hasPrefix("{") ? value : MarkedFirmware.quoted(value))
    }
    return web.json("{" + members.joined(separator: ",") + "}")
  }

  private mutating func value(of name: String, _ now: Duration) -> String {
    switch name {
    case "wa_inner_version": return firmware
    case "cr_version": return ""
    case "hardware_version": return "mf667-1.0"
    case "web_version": return "WEB_MF667V1.0"
    case "modem_model":
      return options.manners.malice == .script ? "<script>alert(1)</script>" : "MF667"
    case "imei": return imei
    case "modem_main_state": return options.locked ? "modem_imsi_waitnck" : "modem_init_complete"
    case "unlock_nck_time": return "\(options.lockTries)"
    case "network_type": return "HSPA+"
    case "net_select": return bearer
    case "battery_value", "battery_charging": return ""
    case "LD": return options.newLogin ? "00112233445566778899AABBCCDDEEFF" : ""
    case "RD": return options.newLogin ? "FFEEDDCCBBAA99887766554433221100" : ""
    case "loginfo": return session == nil ? "" : "ok"
    case "psw_fail_num_str": return "\(max(0, 5 - wrongPasswords))"
    case "upgrade_result": return body.hasInstalled && options.tellsResult ? "success" : ""
    case "new_version_state":
      guard let since = body.online.checkedAt else { return "idle" }
      guard now - since >= .seconds(6) else { return "version_checking" }
      return body.online.version == nil
        ? "version_no_new_software" : "version_has_new_optional_software"
    case "current_upgrade_state":
      guard let percent = body.loaded(at: now) else { return "fota_idle" }
      guard percent == 100 else { return "upgrading_by_phone" }
      // It installs by itself what it loaded.
      body.taken = body.online.version
      if body.restartAt == nil { body.restartAt = now + .seconds(4) }
      return "upgrade_prepare_install"
    case "pack_size_info":
      let done = (body.loaded(at: now) ?? 0) * 40_000
      return "{\"pack_total_size\":\"4000000\",\"download_size\":\"\(done)\"}"
    case _ where name.hasPrefix("APN_config"):
      guard let index = Int(name.dropFirst(10)), let profile = profiles[index] else { return "" }
      return "\(profile.name)($)\(profile.apn)($)manual($)*99#($)none($)\(profile.user)($)($)IP"
    default: return ""
    }
  }

  private mutating func write(_ call: WebCall, _ web: LooseWeb, _ now: Duration) -> WebReply {
    let fields = WebAsk.fields(of: call)
    let failure = web.json("{\"result\":\"failure\"}")
    guard knows(call), let name = fields["goformId"] else { return failure }
    if name == "LOGIN" { return login(fields["password"] ?? "", web) }
    guard isLoggedIn else { return failure }
    if options.newLogin, fields["AD"]?.count != 64 { return failure }
    switch name {
    case "REBOOT_DEVICE": body.restartAt = now + .seconds(1)
    case "USB_MODE_SWITCH":
      guard let digit = fields["usb_mode"], digit.count == 1, let mode = Int(digit) else {
        complaints.append("something else than one digit in usb_mode")
        return failure
      }
      isService = mode == 0
      body.restartAt = now + .seconds(1)
    case "IF_UPGRADE":
      switch fields["select_op"] {
      case "check": body.online.checkedAt = now
      case "1" where body.online.version != nil: body.online.loadingSince = now
      case "0", "2": body.online.loadingSince = nil
      default: return failure
      }
    case "APN_PROC_EX":
      guard fields["apn_action"] == "save", let index = fields["index"].flatMap({ Int($0) }) else {
        return failure
      }
      profiles[index] = Profile(
        name: fields["profile_name"] ?? "", apn: fields["wan_apn"] ?? "")
    case "SET_BEARER_PREFERENCE":
      let known = ["NETWORK_auto", "Only_GSM", "Only_WCDMA", "WCDMA_preferred"]
      guard let choice = fields["BearerPreference"], known.contains(choice) else { return failure }
      bearer = choice
    default: return failure
    }
    return web.json("{\"result\":\"success\"}")
  }

  private mutating func login(_ password: String, _ web: LooseWeb) -> WebReply {
    let isRight =
      options.newLogin
      // The simulator keeps what a right password comes to: 64 digits of a hash.
      ? password == options.password : password == Base64Text.of(Array(options.password.utf8))
    guard isRight else {
      wrongPasswords += 1
      return web.json("{\"result\":\"\(wrongPasswords >= 5 ? "1" : "3")\"}")
    }
    session = "stok=ABC123"
    return web.json("{\"result\":\"0\"}", cookie: session)
  }

  private mutating func upload(_ call: WebCall, _ web: LooseWeb, _ now: Duration) -> WebReply {
    guard call.method == "POST", knows(call), isLoggedIn else { return web.page("failure1") }
    guard let file = WebAsk.file(of: call), file.field == "filename" else {
      return web.page("failure2")
    }
    guard let version = MarkedFirmware.version(file.bytes) else { return web.page("failure3") }
    uploads += 1
    body.taken = version
    if options.restartsItself { body.restartAt = now + .seconds(3) }
    return web.page("success")
  }
}
