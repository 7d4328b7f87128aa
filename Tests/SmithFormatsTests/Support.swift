import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

/// A real file; where it is absent, the test is skipped.
func realFile(_ name: String) throws -> SharedBytes {
  guard let file = RealFile.named(name) else { try Test.cancel("\(name) is not here") }
  return file
}

enum Sample {
  static let version = ":V3R3:21.157.06.00.264"

  /// Three items, none packed, each ending off the 4-byte grid.
  static func package(_ seed: UInt64 = 1) -> [UInt8] {
    var random = Seeded(seed)
    var builder = BalongBuilder()
    builder.add(id: 0x01_0000, data: random.bytes(101), version: version, blockSize: 64)
    builder.add(id: 0x11_0000, data: random.bytes(203), version: version, blockSize: 64)
    builder.add(id: 0x03_0000, data: random.bytes(302), version: version, blockSize: 64)
    return builder.build()
  }

  /// Offsets of the item headers of `package`, by its own arithmetic.
  static func headers(_ package: [UInt8]) -> [Int] {
    var result: [Int] = []
    var offset = 92
    while offset + 98 <= package.count {
      result.append(offset)
      let size = number(package, offset + 4) + number(package, offset + 0x18)
      offset = (offset + size + 3) / 4 * 4
    }
    return result
  }

  static func number(_ bytes: [UInt8], _ offset: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  /// Writes a number into a header field and makes the header's CRC right again.
  static func setting(
    _ field: Int, to value: UInt32, ofHeaderAt header: Int, in package: [UInt8]
  ) -> [UInt8] {
    var bytes = package
    for index in 0..<4 {
      bytes[header + field + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
    }
    return resealed(bytes, headerAt: header)
  }

  static func resealed(_ package: [UInt8], headerAt header: Int) -> [UInt8] {
    var bytes = package
    bytes[header + 0x5c] = 0
    bytes[header + 0x5d] = 0
    let crc = CRC16X25.of(Array(bytes[header..<(header + 98)]))
    bytes[header + 0x5c] = UInt8(truncatingIfNeeded: crc)
    bytes[header + 0x5d] = UInt8(truncatingIfNeeded: crc >> 8)
    return bytes
  }

  /// The trouble code of reading `bytes`; nil if they are a good package.
  static func code(_ bytes: [UInt8], limits: ImageLimits = .standard) -> String? {
    error(bytes, limits: limits)?.trouble.code
  }

  static func error(_ bytes: [UInt8], limits: ImageLimits = .standard) -> ImageError? {
    do throws(ImageError) {
      _ = try ImageRegistry.recognise(SharedBytes(bytes), limits: limits)
      return nil
    } catch {
      return error
    }
  }

  static func image(_ bytes: [UInt8]) throws -> FirmwareImage {
    try ImageRegistry.recognise(SharedBytes(bytes))
  }

  /// All unpacked bytes of a segment, read in pieces of `piece`.
  static func content(_ segment: Segment, piece: Int = 1000) throws -> [UInt8] {
    var reader = try segment.reader()
    var bytes: [UInt8] = []
    while true {
      let more = try reader.next(piece)
      if more.isEmpty { return bytes }
      bytes += more
    }
  }
}
