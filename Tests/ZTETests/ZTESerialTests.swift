import SmithAT
import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@testable import SmithVendors

@Suite("ZTE over its AT port") struct ZTESerialTests {
  /// A stick in the service composition, and a session on its AT port.
  private func session(_ options: ZTEStick.Options = .init()) async throws
    -> (VirtualBus<ZTEStick>, ATSession)
  {
    var stick = ZTEStick(options: options)
    stick.setService(true)
    let bus = VirtualBus(stick)
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(30))
    return (bus, ATSession(link: try await bus.open(port)))
  }

  @Test("An MF667 says who it is, and its lock is read and never written") func identity()
    async throws
  {
    var options = ZTEStick.Options()
    options.locked = true
    options.lockTries = 3
    let (bus, session) = try await session(options)
    let report = try await StickIdentity.identify(over: session)
    #expect(report.vendor == "zte")
    #expect(report.model == "MF667")
    #expect(report.firmware?.text == "BD_O2MF667V1.0.0B03")
    #expect(report.customerCode == "O2MF667")
    #expect(report.imei?.masked == "***********0000")
    #expect(report.simLock == .init(status: .codeNeeded, triesLeft: 3, triesAllowed: nil))
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("The verbs find the dialect: settings are read and written back by the stick's own family")
  func family() async throws {
    let (bus, session) = try await session()
    let family = try #require(Families.speaking(as: "zte"))
    let saved = try #require(try await family.settings(over: session))
    #expect(saved.profiles?.first?.apn == "internet" && saved.pinState == "READY")
    bus.withBody { stick in stick.profiles[0]?.apn = "other" }
    #expect(try await family.restore(saved, over: session).restored == ["APN profile 1"])
    #expect(bus.body.profiles[0]?.apn == "internet")
    let updater = Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
    let (link, subject) = try await updater.identify(bus.place, withSettings: true)
    await link.close()
    #expect(subject.settings == saved)
    #expect(subject.report.technology == "3G")
    // Five tries are what such a stick has left; how many it had, nobody documents.
    #expect(subject.report.simLock?.triesLeft == 5 && subject.report.simLock?.wrongCodes == nil)
  }

  @Test("Settings come back as they were") func settings() async throws {
    let (bus, session) = try await session()
    let saved = try await ZTESettings.read(over: session)
    #expect(saved.profiles == [.init(id: 1, type: "IP", apn: "internet")])
    #expect(saved.network == .init(command: "ZSNT", value: "0,0,0"))
    bus.withBody { stick in stick.profiles[0]?.apn = "other" }
    _ = try await session.send("AT+ZSNT=1,0,2")
    let result = try await ZTESettings.restore(saved, over: session)
    #expect(result.leftOut.isEmpty)
    #expect(result.restored == ["APN profile 1", "network mode"])
    #expect(try await ZTESettings.read(over: session) == saved)
  }

  @Test("A network mode cannot carry a second command") func injection() async throws {
    let (_, session) = try await session()
    let bad = DeviceSettings(network: .init(command: "ZSNT", value: "1;+ZCDRUN=E"))
    #expect(try await ZTESettings.restore(bad, over: session).restored.isEmpty)
  }

  @Test(
    "Every switch says what it does for good and how it is undone", arguments: ZTESwitch.allCases)
  func undone(which: ZTESwitch) async throws {
    #expect(which.effect.contains("next plugging-in"))
    #expect(which.undo.undo == which)
    let (bus, session) = try await session()
    let switches = ZTESwitches(session)
    let before = (bus.body.hasAutorun, bus.body.isService)
    // A stick in the service composition may keep its answer to F to itself.
    let outcome = try await switches.set(which)
    #expect(outcome == (which == .serviceOff ? .unseen : .done))
    _ = try await switches.set(which.undo)
    if which == .autorunOff || which == .serviceOff {
      #expect((bus.body.hasAutorun, bus.body.isService) == before)
    }
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("A stick that refuses a switch is a trouble") func refused() async throws {
    #expect(ZTESwitchError.refused(.autorunOff).trouble.code == "zte.switch-refused")
    let (_, session) = try await session()
    let switches = ZTESwitches(session)
    #expect(try await switches.autorun() == true)
    #expect(try await switches.online() == true)
    try await switches.setOnline(false)
    #expect(try await switches.online() == false)
  }

  @Test("The service composition is left with the next plugging-in") func leaving() async throws {
    let (bus, session) = try await session()
    _ = try await ZTESwitches(session).set(.serviceOff)
    bus.replug()
    await bus.pause(.seconds(30))
    #expect(bus.body.face?.id == USBID(0x19d2, 0x1405))
    #expect(bus.body.isListening)
  }
}
