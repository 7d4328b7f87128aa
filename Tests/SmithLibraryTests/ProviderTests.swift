import Foundation
import SmithModel
import Testing

@testable import SmithLibrary

@Suite("Providers") struct ProviderTests {
  private let sample = """
    <?xml version="1.0"?>
    <!DOCTYPE serviceproviders SYSTEM "serviceproviders.2.dtd">
    <serviceproviders format="2.0"><country code="xx">
    <provider><name>First &amp; Co</name><name xml:lang="yy">Other</name><gsm>
      <network-id mcc="001" mnc="01"/>
      <apn value="mms.example"><usage type="mms"/></apn>
      <apn value="web.example"><usage type="internet"/><name>Contract</name>
        <username>web</username></apn>
    </gsm></provider>
    <provider><name>Second</name><gsm><network-id mcc="001" mnc="010"/>
      <apn value="six.example"/></gsm></provider>
    <provider><name>Third</name><cdma><sid value="1"/></cdma></provider>
    </country></serviceproviders>
    """

  @Test("Access points are found by the network's code, the internet first") func finding() throws {
    let database = ProviderDatabase(Array(sample.utf8))
    let found = try database.accessPoints(of: "00101")
    #expect(
      found == [
        .init(
          provider: "First & Co", plan: "Contract", apn: "web.example", needsUser: true),
        .init(provider: "First & Co", apn: "mms.example", isForInternet: false),
      ])
    #expect(try database.accessPoints(of: "001010").map(\.apn) == ["six.example"])
    let codes = ProviderDatabase.codes(ofSubscriber: "001019999999999")
    #expect(codes == ["001019", "00101"])
    #expect(try database.accessPoints(among: codes).first?.apn == "web.example")
    #expect(ProviderDatabase.codes(ofSubscriber: "ERROR").isEmpty)
    for bad in ["99999", "", "0010", "00a01", "0010100"] {
      #expect(code { _ = try database.accessPoints(of: bad) } == "providers.unknown-network")
    }
  }

  @Test("A missing or broken database is said to be so") func broken() {
    #expect(code { _ = try ProviderDatabase(path: "/nowhere.xml") } == "providers.missing")
    for text in [
      String(sample.dropLast(20)), sample.replacing("&amp;", with: "&bomb;"),
      sample.replacing(
        "\"serviceproviders.2.dtd\"", with: "\"x\" [<!ENTITY a \"b\">]"),
    ] {
      let database = ProviderDatabase(Array(text.utf8))
      #expect(code { _ = try database.accessPoints(of: "00101") } == "providers.unreadable")
    }
  }

  @Test("The database of this system is read") func installed() throws {
    guard FileManager.default.fileExists(atPath: ProviderDatabase.standardPath) else {
      try Test.cancel("mobile-broadband-provider-info is missing")
    }
    let found = try ProviderDatabase().accessPoints(of: "26201")
    #expect(found.contains { $0.apn == "internet.telekom" || $0.apn == "internet.t-mobile" })
    #expect(found.first?.isForInternet == true)
  }
}
