import Glibc

/// The system's monotonic time: never set back, counted from some fixed moment.
enum MonotonicClock {
  static var now: Duration { .nanoseconds(nanoseconds) }

  /// The same as a plain number, for what is asked at every block of a flash.
  static var nanoseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// The end of a wait.
struct Deadline {
  private let end: Int64

  /// Ends after `limit`; anything above a century is a century.
  init(after limit: Duration) {
    let (seconds, attoseconds) = limit.components
    let capped = min(max(seconds, -1), 3_000_000_000)
    end = MonotonicClock.nanoseconds + capped * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  private init(end: Int64) {
    self.end = end
  }

  /// Whether it has passed.
  var isOver: Bool { end <= MonotonicClock.nanoseconds }

  /// The same, or the end of a shorter wait that begins now.
  func orSooner(_ wait: Duration) -> Deadline {
    Deadline(end: min(end, Deadline(after: wait).end))
  }

  /// Milliseconds for `poll`: rounded up, so that a wait is never too short; 0 when it is over.
  var pollMilliseconds: Int32 {
    let left = end - MonotonicClock.nanoseconds
    return left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
  }
}
