import Glibc
public import SmithLink
import Synchronization

/// What a ``WebPageServer`` tells about itself.
public enum WebPageEvent: Equatable, Sendable {
  /// The page can be opened at this address.
  case published(url: String)
  /// Nothing listens there any more.
  case withdrawn(url: String)
  /// Something about a serial port of the same stick.
  case port(PTYEvent)
}

/// Serves a simulated stick in real time: its page on a TCP port of this computer, and whatever
/// serial ports its face has on PTYs.
///
/// Only this computer can connect. Visitors may send what they like: requests, their number and
/// their size are bounded. A stick that leaves the bus breaks every connection off.
public final class WebPageServer<Body: WebBody>: Sendable {
  private let stick: PTYServer<Body>
  private let host: String
  private let port: Int
  private let speed: Double
  private let bodyLimit: Int
  private let report: @Sendable (WebPageEvent) -> Void
  private let stopped = Mutex(false)
  private let shown = Mutex<Shown?>(nil)
  private let pipe = Mutex<WakePipe?>(nil)

  /// What of the body matters to the listening socket.
  struct Shown: Equatable, Sendable {
    var isListening: Bool
    var generation: Int?
  }

  /// Prepares to serve `body`.
  ///
  /// - Parameters:
  ///   - host: an address of this computer itself, `127.x.x.x`.
  ///   - port: a TCP port; 0 takes a free one.
  ///   - link: where serial ports are published, if the stick shows any.
  ///   - speed: how many seconds pass for the stick in one of ours.
  ///   - bodyLimit: the longest request body that is taken.
  ///   - report: called on threads of the server.
  public init(
    _ body: Body, host: String = "127.0.0.1", port: Int = 0, link: String, speed: Double = 1,
    bodyLimit: Int = 256 << 20, report: @escaping @Sendable (WebPageEvent) -> Void = { _ in }
  ) {
    stick = PTYServer(body, link: link, speed: speed) { report(.port($0)) }
    self.host = host
    self.port = port
    self.speed = max(speed, 0.001)
    self.bodyLimit = bodyLimit
    self.report = report
  }

  /// The stick's own time.
  public var now: Duration { stick.now }

  /// Plugs the stick in and serves it until ``stop()``, SIGINT or SIGTERM; then the plug is
  /// pulled.
  ///
  /// - Parameter keep: called after every reaction and once more after the plug was pulled.
  /// - Throws: `.broken` if the address cannot be had, it is not of this computer alone, or a PTY
  ///   cannot be made.
  public func run(keep: @escaping @Sendable (inout Body) -> Void = { _ in })
    async throws(LinkError)
  {
    guard let pipe = WakePipe() else { throw .broken(FileNames.words(errno)) }
    self.pipe.withLock { $0 = pipe }
    let desk = try ListeningDesk(host: host, port: port)
    let pages = PortThread()
    async let served: Void = pages.run { self.serve(desk, pipe) }
    let ended: Result<Void, LinkError>
    do {
      try await stick.run { body in
        keep(&body)
        self.notice(Shown(isListening: body.isListening, generation: body.face?.generation))
      }
      ended = .success(())
    } catch {
      ended = .failure(error)
    }
    stop()
    await served
    try ended.get()
  }

  /// Ends ``run(keep:)``; may be called from anywhere, and more than once.
  public func stop() {
    stopped.withLock { $0 = true }
    stick.stop()
    pipe.withLock { $0?.wake() }
  }

  /// Looks at the stick or changes it between two of its reactions.
  public func change<Result: Sendable>(
    _ work: @Sendable (inout Body, _ now: Duration) -> Result
  ) -> Result {
    stick.change(work)
  }

  private func notice(_ face: Shown) {
    let isNew = shown.withLock { shown in
      defer { shown = face }
      return shown != face
    }
    if isNew { pipe.withLock { $0?.wake() } }
  }

  /// Until it is stopped: show or hide the socket, send what is due, sleep, take what came.
  private func serve(_ desk: ListeningDesk, _ pipe: WakePipe) {
    var visitors = WebVisitors(bodyLimit: bodyLimit)
    var present = Shown(isListening: false, generation: nil)
    while !stopped.withLock({ $0 }) {
      let face = shown.withLock { $0 } ?? present
      if face != present {
        visitors.resetAll()
        if present.isListening != face.isListening { listen(face.isListening, desk) }
        present = face
      }
      visitors.sleep(desk: desk, pipe: pipe) { (at: Duration) in (at - now) / speed }
      visitors.turn(now: now) { call in stick.change { $0.answer(call, at: $1) } }
      visitors.welcome(from: desk)
    }
    visitors.resetAll()
    if present.isListening { listen(false, desk) }
  }

  private func listen(_ wanted: Bool, _ desk: ListeningDesk) {
    let url = "http://\(host):\(desk.port)"
    if wanted {
      if desk.open() { report(.published(url: url)) }
    } else {
      desk.close()
      report(.withdrawn(url: url))
    }
  }
}

/// The visitors of one page.
struct WebVisitors: ~Copyable {
  private static let most = 32
  private let bodyLimit: Int
  private var visitors: [Visitor] = []
  private var polled: [pollfd] = []
  private var scratch = [UInt8](repeating: 0, count: 65_536)

  /// Arrays hold no values that cannot be copied; a box can be held.
  private final class Visitor {
    var connection: WebConnection
    init(_ connection: consuming WebConnection) { self.connection = connection }
  }

  init(bodyLimit: Int) {
    self.bodyLimit = bodyLimit
  }

  mutating func resetAll() {
    for visitor in visitors { visitor.connection.reset() }
    visitors = []
  }

  /// Sleeps until something arrives or wants to leave.
  mutating func sleep(desk: ListeningDesk, pipe: WakePipe, wait: (Duration) -> Duration) {
    polled.removeAll(keepingCapacity: true)
    polled.append(pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0))
    polled.append(pollfd(fd: desk.socket, events: Int16(POLLIN), revents: 0))
    var limit: Duration?
    for visitor in visitors {
      polled.append(
        pollfd(fd: visitor.connection.socket, events: visitor.connection.events, revents: 0))
      var own = visitor.connection.idleLeft
      if let due = visitor.connection.nextDue { own = min(own, wait(due)) }
      limit = min(limit ?? own, own)
    }
    let milliseconds = limit.map { Deadline(after: $0).pollMilliseconds } ?? -1
    _ = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
    if polled[0].revents != 0 { pipe.drain() }
  }

  mutating func turn(now: Duration, answer: (WebCall) -> WebReply) {
    for (index, visitor) in visitors.enumerated() {
      visitor.connection.turn(
        ready: polled[2 + index].revents, now: now, scratch: &scratch, answer: answer)
    }
    visitors.removeAll { $0.connection.isOver }
  }

  /// Lets in who stands at the door; above the limit they are sent away.
  mutating func welcome(from desk: ListeningDesk) {
    guard polled.count > 1, polled[1].revents != 0 else { return }
    while let socket = desk.accept() {
      guard visitors.count < Self.most else {
        close(socket)
        continue
      }
      visitors.append(Visitor(WebConnection(socket, bodyLimit: bodyLimit)))
    }
  }
}
