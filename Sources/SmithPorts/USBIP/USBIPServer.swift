import Glibc
public import SmithLink
public import SmithModel
import Synchronization

/// What a ``USBIPServer`` tells about itself.
public enum USBIPEvent: Equatable, Sendable {
  /// A stick can be attached under that name, with that id.
  case appeared(busid: String, id: USBID)
  /// A stick left the bus.
  case left(busid: String)
  /// A host attached a stick, or let it go.
  case taken(busid: String, Bool)
}

/// Serves simulated sticks as USB devices over USB/IP (Docs/Protocols/usbip.md).
///
/// One thread does everything. A stick that leaves the bus closes its connection; it can be
/// imported again under the same name once it is back.
public final class USBIPServer: Sendable {
  private struct Connection: Sendable {
    let socket: Int32
    var session = USBIPSession()
    var unsent: ArraySlice<UInt8> = []
  }

  private struct State: Sendable {
    var shelf: USBIPShelf
    var connections: [Connection] = []
    var shown: [String: (generation: Int, isTaken: Bool)] = [:]
  }

  /// More than one for each stick and a list now and then is somebody who tries things.
  private static let connectionLimit = 64

  private let state: Mutex<State>
  private let speed: Double
  private let report: @Sendable (USBIPEvent) -> Void
  private let keep: @Sendable (Int, inout any USBStickBody) -> Void
  private let start = MonotonicClock.now
  private let pipe: WakePipe
  private let listener: Int32
  private let stopped = Mutex(false)
  /// Where it listens; the port is the real one if any was asked for.
  public let address: SocketAddress

  /// Opens the port; sticks are plugged in by ``run()``.
  ///
  /// - Parameters:
  ///   - speed: how many seconds pass for the sticks in one of ours.
  ///   - report: called on the server's thread.
  ///   - keep: called on the server's thread after every turn, for each stick.
  /// - Throws: `.broken` if the address cannot be listened at.
  public init(
    _ sticks: [any USBStickBody], at address: SocketAddress = .usbip, speed: Double = 1,
    report: @escaping @Sendable (USBIPEvent) -> Void = { _ in },
    keep: @escaping @Sendable (Int, inout any USBStickBody) -> Void = { _, _ in }
  ) throws(LinkError) {
    guard let pipe = WakePipe() else { throw .broken(FileNames.words(errno)) }
    self.pipe = pipe
    let (listener, port) = try TCPSocket.listen(address)
    self.listener = listener
    self.address = SocketAddress(host: address.host, port: port)
    self.speed = max(speed, 0.001)
    self.report = report
    self.keep = keep
    state = Mutex(State(shelf: USBIPShelf(sticks)))
  }

  deinit { close(listener) }

  /// The sticks' own time.
  public var now: Duration { (MonotonicClock.now - start) * speed }

  /// Plugs the sticks in and serves them until ``stop()``, SIGINT or SIGTERM; then every plug is
  /// pulled.
  public func run() async {
    let signals = StopSignals { self.stop() }
    await PortThread().run {
      var scratch = [UInt8](repeating: 0, count: 1 << 18)
      var polled: [pollfd] = []
      self.state.withLock { state in
        for index in state.shelf.slots.indices { state.shelf.plug(index, at: self.now) }
      }
      while !self.stopped.withLock({ $0 }) { self.turn(&scratch, &polled) }
      self.state.withLock { state in
        for index in state.shelf.slots.indices {
          state.shelf.unplug(index, at: self.now)
          state.shelf.change(index) { self.keep(index, &$0.stick) }
        }
        for connection in state.connections { close(connection.socket) }
        state.connections = []
      }
    }
    signals.cancel()
  }

  /// Ends ``run()``; may be called from anywhere, and more than once.
  public func stop() {
    stopped.withLock { $0 = true }
    pipe.wake()
  }

  /// Plugs a stick in, or pulls it out, between two of its reactions.
  public func plug(_ index: Int, _ isIn: Bool) {
    state.withLock { state in
      if isIn {
        state.shelf.plug(index, at: now)
      } else {
        state.shelf.unplug(index, at: now)
      }
    }
    pipe.wake()
  }

  /// Looks at a stick or changes it between two of its reactions.
  public func change<Result: Sendable>(
    _ index: Int, _ work: @Sendable (inout any USBStickBody) -> Result
  ) -> Result? {
    let result = state.withLock { $0.shelf.change(index) { work(&$0.stick) } }
    pipe.wake()
    return result
  }

