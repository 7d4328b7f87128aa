/// Flash of a simulated Qualcomm stick: pages that only go from one to zero until their block is
/// erased, work that takes time, and what a power cut leaves of it.
public struct QualcommSimNAND: Sendable {
  /// A named run of erase blocks.
  public struct Partition: Sendable, Equatable {
    /// Name with its `0:` prefix.
    public var name: String
    /// First erase block.
    public var start: Int
    /// Number of erase blocks.
    public var blocks: Int

    /// Gathers the parts.
    public init(_ name: String, start: Int, blocks: Int) {
      self.name = name
      self.start = start
      self.blocks = blocks
    }
  }

  enum Work: Sendable, Equatable {
    case erase(block: Int)
    case program(page: Int, [UInt8])
  }

  static let pageSize = 2048
  static let pagesPerBlock = 64
  static let blockSize = pageSize * pagesPerBlock
  static let eraseTime = Duration.milliseconds(2)
  static let programTime = Duration.microseconds(300)

  /// The layout, which nothing changes.
  public let partitions: [Partition]
  /// Number of page programs that hit a page that was not erased.
  public private(set) var overwrites = 0
  /// Counts what was erased or programmed.
  public private(set) var changes = 0
  /// Written pages by erase block and place in it.
  private var blocks: [Int: [Int: [UInt8]]] = [:]
  private var queue: [(start: Duration, end: Duration, work: Work)] = []

  /// Flash with nothing in it.
  public init(partitions: [Partition]) {
    self.partitions = partitions
  }

  /// When the last queued work is done, or `now`.
  func idle(after now: Duration) -> Duration { max(now, queue.last?.end ?? now) }
  var nextDue: Duration? { queue.first?.end }

  mutating func enqueue(_ work: Work, at now: Duration) {
    let start = idle(after: now)
    if case .erase = work {
      queue.append((start, start + Self.eraseTime, work))
    } else {
      queue.append((start, start + Self.programTime, work))
    }
  }

  mutating func advance(to now: Duration) {
    while let first = queue.first, first.end <= now {
      queue.removeFirst()
      perform(first.work, half: false)
    }
  }

  /// The power goes: what was under way is half done, what waited is lost.
  mutating func cut(at now: Duration) {
    advance(to: now)
    if let first = queue.first, first.start < now { perform(first.work, half: true) }
    queue.removeAll()
  }

  /// Fills a partition as the factory does.
  public mutating func load(_ name: String, _ bytes: [UInt8]) {
    guard let partition = partition(name) else { return }
    for block in 0..<partition.blocks {
      perform(.erase(block: partition.start + block), half: false)
    }
    var page = partition.start * Self.pagesPerBlock
    for start in stride(from: 0, to: bytes.count, by: Self.pageSize) {
      perform(
        .program(page: page, Array(bytes[start..<min(start + Self.pageSize, bytes.count)])),
        half: false)
      page += 1
    }
  }

  /// What a partition holds up to its last written page.
  public func content(_ name: String) -> [UInt8] {
    guard let partition = partition(name) else { return [] }
    var content: [UInt8] = []
    for block in 0..<partition.blocks {
      guard let written = blocks[partition.start + block], !written.isEmpty else { continue }
      // Everything before the last written page counts; what is not written reads as FF.
      let start = block * Self.blockSize
      content += [UInt8](repeating: 0xff, count: start - content.count)
      for page in 0...(written.keys.max() ?? 0) {
        content += written[page] ?? [UInt8](repeating: 0xff, count: Self.pageSize)
      }
    }
    return content
  }

  func partition(_ name: String) -> Partition? { partitions.first { $0.name == name } }

  private mutating func perform(_ work: Work, half: Bool) {
    changes += 1
    switch work {
    case .erase(let block):
      guard half else {
        blocks[block] = nil
        return
      }
      for page in 0..<(Self.pagesPerBlock / 2) { blocks[block]?[page] = nil }
    case .program(let page, let bytes):
      let (block, place) = page.quotientAndRemainder(dividingBy: Self.pagesPerBlock)
      let present = blocks[block]?[place]
      if present != nil { overwrites += 1 }
      let old = present ?? [UInt8](repeating: 0xff, count: Self.pageSize)
      let kept = half ? bytes.count / 2 : bytes.count
      var new = old
      for index in 0..<min(kept, new.count) { new[index] &= bytes[index] }
      blocks[block, default: [:]][place] = new
    }
  }
}
