public import SmithLink
import SmithModel

/// The page of an Alcatel stick in its three generations (Docs/Protocols/alcatel-web.md).
public final class AlcatelPage: StickPage {
  /// How the page is spoken to (section 1).
  public enum Generation: String, Sendable, CaseIterable {
    case w1, w2, w3
  }

  let talk: PageTalk
  /// Which one answered.
  public private(set) var generation = Generation.w3
  private var token: String?
  private var key = AlcatelPage.constantKey
  /// What parameters and results are wrapped in; nil on pages that speak openly.
  private var seal: AlcatelSeal?

  /// What every client of the third generation sends (section 3).
  static let constantKey = "KSDHSDFOGQ5WERYTUIQWERTYUISDFG1HJZXCVCXBN2GDSMNDHKVKFsVBNf"

  /// Speaks over `link`; `host` as the address names it.
  public init(_ link: any WebLink, host: String) {
    talk = PageTalk(link, host: host)
  }

  /// The vendor.
  public var vendor: String { "alcatel" }
  /// Name in plans and journals.
  public var route: String { "alcatel-web" }
  /// The connection.
  public var link: any WebLink { talk.link }

  /// Finds out the generation and asks for system information (sections 1 and 5).
  public func identify() async throws(PageError) -> DeviceReport {
    var last = PageError.unknownPage
    for candidate in [Generation.w3, .w2, .w1] {
      generation = candidate
      do throws(PageError) {
        let values = try await systemInformation()
        guard values[spelled: "SwVersion"] != nil else { continue }
        return try await report(values)
      } catch {
        switch error {
        case .status, .notJSON, .missing, .unknownPage: continue
        case .refused, .passwordNeeded:
          last = error
          if candidate == .w3, try await learnKey() {
            let values = try await systemInformation()
            if values[spelled: "SwVersion"] != nil { return try await report(values) }
          }
          if candidate == .w3, let values = await sealedInformation() {
            return try await report(values)
          }
        default: throw error
        }
      }
    }
    throw last
  }

  /// System information of a page that wants everything wrapped; nil from every other.
  private func sealedInformation() async -> PageValue? {
    seal = AlcatelSeal(passphrase: AlcatelSeal.first)
    if let values = try? await systemInformation(), values[spelled: "SwVersion"] != nil {
      return values
    }
    seal = nil
    return nil
  }

  /// Some models print a key of their own into the start page; true if it is a new one.
  private func learnKey() async throws(PageError) -> Bool {
    guard let page = try? await talk.read("/index.html") else { return false }
    let text = String(decoding: page, as: UTF8.self)
    guard let match = text.firstMatch(of: /name="header-meta"\s+content="([A-Za-z0-9]{8,200})"/),
      String(match.output.1) != key
    else { return false }
    key = String(match.output.1)
    return true
  }

  private func systemInformation() async throws(PageError) -> PageValue {
    switch generation {
    case .w3: try await call("GetSystemInfo", "13.1")
    case .w2: try await call("System.GetSystemInfo", "2.1")
    case .w1: try await ask("getSysteminfo")
    }
  }

  private func report(_ values: PageValue) async throws(PageError) -> DeviceReport {
    var report = DeviceReport()
    report.vendor = vendor
    report.manufacturer = "Alcatel (TCL)"
    report.mode = .normal
    report.model = try Self.kept(values, "DeviceName")
    report.firmware = try Self.kept(values, "SwVersion").map { FirmwareVersion($0) }
    report.hardware = try Self.kept(values, "HwVersion")
    report.webInterface = try Self.kept(values, "WebUiVersion")
    report.imei = try Self.kept(values, "IMEI").flatMap { IMEI($0) }
    if generation == .w3, let status = try? await call("GetSystemStatus", "13.4") {
      report.network = try Self.kept(status, "NetworkName")
    }
    GenericIdentity.noteLostIdentity(&report)
    return report
  }

  private static func kept(_ values: PageValue, _ name: String) throws(PageError) -> String? {
    guard let text = values[spelled: name]?.string, !text.isEmpty else { return nil }
    return try PageText.kept(text, name)
  }

