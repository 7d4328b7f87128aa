import SmithAT
public import SmithLink
import SmithModel
public import SmithVendors
import Synchronization

/// The page of a stick whose firmware shows no serial port: asked in place of one, and brought to
/// one for the update (Docs/Protocols/huawei-hilink.md section 8).
public final class StickPageDoor: Sendable {
  /// The page.
  public let link: any WebLink
  /// Its address, for journals and people.
  public let address: String
  private let login: HiLinkSession.Login?
  /// Whether the page refused the login: it is not offered again, for wrong ones are counted.
  private let isRefused = Mutex(false)

  /// A page that is asked when it is needed.
  public init(_ link: any WebLink, address: String, login: HiLinkSession.Login? = nil) {
    self.link = link
    self.address = address
    self.login = login
  }

  /// A fresh conversation: sessions end with every restart.
  func session() -> HiLinkSession {
    HiLinkSession(link, login: isRefused.withLock { $0 } ? nil : login)
  }

  /// Whether anything answers there now.
  func isThere() async -> Bool {
    await HiLinkSwitch.isThere(link)
  }

  /// Who the stick is, over its page; sends nothing that changes it.
  func ask(at place: Place, withSettings: Bool) async throws(Trouble) -> Subject {
    do throws(HiLinkError) {
      return try await asked(place, withSettings)
    } catch {
      switch error {
      case .loginRefused, .loginLocked, .loginUnproven: isRefused.withLock { $0 = true }
      default: break
      }
      throw error.trouble
    }
  }

  private func asked(_ place: Place, _ withSettings: Bool) async throws(HiLinkError) -> Subject {
    let session = session()
    let report = try await HiLinkIdentity.identify(over: session)
    var settings: DeviceSettings?
    if withSettings {
      do throws(HiLinkError) { settings = try await HiLinkSettings.read(over: session) } catch {
        switch error {
        // What a page keeps to itself is no reason to stay with the old firmware.
        case .refused, .loginNeeded, .badAnswer: break
        default: throw error
        }
      }
    }
    return Subject(place: place, state: .normal, report: report, settings: settings)
  }

  /// Brings the stick to a serial port: its serial mode first, then ports beside the page.
  ///
  /// - Throws: `hilink.no-switch`, `hilink.no-port`; a replug undoes everything that was tried.
  func port(on bus: any Bus, at place: Place, note: (String) async -> Void) async throws(Trouble)
    -> Port
  {
    var tried: [String] = []
    for goal in HiLinkSwitch.Goal.allCases {
      let outcome: HiLinkSwitch.Outcome
      do throws(HiLinkError) {
        outcome = try await HiLinkSwitch.perform(
          to: goal, over: session(), seeing: bus, at: place)
      } catch { throw error.trouble }
      for line in outcome.tried { await note("\(goal.rawValue): \(line)") }
      tried += outcome.tried
      if outcome.end == .stayed, goal != HiLinkSwitch.Goal.allCases.last { continue }
      return try HiLinkSwitch.Outcome(end: outcome.end, tried: tried).port()
    }
    throw HiLinkSwitch.Outcome.noWay(tried)
  }

  /// Lets a stick that shows a serial port in place of its page restart to the page.
  func back(on bus: any Bus, at place: Place) async {
    if await isThere() { return }
    guard let port = try? await bus.port(at: place, as: .at, within: .seconds(2)),
      let link = try? await bus.open(port)
    else { return }
    // It may restart before it answers.
    _ = try? await ATSession(link: link).send("AT^RESET")
    await link.close()
    _ = await HiLinkSwitch.awaitPage(self.link)
  }

  /// Writes settings back over the page.
  func restore(_ settings: DeviceSettings) async throws(Trouble) -> SettingsRestoration {
    do throws(HiLinkError) {
      return try await HiLinkSettings.restore(settings, over: session())
    } catch { throw error.trouble }
  }
}

/// In place of the port of a stick that shows only its page.
final class NoLink: ByteLink {
  private let time: @Sendable () -> Duration
  init(_ bus: any Bus) { time = { bus.now } }
  func send(_ bytes: [UInt8]) async throws(LinkError) { throw .gone }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] { throw .gone }
  func pause(_ duration: Duration) async {}
  var now: Duration { time() }
  func close() async {}
}
