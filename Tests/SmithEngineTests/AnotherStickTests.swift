import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import SmithVendors
import Synchronization
import Testing

@Suite("A stick that leaves while it is written") struct AnotherStickTests {
  /// Another unit, and one that lost its number.
  static let newcomers = ["004999010640018", ""]

  @Test("and another at its place is asked for its number only", arguments: newcomers)
  func another(number: String) async throws {
    let other = Self.stick(number)
    let (report, bus) = try await Self.update(replacedBy: other)
    #expect(report.trouble?.code == "stick.another")
    #expect(report.trouble?.advice.contains { $0.contains("modemsmith resume") } == true)
    #expect(report.verdict == .needsRescue)
    #expect(bus.body.flash == other.flash)
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(60))
    let now = try await Subject.ask(try await bus.open(port), at: bus.place)
    #expect(now.state == .normal)
  }

  @Test("and comes back in normal mode itself is gone on with") func same() async throws {
    let (report, _) = try await Self.update(replacedBy: Self.stick())
    #expect(report.verdict == .updated, "\(report)")
  }

  /// An update in whose middle the stick is pulled out and another body is plugged in.
  private static func update(replacedBy other: HuaweiBalongStick) async throws
    -> (UpdateReport, VirtualBus<HuaweiBalongStick>)
  {
    let image = try Scenes.package(.e3131)
    let bus = VirtualBus(stick(), weather: try await cut(image))
    let owner = Plugger(plug: {
      bus.withBody { $0 = other }
      bus.replug()
    })
    let report = await Scenes.updater(bus, owner: owner)
      .update(image, at: bus.place, policy: Policy())
    return (report, bus)
  }

  @Test("at each of its stages, and by its plug too, is written to the end") func stages()
    async throws
  {
    var builder = BalongBuilder(kind: [.firmware], compatibility: "B710S0")
    for id: UInt32 in [0x100, 0x01_0000, 0x48_0000, 0x49_0000, 0x104] {
      builder.add(
        id: id, data: Array("SMITHSIM-VERSION:21.263.99.00.00;".utf8), version: "21.263.99.00.00")
    }
    let image = try CheckedImage(SharedBytes(builder.build()), named: "/nowhere/stages.bin")
    let calm = VirtualBus(Scenes.stick(.e3276))
    let plain = await Scenes.updater(calm).update(image, at: calm.place, policy: Policy())
    #expect(plain.verdict == .updated && calm.body.boots > 5)
    let bus = VirtualBus(Scenes.stick(.e3276))
    // Before the end of the last item is acknowledged.
    let owner = Plugger {
      var weather = Weather()
      weather.unplugAtSend = bus.sends + 1
      bus.setWeather(weather)
    } plug: {
      if bus.body.nextDue == nil { bus.replug() }
    }
    let report = await Scenes.updater(bus, owner: owner)
      .update(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(report.trouble?.code ?? "no trouble")")
    #expect(bus.body.boots > calm.body.boots)
  }

  /// One port only, as where a port was named: it is looked at whatever it may be now.
  static func stick(_ number: String = "004999010640000") -> HuaweiBalongStick {
    var options = HuaweiBalongStick.Options()
    options.singlePort = true
    return HuaweiBalongStick(personality: .e3131, imei: number, options: options)
  }

  /// Power that goes while items are written.
  static func cut(_ image: CheckedImage) async throws -> Weather {
    let sends = await Trial(stick(), image).run().sends
    for send in (1...sends).reversed() {
      let bus = VirtualBus(stick())
      var weather = Weather()
      weather.unplugAtSend = send
      bus.setWeather(weather)
      let owner = Plugger(plug: { bus.replug() })
      let report = await Scenes.updater(bus, owner: owner)
        .update(image, at: bus.place, policy: Policy())
      if owner.wasAsked, report.verdict == .updated { return weather }
    }
    throw BusError.absent(.usb("1-1"), .download)
  }
}

/// An owner who plugs something in when told that the stick left, and may pull it out before.
private final class Plugger: Owner {
  private let pull: @Sendable () -> Void
  private let plug: @Sendable () -> Void
  private let asked = Mutex(false)
  private let pulled = Mutex(false)

  /// - Parameter pull: called once, when every byte is acknowledged.
  init(_ pull: @escaping @Sendable () -> Void = {}, plug: @escaping @Sendable () -> Void) {
    self.pull = pull
    self.plug = plug
  }

  var wasAsked: Bool { asked.withLock { $0 } }
  var wantsToStop: Bool { false }
  func consent(to plan: CheckedPlan) async -> Consent? { Consent(how: "test") }
  func hear(_ event: UpdateEvent) async {
    switch event {
    case .note(let text) where text.hasPrefix("The stick left"):
      asked.withLock { $0 = true }
      plug()
    case .progress(let progress) where progress.percent == 100:
      let isFirst = pulled.withLock { pulled in
        defer { pulled = true }
        return !pulled
      }
      if isFirst { pull() }
    default: break
    }
  }
}
