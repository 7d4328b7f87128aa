import SmithAT
public import SmithLink
public import SmithModel

/// Asks a stick what its ports are for, where nothing else tells
/// (Docs/Protocols/usb-modes.md section 3). It listens before it speaks, and never speaks to a
/// port that is known or seen to be for positions or data.
public enum PortProbe {
  /// Opens one port by the name of its tty.
  public typealias Opener = @Sendable (String) async throws(LinkError) -> any ByteLink

  /// Huawei's MU609 crashes when it is asked for its port mode.
  static let crashesOnPortMode = [USBID(0x12d1, 0x1573)]

  /// The roles by interface that the stick itself tells; empty if it tells nothing.
  public static func roles(
    of ports: [RoledPort], id: USBID, open: Opener
  ) async -> [Int: PortRole] {
    var roles: [Int: PortRole] = [:]
    // The likely port first, so that most sticks are asked on one port only.
    let likely = ports.filter { $0.role == .at } + ports.filter { $0.role == .unknown }.reversed()
    for port in likely where port.mayBeAsked {
      guard let link = try? await open(port.name) else { continue }
      let answer = await ask(link, id)
      await link.close()
      switch answer {
      case .silent: continue
      case .positions: roles[port.interface] = .gps
      case .commands(let told):
        roles[port.interface] = .at
        for (interface, role) in told
        where ports.contains(where: { $0.interface == interface }) {
          roles[interface] = role
        }
        return roles
      }
    }
    return roles
  }

  private enum Answer {
    case silent, positions
    case commands([Int: PortRole])
  }

  private static func ask(_ link: any ByteLink, _ id: USBID) async -> Answer {
    // A position port talks by itself once a second; nothing is sent to it.
    let heard = (try? await link.receive(within: .milliseconds(1200))) ?? []
    if isPositions(heard) { return .positions }
    let session = ATSession(link: link)
    guard let answer = try? await session.send("AT", within: .seconds(2)), answer.isOK else {
      return .silent
    }
    guard id.vendor == 0x12d1, !crashesOnPortMode.contains(id),
      let mode = try? await session.send("AT^GETPORTMODE", within: .seconds(3)), mode.isOK
    else { return .commands([:]) }
    return .commands(portMode(mode.values("^GETPORTMODE")))
  }

  /// Whether these are position reports: `$GPGGA,...`.
  static func isPositions(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    return ["$GP", "$GN", "$GL", "$GA", "$BD"].contains { text.contains($0) }
  }

  /// Interface and role of ` TYPE: WCDMA: huawei,MDM:0,DIAG:1,PCUI:2,`; names that we do not know
  /// are left out.
  public static func portMode(_ values: [String]) -> [Int: PortRole] {
    var roles: [Int: PortRole] = [:]
    for field in (values.first ?? "").prefix(4096).split(separator: ",") {
      guard let colon = field.lastIndex(of: ":") else { continue }
      let name = field[..<colon].filter { !$0.isWhitespace }.lowercased()
      let tail = field[field.index(after: colon)...].filter { !$0.isWhitespace }
      guard let number = Int(tail), (0...31).contains(number) else { continue }
      switch name {
      case "pcui": roles[number] = .at
      case "mdm", "modem", "3g_modem": roles[number] = .modem
      case "diag", "3g_diag", "4g_diag": roles[number] = .diag
      case "gps": roles[number] = .gps
      default: break
      }
    }
    return roles
  }
}
