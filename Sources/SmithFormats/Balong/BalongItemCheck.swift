internal import SmithBytes

/// What was found of a signature block (balong-image.md section 7).
struct BalongSignature: Equatable {
  var size: Int
  var keyHash: [UInt8]
  var segment: Int

  static let mark: [UInt8] = [0xfa, 0xaf, 0xaa, 0xff]
  /// Key hash from byte 6, then at least the size field and the mark.
  static let smallest = 6 + 32 + 12
  /// Largest block believed; the largest one published has 3750 bytes.
  static let largest = 65_536

  /// Looks at the end of an item's unpacked data; nil without mark.
  ///
  /// - Parameter tail: the last bytes of the data, all of it or at least `largest`.
  init?(tail: [UInt8], segment: ImageSpot) throws(ImageError) {
    guard tail.count >= 12, tail.suffix(4).elementsEqual(Self.mark) else { return nil }
    let at = tail.count - 12
    let size = Int((0..<4).reduce(UInt32(0)) { $0 | UInt32(tail[at + $1]) << (8 * UInt32($1)) })
    guard (Self.smallest...Self.largest).contains(size), size <= tail.count else {
      throw .signatureNonsense(segment, blockSize: size)
    }
    let hash = tail.count - size + 6
    self.size = size
    keyHash = Array(tail[hash..<(hash + 32)])
    self.segment = segment.item ?? 0
  }
}

/// Verifies the data of one item after another (balong-image.md sections 3, 4 and 7).
struct BalongItemCheck {
  let file: SharedBytes
  let limits: ImageLimits
  private(set) var signature: BalongSignature?
  private var total = 0

  init(file: SharedBytes, limits: ImageLimits) {
    self.file = file
    self.limits = limits
  }

  /// The item as a segment, every byte of it verified.
  mutating func segment(_ header: BalongHeader, index: Int) throws(ImageError) -> Segment {
    let name = BalongItems.name(of: header.id)
    let spot = ImageSpot(offset: header.offset, item: index, name: name)
    guard let stored = file.slice(header.dataOffset..<header.dataEnd) else {
      throw .truncated(
        spot, expected: header.headerSize + header.dataSize, found: file.count - header.offset)
    }
    try checkBlocks(header, stored, spot)
    let (platform, version) = header.versionParts
    var segment = Segment(
      index: index, id: header.id, name: name, size: stored.count,
      packing: Self.packing(of: stored), version: version, platform: platform,
      compatibility: header.compatibility, headerVersion: header.headerVersion,
      date: header.date, time: header.time, blockSize: header.blockSize,
      offset: header.offset, stored: stored)
    try checkContent(of: &segment)
    return segment
  }

  /// Finds the unpacked size, keeps to the limits and looks for the signature.
  mutating func checkContent(of segment: inout Segment) throws(ImageError) {
    let spot = segment.spot
    segment.memoryLimit = limits.lzmaMemory
    var tail: [UInt8]
    if segment.packing == .none {
      let start = max(0, segment.stored.count - BalongSignature.largest)
      tail = segment.index < 2 ? segment.stored.bytes(start..<segment.stored.count) : []
    } else {
      (segment.size, tail) = try measure(segment)
    }
    guard segment.size > 0 else { throw .itemEmpty(spot) }
    guard segment.size <= limits.itemSize else {
      throw .itemTooBig(spot, size: segment.size, limit: limits.itemSize)
    }
    total += segment.size
    guard total <= limits.totalSize else {
      throw .itemTooBig(spot, size: total, limit: limits.totalSize)
    }
    if segment.index < 2, signature == nil {
      signature = try BalongSignature(tail: tail, segment: spot)
    }
  }

  /// How the data says that it is packed (balong-image.md section 4).
  static func packing(of stored: SharedBytes) -> Packing {
    let head = stored.bytes(0..<min(13, stored.count))
    if head.starts(with: [0x78, 0xda]) { return .zlib }
    if head.count == 13, head[0] == 0x5d, head[5..<13].allSatisfy({ $0 == 0xff }) {
      return .lzma
    }
    return .none
  }

  private func checkBlocks(
    _ header: BalongHeader, _ stored: SharedBytes, _ spot: ImageSpot
  ) throws(ImageError) {
    let blocks = header.blocks ?? 0
    guard let table = file.slice(header.tableOffset..<(header.tableOffset + 2 * blocks)) else {
      throw .truncated(spot, expected: 2 * blocks, found: file.count - header.tableOffset)
    }
    guard let bad = Self.firstBadBlock(of: stored, table, size: header.blockSize) else { return }
    let place = ImageSpot(
      offset: header.dataOffset + bad.block * header.blockSize, item: spot.item,
      name: spot.name)
    throw .blockCRC(place, block: bad.block, expected: bad.expected, found: bad.found)
  }

  /// The first block whose CRC is not the one of the table.
  private static func firstBadBlock(
    of stored: SharedBytes, _ table: SharedBytes, size: Int
  ) -> (block: Int, expected: UInt16, found: UInt16)? {
    var crc = CRC16X25()
    var block = 0
    var left = min(size, stored.count)
    // The table is read in pieces beside the data, which has a window of its own.
    var entries = ByteReader(SharedBytes(table.bytes(0..<min(table.count, tablePiece))))
    var bad: (block: Int, expected: UInt16, found: UInt16)?
    stored.forEachWindow { window, offset in
      var start = 0
      while start < window.byteCount {
        let end = start + min(left, window.byteCount - start)
        crc.update(window.extracting(start..<end))
        left -= end - start
        start = end
        guard left == 0 else { continue }
        if entries.left < 2 {
          let from = 2 * block
          let piece = table.bytes(from..<min(table.count, from + tablePiece))
          entries = ByteReader(SharedBytes(piece))
        }
        let expected = entries.little(UInt16.self) ?? 0
        if crc.value != expected {
          bad = (block, expected, crc.value)
          return false
        }
        crc = CRC16X25()
        block += 1
        left = min(size, stored.count - offset - end)
      }
      return true
    }
    return bad
  }

  /// Bytes of the table that are held at once.
  private static let tablePiece = 1 << 15

  /// Unpacks once to learn the true size; keeps only the last bytes.
  private func measure(_ segment: Segment) throws(ImageError) -> (Int, [UInt8]) {
    let spot = segment.spot
    let stored = segment.stored.count
    let (grown, overflow) = stored.multipliedReportingOverflow(by: limits.ratio)
    let limit = min(limits.itemSize, max(limits.freeSize, overflow ? .max : grown))
    var window = [UInt8](repeating: 0, count: BalongSignature.largest)
    var previous = window
    var size = 0
    var rest = 0
    var filled = 0
    do throws(StreamFlaw) {
      guard
        let stream = try UnpackStream(
          segment.packing, input: segment.stored, memoryLimit: limits.lzmaMemory)
      else { return (stored, []) }
      while !stream.finished {
        if filled == window.count {
          swap(&window, &previous)
          filled = 0
        }
        let made = try stream.decode(into: &window, from: filled)
        filled += made
        size += made
        if size > limit { throw .broken("") }
      }
      rest = stored - stream.consumed
    } catch {
      if size > limit { throw .bomb(spot, stored: stored, limit: limit) }
      throw error.at(spot, segment.packing)
    }
    if rest > 0 { throw .packedTrailing(spot, count: rest) }
    let full = size > filled ? previous + window[..<filled] : Array(window[..<filled])
    return (size, Array(full.suffix(BalongSignature.largest)))
  }
}
