import SmithBytes
import Testing

@Suite("CRC-16/X-25") struct CRC16Tests {
  @Test("The check values are the published ones") func check() {
    #expect(CRC16X25.of([UInt8]("123456789".utf8)) == 0x906e)
    #expect(CRC16XMODEM.of([UInt8]("123456789".utf8)) == 0x31c3)
    #expect(CRC16X25.of([]) == 0)
  }

  @Test("Body and CRC leave the residue, and a flipped bit does not") func residue() {
    let body = [UInt8]("123456789".utf8) + [0x6e, 0x90]
    var good = CRC16X25()
    unsafe good.update(body.span.bytes)
    #expect(good.residueIsGood)
    for bit in 0..<(body.count * 8) {
      var flipped = body
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      var crc = CRC16X25()
      unsafe crc.update(flipped.span.bytes)
      #expect(!crc.residueIsGood)
    }
  }

  @Test("Every length and every cut gives what one byte at a time gives") func cuts() {
    var noise = Noise(11)
    for count in 0..<100 {
      let bytes = noise.bytes(count, special: 0)
      let expected = HDLCReference.crc(bytes)
      for cut in stride(from: 0, through: count, by: 7) {
        var crc = CRC16X25()
        unsafe crc.update([UInt8](bytes[..<cut]).span.bytes)
        for byte in bytes[cut...].prefix(3) { crc.update(byte) }
        unsafe crc.update([UInt8](bytes[cut...].dropFirst(3)).span.bytes)
        #expect(crc.value == expected, "\(count) bytes cut at \(cut)")
      }
    }
  }
}

@Suite("HDLC") struct HDLCTests {
  /// Frames that devices and hosts really send, with their bodies.
  static let publishedFrames: [(body: String, frame: String)] = [
    ("02", "7E 02 6A D3 7E"), ("3A", "7E 3A A1 6E 7E"), ("FB00", "7E FB 00 E7 97 7E"),
    ("0C", "7E 0C 14 3A 7E"), ("45", "7E 45 D1 E5 7E"), ("46", "7E 46 4A D7 7E"),
    ("0A", "7E 0A 22 5F 7E"), ("01", "7E 01 F1 E1 7E"),
    ("4100110000 0002EA3E 000000", "7E 41 00 11 00 00 00 02 EA 3E 00 00 00 36 C1 7E"),
    ("42 00000001 0004 7E7D00FF", "7E 42 00 00 00 01 00 04 7D 5E 7D 5D 00 FF EE 5F 7E"),
    (
      "43 0002EA3E 000000 00110000 0000000000000000000000",
      "7E 43 00 02 EA 3E 00 00 00 00 11 00 00 00 00 00 00 00 00 00 00 00 00 00 88 00 7E"
    ),
    ("030001", "7E 03 00 01 21 38 7E"), ("030002", "7E 03 00 02 BA 0A 7E"),
    ("030003", "7E 03 00 03 33 1B 7E"), ("030004", "7E 03 00 04 8C 6F 7E"),
    ("030005", "7E 03 00 05 05 7D 5E 7E"), ("030006", "7E 03 00 06 9E 4C 7E"),
    ("030007", "7E 03 00 07 17 5D 7E"), ("030008", "7E 03 00 08 E0 A5 7E"),
    ("030009", "7E 03 00 09 69 B4 7E"), ("03000A", "7E 03 00 0A F2 86 7E"),
    ("03000B", "7E 03 00 0B 7B 97 7E"), ("03000C", "7E 03 00 0C C4 E3 7E"),
    ("03000D", "7E 03 00 0D 4D F2 7E"), ("03000E", "7E 03 00 0E D6 C0 7E"),
    ("03000F", "7E 03 00 0F 5F D1 7E"),
  ]

  @Test("Published frames are encoded to the byte and decoded back", arguments: publishedFrames)
  func published(body: String, frame: String) throws {
    let body = try #require([UInt8](hex: body))
    let frame = try #require([UInt8](hex: frame))
    #expect(HDLC.frame(body) == frame)
    var decoder = HDLCDecoder()
    #expect(decoder.feed(frame) == [.body(body)])
    #expect(decoder.feed([UInt8](frame.dropFirst())) == [.body(body)])
  }

