public import SmithLink
public import SmithModel

/// Brings a HiLink stick to a mode with a serial port, and back
/// (Docs/Protocols/huawei-hilink.md section 6).
public enum HiLinkSwitch {
  /// Where to.
  public enum Goal: String, Sendable, CaseIterable {
    /// The page goes, a serial port comes; what updates need.
    case serial
    /// Serial ports beside the page.
    case debug
  }

  /// One way of asking the page.
  public enum Way: String, Sendable, CaseIterable {
    /// The page for it, which old firmware has.
    case page
    /// The API of the device mode.
    case mode
    /// The `/CGI` of old firmware.
    case cgi

    /// From the most harmless; none of them outlives a replug.
    public static func ways(to goal: Goal) -> [Way] {
      // What the CGI would want for debug mode is not known.
      goal == .serial ? [.page, .mode, .cgi] : [.page, .mode]
    }
  }

  /// What came of it.
  public struct Outcome: Equatable, Sendable {
    /// What is certain.
    public enum End: Equatable, Sendable {
      /// There was a serial port before anything was asked.
      case already(Port)
      /// This port appeared.
      case switched(Port, by: Way)
      /// The page went away and no port is to be seen: perhaps it is on another computer's bus.
      case left(by: Way)
      /// Every way was tried, and the page is still the same.
      case stayed
    }
    /// What is certain.
    public var end: End
    /// What each way came to, in order.
    public var tried: [String] = []

    /// Gathers the parts.
    public init(end: End, tried: [String] = []) {
      self.end = end
      self.tried = tried
    }
  }

  /// How long a stick may take to come back.
  public static let patience = Duration.seconds(30)
  private static let step = Duration.milliseconds(500)

  /// Asks in the order of harmlessness until a serial port appears.
  ///
  /// - Parameters:
  ///   - place: of the stick, if it is known; else every new port on the bus counts.
  ///   - patience: how long a stick may take to come back.
  /// - Throws: only what ends the asking; a broken connection does not.
  public static func perform(
    to goal: Goal, over session: HiLinkSession, seeing bus: any Bus, at place: Place? = nil,
    patience: Duration = patience
  ) async throws(HiLinkError) -> Outcome {
    let before = await ports(on: bus, at: place)
    if place != nil, let port = before.first(where: { $0.role == .at }) ?? before.first {
      return Outcome(end: .already(port))
    }
    var outcome = Outcome(end: .stayed)
    // A question first: it says whether the page is there, and brings session and token.
    _ = try await session.get("/api/device/basic_information", orRefused: true)
    for way in Way.ways(to: goal) {
      let asked = try await ask(way, for: goal, session)
      switch asked {
      case .refused(let why):
        outcome.tried.append("\(way.rawValue): \(why)")
        continue
      case .accepted, .brokeOff:
        let watch = await self.watch(
          bus, place, without: before, session.link,
          way == .page ? min(patience, .seconds(10)) : patience)
        switch watch {
        case .port(let port):
          outcome.tried.append("\(way.rawValue): a serial port appeared")
          outcome.end = .switched(port, by: way)
          return outcome
        case .gone:
          outcome.tried.append("\(way.rawValue): the page went away")
          outcome.end = .left(by: way)
          return outcome
        case .same: outcome.tried.append("\(way.rawValue): said yes and did nothing")
        }
      }
    }
    return outcome
  }

  /// Asks a stick whose page is there to restart, which ends every mode of ``perform(to:over:seeing:at:patience:)``.
  public static func restart(_ session: HiLinkSession) async throws(HiLinkError) {
    do throws(HiLinkError) {
      _ = try await session.post("/api/device/control", "<Control>1</Control>")
    } catch {
      // It may restart before it answers.
      switch error {
      case .page(.gone), .page(.silent): return
      default: throw error
      }
    }
  }

  /// Waits until the page answers again.
  ///
  /// - Returns: whether it did.
  public static func awaitPage(
    _ link: any WebLink, within patience: Duration = .seconds(90)
  ) async -> Bool {
    let end = link.now + patience
    while link.now < end {
      if await isThere(link) { return true }
      await link.pause(step)
    }
    return false
  }

  private enum Asked: Equatable {
    case accepted, brokeOff
    case refused(String)
  }

