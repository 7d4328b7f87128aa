internal import SmithBytes

/// Builds files of a loader's shape for tests and demonstrations: noise in place of code
/// (Docs/Protocols/balong-loader.md section 6).
public struct BalongLoaderBuilder: Sendable {
  /// What its erase call looks like.
  public enum Kind: String, Sendable, CaseIterable {
    /// The call is in it.
    case stock
    /// The call was put out of action.
    case safe
    /// No known pattern.
    case unknown
  }

  /// Chip whose addresses it has.
  public var chip = BalongLoader.Chip.v7r1
  /// What its erase call looks like.
  public var kind = Kind.safe
  /// Product of its partition table; nil for none.
  public var product: String? = "H6920CS_STICK"
  /// Bytes of the part of mode 2, at least 4096.
  public var size = 24_000
  /// Decides the noise.
  public var seed: UInt32 = 1
  /// Pattern in place of the chip's, by name.
  public var pattern: String?
  /// Whether it takes bad blocks for good ones.
  public var ignoresBadBlocks = false

  /// A safe loader for V7R1.
  public init() {}

  /// The file.
  public func build() -> [UInt8] {
    let setUp = noise(0x36c, seed)
    let main = mainPart()
    let first = BalongLoader.listOffset + 3 * BalongLoader.entrySize
    var bytes: [UInt8] = []
    bytes.append(little: BalongLoader.magic)
    bytes.append(contentsOf: repeatElement(0, count: 32))
    for (index, part) in [setUp, main].enumerated() {
      bytes.append(little: UInt32(index + 1))
      bytes.append(little: UInt32(truncatingIfNeeded: part.count))
      bytes.append(little: chip.addresses[index])
      bytes.append(little: UInt32(truncatingIfNeeded: first + index * setUp.count))
    }
    bytes.append(contentsOf: repeatElement(0, count: BalongLoader.entrySize))
    return bytes + setUp + main
  }

  private func mainPart() -> [UInt8] {
    var main = noise(max(size, 4096) & ~3, seed &+ 1)
    let erase = ErasePattern.all.first { $0.name == pattern ?? name(of: chip) }
    if kind != .unknown, let erase {
      main.replaceSubrange(256..<(256 + erase.bytes.count), with: erase.bytes)
      let place = 256 + erase.bytes.count + erase.distance
      if erase.setsBits {
        main[place] = kind == .safe ? 0xeb : 0x0b
      } else {
        // Stock: a branch to somewhere.
        let call: [UInt8] = kind == .safe ? [0, 0, 0xa0, 0xe3] : [0x12, 0x34, 0x00, 0xeb]
        main.replaceSubrange(place..<(place + 4), with: call)
      }
    } else if kind == .stock {
      main.replaceSubrange(256..<270, with: [UInt8]("SMITHSIM-ERASE".utf8))
    }
    if ignoresBadBlocks {
      main.replaceSubrange(
        512..<524, with: [4, 0x10, 0x8d, 0xe2, 4, 0, 0xa0, 0xe1, 0, 0, 0xa0, 0xe3])
    }
    if let product { main.replaceSubrange(1024..<(1024 + BalongTable.size), with: table(product)) }
    return main
  }

  private func name(of chip: BalongLoader.Chip) -> String {
    switch chip {
    case .v3r3: ""
    case .v7r1: "v7r1"
    case .v7r11: "v7r11"
    }
  }

  private func table(_ product: String) -> [UInt8] {
    var table = [UInt8]("pTableHead".utf8) + [0, 0, 0, 0, 0, 0x80]
    table.append(text: "BOOTROM_V01.02", width: 16)
    table.append(text: product, width: 16)
    var start: UInt32 = 0
    for (name, type, length) in [
      ("BootLoad", UInt32(0x101), UInt32(0x2_0000)), ("BootRom", 0x102, 0x20_0000),
      ("FastBoot", 0x104, 0xa_0000), ("cdromiso", 0x10c, 0x200_0000),
    ] {
      table.append(text: name, width: 16)
      for value in [start, length, length, 0, 0, type, 0x4000, 0] { table.append(little: value) }
      start += length
    }
    table.append(text: "T", width: 16)
    return table + [UInt8](repeating: 0, count: BalongTable.size - table.count)
  }

  /// Bytes of which no four in a row are likely to be a pattern's.
  private func noise(_ count: Int, _ seed: UInt32) -> [UInt8] {
    var word = seed &* 2_654_435_761 | 1
    return (0..<count).map { _ in
      word = word &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: word >> 24)
    }
  }
}
