import SmithBytes
public import SmithLink
import SmithModel

/// The page (Docs/Protocols/alcatel-web.md).
extension AlcatelStick {
  /// Whether the page is there.
  public var isListening: Bool { body.isUp && personality != .x220 }

  /// Answers one request.
  public mutating func answer(_ call: WebCall, at now: Duration) -> WebReply {
    _ = advance(to: now)
    let web = LooseWeb(manners: options.manners, now: now)
    switch call.bare {
    case "/", "/index.html":
      let meta = options.ownKey.map { "<meta name=\"header-meta\" content=\"\($0)\">" } ?? ""
      let place = options.offersUpload ? "/goform/uploadLocalUpdateSettings" : "/goform/none"
      return web.page("<html>\(meta)<form action=\"\(place)\"></form></html>")
    case "/jrd/webapi" where personality == .l850: return remote(call, web, now)
    case "/cfgbak/configure.bin":
      return isOpen ? web.file(Array("CONFIG".utf8) + [0, 1, 2, 0xff]) : web.page("<html>login")
    case "/goform/uploadLocalUpdateSettings" where options.offersUpload:
      return upload(call, web, now)
    case "/goform/uploadBackupSettings":
      guard isOpen, let file = WebAsk.file(of: call), file.field == "iptUpload" else {
        return web.json("{\"error\":\"2\"}")
      }
      restoredSettings = file.bytes
      body.restartAt = now + .seconds(2)
      return web.json("{\"error\":\"0\"}")
    case _ where call.bare.hasPrefix("/goform/") && personality == .l800:
      return form(String(call.bare.dropFirst(8)), WebAsk.fields(of: call), web, now)
    default: return web.missing()
    }
  }

  private var isOpen: Bool { options.password.isEmpty || isLoggedIn }

  private var modelName: String {
    options.manners.malice == .script ? "<script>alert(1)</script>" : personality.model
  }

  private mutating func upload(_ call: WebCall, _ web: LooseWeb, _ now: Duration) -> WebReply {
    guard isOpen, let file = WebAsk.file(of: call), file.field == "iptUpload" else {
      return web.json("{\"error\":\"2\"}")
    }
    guard let version = MarkedFirmware.version(file.bytes) else {
      return web.json("{\"error\":\"3\"}")
    }
    uploads += 1
    body.taken = version
    return web.json("{\"error\":\"0\"}")
  }

  // MARK: First generation

  private mutating func form(
    _ name: String, _ fields: [String: String], _ web: LooseWeb, _ now: Duration
  ) -> WebReply {
    let done = web.json("{\"error\":0}")
    switch name {
    case "getSysteminfo":
      return web.json(
        "{\"SwVersion\":\"\(firmware)\",\"HwVersion\":\"V1.0\",\"DeviceName\":\"\(modelName)\","
          + "\"IMEI\":\"\(imei)\",\"error\":0}")
    case "getImgInfo":
      return web.json("{\"chg_state\":89376,\"bat_level\":690240,\"signal\":2,\"sim_state\":5}")
    case "setLogin":
      isLoggedIn = fields["password"] == options.password
      return isLoggedIn ? done : web.json("{\"error\":1}")
    case "getLoginState": return web.json("{\"loginStatus\":\(isLoggedIn ? 1 : 0)}")
    case _ where !isOpen: return web.json("{\"error\":9}")
    case "getProfileList": return web.json("{\"profile_list\":[\(profileList)],\"error\":0}")
    case "setProfileSave":
      profiles[Int(fields["ProfileID"] ?? "") ?? 0] = fields["APN"] ?? ""
      return done
    case "setBackupSettings": return done
    case "getFOTABatteryState": return web.json("{\"batt_is_enough\":1}")
    case "setFOTAStartCheckVersion":
      body.online.checkedAt = now
      return done
    case "getDeviceNewVersion":
      return web.json("{\"is_new_version\":\(checkState(now) == 1 ? 1 : 0)}")
    case "getFOTAServerVersion":
      return web.json("{\"server_version\":\"\(body.online.version ?? "")\"}")
    case "setFOTAStartDownload":
      body.online.loadingSince = now
      return done
    case "getFOTADownloadState": return web.json("{\"state\":\(loadState(now))}")
    case "setFOTACancelDownload":
      body.online.loadingSince = nil
      return done
    case "setFOTAStartUpdate":
      install(now)
      return done
    case "setReboot":
      body.restartAt = now + .seconds(1)
      return done
    default: return web.missing()
    }
  }

  private var profileList: String {
    profiles.sorted { $0.key < $1.key }.map {
      "{\"ProfileID\":\($0.key),\"ProfileName\":\"p\($0.key)\",\"APN\":\"\($0.value)\","
        + "\"PdpType\":0,\"UserName\":\"\"}"
    }.joined(separator: ",")
  }

  /// 0 still asking, 1 new, 2 nothing new.
  private func checkState(_ now: Duration) -> Int {
    guard let since = body.online.checkedAt else { return 2 }
    guard now - since >= .seconds(4) else { return 0 }
    return body.online.version == nil ? 2 : 1
  }

