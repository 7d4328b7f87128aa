import Foundation
import SmithLink
import SmithPorts
import Testing

@Suite("The page of the program") struct ServeFaceTests {
  @Test("shows the stick that was named, and which of the owner's files fit it") func named()
    async throws
  {
    let bench = try Bench()
    let data = "\(bench.folder)/data"
    let fits = try await bench.sample()
    let other = try await bench.sample("huawei-e3276", version: "21.263.99.00.00")
    let added = try await Child.run("library", "add", fits, other, "--data-dir", data)
    try #require(added.code == 0, "\(added.err)")
    let stick = try await bench.plug()
    let page = try Child([
      "serve", "--stick-port", bench.port, "--data-dir", data, "--state-dir", bench.state, "--json",
    ])
    let said = try await page.line("address") { $0.contains("\"serving\"") }
    let object = try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [String: Any]
    let address = try #require((object?["url"] as? String).flatMap { URL(string: $0) })

    let sticks = try await ask(address, "/api/sticks")
    #expect(sticks.first?["place"] as? String == bench.port)
    let place = bench.port.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let files = try await ask(address, "/api/fits?place=\(place)")
    func answer(_ path: String) -> String? {
      let name = URL(fileURLWithPath: path).lastPathComponent
      let file = files.first { ($0["name"] as? String)?.hasSuffix("/\(name)") == true }
      return (file?["fit"] as? [String: Any])?["answer"] as? String
    }
    #expect(answer(fits) == "fits")
    #expect(answer(other) != "fits")
    #expect(try !bench.wasTouched())
    page.signal(SIGINT)
    _ = try await page.end()
    try await bench.unplug(stick)
  }

  /// One question to the page, with the token of its address.
  private func ask(_ address: URL, _ path: String) async throws -> [[String: Any]] {
    let items = URLComponents(url: address, resolvingAgainstBaseURL: false)?.queryItems
    let token = try #require(items?.first { $0.name == "token" }?.value)
    let link = CurlWebLink(try WebAddress("http://127.0.0.1:\(address.port ?? 0)"))
    let answer = try await link.exchange(
      WebRequest("GET", path, headers: [WebHeader("X-Modemsmith-Token", token)]),
      within: .seconds(60))
    #expect(answer.status == 200)
    return try #require(
      JSONSerialization.jsonObject(with: Data(answer.body)) as? [[String: Any]])
  }
}
