import SmithBench
import SmithEngine
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
    let image = try Scenes.package(.e3131)
    let bus = VirtualBus(Self.stick())
    let other = Self.stick(number)
    let owner = Plugger {
      bus.withBody { $0 = other }
      bus.replug()
    }
    bus.setWeather(try await Self.cut(image))
    let report = await Scenes.updater(bus, owner: owner)
      .update(image, at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "stick.another")
    #expect(report.trouble?.advice.contains { $0.contains("modemsmith resume") } == true)
    #expect(report.verdict == .needsRescue)
    #expect(bus.body.flash == other.flash)
    let port = try await bus.port(at: bus.place, as: .at, within: .seconds(60))
    let now = try await Subject.ask(try await bus.open(port), at: bus.place)
    #expect(now.state == .normal)
  }

  @Test("and comes back in normal mode itself is gone on with") func same() async throws {
    let image = try Scenes.package(.e3131)
    let before = Self.stick()
    let bus = VirtualBus(before)
    let owner = Plugger {
      bus.withBody { $0 = before }
      bus.replug()
    }
    bus.setWeather(try await Self.cut(image))
    let report = await Scenes.updater(bus, owner: owner)
      .update(image, at: bus.place, policy: Policy())
    #expect(report.verdict == .updated, "\(report)")
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
      let owner = Plugger { bus.replug() }
      let report = await Scenes.updater(bus, owner: owner)
        .update(image, at: bus.place, policy: Policy())
      if owner.wasAsked, report.verdict == .updated { return weather }
    }
    throw BusError.absent(.usb("1-1"), .download)
  }
}

/// An owner who plugs something in when told that the stick left.
private final class Plugger: Owner {
  private let plug: @Sendable () -> Void
  private let asked = Mutex(false)

  init(_ plug: @escaping @Sendable () -> Void) { self.plug = plug }

  var wasAsked: Bool { asked.withLock { $0 } }
  var wantsToStop: Bool { false }
  func consent(to plan: CheckedPlan) async -> Consent? { Consent(how: "test") }
  func hear(_ event: UpdateEvent) async {
    guard case .note(let text) = event, text.hasPrefix("The stick left") else { return }
    asked.withLock { $0 = true }
    plug()
  }
}
