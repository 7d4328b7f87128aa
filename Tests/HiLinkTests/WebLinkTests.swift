import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import Synchronization
import Testing

@Suite("Links to pages") struct WebLinkTests {
  @Test("The virtual link reads what a page says", arguments: PageCase.all)
  func virtual(_ page: PageCase) async {
    let bus = VirtualBus(RawPage(page.text, ending: page.ending))
    await expect(page, over: VirtualWebLink(bus), within: .seconds(20))
  }

  @Test("The real link reads the same over TCP", arguments: PageCase.all)
  func real(_ page: PageCase) async throws {
    // The only case that waits for its limit gets a short one.
    let limit: Duration = page.ending == .stall ? .milliseconds(200) : .seconds(20)
    try await Served.run(RawPage(page.text, ending: page.ending)) { link, _ in
      await expect(page, over: link, within: limit)
    }
  }

  private func expect(_ page: PageCase, over link: any WebLink, within limit: Duration) async {
    let request = WebRequest("GET", "/", answerLimit: PageCase.limit)
    do throws(WebError) {
      let answer = try await link.exchange(request, within: limit)
      #expect(page.expected == .success(String(decoding: answer.body, as: UTF8.self)))
      #expect(answer.status == 200)
    } catch {
      #expect(page.expected == .failure(error))
    }
  }

  @Test("A redirect is an answer; nobody goes there") func redirect() async throws {
    let text = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"
    try await Served.run(RawPage(text, ending: .open)) { link, server in
      let answer = try await link.exchange(WebRequest("GET", "/a?b=c"), within: .seconds(20))
      #expect(answer.status == 302)
      #expect(answer["location"] == "http://127.0.0.1:1/x")
      let calls = server.change { body, _ in body.calls.map(\.path) }
      #expect(calls == ["/a?b=c"])
    }
  }

  @Test("A broken connection is not tried again: the stick sees one request") func once()
    async throws
  {
    try await Served.run(RawPage([])) { link, server in
      await #expect(throws: WebError.gone) {
        try await link.exchange(
          WebRequest("POST", "/x", body: [SharedBytes([1])]), within: .seconds(20))
      }
      #expect(server.change { body, _ in body.calls.count } == 1)
    }
  }

  @Test("Headers and a body of several parts arrive whole, and the progress ends at their size")
  func upload() async throws {
    let part = SharedBytes([UInt8](repeating: 7, count: 300_000))
    let request = WebRequest(
      "POST", "/up", headers: [WebHeader("Cookie", "SessionID=abc"), WebHeader("X-Empty", "")],
      body: [part, SharedBytes([1, 2, 3])])
    let page = WebReply.page(body: [], at: .zero)
    let last = Mutex(0)
    try await Served.run(RawPage([page])) { link, server in
      _ = try await link.exchange(request, within: .seconds(20)) { count in
        last.withLock { $0 = count }
      }
      let call = try #require(server.change { body, _ in body.calls.first })
      #expect(call.body.bytes() == part.bytes() + [1, 2, 3])
      #expect(call["cookie"] == "SessionID=abc")
      #expect(call["Expect"] == nil)
      #expect(call["Content-Length"] == "300003")
    }
    #expect(last.withLock { $0 } == 300_003)
    let bus = VirtualBus(RawPage([page]))
    _ = try await VirtualWebLink(bus).exchange(request, within: .seconds(20)) { count in
      last.withLock { $0 = -count }
    }
    #expect(last.withLock { $0 } == -300_003)
    #expect(bus.body.calls.first?.body.count == 300_003)
  }

  @Test("Where nothing listens, nothing was sent") func absent() async throws {
    let bus = VirtualBus(RawPage([]))
    bus.killHost()
    await #expect(throws: WebError.absent) {
      try await VirtualWebLink(bus).exchange(WebRequest("GET", "/"), within: .seconds(1))
    }
    try await Served.run(RawPage([])) { link, server in
      server.change { body, now in body.unplug(at: now) }
      await server.withdrawn()
      await #expect(throws: WebError.absent) {
        try await link.exchange(WebRequest("GET", "/"), within: .seconds(20))
      }
    }
  }

  @Test("A path or a header that would break out of its line is not sent")
  func injection() async throws {
    let link = CurlWebLink(try WebAddress("127.0.0.1:9"))
    for request in [
      WebRequest("GET", "/a b"), WebRequest("GET", "/a\r\nX: y"), WebRequest("GET", "x"),
      WebRequest("GET", "/", headers: [WebHeader("A", "b\r\nC: d")]),
    ] {
      do throws(WebError) {
        _ = try await link.exchange(request, within: .seconds(1))
        Issue.record("it was sent")
      } catch {
        #expect(error.trouble.code == "web.broken")
      }
    }
  }

  @Test("Addresses are hosts of plain http and nothing more") func addresses() throws {
    #expect(try WebAddress("http://192.168.8.1/").description == "http://192.168.8.1")
    #expect(try WebAddress("HTTP://hi.link:8080").description == "http://hi.link:8080")
    #expect(try WebAddress("[fe80::1]:81").port == 81)
    for bad in [
      "https://192.168.8.1", "http://a@b", "http://a/b", "", "http://", "a:0", "a:70000", "a b",
      "ftp://x", "[::1", "a:b:80",
    ] {
      #expect(throws: WebError.self, "\(bad)") { try WebAddress(bad) }
    }
  }

  @Test("Every error of a page has its page of words") func troubles() {
    let codes = [WebError.absent, .silent, .gone, .tooLong(limit: 9), .garbled, .broken("x")]
      .map { $0.trouble.code }
    #expect(
      codes == [
        "web.absent", "web.silent", "web.gone", "web.too-long", "web.garbled", "web.broken",
      ])
  }
}
