import Glibc
public import SmithLink

/// A pseudo terminal without echo or line editing: what is written on one side is read on the
/// other, byte for byte.
public final class PTY: Sendable {
  /// The side that plays the stick; non-blocking.
  public let master: Int32
  /// Path of the side that plays the computer's port, as in `/dev/pts/3`.
  public let path: String
  /// Held open so that a host that closes the port takes nothing down with it.
  let slave: Int32

  /// Opens a pair.
  ///
  /// - Throws: `.broken` if the system has none left.
  public init() throws(LinkError) {
    var ends: (master: Int32, slave: Int32) = (-1, -1)
    guard unsafe openpty(&ends.master, &ends.slave, nil, nil, nil) == 0 else {
      throw .broken("no pseudo terminal: \(FileNames.words(errno))")
    }
    var settings = termios()
    unsafe tcgetattr(ends.slave, &settings)
    unsafe cfmakeraw(&settings)
    unsafe tcsetattr(ends.slave, TCSANOW, &settings)
    for end in [ends.master, ends.slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends.master, F_SETFL, fcntl(ends.master, F_GETFL) | O_NONBLOCK)
    master = ends.master
    slave = ends.slave
    path = FileNames.target(of: "/proc/self/fd/\(ends.slave)") ?? ""
  }

  deinit {
    close(slave)
    close(master)
  }

  /// Writes what fits; returns how many bytes that was.
  public func write(_ bytes: ArraySlice<UInt8>) -> Int {
    let count = unsafe bytes.withUnsafeBytes { buffer in
      unsafe Glibc.write(master, buffer.baseAddress, buffer.count)
    }
    return max(0, count)
  }

  /// What the host has written, up to 64 KiB; empty if nothing is there.
  public func read(into scratch: inout [UInt8]) -> ArraySlice<UInt8> {
    let count = unsafe scratch.withUnsafeMutableBytes { buffer in
      unsafe Glibc.read(master, buffer.baseAddress, buffer.count)
    }
    return scratch[..<max(0, count)]
  }

  /// Throws away what the host has not read yet.
  func forgetUnread() {
    tcflush(slave, TCIFLUSH)
  }
}
