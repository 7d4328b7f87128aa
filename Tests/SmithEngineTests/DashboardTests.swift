import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("A dashboard") struct DashboardTests {
  private static let newer = "UTPS23.015.99.00.00"

  private func package(
    _ personality: HuaweiBalongStick.Personality = .e3372h,
    _ kind: SamplePackage.Kind = .dashboard, dashboard: String = newer, signed: Bool = false
  ) throws -> CheckedImage {
    var sample = SamplePackage(for: personality)
    sample.kind = kind
    sample.bytes = 9000
    sample.dashboard = dashboard
    sample.signed = signed
    sample.version = Scenes.newer(personality)
    return try CheckedImage(SharedBytes(sample.build()), named: "/nowhere/dash.bin")
  }

  private func keeper(
    _ bus: VirtualBus<HuaweiBalongStick>, owner: any Owner = TrialOwner(),
    journal: MemoryJournal = MemoryJournal()
  ) -> DashboardKeeper {
    DashboardKeeper(
      bus: bus, owner: owner,
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: .memory(), tool: "test"))
  }

  @Test(
    "is written through download mode and nothing else of the stick changes",
    arguments: ["huawei-e3131", "huawei-e3276", "huawei-e3372h"],
    [SamplePackage.Kind.dashboard, .both])
  func installed(name: String, kind: SamplePackage.Kind) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let stick = HuaweiBalongStick(personality: personality)
    let bus = VirtualBus(stick)
    let image = try package(personality, kind)
    let report = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(report.warnings.isEmpty, "\(report.warnings)")
    let flash = bus.body.flash
    #expect(flash.dashboard == Self.newer)
    #expect(flash.firmware == personality.firmware)
    #expect(flash.nv == stick.flash.nv)
    #expect(flash.nvRestores == 0)
    let disc: Set<UInt32> = [0x10c, 0xb0000]
    for item in flash.items where !disc.contains(item.id) {
      #expect(item == stick.flash.item(item.id), "item \(item.id) belongs to the firmware")
    }
    // Once more is nothing to do.
    let again = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(again.verdict == .unchanged && again.trouble == nil)
  }

  @Test("that ends up as another version is told") func otherVersion() async throws {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3131))
    let image = try package(.e3131, dashboard: "UTPS23.015.77.00.00")
    bus.withBody { stick in stick.flash.dashboard = "" }
    let report = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated)
    #expect(report.exitCode == .ok)
    #expect(bus.body.flash.dashboard == "UTPS23.015.77.00.00")
  }

  @Test("of HiLink firmware does not go onto stick firmware, nor the other way round")
  func pairing() async throws {
    let hiLink = try package(dashboard: "WEBUI_17.100.13.01.03_HILINK")
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3372h))
    let sends = bus.sends
    let report = await keeper(bus).install(hiLink, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "dashboard.wrong-family")
    #expect(report.exitCode == .refused)
    #expect(bus.body.flash == HuaweiBalongStick(personality: .e3372h).flash)
    #expect(bus.sends > sends, "it was asked")

    var policy = Policy()
    policy.forced = [.family]
    #expect(
      await keeper(bus).install(hiLink, at: bus.place, policy: policy).verdict == .updated)

    let webbed = HuaweiBalongStick(
      personality: .e3372h, firmware: FirmwareVersion("22.200.05.00.00"))
    let other = VirtualBus(webbed)
    let reverse = await keeper(other).install(try package(), at: other.place, policy: Policy())
    #expect(reverse.trouble?.code == "dashboard.wrong-family")
  }

  @Test("is not taken out of a package that is signed as a whole, nor out of one without it")
  func packages() throws {
    func code(_ image: CheckedImage) -> String? {
      do throws(Trouble) {
        _ = try image.dashboardOnly()
        return nil
      } catch { return error.code }
    }
    #expect(code(try package(.e3372h, .both, signed: true)) == "dashboard.signed-package")
    #expect(code(try package(.e3372h, .firmware)) == "dashboard.none-in-file")
    let both = try package(.e3372h, .both)
    let part = try both.dashboardOnly()
    #expect(part.image.segments.map(\.id) == [0xb0000])
    #expect(part.sha256 != both.sha256)
    let pure = try package(.e3372h, .dashboard)
    #expect(try pure.dashboardOnly().sha256 == pure.sha256)
  }

  @Test("is finished by resume wherever the power was cut", arguments: [false, true])
  func cut(afterDelivery: Bool) async throws {
    let whole = try package(.e3131, .both)
    let calm = VirtualBus(HuaweiBalongStick(personality: .e3131))
    _ = await keeper(calm).install(whole, at: calm.place, policy: Policy())
    for send in 1...calm.sends {
      var weather = Weather()
      weather.unplugAtSend = send
      weather.unplugAfterDelivery = afterDelivery
      let bus = VirtualBus(HuaweiBalongStick(personality: .e3131), weather: weather)
      let journal = MemoryJournal()
      let report = await keeper(bus, journal: journal)
        .install(whole, at: bus.place, policy: Policy())
      bus.setWeather(Weather())
      bus.replug()
      guard report.verdict != .updated, report.verdict != .unchanged,
        case .planned(let header)? = journal.records.first
      else { continue }
      let later = MemoryJournal(journal.records)
      let resumed = await Scenes.updater(bus, later).resume(
        whole.asPlanned(header.plan), header, journal.records, journal: later, policy: Policy())
      #expect(
        resumed.verdict == .updated || resumed.verdict == .failedStillWorks,
        "cut at \(send): \(resumed.verdict) \(String(describing: resumed.trouble))")
      let flash = bus.body.flash
      #expect(flash.allPartsComplete, "cut at \(send)")
      #expect(flash.firmware == HuaweiBalongStick.Personality.e3131.firmware, "cut at \(send)")
    }
  }

  @Test("is hidden and shown again by the port set-up, and the AT port stays") func hidden()
    async throws
  {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3372h))
    let before = bus.body.flash.nv.setPort
    let keeper = keeper(bus)
    #expect(try await keeper.look(bus.place).isShown == true)
    let (hidden, saved) = try await keeper.setDisc(shown: false, at: bus.place) { _, _, _ in
      Consent(how: "test")
    }
    #expect(saved == "memory")
    #expect(!HuaweiDisc.isShown(hidden))
    #expect(bus.body.flash.nv.setPort == "A2;12,1,16,A2")
    bus.replug()
    #expect(try await keeper.look(bus.place).isShown == false)
    let nothing = try await keeper.setDisc(shown: false, at: bus.place) { _, _, _ in nil }
    #expect(nothing.backup == nil)
    _ = try await keeper.setDisc(shown: true, at: bus.place) { _, _, _ in Consent(how: "test") }
    #expect(bus.body.flash.nv.setPort == "A1,A2;12,1,16,A2,A1")
    #expect(before == "A1,A2;12,1,16,A1,A2")
  }

  @Test("is left alone without consent") func reluctant() async throws {
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3372h))
    do throws(Trouble) {
      _ = try await keeper(bus).setDisc(shown: false, at: bus.place) { _, _, _ in nil }
      Issue.record("it went on")
    } catch { #expect(error.code == "consent.missing") }
    #expect(bus.body.flash == HuaweiBalongStick(personality: .e3372h).flash)
  }

  @Test("cannot be asked for in download mode, and not without a port set-up") func refusals()
    async throws
  {
    func code(_ change: (inout HuaweiBalongStick) -> Void) async -> String? {
      var stick = HuaweiBalongStick(personality: .e3372h)
      change(&stick)
      let bus = VirtualBus(stick)
      do throws(Trouble) {
        _ = try await keeper(bus).setDisc(shown: false, at: bus.place) { _, _, _ in
          Consent(how: "test")
        }
        return nil
      } catch { return error.code }
    }
    #expect(await code { $0.flash.allPartsComplete = false } == "dashboard.not-normal")
    #expect(await code { $0.options.lacksSetPort = true } == "dashboard.no-setport")
    #expect(await code { $0.options.refusesSetPort = true } == "dashboard.setport-refused")
    #expect(await code { _ in } == nil)
  }

  @Test("set-up never loses the AT port") func guarded() {
    let broken = DeviceSettings.PortSetup(before: ["A1"], after: ["1", "A1"])
    #expect(HuaweiDisc.hidden(broken) == nil, "dashboard.no-at-port")
    #expect(HuaweiDisc.shown(broken) == nil)
    let lone = DeviceSettings.PortSetup(before: ["A1"], after: ["12", "A1"])
    #expect(HuaweiDisc.hidden(lone) == .init(before: ["FF"], after: ["12"]))
    #expect(HuaweiDisc.shown(.init(before: ["FF"], after: ["12"])) == lone)
    let old = DeviceSettings.PortSetup(before: [], after: ["2", "3", "A1"])
    #expect(HuaweiDisc.hidden(old) == .init(before: [], after: ["2", "3"]))
  }

  /// The code of a set-up that the stick itself already lacks its AT port in.
  @Test("set-up without AT port is refused by name") func noATPort() async throws {
    var stick = HuaweiBalongStick(personality: .e3372h)
    // A stick may answer on its modem port although no AT port is listed.
    stick.flash.nv.setPort = "A1;1,A1"
    let bus = VirtualBus(stick)
    do throws(Trouble) {
      _ = try await keeper(bus).setDisc(shown: false, at: bus.place) { _, _, _ in
        Consent(how: "test")
      }
      Issue.record("it went on")
    } catch {
      #expect(
        ["dashboard.no-at-port", "dashboard.no-setport", "port.not-found"].contains(error.code))
    }
    #expect(bus.body.flash.nv.setPort == "A1;1,A1")
  }
}

