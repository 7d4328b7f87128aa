internal import SmithBytes

/// Builds Huawei packages for tests, demonstrations and benches; writes what
/// balong-image.md says, so that reader and builder check each other.
public struct BalongBuilder: Sendable {
  private struct Item {
    var id: UInt32
    var data: [UInt8]
    var version: String
    var packing: Packing
    var compatibility: String
    var blockSize: Int
  }

  private let kinds: Set<ImageKind>
  private let compatibility: String
  private var items: [Item] = []
  private var signature: (keyHash: [UInt8], size: Int)?

  /// Header version of every item.
  public var headerVersion: UInt32 = 1
  /// Build date of every item, at most 16 characters.
  public var date = "2013.04.05"
  /// Build time of every item, at most 16 characters.
  public var time = "10:20:30"
  /// Kind byte to write in place of the right one, for wrong packages.
  public var kindByte: UInt8?

  /// An empty package for a product.
  public init(kind: Set<ImageKind> = [.firmware], compatibility: String = "E3531") {
    kinds = kind
    self.compatibility = compatibility
  }

  /// Adds an item.
  ///
  /// - Parameters:
  ///   - id: item id as on the wire.
  ///   - data: bytes as they are to be sent, or already packed with `packing` none.
  ///   - version: version text, at most 32 characters, as in `:V3R3:21.157.06.00.264`.
  ///   - packing: how to store the data.
  ///   - compatibility: product id in place of the package's.
  ///   - blockSize: bytes per CRC entry.
  public mutating func add(
    id: UInt32, data: [UInt8], version: String = "", packing: Packing = .none,
    compatibility: String? = nil, blockSize: Int = 4096
  ) {
    items.append(
      Item(
        id: id, data: data, version: version, packing: packing,
        compatibility: compatibility ?? self.compatibility, blockSize: max(1, blockSize)))
  }

  /// Puts a signature block at the end of the first item and sets the signed bit.
  ///
  /// - Parameters:
  ///   - keyHash: 32 bytes.
  ///   - size: bytes of the block, at least 50.
  public mutating func signed(
    keyHash: [UInt8] = [UInt8](repeating: 0x77, count: 32), size: Int = 2958
  ) {
    signature = (keyHash, size)
  }

  /// The package; its first byte must land on a multiple of 4 of the file.
  public func build() -> [UInt8] {
    let signed: UInt8 = signature == nil ? 0 : 8
    var bytes = [kindByte ?? (BalongImage.kindByte(of: kinds) | signed)]
    bytes.append(contentsOf: repeatElement(0, count: BalongImage.prefixSize - 1))
    for (index, item) in items.enumerated() {
      while !bytes.count.isMultiple(of: 4) { bytes.append(0) }
      append(item, signed: index == 0, to: &bytes)
    }
    return bytes
  }

  /// A Windows program around `package`: a stub, code with a stray item magic in it, the
  /// package, and an overlay behind.
  public static func program(
    around package: [UInt8], codeSize: Int = 4096, overlay: [UInt8] = [UInt8]("overlay".utf8)
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x4d, 0x5a, 0x90, 0x00]
    var word: UInt32 = 0x1234_5678
    while bytes.count < max(codeSize & ~3, 256) {
      word = word &* 1_664_525 &+ 1_013_904_223
      bytes.append(little: word)
    }
    bytes.replaceSubrange(160..<164, with: BalongHeader.magicBytes)
    bytes.append(contentsOf: package)
    bytes.append(contentsOf: overlay)
    return bytes
  }

  private func append(_ item: Item, signed: Bool, to bytes: inout [UInt8]) {
    var plain = item.data
    if signed, let signature { plain += Self.block(signature.keyHash, signature.size) }
    let data = Packer.packed(plain, item.packing)
    let blocks = (data.count + item.blockSize - 1) / item.blockSize
    var header = BalongHeader.magicBytes
    header.append(little: UInt32(truncatingIfNeeded: BalongHeader.size + 2 * blocks))
    header.append(little: headerVersion)
    header.append(text: item.compatibility, width: 8)
    header.append(little: item.id)
    header.append(little: UInt32(truncatingIfNeeded: data.count))
    header.append(text: date, width: 16)
    header.append(text: time, width: 16)
    header.append(text: item.version, width: 32)
    header.append(little: UInt16(0))
    header.append(little: UInt32(truncatingIfNeeded: item.blockSize))
    let crc = CRC16X25.of(header)
    header[BalongHeader.crcOffset] = UInt8(truncatingIfNeeded: crc)
    header[BalongHeader.crcOffset + 1] = UInt8(truncatingIfNeeded: crc >> 8)
    bytes += header
    for block in 0..<blocks {
      let start = block * item.blockSize
      var sum = CRC16X25()
      unsafe sum.update(data.span.bytes.extracting(start..<min(start + item.blockSize, data.count)))
      bytes.append(little: sum.value)
    }
    bytes += data
  }

  private static func block(_ keyHash: [UInt8], _ size: Int) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 6) + keyHash.prefix(32)
    let end = max(size, BalongSignature.smallest)
    block += [UInt8](repeating: 0xa5, count: end - 12 - block.count)
    block.append(little: UInt32(truncatingIfNeeded: size))
    return block + [0, 0, 0, 0] + BalongSignature.mark
  }
}
