import Glibc
import SmithBytes
import SmithLink
import SmithModel

/// The PTYs of a served stick's present face, and what waits to be sent through them.
struct ServedPorts {
  private struct Served {
    let pty: PTY
    let link: String
    let watch: OpenWatch
    var unsent: [UInt8] = []
  }

  /// A PTY reads as two entries of `poll`: the stick's side, and who opens the other.
  private static let entriesPerPort = 2
  /// What a stick keeps for a host that does not read; the oldest goes first.
  private static let unreadLimit = 262_144

  private let link: String
  private let report: @Sendable (PTYEvent) -> Void
  private var generation: Int?
  private var ports: [Served] = []
  private var waiting: [Emission] = []
  private var scratch = [UInt8](repeating: 0, count: 65_536)
  private var polled: [pollfd] = []

  init(link: String, report: @escaping @Sendable (PTYEvent) -> Void) {
    self.link = link
    self.report = report
  }

  /// When the next emission wants to leave.
  var nextDue: Duration? { waiting.first?.at }

  /// Keeps emissions of the present face by their times; equal times keep their order.
  mutating func take(_ emissions: [Emission]) {
    for emission in emissions {
      let index = waiting.lastIndex { $0.at <= emission.at }.map { $0 + 1 } ?? 0
      waiting.insert(emission, at: index)
    }
  }

  /// Sends what is due, as far as the ports take it.
  mutating func send(upTo now: Duration) {
    let due = waiting.prefix { $0.at <= now }
    for emission in due where ports.indices.contains(emission.port) {
      ports[emission.port].unsent += emission.bytes
    }
    waiting.removeFirst(due.count)
    for index in ports.indices where !ports[index].unsent.isEmpty {
      let count = ports[index].pty.write(ports[index].unsent[...])
      ports[index].unsent.removeFirst(count)
      let surplus = ports[index].unsent.count - Self.unreadLimit
      if surplus > 0 { ports[index].unsent.removeFirst(surplus) }
    }
  }

  /// Closes the ports of an earlier face and opens those of this one.
  mutating func show(_ face: StickFace?) throws(LinkError) {
    guard face?.generation != generation else { return }
    closeAll()
    generation = face?.generation
    guard let face else { return }
    let wanted: [PortRole] = [.at, .download, .bootROM]
    let main = face.ports.firstIndex { wanted.contains($0) } ?? 0
    var opened: [PTYEvent] = []
    for (index, role) in face.ports.enumerated() {
      let pty = try PTY()
      let name = index == main ? link : "\(link).\(index)"
      ports.append(Served(pty: pty, link: name, watch: OpenWatch(pty.path)))
      opened.append(.published(link: name, path: pty.path, role: role))
    }
    // The main port last: who finds it finds all of them.
    for index in ports.indices where index != main { try publish(ports[index]) }
    if ports.indices.contains(main) { try publish(ports[main]) }
    for event in opened { report(event) }
  }

  /// Hangs up every port and takes the links away.
  mutating func closeAll() {
    // Links go first: who finds one shall be able to open it.
    let gone = ports.map(\.link)
    for port in ports where FileNames.target(of: port.link) == port.pty.path {
      _ = unsafe unlink(port.link)
    }
    ports = []
    waiting = []
    for link in gone { report(.withdrawn(link: link)) }
  }

  /// Sleeps until something arrives, a port takes bytes again, or the limit is over.
  mutating func sleep(_ pipe: WakePipe, until limit: Duration?) {
    polled.removeAll(keepingCapacity: true)
    polled.append(pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0))
    for port in ports {
      let events = POLLIN | (port.unsent.isEmpty ? 0 : POLLOUT)
      polled.append(pollfd(fd: port.pty.master, events: Int16(events), revents: 0))
      polled.append(pollfd(fd: port.watch.descriptor, events: Int16(POLLIN), revents: 0))
    }
    let milliseconds = limit.map { Deadline(after: $0).pollMilliseconds } ?? -1
    _ = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
    if polled[0].revents != 0 { pipe.drain() }
  }

  /// Takes what hosts have written, in whole chunks.
  mutating func receive(_ deliver: ([UInt8], Int) -> [Emission]) {
    for index in ports.indices {
      let entry = 1 + index * Self.entriesPerPort
      // Asked before the bytes are read: what an earlier host left unread is not for this one.
      let mayHaveLeft = polled[entry].revents != 0 || polled[entry + 1].revents != 0
      if mayHaveLeft, ports[index].watch.lastHostLeft() {
        ports[index].pty.forgetUnread()
        ports[index].unsent = []
      }
      guard polled[entry].revents & Int16(POLLIN) != 0 else { continue }
      let bytes = [UInt8](ports[index].pty.read(into: &scratch))
      if !bytes.isEmpty { take(deliver(bytes, index)) }
    }
  }

  /// Puts the link there in one step.
  private func publish(_ port: Served) throws(LinkError) {
    var status = stat()
    if unsafe lstat(port.link, &status) == 0, status.st_mode & S_IFMT != S_IFLNK {
      throw .broken("\(port.link) exists and is no link; it is left alone")
    }
    let aside = "\(port.link).\(getpid()).new"
    _ = unsafe unlink(aside)
    guard unsafe symlink(port.pty.path, aside) == 0, unsafe rename(aside, port.link) == 0 else {
      let reason = FileNames.words(errno)
      _ = unsafe unlink(aside)
      throw .broken("the link \(port.link) cannot be made: \(reason)")
    }
  }
}

/// Tells when the last program that had a PTY open has closed it.
final class OpenWatch {
  /// Readable when somebody opened or closed the PTY; negative if the system cannot tell.
  let descriptor: Int32
  private var users = 0
  private var buffer = [UInt8](repeating: 0, count: 4096)

  init(_ path: String) {
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else { return }
    let closed = UInt32(IN_CLOSE_WRITE) | UInt32(IN_CLOSE_NOWRITE)
    _ = unsafe inotify_add_watch(descriptor, path, UInt32(IN_OPEN) | closed)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether there was a moment without users since the last call.
  func lastHostLeft() -> Bool {
    var left = false
    while descriptor >= 0 {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      for mask in masks(in: count) {
        if mask & UInt32(IN_OPEN) != 0 {
          users += 1
        } else {
          users -= 1
          if users <= 0 { left = true }
        }
      }
    }
    return left
  }

  /// The event words: at 4 of each record of 16 bytes, the name's length (none here) at 12.
  private func masks(in count: Int) -> [UInt32] {
    var reader = ByteReader(SharedBytes([UInt8](buffer[..<count])))
    var masks: [UInt32] = []
    while reader.skip(4), let mask = reader.little(UInt32.self), reader.skip(4),
      let length = reader.little(UInt32.self), reader.skip(Int(length))
    {
      masks.append(mask)
    }
    return masks
  }
}
