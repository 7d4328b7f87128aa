import SmithBytes

/// The commands of the Huawei download monitor as bodies of HDLC frames
/// (Docs/Protocols/balong-download.md section 5). All integers are big-endian.
enum BalongCommand {
  static let version: [UInt8] = [0x0c]
  static let product: [UInt8] = [0x45]
  static let softwareVersion: [UInt8] = [0x46]
  static let reset: [UInt8] = [0x0a]

  static let versionReply: UInt8 = 0x0d
  static let acknowledge: UInt8 = 0x02
  static let refusal: UInt8 = 0x03

  /// 41: begins an item of `size` bytes.
  static func start(item id: UInt32, size: UInt32) -> [UInt8] {
    var body: [UInt8] = [0x41]
    body.append(big: id)
    body.append(big: size)
    return body + [0, 0, 0]
  }

  /// 42: one block; numbers begin at 1, a block numbered 0 would be thrown away.
  static func block(_ number: UInt32, _ data: [UInt8]) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(7 + data.count)
    body.append(0x42)
    body.append(big: number)
    body.append(big: UInt16(truncatingIfNeeded: data.count))
    body.append(contentsOf: data)
    return body
  }

  /// 43: ends an item.
  static func finish(item id: UInt32, size: UInt32) -> [UInt8] {
    var body: [UInt8] = [0x43]
    body.append(big: size)
    body += [0, 0, 0]
    body.append(big: id)
    return body + [UInt8](repeating: 0, count: 11)
  }
}

/// The reason that a monitor gives with `03 00 cc` (Docs/Protocols/balong-download.md section 6).
public struct BalongRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// The third byte of the refusal.
  public let code: UInt8

  /// Keeps the code.
  public init(code: UInt8) {
    self.code = code
  }

  /// The code in words.
  public var description: String {
    let known = Self.words[code].map { ": \($0)" } ?? ""
    return "refusal 0x\([code].hex)\(known)"
  }

  /// Refusals of the frame, not of what it says: the same block may be sent again.
  var isAboutTheFrame: Bool { [0x01, 0x03, 0x04].contains(code) }
  /// The item is void, or the blocks are out of step: only beginning it anew can help.
  var voidsTheItem: Bool { code == 0x07 }

  private static let words: [UInt8: String] = [
    0x01: "checksum wrong",
    0x02: "destination out of range",
    0x03: "length differs from the fixed length, or damaged frame",
    0x04: "data shorter than announced",
    0x05: "too long",
    0x06: "unknown command",
    0x07: "operation failed",
    0x08: "wrong item id",
    0x09: "bad voltage",
    0x0a: "authentication failed",
    0x0b: "no security code",
    0x0c: "security code wrong",
    0x0d: "reserved",
    0x0e: "not permitted",
    0x0f: "address not accessible",
  ]
}
