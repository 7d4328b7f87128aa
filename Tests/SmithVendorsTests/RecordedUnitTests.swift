import SmithAT
import SmithLink
import SmithModel
import Testing

@testable import SmithVendors

@Suite("Every recorded unit") struct RecordedUnitTests {
  /// The unit as it answers: what is recorded, and the least of a name where nothing is.
  private func link(_ unit: RecordedUnit, echo: Bool) -> ScriptedLink {
    var table = unit.answers
    if table["AT+CGMI"] == nil { table["AT+CGMI"] = "huawei\nOK" }
    if table["AT+CGMM"] == nil { table["AT+CGMM"] = "\(unit.model)\nOK" }
    return ScriptedLink { [table] line in
      let text = (table[line] ?? unit.unknown).split(
        separator: "\n", omittingEmptySubsequences: false
      )
      .joined(separator: "\r\n")
      return [.text((echo ? line + "\r" : "") + "\r\n\(text)\r\n")]
    }
  }

  @Test("is identified as its record says", arguments: recordedUnits)
  func identify(unit: RecordedUnit) async throws {
    for echo in [false, true] {
      let report = try await StickIdentity.identify(over: ATSession(link: link(unit, echo: echo)))
      #expect(report.vendor == "huawei")
      #expect(report.model == unit.model)
      #expect(report.firmware?.text == unit.firmware)
      #expect(report.world == unit.world, "\(report.worldEvidence)")
      #expect(report.imei?.digits ?? "012345678901237" == "012345678901237")
      // The fields that a record holds are not lost on the way.
      let said = unit.answers.values.joined()
      #expect((report.simLock != nil) == (unit.answers["AT^CARDLOCK?"] != nil))
      #expect(report.portRoles.isEmpty == (unit.answers["AT^GETPORTMODE"] == nil))
      #expect((report.compileDate != nil) == said.contains("BDT:"))
      #expect((report.hardware != nil) == (said.contains("FHVER") || said.contains("EXTH")))
      #expect((report.signal != nil) == (unit.answers["AT+CSQ"] != nil))
      if unit.ids == "hw-022" { #expect(report.identityDamaged) }
    }
  }

  @Test("has the chip of its board, never of its name")
  func chips() async throws {
    var chips: [String: String] = [:]
    for unit in recordedUnits {
      let report = try await StickIdentity.identify(over: ATSession(link: link(unit, echo: true)))
      chips[unit.ids] = report.chipset
      if report.world == .unknown, report.hardware == nil { #expect(report.chipset == nil) }
    }
    #expect(chips["hw-050 to hw-053"] == "Balong V7R11")
    #expect(chips["hw-058, hw-059"] == "Balong V7R2")
    #expect(chips["hw-048, hw-049"] == "Balong V7R1")
    #expect(chips["hw-039 to hw-043"] == "Balong V3")
    #expect(chips["hw-017"]?.contains("HiSilicon") == true)
    #expect(chips["hw-087"]?.contains("Qualcomm") == true)
    #expect(chips["hw-062"] == nil)
  }

  @Test("covers the models of the reference") func coverage() {
    #expect(recordedUnits.count == 45)
    let models = Set(recordedUnits.map(\.model))
    for model in ["E1750", "E1752", "E173", "E1550", "E353s-2A", "E303", "E3131", "E3276"] {
      #expect(models.contains(model))
    }
  }

  @Test("by its id alone says what support rests on, where a family is for its maker")
  func evidence() {
    let ids = [
      USBID(0x12d1, 0x1001), USBID(0x12d1, 0x14db), USBID(0x12d1, 0x1443), USBID(0x12d1, 0xffff),
      USBID(0x1199, 0x68a3), USBID(0x19d2, 0x0016), USBID(0x1bbb, 0x0017),
    ]
    for id in ids { #expect(Families.evidence(for: id) == "simulator", "\(id)") }
    #expect(Families.evidence(for: USBID(0x0bda, 0x8152)) == nil)
  }

  @Test("without the platform of its name-sake is offered no image of it") func lookAlikes() {
    let catalogue = DeviceCatalogue.huaweiBalong
    #expect(catalogue.products(model: "E3372", hardware: "CL2E3372HM Ver.A") == ["BV7R11HS"])
    #expect(catalogue.products(model: "E3372h-153", hardware: nil) == ["BV7R11HS"])
    #expect(catalogue.products(model: "E3372h-320", hardware: nil) == [])
    #expect(catalogue.products(model: "E3372", hardware: "CL1E3372SM Ver.A") == [])
    #expect(catalogue.products(model: "E3372s-153", hardware: nil) == [])
  }
}

@Suite("Model sheets") struct ModelSheetTests {
  @Test("All are read, and hold what a sheet must hold") func whole() {
    #expect(ModelSheet.huawei.count == ModelSheet.expected)
    for sheet in ModelSheet.huawei {
      #expect(sheet.vendor == "huawei" && sheet.evidence == "simulator", "\(sheet.name)")
      #expect(!sheet.models.isEmpty && !sheet.guises.isEmpty, "\(sheet.name)")
      #expect(sheet.models.allSatisfy { $0 == $0.uppercased() })
      for guise in sheet.guises {
        #expect(["A", "B", "C", "D", "V"].contains(guise.mark))
        #expect(["huawei-balong", "huawei-qualcomm", "none"].contains(guise.route))
        #expect(guise.ids["normal"]?.isEmpty == false)
        for (mode, ids) in guise.ids {
          #expect(["cdrom", "normal", "serial", "download"].contains(mode))
          for id in ids { #expect(id.wholeMatch(of: /12d1:[0-9a-f]{4}/) != nil, "\(id)") }
        }
        // The planner's table and the sheets must not contradict each other.
        for product in guise.products where guise.route == "huawei-balong" {
          let family = DeviceCatalogue.huaweiBalong.families.first { $0.product == product }
          if let family { #expect(family.chip == guise.chip, "\(sheet.name) \(product)") }
        }
      }
      for seconds in [
        sheet.timing.switchSeconds, sheet.timing.enterSeconds, sheet.timing.returnSeconds,
      ] { #expect((5...120).contains(seconds)) }
    }
  }

  @Test(
    "Every model of the mission has a sheet",
    arguments: [
      "E220", "E1550", "E153", "E173", "E1750", "E303", "E3131", "E353", "E3272", "E3276", "E3372",
      "E3531", "E5330", "E5776", "E8372",
    ]) func missions(model: String)
  {
    #expect(ModelSheet.huawei.contains { $0.models.contains { model.hasPrefix($0) } })
  }

  @Test(
    "The answers choose the guise",
    arguments: [
      ("E303", "21.157.31.00.00", "CH1E3531SM Ver.A", DeviceReport.World.balongStick, "E303"),
      ("E303", "22.157.31.00.00", nil, .balongHiLink, "E303"),
      ("E303", "11.126.85.00.00", nil, .qualcomm, "E303"),
      ("E173", "21.017.09.00.314", nil, .balongStick, "E173"),
      ("E1732", "11.126.16.04.617", nil, .qualcomm, "E1750"),
      ("E3372", "21.300.05.00.143", "CL1E3372SM Ver.A", .balongStick, "E3372s"),
      ("E3372", "22.329.63.00.74", "CL2E3372HM Ver.A", .balongHiLink, "E3372h"),
    ] as [(String, String, String?, DeviceReport.World, String)])
  func guises(
    model: String, firmware: String, hardware: String?, world: DeviceReport.World, name: String
  ) throws {
    var report = DeviceReport()
    (report.vendor, report.model, report.hardware) = ("huawei", model, hardware)
    report.firmware = FirmwareVersion(firmware)
    report.world = HuaweiIdentity.world(of: report).0
    #expect(report.world == world)
    let fit = try #require(ModelSheet.fitting(report))
    #expect(fit.sheet.name == name)
    #expect(fit.guise.world == world)
    #expect(firmware.hasPrefix(fit.guise.firmware))
  }

  @Test("A stick of an unknown world fits no sheet, and a USB id is only a question") func open() {
    var report = DeviceReport()
    (report.vendor, report.model) = ("huawei", "E3372h-320")
    report.firmware = FirmwareVersion("10.0.5.1(H195SP3C983)")
    #expect(ModelSheet.fitting(report) == nil)
    report.vendor = "zte"
    #expect(ModelSheet.fitting(report) == nil)
    let modes = Set(ModelSheet.modes(of: USBID(0x12d1, 0x1c05)).map(\.mode))
    #expect(modes == ["normal", "download", "serial"])
    #expect(ModelSheet.decode([0x7b]) == nil)
  }

  @Test("Band, technology and voice are read where they are told") func readers() {
    func answer(_ lines: String..., final: ATFinal = .ok) -> ATResponse {
      .init(lines: lines, final: final)
    }
    #expect(
      HuaweiAnswers.band(answer("^HFREQINFO:0,6,1,425,21525,15000,18425,19625,15000"))
        == "LTE band 1")
    #expect(HuaweiAnswers.band(answer("^HFREQINFO:0,6")) == nil)
    #expect(HuaweiAnswers.technology([2, 4, 5, 5, 1]) == "WCDMA")
    #expect(HuaweiAnswers.technology([2]) == nil)
    #expect(HuaweiAnswers.voice(answer("^CVOICE:0,8000,16,20")) == "on (0,8000,16,20)")
    #expect(HuaweiAnswers.voice(answer(final: .error)) == "none")
  }
}
