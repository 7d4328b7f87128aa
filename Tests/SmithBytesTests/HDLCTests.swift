import SmithBytes
import Testing

@Suite("HDLC") struct HDLCTests {
  @Test("Published frames are encoded to the byte") func published() {
    #expect(HDLC.frame([0x0c]) == [UInt8](hex: "7E 0C 14 3A 7E"))
    #expect(HDLC.frame([0x02]) == [UInt8](hex: "7E 02 6A D3 7E"))
    #expect(
      HDLC.frame([0x42, 0, 0, 0, 1, 0, 4, 0x7e, 0x7d, 0, 0xff])
        == [UInt8](hex: "7E 42 00 00 00 01 00 04 7D 5E 7D 5D 00 FF EE 5F 7E"))
  }
  @Test("A reply without opening flag is a frame") func noOpeningFlag() {
    var decoder = HDLCDecoder()
    let reply = [UInt8](hex: "0D 0F 37 32 30 30 42 2D 2D 53 4B 43 42 41 44 5A 4D C3 7B 7E") ?? []
    #expect(decoder.feed(reply) == [.body([0x0d, 0x0f] + [UInt8]("7200B--SKCBADZM".utf8))])
  }
}
