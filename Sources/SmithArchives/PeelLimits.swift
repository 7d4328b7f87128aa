import Glibc

/// Bounds that keep a hostile archive from eating the machine.
public struct PeelLimits: Sendable, Equatable {
  /// How many archives may lie in one another.
  public var depth: Int
  /// Largest entry in bytes.
  public var entrySize: Int
  /// Most bytes unpacked of one outermost file.
  public var totalSize: Int
  /// How many times its size an outermost file may unpack to, once it is above `freeSize`.
  public var ratio: Int
  /// Unpacked bytes below which the ratio does not matter.
  public var freeSize: Int
  /// Most entries of one outermost file, or names of a folder.
  public var entries: Int
  /// Most candidates that are kept.
  public var candidates: Int
  /// Longest time for everything.
  public var time: Duration

  /// The limits used unless others are given.
  public static let standard = PeelLimits()

  /// Gathers the limits.
  public init(
    depth: Int = 3, entrySize: Int = 1 << 30, totalSize: Int = 4 << 30, ratio: Int = 250,
    freeSize: Int = 64 << 20, entries: Int = 20_000, candidates: Int = 200,
    time: Duration = .seconds(300)
  ) {
    self.depth = depth
    self.entrySize = entrySize
    self.totalSize = totalSize
    self.ratio = ratio
    self.freeSize = freeSize
    self.entries = entries
    self.candidates = candidates
    self.time = time
  }
}

/// What one outermost file has used of its limits.
final class PeelBudget {
  let limits: PeelLimits
  private let now: @Sendable () -> Duration
  private let end: Duration
  /// Size of the outermost file.
  private var stored = 0
  private var entries = 0
  private var unpacked = 0

  init(_ limits: PeelLimits, now: @escaping @Sendable () -> Duration) {
    self.limits = limits
    self.now = now
    end = now() + limits.time
  }

  /// Begins with another outermost file; the time goes on.
  func begin(_ stored: Int) {
    self.stored = stored
    entries = 0
    unpacked = 0
  }

  var isOver: Bool { now() > end }

  func countEntry(at place: String) throws(ArchiveError) {
    entries += 1
    if entries > limits.entries { throw .tooManyEntries(at: place, limit: limits.entries) }
    try checkTime(at: place)
  }

  func checkTime(at place: String) throws(ArchiveError) {
    if isOver { throw .tooSlow(at: place, limit: Int(limits.time.components.seconds)) }
  }

  /// Counts unpacked bytes before they are kept.
  func count(_ bytes: Int, at place: String) throws(ArchiveError) {
    unpacked += bytes
    if unpacked > limits.totalSize { throw .tooLarge(at: place, limit: limits.totalSize) }
    if unpacked > limits.freeSize, unpacked / limits.ratio > stored {
      throw .bomb(at: place, stored: stored, ratio: limits.ratio)
    }
    try checkTime(at: place)
  }
}

/// The system's monotonic time, for a peeler that was given no clock.
@Sendable func monotonicNow() -> Duration {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return .nanoseconds(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}
