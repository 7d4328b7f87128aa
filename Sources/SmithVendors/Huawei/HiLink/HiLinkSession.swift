import Crypto
import SmithBytes
import SmithFormats
public import SmithLink

/// A conversation with the page of one HiLink stick: keeps cookie and tokens, renews them when the
/// stick wants that (Docs/Protocols/huawei-hilink.md section 2).
public final class HiLinkSession {
  /// User name and password of the page.
  public struct Login: Sendable {
    let user: String
    let password: String

    /// Gathers the parts.
    public init(user: String, password: String) {
      self.user = user
      self.password = password
    }
  }

  /// What this firmware wants of a visitor.
  public enum Manners: String, Sendable {
    /// Not asked yet.
    case unknown
    /// Nothing.
    case none
    /// A token for each POST.
    case token
    /// A session cookie, and a token for each POST.
    case session
  }

  /// The page.
  public let link: any WebLink
  /// What this firmware wants of a visitor.
  public private(set) var manners = Manners.unknown
  private let login: Login?
  private let nonce: () -> [UInt8]
  private var isLoggedIn = false
  /// Whether an attempt to log in ended badly, or nobody knows how.
  private var hasTried = false
  private var cookie: String?
  private var tokens: [String] = []

  /// How long an answer may take.
  static let limit = Duration.seconds(15)
  private static let renewals = 2
  private static let mostTokens = 64

  /// Prepares; asks nothing yet.
  ///
  /// - Parameters:
  ///   - login: used when the stick asks for it, once.
  ///   - nonce: our word in a login by challenge; 32 bytes that nobody can guess.
  public init(
    _ link: any WebLink, login: Login? = nil,
    nonce: @escaping () -> [UInt8] = { (0..<32).map { _ in UInt8.random(in: 0...255) } }
  ) {
    self.link = link
    self.login = login
    self.nonce = nonce
  }

  /// Asks for something; repeated with a fresh session if the stick wants one.
  public func get(_ path: String) async throws(HiLinkError) -> HiLinkXML {
    try await request(path) { () throws(HiLinkError) in try await self.ask("GET", path) }
  }

  /// Sets something. A refusal because of session or token means that nothing was done, so it is
  /// sent again with fresh ones; after an error of the page it is not known whether it was done.
  public func post(_ path: String, _ inside: String) async throws(HiLinkError) -> HiLinkXML {
    try await request(path) { () throws(HiLinkError) in
      try await self.fillTokens()
      return try await self.ask("POST", path, Self.document(inside))
    }
  }

  /// The raw answer of a page that is no part of the API.
  func page(_ path: String) async throws(HiLinkError) -> WebAnswer {
    try await exchange(WebRequest("GET", path, headers: headers(withToken: false)))
  }

  /// Sends a document that is no request of the API, with token and cookie.
  func postRaw(_ path: String, _ document: String) async throws(HiLinkError) -> WebAnswer {
    try await fillTokens()
    let body = [SharedBytes(Array(document.utf8))]
    return try await exchange(
      WebRequest("POST", path, headers: headers(withToken: true), body: body))
  }

