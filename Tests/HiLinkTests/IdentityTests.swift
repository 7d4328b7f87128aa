import SmithBench
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("HiLink: who is it") struct IdentityTests {
  @Test(
    "Every generation of pages tells who the stick is",
    arguments: HuaweiHiLinkStick.Personality.all)
  func identify(_ personality: HuaweiHiLinkStick.Personality) async throws {
    let pair = await Pair(personality)
    let report = try await HiLinkIdentity.identify(over: pair.session())
    #expect(report.vendor == "huawei")
    #expect(report.model == personality.model)
    #expect(report.firmware?.text == personality.firmware)
    #expect(report.hardware == personality.hardware)
    #expect(report.webInterface == personality.web)
    #expect(report.imei?.masked == "***********0000")
    #expect(report.serial == "SIM0A14C30100042")
    #expect(report.world == (personality == .e3372h320 ? .unknown : .balongHiLink))
    #expect(report.simLock == .init(status: .codeNeeded, triesLeft: 10))
    if personality == .e3372h { #expect(report.chipset == "Balong V7R11") }
    #expect(report.simState == "READY")
    #expect(report.registration == .home)
    #expect(report.signal?.dBm == -65)
    #expect(report.network == "Simulated Mobile")
    #expect(report.band == "3")
  }

  @Test("Without a login a guarded page still tells model and firmware, and why not more")
  func guarded() async throws {
    let pair = await Pair(.e5573)
    let report = try await HiLinkIdentity.identify(over: pair.session(login: nil))
    #expect(report.model == "E5573s-320")
    #expect(report.firmware?.text == "21.318.01.00.00")
    #expect(report.imei == nil)
    #expect(report.evidence?.contains("login") == true)
  }

  @Test("A wrong password is tried once and never again") func wrongPassword() async throws {
    let pair = await Pair(.e5573)
    let session = pair.session(login: .init(user: "admin", password: "wrong"))
    await #expect(throws: HiLinkError.loginRefused(code: 108_006)) {
      _ = try await HiLinkSettings.read(over: session)
    }
    let attempts = pair.bus.body.refusals.filter { $0.contains("/api/user/login") }
    #expect(attempts.count == 1)
  }

  @Test("A session that died is renewed, login and all, without a word") func expiry() async throws
  {
    for personality in [HuaweiHiLinkStick.Personality.e3372h, .e5573] {
      let pair = await Pair(personality) { $0.sessionLife = .seconds(60) }
      let session = pair.session()
      _ = try await HiLinkSettings.read(over: session)
      await pair.bus.pause(.seconds(600))
      let settings = try await HiLinkSettings.read(over: session)
      #expect(settings.profiles?.count == 2)
      #expect(pair.bus.body.refusals.contains { $0.contains("125002") })
    }
  }

  @Test("A page that ends every session at once is not asked forever") func hopeless() async throws
  {
    let refusal = WebReply.page(
      body: Array("<error><code>125002</code><message/></error>".utf8), at: .zero)
    let bus = VirtualBus(RawPage([WebReply](repeating: refusal, count: 100)))
    await #expect(throws: HiLinkError.sessionLost(code: 125_002)) {
      _ = try await HiLinkSession(VirtualWebLink(bus)).get("/api/device/information")
    }
    #expect(bus.body.calls.count < 20)
  }

  @Test("Names with scripts and control characters are shown as one plain line")
  func script() async throws {
    let pair = await Pair { $0.network = "<script>alert(1)</script>\u{1b}[2J\n\u{202e}Bad & Sons" }
    let report = try await HiLinkIdentity.identify(over: pair.session())
    #expect(report.network == "<script>alert(1)</script>[2JBad & Sons")
  }

  @Test("Old firmware gets no cookie and no token, new firmware a fresh token for each setting")
  func manners() async throws {
    for (personality, manners) in [
      (HuaweiHiLinkStick.Personality.e303, HiLinkSession.Manners.none), (.e3531, .token),
      (.e3372h, .session),
    ] {
      let pair = await Pair(personality)
      let session = pair.session()
      _ = try await session.get("/api/monitoring/status")
      for _ in 0..<3 {
        _ = try await session.post(
          "/api/dialup/profiles", "<Delete>0</Delete><SetDefault>2</SetDefault><Modify>0</Modify>")
      }
      #expect(session.manners == manners)
      #expect(pair.bus.body.refusals.filter { $0.hasPrefix("POST") } == [])
    }
  }

  @Test("The login of type 4 is what the page's script would send") func loginValue() async throws {
    // The same value was made with Python's hashlib.
    let pair = await Pair(.e5573)
    let session = pair.session()
    _ = try await session.get("/api/dialup/profiles")
    #expect(!pair.bus.body.refusals.contains { $0.contains("login: 108") })
  }

  @Test("Weather of every kind: a report or an error, never a wrong word", arguments: 0..<200)
  func weather(_ seed: UInt64) async {
    let pair = await Pair(weather: WebWeather(seed: seed, requests: 9), seed: seed)
    do throws(HiLinkError) {
      let report = try await HiLinkIdentity.identify(over: pair.session())
      // A byte may be changed on the way; the world and what is missing must still be sound.
      #expect(report.vendor == "huawei", "seed \(seed)")
      #expect(report.answers.isEmpty, "seed \(seed)")
      #expect(report.imei.map { $0.digits.count == 15 } ?? true, "seed \(seed)")
    } catch {
      #expect(!error.trouble.code.isEmpty && !error.trouble.advice.isEmpty, "seed \(seed)")
    }
    await pair.calm()
    let report = try? await HiLinkIdentity.identify(over: pair.session())
    #expect(report?.firmware?.text == "22.329.63.00.74", "seed \(seed)")
  }
}
