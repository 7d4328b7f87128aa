import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import SmithVendors
import Testing

@Suite("HiLink: hostile pages") struct HostileTests {
  @Test("Well-formed answers are read: entities, comments, CDATA, attributes, empty elements")
  func reads() throws {
    let text = """
      \u{feff}<?xml version="1.0"?><!-- a --><api version='1.0'><a>x &amp; y&#33;&#x41;</a><b/>\
      <c><![CDATA[<z>]]></c><d> two </d><e>A&T</e></api>\u{0}\r\n
      """
    let read = try HiLinkXML.read(Array(text.utf8))
    #expect(read.name == "api")
    #expect(read["a"] == "x & y!A")
    #expect(read["b"] == nil)
    #expect(read["c"] == "<z>")
    #expect(read["d"] == "two")
    #expect(read["e"] == "A&T")
  }

  static let bad: [(String, String)] = [
    ("empty", ""), ("text", "hello"), ("html", "<!DOCTYPE html><html><body>login</body></html>"),
    ("unclosed html", "<html><head><meta charset=utf-8></head></html>"),
    ("cut", "<response><a>1</a>"), ("crossed", "<a><b></a></b>"), ("two", "<a/><b/>"),
    ("own entity", "<a>&x;</a>"), ("zero", "<a>&#0;</a>"), ("surrogate", "<a>&#xd800;</a>"),
    (
      "billion laughs",
      "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>"
    ),
    ("deep", String(repeating: "<a>", count: 100)),
    ("wide", "<a>" + String(repeating: "<b/>", count: 3000) + "</a>"),
    ("long", "<a>" + String(repeating: "x", count: 70_000) + "</a>"),
    ("comment without end", "<a><!-- x"), ("file", "<!ENTITY x SYSTEM \"file:///etc/passwd\"><a/>"),
  ]

  @Test("What is no small XML is refused with a place", arguments: bad)
  func refuses(_ name: String, _ text: String) {
    do throws(HiLinkError) {
      _ = try HiLinkXML.read(Array(text.utf8))
      Issue.record("\(name) was read")
    } catch {
      #expect(error.trouble.code == "hilink.bad-answer")
    }
  }

