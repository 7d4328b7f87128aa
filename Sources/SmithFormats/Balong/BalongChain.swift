internal import SmithBytes

/// Follows the headers from the first to the end and decides whether the end is one
/// (balong-image.md section 6).
struct BalongChain {
  let file: SharedBytes
  let first: Int
  let limits: ImageLimits
  private(set) var warnings: [ImageWarning] = []
  private var firstOfID: [UInt32: Int] = [:]
  private var isBare: Bool { first == BalongImage.prefixSize }

  init(file: SharedBytes, first: Int, limits: ImageLimits) {
    self.file = file
    self.first = first
    self.limits = limits
  }

  /// All headers, each good in itself and inside the file.
  mutating func walk() throws(ImageError) -> [BalongHeader] {
    warnAboutPrefix()
    var headers = [try header(at: first, index: 0)]
    while let last = headers.last, hasMagic(at: last.next) {
      guard headers.count < limits.items else { throw .tooManyItems(limit: limits.items) }
      warnAboutPadding(after: last)
      headers.append(try header(at: last.next, index: headers.count))
    }
    if let last = headers.last { try judgeEnd(after: last, index: headers.count - 1) }
    return headers
  }

  private mutating func header(at offset: Int, index: Int) throws(ImageError) -> BalongHeader {
    let unnamed = ImageSpot(offset: offset, item: index)
    guard let header = BalongHeader(file, at: offset) else {
      throw .truncated(unnamed, expected: BalongHeader.size, found: file.count - offset)
    }
    guard header.crcIsGood else {
      throw .headerCRC(unnamed, expected: header.crc, found: header.trueCRC)
    }
    let spot = ImageSpot(offset: offset, item: index, name: BalongItems.name(of: header.id))
    guard let blocks = header.blocks else { throw .blockSizeZero(spot) }
    guard header.dataSize > 0 else { throw .itemEmpty(spot) }
    let expected = BalongHeader.size + 2 * blocks
    guard header.headerSize == expected else {
      throw .headerSize(spot, expected: expected, found: header.headerSize)
    }
    let whole = header.headerSize + header.dataSize
    guard whole <= file.count - offset else {
      throw .truncated(spot, expected: whole, found: file.count - offset)
    }
    if let other = firstOfID[header.id] {
      throw .duplicateItem(spot, id: header.id, first: other)
    }
    firstOfID[header.id] = index
    return header
  }

  private func hasMagic(at offset: Int) -> Bool {
    offset + 4 <= file.count
      && file.bytes(offset..<(offset + 4)) == BalongHeader.magicBytes
  }

  private mutating func warnAboutPrefix() {
    let start = first - BalongImage.prefixSize
    guard let cut = file.slice(start..<first) else { return }
    let zeros = ByteSearch.run(of: 0, in: cut, from: 1)
    if zeros < BalongImage.prefixSize - 1 {
      warnings.append(.prefixNotZero(offset: start + 1 + zeros))
    }
  }

  private mutating func warnAboutPadding(after header: BalongHeader) {
    let already = warnings.contains { if case .paddingNotZero = $0 { true } else { false } }
    let padding = file.bytes(header.dataEnd..<header.next)
    if !already, padding.contains(where: { $0 != 0 }) {
      warnings.append(.paddingNotZero(offset: header.dataEnd))
    }
  }

  /// Tells the end of the package from a header lost in its middle.
  private mutating func judgeEnd(after last: BalongHeader, index: Int) throws(ImageError) {
    let end = last.dataEnd
    guard end < file.count else { return }
    let spot = ImageSpot(
      offset: last.offset, item: index, name: BalongItems.name(of: last.id))
    if isRemains(at: last.next) { throw .chainBroken(spot, next: nil) }
    try refuseLaterHeader(after: last, spot)
    let left = file.count - end
    if let byte = file.bytes(end..<(end + 1)).first, byte == 0 || byte == 0xff {
      if ByteSearch.run(of: byte, in: file, from: end) == left {
        if left > 4096 || byte == 0xff {
          warnings.append(.longPadding(offset: end, count: left, byte: byte))
        }
        return
      }
    }
    // A cut through the next magic leaves one to three of its bytes.
    let rest = file.bytes(min(last.next, file.count)..<file.count)
    if (1..<4).contains(rest.count), rest == Array(BalongHeader.magicBytes.prefix(rest.count)) {
      throw .truncated(
        ImageSpot(offset: last.next, item: index + 1), expected: BalongHeader.size,
        found: rest.count)
    }
    guard !isBare else { throw .trailingData(offset: end, count: left) }
    warnings.append(.foreignTail(offset: end, count: left))
  }

  /// Whether what stands where a header should stand was one: a magic with few wrong bits, a
  /// good CRC, or sizes that fit each other.
  private func isRemains(at offset: Int) -> Bool {
    guard let header = BalongHeader(file, at: offset) else { return false }
    var wrongBits = 0
    for (byte, magic) in zip(file.bytes(offset..<(offset + 4)), BalongHeader.magicBytes) {
      wrongBits += (byte ^ magic).nonzeroBitCount
    }
    return wrongBits <= 4 || header.isConsistent || header.crcIsGood
  }

  private func refuseLaterHeader(
    after last: BalongHeader, _ spot: ImageSpot
  ) throws(ImageError) {
    var position = last.next
    while let hit = ByteSearch.word(BalongHeader.magic, in: file, from: position) {
      position = hit + 4
      guard BalongHeader.looksConsistent(file, at: hit),
        let header = BalongHeader(file, at: hit), header.isGood
      else { continue }
      if BalongFinder(file: file).hasPrefix(before: hit),
        hit - BalongImage.prefixSize >= last.dataEnd
      {
        throw .twoPackages(
          first: first - BalongImage.prefixSize, second: hit - BalongImage.prefixSize)
      }
      throw .chainBroken(spot, next: hit)
    }
  }
}
