import SmithBench
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithVendors
import Testing

@Suite("Hostile pages of every maker, over TCP") struct MakersOverTCPTests {
  static let bad: [(WebManners.Malice, String)] = [
    (.endless, "web.too-long"), (.redirect, "webui.redirect"), (.wrongLength, "web.gone"),
    (.html, "webui.unknown"), (.script, "webui.strange-text"),
  ]

  @Test("A ZTE page that lies ends in a trouble", arguments: bad)
  func zte(_ bad: (WebManners.Malice, String)) async throws {
    var options = ZTEStick.Options()
    options.manners.malice = bad.0
    try await Served.run(ZTEStick(options: options), speed: 50) { link, _ in
      await expect(bad.1, link)
    }
  }

  @Test(
    "An Alcatel page that lies ends in a trouble", arguments: bad,
    [AlcatelStick.Personality.l800, .l850])
  func alcatel(_ bad: (WebManners.Malice, String), _ which: AlcatelStick.Personality)
    async throws
  {
    var options = AlcatelStick.Options()
    options.manners.malice = bad.0
    try await Served.run(AlcatelStick(which, options: options), speed: 50) { link, _ in
      await expect(bad.1, link)
    }
  }

  private func expect(_ code: String, _ link: CurlWebLink) async {
    do throws(PageError) {
      _ = try await StickPages.find(link, host: "127.0.0.1")
      Issue.record("it was taken")
    } catch { #expect(error.trouble.code == code) }
  }

  @Test("A HiLink page without end, and one with a script in its name, do no harm")
  func hiLink() async throws {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<response>"
    let endless = WebReply(
      [
        .init(Array(head.utf8), at: .zero),
        .init([UInt8](repeating: 0x61, count: 8192), at: .zero),
      ], ending: .endless)
    try await Served.run(RawPage([WebReply](repeating: endless, count: 9))) { link, _ in
      do throws(HiLinkError) {
        _ = try await HiLinkIdentity.identify(over: HiLinkSession(link))
        Issue.record("it was taken")
      } catch { #expect(error.trouble.code == "web.too-long") }
    }
    let script =
      "<response><DeviceName>&lt;script&gt;alert(1)&lt;/script&gt;</DeviceName></response>"
    let page = RawPage(
      [WebReply](repeating: .page(body: Array(script.utf8), at: .zero), count: 50))
    try await Served.run(page) { link, _ in
      do throws(HiLinkError) {
        _ = try await HiLinkIdentity.identify(over: HiLinkSession(link))
        Issue.record("it was taken")
      } catch { #expect(error.trouble.code == "hilink.bad-answer") }
    }
  }
}
