public import SmithLink
import Synchronization

/// A serial port, real or PTY: raw, 115200 8N1, no flow control, for us alone.
///
/// Waits block the thread on a ``PortThread`` and change to one of its own otherwise; the shared
/// pool is held at most for the moment in which a stick usually answers.
public final class SerialLink: ByteLink {
  /// The path that was opened.
  public let path: String
  private let tty: Mutex<TTY?>
  private let writeLimit: Duration
  private let thread = Mutex<PortThread?>(nil)

  /// How long a wait may hold a thread of the shared pool: changing threads costs tens of
  /// microseconds, most answers come sooner than this.
  private static let patience = Duration.milliseconds(2)

  /// Opens and locks the port.
  ///
  /// - Parameters:
  ///   - path: a serial port, or a link to one.
  ///   - writeLimit: how long the port may take no byte before `send` gives up.
  ///   - lockDirectory: where `LCK..` files are kept; nil for none.
  /// - Throws: `.notFound`, `.notPermitted`, `.busy` with the holder's name, or `.broken`.
  public init(
    path: String, writeLimit: Duration = .seconds(30), lockDirectory: String? = "/run/lock"
  ) throws(LinkError) {
    self.path = path
    self.writeLimit = writeLimit
    tty = Mutex(try TTY(path: path, lockDirectory: lockDirectory))
  }

  /// Hands all bytes to the port; `.silent` if it takes none for the write limit.
  public func send(_ bytes: [UInt8]) async throws(LinkError) {
    let tty = try open()
    if PortThread.isCurrent { return try tty.write(bytes, limit: writeLimit) }
    let limit = writeLimit
    // A write almost never waits, but when it does, it does so for long.
    let done = try tty.writeNow(bytes)
    if done == bytes.count { return }
    let rest = [UInt8](bytes[done...])
    try await off { () throws(LinkError) in try tty.write(rest, limit: limit) }
  }

  /// What has arrived, up to 64 KiB, waiting for the first byte at most `limit`.
  public func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    let tty = try open()
    if PortThread.isCurrent || limit <= Self.patience { return try tty.read(within: limit) }
    do {
      return try tty.read(within: Self.patience)
    } catch {
      guard error == .silent else { throw error }
    }
    let rest = limit - Self.patience
    return try await off { () throws(LinkError) in try tty.read(within: rest) }
  }

  /// Waits; a cancelled task waits no longer.
  public func pause(_ duration: Duration) async {
    try? await Task.sleep(for: duration)
  }

  /// The system's monotonic time.
  public var now: Duration { MonotonicClock.now }

  /// Gives the port back with its old settings; whoever waits on it gets `.gone`.
  public func close() async {
    let last = tty.withLock { tty in
      defer { tty = nil }
      return tty
    }
    last?.wake()
    let thread = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    // A call that has just ended may still hold the port, and with it the lock that the next one
    // to open it wants.
    await thread?.run {}
  }

  private func open() throws(LinkError) -> TTY {
    guard let open = tty.withLock({ $0 }) else { throw .gone }
    return open
  }

  /// Runs a blocking call on the link's own thread.
  private func off<Value: Sendable>(
    _ work: @escaping @Sendable () throws(LinkError) -> Value
  ) async throws(LinkError) -> Value {
    let thread = thread.withLock { kept in
      let thread = kept ?? PortThread()
      kept = thread
      return thread
    }
    return try await thread.run { Result(catching: work) }.get()
  }
}
