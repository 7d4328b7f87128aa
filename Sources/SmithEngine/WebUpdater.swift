public import SmithBytes
public import SmithLink
public import SmithModel
public import SmithVendors

/// Where a stick's page is, and how one gets in.
public struct WebDoor {
  /// The connection.
  public var link: any WebLink
  /// Host as the address names it.
  public var host: String
  /// The address as journals keep it.
  public var address: String
  /// Password of the page; nil to do without.
  public var password: String?

  /// Gathers the parts.
  public init(link: any WebLink, host: String, address: String, password: String? = nil) {
    self.link = link
    self.host = host
    self.address = address
    self.password = password
  }

  /// The place of the stick for journals and locks.
  public var place: Place { .named(address) }

  /// Finds the page, logs in if a password was given, and asks who the stick is.
  public func open() async throws(PageError) -> (page: any StickPage, report: DeviceReport) {
    let (page, report) = try await StickPages.find(link, host: host)
    guard let password else { return (page, report) }
    try await page.login(password)
    return (page, try await page.identify())
  }
}

/// What an update through a page brings.
public enum WebSource: Sendable {
  /// A file, and its version if the owner knows it.
  case file(path: String, bytes: SharedBytes, expecting: FirmwareVersion?)
  /// What the maker offers the stick.
  case online
}

/// Takes one stick through an update over its page: the same doors as ``Updater``, and the same
/// report at the end.
public struct WebUpdater {
  let door: WebDoor
  let owner: any Owner
  let surroundings: Surroundings

  /// An updater for the stick behind `door`, for one owner.
  public init(door: WebDoor, owner: any Owner, surroundings: Surroundings) {
    self.door = door
    self.owner = owner
    self.surroundings = surroundings
  }

  /// Stands where a file's name stands in plans and journals of the stick's own update.
  public static let onlineFile = WebPlan.onlineFile

  /// Updates; every end is a report, whatever happened.
  public func update(_ source: WebSource, policy: Policy) async -> UpdateReport {
    let start = door.link.now
    let run = WebRun(self, source, policy)
    await run.update()
    run.report.seconds = (door.link.now - start).inSeconds
    return run.report
  }

  /// Goes on with an interrupted update: asks what became of it, and hands over again if nothing
  /// did. What the owner allowed then is allowed now, and nothing else.
  public func resume(
    _ source: WebSource, _ header: JournalHeader, _ records: [JournalRecord],
    journal: any Journal
  ) async -> UpdateReport {
    let start = door.link.now
    let run = WebRun(self, source, header.policy ?? Policy())
    await run.resume(header, records, journal)
    run.report.seconds = (door.link.now - start).inSeconds
    return run.report
  }

  /// Plans without touching the stick; nil if there is nothing new.
  public func plan(_ source: WebSource, policy: Policy) async throws(Trouble) -> Plan? {
    try await WebRun(self, source, policy).planOnly()
  }
}
