import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Good Balong packages") struct BalongReaderTests {
  @Test("Packed items come out as they went in, in pieces of any size", arguments: [1, 7, 4096])
  func packed(piece: Int) throws {
    var random = Seeded(3)
    let noise = random.bytes(3000)
    let text = [UInt8](String(repeating: "Modemsmith ", count: 900).utf8)
    var builder = BalongBuilder()
    builder.add(id: 0x03_0000, data: text, packing: .zlib)
    builder.add(id: 0x04_0000, data: text + noise, packing: .lzma)
    builder.add(id: 0x06_0000, data: noise, packing: .none)
    let image = try Sample.image(builder.build())
    #expect(image.segments.map(\.packing) == [.zlib, .lzma, .none])
    #expect(image.segments.map(\.size) == [text.count, text.count + 3000, 3000])
    #expect(image.segments[0].storedSize < text.count / 10)
    #expect(try Sample.content(image.segments[0], piece: piece) == text)
    #expect(try Sample.content(image.segments[1], piece: piece) == text + noise)
    #expect(try Sample.content(image.segments[2], piece: piece) == noise)
  }

  @Test("A package is carved out of a program, past a stray magic and before an overlay")
  func carved() throws {
    let package = Sample.package()
    let program = BalongBuilder.program(around: package)
    let image = try Sample.image(program)
    #expect(image.origin == 4096..<(4096 + package.count))
    #expect(image.segments.count == 3)
    let tail = ImageWarning.foreignTail(offset: 4096 + package.count, count: 7)
    #expect(image.warnings == [tail])
    let bare = try Sample.image(package)
    for (inner, outer) in zip(bare.segments, image.segments) {
      #expect(try Sample.content(inner) == Sample.content(outer))
    }
  }

  @Test("A good header without data behind it inside a program is a template and no package")
  func template() throws {
    var program = BalongBuilder.program(around: Sample.package())
    let header = Sample.package()[92..<190]
    program.replaceSubrange(1024..<(1024 + 98), with: header)
    #expect(try Sample.image(program).origin.lowerBound == 4096)
  }

  @Test("A program stuffed with headers is refused without checking data for each")
  func manyTemplates() {
    var program = BalongBuilder.program(around: Sample.package())
    for place in 0..<20 {
      program.replaceSubrange(
        (1024 + place * 100)..<(1024 + place * 100 + 98), with: Sample.package()[92..<190])
    }
    #expect(Sample.code(program) == "balong.first-header-lost")
  }

  @Test("The kind byte is a set", arguments: 1...7 as ClosedRange<UInt8>)
  func kinds(byte: UInt8) throws {
    var builder = BalongBuilder()
    builder.kindByte = byte
    builder.add(id: 0x11_0000, data: [1, 2, 3])
    let image = try Sample.image(builder.build())
    #expect(image.kinds.contains(.firmware) == (byte & 1 != 0))
    #expect(image.kinds.contains(.dashboard) == (byte & 2 != 0))
    #expect(image.kinds.contains(.webInterface) == (byte & 4 != 0))
    #expect(image.warnings.contains(.kindWithoutItem(.dashboard)) == (byte & 2 != 0))
  }

  @Test("Versions, customer and products are claimed from the items") func claims() throws {
    var builder = BalongBuilder(
      kind: [.firmware, .dashboard, .webInterface], compatibility: "E3531")
    builder.add(id: 0x02_0000, data: [1], version: ":V3R3:1.0")
    builder.add(id: 0x11_0000, data: [2], version: ":V3R3:21.157.99.00.07")
    builder.add(id: 0x0b_0000, data: [3], version: "UTPS23.015.05.08.143")
    builder.add(id: 0x56_0000, data: [4], version: "17.100.13.01.03", compatibility: "E303Fi")
    let image = try Sample.image(builder.build())
    #expect(image.claims.firmware?.text == "21.157.99.00.07")
    #expect(image.claims.customer == "07")
    #expect(image.claims.dashboard?.text == "UTPS23.015.05.08.143")
    #expect(image.claims.webInterface?.text == "17.100.13.01.03")
    #expect(image.claims.products == ["E3531", "E303Fi"])
    #expect(image.claims.buildDate == "2013.04.05 10:20:30")
    #expect(image.segments[1].platform == "V3R3")
    #expect(image.warnings == [.productsDiffer(["E3531", "E303Fi"])])
  }

  @Test("Different firmware versions are warned about; the commonest is claimed")
  func versionsDiffer() throws {
    var builder = BalongBuilder()
    builder.add(id: 0x02_0000, data: [1], version: "21.157.06.00.00")
    builder.add(id: 0x11_0000, data: [2], version: "21.157.07.00.00")
    builder.add(id: 0x03_0000, data: [2], version: "21.157.07.00.00")
    let image = try Sample.image(builder.build())
    #expect(image.claims.firmware?.text == "21.157.07.00.00")
    #expect(image.warnings == [.versionsDiffer(["21.157.06.00.00", "21.157.07.00.00"])])
  }

  @Test(
    "A signature block is found in a packed first item", arguments: [Packing.none, .zlib, .lzma])
  func signature(packing: Packing) throws {
    var random = Seeded(5)
    let hash = random.bytes(32)
    var builder = BalongBuilder(kind: [.dashboard, .webInterface])
    builder.add(id: 0x0b_0000, data: random.bytes(70_000), packing: packing)
    builder.add(id: 0x56_0000, data: random.bytes(100))
    builder.signed(keyHash: hash, size: 1110)
    let image = try Sample.image(builder.build())
    #expect(
      image.signature
        == ImageSignature(type: 6, blockSize: 1110, keyHash: hash, segment: 0))
    #expect(image.claims.signed)
    #expect(image.segments[0].size == 70_000 + 1110)
    #expect(image.warnings == [])
  }

  @Test("A signature block is found in the second item when the first has none")
  func signatureInSecond() throws {
    var signer = BalongBuilder()
    signer.add(id: 1, data: [])
    signer.signed(size: 846)
    let block = Array(signer.build().suffix(846))
    var builder = BalongBuilder()
    builder.kindByte = 9
    builder.add(id: 0x11_0000, data: [1, 2, 3])
    builder.add(id: 0x03_0000, data: [1, 2, 3] + block)
    let image = try Sample.image(builder.build())
    #expect(image.signature?.segment == 1)
    #expect(image.signature?.blockSize == 846)
    #expect(image.signature?.type == 1)
  }

  @Test("Signed bit and signature block must fit each other, or there is a warning")
  func signedMismatch() throws {
    var unsigned = BalongBuilder()
    unsigned.kindByte = 9
    unsigned.add(id: 0x11_0000, data: [1, 2, 3])
    #expect(try Sample.image(unsigned.build()).warnings == [.signedWithoutBlock])
    var signed = BalongBuilder()
    signed.kindByte = 1
    signed.add(id: 0x11_0000, data: [1, 2, 3])
    signed.signed()
    #expect(try Sample.image(signed.build()).warnings == [.blockWithoutSignedBit])
  }

  @Test("Zero padding behind the last item is the end; much of it is warned about")
  func padding() throws {
    let package = Sample.package()
    let zeros = [UInt8](repeating: 0, count: 200)
    #expect(try Sample.image(package + zeros).warnings == [])
    let many = [UInt8](repeating: 0, count: 8192)
    let warning = ImageWarning.longPadding(offset: package.count, count: 8192, byte: 0)
    #expect(try Sample.image(package + many).warnings == [warning])
    let erased = ImageWarning.longPadding(offset: package.count, count: 16, byte: 0xff)
    #expect(try Sample.image(package + [UInt8](repeating: 0xff, count: 16)).warnings == [erased])
  }

  @Test("Data in the prefix and in the filling between items is warned about")
  func oddFilling() throws {
    var package = Sample.package()
    package[5] = 7
    let filling = Sample.headers(package)[1] - 1
    package[filling] = 9
    #expect(
      try Sample.image(package).warnings
        == [.prefixNotZero(offset: 5), .paddingNotZero(offset: filling)])
  }

  @Test("A whole package inside an item's data is data") func nested() throws {
    var builder = BalongBuilder(kind: [.dashboard])
    builder.add(id: 0x0b_0000, data: [0, 0, 0, 0] + Sample.package() + [0, 0, 0, 0, 1])
    let image = try Sample.image(builder.build())
    #expect(image.segments.map(\.id) == [0x0b_0000])
  }

  @Test("120 items are accepted") func manyItems() throws {
    var builder = BalongBuilder()
    for id in 1...120 as ClosedRange<UInt32> { builder.add(id: id, data: [1]) }
    #expect(try Sample.image(builder.build()).segments.count == 120)
  }

  @Test("A hostile item name cannot leave the folder it is unpacked to") func fileNames() {
    let segment = Segment(
      index: 3, id: 0xabc, name: "../../etc/passwd", size: 1, stored: SharedBytes([1]))
    #expect(segment.fileName == "03-00000abc-______etc_passwd.bin")
  }

  @Test("Every known item id has a name and keeps it") func names() {
    #expect(BalongItems.name(of: 0x55_0103) == "VxWorks_R1")
    #expect(BalongItems.name(of: 0x29_0000) == "Teeos")
    #expect(BalongItems.name(of: 0x1234) == "item-00001234")
    #expect(BalongItems.known.count >= 51)
    #expect(BalongItems.isDelicate(0x01_0000) && !BalongItems.isDelicate(0x0b_0000))
  }
}
