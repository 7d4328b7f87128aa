import SmithBytes
public import SmithFormats
public import SmithLink

/// The programmer that Sahara loads: commands in XML, data raw (Docs/Protocols/firehose.md).
public final class FirehoseSession {
  /// Kind of storage.
  public enum Memory: String, Sendable {
    case nand, emmc, ufs, spinor
  }

  private let wire: FirehoseWire
  private var map: FirehoseMap
  private var payload = 0

  /// Speaks over `link`; `map` is the stick's own partition table: what it does not show is never
  /// written. `log` gets the programmer's remarks.
  public init(
    _ link: any ByteLink, map: FirehoseMap = FirehoseMap(places: []),
    log: @escaping (String) -> Void = { _ in }
  ) {
    wire = FirehoseWire(link, log: log)
    self.map = map
  }

  /// Takes over what lies where on the stick.
  func learn(_ map: FirehoseMap) { self.map = map }

  /// Whether an entry may be written, as far as the map tells; sends nothing.
  ///
  /// - Returns: its first sector.
  @discardableResult
  public func check(_ entry: RawProgram.Program, size: Int) throws(FirehoseError) -> UInt64 {
    guard size > 0, entry.sectorSize > 0 else { throw .badRequest("\(size) bytes") }
    return try checked(entry, UInt64((size - 1) / entry.sectorSize + 1))
  }

  private func checked(_ entry: RawProgram.Program, _ sectors: UInt64) throws(FirehoseError)
    -> UInt64
  {
    try map.check(
      label: entry.label, start: entry.start, count: max(sectors, entry.sectorCount),
      physicalPartition: entry.physicalPartition)
  }

  /// Agrees on the size of raw pieces; at most three rounds.
  ///
  /// - Returns: the agreed size in bytes.
  @discardableResult
  public func configure(_ memory: Memory, payload wish: Int = 1 << 17)
    async throws(FirehoseError) -> Int
  {
    var size = wish
    for _ in 0..<3 {
      let reply = try await wire.ask(
        "configure",
        [
          ("MemoryName", memory.rawValue), ("MaxPayloadSizeToTargetInBytes", "\(size)"),
          ("Verbose", "0"), ("ZlpAwareHost", "1"), ("SkipStorageInit", "0"),
        ], within: .seconds(15))
      let key =
        reply.good
        ? "MaxPayloadSizeToTargetInBytesSupported" : "MaxPayloadSizeToTargetInBytes"
      let offered = reply.attributes[key].flatMap { Int($0) } ?? (reply.good ? size : 0)
      if reply.good, offered >= size {
        payload = size
        return size
      }
      guard offered > 0 else { throw .refused(step: "configure", log: reply.remark) }
      guard (512...(8 << 20)).contains(offered) else { throw .badPayload(offered) }
      size = min(offered, 1 << 20)
    }
    throw .badPayload(size)
  }

  /// Writes `size` bytes, pulled piece by piece from `next` (at most the asked number; empty at
  /// the end), zero padded to whole sectors. After any error the partition must be written again.
  public func program(
    _ entry: RawProgram.Program, size: Int, next: (Int) -> [UInt8],
    progress: (Int) async -> Void = { _ in }
  ) async throws(FirehoseError) {
    guard payload > 0, size > 0, payload.isMultiple(of: entry.sectorSize) else {
      throw .badRequest("\(size) bytes in pieces of \(payload)")
    }
    let sectors = UInt64((size - 1) / entry.sectorSize + 1)
    guard sectors <= entry.sectorCount || entry.sectorCount == 0 else {
      throw .badRequest("\(entry.file) has \(sectors) sectors for \(entry.sectorCount)")
    }
    let first = try checked(entry, sectors)
    var attributes = Self.place(
      entry.sectorSize, count: sectors, first: first, part: entry.physicalPartition)
    attributes.append(("filename", entry.file))
    if let pages = entry.pagesPerBlock {
      attributes.append(("PAGES_PER_BLOCK", "\(pages)"))
      attributes.append(("last_sector", "\(first + sectors - 1)"))
    }
    // NAND is erased before the first byte is taken.
    let begin = try await wire.ask("program", attributes, within: .seconds(60 + size >> 20))
    guard begin.good else { throw .refused(step: "program", log: begin.remark) }
    guard begin.raw else { throw .badAnswer(step: "program") }
    var sent = 0
    while sent < size {
      var piece: [UInt8] = []
      let isWhole = piece.pull(min(payload, size - sent), from: next)
      sent += piece.count
      guard isWhole else { throw .sourceEnded(at: sent) }
      let over = piece.count % entry.sectorSize
      if over > 0 { piece += [UInt8](repeating: 0, count: entry.sectorSize - over) }
      try await wire.send(piece, "program")
      await progress(sent)
    }
    let end = try await wire.response("program", within: .seconds(120 + size >> 18))
    guard end.good, !end.raw else { throw .refused(step: "program", log: end.remark) }
  }

