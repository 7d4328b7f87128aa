import Crypto
import Foundation
public import SmithModel

/// Signatures and keys in the form of minisign (Docs/Protocols/catalogue.md section 3).
public enum Minisign {
  /// A public key.
  public struct PublicKey: Sendable, Equatable {
    /// Eight bytes that tell keys apart.
    public let number: [UInt8]
    /// The Ed25519 key.
    let key: [UInt8]

    init(number: [UInt8], key: [UInt8]) {
      self.number = number
      self.key = key
    }

    /// The text of a key file, or only its line of base64.
    ///
    /// - Throws: `catalogue.bad-key`.
    public init(_ text: String) throws(Trouble) {
      guard text.utf8.count < 4096, let line = Minisign.payload(text),
        let bytes = Minisign.decoded(line), bytes.count == 42,
        bytes.starts(with: Array("Ed".utf8))
      else { throw Minisign.badKey("it is no minisign public key") }
      number = Array(bytes[2..<10])
      key = Array(bytes[10...])
    }

    /// The number as minisign shows it.
    public var id: String {
      number.reversed().map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        .joined()
    }

    /// The line of base64.
    public var base64: String {
      Data(Array("Ed".utf8) + number + key).base64EncodedString()
    }

    /// The text of a key file.
    public var file: String { "untrusted comment: minisign public key \(id)\n\(base64)\n" }
  }

  /// A secret key without a password.
  public struct SecretKey: Sendable {
    /// What others check signatures with.
    public let publicKey: PublicKey
    private let key: Curve25519.Signing.PrivateKey

    /// A new key.
    public init() {
      key = Curve25519.Signing.PrivateKey()
      var random = SystemRandomNumberGenerator()
      publicKey = PublicKey(
        number: (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) },
        key: Array(key.publicKey.rawRepresentation))
    }

    /// The text of a secret key file; one with a password is refused (make one with `minisign -W`).
    ///
    /// - Throws: `catalogue.bad-key`.
    public init(_ text: String) throws(Trouble) {
      guard text.utf8.count < 4096, let line = Minisign.payload(text),
        let bytes = Minisign.decoded(line), bytes.count == 158,
        bytes.starts(with: Array("Ed".utf8))
      else { throw Minisign.badKey("it is no minisign secret key") }
      guard bytes[2] == 0, bytes[3] == 0 else {
        throw Minisign.badKey("it has a password; use a key made with `minisign -G -W`")
      }
      let number = Array(bytes[54..<62])
      let sum = Blake2b.of(Array("Ed".utf8) + bytes[54..<126], size: 32)
      // minisign leaves the sum of a key without a password at zero.
      guard bytes[126...].allSatisfy({ $0 == 0 }) || sum == Array(bytes[126...]),
        let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes[62..<94]),
        Array(key.publicKey.rawRepresentation) == Array(bytes[94..<126])
      else { throw Minisign.badKey("its checksum is wrong") }
      self.key = key
      publicKey = PublicKey(number: number, key: Array(bytes[94..<126]))
    }

    /// The text of a secret key file.
    public var file: String {
      let algorithm = Array("Ed".utf8)
      let secret = Array(key.rawRepresentation) + publicKey.key
      let sum = Blake2b.of(algorithm + publicKey.number + secret, size: 32)
      let bytes =
        algorithm + [0, 0] + Array("B2".utf8) + [UInt8](repeating: 0, count: 48)
        + publicKey.number + secret + sum
      return "untrusted comment: minisign secret key without password\n"
        + Data(bytes).base64EncodedString() + "\n"
    }

    /// The text of a signature file.
    ///
    /// - Parameters:
    ///   - comment: signed with the rest; one line.
    ///   - isPrehashed: whether the BLAKE2b sum is signed (`ED`, what minisign does today) or the
    ///     bytes themselves (`Ed`).
    /// - Throws: `catalogue.bad-key`.
    public func sign(_ bytes: [UInt8], comment: String, isPrehashed: Bool = true) throws(Trouble)
      -> String
    {
      let comment = comment.filter { !$0.isNewline }
      do {
        let signature = Array(try key.signature(for: isPrehashed ? Blake2b.of(bytes) : bytes))
        let whole = try key.signature(for: signature + Array(comment.utf8))
        let line = Array((isPrehashed ? "ED" : "Ed").utf8) + publicKey.number + signature
        return """
          untrusted comment: signature from modemsmith
          \(Data(line).base64EncodedString())
          trusted comment: \(comment)
          \(whole.base64EncodedString())

          """
      } catch { throw Minisign.badKey("\(error)") }
    }
  }

  /// Checks a signature file.
  ///
  /// - Returns: the trusted comment.
  /// - Throws: `catalogue.bad-signature`.
  public static func verify(_ bytes: [UInt8], _ signature: String, by key: PublicKey)
    throws(Trouble) -> String
  {
    let lines = signature.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let mark = "trusted comment: "
    guard signature.utf8.count < 16_384, lines.count >= 4,
      lines[0].hasPrefix("untrusted comment:"), lines[2].hasPrefix(mark),
      let first = decoded(String(lines[1])), first.count == 74,
      let whole = decoded(String(lines[3])), whole.count == 64
    else { throw badSignature("the file is no minisign signature") }
    let number = Array(first[2..<10])
    guard number == key.number else {
      let other = PublicKey(number: number, key: [])
      throw badSignature("it was made with the key \(other.id), not with \(key.id)")
    }
    let isPrehashed: Bool
    switch String(decoding: first[0..<2], as: UTF8.self) {
    case "ED": isPrehashed = true
    case "Ed": isPrehashed = false
    default: throw badSignature("its kind is not known")
    }
    let comment = lines[2].dropFirst(mark.count)
    guard let verifier = try? Curve25519.Signing.PublicKey(rawRepresentation: key.key),
      verifier.isValidSignature(first[10...], for: isPrehashed ? Blake2b.of(bytes) : bytes)
    else { throw badSignature("the signed bytes were changed") }
    guard verifier.isValidSignature(whole, for: first[10...] + Array(comment.utf8)) else {
      throw badSignature("its comment was changed")
    }
    return String(comment)
  }

  /// The bytes of a line of base64 in its only spelling: bits that no byte uses would let a
  /// changed line pass for the same.
  static func decoded(_ line: String) -> [UInt8]? {
    guard let data = Data(base64Encoded: line), data.base64EncodedString() == line else {
      return nil
    }
    return [UInt8](data)
  }

  /// The line of base64 of a key file.
  private static func payload(_ text: String) -> String? {
    text.split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .first { !$0.isEmpty && !$0.hasPrefix("untrusted comment:") }
  }

  static func badKey(_ reason: String) -> Trouble {
    Trouble(
      "catalogue.bad-key", "The key cannot be used: \(reason).",
      advice: ["Name a key file of minisign, or the line of base64 in it."], exitCode: .usage)
  }

  private static func badSignature(_ reason: String) -> Trouble {
    Trouble(
      "catalogue.bad-signature", "The signature is not good; nothing was taken over.",
      facts: [reason],
      advice: [
        "Get catalogue and signature once more, both from the same place.",
        "Check that the key is the one that the catalogue's author publishes.",
      ], exitCode: .badFile)
  }
}
