import SmithBytes
public import SmithFormats
public import SmithLink
import SmithModel

// What a stick already holds: its partition table and its content, read and never assumed
// (Docs/Protocols/firehose.md sections 3 and 4).

extension FirehoseSession {
  /// Whether a programmer answers: asks it for nothing. What is no XML proves nothing.
  public static func answers(over link: any ByteLink) async throws(LinkError) -> Bool {
    let wire = FirehoseWire(link) { _ in }
    do throws(FirehoseError) {
      _ = try await wire.ask("nop", [], within: .seconds(1))
      return true
    } catch .link(_, let error) {
      throw error
    } catch {
      return false
    }
  }

  /// Reads the stick's own partition table; from then on what it shows bounds every write.
  ///
  /// - Parameters:
  ///   - pagesPerBlock: of a NAND chip; nil for storages with a GPT.
  ///   - parts: physical partitions that will be written.
  /// - Throws: ``FirehoseError/badTable(_:)`` if there is none that can be read.
  @discardableResult
  public func learnMap(sectorSize: Int, pagesPerBlock: Int?, parts: Set<Int>)
    async throws(FirehoseError) -> FirehoseMap
  {
    var places: [StoragePlace] = []
    if let pagesPerBlock {
      let table = try await nandTable(sectorSize: sectorSize, pagesPerBlock: pagesPerBlock)
      places = StoragePlace.all(
        of: table, sectorsPerBlock: UInt64(pagesPerBlock), sectors: 1 << 40)
    } else {
      for part in parts.sorted() {
        // Enough for 240 entries whatever the sector size; no known table has more.
        var head: [UInt8] = []
        try await read(
          sectorSize: sectorSize, first: 0, count: UInt64(32_768 / sectorSize) + 2,
          physicalPartition: part
        ) { head += $0 }
        do throws(QualcommImageError) {
          places += StoragePlace.all(
            of: try GPT(reading: SharedBytes(head)), physicalPartition: part)
        } catch {
          throw .badTable(error.trouble.summary)
        }
      }
    }
    let map = FirehoseMap(places: places)
    learn(map)
    return map
  }

  /// One of the first twelve erase blocks holds the table.
  private func nandTable(sectorSize: Int, pagesPerBlock: Int) async throws(FirehoseError)
    -> SystemPartitionTable
  {
    guard (1...1024).contains(pagesPerBlock) else {
      throw .badRequest("\(pagesPerBlock) pages of a block")
    }
    for block in 0..<12 {
      let first = UInt64(block * pagesPerBlock)
      var page: [UInt8] = []
      do throws(FirehoseError) {
        try await read(sectorSize: sectorSize, first: first, count: 1) { page += $0 }
      } catch {
        // Behind the end of a small chip there is nothing to read.
        guard case .refused = error, block > 0 else { throw error }
        break
      }
      guard MIBIB.begins(page) else { continue }
      var bytes: [UInt8] = []
      try await read(sectorSize: sectorSize, first: first, count: UInt64(pagesPerBlock)) {
        bytes += $0
      }
      do throws(QualcommImageError) {
        return try MIBIB(
          searching: SharedBytes(bytes), pageSize: sectorSize, pagesPerBlock: pagesPerBlock
        ).system
      } catch {
        throw .badTable(error.trouble.summary)
      }
    }
    throw .badTable("none of the first twelve blocks holds one")
  }

  /// Whether the stick holds `size` bytes exactly as `next` gives them; what fills the last sector
  /// does not matter.
  public func holds(
    _ entry: RawProgram.Program, first: UInt64, size: Int, next: (Int) -> [UInt8]
  ) async throws(FirehoseError) -> Bool {
    // Little enough for a reader that lags behind: not every way of a stick holds data back.
    let piece = 1 << 17
    var isSame = true
    for offset in stride(from: 0, to: size, by: piece) {
      let count = min(piece, size - offset)
      var left = count
      var ended = false
      try await read(
        sectorSize: entry.sectorSize, first: first + UInt64(offset / entry.sectorSize),
        count: UInt64((count - 1) / entry.sectorSize + 1),
        physicalPartition: entry.physicalPartition
      ) { bytes in
        let wanted = min(left, bytes.count)
        guard wanted > 0, isSame else { return }
        left -= wanted
        var expected: [UInt8] = []
        ended = !expected.pull(wanted, from: next)
        isSame = !ended && bytes.prefix(wanted).elementsEqual(expected)
      }
      if ended { throw .sourceEnded(at: offset) }
      if !isSame { return false }
    }
    return true
  }
}
