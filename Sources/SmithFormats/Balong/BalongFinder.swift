internal import SmithBytes

/// Finds where a package begins, in a bare file or inside a program
/// (balong-image.md section 1).
struct BalongFinder {
  let file: SharedBytes

  /// Offset of the first item's header.
  ///
  /// - Throws: ``ImageError/notFirmware(size:strays:)``, or what is wrong with the beginning.
  func firstHeader() throws(ImageError) -> Int {
    let isProgram = file.bytes(0..<min(2, file.count)) == [0x4d, 0x5a]
    let prefix = BalongImage.prefixSize
    var strays = 0
    var templates = 0
    var suspect: BalongHeader?
    var position = 0
    while let hit = ByteSearch.word(BalongHeader.magic, in: file, from: position) {
      position = hit + 4
      let prefixed = hit >= prefix && hasPrefix(before: hit)
      let intended = hit == prefix && !isProgram
      guard prefixed || intended || BalongHeader.looksConsistent(file, at: hit) else {
        strays += 1
        continue
      }
      guard let header = BalongHeader(file, at: hit) else {
        if prefixed || intended {
          throw .truncated(
            ImageSpot(offset: hit, item: 0), expected: BalongHeader.size,
            found: file.count - hit)
        }
        strays += 1
        continue
      }
      // A package beyond doubt, or a bare file whose first header has its place: the chain walk
      // says what is wrong with it.
      if prefixed, header.isConsistent || header.crcIsGood { return hit }
      if intended { return try checkedKind(before: hit) }
      if header.isGood {
        templates += 1
        // The bound keeps a file made of headers from costing a CRC of the whole file for each.
        guard templates <= 16, !firstBlockIsGood(header) else { throw lost(suspect, found: hit) }
      }
      strays += 1
      if suspect == nil { suspect = header }
    }
    if let suspect {
      if suspect.isGood { throw lost(nil, found: suspect.offset) }
      if suspect.isConsistent { throw damaged(suspect) }
    }
    try refuseLostMagic(isProgram: isProgram)
    if isProgram { throw .foreign(ForeignFile(kind: .windowsProgram, evidence: 0)) }
    throw .notFirmware(size: file.count, strays: strays)
  }

  /// Whether the 92 bytes before `offset` are a kind that exists and zeros.
  func hasPrefix(before offset: Int) -> Bool {
    let start = offset - BalongImage.prefixSize
    guard start >= 0, let cut = file.slice(start..<offset),
      let kind = cut.bytes(0..<1).first, kind <= 0xf, kind & 7 != 0
    else { return false }
    return ByteSearch.run(of: 0, in: cut, from: 1) == BalongImage.prefixSize - 1
  }

  /// Whether data that fits the first CRC entry follows: a header that is only a template inside
  /// a program has none.
  private func firstBlockIsGood(_ header: BalongHeader) -> Bool {
    let size = min(header.blockSize, header.dataSize)
    guard header.dataEnd <= file.count,
      let data = file.slice(header.dataOffset..<(header.dataOffset + size)),
      let entry = file.slice(header.tableOffset..<(header.tableOffset + 2))
    else { return false }
    var crc = CRC16X25()
    data.forEachWindow { span, _ in
      crc.update(span)
      return true
    }
    var reader = ByteReader(entry)
    return reader.little(UInt16.self) == crc.value
  }

  private func checkedKind(before offset: Int) throws(ImageError) -> Int {
    let start = offset - BalongImage.prefixSize
    let kind = file.bytes(start..<offset).first ?? 0
    guard kind <= 0xf, kind & 7 != 0 else {
      throw .kindInvalid(ImageSpot(offset: start), found: kind)
    }
    return offset
  }

  private func damaged(_ header: BalongHeader) -> ImageError {
    .headerCRC(
      ImageSpot(offset: header.offset, item: 0), expected: header.crc, found: header.trueCRC)
  }

  /// A good header without the package's beginning: either a damaged one was seen before it, or
  /// one lost even its magic.
  private func lost(_ suspect: BalongHeader?, found: Int) -> ImageError {
    if let suspect, !suspect.crcIsGood { return damaged(suspect) }
    let bare = found > BalongImage.prefixSize && hasPrefix(before: BalongImage.prefixSize)
    return .firstHeaderLost(expected: bare ? BalongImage.prefixSize : nil, found: found)
  }

  /// A bare package whose only magic is damaged still has its prefix and the rest of its header.
  private func refuseLostMagic(isProgram: Bool) throws(ImageError) {
    let place = BalongImage.prefixSize
    guard !isProgram, let header = BalongHeader(file, at: place), hasPrefix(before: place),
      header.isConsistent || header.crcIsGood
    else { return }
    throw .firstHeaderLost(expected: place, found: place)
  }
}
