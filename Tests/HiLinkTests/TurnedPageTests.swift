import SmithBench
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("A page that turns hostile in the middle") struct TurnedPageTests {
  static let kinds = WebManners.Malice.allCases.filter { $0 != .none && $0 != .script }

  @Test("ends every request to a ZTE stick in a trouble", arguments: kinds)
  func zte(malice: WebManners.Malice) async throws {
    let bus = VirtualBus(ZTEStick())
    await bus.pause(.seconds(30))
    let page = try await StickPages.find(VirtualWebLink(bus), host: "192.168.0.1").page
    bus.withBody { $0.options.manners.malice = malice }
    await expectTroubles(page, "\(malice)")
    #expect(bus.body.uploads == 0 && bus.body.firmware == "BD_O2MF667V1.0.0B03")
  }

  @Test(
    "ends every request to an Alcatel stick in a trouble", arguments: kinds,
    [AlcatelStick.Personality.l800, .l850])
  func alcatel(malice: WebManners.Malice, which: AlcatelStick.Personality) async throws {
    let bus = VirtualBus(AlcatelStick(which))
    await bus.pause(.seconds(30))
    let page = try await StickPages.find(VirtualWebLink(bus), host: "192.168.1.1").page
    bus.withBody { $0.options.manners.malice = malice }
    await expectTroubles(page, "\(malice)")
    // A ZTE stick installs by itself and is not asked to.
    await expectTrouble("\(malice): install") { () async throws(PageError) in
      try await page.install()
    }
    #expect(bus.body.uploads == 0 && bus.body.firmware == AlcatelStick(which).firmware)
  }

  private func expectTroubles(_ page: any StickPage, _ name: String) async {
    let requests: [(String, () async throws(PageError) -> Void)] = [
      ("settings", { () async throws(PageError) in _ = try await page.settings() }),
      ("login", { () async throws(PageError) in try await page.login("x") }),
      ("check", { () async throws(PageError) in _ = try await page.check() }),
      ("loading", { () async throws(PageError) in _ = try await page.loading() }),
      ("begin", { () async throws(PageError) in try await page.beginLoading() }),
      ("restart", { () async throws(PageError) in try await page.restart() }),
      ("obstacle", { () async throws(PageError) in _ = try await page.obstacle() }),
    ]
    for (request, ask) in requests { await expectTrouble("\(name): \(request)", ask) }
  }

  private func expectTrouble(_ name: String, _ ask: () async throws(PageError) -> Void) async {
    do throws(PageError) {
      try await ask()
      Issue.record("\(name) was taken")
    } catch { #expect(error.trouble.code.hasPrefix("web"), "\(name)") }
  }
}
