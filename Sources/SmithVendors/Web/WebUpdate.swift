public import SmithBytes
public import SmithLink
public import SmithModel

/// Is told of every step of an update through a page before it is taken; a throw means that the
/// step is not taken.
public protocol WebUpdateWitness: PageWitness {
  /// The stick is about to get the first byte, or to begin loading.
  func willWrite() async throws(Trouble)
  /// The stick says that it has everything.
  func didWrite() async throws(Trouble)
  /// The stick is about to install and to restart.
  func willLeave() async throws(Trouble)
  /// Percent of the stick's own loading.
  func loaded(percent: Int) async
}

/// The procedure of an update through a page: hand over or have loaded, install, wait, read back.
///
/// Nothing that changes the stick is sent twice; what became of a lost answer is asked.
public struct WebUpdate {
  private let page: any StickPage
  private let witness: any WebUpdateWitness

  /// How long a stick may stay away while it installs (Docs/Protocols/alcatel-web.md section 7).
  public static let longestAbsence = Duration.seconds(420)

  /// On a page that is logged in.
  public init(_ page: any StickPage, _ witness: any WebUpdateWitness) {
    self.page = page
    self.witness = witness
  }

  /// Hands a file over and has it installed.
  ///
  /// - Throws: a trouble; after a lost answer nobody knows whether the stick has the file.
  public func upload(_ file: SharedBytes, named name: String, to place: UploadPlace)
    async throws(Trouble)
  {
    try await witness.willWrite()
    do { try await page.upload(file, named: name, to: place, witness) } catch {
      throw error.trouble
    }
    try await witness.didWrite()
    try await witness.willLeave()
    await lettingGo { () async throws(PageError) in try await page.installUploaded() }
  }

  /// Has the stick load and install what its maker offers.
  ///
  /// - Throws: a trouble; before the installation the stick keeps its firmware.
  public func online() async throws(Trouble) {
    try await witness.willWrite()
    do throws(PageError) {
      if try await page.loading() == .idle { try await page.beginLoading() }
      try await follow()
    } catch { throw error.trouble }
    try await witness.didWrite()
    try await witness.willLeave()
    await lettingGo { () async throws(PageError) in try await page.install() }
  }

  /// Asks until everything is there.
  private func follow() async throws(PageError) {
    let end = page.link.now + .seconds(3600)
    var hasBegun = false
    var idle = 0
    while page.link.now < end {
      switch try await page.loading() {
      case .ready, .installing: return
      case .loading(let percent):
        hasBegun = true
        idle = 0
        if let percent { await witness.loaded(percent: percent) }
      case .failed(let why): throw .refused(request: "the update", code: why)
      case .idle:
        // At the beginning it may not have begun yet; later it gave up.
        idle += 1
        if hasBegun || idle > 10 {
          throw .refused(request: "the update", code: "the loading stopped")
        }
      }
      await page.link.pause(.milliseconds(2500))
    }
    throw .refused(request: "the update", code: "the loading took more than an hour")
  }

  /// A stick that restarts at once takes its answer with it.
  private func lettingGo(_ work: () async throws(PageError) -> Void) async {
    do { try await work() } catch { return }
  }

  /// Waits for a page to come back with another version, or to have been back for a minute with
  /// the old one; nil if none came.
  ///
  /// - Parameter find: opens the page anew, logged in, and asks who the stick is.
  public static func comeBack(
    after before: FirmwareVersion?, over link: any WebLink,
    find: () async throws(PageError) -> DeviceReport
  ) async -> DeviceReport? {
    let start = link.now
    var last: DeviceReport?
    var backSince: Duration?
    var wasAway = false
    await link.pause(.seconds(5))
    while link.now - start < longestAbsence {
      do throws(PageError) {
        let report = try await find()
        last = report
        if let version = report.firmware, version != before { return report }
        if wasAway {
          backSince = backSince ?? link.now
          if let backSince, link.now - backSince >= .seconds(60) { return report }
        } else if link.now - start >= .seconds(180) {
          return report
        }
      } catch {
        wasAway = true
        backSince = nil
        last = nil
      }
      await link.pause(.seconds(3))
    }
    return last
  }
}
