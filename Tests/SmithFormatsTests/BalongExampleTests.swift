import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Balong package") struct BalongExampleTests {
  /// The worked example of balong-image.md section 3.
  static let example =
    [UInt8](
      hex: """
        55 AA 5A A5 64 00 00 00 01 00 00 00 45 33 35 33
        31 00 00 00 00 00 11 00 0A 00 00 00 32 30 31 33
        2E 30 34 2E 30 35 00 00 00 00 00 00 31 30 3A 32
        30 3A 33 30 00 00 00 00 00 00 00 00 32 31 2E 31
        35 37 2E 30 36 2E 30 30 2E 32 36 34 00 00 00 00
        00 00 00 00 00 00 00 00 00 00 00 00 B5 40 00 10
        00 00 16 3C 30 31 32 33 34 35 36 37 38 39
        """) ?? []

  @Test("The worked example is read to the byte") func readsExample() throws {
    let prefix: [UInt8] = [1] + [UInt8](repeating: 0, count: 91)
    let image = try BalongImage.read(SharedBytes(prefix + Self.example))
    #expect(image.format == .balong)
    #expect(image.kinds == [.firmware])
    #expect(image.origin == 0..<(92 + Self.example.count))
    let item = try #require(image.segments.first)
    #expect(image.segments.count == 1)
    #expect(item.id == 0x11_0000)
    #expect(item.name == "Fastboot")
    #expect(item.compatibility == "E3531")
    #expect(item.headerVersion == 1)
    #expect(item.date == "2013.04.05")
    #expect(item.time == "10:20:30")
    #expect(item.version == "21.157.06.00.264")
    #expect(item.blockSize == 4096)
    #expect(item.offset == 0x5c)
    #expect(item.size == 10)
    #expect(item.fileName == "00-00110000-Fastboot.bin")
    #expect(image.claims.firmware?.text == "21.157.06.00.264")
    #expect(image.claims.customer == "264")
    #expect(image.claims.products == ["E3531"])
    #expect(image.claims.signed == false)
    #expect(image.warnings == [])
    var reader = try item.reader()
    #expect(try reader.next(4) == [UInt8]("0123".utf8))
    #expect(try reader.next(100) == [UInt8]("456789".utf8))
    #expect(try reader.next(100) == [])
  }

  @Test("The worked example is built to the byte") func buildsExample() {
    var builder = BalongBuilder()
    builder.add(id: 0x11_0000, data: [UInt8]("0123456789".utf8), version: "21.157.06.00.264")
    #expect(Array(builder.build().dropFirst(92)) == Self.example)
  }
}
