import SmithAT
import SmithBench
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Testing

@Suite("The ports of a Qualcomm-era stick") struct QualcommPortTests {
  private func keeper(_ bus: VirtualBus<HuaweiQualcommStick>) -> PortKeeper {
    PortKeeper(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
  }

  private func set(
    _ wanted: HuaweiPorts.Setting, on bus: VirtualBus<HuaweiQualcommStick>, agrees: Bool = true
  ) async throws -> (now: HuaweiPorts.Setting, backup: String?) {
    try await keeper(bus).set(wanted, at: bus.place) { _ in
      agrees ? Consent(how: "test") : nil
    }
  }

  @Test("are told as one word, or as a list where the stick knows lists") func look() async throws {
    let word = VirtualBus(try Scenes.stick())
    #expect(try await keeper(word).look(word.place).setting == .composition(255))
    #expect(try await keeper(word).look(word.place).ports.map(\.name) == ["MDM", "DIAG", "PCUI"])
    let list = VirtualBus(try Scenes.stick("e353q"))
    let state = try await keeper(list).look(list.place)
    #expect(
      state.setting
        == .list(.init(before: ["A1", "A2"], after: ["1", "16", "3", "2", "A1", "A2"])))
    #expect(state.ports.map(\.role) == [.modem, .unknown, .diag, .at])
    let old = VirtualBus(try Scenes.stick("e220"))
    #expect(try await keeper(old).look(old.place).setting == nil)
  }

  @Test("are set with the words that are in use, once the owner agrees") func word() async throws {
    let bus = VirtualBus(try Scenes.stick())
    let no = await #expect(throws: Trouble.self) {
      _ = try await set(.composition(276), on: bus, agrees: false)
    }
    #expect(no?.code == "consent.missing")
    #expect(bus.body.storage.composition == 255)
    let done = try await set(.composition(276), on: bus)
    #expect(done.now == .composition(276) && done.backup != nil)
    #expect(bus.body.storage.composition == 276)
    #expect(try await set(.composition(276), on: bus).backup == nil)
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("are one word or the other wherever the power was cut, and nothing untrue is said")
  func cut() async throws {
    let calm = VirtualBus(try Scenes.stick())
    _ = try await set(.composition(276), on: calm)
    for send in 1...calm.sends {
      for delivered in [false, true] {
        var weather = Weather()
        weather.unplugAtSend = send
        weather.unplugAfterDelivery = delivered
        let bus = VirtualBus(try Scenes.stick(), weather: weather)
        let trouble = await #expect(throws: Trouble.self, "cut at \(send)") {
          _ = try await set(.composition(276), on: bus)
        }
        let now = bus.body.storage.composition
        #expect(now == 255 || now == 276)
        if now == 276 { #expect(trouble?.aftermath == .unknown, "cut at \(send)") }
        bus.setWeather(Weather())
        bus.replug()
        #expect(try await set(.composition(276), on: bus).now == .composition(276))
      }
    }
  }

