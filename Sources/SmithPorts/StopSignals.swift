import Dispatch
import Glibc

/// Turns Ctrl-C and a polite kill into a call, so that ports and links are given back.
final class StopSignals {
  private let sources: [any DispatchSourceSignal]
  private static let numbers = [SIGINT, SIGTERM]

  /// From now on SIGINT and SIGTERM call `stop` instead of ending the process; the same one again
  /// ends it at once.
  init(_ stop: @escaping @Sendable () -> Void) {
    sources = Self.numbers.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        stop()
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  /// Lets the signals end the process again.
  func cancel() {
    for source in sources { source.cancel() }
    for number in Self.numbers { signal(number, SIG_DFL) }
  }
}
