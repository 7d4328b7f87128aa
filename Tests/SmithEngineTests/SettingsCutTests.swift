import SmithAT
import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("Settings, interrupted") struct SettingsCutTests {
  private static let personality = HuaweiBalongStick.Personality.e3372h

  private func bus(cutAt send: Int? = nil, delivered: Bool = false)
    -> VirtualBus<HuaweiBalongStick>
  {
    var weather = Weather()
    weather.unplugAtSend = send
    weather.unplugAfterDelivery = delivered
    return VirtualBus(HuaweiBalongStick(personality: Self.personality), weather: weather)
  }

  private func settings(_ bus: VirtualBus<HuaweiBalongStick>) async throws -> DeviceSettings {
    let link = try await Updater.open(bus.place, on: bus)
    let settings = try await HuaweiSettings.read(over: ATSession(link: link))
    await link.close()
    return settings
  }

  private func restore(_ backup: DeviceSettings, on bus: VirtualBus<HuaweiBalongStick>)
    async throws -> SettingsRestoration
  {
    let link = try await Updater.open(bus.place, on: bus)
    let done = try await HuaweiSettings.restore(backup, over: ATSession(link: link))
    await link.close()
    return done
  }

  @Test("A restore cut at every send is finished by the same command", arguments: [false, true])
  func restored(delivered: Bool) async throws {
    let calm = bus()
    var backup = try await settings(calm)
    backup.profiles = [
      .init(id: 1, type: "IP", apn: "one.example"), .init(id: 2, type: "IP", apn: "two.example"),
    ]
    let before = calm.sends
    #expect(try await restore(backup, on: calm).restored.count == 2)
    #expect(calm.sends > before + 2)
    for send in 1...(calm.sends - before) {
      let bus = bus(cutAt: send, delivered: delivered)
      _ = try? await restore(backup, on: bus)
      bus.setWeather(Weather())
      bus.replug()
      let rest = try await restore(backup, on: bus)
      #expect(rest.leftOut.isEmpty, "cut at \(send): \(rest.leftOut)")
      let now = try await settings(bus)
      #expect(backup.profiles?.allSatisfy { now.profiles?.contains($0) == true } == true)
      #expect(now.ports == backup.ports && now.network == backup.network, "cut at \(send)")
    }
  }

  @Test("A CD that is hidden: cut at every send, the AT port stays, and nothing untrue is said")
  func hidden() async throws {
    let calm = bus()
    _ = try await hide(calm)
    let old = HuaweiBalongStick(personality: Self.personality).flash.nv.setPort
    let new = calm.body.flash.nv.setPort
    #expect(old != new)
    var open = 0
    for send in 1...calm.sends {
      for delivered in [false, true] {
        let bus = bus(cutAt: send, delivered: delivered)
        let trouble: Trouble?
        do throws(Trouble) {
          _ = try await hide(bus)
          trouble = nil
        } catch { trouble = error }
        let now = bus.body.flash.nv.setPort
        #expect(now == old || now == new, "cut at \(send)")
        if now == new { #expect(trouble?.aftermath != .untouched, "cut at \(send)") }
        if trouble == nil { #expect(now == new, "cut at \(send)") }
        if let trouble, trouble.aftermath == .unknown {
          open += 1
          #expect(trouble.exitCode == .unknown)
        }
        bus.setWeather(Weather())
        bus.replug()
        _ = try await hide(bus)
        #expect(bus.body.flash.nv.setPort == new, "cut at \(send)")
      }
    }
    #expect(open >= 2, "the command itself was cut before and after its delivery")
  }

  private func hide(_ bus: VirtualBus<HuaweiBalongStick>) async throws(Trouble) -> String? {
    let keeper = DashboardKeeper(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
    return try await keeper.setDisc(shown: false, at: bus.place) { _, _, _ in
      Consent(how: "test")
    }.backup
  }
}
