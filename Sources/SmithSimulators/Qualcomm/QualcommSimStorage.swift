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

  /// Sectors of an erase block.
  public static let sectorsPerBlock: UInt64 = 64

  /// The layout, which nothing changes.
  public let partitions: [Partition]
  /// How often a sector was written.
  public private(set) var writes = 0
  var sectors: UInt64 { partitions.last.map { $0.first + $0.count } ?? 0 }
  private var content: [UInt64: [UInt8]] = [:]
  private var queue: [(sector: UInt64, bytes: [UInt8], start: Duration, end: Duration)] = []

  /// Storage that holds its own partition table and nothing else.
  ///
  /// - Parameter modemBlocks: erase blocks of the biggest partition.
  public init(modemBlocks: UInt64 = 2) {
    var layout: [Partition] = []
    let parts: [(String, UInt64)] = [
      ("mibib", 1), ("sbl", 1), ("efs2", 1), ("modem", max(1, modemBlocks)), ("system", 2),
    ]
    var first: UInt64 = 0
    for (name, blocks) in parts {
      let count = blocks * Self.sectorsPerBlock
      layout.append(Partition(name: name, first: first, count: count))
      first += count
    }
    partitions = layout
    load("mibib", Self.table(of: layout))
  }

  /// The block of tables: a mark in its first page, the system table in its second
  /// (Docs/Protocols/mibib.md sections 1 and 2).
  private static func table(of layout: [Partition]) -> [UInt8] {
    var page: [UInt8] = [0xac, 0x9f, 0x56, 0xfe, 0x7a, 0x12, 0x7f, 0xcd]
    page += [UInt8](repeating: 0xff, count: sectorSize - page.count)
    page += [0xaa, 0x73, 0xee, 0x55, 0xdb, 0xbd, 0x5e, 0xe3, 3, 0, 0, 0]
    page += QualcommSimImage.word(UInt32(layout.count))
    for entry in layout {
      let name = Array("0:\(entry.name.uppercased())".utf8)
      page += name + [UInt8](repeating: 0, count: 16 - name.count)
      page += QualcommSimImage.word(UInt32(entry.first / sectorsPerBlock))
      page += QualcommSimImage.word(UInt32(entry.count / sectorsPerBlock))
      page += [0xff, 0xff, 0xff, 0]
    }
    return page + [UInt8](repeating: 0xff, count: 2 * sectorSize - page.count)
  }

  /// Everything that is stored, as one run of bytes.
  public var dump: [UInt8] { (0..<sectors).flatMap { sector($0) } }

  /// Takes a dump of the same layout back; false if it is of another.
  public mutating func restore(_ dump: [UInt8]) -> Bool {
    guard dump.count == Int(sectors) * Self.sectorSize else { return false }
    for (index, start) in stride(from: 0, to: dump.count, by: Self.sectorSize).enumerated() {
      content[UInt64(index)] = Array(dump[start..<(start + Self.sectorSize)])
    }
    return true
  }

  /// Changes one byte behind everybody's back.
  public mutating func damage(_ name: String) {
    guard let partition = partitions.first(where: { $0.name == name }) else { return }
    var bytes = sector(partition.first)
    bytes[200] ^= 1
    content[partition.first] = bytes
  }

  /// Whether a sector reads otherwise than in `other`.
  public func differs(from other: Self, at index: UInt64) -> Bool {
    // Sectors that nobody touched share their bytes, which is seen at once.
    content[index] != other.content[index] && sector(index) != other.sector(index)
  }

  /// What a run of sectors holds.
  public func read(_ first: UInt64, count: UInt64) -> [UInt8] {
    guard first < sectors, count <= sectors - first else { return [] }
    return (first..<(first + count)).flatMap { sector($0) }
  }

  /// What a partition holds up to its last written sector.
  public func content(_ name: String) -> [UInt8] {
    guard let partition = partitions.first(where: { $0.name == name }) else { return [] }
    return (partition.first..<(partition.first + partition.count)).flatMap { sector($0) }
  }

  /// As much of a partition as the header at its start declares.
  func image(_ name: String) -> [UInt8] {
    guard let partition = partitions.first(where: { $0.name == name }) else { return [] }
    let declared = UInt64(40) + UInt64(QualcommSimImage.number(sector(partition.first), 16))
    let sectors = (declared - 1) / UInt64(Self.sectorSize) + 1
    return read(partition.first, count: min(sectors, partition.count))
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
    writes += 1
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
