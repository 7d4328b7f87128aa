public import SmithBytes
import SmithLink
import SmithModel

/// Updates through the page (Docs/Protocols/alcatel-web.md sections 7 and 8).
extension AlcatelPage {
  private static var uploadPath: String { "/goform/uploadLocalUpdateSettings" }

  /// The upload, if the page's own source names it.
  public func uploadPlace() async throws(PageError) -> UploadPlace? {
    guard try await PageSource(talk).find(Self.uploadPath) != nil else { return nil }
    return UploadPlace(
      path: Self.uploadPath, limit: 512 << 20,
      inferences: [
        "the upload of a file to \(Self.uploadPath): one document of a router describes it",
        "that the stick installs a file that it took when it is told to start the update",
      ])
  }

  /// Hands the file over.
  public func upload(
    _ file: SharedBytes, named name: String, to place: UploadPlace, _ witness: any PageWitness
  ) async throws(PageError) {
    guard file.count <= place.limit else {
      throw .tooBig(bytes: file.count, limit: place.limit)
    }
    let answer = try await talk.upload(
      place.path, field: "iptUpload", name: name, file, keys, witness)
    try Self.taken(answer, place.path)
  }

  /// Has the stick ask its maker's server, and waits two minutes for its word.
  public func check() async throws(PageError) -> PageOffer {
    try await change(
      "setFOTAStartCheckVersion", ("Update.SetFOTAStartCheckVersion", "22.2"),
      ("SetCheckNewVersion", "9.5"))
    let end = link.now + .seconds(120)
    while link.now < end {
      if let offer = try await offer() {
        // The first generation has no number for "still asking": its "nothing" counts late.
        if generation != .w1 || offer != PageOffer.none || link.now > end - .seconds(100) {
          return offer
        }
      }
      await link.pause(.milliseconds(2500))
    }
    return .unavailable("the stick did not come to a result in two minutes")
  }

  private func offer() async throws(PageError) -> PageOffer? {
    let value: PageValue
    let state: Int?
    switch generation {
    case .w1:
      value = try await ask("getDeviceNewVersion")
      state = value["is_new_version"]?.int.map { $0 == 0 ? 2 : $0 }
    case .w2:
      value = try await call("Update.GetDeviceNewVersion", "22.3")
      state = value["State"]?.int
    case .w3:
      value = try await call("GetDeviceNewVersion", "9.1")
      state = value["State"]?.int
    }
    switch state {
    case 0?: return nil
    case 1?:
      let named =
        generation == .w1
        ? try await ask("getFOTAServerVersion")["server_version"]?.string
        : value["Version"]?.string
      let version = try named.map { text throws(PageError) in
        try PageText.kept(text, "Version")
      }
      let bytes = value["total_size"]?.int.flatMap { $0 > 0 ? $0 : nil }
      return .available(version: version.flatMap { $0.isEmpty ? nil : $0 }, bytes: bytes)
    case 2?: return PageOffer.none
    case 3?: return .unavailable("the stick has no data connection")
    case 4?: return .unavailable("the maker's server does not answer")
    default: return .unavailable("the stick reports an error")
    }
  }

  /// Has the stick load what it found.
  public func beginLoading() async throws(PageError) {
    try await change(
      "setFOTAStartDownload", ("Update.SetFOTAStartDownload", "22.4"),
      ("SetFOTAStartDownload", "9.2"))
  }

  /// How far it is; one meaning of the numbers is taken for all generations (section 7).
  public func loading() async throws(PageError) -> PageLoading {
    let value: PageValue
    switch generation {
    case .w1: value = try await ask("getFOTADownloadState")
    case .w2: value = try await call("Update.GetFOTADownloadState", "22.1")
    case .w3: value = try await call("GetDeviceUpgradeState", "9.3")
    }
    switch (value["Status"] ?? value["state"] ?? value["State"])?.int {
    case 0?: return .idle
    case 1?:
      return .loading(percent: value["Process"]?.int.flatMap { (0...100).contains($0) ? $0 : nil })
    case 2?: return .ready
    case nil: throw .missing(field: "Status")
    default: return .failed("the stick reports state \(value["Status"]?.int ?? -1)")
    }
  }

  /// Installs; the stick restarts and must be left alone until it answers again.
  public func install() async throws(PageError) {
    try await change(
      "setFOTAStartUpdate", ("Update.SetDeviceStartUpdate", "22.6"),
      ("SetDeviceStartUpdate", "9.6"))
  }

  /// Starts the update that was handed over.
  public func installUploaded() async throws(PageError) { try await install() }

  /// The first generation's numbers are those of the third by guess.
  public var onlineInferences: [String] {
    generation == .w3
      ? []
      : ["that the numbers of this page's update states mean what they mean on newer pages"]
  }

  /// A low battery; values out of range are those of a stick that has none.
  public func obstacle() async throws(PageError) -> String? {
    if generation == .w1 {
      return try await ask("getFOTABatteryState")["batt_is_enough"]?.int == 0
        ? "its battery is too low" : nil
    }
    let name = generation == .w2 ? ("System.GetSystemStatus", "2.10") : ("GetSystemStatus", "13.4")
    let status = try await call(name.0, name.1)
    if let percent = status["bat_cap"]?.int, (0...30).contains(percent),
      let charging = status["chg_state"]?.int, charging == 2
    {
      return "its battery is at \(percent) %"
    }
    return nil
  }
}
