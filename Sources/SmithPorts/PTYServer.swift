import Glibc
public import SmithLink
public import SmithModel
import Synchronization

/// What a ``PTYServer`` tells about itself.
public enum PTYEvent: Equatable, Sendable {
  /// A port can be opened: its link, what the link leads to, and the port's role.
  case published(link: String, path: String, role: PortRole)
  /// The link is gone and the port hung up.
  case withdrawn(link: String)
}

/// Serves a simulated stick on PTYs in real time, so that any program can talk to it.
///
/// The main port of each face (AT, download or boot ROM) is published as a symbolic link; further
/// ports get the same path with their index appended, as in `stick.2`. A stick that leaves the bus
/// hangs up its ports and takes its links away, as a real one does.
public final class PTYServer<Body: StickBody>: Sendable {
  private let body: Mutex<Body>
  private let link: String
  private let speed: Double
  private let report: @Sendable (PTYEvent) -> Void
  private let start = MonotonicClock.now
  private let pipe = Mutex<WakePipe?>(nil)
  private let stopped = Mutex(false)

  /// Prepares to serve `body`.
  ///
  /// - Parameters:
  ///   - link: where the main port's path is published.
  ///   - speed: how many seconds pass for the stick in one of ours.
  ///   - report: called on the server's thread.
  public init(
    _ body: Body, link: String, speed: Double = 1,
    report: @escaping @Sendable (PTYEvent) -> Void = { _ in }
  ) {
    self.body = Mutex(body)
    self.link = link
    self.speed = max(speed, 0.001)
    self.report = report
  }

  /// The stick's own time.
  public var now: Duration { (MonotonicClock.now - start) * speed }

  /// Plugs the stick in and serves it until ``stop()``, SIGINT or SIGTERM; then the plug is
  /// pulled, every port hung up and every link removed.
  ///
  /// - Parameter keep: called after every reaction and once more after the plug was pulled.
  /// - Throws: `.broken` if a PTY or its link cannot be made.
  public func run(keep: @escaping @Sendable (inout Body) -> Void = { _ in })
    async throws(LinkError)
  {
    guard let pipe = WakePipe() else { throw .broken(FileNames.words(errno)) }
    self.pipe.withLock { $0 = pipe }
    let signals = StopSignals { self.stop() }
    let served: Result<Void, LinkError> = await PortThread().run {
      var ports = ServedPorts(link: self.link, report: self.report)
      self.body.withLock { $0.plug(at: self.now) }
      let served = Result { () throws(LinkError) in
        while !self.stopped.withLock({ $0 }) { try self.turn(&ports, pipe, keep) }
      }
      self.body.withLock { body in
        body.unplug(at: self.now)
        keep(&body)
      }
      ports.closeAll()
      return served
    }
    signals.cancel()
    try served.get()
  }

  /// Ends ``run()``; may be called from anywhere, and more than once.
  public func stop() {
    stopped.withLock { $0 = true }
    pipe.withLock { $0?.wake() }
  }

  /// Looks at the stick or changes it (plug, unplug) between two of its reactions.
  public func change<Result: Sendable>(
    _ work: @Sendable (inout Body, _ now: Duration) -> Result
  ) -> Result {
    let result = body.withLock { work(&$0, now) }
    pipe.withLock { $0?.wake() }
    return result
  }

  /// One turn: let time pass, show the face, send, sleep, take what arrived.
  private func turn(
    _ ports: inout ServedPorts, _ pipe: WakePipe, _ keep: (inout Body) -> Void
  ) throws(LinkError) {
    var more = true
    while more {
      // One event at a time, so that what is sent is sent through the face that sends it.
      let (emissions, face, isBehind) = body.withLock { body in
        let present = now
        let step = body.nextDue.map { min($0, present) } ?? present
        let emissions = body.advance(to: step)
        keep(&body)
        return (emissions, body.face, step < present)
      }
      ports.send(upTo: now)
      try ports.show(face)
      ports.take(emissions)
      more = isBehind
    }
    ports.send(upTo: now)
    let due = body.withLock { $0.nextDue }
    let next = [due, ports.nextDue].compactMap { $0 }.min()
    ports.sleep(pipe, until: next.map { ($0 - now) / speed })
    ports.receive { bytes, port in
      body.withLock { body in
        let emissions = body.receive(bytes, on: port, at: now)
        keep(&body)
        return emissions
      }
    }
  }
}
