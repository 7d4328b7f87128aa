/// BLAKE2b without a key (RFC 7693), which minisign signatures need and swift-crypto lacks.
struct Blake2b {
  private static let start: [UInt64] = [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
  ]
  private static let order: [[Int]] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
  ]

  private var state = Blake2b.start
  private var block: [UInt8] = []
  private var count: UInt64 = 0
  private let size: Int

  /// A digest of 1 to 64 bytes.
  init(size: Int) {
    self.size = max(1, min(size, 64))
    state[0] ^= 0x0101_0000 ^ UInt64(self.size)
    block.reserveCapacity(128)
  }

  mutating func update(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      // The last block is special, so a full one waits until it is known not to be the last.
      if block.count == 128 { compress(isLast: false) }
      block.append(byte)
    }
  }

  mutating func finalize() -> [UInt8] {
    compress(isLast: true)
    return [UInt8](
      state.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        .prefix(size))
  }

  private mutating func compress(isLast: Bool) {
    count += UInt64(block.count)
    block += [UInt8](repeating: 0, count: 128 - block.count)
    let words = (0..<16).map { index in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(block[index * 8 + $1]) << (8 * UInt64($1)) }
    }
    var v = state + Self.start
    v[12] ^= count
    if isLast { v[14] = ~v[14] }
    func mix(_ a: Int, _ b: Int, _ c: Int, _ d: Int, _ x: UInt64, _ y: UInt64) {
      v[a] = v[a] &+ v[b] &+ x
      v[d] = Self.turned(v[d] ^ v[a], 32)
      v[c] = v[c] &+ v[d]
      v[b] = Self.turned(v[b] ^ v[c], 24)
      v[a] = v[a] &+ v[b] &+ y
      v[d] = Self.turned(v[d] ^ v[a], 16)
      v[c] = v[c] &+ v[d]
      v[b] = Self.turned(v[b] ^ v[c], 63)
    }
    for round in 0..<12 {
      let order = Self.order[round % 10]
      mix(0, 4, 8, 12, words[order[0]], words[order[1]])
      mix(1, 5, 9, 13, words[order[2]], words[order[3]])
      mix(2, 6, 10, 14, words[order[4]], words[order[5]])
      mix(3, 7, 11, 15, words[order[6]], words[order[7]])
      mix(0, 5, 10, 15, words[order[8]], words[order[9]])
      mix(1, 6, 11, 12, words[order[10]], words[order[11]])
      mix(2, 7, 8, 13, words[order[12]], words[order[13]])
      mix(3, 4, 9, 14, words[order[14]], words[order[15]])
    }
    for index in 0..<8 { state[index] ^= v[index] ^ v[index + 8] }
    block.removeAll(keepingCapacity: true)
  }

  private static func turned(_ word: UInt64, _ bits: UInt64) -> UInt64 {
    word >> bits | word << (64 - bits)
  }

  /// The digest of some bytes.
  static func of(_ bytes: some Sequence<UInt8>, size: Int = 64) -> [UInt8] {
    var hash = Blake2b(size: size)
    hash.update(bytes)
    return hash.finalize()
  }
}
