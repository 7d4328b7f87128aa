import SmithEngine
import SmithModel
import SmithPorts
import SmithVendors

/// The page behind `--web`, whoever made the stick: ZTE's and Alcatel's pages are recognised by
/// what they answer; every other is asked as a HiLink page.
struct PageTarget {
  private let page: WebTarget
  let hiLink: HiLinkTarget
  /// Where the stick is; nil if only its page's address is known.
  let place: Place?

  /// The page that the options name, or that of the network stick that they mean; nil if they
  /// mean a stick with a serial port.
  static func meant(by target: TargetOptions) async throws(Trouble) -> PageTarget? {
    let link: CurlWebLink
    var place = target.place.map { Place.usb($0) }
    if let named = try target.namedPage() {
      link = named
    } else if target.port == nil, let stick = try await ThisComputer.networkStick(target) {
      link = try await ThisComputer.page(of: stick)
      place = stick.place
    } else {
      return nil
    }
    return PageTarget(
      page: WebTarget(door: try WebTarget.door(link, target)),
      hiLink: HiLinkTarget(link, login: try target.login()), place: place)
  }

  /// What the stick says about itself over its page; nothing is changed.
  func report() async throws(Trouble) -> DeviceReport {
    try await ask { page throws(Trouble) in
      try await page.report()
    } or: { page throws(Trouble) in
      try await page.report()
    }
  }

  func info(json: Bool, showIdentity: Bool) async throws(Trouble) -> ExitCode {
    try await ask { page throws(Trouble) in
      try await page.info(json: json, showIdentity: showIdentity)
    } or: { page throws(Trouble) in
      try await page.info(json: json, showIdentity: showIdentity)
    }
  }

  func backup(to output: String?, in state: StateDirectory, json: Bool) async throws(Trouble)
    -> ExitCode
  {
    try await ask { page throws(Trouble) in
      try await page.backup(to: output, in: state, json: json)
    } or: { page throws(Trouble) in
      try await page.backup(to: output, in: state, json: json)
    }
  }

  func restore(_ saved: Backup, _ settings: DeviceSettings, _ asked: RestoreCommand)
    async throws(Trouble) -> ExitCode
  {
    let (toOtherUnit, json) = (asked.toOtherUnit, asked.common.json)
    return try await ask { page throws(Trouble) in
      try await page.restore(
        saved, settings, toOtherUnit: toOtherUnit, experimental: asked.experimental, json: json)
    } or: { page throws(Trouble) in
      try await page.restore(saved, settings, toOtherUnit: toOtherUnit, json: json)
    }
  }

  /// Asks the page in the way that it answers; a page that is nobody's is said to be unknown.
  private func ask<Answer>(
    _ known: (WebTarget) async throws(Trouble) -> Answer,
    or hiLinkWay: (HiLinkTarget) async throws(Trouble) -> Answer
  ) async throws(Trouble) -> Answer {
    let unknown = PageError.unknownPage.trouble
    do throws(Trouble) { return try await known(page) } catch {
      guard error.code == unknown.code else { throw error }
    }
    do throws(Trouble) { return try await hiLinkWay(hiLink) } catch {
      throw error.code == HiLinkError.notHiLink(status: 0).trouble.code ? unknown : error
    }
  }
}
