import SmithBytes

/// Sectors of a simulated LTE stick; each write takes time, and a power cut leaves the sector that
/// was under way half written.
public struct QualcommSimStorage: Sendable {
  /// Bytes of a sector.
  public static let sectorSize = 2048
  static let writeTime = Duration.microseconds(400)

  /// A named run of sectors.
  public struct Partition: Sendable, Equatable {
    /// Name.
    public var name: String
    /// First sector.
    public var first: UInt64
    /// Number of sectors.
    public var count: UInt64
  }

  /// The layout, which nothing changes.
  public let partitions: [Partition] = [
    Partition(name: "mibib", first: 0, count: 64), Partition(name: "sbl", first: 64, count: 64),
    Partition(name: "efs2", first: 128, count: 64),
    Partition(name: "modem", first: 192, count: 128),
    Partition(name: "system", first: 320, count: 128),
  ]
  static let sectors: UInt64 = 448
  private var content: [UInt64: [UInt8]] = [:]
  private var queue: [(sector: UInt64, bytes: [UInt8], start: Duration, end: Duration)] = []

  /// Storage with nothing in it.
  public init() {}

  /// What a partition holds up to its last written sector.
  public func content(_ name: String) -> [UInt8] {
    guard let partition = partitions.first(where: { $0.name == name }) else { return [] }
    return (partition.first..<(partition.first + partition.count)).flatMap { sector($0) }
  }

  /// Fills a partition as the factory does.
  public mutating func load(_ name: String, _ bytes: [UInt8]) {
    guard let partition = partitions.first(where: { $0.name == name }) else { return }
    for (index, start) in stride(from: 0, to: bytes.count, by: Self.sectorSize).enumerated() {
      let piece = bytes[start..<min(start + Self.sectorSize, bytes.count)]
      content[partition.first + UInt64(index)] =
        piece + [UInt8](repeating: 0, count: Self.sectorSize - piece.count)
    }
  }

  func sector(_ number: UInt64) -> [UInt8] {
    // What waits in the queue is not on the storage yet, but the stick reads its own cache.
    queue.last { $0.sector == number }?.bytes ?? content[number]
      ?? [UInt8](repeating: 0xff, count: Self.sectorSize)
  }

  mutating func write(_ number: UInt64, _ bytes: [UInt8], at now: Duration) {
    settle(now)
    let start = idle(after: now)
    queue.append((number, bytes, start, start + Self.writeTime))
  }

  func idle(after now: Duration) -> Duration { max(now, queue.last?.end ?? now) }

  mutating func settle(_ now: Duration) {
    while let first = queue.first, first.end <= now {
      queue.removeFirst()
      content[first.sector] = first.bytes
    }
  }

  mutating func cut(at now: Duration) {
    settle(now)
    if let first = queue.first, first.start < now {
      let half = Self.sectorSize / 2
      content[first.sector] =
        Array(first.bytes.prefix(half)) + [UInt8](repeating: 0xff, count: Self.sectorSize - half)
    }
    queue.removeAll()
  }
}

/// HDLC without opening flag, as DIAG uses it.
struct QualcommSimFraming: Sendable {
  private var decoder = HDLCDecoder(limit: 8192)

  mutating func bodies(_ bytes: [UInt8]) -> [[UInt8]] {
    decoder.feed(bytes).compactMap { frame in
      guard case .body(let body) = frame else { return nil }
      return body
    }
  }

  func frame(_ body: [UInt8]) -> [UInt8] { Array(HDLC.frame(body).dropFirst()) }
}
