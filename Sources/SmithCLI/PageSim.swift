import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators

/// Simulated page sticks on the command line.
enum PageSim {
  static let names =
    HuaweiHiLinkStick.Personality.all.map(\.name) + [
      "zte-mf667", "zte-mf667-serial", "alcatel-l800", "alcatel-l850", "alcatel-x220",
    ]

  /// Serves the model's page and ports until it is interrupted; nil for other models.
  static func serve(
    _ name: String, firmware: String?, http: String, link: String, speed: Double, seed: UInt64,
    offered: String? = nil, lock: LockSwitches? = nil, pin: String? = nil, malice: String = "none"
  ) async throws(Trouble) -> SmithModel.ExitCode? {
    if let personality = HuaweiHiLinkStick.Personality.named(name) {
      guard HiLinkBalongStick.knows(personality) else {
        var stick = HuaweiHiLinkStick(personality, firmware: firmware, seed: seed)
        stick.pin = pin
        return try await serve(stick, name, http, link, speed)
      }
      var options = HuaweiBalongStick.Options()
      lock?.apply(to: &options)
      var stick = HiLinkBalongStick(personality, firmware: firmware, seed: seed, options: options)
      stick.page.pin = pin
      return try await serve(stick, name, http, link, speed)
    }
    guard let malice = WebManners.Malice(rawValue: malice) else {
      let words = WebManners.Malice.allCases.map(\.rawValue).joined(separator: ", ")
      throw Trouble(
        "usage.bad-target", "--malice is one of: \(words).", advice: ["Leave it out."],
        exitCode: .usage)
    }
    switch name {
    case "zte-mf667", "zte-mf667-serial":
      var options = ZTEStick.Options()
      options.manners.malice = malice
      options.offered = offered
      options.locked = lock?.locked ?? false
      options.unlockCode = lock?.unlockCode
      options.lockTries = max(0, min(lock?.tries ?? 5, 5))
      var stick =
        firmware.map { ZTEStick(firmware: $0, options: options) } ?? ZTEStick(options: options)
      stick.setService(name.hasSuffix("-serial"))
      return try await serve(stick, name, http, link, speed)
    case "alcatel-l800", "alcatel-l850", "alcatel-x220":
      var options = AlcatelStick.Options()
      options.showsPorts = true
      options.manners.malice = malice
      options.offered = offered
      let personality: AlcatelStick.Personality =
        switch name {
        case "alcatel-l800": .l800
        case "alcatel-l850": .l850
        default: .x220
        }
      let stick = AlcatelStick(personality, firmware: firmware, options: options)
      return try await serve(stick, name, http, link, speed)
    default: return nil
    }
  }

  private static func serve<Body: WebBody>(
    _ stick: Body, _ name: String, _ http: String, _ link: String, _ speed: Double
  ) async throws(Trouble) -> SmithModel.ExitCode {
    let parts = http.split(separator: ":")
    guard parts.count == 2, let port = Int(parts[1]) else {
      throw Trouble(
        "usage.bad-target", "--http is written 127.0.0.1:PORT; port 0 takes a free one.",
        advice: ["Leave it out for a free port."], exitCode: .usage)
    }
    let server = WebPageServer(
      stick, host: String(parts[0]), port: port, link: link, speed: max(0.01, speed)
    ) { event in
      switch event {
      case .published(let url): Output.line("published \(url) web")
      case .withdrawn(let url): Output.line("withdrawn \(url)")
      case .port(.published(let link, _, let role)):
        Output.line("published \(link) \(role.rawValue)")
      case .port(.withdrawn(let link)): Output.line("withdrawn \(link)")
      }
    }
    Output.error("\(name); Ctrl-C pulls the plug")
    do throws(LinkError) { try await server.run() } catch { throw error.trouble }
    return .ok
  }
}