  /// Patches a few bytes inside one partition that may be written; places that only the stick can
  /// compute (backup tables) are refused, because we never rewrite its table.
  public func patch(_ entry: RawProgram.Patch) async throws(FirehoseError) {
    let first = try map.check(
      label: "", start: entry.start, count: 1, physicalPartition: entry.physicalPartition)
    let reply = try await wire.ask(
      "patch",
      [
        ("SECTOR_SIZE_IN_BYTES", "\(entry.sectorSize)"), ("byte_offset", "\(entry.byteOffset)"),
        ("filename", "DISK"), ("physical_partition_number", "\(entry.physicalPartition)"),
        ("size_in_bytes", "\(entry.size)"), ("start_sector", "\(first)"),
        ("value", entry.value),
      ], within: .seconds(10))
    guard reply.good else { throw .refused(step: "patch", log: reply.remark) }
  }

  /// Reads sectors and hands them on piece by piece.
  ///
  /// experimental: whether anything stands between the answer and the raw bytes is not recorded
  /// from a device (Docs/Protocols/firehose.md section 3).
  public func read(
    sectorSize: Int, first: UInt64, count: UInt64, physicalPartition: Int = 0,
    sink: ([UInt8]) -> Void
  ) async throws(FirehoseError) {
    guard sectorSize > 0, count > 0, count <= 1 << 32, sectorSize <= 16_384 else {
      throw .badRequest("\(count) sectors of \(sectorSize) bytes")
    }
    let begin = try await wire.ask(
      "read", Self.place(sectorSize, count: count, first: first, part: physicalPartition),
      within: .seconds(10))
    guard begin.good, begin.raw else { throw .refused(step: "read", log: begin.remark) }
    try await wire.raw(Int(count) * sectorSize, "read", sink)
    let end = try await wire.response("read", within: .seconds(30))
    guard end.good else { throw .refused(step: "read", log: end.remark) }
  }

  /// Erases sectors inside one partition that is not protected.
  public func erase(
    label: String, sectorSize: Int, first: UInt64, count: UInt64, physicalPartition: Int = 0,
    pagesPerBlock: Int? = nil
  ) async throws(FirehoseError) {
    _ = try map.check(
      label: label, start: .number(first), count: count, physicalPartition: physicalPartition)
    var attributes = Self.place(sectorSize, count: count, first: first, part: physicalPartition)
    if let pagesPerBlock { attributes.append(("PAGES_PER_BLOCK", "\(pagesPerBlock)")) }
    let patience = Duration.seconds(60 + Int(min(count, 1 << 30)) / 1024)
    let reply = try await wire.ask("erase", attributes, within: patience)
    guard reply.good else { throw .refused(step: "erase", log: reply.remark) }
  }

  /// Restarts the stick; the delay lets the answer out first.
  public func reset() async throws(FirehoseError) {
    do throws(FirehoseError) {
      _ = try await wire.ask(
        "power", [("value", "reset"), ("DelayInSeconds", "2")], within: .seconds(5))
    } catch .silent {
      return
    } catch .link(_, .gone) {
      return
    } catch {
      throw error
    }
  }

  private static func place(_ size: Int, count: UInt64, first: UInt64, part: Int) -> [(
    String, String
  )] {
    [
      ("SECTOR_SIZE_IN_BYTES", "\(size)"), ("num_partition_sectors", "\(count)"),
      ("physical_partition_number", "\(part)"), ("start_sector", "\(first)"),
    ]
  }
}
