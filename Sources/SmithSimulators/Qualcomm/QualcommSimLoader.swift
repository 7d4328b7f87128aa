import SmithBytes

/// The streaming loader in the RAM of a simulated stick (Docs/Protocols/streaming.md sections 1 to
/// 5), with the payload rules of the MDM6200 loader.
struct QualcommSimLoader: Sendable {
  var complaints: [String] = []
  var leaves = false
  private var greeted = false
  private var secured = false
  private var tabled = false
  private var image: Open?

  private struct Open: Sendable {
    var partition: QualcommSimNAND.Partition
    var expected = 0
    var page: Int
    var pending: [UInt8] = []
    var failed = false
  }

  mutating func answer(
    _ frame: HDLCDecoder.Frame, flash: inout QualcommSimNAND, at now: Duration
  ) -> [[UInt8]] {
    guard case .body(let body) = frame else {
      if case .garbage(let bytes, let flaw) = frame, flaw == .badCRC, bytes.count < 1032 {
        return [log("ERR: CRC invalid")]
      }
      return []
    }
    guard body.count + 2 < 1032 else { return [] }
    guard greeted || body[0] == 1 else { return fail(5, "Invalid Command") }
    switch body[0] {
    case 0x01: return hello(body)
    case 0x03: return read(body)
    case 0x07: return write(body, &flash, now)
    case 0x09: return [[0x0a] + body.dropFirst()]
    case 0x0b where body.count == 1:
      if image != nil { return fail(0x0f, "Cannot reset before close") }
      leaves = true
      return [[0x0c]]
    case 0x11: return fail(0x15, "Power off not supported")
    case 0x15 where body.count == 1: return close(&flash, now)
    case 0x17 where body.count == 2:
      secured = true
      return [[0x18]]
    case 0x19: return table(body, flash)
    case 0x1b: return open(body, &flash, now)
    default: return fail(5, "Invalid Command")
    }
  }

  private mutating func hello(_ body: [UInt8]) -> [[UInt8]] {
    guard body.count >= 36 else { return fail(3, "Parameter Request Packet Length Error") }
    guard Array(body[1..<33]) == Array("QCOM fast download protocol host".utf8) else {
      return fail(5, "Invalid magic number")
    }
    guard body[34] >= 2 else { return fail(5, "Invalid protocol version") }
    greeted = true
    secured = false
    tabled = false
    let name = Array("SIMNAND 2K".utf8)
    var reply = [2] + Array("QCOM fast download protocol targ".utf8) + [3, 2]
    reply += QualcommSimImage.word(1024) + QualcommSimImage.word(0)
    reply += [UInt8(name.count)] + name + [100, 0, 16, 0]
    for _ in 0..<16 { reply += QualcommSimImage.word(UInt32(QualcommSimNAND.blockSize)) }
    return [reply + [body[35] & 9]]
  }

  private mutating func read(_ body: [UInt8]) -> [[UInt8]] {
    guard body.count == 7 else { return fail(3, "Invalid packet length") }
    let count = Int(body[5]) | Int(body[6]) << 8
    guard count <= 1024 else { return fail(3, "Packet too large") }
    let address = QualcommSimImage.number(body, 1)
    let data = (0..<count).map { UInt8(truncatingIfNeeded: address &+ UInt32($0)) }
    return [[4] + Array(body[1..<5]) + data]
  }

  private mutating func table(_ body: [UInt8], _ flash: QualcommSimNAND) -> [[UInt8]] {
    guard secured else { return fail(0x0f, "No security mode received") }
    guard body.count >= 2, body.count - 2 <= 512 else {
      return fail(3, "Partition table length exceeded")
    }
    guard body[1] == 0 else {
      complaints.append("asked to change the partition table")
      return [[0x1a, 3]]
    }
    let theirs = Array(body[2...])
    guard theirs.starts(with: [0x9a, 0x1b, 0x7d, 0xaa]) else { return [[0x1a, 2]] }
    guard Self.describes(theirs, flash) else { return [[0x1a, 1]] }
    tabled = true
    return [[0x1a, 0]]
  }

