import Crypto

/// The login by challenge: neither password nor anything it could be learned from goes over the
/// line, and the page has to prove itself too (Docs/Protocols/huawei-hilink.md section 4.2).
struct HiLinkChallenge: Equatable {
  /// Salt of the password.
  let salt: [UInt8]
  /// Rounds of stretching.
  let iterations: Int
  /// The page's word, which begins with ours.
  let serverNonce: String
  /// Our word.
  let firstNonce: String

  /// Most rounds that are done for a page; real ones ask for 100 to 1000.
  static let mostIterations = 100_000

  /// Reads what the page answered to our word; nil for what no page would say.
  init?(_ answer: HiLinkXML, firstNonce: String) {
    guard let salt = answer["salt"].flatMap(Self.bytes), (1...128).contains(salt.count),
      let iterations = answer["iterations"].flatMap({ Int($0) }),
      (1...Self.mostIterations).contains(iterations),
      let nonce = answer["servernonce"], nonce.hasPrefix(firstNonce),
      (firstNonce.utf8.count + 1...512).contains(nonce.utf8.count),
      nonce.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x3c && $0 != 0x26 })
    else { return nil }
    self.salt = salt
    self.iterations = iterations
    serverNonce = nonce
    self.firstNonce = firstNonce
  }

  /// What shows that we know the password, and what the page must show.
  func proofs(_ password: String) -> (client: String, server: String) {
    let stretched = Self.stretched(Array(password.utf8), salt, iterations)
    let message = Array("\(firstNonce),\(serverNonce),\(serverNonce)".utf8)
    // Key and message stand the other way round than in RFC 5802; so the pages do it.
    let clientKey = Self.sign(stretched, by: Array("Client Key".utf8))
    let signature = Self.sign(Array(SHA256.hash(data: clientKey)), by: message)
    let serverKey = Self.sign(stretched, by: Array("Server Key".utf8))
    return (
      Self.hex(zip(clientKey, signature).map { $0 ^ $1 }),
      Self.hex(Self.sign(serverKey, by: message))
    )
  }

  /// PBKDF2 with HMAC-SHA-256: the first block, which is all of 32 bytes.
  static func stretched(_ password: [UInt8], _ salt: [UInt8], _ rounds: Int) -> [UInt8] {
    let key = SymmetricKey(data: password)
    var last = Array(HMAC<SHA256>.authenticationCode(for: salt + [0, 0, 0, 1], using: key))
    var sum = last
    for _ in 1..<max(rounds, 1) {
      last = Array(HMAC<SHA256>.authenticationCode(for: last, using: key))
      for index in sum.indices { sum[index] ^= last[index] }
    }
    return sum
  }

  private static func sign(_ message: [UInt8], by key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
  }

  /// Lower-case hexadecimal digits.
  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return bytes.reduce(into: "") { text, byte in
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2), digits.count <= 256 else { return nil }
    var bytes: [UInt8] = []
    for at in stride(from: 0, to: digits.count, by: 2) {
      let pair = String(decoding: digits[at..<at + 2], as: UTF8.self)
      guard pair.first != "+", pair.first != "-", let byte = UInt8(pair, radix: 16) else {
        return nil
      }
      bytes.append(byte)
    }
    return bytes
  }
}