  // MARK: Login

  /// Logs in (sections 2 and 4): the password as it is; hidden if the page did not know it so and
  /// has tries enough left.
  public func login(_ password: String) async throws(PageError) {
    switch generation {
    case .w1:
      let answer = try await set("setLogin", [("username", "admin"), ("password", password)])
      guard answer == 0 else { throw .passwordWrong(triesLeft: nil) }
    case .w2:
      throw .unknownLogin("second generation")
    case .w3:
      try await loginThird(password)
    }
  }

  private func loginThird(_ password: String) async throws(PageError) {
    let state = try await call("GetLoginState", "1.3")
    if state["State"]?.int == 2 {
      throw .locked(seconds: state["LockedRemainingTime"]?.int)
    }
    if seal != nil { return try await loginSealed(password) }
    if let kind = state["PwEncrypt"]?.int, kind != 0 { throw .unknownLogin("encrypted") }
    do throws(PageError) {
      token = try await attempt("admin", password)
    } catch .passwordWrong {
      let left = try await call("GetLoginState", "1.3")["LoginRemainingTimes"]?.int
      // Firmware that wants names hidden says "wrong" to the right password; one more try of the
      // same password must never be the one that locks the page.
      guard let left, left >= 3 else { throw .passwordWrong(triesLeft: left) }
      do throws(PageError) {
        token = try await attempt(AlcatelHiding.hidden("admin"), AlcatelHiding.hidden(password))
          .map { AlcatelHiding.hidden($0) }
      } catch .passwordWrong {
        throw .passwordWrong(
          triesLeft: try await call("GetLoginState", "1.3")["LoginRemainingTimes"]?.int)
      } catch { throw error }
    } catch { throw error }
  }

  /// The sealed kind: a hidden name, a secret made of the password and the stick's salt, and
  /// another passphrase from then on.
  private func loginSealed(_ password: String) async throws(PageError) {
    let salt = try await call("GetDeviceSt", "1.4")["Salt"]?.string ?? ""
    guard (1...256).contains(salt.utf8.count) else { throw .unknownLogin("no salt") }
    let secret = try AlcatelSeal.secret(password, salt: salt)
    do throws(PageError) {
      token = try await attempt(AlcatelHiding.hidden("admin"), secret)
    } catch .passwordWrong {
      let left = try? await call("GetLoginState", "1.3")["LoginRemainingTimes"]?.int
      throw .passwordWrong(triesLeft: left)
    } catch { throw error }
    seal = AlcatelSeal.afterLogin(secret)
  }

  private func attempt(_ user: String, _ password: String) async throws(PageError) -> String? {
    let parameters =
      "{\"UserName\":\(PageQuote.json(user)),\"Password\":\(PageQuote.json(password))}"
    do throws(PageError) {
      let token = try await call("Login", "1.1", parameters)["token"]?.string
      guard let token else { return nil }
      guard (1...400).contains(token.utf8.count),
        token.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
      else { throw .strangeText(field: "token") }
      return token
    } catch .refused(_, let code) {
      switch code {
      case "010101": throw .passwordWrong(triesLeft: nil)
      case "010102": throw .otherUser
      case "010103": throw .locked(seconds: nil)
      default: throw .refused(request: "Login", code: code)
      }
    } catch { throw error }
  }

  // MARK: Requests

