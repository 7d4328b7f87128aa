import SmithLink
import SmithModel
import Testing

@testable import SmithVendors

/// A page of the first generation whose fields are written like those of its neighbours.
private final class BarredPage: WebLink {
  var now: Duration { .zero }
  func pause(_ duration: Duration) async {}

  func exchange(
    _ request: WebRequest, within limit: Duration, sent: @Sendable (Int) async -> Void
  ) async throws(WebError) -> WebAnswer {
    let known = [
      "/goform/getSysteminfo":
        "{\"sw_version\":\"L800_02.00_10\",\"hw_version\":\"V1\",\"device_name\":\"L800\","
        + "\"imei\":\"004999010640000\",\"error\":0}",
      "/goform/getProfileList":
        "{\"profile_list\":[{\"profile_id\":1,\"profile_name\":\"p\",\"apn\":\"internet\"}]}",
      "/goform/setBackupSettings": "{\"error\":2}",
    ]
    let path = String(request.path.prefix { $0 != "?" })
    guard let text = known[path] else { return WebAnswer(status: 404) }
    return WebAnswer(status: 200, body: Array(text.utf8))
  }
}

@Suite("An Alcatel page with other spellings") struct AlcatelSpellingTests {
  @Test("is read all the same, and keeps its profiles though it makes no settings file")
  func spelled() async throws {
    let (page, report) = try await StickPages.find(BarredPage(), host: "192.168.1.1")
    #expect(report.model == "L800")
    #expect(report.firmware?.text == "L800_02.00_10")
    #expect(report.imei != nil)
    #expect(try await page.settings().profiles?.map(\.apn) == ["internet"])
    #expect(try await page.settingsFile() == nil)
  }
}