  static func document(_ inside: String) -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><request>\(inside)</request>"
  }

  private func request(
    _ path: String, _ work: () async throws(HiLinkError) -> HiLinkXML
  ) async throws(HiLinkError) -> HiLinkXML {
    if manners == .unknown { try await open() }
    var renewed = 0
    while true {
      let answer = try await work()
      guard answer.name == "error" else { return answer }
      let code = answer["code"].flatMap { Int($0) } ?? 0
      switch code {
      case HiLinkCodes.wrongToken, HiLinkCodes.wrongSession, HiLinkCodes.wrongSessionToken:
        guard renewed < Self.renewals else { throw .sessionLost(code: code) }
        renewed += 1
        let wasLoggedIn = isLoggedIn
        try await open()
        if wasLoggedIn { try await logIn(path) }
      case HiLinkCodes.noRights:
        guard !isLoggedIn else { throw .refused(code: code, path: path) }
        try await logIn(path)
      default: throw .refused(code: code, path: path)
      }
    }
  }

  /// A fresh session and token, in the way of this firmware.
  private func open() async throws(HiLinkError) {
    cookie = nil
    tokens = []
    isLoggedIn = false
    if manners == .unknown || manners == .session {
      let answer = try await firstAnswer("/api/webserver/SesTokInfo")
      if answer?.name == "response", let session = answer?["SesInfo"].flatMap(Self.safe) {
        cookie = session.contains("=") ? session : "SessionID=\(session)"
        tokens = [answer?["TokInfo"].flatMap(Self.safe)].compactMap { $0 }
        manners = .session
        return
      }
    }
    manners = try await fetchToken() ? .token : .none
  }

  /// What an address says that not every firmware has; nil if it has none.
  private func firstAnswer(_ path: String) async throws(HiLinkError) -> HiLinkXML? {
    let answer = try await exchange(WebRequest("GET", path, headers: headers(withToken: false)))
    guard answer.status == 200 else {
      guard (400...499).contains(answer.status) else { throw .notHiLink(status: answer.status) }
      return nil
    }
    return try? HiLinkXML.read(answer.body)
  }

  private func fetchToken() async throws(HiLinkError) -> Bool {
    let answer = try await firstAnswer("/api/webserver/token")
    guard answer?.name == "response", let token = answer?["token"].flatMap(Self.safe) else {
      return false
    }
    tokens = [token.count == 64 ? String(token.suffix(32)) : token]
    return true
  }

  private func fillTokens() async throws(HiLinkError) {
    if manners == .unknown { try await open() }
    guard tokens.isEmpty, manners != .none else { return }
    if try await fetchToken() || isLoggedIn { return }
    try await open()
  }

  /// One attempt, for wrong ones are counted; none where the page says that it is locked.
  private func logIn(_ path: String) async throws(HiLinkError) {
    guard let login else { throw .loginNeeded(path: path) }
    guard !hasTried else { throw .loginNeeded(path: path) }
    let state = try await ask("GET", "/api/user/state-login")
    if state["State"] == "0" {
      isLoggedIn = true
      return
    }
    let wait = state["remainwaittime"].flatMap { Int($0) } ?? 0
    if wait > 0 || state["lockstatus"] == "1" {
      throw .loginLocked(minutes: (1...10_000).contains(wait) ? wait : nil)
    }
    if state["extern_password_type"] == "1" {
      try await logIn(byChallenge: login)
    } else {
      try await logIn(login, type: state["password_type"].flatMap { Int($0) } ?? 0)
    }
    isLoggedIn = true
  }

  private func logIn(_ login: Login, type: Int) async throws(HiLinkError) {
    try await fillTokens()
    let password = try Self.password(login, type: type, token: tokens.first ?? "")
    let inside =
      "<Username>\(TextXML.escaped(login.user))</Username><Password>\(password)</Password>"
      + "<password_type>\(type)</password_type>"
    _ = try await tryLogin("/api/user/login", inside)
  }

  /// Two requests: the page's word for ours, then our proof for the page's
  /// (Docs/Protocols/huawei-hilink.md section 4.2).
  private func logIn(byChallenge login: Login) async throws(HiLinkError) {
    let nonce = HiLinkChallenge.hex(self.nonce())
    try await fillTokens()
    let answer = try await ask(
      "POST", "/api/user/challenge_login",
      Self.document(
        "<username>\(TextXML.escaped(login.user))</username><firstnonce>\(nonce)</firstnonce>"
          + "<mode>1</mode>"))
    if answer.name == "error" { throw Self.refusal(answer) }
    guard let challenge = HiLinkChallenge(answer, firstNonce: nonce) else {
      throw .badAnswer("the challenge of the login")
    }
    let proofs = challenge.proofs(login.password)
    try await fillTokens()
    let end = try await tryLogin(
      "/api/user/authentication_login",
      "<clientproof>\(proofs.client)</clientproof>"
        + "<finalnonce>\(challenge.serverNonce)</finalnonce>")
    // A page that takes any proof may be anybody's; older ones send no signature.
    if let shown = end["serversignature"], shown.lowercased() != proofs.server {
      throw .loginUnproven
    }
  }

  /// The request that counts as an attempt, if it reaches the page.
  private func tryLogin(_ path: String, _ inside: String) async throws(HiLinkError) -> HiLinkXML {
    hasTried = true
    let answer = try await ask("POST", path, Self.document(inside))
    guard answer.name == "response" else { throw Self.refusal(answer) }
    // The right password is no attempt: a session that ran out may be opened anew.
    hasTried = false
    return answer
  }

  private static func refusal(_ answer: HiLinkXML) -> HiLinkError {
    let code = answer["code"].flatMap { Int($0) } ?? 0
    let wait = answer["waittime"].flatMap { Int($0) } ?? 0
    if code == HiLinkCodes.tooManyAttempts || wait > 0 {
      return .loginLocked(minutes: (1...10_000).contains(wait) ? wait : nil)
    }
    return .loginRefused(code: code)
  }

  /// The password as the page's own script sends it (Docs/Protocols/huawei-hilink.md section 4).
  static func password(_ login: Login, type: Int, token: String) throws(HiLinkError) -> String {
    switch type {
    case 0, 3: return Base64.text(Array(login.password.utf8))
    case 4:
      let inner = Base64.text(Array(hash(login.password).utf8))
      return Base64.text(Array(hash(login.user + inner + token).utf8))
    default: throw .loginUnknown(type: type)
    }
  }

  private static func hash(_ text: String) -> String {
    HiLinkChallenge.hex(SHA256.hash(data: Array(text.utf8)))
  }

  private func ask(_ method: String, _ path: String, _ document: String? = nil)
    async throws(HiLinkError) -> HiLinkXML
  {
    var request = WebRequest(method, path, headers: headers(withToken: document != nil))
    if let document { request.body = [SharedBytes(Array(document.utf8))] }
    let answer = try await exchange(request)
    guard answer.status == 200 else {
      if answer.status == 404 { throw .refused(code: HiLinkCodes.notSupported, path: path) }
      throw .notHiLink(status: answer.status)
    }
    let begin = String(decoding: answer.body.prefix(64), as: UTF8.self).lowercased()
    if begin.contains("<html") || begin.contains("<!doctype html") {
      throw .notHiLink(status: answer.status)
    }
    let read = try HiLinkXML.read(answer.body)
    guard read.name == "response" || read.name == "error" else {
      throw .notHiLink(status: answer.status)
    }
    return read
  }

  private func headers(withToken: Bool) -> [WebHeader] {
    var headers = [WebHeader("X-Requested-With", "XMLHttpRequest")]
    if let cookie { headers.append(WebHeader("Cookie", cookie)) }
    if withToken {
      headers.append(WebHeader("Content-Type", "text/xml; charset=UTF-8"))
      if !tokens.isEmpty {
        headers.append(WebHeader("__RequestVerificationToken", tokens.removeFirst()))
      }
    }
    return headers
  }

  /// One exchange; takes cookie and tokens that come with the answer.
  private func exchange(_ request: WebRequest) async throws(HiLinkError) -> WebAnswer {
    var request = request
    request.answerLimit = HiLinkXML.longest
    let answer: WebAnswer
    do throws(WebError) {
      answer = try await link.exchange(request, within: Self.limit)
    } catch {
      throw .page(error)
    }
    for header in answer.headers {
      switch header.name.lowercased() {
      case "set-cookie":
        let first = String(header.value.prefix { $0 != ";" })
        if first.hasPrefix("SessionID="), let safe = Self.safe(first) { cookie = safe }
      case "__requestverificationtoken":
        tokens = header.value.split(separator: "#").compactMap { Self.safe(String($0)) }
      case "__requestverificationtokenone": tokens = [header.value].compactMap(Self.safe)
      case "__requestverificationtokentwo": tokens += [header.value].compactMap(Self.safe)
      default: break
      }
    }
    tokens = Array(tokens.prefix(Self.mostTokens))
    return answer
  }

  /// What may stand in a header line; nil for anything else.
  private static func safe(_ text: String) -> String? {
    let isSafe =
      (1...1024).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    return isSafe ? text : nil
  }
}

/// Base 64, which floor 3 needs for nothing but logins.
enum Base64 {
  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

  static func text(_ bytes: [UInt8]) -> String {
    var output = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      var word = part.reduce(0) { $0 << 8 | Int($1) }
      word <<= 8 * (3 - part.count)
      for index in 0..<4 {
        output.append(
          index <= part.count ? digits[word >> (18 - 6 * index) & 63] : "=")
      }
    }
    return output
  }
}
