import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("HiLink: login by challenge") struct LoginTests {
  typealias Personality = HuaweiHiLinkStick.Personality

  private func code(_ pair: Pair, _ password: String) async -> String? {
    let login = HiLinkSession.Login(user: "admin", password: password)
    do throws(HiLinkError) {
      _ = try await pair.session(login: login).get("/api/device/information")
      return nil
    } catch { return error.trouble.code }
  }

  @Test("The right password opens the page and stands in no request") func right() async throws {
    let pair = await Pair(.e3372h320)
    let report = try await HiLinkIdentity.identify(over: pair.session())
    #expect(report.imei != nil)
    #expect(report.model == "E3372h-320")
    #expect(pair.bus.body.wrongLogins == 0)
    let settings = try await HiLinkSettings.read(over: pair.session())
    #expect(settings.profiles?.isEmpty == false)
  }

  @Test("A wrong one costs exactly one attempt, and after three the page is left alone")
  func wrong() async throws {
    let pair = await Pair(.e3372h320)
    #expect(await code(pair, "no") == "hilink.login-refused")
    #expect(pair.bus.body.wrongLogins == 1)
    #expect(await code(pair, "no") == "hilink.login-refused")
    #expect(await code(pair, "no") == "hilink.login-locked")
    let refusals = pair.bus.body.refusals.count
    // The page says that it is locked before an attempt is made: none is.
    #expect(await code(pair, "simulated") == "hilink.login-locked")
    #expect(
      !pair.bus.body.refusals.dropFirst(refusals).contains { $0.contains("authentication_login") })
    await pair.bus.pause(.seconds(70))
    #expect(await code(pair, "simulated") == nil)
  }

  @Test("One session makes one wrong attempt, however often it is asked") func once() async throws {
    let pair = await Pair(.e3372h320)
    let session = pair.session(login: .init(user: "admin", password: "no"))
    for _ in 0..<5 { _ = try? await session.get("/api/device/information") }
    #expect(pair.bus.body.wrongLogins == 1)
  }

  @Test("A session that ran out is opened anew with the password that was right")
  func expired() async throws {
    let pair = await Pair(.e3372h320)
    let session = pair.session()
    _ = try await session.get("/api/device/information")
    await pair.bus.pause(.seconds(400))
    #expect(try await session.get("/api/device/information")["DeviceName"] == "E3372h-320")
  }

  /// Salt and rounds of a public capture of such a page; proofs from another implementation.
  private static let knownSalt = "736e6c65353035745a48346b7a6b594b4d4f534a4231717132494f644d306f00"
  private static let first = String(repeating: "00", count: 31) + "2a"
  private static let knownWord = first + "NA7h7hHL4FvGsq7g51ywV8vp1EJY3LyP"
  private static let proof = "dadc94e8f62fe605fd52b74baed7e9b106dff5460b28202ff8465d1f6de92b2e"
  private static let knownSignature =
    "5bb19c2085f6de1f6b5d8c204b488670f5895dd8bd810df643815f9d15788b6d"

  /// A page with prepared answers, from the first refusal to the end of the login.
  private func prepared(
    salt: String = knownSalt, rounds: String = "100", nonce: String = knownWord,
    signature: String = knownSignature
  ) async -> (code: String?, sent: [String]) {
    func page(_ text: String) -> WebReply { .page(body: Array(text.utf8), at: .zero) }
    let bus = VirtualBus(
      RawPage([
        page("<response><SesInfo>SessionID=a</SesInfo><TokInfo>t</TokInfo></response>"),
        page("<error><code>100003</code></error>"),
        page(
          "<response><State>-1</State><extern_password_type>1</extern_password_type></response>"),
        page(
          "<response><salt>\(salt)</salt><iterations>\(rounds)</iterations>"
            + "<servernonce>\(nonce)</servernonce></response>"),
        page("<response><token>0123456789abcdef0123456789abcdef</token></response>"),
        page("<response><serversignature>\(signature)</serversignature></response>"),
        page("<response><DeviceName>x</DeviceName></response>"),
      ]))
    let session = HiLinkSession(
      VirtualWebLink(bus), login: .init(user: "admin", password: "correct horse"),
      nonce: { [UInt8](repeating: 0, count: 31) + [0x2a] })
    var code: String?
    do throws(HiLinkError) { _ = try await session.get("/api/x") } catch {
      code = error.trouble.code
    }
    return (code, bus.body.calls.map { String(decoding: $0.body.bytes(), as: UTF8.self) })
  }

  @Test("The proof is the one that another implementation computes") func vector() async {
    let (code, sent) = await prepared()
    #expect(code == nil)
    #expect(sent.contains { $0.contains("<clientproof>\(Self.proof)</clientproof>") })
    #expect(sent.contains { $0.contains("<finalnonce>\(Self.knownWord)</finalnonce>") })
    #expect(!sent.joined().contains("correct horse"))
  }

  @Test("A page that cannot prove itself is not trusted") func unproven() async {
    let (code, _) = await prepared(signature: String(repeating: "0", count: 64))
    #expect(code == "hilink.login-unproven")
  }

  @Test(
    "A challenge that no page would make is answered with nothing",
    arguments: [
      (knownSalt, "2000000000", knownWord), (knownSalt, "0", knownWord),
      (knownSalt, "-5", knownWord), ("", "100", knownWord),
      ("zz", "100", knownWord), (String(repeating: "a", count: 300), "100", knownWord),
      (knownSalt, "100", "another"), (knownSalt, "100", first), (knownSalt, "100", first + "&lt;a"),
      (knownSalt, "100", first + String(repeating: "x", count: 2000)),
    ])
  func hostile(_ salt: String, _ rounds: String, _ nonce: String) async {
    let (code, sent) = await prepared(salt: salt, rounds: rounds, nonce: nonce)
    #expect(code == "hilink.bad-answer")
    #expect(!sent.joined().contains("clientproof"))
  }

  @Test("Cut at every request the password costs no attempt, and the next command works")
  func cuts() async throws {
    for cut in 1...10 {
      for after in [false, true] {
        var weather = WebWeather()
        weather.cutAtRequest = cut
        weather.cutAfterActing = after
        let pair = await Pair(.e3372h320, weather: weather)
        _ = try? await HiLinkIdentity.identify(over: pair.session())
        #expect(pair.bus.body.wrongLogins == 0)
        pair.link.setWeather(WebWeather())
        let report = try await HiLinkIdentity.identify(over: pair.session())
        #expect(report.imei != nil, "cut \(cut) \(after)")
      }
    }
  }
}
