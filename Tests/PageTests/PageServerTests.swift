import Foundation
import SmithLink
import SmithModel
import SmithPage
import SmithPorts
import Testing

/// A page on a free port, and a client without any manners of a browser.
private struct Bench {
  let url: URL
  let link: CurlWebLink

  static func with<Result>(
    _ body: (Bench) async throws -> Result
  ) async throws -> Result {
    let server = PageServer(
      answers: PageAnswers(
        sticks: { Data(#"[{"model":"E3131"}]"#.utf8) }, history: { Data("[]".utf8) },
        fits: { Data(#"[{"name":"for \#($0 ?? "the only one")"}]"#.utf8) }))
    let (urls, told) = AsyncStream<URL>.makeStream()
    let task = Task { try await server.run { told.yield($0) } }
    defer { task.cancel() }
    var iterator = urls.makeAsyncIterator()
    let url = try #require(await iterator.next())
    let address = try WebAddress("http://127.0.0.1:\(url.port ?? 0)")
    return try await body(Bench(url: url, link: CurlWebLink(address)))
  }

  var token: String {
    URLComponents(url: url, resolvingAgainstBaseURL: false)?.queryItems?.first?.value ?? ""
  }

  func get(_ path: String, _ headers: [WebHeader] = [], method: String = "GET") async throws
    -> WebAnswer
  {
    try await link.exchange(WebRequest(method, path, headers: headers), within: .seconds(10))
  }
}

@Suite("The local page") struct PageServerTests {
  @Test("opens with the printed address, by its own rules for scripts") func opens() async throws {
    try await Bench.with { bench in
      #expect(bench.url.host() == "127.0.0.1")
      let page = try await bench.get("/?token=\(bench.token)")
      #expect(page.status == 200)
      #expect(page["Content-Security-Policy"]?.contains("default-src 'none'") == true)
      #expect(!String(decoding: page.body, as: UTF8.self).contains("http://"))
    }
  }

  @Test("tells sticks and history to who has the token, and to nobody else") func token()
    async throws
  {
    try await Bench.with { bench in
      let mine = WebHeader("X-Modemsmith-Token", bench.token)
      let answer = try await bench.get("/api/sticks", [mine])
      #expect(answer.status == 200)
      #expect(String(decoding: answer.body, as: UTF8.self).contains("E3131"))
      do {
        let answer = try await bench.get("/api/history", [mine])
        #expect(answer.status == 200)
      }
      for path in ["/", "/api/sticks", "/api/history", "/api/sticks?token=\(bench.token)"] {
        do {
          let answer = try await bench.get(path)
          #expect(answer.status == 403, "\(path)")
        }
      }
      let wrong = WebHeader("X-Modemsmith-Token", String(bench.token.reversed()))
      do {
        let answer = try await bench.get("/api/sticks", [wrong])
        #expect(answer.status == 403)
      }
    }
  }

  @Test("tells which files fit the stick at a place, to who has the token") func fits()
    async throws
  {
    try await Bench.with { bench in
      let mine = WebHeader("X-Modemsmith-Token", bench.token)
      for (path, said) in [("/api/fits?place=1-2.3", "for 1-2.3"), ("/api/fits", "for the only")] {
        let answer = try await bench.get(path, [mine])
        #expect(answer.status == 200)
        #expect(String(decoding: answer.body, as: UTF8.self).contains(said))
      }
      #expect(try await bench.get("/api/fits").status == 403)
    }
  }

  @Test("is not there for a rebound name or another page") func foreign() async throws {
    try await Bench.with { bench in
      let mine = WebHeader("X-Modemsmith-Token", bench.token)
      for stranger in [
        WebHeader("Host", "evil.example"), WebHeader("Origin", "http://evil.example"),
        WebHeader("Origin", "null"),
      ] {
        let answer = try await bench.get("/api/sticks", [mine, stranger])
        #expect(answer.status == 403, "\(stranger)")
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("E3131"))
      }
    }
  }

  @Test("has nothing that writes") func readOnly() async throws {
    try await Bench.with { bench in
      let mine = WebHeader("X-Modemsmith-Token", bench.token)
      do {
        let answer = try await bench.get("/api/sticks", [mine], method: "POST")
        #expect(answer.status != 200)
      }
      do {
        let answer = try await bench.get("/etc/passwd", [mine])
        #expect(answer.status == 404)
      }
    }
  }

  @Test("says so where the port is taken") func taken() async throws {
    try await Bench.with { bench in
      let second = PageServer(
        port: UInt16(bench.url.port ?? 0),
        answers: PageAnswers(sticks: { Data() }, history: { Data() }, fits: { _ in Data() }))
      do throws(Trouble) {
        try await second.run { _ in }
        Issue.record("two pages listen on one port")
      } catch { #expect(error.code == "page.cannot-listen") }
    }
  }
}
