import Foundation
import SmithAT
import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Simulated sticks of the Qualcomm era") struct QualcommPersonalityTests {
  @Test(
    "are identified by their answers alone",
    arguments: HuaweiQualcommStick.Personality.all.map(\.name))
  func identify(name: String) async throws {
    let personality = try #require(HuaweiQualcommStick.Personality.named(name))
    let bus = VirtualBus(HuaweiQualcommStick(personality))
    let (link, subject) = try await Scenes.updater(on: bus).identify(bus.place, withSettings: true)
    await link.close()
    let report = subject.report
    #expect(report.world == .qualcomm)
    #expect(report.model == personality.model)
    #expect(report.firmware?.text == personality.firmware)
    #expect(report.imei?.digits == "004999010640000")
    #expect(report.simLock != nil)
    let sheet = try #require(ModelSheet.fitting(report))
    #expect(sheet.guise.world == .qualcomm && sheet.sheet.evidence == "simulator")
    #expect(sheet.guise.route == (name == "huawei-e220" ? "none" : "huawei-qualcomm"))
    #expect(report.chipset?.hasPrefix("Qualcomm") == true)
    #expect(subject.settings?.profiles?.first?.apn == "internet")
    #expect(bus.body.complaints.isEmpty)
    #expect(bus.body.face?.ports.contains(.diag) == true)
  }

  @Test("answer what was recorded of them, word for word") func recorded() async throws {
    // Number of the record, model, command, and what a unit said.
    let records: [(String, String, String, [String], ATFinal)] = [
      ("hw-001", "e1750", "AT+CGMR", ["11.126.07.04.00"], .ok),
      ("hw-003", "e1750", "AT+CGMM", ["E1750"], .ok),
      ("hw-004", "e1750", "AT+CPROT=?", [], .commandNotSupported),
      ("hw-008", "e1752", "AT+CGMR", ["11.126.03.01.314"], .ok),
      ("hw-010", "e1752", "AT+MODE=2", [], .commandNotSupported),
      ("hw-012", "e1752", "AT+CPIN?", ["+CPIN: READY"], .ok),
      ("hw-013", "e173", "AT+CGMR", ["11.126.85.00.00"], .ok),
      ("hw-016", "e173", "AT+CSQ", ["+CSQ: 24,99"], .ok),
      ("hw-021", "e1553", "AT+CGMR", ["11.608.13.00.150"], .ok),
      (
        "hw-037", "e353q", "AT^GETPORTMODE",
        ["^getportmode:type:WCDMA:Qualcomm,MDM:0,NDIS:1,DIAG:2,PCUI:3"], .ok
      ),
      ("hw-084", "e1550", "AT^HS=0,0", ["^HS:40027477,0,0,0,87"], .ok),
      ("hw-085", "e1550", "AT^CPIN?", ["^CPIN: READY,,10,3,10,0"], .ok),
      ("hw-086", "e1550", "AT^RFSWITCH?", [], .error),
    ]
    for (id, name, command, lines, final) in records {
      let bus = VirtualBus(try Scenes.stick(name))
      let port = try await bus.port(at: bus.place, as: .at, within: .seconds(5))
      let link = try await bus.open(port)
      let answer = try await ATSession(link: link).send(ATCommand(command))
      #expect(answer.lines == lines, "\(id)")
      #expect(answer.final == final, "\(id)")
      await link.close()
    }
  }

  @Test("that report ^BOOT or ^SRVST at any moment are read all the same") func reports()
    async throws
  {
    let bus = VirtualBus(try Scenes.stick("e160e"))
    await bus.pause(.seconds(30))
    let (link, subject) = try await Scenes.updater(on: bus).identify(bus.place, withSettings: true)
    #expect(subject.report.model == "E160E")
    _ = try await ATSession(link: link).send("AT^HS=0,0")
    await link.close()
    #expect(bus.body.nextDue == nil)
  }

  @Test("forget an item that was never begun, and keep one that was") func begun() throws {
    var stick = try Scenes.stick()
    stick.storage.isBegun = true
    stick.plug(at: .zero)
    _ = stick.advance(to: .seconds(5))
    #expect(stick.mode == .loader)
    stick.unplug(at: .seconds(6))
    stick.plug(at: .seconds(7))
    _ = stick.advance(to: .seconds(20))
    #expect(stick.mode == .loader)
  }

  @Test("lose their AT port with composition 0, from the next plug on") func composition() throws {
    var stick = try Scenes.stick()
    stick.plug(at: .zero)
    _ = stick.advance(to: .seconds(1))
    _ = stick.receive([UInt8]("AT^U2DIAG=0\r".utf8), on: 2, at: .seconds(1))
    #expect(stick.face?.ports == [.modem, .diag, .at])
    #expect(stick.complaints == ["a composition without an AT port"])
    stick.unplug(at: .seconds(2))
    stick.plug(at: .seconds(3))
    _ = stick.advance(to: .seconds(5))
    #expect(stick.face?.ports == [.modem])
  }

  @Test("show a disc of their time before the modem, and ports in the classic order")
  func usb() throws {
    for personality in HuaweiQualcommStick.Personality.all {
      var stick = HuaweiQualcommStick(personality)
      stick.plug(at: .zero)
      _ = stick.advance(to: .seconds(1))
      let device = try #require(stick.usbDescription)
      #expect(device.id == personality.options.id)
      #expect(
        ModelSheet.modes(of: device.id).contains { $0.mode == "normal" }, "\(personality.name)")
      let disc = try #require(stick.usbDisc)
      #expect(
        ModelSheet.modes(of: disc.description.id).contains { $0.mode == "cdrom" },
        "\(personality.name)")
    }
  }
}

@Suite("The recorded dialogues") struct TranscriptCoverageTests {
  private struct Entry: Decodable {
    var id: String
    var model: String
    var platform: String?
    var command: String
  }
  private struct File: Decodable { var entries: [Entry] }

  @Test("of Qualcomm-era sticks are each in a table that is tested") func coverage() throws {
    guard let file = RealFile.dialogues(of: "huawei") else {
      try Test.cancel("no dialogues are here")
    }
    let entries = try JSONDecoder().decode(File.self, from: Data(file.bytes())).entries
    let qualcomm = entries.filter { $0.platform?.contains("Qualcomm") == true }
    try #require(qualcomm.count > 30)
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let table = try String(
      contentsOf: tests.appending(path: "SmithVendorsTests/RecordedUnitTable.swift"),
      encoding: .utf8)
    let ranges = table.matches(of: /ids: "([^"]+)"/).map { String($0.output.1) }
    var covered = Set<Int>()
    for text in ranges.joined(separator: ", ").split(separator: ", ") {
      let numbers = text.matches(of: /hw-(\d+)/).compactMap { Int($0.output.1) }
      guard let first = numbers.first, let last = numbers.last else { continue }
      covered.formUnion(first...last)
    }
    // Frames of the capture: the way into the loader has a test of its own.
    covered.formUnion(23...30)
    let missing = qualcomm.filter { entry in
      Int(entry.id.dropFirst(3)).map { !covered.contains($0) } ?? true
    }
    #expect(missing.isEmpty, "\(missing.map { "\($0.id) \($0.model) \($0.command)" })")
  }
}
