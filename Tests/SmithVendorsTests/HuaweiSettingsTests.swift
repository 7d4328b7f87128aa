import SmithAT
import SmithLink
import Testing

@testable import SmithVendors

@Suite("Huawei settings") struct HuaweiSettingsTests {
  private let table = [
    "AT+CGDCONT?": "+CGDCONT: 1,\"IP\",\"internet\",\"0.0.0.0\",0,0\n+CGDCONT: 2,\"IP\",\"\"",
    "AT^SETPORT?": "^SETPORT:\"A1,A2;12,1,16,A1,A2\"",
    "AT^SYSCFGEX?": "^SYSCFGEX:\"030201\",3FFFFFFF,1,2,7FFFFFFFFFFFFFFF",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CLCK=\"SC\",2": "+CLCK: 1",
  ]

  private func read(_ table: [String: String]) async throws -> DeviceSettings {
    try await HuaweiSettings.read(over: ATSession(link: stick(table)))
  }

  @Test("Settings are read from the answers") func reading() async throws {
    let settings = try await read(table)
    #expect(
      settings.profiles == [
        .init(id: 1, type: "IP", apn: "internet"), .init(id: 2, type: "IP", apn: ""),
      ])
    #expect(settings.ports?.after == ["12", "1", "16", "A1", "A2"])
    #expect(settings.network?.command == "SYSCFGEX")
    #expect(settings.pinState == "READY")
    #expect(settings.pinRequired == true)
    #expect(settings.bands == .init(mask: "3FFFFFFF", lte: "7FFFFFFFFFFFFFFF"))
    let older = try await read(["AT^SYSCFG?": "^SYSCFG:2,0,3FFFFFFF,1,2"])
    #expect(older.network?.value == "2,0,3FFFFFFF,1,2")
    #expect(older.bands == .init(mask: "3FFFFFFF"))
    #expect(try await read([:]) == DeviceSettings())
  }

  @Test("Only what differs is written back, and never the ports") func restoring() async throws {
    let backup = try await read(table)
    var now = table
    now["AT+CGDCONT?"] = "+CGDCONT: 1,\"IP\",\"changed\"\n+CGDCONT: 2,\"IP\",\"\""
    now["AT^SETPORT?"] = "^SETPORT:\"A1;1\""
    now["AT+CGDCONT=1,\"IP\",\"internet\""] = ""
    let link = stick(now)
    let result = try await HuaweiSettings.restore(backup, over: ATSession(link: link))
    #expect(result.restored == ["APN profile 1"])
    #expect(result.leftOut.count == 1)
    // Whether the SIM's lock is on is asked with a "=" too.
    func writes(_ sent: [String]) -> [String] {
      sent.filter { $0.contains("=") && !$0.hasPrefix("AT+CLCK=\"SC\",2") }
    }
    #expect(writes(link.sent) == ["AT+CGDCONT=1,\"IP\",\"internet\"\r"])
    let same = stick(table)
    _ = try await HuaweiSettings.restore(backup, over: ATSession(link: same))
    #expect(writes(same.sent).isEmpty)
  }

  @Test("A profile name cannot carry a second command") func injection() async throws {
    let backup = DeviceSettings(
      profiles: [.init(id: 1, type: "IP", apn: "x\";^RESET;+CGMM=\"")],
      network: .init(command: "SYSCFGEX", value: "1;^RESET"))
    let link = stick(table)
    let result = try await HuaweiSettings.restore(backup, over: ATSession(link: link))
    #expect(result.restored.isEmpty)
    #expect(result.leftOut.count == 2)
    #expect(!link.sent.contains { $0.contains("RESET") })
  }

  @Test("A composition that loses the AT port has no command") func portGuard() {
    func command(_ before: [String], _ after: [String]) -> String? {
      HuaweiSettings.command(for: .init(before: before, after: after))?.text
    }
    #expect(command(["A1", "A2"], ["12", "1", "16"]) == "AT^SETPORT=\"A1,A2;12,1,16\"")
    #expect(command([], ["2", "3"]) == "AT^SETPORT=\";2,3\"")
    #expect(command(["12"], ["1", "16"]) == nil)
    #expect(command(["A1"], ["1", "12;3"]) == nil)
    #expect(command(["A1\""], ["12"]) == nil)
  }
}
