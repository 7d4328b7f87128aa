public import SmithLink
public import SmithModel
public import SmithVendors

/// The owner of the stick, as the engine sees a person, a policy file or a test.
public protocol Owner: AnyObject, Sendable {
  /// Shows the plan and asks; nil means no.
  func consent(to plan: CheckedPlan) async -> Consent?
  /// Hears what happens.
  func hear(_ event: UpdateEvent) async
  /// Whether the owner asked to stop; heeded at the next door that allows it.
  var wantsToStop: Bool { get }
}

/// What the engine needs of the world besides the bus.
public struct Surroundings: Sendable {
  /// Starts the journal of an update.
  public var newJournal: @Sendable () throws(Trouble) -> any Journal
  /// Where backups go.
  public var backups: BackupStore
  /// What the computer runs on.
  public var power: @Sendable () -> PowerState
  /// Version of the tool, for the journal.
  public var tool: String
  /// Path of the download port if it was named apart, for the journal.
  public var downloadPort: String?
  /// Path of the diagnostic port if it was named, for the journal.
  public var diagPort: String?

  /// Gathers the parts.
  public init(
    newJournal: @escaping @Sendable () throws(Trouble) -> any Journal, backups: BackupStore,
    power: @escaping @Sendable () -> PowerState = { PowerState() }, tool: String,
    downloadPort: String? = nil
  ) {
    self.newJournal = newJournal
    self.backups = backups
    self.power = power
    self.tool = tool
    self.downloadPort = downloadPort
  }
}

/// Takes one stick through an update: identify, plan, preflight, backup, consent, write, verify.
public struct Updater {
  let bus: any Bus
  let owner: any Owner
  let surroundings: Surroundings
  let page: StickPageDoor?

  /// An updater on a bus, for one owner.
  ///
  /// - Parameter page: of a stick that may show a page and no serial port.
  public init(
    bus: any Bus, owner: any Owner, surroundings: Surroundings, page: StickPageDoor? = nil
  ) {
    self.page = page
    self.bus = bus
    self.owner = owner
    self.surroundings = surroundings
  }

  /// Updates the stick at `place`; every end is a report, whatever happened.
  public func update(_ image: CheckedImage, at place: Place, policy: Policy) async -> UpdateReport {
    let start = bus.now
    let run = UpdateRun(self, image, place, policy)
    var report = await run.update()
    report.seconds = (bus.now - start).inSeconds
    return report
  }

  /// Goes on with an interrupted update.
  ///
  /// - Parameters:
  ///   - image: the same file as before.
  ///   - header: the first record of its journal.
  ///   - records: everything that was recorded.
  ///   - journal: the same journal, open for more records.
  public func resume(
    _ image: CheckedImage, _ header: JournalHeader, _ records: [JournalRecord],
    journal: any Journal, policy: Policy
  ) async -> UpdateReport {
    let start = bus.now
    let run = UpdateRun(self, image, header.place, policy)
    var report = await run.resume(header, records, journal)
    report.seconds = (bus.now - start).inSeconds
    return report
  }

  /// Looks at a stick and plans, without touching it.
  public func plan(_ image: CheckedImage, at place: Place, policy: Policy) async throws(Trouble)
    -> (Planner.Outcome, Subject)
  {
    let subject = try await look(for: image, at: place)
    return (try Planner.plan(image, subject, policy: policy), subject)
  }

  /// Looks at the stick that a file is meant for, without touching it.
  public func look(for image: CheckedImage, at place: Place) async throws(Trouble) -> Subject {
    let (link, subject) = try await identify(
      place, likely: Families.taking(image.image), withSettings: false)
    await link.close()
    return subject
  }

  /// Opens the AT (or only) port of the stick at `place`; the download port if that is the one
  /// it shows.
  ///
  /// - Throws: `port.not-found`, and what opening a port can come to.
  public static func open(
    _ place: Place, on bus: any Bus, within patience: Duration = .seconds(3)
  ) async throws(Trouble) -> any ByteLink {
    let end = bus.now + patience
    repeat {
      for role in [PortRole.at, .download] {
        guard let port = try? await bus.port(at: place, as: role, within: .milliseconds(200)) else {
          continue
        }
        do { return try await bus.open(port) } catch { throw error.trouble }
      }
    } while bus.now < end
    throw LinkError.notFound(path: place.description).trouble
  }

  /// Opens the stick's port and asks who it is, the likely family's loader first.
  ///
  /// - Parameter patience: how long the port may be absent: a stick that was just plugged in
  ///   takes up to half a minute to start.
  public func identify(
    _ place: Place, likely: (any Family)? = nil, withSettings: Bool, ofTheHour: Bool = true,
    within patience: Duration = .seconds(3)
  ) async throws(Trouble) -> (any ByteLink, Subject) {
    let link: any ByteLink
    if let page {
      guard let found = try await page.isThereOrPort(place, on: bus, within: patience) else {
        return (NoLink(bus), try await page.ask(at: place, withSettings: withSettings))
      }
      link = found
    } else {
      link = try await Self.open(place, on: bus, within: patience)
    }
    do {
      return (
        link,
        try await Subject.ask(
          link, at: place, likely: likely, withSettings: withSettings, ofTheHour: ofTheHour)
      )
    } catch {
      await link.close()
      throw error
    }
  }
}

extension Duration {
  /// Seconds with their fraction.
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

extension StickPageDoor {
  /// Waits for the page or a port of the stick.
  ///
  /// - Returns: the port's link; nil if the page answers.
  func isThereOrPort(_ place: Place, on bus: any Bus, within patience: Duration)
    async throws(Trouble) -> (any ByteLink)?
  {
    let end = bus.now + patience
    var last = LinkError.notFound(path: address).trouble
    repeat {
      if await isThere() { return nil }
      do throws(Trouble) {
        return try await Updater.open(place, on: bus, within: .milliseconds(500))
      } catch { last = error }
    } while bus.now < end
    throw last
  }
}
