import SmithBytes

/// HDLC byte by byte, as the page reads; what the fast version is compared with.
enum HDLCReference {
  static func crc(_ bytes: [UInt8]) -> UInt16 {
    var crc: UInt16 = 0xffff
    for byte in bytes {
      crc ^= UInt16(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x8408 : crc >> 1 }
    }
    return ~crc
  }

  static func frame(_ body: [UInt8]) -> [UInt8] {
    let crc = crc(body)
    var frame: [UInt8] = [0x7e]
    for byte in body + [UInt8(crc & 0xff), UInt8(crc >> 8)] {
      frame += byte == 0x7e || byte == 0x7d ? [0x7d, byte ^ 0x20] : [byte]
    }
    return frame + [0x7e]
  }
}

/// A decoder that takes one byte at a time.
struct HDLCReferenceDecoder {
  let limit: Int
  var kept: [UInt8] = []
  var escaped = false
  var isTooLong = false

  mutating func feed(_ bytes: [UInt8]) -> [HDLCDecoder.Frame] {
    bytes.compactMap { take($0) }
  }

  private mutating func take(_ byte: UInt8) -> HDLCDecoder.Frame? {
    if byte == 0x7e { return finish() }
    if byte == 0x7d, !escaped {
      escaped = true
      return nil
    }
    if kept.count < limit + 2 {
      kept.append(escaped ? byte ^ 0x20 : byte)
    } else {
      isTooLong = true
    }
    escaped = false
    return nil
  }

  private mutating func finish() -> HDLCDecoder.Frame? {
    defer { self = HDLCReferenceDecoder(limit: limit) }
    if isTooLong { return .garbage(kept, .tooLong) }
    if escaped { return .garbage(kept, .badEscape) }
    if kept.isEmpty { return nil }
    if kept.count < 3 { return .garbage(kept, .tooShort) }
    let body = [UInt8](kept.dropLast(2))
    let crc = HDLCReference.crc(body)
    let isGood = kept.suffix(2).elementsEqual([UInt8(crc & 0xff), UInt8(crc >> 8)])
    return isGood ? .body(body) : .garbage(kept, .badCRC)
  }
}

/// Reproducible noise.
struct Noise: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  /// Bytes of which about `percent` in a hundred are flags, escapes or their neighbours.
  mutating func bytes(_ count: Int, special percent: Int) -> [UInt8] {
    let odd: [UInt8] = [0x7e, 0x7d, 0x7c, 0x7f, 0x5e, 0x5d, 0xfd, 0xfe, 0x00]
    return (0..<count).map { _ in
      let draw = next()
      return Int((draw >> 32) % 100) < percent
        ? odd[Int(draw % UInt64(odd.count))] : UInt8(truncatingIfNeeded: draw)
    }
  }
}