  @Test("Bytes of every kind end in a document or an error", arguments: 0..<50)
  func fuzz(_ seed: UInt64) {
    var dice = Seeded(seed)
    let words = [
      "<", ">", "</", "/>", "a", "&", ";", "#x", "<!--", "-->", "<![CDATA[", "]]>", " ", "=\"",
    ]
    for _ in 0..<200 {
      var bytes: [UInt8] = []
      for _ in 0..<(dice.next() % 40) {
        if dice.happens(0.2) {
          bytes.append(UInt8(truncatingIfNeeded: dice.next()))
        } else {
          bytes += Array(words[Int(dice.next() % UInt64(words.count))].utf8)
        }
      }
      if let read = try? HiLinkXML.read(bytes) { #expect(!read.name.isEmpty, "seed \(seed)") }
    }
  }

  static let pages: [(String, String, String)] = [
    (
      "HTML in place of XML", "HTTP/1.1 200 OK\r\n\r\n<html><body>x</body></html>",
      "hilink.not-hilink"
    ),
    (
      "a login page", "HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE html><html><br></html>", "hilink.not-hilink"
    ),
    (
      "a portal", "HTTP/1.1 302 Found\r\nLocation: http://evil/\r\nContent-Length: 0\r\n\r\n",
      "hilink.not-hilink"
    ),
    ("a router", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "hilink.not-hilink"),
    ("too long", "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 70_000), "web.too-long"),
    ("wrong length", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<response/>", "web.gone"),
    ("no HTTP", "hello there\r\n", "web.garbled"),
  ]

  @Test("A page of somebody else is named as such, whatever it sends", arguments: pages)
  func strange(_ name: String, _ text: String, _ code: String) async throws {
    let reply = WebReply([.init(Array(text.utf8), at: .zero)], ending: .close)
    let page = RawPage([WebReply](repeating: reply, count: 50))
    let bus = VirtualBus(page)
    await expect(code, name, VirtualWebLink(bus))
    try await Served.run(page) { link, _ in await expect(code, name, link) }
  }

  private func expect(_ code: String, _ name: String, _ link: any WebLink) async {
    do throws(HiLinkError) {
      _ = try await HiLinkIdentity.identify(over: HiLinkSession(link))
      Issue.record("\(name) was taken for a stick")
    } catch {
      #expect(error.trouble.code == code, "\(name)")
    }
  }

  @Test("A token or cookie that would break out of its header line is not sent back")
  func headers() async throws {
    let evil = "<response><SesInfo>SessionID=a\r\nX: y</SesInfo><TokInfo>b c</TokInfo></response>"
    let ok = WebReply.page(body: Array("<response>OK</response>".utf8), at: .zero)
    let bus = VirtualBus(RawPage([.page(body: Array(evil.utf8), at: .zero), ok, ok, ok]))
    _ = try await HiLinkSession(VirtualWebLink(bus)).post("/api/x", "")
    for call in bus.body.calls {
      #expect(call["Cookie"] == nil)
      #expect(call["__RequestVerificationToken"] == nil)
    }
  }

  @Test("Each refusal has its code and words for what to do") func troubles() {
    let errors: [(HiLinkError, String)] = [
      (.page(.gone), "web.gone"), (.notHiLink(status: 404), "hilink.not-hilink"),
      (.badAnswer("x"), "hilink.bad-answer"),
      (.refused(code: 100_002, path: "/api/x"), "hilink.refused"),
      (.sessionLost(code: 125_002), "hilink.session-lost"),
      (.loginNeeded(path: "/api/x"), "hilink.login-needed"),
      (.loginRefused(code: 108_007), "hilink.login-refused"),
      (.loginUnknown(type: 9), "hilink.login-unknown"),
      (.loginLocked(minutes: 1), "hilink.login-locked"),
      (.loginLocked(minutes: nil), "hilink.login-locked"),
      (.loginUnproven, "hilink.login-unproven"),
    ]
    for (error, code) in errors {
      #expect(error.trouble.code == code)
      #expect(!error.trouble.advice.isEmpty)
    }
    #expect(HiLinkError.words(100_004) == "the stick is busy")
    #expect(HiLinkError.words(1) == nil)
  }
}

@Suite("HiLink over TCP") struct RealPageTests {
  @Test("A stick is asked, backed up and restored over a real connection") func real() async throws
  {
    let stick = HuaweiHiLinkStick(.e3372h)
    try await Served.run(stick, speed: 50) { link, server in
      let session = HiLinkSession(link)
      let report = try await HiLinkIdentity.identify(over: session)
      #expect(report.model == "E3372")
      let saved = try await HiLinkSettings.read(over: session)
      server.change { body, _ in
        body.profiles.removeLast()
        body.profiles.append(.init(index: 3, name: "Other", apn: "o"))
      }
      let result = try await HiLinkSettings.restore(saved, over: HiLinkSession(link))
      #expect(result.restored == ["APN profile Mine"])
      let names = server.change { body, _ in body.profiles.map { $0.fields["Name"] } }
      #expect(names == ["Operator", "Other", "Mine"])
    }
  }

  @Test("Hostile visitors of the served page are sent away, and the next one is served")
  func hostile() async throws {
    let ok = WebReply.page(body: Array("fine".utf8), at: .zero)
    try await Served.run(RawPage([ok, ok, ok, ok])) { link, server in
      let bad = [
        "\r\n\r\n", "GET\r\n\r\n", "GET x HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 200) + "\r\n",
        "GET /" + String(repeating: "x", count: 40_000),
      ]
      for text in bad {
        let answer = try TCPVisitor.ask(link.address.port, text)
        #expect(
          answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 5"), "\(text.prefix(60))")
      }
      let answer = try await link.exchange(WebRequest("GET", "/"), within: .seconds(20))
      #expect(answer.body == Array("fine".utf8))
      #expect(server.change { body, _ in body.calls.count } == 1)
    }
  }

  @Test("Two requests in one packet get two answers in order") func pipelined() async throws {
    let one = WebReply.page(body: Array("one".utf8), at: .zero)
    let two = WebReply.page(body: Array("two".utf8), at: .zero)
    try await Served.run(RawPage([one, two])) { link, _ in
      let text = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n"
      let answer = try TCPVisitor.ask(link.address.port, text)
      let first = try #require(answer.firstRange(of: "one"))
      #expect(answer[first.upperBound...].contains("two"))
    }
  }

  @Test("Only addresses of this computer alone are served") func loopback() async {
    for host in ["0.0.0.0", "192.168.8.1", "example.org", ""] {
      let server = WebPageServer(RawPage([]), host: host, link: "/tmp/hilink-never")
      await #expect(throws: LinkError.self) { try await server.run() }
    }
  }
}
