import Crypto
public import SmithModel

/// Unlock and flash codes of the owner's own Huawei stick (Docs/Protocols/huawei-codes.md).
///
/// Computed from the IMEI alone, never sent by themselves. A wrong code costs one of ten tries and
/// no command tells which version a stick wants.
public enum HuaweiCodes {
  /// All codes of one stick, eight decimal digits each.
  public struct Codes: Sendable, Equatable {
    /// Unlock code of the oldest sticks.
    public var v1: String
    /// Code that older updaters ask for.
    public var flash: String
    /// Unlock code of sticks from about 2011 to 2013.
    public var v2: String
    /// Unlock code of sticks from 2012 on.
    public var v201: String
  }

  /// The two later versions.
  enum Version: CaseIterable {
    case v2, v201
  }

  /// Computes the codes; nil if the check digit of the IMEI is wrong or its identity is lost.
  public static func codes(for imei: IMEI) -> Codes? {
    guard imei.luhnIsGood, !imei.looksLost else { return nil }
    let digits = [UInt8](imei.digits.utf8)
    return Codes(
      v1: folded(digits, salt: "hwe620datacard"), flash: folded(digits, salt: "e630upgrade"),
      v2: code(digits, .v2, slot: selector(digits, .v2)),
      v201: code(digits, .v201, slot: selector(digits, .v201)))
  }

  /// The text for `AT^CARDUNLOCK`, which resets the counter of tries: MD5 of the code's digits.
  public static func counterReset(code: String) -> String? {
    guard code.utf8.count == 8, code.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return hex(md5([UInt8](code.utf8)))
  }

  /// Which of the seven routines an IMEI leads to.
  static func selector(_ digits: [UInt8], _ version: Version) -> Int {
    let terms = digits.enumerated().map { index, byte in
      let (c, i) = (Int(byte), index + 1)
      return version == .v2 ? (c + i) * i : (c + i) * c * (c + 313)
    }
    return terms.reduce(0, +) % 7
  }

  /// Runs one routine, 0 to 6.
  static func code(_ digits: [UInt8], _ version: Version, slot: Int) -> String {
    let isV2 = version == .v2
    switch slot {
    case 0:
      return weightedSum(
        digits, isV2 ? HuaweiCodeTables.weightsV2 : HuaweiCodeTables.weightsV201)
    case 1: return tableCRC(digits, isV2 ? HuaweiCodeTables.crcV2 : HuaweiCodeTables.crcV201)
    case 2: return window(digits, from: isV2 ? 0 : 5)
    case 3: return salted(digits, salt: isV2 ? "hwideadatacard" : "dfkdkfllekkodk")
    case 4: return isV2 ? pairs(digits) : words(digits, 1, 4)
    case 5: return isV2 ? words(digits, 0, 1) : words(digits, 2, 3)
    default:
      return HuaweiMixer.code(
        digits, isV2 ? HuaweiCodeTables.masksV2 : HuaweiCodeTables.masksV201)
    }
  }

  static func md5(_ bytes: [UInt8]) -> [UInt8] { [UInt8](Insecure.MD5.hash(data: bytes)) }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// v1: the middle of the salt's MD5 as text behind the IMEI.
  private static func folded(_ digits: [UInt8], salt: String) -> String {
    let middle = hex(md5([UInt8](salt.utf8))).dropFirst(8).prefix(16)
    return fold(md5(digits + [UInt8](middle.utf8)))
  }

  private static func salted(_ digits: [UInt8], salt: String) -> String {
    fold(md5(digits + md5([UInt8](salt.utf8))))
  }

  /// Four columns of a digest as a number of eight decimal digits.
  private static func fold(_ digest: [UInt8]) -> String {
    var number: UInt32 = 0
    for k in 0..<4 {
      let byte: UInt8 = digest[k] ^ digest[k + 4] ^ digest[k + 8] ^ digest[k + 12]
      number = number << 8 | UInt32(byte)
    }
    return String(number & 0x01ff_ffff | 0x0200_0000)
  }

