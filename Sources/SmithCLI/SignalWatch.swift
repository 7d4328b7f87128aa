import Dispatch
import Foundation

/// Turns SIGINT, SIGTERM and SIGHUP into calls.
///
/// Sendable by hand: `sources` is written once, before any signal can arrive.
final class SignalWatch: @unchecked Sendable {
  private var sources: [any DispatchSourceSignal] = []

  /// Calls `act` at each of the signals from now on, on a queue of the system's.
  func start(_ act: @escaping @Sendable () -> Void) {
    guard sources.isEmpty else { return }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: act)
      source.resume()
      sources.append(source)
    }
  }
}