  /// One call of the second or third generation; the result, which is an object.
  func call(_ method: String, _ id: String, _ parameters: String = "{}")
    async throws(PageError) -> PageValue
  {
    let parameters = generation == .w2 && parameters == "{}" ? "null" : parameters
    var wrapped = parameters
    if let seal { wrapped = "\"\(try seal.sealed(parameters))\"" }
    let body =
      "{\"jsonrpc\":\"2.0\",\"method\":\"\(method)\",\"params\":\(wrapped),\"id\":\"\(id)\"}"
    let query = seal == nil ? "api" : "name"
    let path = generation == .w3 ? "/jrd/webapi?\(query)=\(method)" : "/jrd/webapi"
    let answer = try await asking(method) { () async throws(PageError) in
      try PageTalk.json(try await talk.post(path, json: body, keys), "/jrd/webapi")
    }
    if let error = answer["error"], error.isObject {
      let code = error["code"]?.string ?? "unknown"
      throw .refused(request: method, code: PageText.shown(code))
    }
    if case .text(let text)? = answer["result"], let seal {
      guard let bytes = seal.opened(text), let value = PageValue(bytes), value.isObject else {
        throw .notJSON(path: "/jrd/webapi")
      }
      return value
    }
    if case .text? = answer["result"] {
      // It answers wrapped: it wants to be asked so.
      throw .refused(request: method, code: "sealed")
    }
    guard let result = answer["result"], result.isObject else { throw .missing(field: "result") }
    return result
  }

  /// The header lines that the third generation wants with everything.
  var keys: [WebHeader] {
    guard generation == .w3 else { return [WebHeader("X-Requested-With", "XMLHttpRequest")] }
    let shown = [WebHeader("_TclRequestVerificationKey", key)]
    return shown + (token.map { [WebHeader("_TclRequestVerificationToken", $0)] } ?? [])
  }

  /// Questions are POSTs here, too; only they are sent again when the connection failed.
  private func asking(
    _ method: String, _ work: () async throws(PageError) -> PageValue
  ) async throws(PageError) -> PageValue {
    let name = method.split(separator: ".").last ?? ""
    for _ in 0..<2 where name.hasPrefix("Get") {
      do throws(PageError) {
        return try await work()
      } catch .link(let error) where error == .silent || error == .gone {
        await link.pause(.milliseconds(500))
      } catch { throw error }
    }
    return try await work()
  }

  /// A question of the first generation.
  func ask(_ name: String) async throws(PageError) -> PageValue {
    talk.headers = talk.headers.filter { $0.name == "Referer" } + keys
    return try await talk.readJSON("/goform/\(name)?rand=0.5")
  }

  /// A change of the first generation; the number of its error, 0 for none.
  func set(_ name: String, _ form: [(String, String)] = []) async throws(PageError) -> Int {
    let path = "/goform/\(name)"
    talk.headers = talk.headers.filter { $0.name == "Referer" } + keys
    let answer = try PageTalk.json(try await talk.write(path, form: form), path)
    guard let error = answer["error"]?.int else { throw .missing(field: "error") }
    return error
  }

  /// A change of whatever generation this is, by its name in each; nil where it has none.
  func change(_ w1: String, _ w2: (String, String)?, _ w3: (String, String))
    async throws(PageError)
  {
    switch (generation, w2) {
    case (.w1, _):
      let error = try await set(w1)
      guard error == 0 else { throw .refused(request: w1, code: "\(error)") }
    case (.w2, let w2?): _ = try await call(w2.0, w2.1)
    case (.w2, nil): throw .refused(request: w3.0, code: "unknown to this generation")
    case (.w3, _): _ = try await call(w3.0, w3.1)
    }
  }

  /// Restarts the stick.
  public func restart() async throws(PageError) {
    try await change("setReboot", nil, ("SetDeviceReboot", "13.5"))
  }
}

/// Names and passwords as some firmware of the third generation wants them
/// (Docs/Protocols/alcatel-web.md section 4).
enum AlcatelHiding {
  private static let key = Array("e5dl12XYVggihggafXWf0f2YSf2Xngd1".utf8)

  static func hidden(_ text: String) -> String {
    var result: [UInt8] = []
    for (index, byte) in text.utf8.enumerated() {
      let mask = key[index % key.count]
      result.append(mask & 0xf0 | (byte & 0x0f) ^ (mask & 0x0f))
      result.append(mask & 0xf0 | (byte >> 4) ^ (mask & 0x0f))
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Text between quotes of JSON.
enum PageQuote {
  static func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: result += "\\\""
      case 0x5c: result += "\\\\"
      case 0x00...0x1f:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
