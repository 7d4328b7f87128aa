import SmithLink
import SmithModel

/// What page sticks of both makers have alike: power, restarts, an installation that a power cut
/// spoils or not, and an update that waits at the maker's server.
struct PageBody: Sendable, Equatable {
  enum Mode: Equatable, Sendable {
    case off
    case starting(until: Duration)
    case running
  }

  /// What is written to flash and when it is there.
  struct Installation: Equatable, Sendable {
    var version: String
    var until: Duration
  }

  /// An update at the maker's server, and how far the stick is with it.
  struct Online: Equatable, Sendable {
    var version: String?
    var checkedAt: Duration?
    var loadingSince: Duration?
    var isLoaded = false
  }

  var version: String
  var mode = Mode.off
  var generation = 0
  var restartAt: Duration?
  var installation: Installation?
  var online = Online()
  /// A file that was taken and waits for the restart.
  var taken: String?
  /// How long a start and an installation take.
  var startTime = Duration.seconds(12)
  var installTime = Duration.seconds(40)
  var loadTime = Duration.seconds(30)
  /// Whether an installation that was cut leaves nothing that starts.
  var diesWhenCut = false
  /// Whether an installation came to its end.
  var hasInstalled = false
  /// A stick that does not start any more.
  var isDead = false

  var nextDue: Duration? {
    var due: [Duration] = []
    if case .starting(let until) = mode { due.append(until) }
    if mode == .running, let restartAt { due.append(restartAt) }
    if mode != .off, let installation { due.append(installation.until) }
    return due.min()
  }

  var isUp: Bool { mode == .running }

  mutating func advance(to now: Duration) {
    while let due = nextDue, due <= now {
      if let restartAt, restartAt == due, mode == .running {
        self.restartAt = nil
        begin(at: due)
      } else if let installation, installation.until == due {
        version = installation.version
        hasInstalled = true
        self.installation = nil
        taken = nil
        online.version = nil
      } else {
        mode = .running
        generation += 1
      }
    }
  }

  /// Goes off the bus; what was taken is installed before the stick is back.
  mutating func begin(at now: Duration) {
    guard !isDead else {
      mode = .off
      return
    }
    online.checkedAt = nil
    online.loadingSince = nil
    if let taken {
      installation = Installation(version: taken, until: now + installTime)
      mode = .starting(until: now + installTime + startTime)
    } else {
      mode = .starting(until: now + startTime)
    }
  }

  mutating func plug(at now: Duration) {
    guard mode == .off else { return }
    begin(at: now)
  }

  mutating func unplug(at now: Duration) {
    advance(to: now)
    if installation != nil {
      if diesWhenCut { isDead = true }
      // The package is still there: it is installed anew with the next start.
      installation = nil
    }
    mode = .off
    restartAt = nil
    online.checkedAt = nil
    online.loadingSince = nil
  }

  /// Percent of the loading; nil if nothing is loaded.
  mutating func loaded(at now: Duration) -> Int? {
    if online.isLoaded { return 100 }
    guard let since = online.loadingSince else { return nil }
    let done = Int((now - since) / loadTime * 100)
    if done >= 100 { online.isLoaded = true }
    return min(100, max(0, done))
  }
}
