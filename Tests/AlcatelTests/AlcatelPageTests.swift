import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@testable import SmithVendors

@Suite("The page of an Alcatel stick") struct AlcatelPageTests {
  static let pages = [AlcatelStick.Personality.l800, .l850]

  private func door(_ which: AlcatelStick.Personality, _ options: AlcatelStick.Options = .init())
    async -> (bus: VirtualBus<AlcatelStick>, link: VirtualWebLink<AlcatelStick>)
  {
    let bus = VirtualBus(AlcatelStick(which, options: options))
    await bus.pause(.seconds(30))
    return (bus, VirtualWebLink(bus))
  }

  @Test("The generation is found by what answers", arguments: pages)
  func generation(which: AlcatelStick.Personality) async throws {
    let (_, link) = await door(which)
    let (page, report) = try await StickPages.find(link, host: "192.168.1.1")
    #expect(page.route == "alcatel-web")
    #expect((page as? AlcatelPage)?.generation == (which == .l800 ? .w1 : .w3))
    #expect(report.model == which.model)
    #expect(report.firmware?.text.hasPrefix(which.model) == true)
    #expect(report.imei != nil)
  }

  @Test("A page with a key of its own is asked with it") func ownKey() async throws {
    var options = AlcatelStick.Options()
    options.ownKey = "ABCDEF0123456789"
    let (_, link) = await door(.l850, options)
    let report = try await StickPages.find(link, host: "192.168.1.1").report
    #expect(report.model == "L850")
  }

  @Test(
    "Hostile answers end in a trouble", arguments: pages,
    [
      (WebManners.Malice.endless, "web.too-long"), (.redirect, "webui.redirect"),
      (.wrongLength, "web.gone"), (.html, "webui.unknown"), (.script, "webui.strange-text"),
    ])
  func hostile(which: AlcatelStick.Personality, _ bad: (WebManners.Malice, String)) async {
    var options = AlcatelStick.Options()
    options.manners.malice = bad.0
    let (_, link) = await door(which, options)
    do throws(PageError) {
      _ = try await StickPages.find(link, host: "192.168.1.1")
      Issue.record("it was taken")
    } catch { #expect(error.trouble.code == bad.1) }
  }

  @Test("The known pair of hidden name is made") func hiding() {
    #expect(AlcatelHiding.hidden("admin") == "dc13ibej?7")
    #expect(AlcatelHiding.hidden("") == "")
  }

  @Test("Plain and hidden logins open the page", arguments: [false, true])
  func login(hidden: Bool) async throws {
    var options = AlcatelStick.Options()
    options.password = "secret"
    options.hidden = hidden
    let (_, link) = await door(.l850, options)
    let page = try await StickPages.find(link, host: "192.168.1.1").page
    try await page.login("secret")
    #expect(try await page.settings().profiles?.first?.apn == "internet")
  }

  @Test("A wrong password never comes near to locking the page") func wrong() async throws {
    var options = AlcatelStick.Options()
    options.password = "secret"
    let (_, link) = await door(.l850, options)
    let page = try await StickPages.find(link, host: "192.168.1.1").page
    for left in [3, 2, 1] {
      await #expect(throws: PageError.passwordWrong(triesLeft: left)) {
        try await page.login("guess")
      }
    }
  }

  @Test("Profiles and the page's own file come back", arguments: pages)
  func settings(which: AlcatelStick.Personality) async throws {
    let (bus, link) = await door(which)
    let page = try await StickPages.find(link, host: "192.168.1.1").page
    let saved = try await page.settings()
    bus.withBody { stick in stick.profiles[1] = "lost" }
    #expect(try await page.restore(saved).restored == ["APN profile 1"])
    #expect(bus.body.profiles[1] == "internet")
    let file = try #require(try await page.settingsFile())
    try await page.restore(file: SharedBytes(file))
    #expect(bus.body.restoredSettings == file)
  }
}

@Suite("Updates through an Alcatel page") struct AlcatelUpdateTests {
  private func trial(
    _ which: AlcatelStick.Personality, online: Bool = false,
    _ change: (inout AlcatelStick.Options) -> Void = { _ in }
  ) -> WebTrial<AlcatelStick> {
    var options = AlcatelStick.Options()
    let version = "\(which.model)_99"
    if online { options.offered = version }
    change(&options)
    let source =
      online
      ? WebSource.online
      : .file(
        path: "update.bin",
        bytes: SharedBytes(SamplePageFile.bytes(model: which.model, version: version)),
        expecting: FirmwareVersion(version))
    return WebTrial(AlcatelStick(which, options: options), source)
  }

  @Test(
    "A file or the maker's own update changes the version", arguments: AlcatelPageTests.pages,
    [false, true])
  func whole(which: AlcatelStick.Personality, online: Bool) async throws {
    let outcome = await trial(which, online: online).run()
    #expect(outcome.first.verdict == .updated, "\(outcome.first)")
    #expect(outcome.stick.firmware == "\(which.model)_99")
    #expect(outcome.first.trouble == nil)
  }

  @Test(
    "Cut at any request, an update ends well or is resumed", arguments: AlcatelPageTests.pages,
    [false, true])
  func cuts(which: AlcatelStick.Personality, online: Bool) async throws {
    let calm = await trial(which, online: online).run()
    for request in 1...calm.requests {
      for (acted, power) in [(false, false), (true, false), (false, true), (true, true)] {
        var trial = trial(which, online: online)
        trial.weather.cutAtRequest = request
        trial.weather.cutAfterActing = acted
        trial.weather.cutIsPower = power
        let outcome = await trial.run()
        let note = "\(which) online \(online), \(request) \(acted) \(power): \(outcome.last)"
        if outcome.records.contains(.itemBegan(0)) {
          #expect(outcome.last.verdict == .updated, "\(note)")
        } else {
          #expect(outcome.stick.firmware == calm.first.before?.text, "\(note)")
          #expect(outcome.last.verdict != .updated, "\(note)")
        }
      }
    }
  }

  @Test("The first generation's own update rests on inference, the third's does not")
  func inference() async throws {
    for which in AlcatelPageTests.pages {
      var trial = trial(which, online: true)
      trial.policy.experimental = false
      let outcome = await trial.run()
      #expect(outcome.first.trouble?.code == (which == .l800 ? "plan.experimental" : nil))
    }
  }

  @Test("A page that names no upload gets none", arguments: AlcatelPageTests.pages)
  func noPlace(which: AlcatelStick.Personality) async throws {
    let outcome = await trial(which) { $0.offersUpload = false }.run()
    #expect(outcome.first.trouble?.code == "webui.no-upload")
    #expect(outcome.stick.uploads == 0)
  }

  @Test("A profile with a script in it is not taken", arguments: AlcatelPageTests.pages)
  func strangeProfile(which: AlcatelStick.Personality) async throws {
    let bus = VirtualBus(AlcatelStick(which))
    await bus.pause(.seconds(30))
    bus.withBody { $0.profiles[1] = "<script>x" }
    let page = try await StickPages.find(VirtualWebLink(bus), host: "192.168.1.1").page
    await #expect(throws: PageError.strangeText(field: "APN")) { _ = try await page.settings() }
  }
}
