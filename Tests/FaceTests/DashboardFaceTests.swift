import Foundation
import Testing

@Suite("A dashboard over a PTY", .serialized) struct DashboardFaceTests {
  @Test("is shown, installed out of a combined package, hidden and shown again")
  func whole() async throws {
    let bench = try Bench()
    let both = try await bench.sample(
      "huawei-e3372h", version: "21.200.99.00.00", kib: 64, "--kind", "both")
    let stick = try await bench.plug("huawei-e3372h")
    let inFile = try await Child.run("dashboard", "show", both, "--json")
    #expect(inFile.report["family"] as? String == "stick", "\(inFile.out)")
    #expect(inFile.report["dashboard"] as? String == "UTPS23.015.99.00.00")
    #expect((inFile.report["items"] as? [String])?.count == 1)
    let before = try await bench.run("dashboard", "show")
    #expect(before.report["cd_shown"] as? Bool == true, "\(before.out)")

    let install = try await bench.run("dashboard", "install", both, "--yes")
    #expect(install.code == 0, "\(install.out.suffix(1500))")
    #expect(install.report["verdict"] as? String == "updated")
    let after = try await bench.run("dashboard", "show")
    #expect(after.report["dashboard"] as? String == "UTPS23.015.99.00.00")
    #expect(try await bench.version() == "21.200.07.00.00", "the firmware is as before")
    #expect(try await bench.run("dashboard", "install", both, "--yes").code == 3)

    #expect(try await bench.run("dashboard", "remove").trouble == "consent.missing")
    let remove = try await bench.run("dashboard", "remove", "--yes")
    #expect(remove.code == 0, "\(remove.out)")
    #expect(remove.report["ports"] as? String == "A2;12,1,16,A2")
    #expect(try await bench.run("dashboard", "remove", "--yes").code == 3)
    let back = try await bench.run("dashboard", "install", "--yes")
    #expect(back.report["cd_shown"] as? Bool == true)
    try await bench.unplug(stick)
  }

  @Test("with a web interface is written to a HiLink stick, and the page tells it") func hiLink()
    async throws
  {
    let bench = try Bench()
    let file = try await bench.sample(
      "huawei-e3372h-hilink", version: "22.333.63.00.74", kib: 64, "--kind", "dashboard")
    let stick = try Child([
      "sim", "huawei-e3372h-hilink", "--http", "127.0.0.1:0", "--link", bench.port, "--speed", "40",
    ])
    let line = try await stick.line("page") { $0.hasPrefix("published http") }
    let url = String(line.split(separator: " ")[1])
    let done = try await bench.run("dashboard", "install", file, "--web", url, "--yes")
    #expect(done.code == 0, "\(done.out.suffix(1500))")
    let shown = try await bench.run("dashboard", "show", "--web", url)
    #expect(shown.report["web_interface"] as? String == "WEBUI_17.100.99.00.00_HILINK")
    #expect(shown.report["firmware"] as? String == "22.329.63.00.74")
    #expect(try await bench.run("dashboard", "install", file, "--web", url, "--yes").code == 3)
    let hidden = try await bench.run("dashboard", "remove", "--web", url, "--yes")
    #expect(hidden.trouble == "dashboard.no-setport")
    try await bench.unplug(stick)
  }

  @Test("package is refused by update, and firmware by dashboard install") func refusals()
    async throws
  {
    let bench = try Bench()
    let disc = try await bench.sample(
      "huawei-e3131", version: "21.157.37.00.00", kib: 32, "--kind", "dashboard")
    let firmware = try await bench.sample(kib: 32)
    let stick = try await bench.plug()
    #expect(try await bench.run("update", disc, "--yes").trouble == "plan.not-firmware-kind")
    let wrong = try await bench.run("dashboard", "install", firmware, "--yes")
    #expect(wrong.trouble == "dashboard.none-in-file")
    #expect(wrong.code == 5)
    #expect(!(try bench.wasTouched()))
    try await bench.unplug(stick)
  }
}
