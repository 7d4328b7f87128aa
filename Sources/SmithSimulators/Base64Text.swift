/// Base 64 of simulated pages, written apart from the host's: passwords travel in it.
enum Base64Text {
  static func of(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var output = ""
    var word = 0
    var bits = 0
    for byte in bytes {
      word = word << 8 | Int(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        output.append(digits[word >> bits & 63])
      }
      word &= (1 << bits) - 1
    }
    if bits > 0 { output.append(digits[word << (6 - bits) & 63]) }
    while !output.count.isMultiple(of: 4) { output.append("=") }
    return output
  }
}
