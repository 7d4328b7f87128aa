import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@testable import SmithVendors

@Suite("The page of a ZTE stick") struct ZTEPageTests {
  private func door(_ options: ZTEStick.Options = .init()) async
    -> (bus: VirtualBus<ZTEStick>, link: VirtualWebLink<ZTEStick>)
  {
    let bus = VirtualBus(ZTEStick(options: options))
    await bus.pause(.seconds(30))
    return (bus, VirtualWebLink(bus))
  }

  private func find(_ options: ZTEStick.Options) async throws(PageError)
    -> (any StickPage, DeviceReport)
  {
    try await StickPages.find(await door(options).link, host: "192.168.0.1")
  }

  private func code(_ options: ZTEStick.Options) async -> String? {
    do throws(PageError) {
      _ = try await find(options)
      return nil
    } catch { return error.trouble.code }
  }

  @Test(
    "Versions are read from loose servers, too",
    arguments: [(false, false, false), (true, false, true), (false, true, true)])
  func manners(chunks: Bool, closes: Bool, odd: Bool) async throws {
    var options = ZTEStick.Options()
    options.manners.chunks = chunks
    options.manners.closesEarly = closes
    options.manners.oddHeaders = odd
    let (page, report) = try await find(options)
    #expect(page.route == "zte-web")
    #expect(report.model == "MF667")
    #expect(report.firmware?.text == "BD_O2MF667V1.0.0B03")
    #expect(report.imei != nil)
  }

  @Test(
    "Hostile answers end in a trouble",
    arguments: [
      (WebManners.Malice.endless, "web.too-long"), (.redirect, "webui.redirect"),
      (.wrongLength, "web.gone"), (.html, "webui.unknown"), (.script, "webui.strange-text"),
    ]) func hostile(malice: WebManners.Malice, expected: String) async
  {
    var options = ZTEStick.Options()
    options.manners.malice = malice
    #expect(await code(options) == expected)
  }

  @Test("Both kinds of login open a page that hides its versions", arguments: [false, true])
  func login(new: Bool) async throws {
    var options = ZTEStick.Options()
    options.newLogin = new
    options.hidesVersions = true
    // What SHA-256 of SHA-256 and the page's LD come to for "admin", in upper case.
    options.password = new ? Self.secret : "admin"
    let (page, hidden) = try await find(options)
    #expect(hidden.firmware == nil)
    await #expect(throws: PageError.passwordWrong(triesLeft: 4)) { try await page.login("nimda") }
    try await page.login("admin")
    #expect(try await page.identify().firmware?.text == "BD_O2MF667V1.0.0B03")
    // Writes of the new kind are signed.
    try await page.restart()
  }

  private static let secret = "F63E1BB06809522857E80562B66BFC2C490C37A45F6AFEB1A3A18BF8364280ED"

  @Test("Profiles come back, those with a password stay") func profiles() async throws {
    let (bus, link) = await door()
    bus.withBody { stick in
      stick.profiles[1] = .init(name: "Mine", apn: "private", user: "me")
    }
    let page = try await StickPages.find(link, host: "192.168.0.1").page
    let saved = try await page.settings()
    #expect(saved.profiles?.map(\.apn) == ["internet", "private"])
    bus.withBody { stick in
      stick.profiles[0]?.apn = "lost"
      stick.profiles[1]?.apn = "lost"
    }
    let result = try await page.restore(saved)
    #expect(result.restored == ["APN profile 1"])
    #expect(result.leftOut.count == 1)
    #expect(bus.body.profiles[0]?.apn == "internet")
    #expect(bus.body.profiles[0]?.name == "Default")
    #expect(bus.body.profiles[1]?.apn == "lost")
  }

  @Test("The choice of network and the PIN's state are kept, and the choice is written back")
  func network() async throws {
    let (bus, link) = await door()
    bus.withBody { $0.bearer = "Only_WCDMA" }
    let page = try await StickPages.find(link, host: "192.168.0.1").page
    let saved = try await page.settings()
    #expect(saved.network == .init(command: "net_select", value: "Only_WCDMA"))
    #expect(saved.pinState == "READY")
    bus.withBody { $0.bearer = "NETWORK_auto" }
    // Nothing of this is a guess: it needs no leave.
    #expect(try await WebSettings.restore(saved, to: page, experimental: false) == [])
    #expect(bus.body.bearer == "Only_WCDMA")
    var other = saved
    for (value, words) in [("Only_LTE", "the page answered failure"), ("x&y", "over the AT port")] {
      other.network?.value = value
      let lost = try await WebSettings.restore(other, to: page, experimental: false)
      #expect(lost.count == 1 && lost[0].contains(words), "\(lost)")
    }
    #expect(bus.body.bearer == "Only_WCDMA")
  }

