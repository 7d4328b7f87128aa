/// SHA-256 of the simulated page, written apart from the host's
/// (Docs/Protocols/huawei-hilink.md section 4).
enum HuaweiHiLinkHash {
  /// What password type 4 makes of user, password and token.
  static func password(_ user: String, _ password: String, token: String) -> String {
    let inner = Base64Text.of(Array(hex(sha256(Array(password.utf8))).utf8))
    return Base64Text.of(Array(hex(sha256(Array((user + inner + token).utf8))).utf8))
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var message = bytes + [0x80]
    while message.count % 64 != 56 { message.append(0) }
    let size = UInt64(bytes.count) * 8
    message += (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * UInt64($0))) }
    var state = firstState
    for start in stride(from: 0, to: message.count, by: 64) {
      mix(message[start..<(start + 64)], constants, &state)
    }
    return state.flatMap { word in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
    }
  }

  private static let firstState: [UInt32] = primes(8).map {
    fraction(of: Double($0).squareRoot())
  }
  private static let constants: [UInt32] = primes(64).map { fraction(of: cubeRoot(Double($0))) }

  /// HMAC with SHA-256.
  static func sign(_ message: [UInt8], by key: [UInt8]) -> [UInt8] {
    let short = key.count > 64 ? sha256(key) : key
    let block = short + [UInt8](repeating: 0, count: 64 - short.count)
    return sha256(block.map { $0 ^ 0x5c } + sha256(block.map { $0 ^ 0x36 } + message))
  }

  /// The proofs of both sides of a login by challenge: the visitor's and the page's
  /// (Docs/Protocols/huawei-hilink.md section 4.2).
  static func proofs(
    _ password: String, salt: [UInt8], rounds: Int, first: String, server: String
  ) -> (visitor: String, page: String) {
    let key = Array(password.utf8)
    var block = sign(salt + [0, 0, 0, 1], by: key)
    var stretched = block
    for _ in 1..<rounds {
      block = sign(block, by: key)
      stretched = zip(stretched, block).map { $0 ^ $1 }
    }
    let message = Array([first, server, server].joined(separator: ",").utf8)
    let visitor = sign(stretched, by: Array("Client Key".utf8))
    let mask = sign(sha256(visitor), by: message)
    let page = sign(sign(stretched, by: Array("Server Key".utf8)), by: message)
    return (hex(zip(visitor, mask).map { $0 ^ $1 }), hex(page))
  }

  private static func mix(
    _ block: ArraySlice<UInt8>, _ constants: [UInt32], _ state: inout [UInt32]
  ) {
    func turn(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }
    var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { at in
      block[at..<(at + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    for at in 16..<64 {
      let early = words[at - 15]
      let late = words[at - 2]
      let small = turn(early, 7) ^ turn(early, 18) ^ early >> 3
      let big = turn(late, 17) ^ turn(late, 19) ^ late >> 10
      words.append(words[at - 16] &+ small &+ words[at - 7] &+ big)
    }
    var now = state
    for at in 0..<64 {
      let choose = now[4] & now[5] ^ ~now[4] & now[6]
      let major = now[0] & now[1] ^ now[0] & now[2] ^ now[1] & now[2]
      let high = turn(now[4], 6) ^ turn(now[4], 11) ^ turn(now[4], 25)
      let low = turn(now[0], 2) ^ turn(now[0], 13) ^ turn(now[0], 22)
      let first = now[7] &+ high &+ choose &+ constants[at] &+ words[at]
      now.insert(first &+ low &+ major, at: 0)
      now.removeLast()
      now[4] = now[4] &+ first
    }
    for at in 0..<8 { state[at] = state[at] &+ now[at] }
  }

  private static func primes(_ count: Int) -> [Int] {
    var found: [Int] = []
    var number = 2
    while found.count < count {
      if found.allSatisfy({ number % $0 != 0 }) { found.append(number) }
      number += 1
    }
    return found
  }

  /// The first 32 bits behind the point.
  private static func fraction(of value: Double) -> UInt32 {
    UInt32((value - value.rounded(.down)) * 4_294_967_296)
  }

  private static func cubeRoot(_ value: Double) -> Double {
    var root = value
    for _ in 0..<60 { root -= (root * root * root - value) / (3 * root * root) }
    return root
  }
}