  @Test("Replies without an opening flag are frames, alone and after another frame")
  func noOpeningFlag() throws {
    var decoder = HDLCDecoder()
    let balong = try #require(
      [UInt8](hex: "0D 0F 37 32 30 30 42 2D 2D 53 4B 43 42 41 44 5A 4D C3 7B 7E"))
    let body: HDLCDecoder.Frame = .body([0x0d, 0x0f] + [UInt8]("7200B--SKCBADZM".utf8))
    #expect(decoder.feed(balong) == [body])
    #expect(decoder.feed(balong + balong) == [body, body])
    let diag = try #require([UInt8](hex: "13 0C D2 7A 7E"))
    #expect(decoder.feed(diag) == [.body([0x13, 0x0c])])
  }

  @Test("Flags may be shared and repeated; nothing between two is no frame") func flags() {
    let one = HDLC.frame([1, 2, 3])
    let two = HDLC.frame([4])
    var decoder = HDLCDecoder()
    #expect(decoder.feed(one + two.dropFirst()) == [.body([1, 2, 3]), .body([4])])
    #expect(decoder.feed([UInt8](repeating: 0x7e, count: 100)).isEmpty)
    #expect(decoder.feed(two) == [.body([4])])
  }

  @Test("An escape stands for any byte XOR 20, but not for a flag") func escapes() {
    // 22 written as 7D 02, which no sender has to do.
    let plain = HDLC.frame([0x22, 1])
    var decoder = HDLCDecoder()
    #expect(decoder.feed([0x7e, 0x7d, 0x02] + plain.dropFirst(2)) == [.body([0x22, 1])])
    #expect(decoder.feed([1, 2, 3, 0x7d, 0x7e]) == [.garbage([1, 2, 3], .badEscape)])
    #expect(decoder.feed(plain) == [.body([0x22, 1])])
  }

  @Test("Short, damaged and endless frames are garbage, and memory is bounded") func garbage() {
    var decoder = HDLCDecoder(limit: 10)
    #expect(decoder.feed([1, 2, 0x7e]) == [.garbage([1, 2], .tooShort)])
    #expect(decoder.feed([1, 2, 3, 0x7e]) == [.garbage([1, 2, 3], .badCRC)])
    for _ in 0..<1000 { #expect(decoder.feed([UInt8](repeating: 0x55, count: 1000)).isEmpty) }
    #expect(decoder.unfinished.count == 12)
    #expect(decoder.feed([0x7e]) == [.garbage([UInt8](repeating: 0x55, count: 12), .tooLong)])
    let longest = [UInt8](repeating: 0x7e, count: 10)
    #expect(decoder.feed(HDLC.frame(longest)) == [.body(longest)])
    _ = decoder.feed([1, 2, 0x7d])
    decoder.reset()
    #expect(decoder.unfinished.isEmpty)
    #expect(decoder.feed(HDLC.frame([0x5e])) == [.body([0x5e])])
  }

  @Test("Frames are appended behind what is there") func appended() {
    var output: [UInt8] = [9]
    HDLC.encode([2], into: &output)
    HDLC.encode([], into: &output)
    #expect(output == [9] + HDLCReference.frame([2]) + HDLCReference.frame([]))
  }

  @Test("The fast encoder writes what the plain one writes", arguments: [0, 1, 5, 50, 100])
  func encoder(special: Int) {
    var noise = Noise(UInt64(special) + 1)
    for count in [Int](0..<70) + [255, 256, 4096, 4103, 9001] {
      let body = noise.bytes(count, special: special)
      #expect(HDLC.frame(body) == HDLCReference.frame(body), "\(count) bytes, \(special) %")
    }
    for byte in UInt8.min...UInt8.max {
      let body = [UInt8](repeating: byte, count: 33)
      #expect(HDLC.frame(body) == HDLCReference.frame(body))
    }
  }

  @Test(
    "The fast decoder finds what the plain one finds, however the stream is cut",
    arguments: [UInt64](1...8))
  func decoder(seed: UInt64) {
    var noise = Noise(seed)
    for limit in [0, 1, 7, 40, 65_536] {
      var stream: [UInt8] = []
      for _ in 0..<40 {
        let count = Int(noise.next() % 60)
        let body = noise.bytes(count, special: Int(noise.next() % 101))
        stream += noise.next() % 3 == 0 ? body : HDLC.frame(body)
      }
      var plain = HDLCReferenceDecoder(limit: limit)
      let expected = plain.feed(stream)
      for longest in [1, 2, 3, 8, 17, 100, stream.count] {
        var fast = HDLCDecoder(limit: limit)
        var found: [HDLCDecoder.Frame] = []
        var index = 0
        while index < stream.count {
          let end = min(stream.count, index + 1 + Int(noise.next() % UInt64(longest)))
          found += fast.feed([UInt8](stream[index..<end]))
          index = end
        }
        #expect(found == expected, "seed \(seed), limit \(limit), pieces up to \(longest)")
        #expect(fast.unfinished == plain.kept)
      }
    }
  }

  @Test("One frame cut in two at every place is one frame") func everyCut() {
    let body: [UInt8] = [0x42, 0x7e, 0x7d, 0x7d, 0x7e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x7f, 0x7e]
    let frame = HDLC.frame(body)
    for cut in 0...frame.count {
      var decoder = HDLCDecoder()
      let found = decoder.feed([UInt8](frame[..<cut])) + decoder.feed([UInt8](frame[cut...]))
      #expect(found == [.body(body)], "cut at \(cut)")
    }
  }
}