  @Test(
    "never lose the AT port: 0 and words that nobody documents stay here",
    arguments: [
      0, 1, 257, 511, -1, 70_000,
    ]) func guardWord(word: Int) async throws
  {
    let bus = VirtualBus(try Scenes.stick())
    let sends = bus.sends
    let refused = await #expect(throws: Trouble.self) {
      _ = try await set(.composition(word), on: bus)
    }
    #expect(refused?.code == "ports.unknown-composition")
    #expect(bus.sends == sends)
    #expect(HuaweiPorts.command(for: .composition(word)) == nil)
  }

  @Test("never lose the AT port: a list without 12 and 2 stays here") func guardList() async throws
  {
    let bus = VirtualBus(try Scenes.stick("e353q"))
    for text in ["A1,A2;1,16,3", "FF;A1", "2;1,3"] {
      let list = try #require(HuaweiPorts.list(text))
      let refused = await #expect(throws: Trouble.self) { _ = try await set(.list(list), on: bus) }
      #expect(refused?.code == "ports.no-at-port", "\(text)")
    }
    let list = try #require(HuaweiPorts.list("FF;1,2,3"))
    #expect(try await set(.list(list), on: bus).now == .list(list))
    #expect(bus.body.storage.portList == "FF;1,2,3")
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("are not set by a command that the stick does not know") func otherKind() async throws {
    for (name, wanted) in [
      ("e1550", HuaweiPorts.Setting.list(.init(before: ["FF"], after: ["1", "2"]))),
      ("e353q", .composition(255)), ("e220", .composition(255)),
    ] {
      let bus = VirtualBus(try Scenes.stick(name))
      let refused = await #expect(throws: Trouble.self) { _ = try await set(wanted, on: bus) }
      #expect(refused?.code == "ports.not-told", "\(name)")
    }
  }

  @Test("are said to be as before where the stick refuses the word") func refused() async throws {
    let link = VirtualBus(try Scenes.stick { $0.refusesPorts = true })
    let error = await #expect(throws: Trouble.self) {
      _ = try await set(.composition(276), on: link)
    }
    #expect(error?.code == "ports.refused")
    #expect(error?.advice.first?.contains("kept its old") == true)
  }

  @Test("of other makers' sticks are not asked for") func otherMaker() async throws {
    let personality = try #require(SierraPersonality.all.first { $0.name == "mc7304" }).personality
    let bus = VirtualBus(SierraStick(personality))
    let keeper = PortKeeper(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in MemoryJournal() }, backups: .memory(), tool: "test"))
    await bus.pause(.seconds(60))
    let error = await #expect(throws: Trouble.self) { _ = try await keeper.look(bus.place) }
    #expect(error?.code == "ports.not-normal")
  }

  @Test(
    "are read from any text without harm",
    arguments: [
      ("", nil), (";", nil), ("1;2;3", nil), ("G1;2", nil), ("111;2", nil), ("1\u{0}2;2", nil),
      ("A1;", nil), ("1,,2;2", "AT^SETPORT=\"1,2;2\""),
      ("A1,A2;12,1,16", "AT^SETPORT=\"A1,A2;12,1,16\""), (" a1 ; 12 ", "AT^SETPORT=\"A1;12\""),
    ] as [(String, ATCommand?)]) func lists(text: String, command: ATCommand?)
  {
    let list = HuaweiPorts.list(text)
    #expect(list.flatMap { HuaweiPorts.command(for: .list($0)) } == command)
    #expect((list == nil) == (command == nil))
  }

  @Test("that leave no AT port are read and never sent", arguments: ["A1;1,16", "12;1", ";FF"])
  func listsWithoutATPort(text: String) throws {
    let list = try #require(HuaweiPorts.list(text))
    #expect(!list.keepsATPort && HuaweiPorts.command(for: .list(list)) == nil)
  }
}

@Suite("The settings of a Qualcomm-era stick") struct QualcommSettingsTests {
  private func settings(_ bus: VirtualBus<HuaweiQualcommStick>) async throws -> DeviceSettings {
    let (link, subject) = try await Scenes.updater(on: bus).identify(
      bus.place, withSettings: true)
    await link.close()
    return try #require(subject.settings)
  }

  @Test("hold the composition word, which is never written back by itself") func composition()
    async throws
  {
    let bus = VirtualBus(try Scenes.stick())
    var saved = try await settings(bus)
    #expect(saved.composition == 255 && saved.ports == nil)
    saved.composition = 0
    saved.profiles?[0].apn = "other"
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(5))
    let link = try await bus.open(port)
    let result = try await HuaweiQualcomm().restore(saved, over: ATSession(link: link))
    #expect(result.restored == ["APN profile 1"])
    #expect(result.leftOut.contains { $0.hasPrefix("ports:") })
    #expect(bus.body.storage.composition == 255)
    #expect(bus.body.storage.apn == "other")
  }

  @Test("over DIAG come back where they are harmless, and identity never leaves") func diag()
    async throws
  {
    let bus = VirtualBus(try Scenes.stick())
    let (link, subject) = try await Scenes.updater(on: bus).identify(bus.place, withSettings: true)
    await link.close()
    var backup = Backup(of: subject, time: "2026-01-01T00:00:00Z")
    let port = try #require(await DiagAccess.open(bus.place, on: bus))
    backup.add(try await DiagReader(port).read(items: 0...600))
    #expect(backup.diagItems?.keys.sorted() == ["10", "441"])
    // Somebody edits the backup file: none of this may reach the stick.
    backup.diagItems?["550"] = String(repeating: "08", count: 128)
    backup.diagItems?["0"] = String(repeating: "11", count: 128)
    backup.diagItems?["442"] = "zz"
    bus.withBody { $0.storage.items[10] = [UInt8](repeating: 9, count: 128) }
    let identity = bus.body.storage.items[550]
    let plan = try await DiagRestore.plan(backup, over: port)
    #expect(plan.changes.map(\.number) == [10])
    #expect(plan.refused.count == 3)
    let written = try await DiagRestore.write(plan, from: backup, over: port, Consent(how: "test"))
    #expect(written == [10])
    #expect(bus.body.storage.items[10] == [UInt8](repeating: 4, count: 128))
    #expect(bus.body.storage.items[550] == identity)
    await port.close()
  }
}
