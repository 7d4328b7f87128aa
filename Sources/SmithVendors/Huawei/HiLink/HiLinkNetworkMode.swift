import SmithBytes

/// Network mode, bands and PIN state of a HiLink page (Docs/Protocols/huawei-hilink.md section 5).
enum HiLinkNetworkMode {
  /// The command that the value belongs to, as backups name it.
  static let command = "net-mode"
  private static let path = "/api/net/net-mode"
  private static let names = ["NetworkMode", "NetworkBand", "LTEBand"]

  /// Fills in what the page tells; a page that keeps it back leaves it nil.
  static func read(_ session: HiLinkSession, _ settings: inout DeviceSettings)
    async throws(HiLinkError)
  {
    if let fields = try await fields(session) {
      settings.network = .init(command: command, value: fields.joined(separator: ","))
      settings.bands = .init(mask: fields[1], lte: fields.count > 2 ? fields[2] : nil)
    }
    guard let pin = try await optional("/api/pin/status", session) else { return }
    settings.pinState = HiLinkIdentity.simState(pin)
    switch HiLinkIdentity.number(pin["PinOptState"]) {
    case 258: settings.pinRequired = false
    case 259, 260, 261: settings.pinRequired = true
    default: break
    }
  }

  /// Writes the mode back where it differs now; the PIN is only compared.
  static func restore(
    _ backup: DeviceSettings, _ session: HiLinkSession, _ result: inout SettingsRestoration
  ) async throws(HiLinkError) {
    var present = DeviceSettings()
    if backup.network != nil || backup.pinRequired != nil { try await read(session, &present) }
    if let pin = backup.pinRequired, let now = present.pinRequired, pin != now {
      result.leftOut.append(
        "PIN: the SIM \(now ? "asks" : "does not ask") for it now; changing that takes the PIN")
    }
    guard let network = backup.network, network != present.network else { return }
    let values = TextFields.split(network.value)
    guard network.command == command, isValid(values), present.network != nil else {
      result.leftOut.append("network mode: this page writes it in another way")
      return
    }
    let inside = zip(names, values).map { "<\($0)>\($1)</\($0)>" }.joined()
    do throws(HiLinkError) {
      _ = try await session.post(path, inside)
      result.restored.append("network mode")
    } catch .refused(let code, _) {
      result.leftOut.append("network mode: the stick answered \(HiLinkCodes.sentence(code))")
    }
  }

  private static func fields(_ session: HiLinkSession) async throws(HiLinkError) -> [String]? {
    guard let answer = try await optional(path, session) else { return nil }
    let fields = names.compactMap { answer[$0].map { TextFields.trim($0) } }
    return isValid(fields) ? fields : nil
  }

  /// What a page does not have or keeps to itself is no reason to stop.
  private static func optional(_ path: String, _ session: HiLinkSession)
    async throws(HiLinkError) -> HiLinkXML?
  {
    do throws(HiLinkError) { return try await session.get(path) } catch {
      switch error {
      case .refused, .loginNeeded, .badAnswer: return nil
      default: throw error
      }
    }
  }

  /// Two or three hexadecimal numbers: what may be written back as it was read.
  private static func isValid(_ fields: [String]) -> Bool {
    (2...3).contains(fields.count)
      && fields.allSatisfy { field in
        (1...32).contains(field.utf8.count) && field.allSatisfy { $0.isASCII && $0.isHexDigit }
      }
  }
}