  // MARK: One turn

  private func turn(_ scratch: inout [UInt8], _ polled: inout [pollfd]) {
    let limit = state.withLock { state -> Duration? in
      let next = pass(&state)
      fill(&polled, state)
      return next.map { ($0 - now) / speed }
    }
    let milliseconds = limit.map { Deadline(after: $0).pollMilliseconds } ?? -1
    _ = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
    if polled[0].revents != 0 { pipe.drain() }
    state.withLock { state in
      for index in state.connections.indices where polled[index + 2].revents != 0 {
        receive(index, &state, &scratch)
      }
      if polled[1].revents != 0 { accept(&state) }
    }
  }

  private func fill(_ polled: inout [pollfd], _ state: State) {
    polled.removeAll(keepingCapacity: true)
    polled.append(pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0))
    polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
    for connection in state.connections {
      // Who does not take answers is not asked for more requests.
      let events = connection.unsent.isEmpty ? POLLIN : POLLOUT
      polled.append(pollfd(fd: connection.socket, events: Int16(events), revents: 0))
    }
  }

  /// Lets time pass, hands on, sends; says when the next thing is due.
  private func pass(_ state: inout State) -> Duration? {
    let present = now
    for slot in state.shelf.slots.indices {
      var emissions: [USBEmission] = []
      state.shelf.advance(slot, to: present) { emissions += $0 }
      guard let index = state.connections.firstIndex(where: { $0.session.slot == slot }) else {
        continue
      }
      state.connections[index].session.deliver(emissions)
    }
    for index in state.connections.indices {
      state.connections[index].session.follow(state.shelf, at: present)
      send(index, &state)
    }
    bury(&state)
    for slot in state.shelf.slots.indices {
      state.shelf.change(slot) { keep(slot, &$0.stick) }
    }
    tell(&state)
    let due =
      state.connections.compactMap(\.session.nextDue) + [state.shelf.nextDue].compactMap(\.self)
    return due.min()
  }

  private func send(_ index: Int, _ state: inout State) {
    if state.connections[index].unsent.isEmpty, state.connections[index].session.hasOutput {
      state.connections[index].unsent = state.connections[index].session.takeOutput()[...]
    }
    guard !state.connections[index].unsent.isEmpty else { return }
    let socket = state.connections[index].socket
    guard let count = TCPSocket.write(socket, state.connections[index].unsent) else {
      state.connections[index].unsent = []
      return state.connections[index].session.hangUp(&state.shelf, at: now)
    }
    state.connections[index].unsent.removeFirst(count)
  }

  private func receive(_ index: Int, _ state: inout State, _ scratch: inout [UInt8]) {
    guard state.connections[index].unsent.isEmpty else { return }
    guard let bytes = TCPSocket.read(state.connections[index].socket, into: &scratch) else {
      state.connections[index].unsent = []
      return state.connections[index].session.hangUp(&state.shelf, at: now)
    }
    guard !bytes.isEmpty else { return }
    state.connections[index].session.receive(bytes, &state.shelf, at: now)
    send(index, &state)
  }

  private func accept(_ state: inout State) {
    while let socket = TCPSocket.accept(listener) {
      guard state.connections.count < Self.connectionLimit else {
        close(socket)
        continue
      }
      state.connections.append(Connection(socket: socket))
    }
  }

  /// Closes connections that are over; a stick that went takes its connection with it at once.
  private func bury(_ state: inout State) {
    for index in state.connections.indices.reversed()
    where state.connections[index].session.isOver {
      // What the system has taken by now still arrives.
      state.connections[index].session.release(&state.shelf)
      close(state.connections[index].socket)
      state.connections.remove(at: index)
    }
  }

  private func tell(_ state: inout State) {
    for slot in state.shelf.slots {
      let face = slot.stick.usbFace
      let before = state.shown[slot.busid]
      if before?.generation != face?.generation {
        if before != nil { report(.left(busid: slot.busid)) }
        if let face { report(.appeared(busid: slot.busid, id: face.id)) }
      }
      if (before?.isTaken ?? false) != slot.isTaken {
        report(.taken(busid: slot.busid, slot.isTaken))
      }
      state.shown[slot.busid] = face.map { ($0.generation, slot.isTaken) }
    }
  }
}
