import Glibc
import SmithBytes
import SmithLink

/// One visitor of a served page.
struct WebConnection: ~Copyable {
  private enum State {
    case reading, answering, stalled
    /// All was said; the other end may still talk until it hangs up.
    case leaving
    case over
  }

  /// How long a visitor may keep quiet.
  private static let patience = Duration.seconds(30)

  let socket: Int32
  private var state = State.reading
  private var reader: WebRequestReader
  private var pieces: ArraySlice<WebReply.Piece> = []
  private var ending = WebReply.Ending.open
  private var unsent: ArraySlice<UInt8> = []
  private var again: [UInt8] = []
  private var lastTouch = MonotonicClock.now

  init(_ socket: Int32, bodyLimit: Int) {
    self.socket = socket
    reader = WebRequestReader(bodyLimit: bodyLimit)
  }

  deinit { close(socket) }

  var isOver: Bool { state == .over }

  /// What `poll` shall watch.
  var events: Int16 {
    Int16(unsent.isEmpty ? (state == .answering ? 0 : POLLIN) : POLLOUT)
  }

  /// When the next piece wants to leave, in the stick's time.
  var nextDue: Duration? { unsent.isEmpty ? pieces.first?.at : nil }

  /// How long until an idle visitor is sent away.
  var idleLeft: Duration { lastTouch + Self.patience - MonotonicClock.now }

  /// Sends what is due and takes what has come.
  mutating func turn(
    ready: Int16, now: Duration, scratch: inout [UInt8], answer: (WebCall) -> WebReply
  ) {
    if ready & Int16(POLLERR | POLLNVAL) != 0 || idleLeft <= .zero {
      state = .over
      return
    }
    if ready & Int16(POLLIN | POLLHUP) != 0, state != .answering { read(&scratch) }
    var isBusy = true
    while isBusy {
      isBusy = false
      if state == .reading { isBusy = takeRequest(answer) }
      if state == .answering, send(upTo: now) { isBusy = true }
    }
  }

  /// Breaks the connection off, as a stick does that loses its power.
  mutating func reset() {
    var hard = linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      socket, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
    state = .over
  }

  private mutating func read(_ scratch: inout [UInt8]) {
    let count = unsafe recv(socket, &scratch, scratch.count, 0)
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    guard count > 0 else {
      state = .over
      return
    }
    lastTouch = MonotonicClock.now
    if state == .reading { reader.take(scratch[..<count]) }
  }

  /// Whether a request was taken.
  private mutating func takeRequest(_ answer: (WebCall) -> WebReply) -> Bool {
    switch reader.next() {
    case .more: return false
    case .wantsToContinue:
      // A handful of bytes: they fit, or the visitor is gone anyway.
      let go = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
      _ = unsafe Glibc.send(socket, go, go.count, Int32(MSG_NOSIGNAL))
      return false
    case .refused(let status):
      start(WebReply.page(status, body: [], at: .zero), keepsOpen: false)
    case .call(let call, let keepsOpen): start(answer(call), keepsOpen: keepsOpen)
    }
    return true
  }

  private mutating func start(_ reply: WebReply, keepsOpen: Bool) {
    pieces = reply.pieces[...]
    ending = reply.ending == .open && !keepsOpen ? .close : reply.ending
    again = reply.pieces.last?.bytes ?? []
    state = .answering
  }

  /// Sends as far as time and the visitor allow; whether the next request can be looked at.
  private mutating func send(upTo now: Duration) -> Bool {
    while true {
      if unsent.isEmpty {
        if let piece = pieces.first {
          guard piece.at <= now else { return false }
          unsent = piece.bytes[...]
          pieces.removeFirst()
          if unsent.isEmpty { continue }
        } else {
          guard ending == .endless, !again.isEmpty else { return finish() }
          unsent = again[...]
        }
      }
      let count = unsafe unsent.withUnsafeBytes { bytes in
        unsafe Glibc.send(
          socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else {
        if errno != EAGAIN, errno != EINTR { state = .over }
        return false
      }
      lastTouch = MonotonicClock.now
      unsent.removeFirst(count)
      // A page without end must not keep the server from its other visitors.
      if ending == .endless, pieces.isEmpty, unsent.isEmpty {
        unsent = again[...]
        return false
      }
    }
  }

  private mutating func finish() -> Bool {
    switch ending {
    case .open: state = .reading
    case .close:
      shutdown(socket, Int32(SHUT_WR))
      state = .leaving
    case .reset: reset()
    case .stall, .endless: state = .stalled
    }
    return state == .reading
  }
}
