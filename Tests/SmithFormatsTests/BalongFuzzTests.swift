import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Balong reader under fire") struct BalongFuzzTests {
  private static func sample(_ seed: UInt64) -> [UInt8] {
    var random = Seeded(seed)
    var builder = BalongBuilder()
    builder.add(id: 0x01_0000, data: random.bytes(40), blockSize: 16)
    builder.add(
      id: 0x11_0000, data: [UInt8](repeating: 7, count: 300), packing: .zlib, blockSize: 16)
    builder.add(id: 0x03_0000, data: [UInt8](repeating: 9, count: 90), packing: .lzma)
    if seed.isMultiple(of: 2) { builder.signed(size: 60) }
    let package = builder.build()
    return seed.isMultiple(of: 3) ? BalongBuilder.program(around: package, codeSize: 256) : package
  }

  @Test("Mutated packages are read or refused, and what is read hands out what it promised")
  func mutations() throws {
    let seed: UInt64 = 20_261
    var random = Seeded(seed)
    let samples = (0..<6).map { Self.sample(UInt64($0)) }
    for round in 0..<20_000 {
      var bytes = samples[round % samples.count]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        Self.mutate(&bytes, &random)
      }
      // Half of the rounds seal the headers again, so that the deeper checks are reached.
      if round.isMultiple(of: 2) {
        var place = 0
        while let hit = ByteSearch.word(
          BalongHeader.magic, in: SharedBytes(bytes), from: place)
        {
          if hit + 98 <= bytes.count { bytes = Sample.resealed(bytes, headerAt: hit) }
          place = hit + 4
        }
      }
      guard let image = try? Sample.image(bytes) else { continue }
      for segment in image.segments {
        let content = try Sample.content(segment)
        #expect(content.count == segment.size, "seed \(seed), round \(round)")
      }
    }
  }

  private static func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[place] = [0, 0xff, 0x7f, 0x80].randomElement(using: &random) ?? 0
    case 2: bytes.removeSubrange(place..<min(bytes.count, place + 5))
    case 3: bytes.insert(contentsOf: random.bytes(4), at: place)
    case 4:
      let header = Int.random(in: 0..<max(1, bytes.count / 4), using: &random) * 4
      let field = header + 4 * Int.random(in: 1..<7, using: &random)
      if field < bytes.count { bytes[field] = UInt8.random(in: 0...255, using: &random) }
    default: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random) / 4)
    }
  }

  @Test(
    "Random bytes behind a good beginning are never a package",
    arguments: 1...40 as ClosedRange<UInt64>)
  func noise(seed: UInt64) {
    var random = Seeded(seed)
    let head = Sample.package().prefix(92 + 4)
    #expect(Sample.code(head + random.bytes(400)) != nil, "seed \(seed)")
  }
}
