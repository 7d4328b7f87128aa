import Glibc
import SmithBytes
import SmithFormats

/// Reads the input as an image, once as it is and once with its headers sealed, so that the
/// checks behind the header CRC are reached; drains every segment of what is accepted.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBalongImage(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  drain(input)
  drain(sealed(input))
  return 0
}

private let limits = ImageLimits(itemSize: 1 << 20, totalSize: 4 << 20, lzmaMemory: 32 << 20)

private func drain(_ bytes: [UInt8]) {
  guard let image = try? BalongImage.read(SharedBytes(bytes), limits: limits) else { return }
  for segment in image.segments {
    guard var reader = try? segment.reader() else { continue }
    var total = 0
    while let more = try? reader.next(777), !more.isEmpty { total += more.count }
    precondition(total == segment.size, "a segment promised other than it gave")
  }
}

/// Puts a prefix in front and right CRCs into each header that stands on a 4-byte step.
private func sealed(_ input: [UInt8]) -> [UInt8] {
  var bytes = [1] + [UInt8](repeating: 0, count: 91) + input
  let magic: [UInt8] = [0x55, 0xaa, 0x5a, 0xa5]
  for place in stride(from: 92, to: bytes.count, by: 4) where place + 98 <= bytes.count {
    guard bytes[place..<(place + 4)].elementsEqual(magic) else { continue }
    bytes[place + 0x5c] = 0
    bytes[place + 0x5d] = 0
    let crc = CRC16X25.of(Array(bytes[place..<(place + 98)]))
    bytes[place + 0x5c] = UInt8(truncatingIfNeeded: crc)
    bytes[place + 0x5d] = UInt8(truncatingIfNeeded: crc >> 8)
  }
  return bytes
}

/// Writes starting inputs made by the builder into the folder `SMITH_FUZZ_SEEDS`.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzBalongImageSeeds(
  _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
  guard let folder = getenv("SMITH_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
  for (index, packing) in [Packing.none, .zlib, .lzma].enumerated() {
    var builder = BalongBuilder()
    builder.add(id: 0x10000, data: Array(0..<60), version: ":V3R3:21.157.06.00.264")
    builder.add(
      id: 0x30000, data: Array(repeating: 7, count: 300), packing: packing, blockSize: 16)
    if index > 0 { builder.signed(size: 60) }
    let package = builder.build()
    write(package, to: "\(folder)/package-\(index)")
    write(Array(package.dropFirst(92)), to: "\(folder)/items-\(index)")
    write(
      BalongBuilder.program(around: package, codeSize: 256), to: "\(folder)/program-\(index)")
  }
  return 0
}

private func write(_ bytes: [UInt8], to path: String) {
  guard let file = fopen(path, "w") else { return }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}