  @Test("A change of composition sends one digit and the page goes") func composition()
    async throws
  {
    let (bus, link) = await door()
    let page = ZTEPage(link, host: "192.168.0.1")
    _ = try await page.identify()
    try await page.setComposition(.service)
    await bus.pause(.seconds(40))
    #expect(bus.body.face?.id == USBID(0x19d2, 0x0016))
    #expect(!bus.body.isListening)
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("The place of an upload is what the page names, or nothing", arguments: [true, false])
  func place(offers: Bool) async throws {
    var options = ZTEStick.Options()
    options.offersUpload = offers
    let (page, _) = try await find(options)
    let place = try await page.uploadPlace()
    #expect(place?.path == (offers ? "/cgi-bin/fw_update/mf667upd" : nil))
    #expect(place?.inferences.isEmpty != true)
  }

  @Test(
    "A path that could lead elsewhere is no place",
    arguments: ["/cgi-bin/fw_update/../../x'", "/cgi-bin/fw_update/", "/cgi-bin/fw_update/\r\nX:"])
  func strangePlace(text: String) {
    let path = PageSource.path("/cgi-bin/fw_update/", in: text)
    #expect(path == nil || path?.contains("..") == false && path?.contains("\r") == false)
    #expect(PageSource.scripts(in: "src=\"//evil/x.js\" src=\"http://e/x.js\"").isEmpty)
  }

  @Test("The door of each stick is named", arguments: [("MF667", true), ("MF190", false)])
  func frontDoor(model: String, page: Bool) {
    var report = DeviceReport()
    report.vendor = "zte"
    report.model = model
    #expect(FrontDoor(report, overPage: false).way == (page ? .page : .download))
    report.vendor = "alcatel"
    report.model = "HSPA Data Card"
    #expect(FrontDoor(report, overPage: false).way == .vendorProgram)
  }

  @Test("A CWE is refused as Sierra's") func sierra() {
    var report = DeviceReport()
    report.vendor = "zte"
    report.model = "MF667"
    let image = FirmwareImage(format: .sierraCWE, origin: 0..<1, segments: [])
    do throws(Trouble) {
      try FrontDoor.check(image, for: report)
      Issue.record("it was let in")
    } catch {
      #expect(error.code == "plan.wrong-vendor")
      #expect(error.summary.contains("Sierra"))
    }
  }

  @Test("Every error of a page explains itself under its own code") func troubles() {
    let codes: [(PageError, String)] = [
      (.refused(request: "x", code: "1"), "webui.refused"),
      (.redirect(to: "<a>"), "webui.redirect"), (.status(404, path: "/"), "webui.status"),
      (.notJSON(path: "/"), "webui.not-json"), (.strangeText(field: "x"), "webui.strange-text"),
      (.missing(field: "x"), "webui.missing"), (.unknownPage, "webui.unknown"),
      (.passwordWrong(triesLeft: nil), "webui.password-wrong"),
      (.locked(seconds: 1), "webui.locked"), (.otherUser, "webui.other-user"),
      (.unknownLogin("x"), "webui.unknown-login"), (.passwordNeeded, "webui.password-needed"),
      (.uploadRefused("failure3"), "webui.upload-refused"),
      (.tooBig(bytes: 2, limit: 1), "webui.too-big"), (.noUpload, "webui.no-upload"),
      (.link(.absent), "web.absent"),
    ]
    for (error, code) in codes {
      #expect(error.trouble.code == code)
      #expect(!error.trouble.advice.isEmpty)
      #expect(!error.trouble.facts.joined().contains("<"))
    }
  }
}

@Suite("JSON of pages") struct PageValueTests {
  private func read(_ text: String) -> PageValue? { PageValue(Array(text.utf8)) }

  @Test("Values are read as they are written") func values() {
    let value = read(#" {"a":"\u00e9\ud83d\ude00\n","b":[1,-2.5e3,true,null],"c":{"d":"7"}} "#)
    #expect(value?["a"] == .text("é😀\n"))
    #expect(value?["b"]?.elements == [.number("1"), .number("-2.5e3"), .bool(true), .null])
    #expect(value?["c"]?["d"]?.int == 7)
    #expect(read("{\"a\":1,\"a\":2}")?["a"]?.int == 1)
  }

  @Test(
    "What is no JSON is nothing",
    arguments: [
      "", "{", "{\"a\"}", "{\"a\":1,}", "[1 2]", "{\"a\":01x}", "\"\\ud800\"", "\"\u{1}\"",
      "<html>", "{} x", "truer", "{\"a\":\"\\x\"}",
    ]) func broken(text: String)
  {
    #expect(read(text) == nil)
  }

  @Test("Depth and number are bounded") func bounds() {
    #expect(read(String(repeating: "[", count: 31) + String(repeating: "]", count: 31)) != nil)
    #expect(read(String(repeating: "[", count: 5000)) == nil)
    #expect(read("[" + String(repeating: "1,", count: 30_000) + "1]") == nil)
  }

  @Test("Random bytes never trap") func random() {
    var dice = Seeded(7)
    for seed in 0..<3000 {
      let count = Int(dice.next() % 60)
      let letters = Array("{}[]\",:\\u0019truefalsnl-. ".utf8)
      let bytes = (0..<count).map { _ in letters[Int(dice.next() % UInt64(letters.count))] }
      if let value = PageValue(bytes) { #expect(!bytes.isEmpty, "seed \(seed) \(value)") }
    }
  }
}
