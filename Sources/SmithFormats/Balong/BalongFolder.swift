public import SmithBytes

extension BalongImage {
  /// Reads a folder of single items named `NN-IIIIIIII-Name.bin`
  /// (balong-image.md section 8).
  ///
  /// Such files carry no check sums: what is damaged in them cannot be seen.
  ///
  /// - Parameters:
  ///   - entries: names and bytes of the folder's regular files, in any order.
  ///   - limits: bounds for hostile files.
  /// - Throws: ``ImageError``.
  public static func read(
    folder entries: [(name: String, bytes: SharedBytes)], limits: ImageLimits = .standard
  ) throws(ImageError) -> FirmwareImage {
    var warnings: [ImageWarning] = []
    var items: [(name: BalongFileName, bytes: SharedBytes, file: String)] = []
    for entry in entries.sorted(by: { $0.name < $1.name }) {
      let shown = String(printable: [UInt8](entry.name.utf8.prefix(80)))
      if let name = BalongFileName(entry.name) {
        items.append((name, entry.bytes, shown))
      } else if entry.name.lowercased().hasSuffix(".bin") {
        throw .folderName(shown)
      } else {
        warnings.append(.fileIgnored(shown))
      }
    }
    guard !items.isEmpty else { throw .folderEmpty }
    guard items.count <= limits.folderFiles else {
      throw .folderTooMany(found: items.count, limit: limits.folderFiles)
    }
    var check = BalongItemCheck(file: SharedBytes([]), limits: limits)
    var segments: [Segment] = []
    var firstOfID: [UInt32: Int] = [:]
    for (index, item) in items.enumerated() {
      guard item.name.order == index else {
        throw .folderOrder(expected: index, found: item.name.order, name: item.file)
      }
      var segment = Segment(
        index: index, id: item.name.id, name: BalongItems.name(of: item.name.id),
        size: item.bytes.count, packing: BalongItemCheck.packing(of: item.bytes),
        stored: item.bytes)
      if item.bytes.bytes(0..<min(4, item.bytes.count)) == BalongHeader.magicBytes {
        throw .folderHeader(name: item.file)
      }
      if let first = firstOfID[segment.id] {
        throw .duplicateItem(segment.spot, id: segment.id, first: first)
      }
      firstOfID[segment.id] = index
      try check.checkContent(of: &segment)
      segments.append(segment)
    }
    let kinds = Set(segments.compactMap { BalongItems.kind(of: $0.id) })
    var image = FirmwareImage(
      format: .balongFolder, origin: 0..<segments.reduce(0) { $0 + $1.storedSize },
      kinds: kinds, segments: segments, warnings: warnings)
    finish(&image, signature: check.signature, signedBit: nil, kind: kindByte(of: kinds))
    return image
  }
}

/// The parts of a folder's file name.
struct BalongFileName: Equatable {
  var order: Int
  var id: UInt32

  /// Reads `NN-IIIIIIII-Name.bin`; nil for any other form.
  init?(_ name: String) {
    let bytes = [UInt8](name.utf8)
    guard bytes.count > 16, bytes[2] == 0x2d, bytes[11] == 0x2d,
      name.lowercased().hasSuffix(".bin"),
      let order = Self.number(bytes[0..<2], radix: 10),
      let id = Self.number(bytes[3..<11], radix: 16)
    else { return nil }
    self.order = Int(order)
    self.id = id
  }

  private static func number(_ digits: ArraySlice<UInt8>, radix: Int) -> UInt32? {
    let text = String(decoding: digits, as: UTF8.self)
    guard text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
    return UInt32(text, radix: radix)
  }
}
