import Glibc

/// A pipe that makes a sleeping `poll` return.
final class WakePipe: Sendable {
  /// The end to poll for reading.
  let reading: Int32
  private let writing: Int32

  init?() {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return nil }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  /// Makes the reading end readable.
  func wake() {
    var one: UInt8 = 1
    _ = unsafe write(writing, &one, 1)
  }

  /// Takes out what `wake` put in.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while unsafe read(reading, &bytes, bytes.count) > 0 {}
  }
}