  private static func ask(_ way: Way, for goal: Goal, _ session: HiLinkSession)
    async throws(HiLinkError) -> Asked
  {
    do throws(HiLinkError) {
      switch way {
      case .page:
        let name = goal == .serial ? "switchProjectMode" : "switchDebugMode"
        let answer = try await session.page("/html/\(name).html")
        guard answer.status == 200 else { return .refused("not in this firmware") }
        // Where the page has a script for it, that script sends what the next way sends.
        guard !answer.body.contains(text: "device/mode") else {
          return .refused("the page is there; its script sends what comes next")
        }
      case .mode:
        let number = goal == .serial ? 0 : 1
        _ = try await session.post("/api/device/mode", "<mode>\(number)</mode>")
      case .cgi:
        let answer = try await session.postRaw("/CGI", cgi)
        guard answer.status == 200 else { return .refused("not in this firmware") }
        if let read = try? HiLinkXML.read(answer.body), read.name == "error" {
          return .refused("the stick refused: \(read["code"] ?? "no code")")
        }
      }
      return .accepted
    } catch {
      switch error {
      case .page(.gone), .page(.silent): return .brokeOff
      case .refused(let code, _): return .refused(HiLinkCodes.sentence(code))
      case .sessionLost(let code): return .refused(HiLinkCodes.sentence(code))
      case .loginNeeded: return .refused("a login is needed (--web-user)")
      case .badAnswer: return .accepted
      default: throw error
      }
    }
  }

  private static let cgi =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><api version=\"1.0\"><header><function>switchMode"
    + "</function></header><body><request><switchType>0</switchType></request></body></api>"

  private enum Watched {
    case port(Port)
    case gone, same
  }

  /// Looks until a new port is there; a page that stands for half of the time means that nothing
  /// happened.
  private static func watch(
    _ bus: any Bus, _ place: Place?, without before: [Port], _ link: any WebLink,
    _ patience: Duration
  ) async -> Watched {
    let end = link.now + patience
    var wasAway = false
    while link.now < end {
      await link.pause(step)
      let new = await ports(on: bus, at: place).filter { !before.contains($0) }
      if let port = new.first(where: { $0.role == .at })
        ?? new.first(where: { $0.role == .unknown })
      {
        return .port(port)
      }
      let isThere = await isThere(link)
      if !isThere { wasAway = true }
      // Back, and for long enough that its ports would be there too.
      if isThere, link.now > end - patience / 2 { return .same }
    }
    return wasAway ? .gone : .same
  }

  /// Whether anything answers there now.
  public static func isThere(_ link: any WebLink) async -> Bool {
    (try? await link.exchange(WebRequest("GET", "/"), within: .seconds(2))) != nil
  }

  private static func ports(on bus: any Bus, at place: Place?) async -> [Port] {
    let all = (try? await bus.ports()) ?? []
    guard let place else { return all }
    return all.filter { $0.place == place }
  }
}

extension HiLinkSwitch.Outcome {
  /// The port that the stick shows now.
  ///
  /// - Throws: `hilink.no-port`, `hilink.no-switch`; a replug undoes what was tried.
  public func port() throws(Trouble) -> Port {
    switch end {
    case .already(let port), .switched(let port, _): return port
    case .left(let way):
      throw Trouble(
        "hilink.no-port",
        "The stick left its page (\(way.rawValue)) and shows no serial port here.",
        facts: tried,
        advice: [
          "Inside a virtual machine, pass the stick's new USB id (12d1:1442 or 12d1:1566) to it.",
          "Run `modemsmith list` in half a minute; a replug brings the page back.",
        ], aftermath: .stillBoots, exitCode: .unknown)
    case .stayed: throw Self.noWay(tried)
    }
  }

  /// No way leads to a port.
  public static func noWay(_ tried: [String]) -> Trouble {
    Trouble(
      "hilink.no-switch", "The stick's page knows no way to a serial port, or refused each.",
      facts: tried,
      advice: [
        "Some firmwares switch only by a USB message, while the stick still shows its CD.",
        "Where nothing helps, the boot pin does; the case has to be opened for it.",
      ], aftermath: .stillBoots, exitCode: .refused)
  }
}

extension HiLinkSession {
  /// The same as ``get(_:)``, where a refusal is an answer too; nil then.
  func get(_ path: String, orRefused: Bool) async throws(HiLinkError) -> HiLinkXML? {
    do throws(HiLinkError) {
      return try await get(path)
    } catch .refused {
      return nil
    } catch .loginNeeded {
      return nil
    }
  }
}

extension [UInt8] {
  /// Whether this ASCII text stands somewhere inside.
  fileprivate func contains(text: String) -> Bool {
    String(decoding: self, as: UTF8.self).contains(text)
  }
}
