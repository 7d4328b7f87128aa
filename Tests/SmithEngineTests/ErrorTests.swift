import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithProtocols
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("A plan") struct PlanRefusalTests {
  private func refusal(
    _ image: CheckedImage, state: StickState = .normal, _ change: (inout DeviceReport) -> Void
  ) -> Trouble? {
    var report = DeviceReport()
    report.vendor = "huawei"
    report.model = "E3131"
    report.firmware = FirmwareVersion("21.157.31.00.00")
    change(&report)
    let subject = Subject(place: .named("/nowhere"), state: state, report: report)
    do throws(Trouble) {
      _ = try Planner.plan(image, subject, policy: Policy())
      return nil
    } catch { return error }
  }

  private func image(_ kind: Set<ImageKind>, product: String) throws -> CheckedImage {
    var builder = BalongBuilder(kind: kind, compatibility: product)
    builder.add(id: 0x105, data: [UInt8](repeating: 0x5a, count: 5000))
    return try CheckedImage(SharedBytes(builder.build()), named: "/nowhere/sample.bin")
  }

  @Test("is refused for another maker, another chip, another kind of file, and a nameless file")
  func refused() throws {
    let good = try Scenes.package(.e3131)
    #expect(refusal(good) { _ in } == nil)
    let cases: [(Trouble?, String)] = [
      (refusal(good) { $0.vendor = "zte" }, "plan.wrong-vendor"),
      (refusal(good) { $0.world = .qualcomm }, "plan.wrong-chip"),
      (refusal(good, state: .bootROM) { _ in }, "stick.wrong-mode"),
      (refusal(good, state: .diag) { _ in }, "stick.wrong-mode"),
      (refusal(try image([.dashboard], product: "E3531")) { _ in }, "plan.not-firmware-kind"),
      (refusal(try image([.firmware], product: "")) { _ in }, "plan.product-unknown"),
    ]
    for (trouble, code) in cases {
      #expect(trouble?.code == code)
      #expect(trouble?.exitCode == .refused)
      #expect(trouble?.advice.isEmpty == false)
    }
  }
}

@Suite("After the last byte") struct LastWordTests {
  /// Updates a stick to which something happens while it restarts.
  private func report(_ change: @escaping @Sendable (inout HuaweiBalongStick) -> Void) async throws
    -> UpdateReport
  {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let owner = PhaseMeddler(at: .verify) { bus.withBody { change(&$0) } }
    return await Scenes.updater(bus, owner: owner)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
  }

  @Test("a stick that stays away is not called updated, and not called broken") func away()
    async throws
  {
    let report = try await report { $0.unplug(at: .zero) }
    #expect(report.verdict == .unknown)
    #expect(report.exitCode == .unknown)
    #expect(report.trouble?.code == "stick.did-not-return")
  }

  @Test("a stick that runs the old version again is not called updated") func old() async throws {
    let before = HuaweiBalongStick.Personality.e3131.firmware
    let report = try await report { $0.flash.firmware = before }
    #expect(report.verdict == .failedStillWorks)
    #expect(report.exitCode == .stillWorks)
    #expect(report.trouble?.code == "update.unverified")
  }

  @Test("a stick that waits in download mode still needs resume") func waits() async throws {
    let report = try await report { $0.flash.allPartsComplete = false }
    #expect(report.verdict == .needsRescue)
    #expect(report.exitCode == .needsRescue)
    #expect(report.trouble?.code == "update.interrupted")
  }

  @Test("another stick in its place, and one without its number, are both noticed") func identity()
    async throws
  {
    let other = try await report { stick in
      stick.flash.nv.imei = "004999010640018"
      stick.flash.nvBackup?.imei = "004999010640018"
    }
    #expect(other.verdict == .unknown)
    #expect(other.trouble?.code == "stick.identity-changed")
    let lost = try await report { stick in
      stick.flash.nv.imei = ""
      stick.flash.nvBackup?.imei = ""
    }
    #expect(lost.exitCode == .warnings)
    #expect(lost.trouble?.code == "stick.identity-changed")
  }
}

/// A stick with one port that answers everything in its own way.
private struct Parrot: StickBody {
  let role: PortRole
  let answer: @Sendable (String) -> String
  var face: StickFace?
  var nextDue: Duration? { nil }

  init(_ role: PortRole, _ answer: @escaping @Sendable (String) -> String) {
    self.role = role
    self.answer = answer
  }

  mutating func plug(at now: Duration) {
    face = StickFace(generation: 1, id: USBID(0x12d1, 0x1506), ports: [role])
  }
  mutating func unplug(at now: Duration) { face = nil }
  mutating func advance(to now: Duration) -> [Emission] { [] }
  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] {
    let said = answer(String(decoding: bytes, as: UTF8.self))
    return said.isEmpty ? [] : [Emission(port: port, bytes: [UInt8](said.utf8), at: now)]
  }
}

@Suite("A stick that is not what it seems") struct StrangeStickTests {
  private func openError(_ state: BalongState, _ answer: @escaping @Sendable (String) -> String)
    async throws -> String?
  {
    let bus = VirtualBus(Parrot(.download, answer))
    let link = try await bus.open(
      await bus.port(at: bus.place, as: .download, within: .seconds(1)))
    do throws(BalongError) {
      _ = try await BalongMonitor(link).open(state, signature: nil)
      return nil
    } catch { return error.trouble.code }
  }

