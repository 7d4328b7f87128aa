import Crypto
import SmithBytes

/// What the sealed kind of Alcatel's pages wraps parameters and results in
/// (Docs/Protocols/alcatel-web.md section 4): OpenSSL's salted form of AES in base 64. Everybody
/// knows the first passphrase, so it hides nothing; it is only another spelling.
struct AlcatelSeal {
  /// Before the login.
  static let first = "TCT@MiFiRouter"
  private static let mark = Array("Salted__".utf8)

  let passphrase: String

  /// The text as such a page wants it.
  func sealed(_ text: String, salt: [UInt8]? = nil) -> String {
    var dice = SystemRandomNumberGenerator()
    let salt = salt ?? (0..<8).map { _ in UInt8.random(in: 0...255, using: &dice) }
    let (cipher, vector) = keys(salt)
    let secret = cipher.encrypted(Array(text.utf8), vector: vector)
    return PageBase64.encoded(Self.mark + salt + secret)
  }

  /// What such a page says; nil for everything else.
  func opened(_ text: String) -> [UInt8]? {
    guard let bytes = PageBase64.decoded(text), bytes.starts(with: Self.mark), bytes.count >= 32
    else { return nil }
    let (cipher, vector) = keys(Array(bytes[8..<16]))
    return cipher.decrypted(Array(bytes[16...]), vector: vector)
  }

  /// OpenSSL's old way from passphrase to key and vector: MD5, once.
  private func keys(_ salt: [UInt8]) -> (AES256, [UInt8]) {
    var derived: [UInt8] = []
    var last: [UInt8] = []
    while derived.count < 48 {
      last = [UInt8](Insecure.MD5.hash(data: last + Array(passphrase.utf8) + salt))
      derived += last
    }
    return (AES256(key: Array(derived[..<32])), Array(derived[32..<48]))
  }

  /// The password as such a page wants it: PBKDF2 with HMAC-SHA512, 1024 rounds, 64 bytes,
  /// hexadecimal.
  static func secret(_ password: String, salt: String) -> String {
    let key = SymmetricKey(data: Array(password.utf8))
    func code(_ data: [UInt8]) -> [UInt8] {
      [UInt8](HMAC<SHA512>.authenticationCode(for: data, using: key))
    }
    var last = code(Array(salt.utf8) + [0, 0, 0, 1])
    var sum = last
    for _ in 1..<1024 {
      last = code(last)
      for index in sum.indices { sum[index] ^= last[index] }
    }
    return sum.hex
  }

  /// The passphrase after the login: the two halves of the secret in the other order.
  static func afterLogin(_ secret: String) -> AlcatelSeal {
    AlcatelSeal(passphrase: String(secret.suffix(64) + secret.prefix(64)))
  }
}