@Suite("A bare CD image") struct DashboardDiscTests {
  private func disc(_ volume: String = "Mobile Partner", _ text: String = "") throws
    -> DashboardDisc
  {
    var builder = ISO9660Builder(volume: volume)
    builder.add("AUTORUN.INF", [UInt8]("[autorun]\r\nopen=AutoRun.exe\r\n".utf8))
    builder.add(
      "Mobile Partner/SysConfig.dat", [UInt8]("[Common]\r\nversion=UTPS23.015.77.08.143\r\n".utf8))
    if !text.isEmpty { builder.add("README.TXT", [UInt8](text.utf8)) }
    return try DashboardDisc(SharedBytes(builder.build()))
  }

  private func keeper(_ bus: VirtualBus<HuaweiBalongStick>) -> DashboardKeeper {
    DashboardKeeper(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
  }

  @Test(
    "is made into the package of the stick's own layout, and written as it is",
    arguments: [
      ("huawei-e3131", UInt32(0x10c)), ("huawei-e3276", 0x10c), ("huawei-e3372h", 0xb0000),
    ])
  func written(_ name: String, _ item: UInt32) async throws {
    let personality = try #require(HuaweiBalongStick.Personality.named(name))
    let bus = VirtualBus(HuaweiBalongStick(personality: personality))
    let before = bus.body.flash
    let disc = try disc()
    let bytes = try await keeper(bus).package(of: disc, at: bus.place)
    let image = try CheckedImage(SharedBytes(bytes), named: "/files/disc.bin")
    #expect(image.image.segments.map(\.id) == [item])
    #expect(image.image.kinds == [.dashboard])
    let report = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(bus.body.flash.firmware == before.firmware && bus.body.flash.nv == before.nv)
    #expect(bus.body.flash.item(item) != before.item(item))
  }

  @Test("of another maker, or for a stick that no table knows, is refused") func refused() throws {
    var report = DeviceReport()
    func code(_ disc: DashboardDisc) -> String? {
      do throws(Trouble) {
        _ = try disc.package(for: report)
        return nil
      } catch { return error.code }
    }
    let disc = try disc()
    #expect(code(disc) == "dashboard.disc-refused")
    report.model = "E3372"
    report.hardware = "CL2E3372HM"
    #expect(code(disc) == nil)
    #expect(DashboardDisc.inference.code == "plan.experimental")
  }

  @Test("is refused by a signed stick, which keeps what it has") func signed() async throws {
    var options = HuaweiBalongStick.Options()
    options.signed = true
    let bus = VirtualBus(HuaweiBalongStick(personality: .e3372h, options: options))
    let before = bus.body.flash.dashboard
    let bytes = try await keeper(bus).package(of: try disc(), at: bus.place)
    let image = try CheckedImage(SharedBytes(bytes), named: "/files/disc.bin")
    let report = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(report.verdict != .updated && report.trouble != nil)
    #expect(bus.body.flash.dashboard == before)
  }

  @Test("does not go onto HiLink firmware") func pairing() async throws {
    let bus = VirtualBus(
      HuaweiBalongStick(personality: .e3372h, firmware: FirmwareVersion("22.200.05.00.00")))
    let bytes = try await keeper(bus).package(of: try disc(), at: bus.place)
    let image = try CheckedImage(SharedBytes(bytes), named: "/files/disc.bin")
    let report = await keeper(bus).install(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "dashboard.wrong-family")
  }
}