  /// Whether a user table comes to the partitions of this flash: sizes and reserves are rounded
  /// up to blocks each for itself, unless they count blocks; the last may take the rest.
  static func describes(_ table: [UInt8], _ flash: QualcommSimNAND) -> Bool {
    let count = Int(QualcommSimImage.number(table, 12))
    guard count == flash.partitions.count, table.count >= 16 + 28 * count else { return false }
    var start = 0
    for (index, partition) in flash.partitions.enumerated() {
      let entry = Array(table[(16 + 28 * index)..<(44 + 28 * index)])
      let name = String(decoding: entry[0..<16].prefix { $0 != 0 }, as: UTF8.self)
      let size = Int(QualcommSimImage.number(entry, 16))
      let spare = Int(entry[20]) | Int(entry[21]) << 8
      let kib = QualcommSimNAND.blockSize / 1024
      let blocks =
        entry[27] == 0xfe ? size + spare : (size + kib - 1) / kib + (spare + kib - 1) / kib
      guard name == partition.name, start == partition.start else { return false }
      if size == 0xffff_ffff { return index == count - 1 }
      guard blocks == partition.blocks else { return false }
      start += blocks
    }
    return true
  }

  private mutating func open(
    _ body: [UInt8], _ flash: inout QualcommSimNAND, _ now: Duration
  ) -> [[UInt8]] {
    guard secured, tabled else {
      return fail(0x0f, "No partition table received before open multi")
    }
    guard image == nil else { return fail(0x0f, "Already open") }
    guard body.count >= 2 else { return fail(3, "Invalid packet length") }
    let payload = Array(body.dropFirst(2))
    if payload.count > 512 { return [[0x1c, 1]] }
    if [4, 0x0e].contains(body[1]), payload.isEmpty { return [[0x1c, 3]] }
    if ![4, 5, 6, 0x0a, 0x0e, 0x14].contains(body[1]), !payload.isEmpty { return [[0x1c, 2]] }
    let names: [UInt8: String] = [
      5: "0:AMSS", 0x0d: "0:DSP1", 0x10: "0:OSBL", 0x11: "0:FSBL", 0x12: "0:DSP2",
    ]
    let named = String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self)
    let name = body[1] == 0x0e ? named : names[body[1]] ?? ""
    guard let partition = flash.partition(name),
      !["0:EFS2", "0:NVBAK", "0:SIM_SECURE", "0:MIBIB"].contains(name)
    else {
      complaints.append("asked to open mode \(body[1]) \(named)")
      return fail(7, "Open multi failed, unknown error")
    }
    for block in 0..<partition.blocks {
      flash.enqueue(.erase(block: partition.start + block), at: now)
    }
    image = Open(
      partition: partition, page: partition.start * QualcommSimNAND.pagesPerBlock)
    return [[0x1c, 0]]
  }

  private mutating func write(
    _ body: [UInt8], _ flash: inout QualcommSimNAND, _ now: Duration
  ) -> [[UInt8]] {
    guard var open = image else { return fail(7, "Write unsuccessful") }
    guard body.count > 5, body.count - 5 <= 1024 else { return fail(3, "Invalid packet length") }
    let address = Int(QualcommSimImage.number(body, 1))
    let acknowledgement = [8] + Array(body[1..<5])
    // A repeated frame is acknowledged and not programmed again.
    if address < open.expected { return [acknowledgement] }
    defer { image = open }
    guard address == open.expected, !open.failed else {
      // The real loader keeps a later frame for a while; nobody should rely on it.
      complaints.append("write at \(address) where \(open.expected) was due")
      open.failed = true
      return fail(7, "Write unsuccessful")
    }
    let room = open.partition.blocks * QualcommSimNAND.blockSize
    guard address + body.count - 5 <= room else {
      open.failed = true
      return fail(0x12, "Out of space")
    }
    open.expected += body.count - 5
    open.pending += body[5...]
    while open.pending.count >= QualcommSimNAND.pageSize {
      let page = Array(open.pending.prefix(QualcommSimNAND.pageSize))
      open.pending.removeFirst(page.count)
      flash.enqueue(.program(page: open.page, page), at: now)
      open.page += 1
    }
    return [acknowledgement]
  }

  private mutating func close(_ flash: inout QualcommSimNAND, _ now: Duration) -> [[UInt8]] {
    guard let open = image else {
      return fail(0x0f, "Cannot close when not previously opened")
    }
    image = nil
    if open.failed { return fail(0x10, "Close failed") }
    if !open.pending.isEmpty {
      flash.enqueue(.program(page: open.page, open.pending), at: now)
    }
    return [[0x16]]
  }

  private func log(_ text: String) -> [UInt8] { [0x0e] + Array(text.utf8) + [0x0a] }

  /// Every error is two frames: a log and the error itself.
  private mutating func fail(_ code: UInt32, _ text: String) -> [[UInt8]] {
    complaints.append("loader: \(text)")
    return [log(text), [0x0d] + QualcommSimImage.word(code) + Array(text.utf8)]
  }
}
