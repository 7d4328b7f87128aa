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

/// A whole HiLink stick with its page and its ports in virtual time, and an owner's computer.
struct Desk {
  /// The personality's version with a later second group.
  static func newer(_ personality: HuaweiHiLinkStick.Personality = .e3372h) -> String {
    var groups = personality.firmware.split(separator: ".").map(String.init)
    groups[1] = "399"
    return groups.joined(separator: ".")
  }
  let bus: VirtualBus<HiLinkBalongStick>
  let link: VirtualWebLink<HiLinkBalongStick>
  let backups = BackupStore.memory()

  init(
    _ personality: HuaweiHiLinkStick.Personality = .e3372h, weather: Weather = Weather(),
    web: WebWeather = WebWeather(), seed: UInt64 = 1,
    change: (inout HiLinkBalongStick) -> Void = { _ in }
  ) async {
    var stick = HiLinkBalongStick(personality, seed: seed)
    stick.losesProfiles = true
    stick.page.profiles.append(.init(index: 3, name: "Village", apn: "village.net"))
    change(&stick)
    bus = VirtualBus(stick, seed: seed)
    link = VirtualWebLink(bus, seed: seed)
    await bus.pause(.seconds(20))
    bus.setWeather(weather)
    link.setWeather(web)
  }

  static func image(
    _ personality: HuaweiHiLinkStick.Personality = .e3372h, version: String? = nil
  ) throws -> CheckedImage {
    var sample = SamplePackage(for: HiLinkBalongStick.chip(of: personality))
    sample.version = version ?? newer(personality)
    sample.bytes = 9000
    return try CheckedImage(SharedBytes(sample.build()), named: "/files/firmware.bin")
  }

  func updater(_ journal: any Journal) -> Updater {
    Updater(
      bus: bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: backups, tool: "test"),
      page: StickPageDoor(
        link, address: "http://192.168.8.1", login: .init(user: "admin", password: "simulated")))
  }

  func update(_ image: CheckedImage, _ journal: MemoryJournal = MemoryJournal()) async
    -> UpdateReport
  {
    await updater(journal).update(image, at: bus.place, policy: Policy())
  }

  /// What must be true whatever happened: the verdict is so.
  func lies(_ report: UpdateReport) -> String? {
    let stick = bus.body
    let isNew =
      stick.core.flash.firmware == Self.newer(stick.page.personality)
      && stick.core.flash.allPartsComplete
    switch report.verdict {
    case .updated: return isNew ? nil : "called updated and is not"
    case .unchanged, .failedStillWorks:
      return stick.core.flash.allPartsComplete ? nil : "called working and is half written"
    case .needsRescue, .unknown: return nil
    }
  }

  /// A person plugs the stick in again and runs `resume` until it is done.
  func finish(_ image: CheckedImage, _ journal: MemoryJournal) async -> UpdateReport? {
    bus.setWeather(Weather())
    link.setWeather(WebWeather())
    var records = journal.records
    var last: UpdateReport?
    for _ in 0..<3 {
      guard case .planned(let header)? = records.first else { return last }
      bus.revive()
      bus.replug()
      let later = MemoryJournal(records)
      last = await updater(later).resume(
        image, header, records, journal: later, policy: Policy())
      records = later.records
      if last?.verdict == .updated { return last }
    }
    return last
  }
}

@Suite("A HiLink update in one go") struct HiLinkUpdateTests {
  @Test(
    "goes from the page to download mode and back, and the profiles are there again",
    arguments: [HuaweiHiLinkStick.Personality.e3372h, .e303, .e3531])
  func good(_ personality: HuaweiHiLinkStick.Personality) async throws {
    let desk = await Desk(personality)
    let before = desk.bus.body
    let report = await desk.update(try Desk.image(personality))
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(report.before?.text == personality.firmware)
    #expect(report.after?.text == Desk.newer(personality))
    #expect(report.device.world == .balongHiLink)
    let after = desk.bus.body
    #expect(after.isListening)
    #expect(after.core.flash.nv == before.core.flash.nv)
    let names = after.page.profiles.map { $0.fields["Name"] }
    #expect(names.contains("Village"))
    #expect(report.backup != nil)
  }

  @Test("goes over debug mode where that is the only way") func debugOnly() async throws {
    var personality = HuaweiHiLinkStick.Personality.e3372h
    personality.switches.modes = [1]
    personality.switches.cgi = false
    let desk = await Desk(personality)
    let report = await desk.update(try Desk.image())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
  }

  @Test("of a stick that knows no way to a port is refused, and the page stays") func noWay()
    async throws
  {
    var personality = HuaweiHiLinkStick.Personality.e3372h
    personality.switches.modes = []
    personality.switches.cgi = false
    let desk = await Desk(personality)
    let journal = MemoryJournal()
    let report = await desk.update(try Desk.image(), journal)
    #expect(report.verdict == .unchanged)
    #expect(report.trouble?.code == "hilink.no-switch")
    #expect(report.exitCode == .refused)
    #expect(desk.bus.body.isListening)
    #expect(!journal.records.contains(.entering))
  }

  @Test("of what it runs already does nothing, and never leaves the page") func same() async throws
  {
    let desk = await Desk()
    let own = HuaweiHiLinkStick.Personality.e3372h.firmware
    let report = await desk.update(try Desk.image(version: own))
    #expect(report.verdict == .unchanged && report.trouble == nil)
    #expect(desk.bus.sends == 0)
  }

