/// A network connection that runs over a stick.
public struct StickConnection: Equatable, Sendable {
  /// The network card, or the port that the connection is dialled through.
  public var interface: String
  /// What the connection is called; the interface if it has no name.
  public var name: String
  /// Whether NetworkManager runs it and can take it down.
  public var isManaged: Bool
  /// Its object at NetworkManager.
  var object: String?
}

/// Finds and takes down what runs over a stick, so that nobody loses a connection unawares
/// (Docs/Protocols/usb-modes.md section 8).
public struct StickNetwork: Sendable {
  private let address: String?
  private let sysfs: String
  private static let name = "org.freedesktop.NetworkManager"
  /// NM_DEVICE_STATE_PREPARE to _ACTIVATED: something is being set up or is up.
  private static let busy = 40...100

  /// - Parameters:
  ///   - address: another bus than the system's.
  ///   - sysfs: where sysfs is mounted.
  public init(address: String? = nil, sysfs: String = "/sys") {
    self.address = address
    self.sysfs = sysfs
  }

  /// Every connection over a stick that is up.
  public func connections(of device: UsbDevice) -> [StickConnection] {
    var found = managed(device)
    for card in device.names(.net) where !found.contains(where: { $0.interface == card }) {
      if FileNames.text(of: "\(sysfs)/class/net/\(card)/operstate", limit: 32) == "up" {
        found.append(StickConnection(interface: card, name: card, isManaged: false))
      }
    }
    return found
  }

  /// Takes a connection down.
  ///
  /// - Returns: nil if it is down, or why not.
  public func takeDown(_ connection: StickConnection) -> String? {
    guard connection.isManaged, let object = connection.object else {
      return "nobody manages \(connection.interface); take it down by hand: "
        + "sudo ip link set \(connection.interface) down"
    }
    do throws(DBusError) {
      let bus = try DBusConnection(address: address)
      _ = try bus.call(Self.name, object, "\(Self.name).Device", "Disconnect")
      return nil
    } catch {
      return error.message
    }
  }

  private func managed(_ device: UsbDevice) -> [StickConnection] {
    guard let bus = try? DBusConnection(address: address), bus.owner(of: Self.name) != nil,
      let answer = try? bus.call(
        Self.name, "/org/freedesktop/NetworkManager", Self.name, "GetDevices")
    else { return [] }
    // NetworkManager knows a modem by its control port, a card by its own name.
    let names = Set(device.interfaces.flatMap(\.nodes).map(\.name))
    var found: [StickConnection] = []
    for object in (answer.first?.members ?? []).prefix(256).compactMap(\.text) {
      let kind = "\(Self.name).Device"
      guard let interface = bus.property(Self.name, object, kind, "Interface")?.text,
        names.contains(interface),
        let state = bus.property(Self.name, object, kind, "State")?.number,
        Self.busy.contains(state)
      else { continue }
      let active = bus.property(Self.name, object, kind, "ActiveConnection")?.text
      let title = active.flatMap {
        bus.property(Self.name, $0, "\(Self.name).Connection.Active", "Id")?.text
      }
      found.append(
        StickConnection(
          interface: interface, name: title ?? interface, isManaged: true, object: object))
    }
    return found
  }
}
