import Glibc
import SmithLink
import Synchronization

/// An open serial port: owns the descriptor, its locks and its old settings, and gives all of
/// them back when the last user lets go.
final class TTY: Sendable {
  private let descriptor: Int32
  /// Becomes readable when the link is closed, so that a waiting call wakes up.
  private let alarm: WakePipe
  private let before: termios
  private let exclusive: Bool
  private let lock: LockFile?
  /// A link to a PTY: its path, and the number of the device that it led to. A PTY whose other
  /// side is kept open never hangs up, although the link leads to the next one by now.
  private let link: (path: String, device: dev_t)?
  private let scratch = Mutex([UInt8](repeating: 0, count: 65_536))

  /// Opens `path` raw at 115200 8N1 without flow control, for us alone.
  init(path: String, lockDirectory: String?) throws(LinkError) {
    guard let device = FileNames.resolved(path) else {
      throw errno == EACCES ? .notPermitted(path: path) : .notFound(path: path)
    }
    guard let alarm = WakePipe() else { throw .broken(FileNames.words(errno)) }
    let descriptor = try Self.opened(path, device)
    // Nobody else closes the descriptor if we throw before all members are set.
    var kept = false
    defer { if !kept { Glibc.close(descriptor) } }
    before = try Self.settings(of: descriptor, path)
    try Self.claim(descriptor, device)
    lock =
      try lockDirectory.map { directory throws(LinkError) in
        try LockFile.take(for: device, in: directory)
      } ?? nil
    exclusive = Self.setExclusive(descriptor, device)
    if let reason = Self.makeRaw(descriptor, before) {
      lock?.release()
      throw .broken("\(path) does not take serial settings: \(reason)")
    }
    var opened = stat()
    let isKnown = unsafe fstat(descriptor, &opened) == 0
    link =
      isKnown && path != device && device.hasPrefix("/dev/pts/") ? (path, opened.st_rdev) : nil
    self.alarm = alarm
    self.descriptor = descriptor
    kept = true
  }

  deinit {
    lock?.release()
    var old = before
    _ = unsafe tcsetattr(descriptor, TCSANOW, &old)
    if exclusive { _ = ioctl(descriptor, UInt(TIOCNXCL)) }
    // Not left to the closing: a process that was just begun may have the descriptor for a moment
    // more, and would keep the lock.
    _ = flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }

  /// Wakes whoever waits; every later wait ends at once.
  func wake() {
    alarm.wake()
  }

  /// The bytes that are there, waiting for the first at most `limit`; blocks the thread.
  func read(within limit: Duration) throws(LinkError) -> [UInt8] {
    if limit <= .zero {
      guard let bytes = try readNow() else { throw .silent }
      return bytes
    }
    let end = Deadline(after: limit)
    while true {
      do {
        try wait(for: POLLIN, until: link == nil ? end : end.orSooner(Self.lookInterval))
      } catch {
        guard error == .silent else { throw error }
        if leadsElsewhere { throw .gone }
        if end.isOver { throw .silent }
        continue
      }
      if let bytes = try readNow() { return bytes }
    }
  }

  /// How often a silent PTY's link is looked at.
  private static let lookInterval = Duration.milliseconds(250)

  /// Whether the link that was opened is gone, or leads to another port.
  private var leadsElsewhere: Bool {
    guard let link else { return false }
    return FileNames.status(of: link.path)?.st_rdev != link.device
  }

  /// Hands over all bytes; blocks the thread while the port takes none.
  ///
  /// - Throws: `.silent` if the port takes not one byte for `limit`.
  func write(_ bytes: [UInt8], limit: Duration) throws(LinkError) {
    var done = try writeNow(bytes)
    while done < bytes.count {
      try wait(for: POLLOUT, until: Deadline(after: limit))
      done += try writeNow(bytes, from: done)
    }
  }

