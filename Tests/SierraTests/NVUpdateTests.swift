import SmithBench
import SmithBytes
import SmithFormats
import Testing

@Suite("Settings inside a carrier file") struct NVUpdateTests {
  private static func sample(_ counting: NVUpdate.Counting) -> NVUpdate {
    NVUpdate(
      version: 3, counting: counting,
      elements: [
        .init(kind: 0, entries: [.item(4397, SharedBytes([1, 2, 3]))]),
        .init(
          kind: 1, mark: 7,
          entries: [.name("APN", flag: 8), .value(SharedBytes(Array("internet".utf8)))]),
        .init(kind: 2, entries: [.name("/nv/x", flag: 1), .value(SharedBytes([]))]),
      ])
  }

  @Test(
    "What the builder makes, the reader takes apart, whatever lengths count from",
    arguments: NVUpdate.Counting.allCases)
  func roundTrip(counting: NVUpdate.Counting) throws {
    let made = Self.sample(counting)
    let read = try #require(NVUpdate(SharedBytes(made.encoded)))
    #expect(read.encoded == made.encoded)
    #expect(read.version == 3 && read.counting == counting)
    #expect(read.elements.map(\.word) == ["NV item", "variable", "file"])
    #expect(read.elements.map(\.title) == ["4397", "APN", "/nv/x"])
    #expect(read.elements[1].content?.bytes() == Array("internet".utf8))
    #expect(read.elements[1].mark == 7)
  }

  @Test("The settings stand at the image that holds them, and nowhere else") func inImage() throws {
    let payload = Self.sample(.entries).encoded
    let image = try SierraImage.read(
      SharedBytes(
        SierraBuilder.composite(
          Sample.header("SPKG"), [.payload(Sample.header("NVUP"), payload)]
        ).bytes))
    #expect(image.root.settings == nil)
    #expect(image.root.children[0].settings?.elements.count == 3)
    let other = try SierraImage.read(SharedBytes(Sample.carrier().bytes))
    var layouts: [Bool] = []
    other.root.visit { node, _ in if node.type == "NVUP" { layouts.append(node.settings == nil) } }
    #expect(layouts == [true])
  }

  @Test("A layout that is not known is no settings, and any bytes end quickly", arguments: 0..<40)
  func anyBytes(seed: UInt64) {
    var dice = Seeded(seed)
    let good = Self.sample(.entries).encoded
    for _ in 0..<50 {
      var bytes = good
      switch dice.next() % 3 {
      case 0: bytes[Int(dice.next() % UInt64(bytes.count))] ^= UInt8(1 << (dice.next() % 8))
      case 1: bytes = Array(bytes.prefix(Int(dice.next() % UInt64(bytes.count))))
      default: bytes = (0..<Int(dice.next() % 60)).map { _ in UInt8(dice.next() % 4) }
      }
      guard let read = NVUpdate(SharedBytes(bytes)) else { continue }
      #expect(read.encoded == bytes, "seed \(seed)")
    }
  }
}
