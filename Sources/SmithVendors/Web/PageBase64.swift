/// Base64 without Foundation's options.
enum PageBase64 {
  static func encoded(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var word: UInt32 = 0
      for index in 0..<3 {
        word = word << 8 | (index < group.count ? UInt32(group[start + index]) : 0)
      }
      for index in 0..<4 {
        let sextet = Int(word >> (18 - 6 * UInt32(index))) & 63
        result.append(index <= group.count ? letters[sextet] : 0x3d)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The bytes; nil for what is no base 64, with or without line ends in it.
  static func decoded(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var (word, count, fill) = (UInt32(0), 0, 0)
    for letter in text.utf8 where letter != 0x0a && letter != 0x0d {
      let sextet: UInt8
      switch letter {
      case 0x41...0x5a: sextet = letter - 0x41
      case 0x61...0x7a: sextet = letter - 0x61 + 26
      case 0x30...0x39: sextet = letter - 0x30 + 52
      case 0x2b: sextet = 62
      case 0x2f: sextet = 63
      case 0x3d:
        sextet = 0
        fill += 1
      default: return nil
      }
      if letter != 0x3d, fill > 0 { return nil }
      word = word << 6 | UInt32(sextet)
      count += 1
      if count.isMultiple(of: 4) {
        for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(word >> shift & 0xff)) }
        word = 0
      }
    }
    guard count.isMultiple(of: 4), fill <= 2, bytes.count >= fill else { return nil }
    return bytes.dropLast(fill)
  }
}
