import Glibc

/// Keeps the computer from sleeping and shutting down, as long as this lives: a one-way door is
/// open. The login manager sees the descriptor close even if we are killed.
public final class SleepInhibitor: Sendable {
  private let descriptor: Int32

  /// Asks the login manager; nil if there is none, or it refuses.
  ///
  /// - Parameters:
  ///   - reason: what people are told who try to shut down.
  ///   - address: another bus than the system's.
  public init?(reason: String, address: String? = nil) {
    let name = "org.freedesktop.login1"
    guard let bus = try? DBusConnection(address: address), bus.owner(of: name) != nil,
      let answer = try? bus.call(
        name, "/org/freedesktop/login1", "\(name).Manager", "Inhibit",
        [.text("sleep:shutdown"), .text("modemsmith"), .text(reason), .text("block")]),
      case .descriptor(let descriptor)? = answer.first, descriptor >= 0
    else { return nil }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