  /// Hands over what the port takes at once; returns how many bytes that was.
  func writeNow(_ bytes: [UInt8], from start: Int = 0) throws(LinkError) -> Int {
    var done = start
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
        return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
      }
      if count > 0 {
        done += count
      } else if count == 0 || errno == EAGAIN {
        break
      } else if errno != EINTR {
        throw Self.failure(errno)
      }
    }
    return done - start
  }

  /// What one look at the port gives; nil if nothing is there.
  private func readNow() throws(LinkError) -> [UInt8]? {
    try scratch.withLock { scratch throws(LinkError) -> [UInt8]? in
      var filled = 0
      while filled < scratch.count {
        let count = unsafe scratch.withUnsafeMutableBytes { buffer in
          let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
          return unsafe Glibc.read(descriptor, room.baseAddress, room.count)
        }
        if count > 0 {
          filled += count
          // A short read has emptied the port; asking again would cost as much as the read.
          if count < 2048 { break }
        } else if count < 0 && errno == EINTR {
          continue
        } else if filled > 0 {
          break
        } else if count < 0 && errno == EAGAIN {
          return nil
        } else {
          // No bytes and no error is how a serial port says that it was hung up.
          throw count == 0 ? .gone : Self.failure(errno)
        }
      }
      return [UInt8](scratch[..<filled])
    }
  }

  /// Waits until the port is ready, or hung up (the next read or write tells).
  private func wait(for event: Int32, until end: Deadline) throws(LinkError) {
    while true {
      var watched = (
        pollfd(fd: descriptor, events: Int16(event), revents: 0),
        pollfd(fd: alarm.reading, events: Int16(POLLIN), revents: 0)
      )
      let left = end.pollMilliseconds
      let ready = unsafe withUnsafeMutablePointer(to: &watched) { pair in
        unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) { first in
          unsafe poll(first, 2, left)
        }
      }
      if watched.1.revents != 0 { throw .gone }
      let seen = Int32(watched.0.revents)
      if seen & event != 0 { return }
      if seen & (POLLHUP | POLLERR | POLLNVAL) != 0 { throw .gone }
      if ready == 0 { throw .silent }
      if ready < 0 && errno != EINTR { throw .broken(FileNames.words(errno)) }
    }
  }
}

/// Opening: what may go wrong, in words that help.
extension TTY {
  private static func opened(_ path: String, _ device: String) throws(LinkError) -> Int32 {
    let descriptor = unsafe open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    if descriptor >= 0 { return descriptor }
    switch errno {
    case EACCES, EPERM, EROFS: throw .notPermitted(path: path)
    case EBUSY: throw .busy(holder: PortHolders.user(of: device))
    // A driver whose device has just left still has its node for a moment.
    case ENOENT, ENXIO, ENODEV, EIO, ENOTDIR: throw .notFound(path: path)
    default: throw .broken("\(path): \(FileNames.words(errno))")
    }
  }

  private static func settings(of descriptor: Int32, _ path: String) throws(LinkError) -> termios {
    var settings = termios()
    guard unsafe tcgetattr(descriptor, &settings) == 0 else {
      if errno == EIO { throw .gone }
      throw .broken("\(path) is no serial port")
    }
    return settings
  }

  /// Locks the port against our own kind, and respects who claimed it by TIOCEXCL: the system
  /// keeps that promise for everybody but root.
  private static func claim(_ descriptor: Int32, _ device: String) throws(LinkError) {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .busy(
        holder: PortHolders.locker(of: descriptor) ?? PortHolders.user(of: device))
    }
    let getExclusive: UInt = 0x8004_5440
    var claimed: Int32 = 0
    if unsafe ioctl(descriptor, getExclusive, &claimed) == 0, claimed != 0,
      let holder = PortHolders.user(of: device)
    {
      throw .busy(holder: holder)
    }
  }

  /// Claims the port by TIOCEXCL, except on a PTY: there the claim would outlive a killed owner.
  private static func setExclusive(_ descriptor: Int32, _ device: String) -> Bool {
    !device.hasPrefix("/dev/pts/") && ioctl(descriptor, UInt(TIOCEXCL)) == 0
  }

  private static func makeRaw(_ descriptor: Int32, _ before: termios) -> String? {
    var raw = before
    unsafe cfmakeraw(&raw)
    raw.c_cflag &= ~tcflag_t(CSTOPB | PARENB) & ~tcflag_t(CRTSCTS)
    raw.c_cflag |= tcflag_t(CS8 | CREAD | CLOCAL)
    raw.c_iflag &= ~tcflag_t(IXON | IXOFF | IXANY)
    raw.c_cc.5 = 0  // VTIME
    raw.c_cc.6 = 1  // VMIN: with 0 a silent port could not be told from a hung-up one
    unsafe cfsetspeed(&raw, speed_t(B115200))
    guard unsafe tcsetattr(descriptor, TCSANOW, &raw) == 0 else { return FileNames.words(errno) }
    // What an earlier program left unread is not for us; a real port forgets it by itself.
    tcflush(descriptor, TCIFLUSH)
    return nil
  }

  static func failure(_ number: Int32) -> LinkError {
    switch number {
    case EIO, ENXIO, ENODEV, EPIPE, EBADF: .gone
    default: .broken(FileNames.words(number))
    }
  }
}
