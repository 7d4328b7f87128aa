import Crypto
import CryptoExtras
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
  func sealed(_ text: String, salt: [UInt8]? = nil) throws(PageError) -> String {
    var dice = SystemRandomNumberGenerator()
    let salt = salt ?? (0..<8).map { _ in UInt8.random(in: 0...255, using: &dice) }
    do {
      let (key, vector) = try keys(salt)
      let secret = try AES._CBC.encrypt(Array(text.utf8), using: key, iv: vector)
      return PageBase64.encoded(Self.mark + salt + secret)
    } catch {
      throw .unknownLogin("sealed, and the cipher failed")
    }
  }

  /// What such a page says; nil for everything else.
  func opened(_ text: String) -> [UInt8]? {
    guard let bytes = PageBase64.decoded(text), bytes.starts(with: Self.mark), bytes.count >= 32,
      let (key, vector) = try? keys(Array(bytes[8..<16])),
      let plain = try? AES._CBC.decrypt(bytes[16...], using: key, iv: vector)
    else { return nil }
    return [UInt8](plain)
  }

  /// OpenSSL's old way from passphrase to key and vector: MD5, once.
  private func keys(_ salt: [UInt8]) throws -> (SymmetricKey, AES._CBC.IV) {
    var derived: [UInt8] = []
    var last: [UInt8] = []
    while derived.count < 48 {
      last = [UInt8](Insecure.MD5.hash(data: last + Array(passphrase.utf8) + salt))
      derived += last
    }
    return (
      SymmetricKey(data: derived[..<32]), try AES._CBC.IV(ivBytes: derived[32..<48])
    )
  }

  /// The password as such a page wants it: PBKDF2 with HMAC-SHA512, 1024 rounds, 64 bytes,
  /// hexadecimal.
  static func secret(_ password: String, salt: String) throws(PageError) -> String {
    do {
      // The page fixes the rounds, few as they are.
      let key = try KDF.Insecure.PBKDF2.deriveKey(
        from: Array(password.utf8), salt: Array(salt.utf8), using: .sha512, outputByteCount: 64,
        unsafeUncheckedRounds: 1024)
      return unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }.hex
    } catch {
      throw .unknownLogin("sealed, and the key could not be derived")
    }
  }

  /// The passphrase after the login: the two halves of the secret in the other order.
  static func afterLogin(_ secret: String) -> AlcatelSeal {
    AlcatelSeal(passphrase: String(secret.suffix(64) + secret.prefix(64)))
  }
}
