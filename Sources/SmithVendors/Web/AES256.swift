/// AES with 256-bit keys in CBC mode with PKCS #7 padding (FIPS 197, SP 800-38A): what some pages
/// wrap their requests in. Plain and slow: it sees a few hundred bytes, and hides nothing that
/// matters.
struct AES256 {
  private static let box = substitutions()
  private static let inverse: [UInt8] = {
    var table = [UInt8](repeating: 0, count: 256)
    for (index, value) in box.enumerated() { table[Int(value)] = UInt8(index) }
    return table
  }()

  private var keys: [[UInt8]] = []

  /// - Parameter key: 32 bytes; shorter ones are filled with zeros.
  init(key: [UInt8]) {
    var words = (0..<8).map { word in
      (0..<4).map { byte in word * 4 + byte < key.count ? key[word * 4 + byte] : 0 }
    }
    var round: UInt8 = 1
    for index in 8..<60 {
      var last = words[index - 1]
      if index.isMultiple(of: 8) {
        last = [last[1], last[2], last[3], last[0]].map { Self.box[Int($0)] }
        last[0] ^= round
        round = Self.doubled(round)
      } else if index % 8 == 4 {
        last = last.map { Self.box[Int($0)] }
      }
      words.append(zip(words[index - 8], last).map { $0 ^ $1 })
    }
    keys = (0..<15).map { Array(words[($0 * 4)..<($0 * 4 + 4)].joined()) }
  }

  /// Whole blocks, padded.
  func encrypted(_ plain: [UInt8], vector: [UInt8]) -> [UInt8] {
    let fill = 16 - plain.count % 16
    let padded = plain + [UInt8](repeating: UInt8(fill), count: fill)
    var last = vector
    var result: [UInt8] = []
    for start in stride(from: 0, to: padded.count, by: 16) {
      last = encrypted(block: zip(padded[start..<(start + 16)], last).map { $0 ^ $1 })
      result += last
    }
    return result
  }

  /// Without its padding; nil if the padding, or the size, is none.
  func decrypted(_ secret: [UInt8], vector: [UInt8]) -> [UInt8]? {
    guard !secret.isEmpty, secret.count.isMultiple(of: 16), vector.count == 16 else { return nil }
    var last = vector
    var result: [UInt8] = []
    for start in stride(from: 0, to: secret.count, by: 16) {
      let block = Array(secret[start..<(start + 16)])
      result += zip(decrypted(block: block), last).map { $0 ^ $1 }
      last = block
    }
    guard let fill = result.last, (1...16).contains(fill),
      result.suffix(Int(fill)).allSatisfy({ $0 == fill })
    else { return nil }
    return result.dropLast(Int(fill))
  }

  // MARK: One block

  private func encrypted(block: [UInt8]) -> [UInt8] {
    var state = Self.mixed(block, keys[0])
    for round in 1...14 {
      state = state.map { Self.box[Int($0)] }
      state = (0..<16).map { state[($0 + 4 * ($0 % 4)) % 16] }
      if round < 14 { state = Self.columns(state, [2, 3, 1, 1]) }
      state = Self.mixed(state, keys[round])
    }
    return state
  }

  private func decrypted(block: [UInt8]) -> [UInt8] {
    var state = Self.mixed(block, keys[14])
    for round in (0..<14).reversed() {
      state = (0..<16).map { state[($0 + 12 * ($0 % 4)) % 16] }
      state = state.map { Self.inverse[Int($0)] }
      state = Self.mixed(state, keys[round])
      if round > 0 { state = Self.columns(state, [14, 11, 13, 9]) }
    }
    return state
  }

  private static func mixed(_ state: [UInt8], _ key: [UInt8]) -> [UInt8] {
    zip(state, key).map { $0 ^ $1 }
  }

  private static func columns(_ state: [UInt8], _ row: [UInt8]) -> [UInt8] {
    (0..<16).map { index in
      (0..<4).reduce(0) { sum, other in
        sum ^ product(state[index / 4 * 4 + other], row[(other + 4 - index % 4) % 4])
      }
    }
  }

  private static func doubled(_ value: UInt8) -> UInt8 {
    value << 1 ^ (value & 0x80 != 0 ? 0x1b : 0)
  }

  private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
    var (left, sum) = (left, UInt8(0))
    for bit in 0..<8 {
      if right >> bit & 1 != 0 { sum ^= left }
      left = doubled(left)
    }
    return sum
  }

  /// The S-box from its definition: the inverse in the field, then the affine map.
  private static func substitutions() -> [UInt8] {
    var logarithm = [Int](repeating: 0, count: 256)
    var power = [UInt8](repeating: 0, count: 255)
    var value: UInt8 = 1
    for exponent in 0..<255 {
      power[exponent] = value
      logarithm[Int(value)] = exponent
      value = doubled(value) ^ value
    }
    return (0..<256).map { index in
      let inverse = index == 0 ? 0 : power[(255 - logarithm[index]) % 255]
      let word = UInt16(inverse)
      let turned = (1...4).reduce(word) { $0 ^ (word << $1 | word >> (8 - $1)) }
      return UInt8(truncatingIfNeeded: turned) ^ 0x63
    }
  }
}
