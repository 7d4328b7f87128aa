public import SmithBytes
import SmithLink
import SmithModel

/// Updates through the page (Docs/Protocols/zte-web.md sections 6 and 7).
extension ZTEPage {
  /// The largest file that such a page takes.
  private static var largest: Int { 55_000_000 }

  /// The path that the page's own source names, in its start page or in one of its scripts.
  public func uploadPlace() async throws(PageError) -> UploadPlace? {
    guard let path = try await PageSource(talk).find("/cgi-bin/fw_update/") else { return nil }
    return UploadPlace(
      path: path, limit: Self.largest,
      inferences: [
        "the upload of a file to \(path): one source describes it, for a rebranded page",
        "that the stick installs a file that it took when it restarts",
        "that nothing of the old firmware is lost before the whole file was taken",
      ])
  }

  /// Hands the file over; the answer is one word of plain text.
  public func upload(
    _ file: SharedBytes, named name: String, to place: UploadPlace, _ witness: any PageWitness
  ) async throws(PageError) {
    guard file.count <= place.limit else {
      throw .tooBig(bytes: file.count, limit: place.limit)
    }
    let answer = try await talk.upload(place.path, field: "filename", name: name, file, [], witness)
    let word = TextFields.trim(String(decoding: answer.prefix(200), as: UTF8.self))
    guard word == "success" else { throw .uploadRefused(PageText.shown(word)) }
  }

  /// Has the stick ask its maker's server, and waits for its word.
  public func check() async throws(PageError) -> PageOffer {
    try await write("IF_UPGRADE", [("select_op", "check")])
    let end = link.now + .seconds(600)
    while link.now < end {
      let state = try await read(["new_version_state"])["new_version_state"]?.string ?? ""
      switch state {
      case "version_no_new_software", "no_new_version": return .none
      case "version_has_new_optional_software", "version_has_new_critical_software":
        return .available(version: nil, bytes: try await packSize().total)
      case "version_checking_failed", "check_failed", "bad_network":
        return .unavailable("the stick says \(state)")
      default: await link.pause(.milliseconds(2500))
      }
    }
    return .unavailable("the stick did not come to a result in ten minutes")
  }

  /// Has the stick load what it found.
  public func beginLoading() async throws(PageError) {
    try await write("IF_UPGRADE", [("select_op", "1")])
  }

  /// How far it is; an unknown word means that it is busy.
  public func loading() async throws(PageError) -> PageLoading {
    let values = try await read(["current_upgrade_state", "upgrade_result"])
    guard let state = values["current_upgrade_state"]?.string else {
      throw .missing(field: "current_upgrade_state")
    }
    switch state {
    case "", "fota_idle", "idle": return .idle
    case "upgrade_prepare_install", "prepare_install": return .installing
    case "low_battery", "upgrade_pack_redownload", "upgrade_pack_error":
      return .failed("the stick says \(state)")
    default:
      let size = try await packSize()
      guard let done = size.done, let total = size.total, total > 0 else {
        return .loading(percent: nil)
      }
      return .loading(percent: min(100, done / max(1, total / 100)))
    }
  }

  /// `upgrade_result` after the restart.
  public func saysItUpdated() async throws(PageError) -> Bool? {
    switch try await read(["upgrade_result"])["upgrade_result"]?.string ?? "" {
    case "": nil
    case "success": true
    default: false
    }
  }

  private func packSize() async throws(PageError) -> (done: Int?, total: Int?) {
    let value = try await read(["pack_size_info"])
    // Some pages write the pair into the object itself, some below its name.
    let inner = value["pack_size_info"].flatMap { $0.isObject ? $0 : nil } ?? value
    func size(_ name: String) -> Int? { inner[name]?.int.flatMap { $0 > 0 ? $0 : nil } }
    return (size("download_size"), size("pack_total_size"))
  }

  /// These sticks install by themselves what they loaded.
  public func install() async throws(PageError) {}

  /// Most restart by themselves; one that does not within ten seconds is told to.
  public func installUploaded() async throws(PageError) {
    await link.pause(.seconds(10))
    _ = try await identify()
    try await restart()
  }

  /// Nothing of it is guessed.
  public var onlineInferences: [String] { [] }

  /// An empty battery.
  public func obstacle() async throws(PageError) -> String? {
    let values = try await read(["battery_value", "battery_charging", "ppp_status"])
    if let percent = values["battery_value"]?.int, (1...30).contains(percent),
      values["battery_charging"]?.string != "1"
    {
      return "its battery is at \(percent) %"
    }
    return nil
  }
}

/// The source of a page, searched for a path that it names.
struct PageSource {
  private let talk: PageTalk

  init(_ talk: PageTalk) {
    self.talk = talk
  }

  /// The one path that begins with `prefix` in the start page or in its scripts.
  func find(_ prefix: String) async throws(PageError) -> String? {
    let start = try await text("/index.html")
    if let path = Self.path(prefix, in: start) { return path }
    for script in Self.scripts(in: start).prefix(8) {
      if let path = Self.path(prefix, in: try await text(script)) { return path }
    }
    return nil
  }

  /// Text of the page; a script that is not there is no script.
  private func text(_ path: String) async throws(PageError) -> String {
    do { return String(decoding: try await talk.read(path), as: UTF8.self) } catch {
      if case .status = error { return "" }
      throw error
    }
  }

  static func path(_ prefix: String, in text: String) -> String? {
    guard let range = text.firstRange(of: prefix) else { return nil }
    let name = text[range.upperBound...].prefix(65).prefix { isPlain($0) }
    let isWhole = prefix.hasSuffix("/") ? !name.isEmpty : true
    return isWhole && name.count <= 64 && !name.contains("..") ? prefix + name : nil
  }

  /// Scripts on the same host: relative names only.
  static func scripts(in text: String) -> [String] {
    text.matches(of: /src="\/?([A-Za-z0-9_][A-Za-z0-9_.\/\-]{0,100}\.js)/).map { match in
      "/" + match.output.1
    }.filter { !$0.contains("..") && !$0.contains("//") }
  }

  private static func isPlain(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
  }
}
