/// Images that the simulated Qualcomm sticks boot: a 40-byte boot header, a version text, some
/// code, and a checksum at the end in the place of a signature, so that a half-written image is
/// told from a whole one (Docs/Protocols/mbn.md section 1).
public enum QualcommSimImage {
  /// One image of `size` bytes of code, with further texts behind the version.
  public static func make(
    id: UInt32, version: String, size: Int, address: UInt32 = 0x0080_0000, texts: [String] = []
  ) -> [UInt8] {
    var code = [UInt8](version.utf8.prefix(31))
    code += [UInt8](repeating: 0, count: 32 - code.count)
    for text in texts { code += Array(text.utf8) + [0] }
    var seed = id &* 2_654_435_761 ^ 0x5bd1_e995
    while code.count < max(size, 64) - 4 {
      seed = seed &* 1_664_525 &+ 1_013_904_223
      code.append(UInt8(truncatingIfNeeded: seed >> 24))
    }
    code += word(checksum(code))
    let size = UInt32(truncatingIfNeeded: code.count)
    let start = address &+ 40
    let head = [id, 3, start, start, size, size, start &+ size, 0, start &+ size, 0]
    return head.flatMap(word) + code
  }

  /// The version of a whole image of that id at the start of `bytes`; nil if anything is wrong.
  public static func version(of bytes: [UInt8], id: UInt32?) -> String? {
    guard bytes.count >= 104 else { return nil }
    let size = Int(number(bytes, 16))
    guard number(bytes, 4) == 3, id == nil || number(bytes, 0) == id, size >= 64,
      40 + size <= bytes.count, number(bytes, 20) == UInt32(size)
    else { return nil }
    let code = Array(bytes[40..<(40 + size - 4)])
    guard number(bytes, 40 + size - 4) == checksum(code) else { return nil }
    return String(decoding: code.prefix(32).prefix { $0 != 0 }, as: UTF8.self)
  }

  static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    guard at >= 0, at + 4 <= bytes.count else { return 0 }
    return (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
  }

  /// Fowler-Noll-Vo; any sum that notices a missing page would do.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
  }
}
