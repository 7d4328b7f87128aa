import SmithBytes

/// Images that the simulated Qualcomm sticks boot: a 40-byte boot header, a version text, some
/// code, and a checksum at the end in the place of a signature, so that a half-written image is
/// told from a whole one (Docs/Protocols/mbn.md section 1).
public enum QualcommSimImage {
  /// One image of `size` bytes of code, with further texts behind the version.
  public static func make(
    id: UInt32, version: String, size: Int, address: UInt32 = 0x0080_0000, texts: [String] = [],
    seed: UInt32 = 0, certificates: [UInt8] = []
  ) -> [UInt8] {
    var code = [UInt8](version.utf8.prefix(31))
    code += [UInt8](repeating: 0, count: 32 - code.count)
    for text in texts { code += Array(text.utf8) + [0] }
    var seed = id &* 2_654_435_761 ^ 0x5bd1_e995 ^ seed
    while code.count < max(size, 64) - 4 {
      seed = seed &* 1_664_525 &+ 1_013_904_223
      code.append(UInt8(truncatingIfNeeded: seed >> 24))
    }
    code += word(CRC32.of(code))
    let size = UInt32(truncatingIfNeeded: code.count)
    let start = address &+ 40
    let signature = [UInt8](repeating: 0x53, count: certificates.isEmpty ? 0 : 256)
    let (signed, chain) = (UInt32(signature.count), UInt32(certificates.count))
    let head = [
      id, 3, start, start, size + signed + chain, size, start &+ size, signed,
      start &+ size &+ signed, chain,
    ]
    return head.flatMap(word) + code + signature + certificates
  }

  /// The root certificate of the sample key, which nobody's is; its SHA-256 is ``rootHash``.
  public static let root: [UInt8] =
    [0x30, 0x82, 0, 228] + [UInt8](String(repeating: rootText, count: 6).utf8)
  private static let rootText = "Modemsmith sample root, no one's key. "

  /// What a stick that is fused to the sample key says of it.
  public static let rootHash: [UInt8] = [
    0xa5, 0x55, 0x85, 0x30, 0xb4, 0xa4, 0x1e, 0x69,
    0xa0, 0x3f, 0x41, 0x63, 0xe0, 0x89, 0xb4, 0xd8,
    0x4d, 0xdd, 0x15, 0xd0, 0x40, 0x0c, 0x18, 0xc6,
    0xa8, 0x3a, 0x89, 0x5f, 0x42, 0x00, 0xbd, 0x9e,
  ]

  /// The version of a whole image of that id at the start of `bytes`; nil if anything is wrong.
  public static func version(of bytes: [UInt8], id: UInt32?) -> String? {
    guard bytes.count >= 104 else { return nil }
    let size = Int(number(bytes, 20))
    let whole = Int(number(bytes, 16))
    let rest = UInt64(number(bytes, 28)) + UInt64(number(bytes, 36))
    guard number(bytes, 4) == 3, id == nil || number(bytes, 0) == id, size >= 64,
      40 + whole <= bytes.count, UInt64(size) + rest == UInt64(whole)
    else { return nil }
    let code = Array(bytes[40..<(40 + size - 4)])
    guard number(bytes, 40 + size - 4) == CRC32.of(code) else { return nil }
    return String(decoding: code.prefix(32).prefix { $0 != 0 }, as: UTF8.self)
  }

  static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    guard at >= 0, at + 4 <= bytes.count else { return 0 }
    return (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
  }
}