  @Test("is refused after one attempt where the login is wrong") func login() async throws {
    var personality = HuaweiHiLinkStick.Personality.e3372h
    personality.wantsLogin = true
    let guarded = await Desk(personality) { $0.page.account.password = "changed" }
    let refused = await guarded.update(try Desk.image())
    #expect(refused.trouble?.code == "hilink.login-refused")
    #expect(refused.verdict == .unchanged)
    #expect(guarded.bus.body.page.wrongLogins == 1)
  }

  @Test("cut at every request to the page is survived, and resume finishes the job")
  func everyRequest() async throws {
    let image = try Desk.image()
    let calm = await Desk()
    #expect(await calm.update(image).verdict == .updated)
    let requests = calm.link.requests
    try #require(requests > 10)
    for cut in 1...min(requests, 60) {
      for (after, power) in [(false, false), (true, false), (false, true), (true, true)] {
        var web = WebWeather()
        web.cutAtRequest = cut
        web.cutAfterActing = after
        web.cutIsPower = power
        let desk = await Desk(web: web)
        let journal = MemoryJournal()
        let report = await desk.update(image, journal)
        let what = "cut \(cut) \(after) \(power): \(report.verdict) \(report.trouble?.code ?? "")"
        #expect(desk.lies(report) == nil, "\(what)")
        guard report.verdict != .updated else { continue }
        if let last = await desk.finish(image, journal) {
          #expect(
            last.verdict == .updated, "\(what), then \(last.verdict) \(last.trouble?.code ?? "")")
          #expect(desk.lies(last) == nil, "\(what)")
        }
      }
    }
  }

  @Test("cut at every send to a port is survived, and resume finishes the job")
  func everySend() async throws {
    let image = try Desk.image()
    let calm = await Desk()
    #expect(await calm.update(image).verdict == .updated)
    try #require(calm.bus.sends > 20)
    for send in 1...calm.bus.sends {
      for afterDelivery in [false, true] {
        var weather = Weather()
        weather.unplugAtSend = send
        weather.unplugAfterDelivery = afterDelivery
        let desk = await Desk(weather: weather)
        let journal = MemoryJournal()
        let report = await desk.update(image, journal)
        let what = "cut \(send) \(afterDelivery): \(report.verdict) \(report.trouble?.code ?? "")"
        #expect(desk.lies(report) == nil, "\(what)")
        guard report.verdict != .updated else { continue }
        let last = await desk.finish(image, journal)
        if desk.bus.body.face?.ports == [.bootROM] {
          // A boot part that was cut in the middle is a matter for `rescue`, and that is said.
          #expect(last?.verdict == .needsRescue && last?.trouble?.code == "stick.wrong-mode")
          continue
        }
        #expect(last?.verdict == .updated, "\(what), then \(String(describing: last?.trouble))")
        #expect(last.flatMap { desk.lies($0) } == nil, "\(what)")
      }
    }
  }

  @Test("of a host that dies after any journal record is finished by resume")
  func everyRecord() async throws {
    let image = try Desk.image()
    let calm = MemoryJournal()
    _ = await Desk().update(image, calm)
    try #require(calm.records.count > 6)
    for record in 1...calm.records.count {
      let desk = await Desk()
      let bus = desk.bus
      let journal = MemoryJournal(crashAfter: record) { bus.killHost() }
      _ = await desk.update(image, journal)
      let last = await desk.finish(image, journal)
      #expect(last?.verdict == .updated, "crash after \(record): \(String(describing: last))")
    }
  }
}

@Suite("A HiLink dashboard") struct HiLinkDashboardTests {
  private static let web = "WEBUI_17.100.99.00.03_HILINK"

  /// A package with a small CD image and a page, or with the CD image alone.
  private func package(web: Bool = true) throws -> CheckedImage {
    let kinds: Set<ImageKind> = web ? [.dashboard, .webInterface] : [.dashboard]
    var builder = BalongBuilder(kind: kinds, compatibility: "BV7R11HS")
    let marker = Array("SMITHSIM-DASHBOARD:\(web ? Self.web : "UTPS23.1.2");".utf8)
    builder.add(
      id: 0xb0000, data: marker + [UInt8](repeating: 7, count: 3000),
      version: web ? "" : "UTPS23.1.2")
    if web {
      builder.add(
        id: 0x5b0000, data: marker + [UInt8](repeating: 9, count: 4000), version: Self.web)
    }
    return try CheckedImage(SharedBytes(builder.build()), named: "/files/web.bin")
  }

  private func keeper(_ desk: Desk, _ journal: MemoryJournal = MemoryJournal()) -> DashboardKeeper {
    DashboardKeeper(
      bus: desk.bus, owner: TrialOwner(),
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: desk.backups, tool: "test"),
      page: StickPageDoor(desk.link, address: "http://192.168.8.1"))
  }

  @Test("is written through download mode, and the page comes back with it") func installed()
    async throws
  {
    let desk = await Desk()
    let before = desk.bus.body.core.flash
    let report = await keeper(desk).install(try package(), at: desk.bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(String(describing: report.trouble))")
    #expect(report.device.webInterface == Self.web)
    let flash = desk.bus.body.core.flash
    #expect(flash.firmware == before.firmware && flash.nv == before.nv)
    #expect(desk.bus.body.isListening)
    let state = try await keeper(desk).look(desk.bus.place)
    #expect(state.webInterface == Self.web)
    let again = await keeper(desk).install(try package(), at: desk.bus.place, policy: Policy())
    #expect(again.verdict == .unchanged && again.trouble == nil)
  }

  @Test("of stick firmware is refused: the pair would show neither page nor port") func pairing()
    async throws
  {
    let desk = await Desk()
    let report = await keeper(desk).install(
      try package(web: false), at: desk.bus.place, policy: Policy())
    #expect(report.trouble?.code == "dashboard.wrong-family")
    #expect(desk.bus.sends == 0)
  }
}
