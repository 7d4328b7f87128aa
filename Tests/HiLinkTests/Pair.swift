import SmithBench
import SmithLink
import SmithModel
public import SmithSimulators
import SmithVendors
public import Testing

/// A simulated HiLink stick, its page and its bus, in virtual time.
struct Pair {
  let bus: VirtualBus<HuaweiHiLinkStick>
  let link: VirtualWebLink<HuaweiHiLinkStick>

  static let login = HiLinkSession.Login(user: "admin", password: "simulated")

  init(
    _ personality: HuaweiHiLinkStick.Personality = .e3372h, weather: WebWeather = WebWeather(),
    seed: UInt64 = 1, change: (inout HuaweiHiLinkStick) -> Void = { _ in }
  ) async {
    var stick = HuaweiHiLinkStick(personality, seed: seed)
    change(&stick)
    bus = VirtualBus(stick)
    link = VirtualWebLink(bus, weather: weather, seed: seed)
    await bus.pause(.seconds(20))
  }

  /// A fresh conversation, as of a fresh process.
  func session(login: HiLinkSession.Login? = Pair.login) -> HiLinkSession {
    HiLinkSession(link, login: login)
  }

  /// Plugs the stick in again and waits for its page, in calm weather.
  func calm() async {
    link.setWeather(WebWeather())
    bus.replug()
    await bus.pause(.seconds(20))
  }
}

extension HuaweiHiLinkStick.Personality: CustomTestStringConvertible {
  /// The name of the model.
  public var testDescription: String { name }
}
