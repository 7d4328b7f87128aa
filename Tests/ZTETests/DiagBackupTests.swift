import Foundation
import SmithBench
import SmithBytes
import SmithEngine
import SmithLink
import SmithModel
import SmithSimulators
import SmithVendors
import Testing

@Suite("What DIAG gives away, and what goes back") struct DiagBackupTests {
  private func bus(_ weather: Weather = Weather()) async -> VirtualBus<ZTEStick> {
    var stick = ZTEStick()
    stick.setService(true)
    let bus = VirtualBus(stick)
    await bus.pause(.seconds(30))
    bus.setWeather(weather)
    return bus
  }

  private func diag<Body>(_ bus: VirtualBus<Body>) async throws -> any ByteLink {
    try #require(await DiagAccess.open(bus.place, on: bus))
  }

  /// A backup as the command makes it.
  private func backup(_ bus: VirtualBus<ZTEStick>) async throws -> Backup {
    let subject = try #require(try await DiagAccess.look(at: bus.place, on: bus))
    var backup = Backup(of: subject, time: "2026-01-01T00:00:00Z")
    backup.add(try await DiagReader(try await diag(bus)).read(items: 0...600))
    return backup
  }

  private static let lost = [UInt8](repeating: 9, count: 128)
  private static let saved = [UInt8](repeating: 4, count: 128)

  @Test("Versions, named settings and files are read, and the copy knows its unit")
  func everything() async throws {
    let bus = await bus()
    var heard: [String] = []
    let copy = try await DiagReader(try await diag(bus), time: "t")
      .read(items: 0...600) { heard.append($0) }
    #expect(copy.facts.model == "MF667" && copy.facts.chipName == "MDM8200")
    #expect(copy.facts.build == "BD_O2MF667V1.0.0B03")
    #expect(copy.items.map(\.number) == [10, 441, 550])
    #expect(copy.items.map(\.name) == ["mode preference", "band preference", "IMEI"])
    #expect(copy.files.map(\.path).contains("/nv/item_files/a"))
    #expect(copy.files.first { $0.path == "/config" }?.content == Data("BD_O2MF667V1.0.0B03".utf8))
    #expect(copy.leftOut.isEmpty)
    #expect(heard.contains("/"))
    #expect(copy.restorable.keys.sorted() == ["10", "441"])
    #expect(bus.body.complaints.isEmpty)
    let subject = try #require(try await DiagAccess.look(at: bus.place, on: bus))
    #expect(subject.identityHash == copy.identity && copy.identity != nil)
    #expect(subject.report.imei?.digits == bus.body.imei)
    #expect(subject.report.chipset == "Qualcomm MDM8200" && subject.report.world == .qualcomm)
  }

  @Test("A body of which only DIAG answers is told; what it keeps back is said")
  func generic() async throws {
    let bus = VirtualBus(QualcommBody(version: "BD_SIM"))
    await bus.pause(.seconds(30))
    bus.withBody { body in
      body.setItem(550, nil)
      body.breakListing()
    }
    let subject = try #require(try await DiagAccess.look(at: bus.place, on: bus))
    #expect(subject.state == .diag && subject.report.imei == nil)
    #expect(subject.report.revision == "BD_SIM")
    #expect(subject.report.vendor == "zte")
    let copy = try await DiagReader(try await diag(bus)).read(items: 0...20)
    #expect(copy.identity == nil)
    #expect(copy.leftOut.count == 2)
    #expect(copy.leftOut.contains { $0.contains("550") })
    #expect(copy.leftOut.contains { $0.contains("folder /") })
  }

  @Test("A copy is for its owner alone and comes back from its file as it was")
  func file() async throws {
    let bus = await bus()
    let copy = try await DiagReader(try await diag(bus)).read(items: 0...600)
    let path = NSTemporaryDirectory() + "/diag-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try copy.write(to: path)
    let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(rights == 0o600)
    let data = try #require(FileManager.default.contents(atPath: path))
    #expect(try JSONDecoder().decode(DiagCopy.self, from: data) == copy)
  }

  @Test("Harmless settings go back to their unit, after they were shown") func restore()
    async throws
  {
    let bus = await bus()
    let saved = try await backup(bus)
    bus.withBody { $0.setItem(10, Self.lost) }
    let link = try await diag(bus)
    let plan = try await DiagRestore.plan(saved, over: link)
    #expect(plan.changes.map(\.number) == [10])
    #expect(plan.changes.first?.now == "09090909 at 0" && plan.refused.isEmpty)
    #expect(bus.body.item(10) == Self.lost)
    let done = try await DiagRestore.write(plan, from: saved, over: link, Consent(how: "test"))
    #expect(done == [10])
    #expect(bus.body.item(10) == Self.saved)
    #expect(try await DiagRestore.plan(saved, over: link).changes.isEmpty)
    #expect(bus.body.complaints.isEmpty)
  }