  @Test("is told apart from a download monitor by its answers") func monitors() async throws {
    #expect(
      try await openError(.downloadAT) { _ in "\r\n1.0\r\n\r\nOK\r\n" } == "balong.wrong-monitor")
    #expect(
      try await openError(.download(monitor: "")) { _ in "" } == "balong.not-download-mode")
  }

  @Test("and refuses download mode keeps its firmware, with a refusal that says so") func refuses()
    async throws
  {
    let model = HuaweiBalongStick.Personality.e3276
    let bus = VirtualBus(
      Parrot(.at) { asked in
        switch asked.uppercased() {
        case "ATI\r":
          "\r\nManufacturer: huawei\r\nModel: \(model.model)\r\n"
            + "Revision: \(model.firmware)\r\nIMEI: 004999010640000\r\n\r\nOK\r\n"
        case "AT+CGMI\r", "AT+GMI\r": "\r\nhuawei\r\n\r\nOK\r\n"
        case "AT+CGMM\r", "AT+GMM\r": "\r\n\(model.model)\r\n\r\nOK\r\n"
        case "AT+CGMR\r", "AT+GMR\r": "\r\n\(model.firmware)\r\n\r\nOK\r\n"
        case "AT+CGSN\r", "AT+GSN\r": "\r\n004999010640000\r\n\r\nOK\r\n"
        case "AT\r", "ATE0\r", "AT+CMEE=1\r", "AT^CURC=0\r": "\r\nOK\r\n"
        default: asked.hasPrefix("AT") || asked.hasPrefix("at") ? "\r\nERROR\r\n" : ""
        }
      })
    let report = await Scenes.updater(bus)
      .update(try Scenes.package(model), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "preflight.no-download-mode")
    #expect(report.trouble?.aftermath == .stillBoots)
    #expect(report.verdict == .unchanged)
    #expect(report.exitCode == .refused)
  }

  @Test("is not blamed for a file that became shorter while it was sent") func shrank()
    async throws
  {
    var stick = Scenes.stick(.e3131)
    stick.flash.allPartsComplete = false
    let bus = VirtualBus(stick)
    let link = try await bus.open(
      await bus.port(at: bus.place, as: .download, within: .seconds(20)))
    let monitor = BalongMonitor(link)
    _ = try await monitor.open(
      try await BalongProbe(link).state(expectingDownload: true), signature: nil)
    let item = BalongItem(id: 0x105, name: "Kernel", size: 9000) { () throws(Trouble) in
      var left = 5000
      return { (count: Int) throws(Trouble) -> [UInt8] in
        defer { left -= min(left, count) }
        return [UInt8](repeating: 1, count: min(left, count))
      }
    }
    let error = await #expect(throws: BalongError.self) {
      try await monitor.write(item) { _ in }
    }
    #expect(error?.trouble.code == "file.shrank")
    #expect(error?.trouble.exitCode == .needsRescue)
  }
}

@Suite("Explanations") struct ExplanationTests {
  @Test("Every failure of a port has its own code, advice, and exit code") func links() {
    let errors: [(LinkError, String, ExitCode)] = [
      (.silent, "stick.silent", .noStick), (.gone, "port.gone", .unknown),
      (.busy(holder: "ModemManager"), "port.busy", .refused),
      (.notPermitted(path: "/dev/ttyUSB0"), "port.not-permitted", .refused),
      (.notFound(path: "/dev/ttyUSB0"), "port.not-found", .noStick),
      (.broken("no reason"), "port.broken", .noStick),
    ]
    for (error, code, exit) in errors {
      #expect(error.trouble.code == code)
      #expect(error.trouble.exitCode == exit)
      #expect(!error.trouble.advice.isEmpty)
    }
    #expect(LinkError.busy(holder: "ModemManager").trouble.summary.contains("ModemManager"))
  }

  @Test("No bad file is merely unknown: every cause has its own code and advice") func files() {
    let spot = ImageSpot(offset: 92, item: 0, name: "Kernel")
    let errors: [ImageError] =
      [
        .empty, .blank(byte: 0xff, count: 9), .notFirmware(size: 9, strays: 0),
        .kindInvalid(spot, found: 0), .truncated(spot, expected: 9, found: 1),
        .headerCRC(spot, expected: 1, found: 2), .blockCRC(spot, block: 1, expected: 1, found: 2),
        .headerSize(spot, expected: 98, found: 1), .blockSizeZero(spot), .itemEmpty(spot),
        .itemTooBig(spot, size: 9, limit: 1), .tooManyItems(limit: 1),
        .duplicateItem(spot, id: 1, first: 0), .itemOverlap(spot, other: 1),
        .firstHeaderLost(expected: nil, found: 1), .chainBroken(spot, next: nil),
        .trailingData(offset: 1, count: 1), .twoPackages(first: 0, second: 1),
        .bomb(spot, stored: 1, limit: 1), .zlibBroken(spot, reason: "r"),
        .lzmaBroken(spot, reason: "r"), .lzmaMemory(spot), .packedTrailing(spot, count: 1),
        .signatureNonsense(spot, blockSize: 1), .folderEmpty, .folderTooMany(found: 2, limit: 1),
        .folderName("n"), .folderOrder(expected: 0, found: 1, name: "n"), .folderHeader(name: "n"),
      ]
    let troubles = errors.map(\.trouble)
    #expect(Set(troubles.map(\.code)).count == errors.count)
    #expect(!troubles.contains { $0.code == "file.unknown" })
    #expect(troubles.allSatisfy { !$0.advice.isEmpty && $0.exitCode == .badFile })
  }
}