  private static func weightedSum(_ digits: [UInt8], _ weights: [UInt32]) -> String {
    var sum = zip(digits, weights).reduce(UInt32(0)) { $0 &+ UInt32($1.0) &* $1.1 }
    var code: [Int] = []
    for _ in 0..<8 {
      code.append(Int(sum & 15) % 10)
      sum >>= 4
    }
    if code[0] == 0 { code[0] = 1 }
    return code.map(String.init).joined()
  }

  private static func tableCRC(_ digits: [UInt8], _ table: [UInt32]) -> String {
    let crc = digits.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ $0 >> 8 }
    let text = String(Int32(bitPattern: ~crc).magnitude)
    guard text.count >= 2 else { return "99999999" }
    let code = String(repeating: "9", count: max(0, 8 - text.count)) + text.suffix(8)
    return code.first == "0" ? "9" + code.dropFirst() : code
  }

  private static func window(_ digits: [UInt8], from offset: Int) -> String {
    md5(digits)[offset..<(offset + 8)].enumerated().map { index, byte in
      if index == 0 { return byte % 10 == 0 ? "5" : String(byte % 10) }
      return (0x30...0x39).contains(byte) ? String(byte - 0x30) : String(byte % 10)
    }.joined()
  }

  private static func pairs(_ digits: [UInt8]) -> String {
    let text = digits + [0x5a]
    var code = (0..<8).map { k in
      let value = text[k] ^ text[k + 8]
      return Int(HuaweiCodeTables.pairs[Int(value >> 4 + value & 15)]) - 0x30
    }
    if code[0] == 0 { code[0] = code.firstIndex { $0 != 0 } ?? 0 }
    return code.map(String.init).joined()
  }

  private static func words(_ digits: [UInt8], _ first: Int, _ second: Int) -> String {
    let digest = [UInt8](Insecure.SHA1.hash(data: digits))
    func word(_ index: Int) -> String {
      String(digest[(4 * index)..<(4 * index + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    let text = word(first)
    return String((text.count < 8 ? text + word(second) : text).prefix(8))
  }
}

/// The longest of the routines (Docs/Protocols/huawei-codes.md section 3.7).
enum HuaweiMixer {
  static func code(_ digits: [UInt8], _ masks: [UInt8]) -> String {
    let digest = HuaweiCodes.md5(block(digits, masks))
    let key = (1...7).reduce(Int(digits[14])) {
      $0 + 256 * Int(digits[$1 - 1]) + Int(digits[$1])
    }
    var code = digest.filter { (0x30...0x39).contains($0) }.prefix(8).map { Int($0) - 0x30 }
    let offset = 4 * (key % 4)
    appendDigits(of: number(digest, at: offset), to: &code)
    let second = number(digest, at: 12 - offset)
    if second != 0 { appendDigits(of: second, to: &code) }
    if code[0] == 0 { code[0] = Int(digest[key == 0 ? 0 : 1] & 7) + 1 }
    return code.map(String.init).joined()
  }

  /// 128 bytes that grow out of the rotated digits.
  private static func block(_ digits: [UInt8], _ masks: [UInt8]) -> [UInt8] {
    var b = [UInt8](repeating: 0, count: 128)
    for i in 0..<15 {
      let shift = UInt8(2 + i % 3)
      b[i] = digits[i] >> shift | digits[i] << (8 - shift)
    }
    let seed = (0...6).reduce(Int(b[8])) { $0 + Int(b[14 - $1]) + 256 * Int(b[$1]) }
    for p in 15..<128 {
      let a = p - 15
      let q = p / 12
      let turned = q + p % 12
      let k = turned > 11 ? turned - 12 : turned
      let source = q + a % 12 + (q > 1 ? 12 * q - 24 : 0)
      let near = seed % p
      let far = a == 0 ? near + 1 : seed % a
      b[p] = ~b[far] | b[source] & masks[k] | b[near]
    }
    return b
  }

  private static func number(_ digest: [UInt8], at offset: Int) -> UInt32 {
    digest[offset..<(offset + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  }

  /// Decimal digits, the least significant first, at least one; eight are enough.
  private static func appendDigits(of number: UInt32, to code: inout [Int]) {
    var rest = number
    repeat {
      if code.count == 8 { return }
      code.append(Int(rest % 10))
      rest /= 10
    } while rest > 0
  }
}