  @Test("Identity, locks and calibration are refused, whatever a backup file holds")
  func refused() async throws {
    let bus = await bus()
    var saved = try await backup(bus)
    let sends = bus.sends
    for number in [0, 85, 447, 550, 1943, 4399, 700, 7] {
      saved.diagItems?["\(number)"] = Self.lost.hex
    }
    saved.diagItems?["441"] = "zz"
    let plan = try await DiagRestore.plan(saved, over: try await diag(bus))
    #expect(plan.changes.isEmpty)
    #expect(plan.refused.count == 9)
    #expect(plan.refused.contains { $0.contains("550 (IMEI): identity") })
    let written = try await DiagRestore.write(
      plan, from: saved, over: try await diag(bus), Consent(how: "test"))
    #expect(written.isEmpty && bus.sends > sends)
    #expect(bus.body.item(550) != Self.lost && bus.body.complaints.isEmpty)
  }

  @Test("Another stick's backup, and a stick without identity, are refused") func foreign()
    async throws
  {
    let bus = await bus()
    var saved = try await backup(bus)
    bus.withBody { $0.setItem(10, Self.lost) }
    let own = saved.identity
    for identity in ["ffff", nil, own] {
      saved.identity = identity
      if identity == own { bus.withBody { $0.setItem(550, nil) } }
      do {
        _ = try await DiagRestore.plan(saved, over: try await diag(bus))
        Issue.record("it was taken")
      } catch let error as Trouble {
        #expect(error.code == "diag.foreign-backup")
      }
    }
    #expect(bus.body.item(10) == Self.lost)
  }

  @Test("Cut at any send, a setting is the old or the saved one, and a second try ends it")
  func cutRestore() async throws {
    let calm = await bus()
    let saved = try await backup(calm)
    calm.withBody { $0.setItem(10, Self.lost) }
    let before = calm.sends
    let link = try await diag(calm)
    let plan = try await DiagRestore.plan(saved, over: link)
    _ = try await DiagRestore.write(plan, from: saved, over: link, Consent(how: "test"))
    let count = calm.sends - before
    #expect(count >= 7)
    for send in 1...count {
      for delivered in [false, true] {
        let bus = await bus()
        bus.withBody { $0.setItem(10, Self.lost) }
        var weather = Weather()
        weather.unplugAtSend = bus.sends + send
        weather.unplugAfterDelivery = delivered
        bus.setWeather(weather)
        let outcome = try? await attempt(saved, bus)
        let now = bus.body.item(10)
        #expect(now == Self.lost || now == Self.saved, "send \(send)")
        #expect(outcome == nil || now == Self.saved, "send \(send)")
        #expect(bus.body.item(550) == calm.body.item(550))
        bus.setWeather(Weather())
        bus.replug()
        await bus.pause(.seconds(30))
        _ = try await attempt(saved, bus)
        #expect(bus.body.item(10) == Self.saved, "send \(send)")
        #expect(bus.body.complaints.isEmpty)
      }
    }
  }

  private func attempt(_ saved: Backup, _ bus: VirtualBus<ZTEStick>) async throws -> [UInt16] {
    let link = try await diag(bus)
    let plan = try await DiagRestore.plan(saved, over: link)
    return try await DiagRestore.write(plan, from: saved, over: link, Consent(how: "test"))
  }

  @Test("Cut at any send, a reading ends in a trouble and changes nothing") func cutBackup()
    async throws
  {
    let calm = await bus()
    let before = calm.sends
    _ = try await DiagReader(try await diag(calm)).read(items: 0...12)
    let count = calm.sends - before
    #expect(count > 25)
    for send in 1...count {
      let bus = await bus()
      var weather = Weather()
      weather.unplugAtSend = bus.sends + send
      bus.setWeather(weather)
      do {
        _ = try await DiagReader(try await diag(bus)).read(items: 0...12)
        Issue.record("send \(send): a copy was made of a stick that left")
      } catch let error as Trouble {
        #expect(error.code == "diag.link-lost", "send \(send)")
      }
      #expect(bus.body.item(10) == calm.body.item(10) && bus.body.complaints.isEmpty)
    }
  }
}
