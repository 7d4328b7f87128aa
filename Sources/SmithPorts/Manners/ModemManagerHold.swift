import Synchronization

/// Keeps ModemManager away from exactly one stick, across its re-enumerations
/// (Docs/Protocols/usb-modes.md section 8).
///
/// ModemManager gives the stick back to itself when we say so, and when our connection ends,
/// which the kernel sees to even if we are killed.
public final class ModemManagerHold: Sendable {
  /// How it went.
  public enum State: Equatable, Sendable {
    /// ModemManager leaves the stick alone.
    case held
    /// It does not run, so there is nothing to hold.
    case notRunning
    /// It does not know this stick yet; asking again after the next re-enumeration may help.
    case notManaged
    /// It is still finding out what the stick is, and lets nobody interfere until it knows.
    case probing
    /// It refused; its own words.
    case refused(String)
    /// Given back.
    case released
  }

  /// How the stick is known to ModemManager: its folder in sysfs.
  public let uid: String
  private struct Grip {
    var state: State
    /// Which ModemManager promised it: a new one after a restart knows nothing of the promise.
    var owner: String?
  }
  private let grip: Mutex<Grip>
  private let bus: DBusConnection?

  static let name = "org.freedesktop.ModemManager1"
  static let path = "/org/freedesktop/ModemManager1"

  /// Asks ModemManager to keep away.
  ///
  /// - Parameters:
  ///   - uid: the folder of the stick in sysfs, links followed (``UsbDevice/path``).
  ///   - address: another bus than the system's.
  public init(uid: String, address: String? = nil) {
    self.uid = uid
    bus = try? DBusConnection(address: address)
    grip = Mutex(Grip(state: .notRunning))
    renew()
  }

  deinit { release() }

  /// How it stands.
  public var state: State { grip.withLock { $0.state } }

  /// Asks again where that may help: ModemManager was restarted, or did not know the stick.
  @discardableResult
  public func renew() -> State {
    guard let bus else { return .notRunning }
    return grip.withLock { grip in
      if grip.state == .released { return .released }
      let owner = bus.owner(of: Self.name)
      guard let owner else {
        grip = Grip(state: .notRunning)
        return .notRunning
      }
      if grip.state == .held, grip.owner == owner { return .held }
      grip.owner = owner
      do throws(DBusError) {
        // It may have to take the modem apart first.
        _ = try bus.call(
          Self.name, Self.path, Self.name, "InhibitDevice", [.text(uid), .bool(true)],
          within: .seconds(25))
        grip.state = .held
      } catch {
        grip.state =
          switch error.name.split(separator: ".").last {
          case "NotFound": .notManaged
          case "WrongState": .probing
          default: .refused(error.message)
          }
      }
      return grip.state
    }
  }

  /// Gives the stick back; ModemManager looks at it anew.
  public func release() {
    guard let bus else { return }
    grip.withLock { grip in
      if grip.state == .held {
        _ = try? bus.call(
          Self.name, Self.path, Self.name, "InhibitDevice", [.text(uid), .bool(false)])
      }
      grip.state = .released
    }
  }
}
