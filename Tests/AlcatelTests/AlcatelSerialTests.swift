import Foundation
import SmithAT
import SmithBench
import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators
import Testing

@testable import SmithVendors

@Suite("Alcatel over its AT port") struct AlcatelSerialTests {
  private func session(_ personality: AlcatelStick.Personality) async throws
    -> (VirtualBus<AlcatelStick>, ATSession)
  {
    var options = AlcatelStick.Options()
    options.showsPorts = true
    let bus = VirtualBus(AlcatelStick(personality, options: options))
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(30))
    return (bus, ATSession(link: try await bus.open(port)))
  }

  @Test("A stick says who it is, and its revision which kind it is of") func identity()
    async throws
  {
    let (_, session) = try await session(.x220)
    let report = try await StickIdentity.identify(over: session)
    #expect(report.vendor == "alcatel")
    #expect(report.model == "HSPA Data Card")
    #expect(report.firmware?.text == "L1112000")
    #expect(report.imei != nil)
    #expect(report.worldEvidence.first?.contains("X200") == true)
    let (_, page) = try await self.session(.l800)
    #expect(try await StickIdentity.identify(over: page).model == "L800")
  }

  @Test("L and C tell X200 and X060S apart")
  func kinds() {
    #expect(AlcatelIdentity.kind(revision: "L1112000") == .serial)
    #expect(AlcatelIdentity.kind(revision: "C1111000") == .resold)
    #expect(AlcatelIdentity.kind(revision: "") == nil)
  }

  @Test("The verbs find the dialect, and the lock that the SIM shows") func family() async throws {
    let (bus, session) = try await session(.x220)
    let family = try #require(Families.speaking(as: "alcatel"))
    let saved = try #require(try await family.settings(over: session))
    bus.withBody { stick in stick.profiles[1] = "lost" }
    #expect(try await family.restore(saved, over: session).restored == ["APN profile 1"])
    #expect(bus.body.profiles[1] == "internet")
    let report = try await StickIdentity.identify(over: session)
    #expect(report.simLock?.status == .noCodeNeeded && report.simLock?.triesLeft == nil)
    #expect(LockDialects.speaking(as: "alcatel") == nil)
  }

  @Test("Settings come back as they were") func settings() async throws {
    let (bus, session) = try await session(.x220)
    let saved = try await AlcatelSettings.read(over: session)
    #expect(saved.profiles?.first?.apn == "internet")
    #expect(saved.network == .init(command: "SYSSEL", value: "0"))
    bus.withBody { stick in stick.profiles[1] = "lost" }
    _ = try await session.send("AT+SYSSEL=,2,0")
    let result = try await AlcatelSettings.restore(saved, over: session)
    #expect(result.leftOut.isEmpty)
    #expect(try await AlcatelSettings.read(over: session) == saved)
    let bad = DeviceSettings(network: .init(command: "SYSSEL", value: "0;^X"))
    #expect(try await AlcatelSettings.restore(bad, over: session).restored.isEmpty)
  }

  @Test("Every recorded dialogue is understood") func transcripts() throws {
    let entries = try Self.recorded()
    #expect(entries.count == 5)
    for (id, command, lines) in entries {
      let response = ATResponse(lines: lines.filter { $0 != "OK" && !$0.isEmpty }, final: .ok)
      switch command {
      case "ATI":
        var report = DeviceReport()
        GenericIdentity.apply(lines, to: &report)
        #expect(report.vendor == "alcatel", "\(id)")
        #expect(AlcatelIdentity.kind(revision: report.firmware?.text ?? "") == .resold)
      case "AT+GMR": #expect(AlcatelIdentity.revision(response)?.first == "L", "\(id)")
      case "AT+SYSSEL?": #expect(AlcatelSettings.mode(response) == 0, "\(id)")
      default: #expect(command.hasPrefix("AT+S"), "\(id)")
      }
    }
  }

  /// The recorded dialogues; where they are absent, the test is skipped.
  private static func recorded() throws -> [(String, String, [String])] {
    guard let file = RealFile.dialogues(of: "alcatel") else {
      try Test.cancel("no dialogues are here")
    }
    let root = try JSONSerialization.jsonObject(with: Data(file.bytes())) as? [String: Any]
    let entries = try #require(root?["entries"] as? [[String: Any]])
    return entries.compactMap { entry in
      guard entry["kind"] as? String == "at", let id = entry["id"] as? String,
        let command = entry["command"] as? String,
        let lines = entry["response_lines"] as? [String]
      else { return nil }
      return (id, command, lines)
    }
  }

  @Test("The catalogue names the reference model and gives ids their modes") func catalogue() {
    #expect(AlcatelCatalogue.all.vendor == "alcatel")
    #expect(AlcatelCatalogue.hasPage("L800"))
    #expect(!AlcatelCatalogue.hasPage("L800Z"))
    #expect(!AlcatelCatalogue.hasPage("HSPA Data Card"))
    #expect(AlcatelCatalogue.all.modes(of: USBID(0x1bbb, 0x0195)).map(\.mode) == ["network"])
  }
}