  private mutating func loadState(_ now: Duration) -> Int {
    guard let percent = body.loaded(at: now) else { return body.taken == nil ? 0 : 2 }
    return percent == 100 ? 2 : 1
  }

  private mutating func install(_ now: Duration) {
    if body.online.isLoaded, let version = body.online.version { body.taken = version }
    if body.taken != nil { body.restartAt = now + .seconds(2) }
  }

  // MARK: Third generation

  private mutating func remote(_ call: WebCall, _ web: LooseWeb, _ now: Duration) -> WebReply {
    let text = String(decoding: call.body.bytes(), as: UTF8.self)
    func member(_ name: String) -> String? {
      guard let range = text.firstRange(of: "\"\(name)\":\"") else { return nil }
      return String(text[range.upperBound...].prefix { $0 != "\"" })
    }
    let key = options.ownKey ?? "KSDHSDFOGQ5WERYTUIQWERTYUISDFG1HJZXCVCXBN2GDSMNDHKVKFsVBNf"
    guard call["_TclRequestVerificationKey"] == key else {
      return web.json("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":\"-32698\"},\"id\":\"0\"}")
    }
    let needs =
      isOpen
      || ["GetSystemInfo", "GetSystemStatus", "GetLoginState", "Login"]
        .contains(member("method") ?? "")
    switch needs ? result(member("method") ?? "", member, text, now) : .failure("-32697") {
    case .success(let result):
      return web.json("{\"jsonrpc\":\"2.0\",\"result\":\(result),\"id\":\"1\"}")
    case .failure(let code):
      return web.json(
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":\"\(code)\",\"message\":\"no\"},\"id\":\"1\"}")
    }
  }

  private enum Outcome {
    case success(String)
    case failure(String)
  }

  private mutating func result(
    _ method: String, _ member: (String) -> String?, _ text: String, _ now: Duration
  ) -> Outcome {
    switch method {
    case "GetSystemInfo":
      return .success(
        "{\"SwVersion\":\"\(firmware)\",\"HwVersion\":\"V1.0\",\"WebUiVersion\":\"W1\","
          + "\"DeviceName\":\"\(modelName)\",\"IMEI\":\"\(imei)\"}")
    case "GetSystemStatus":
      return .success(
        "{\"bat_cap\":100,\"chg_state\":1,\"ConnectionStatus\":2,\"Roaming\":1,"
          + "\"NetworkName\":\"Simulated\"}")
    case "GetLoginState":
      return .success(
        "{\"State\":\(triesLeft == 0 ? 2 : isLoggedIn ? 1 : 0),\"LoginRemainingTimes\":\(triesLeft),"
          + "\"LockedRemainingTime\":\(triesLeft == 0 ? 300 : 0)}")
    case "Login":
      let wanted = options.hidden ? options.password.hiddenOnPages : options.password
      guard triesLeft > 0 else { return .failure("010103") }
      guard member("Password") == wanted else {
        triesLeft -= 1
        return .failure(triesLeft == 0 ? "010103" : "010101")
      }
      triesLeft = 5
      isLoggedIn = true
      return .success("{\"token\":\"T0KEN\"}")
    case "GetProfileList": return .success("{\"ProfileList\":[\(profileList)]}")
    case "AddNewProfile", "EditProfile":
      guard let range = text.firstRange(of: "\"ProfileID\":"),
        let id = Int(text[range.upperBound...].prefix { $0.isNumber })
      else { return .failure("150201") }
      profiles[id] = member("APN") ?? ""
      return .success("{}")
    default: return updating(method, now)
    }
  }

  private mutating func updating(_ method: String, _ now: Duration) -> Outcome {
    switch method {
    case "SetDeviceBackup": return .success("{}")
    case "SetDeviceReboot":
      body.restartAt = now + .seconds(1)
      return .success("{}")
    case "SetCheckNewVersion":
      body.online.checkedAt = now
      return .success("{}")
    case "GetDeviceNewVersion":
      return .success(
        "{\"State\":\(checkState(now)),\"Version\":\"\(body.online.version ?? "")\","
          + "\"total_size\":4000000}")
    case "SetFOTAStartDownload":
      guard body.online.version != nil else { return .failure("090201") }
      body.online.loadingSince = now
      return .success("{}")
    case "GetDeviceUpgradeState":
      let percent = body.loaded(at: now) ?? 0
      return .success("{\"Status\":\(loadState(now)),\"Process\":\(percent)}")
    case "SetDeviceUpdateStop":
      body.online.loadingSince = nil
      return .success("{}")
    case "SetDeviceStartUpdate":
      install(now)
      return .success("{}")
    default: return .failure("-32601")
    }
  }
}

extension String {
  /// As pages of the third generation hide it: two characters for one.
  fileprivate var hiddenOnPages: String {
    let mask = Array("e5dl12XYVggihggafXWf0f2YSf2Xngd1".utf8)
    let bytes = utf8.enumerated().flatMap { index, byte -> [UInt8] in
      let m = mask[index % mask.count]
      return [m & 0xf0 | (byte & 15) ^ (m & 15), m & 0xf0 | (byte >> 4) ^ (m & 15)]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
