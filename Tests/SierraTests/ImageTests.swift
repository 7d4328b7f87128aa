import CZlib
import SmithBench
import SmithBytes
import SmithFormats
import SmithModel
import Testing

@Suite("Sierra images") struct ImageTests {
  @Test("The CRC has the published values") func crc() {
    #expect(CRC32Sierra.of([UInt8]()) == 0xffff_ffff)
    #expect(CRC32Sierra.of([UInt8]("123456789".utf8)) == 0x340b_c6d9)
    #expect(CRC32Sierra.of([UInt8](repeating: 0, count: 256)) == 0xf269_7aa7)
    #expect(CRC32Sierra.of([0x7e]) == 0x9a40_4c49)
  }

  @Test("The descriptor of a carrier file gives the CRC seen in a real one") func descriptor() {
    var header = Sample.header("SPKG")
    let whole = SierraDescriptor(component: 2, flags: 0, offset: 400, size: 11072, source: "FULL")
    header.describe([whole])
    #expect(header.psbCRC == 0x82d9_2888)
    #expect(header.descriptors == [whole])
  }

  @Test("What the builder makes, the reader takes apart") func roundTrip() throws {
    let image = try SierraImage.read(SharedBytes(Sample.firmware().bytes))
    var drawn: [String] = []
    image.root.visit { node, depth in
      drawn.append(String(repeating: " ", count: depth) + node.type)
      #expect(node.isChecked)
    }
    #expect(drawn == ["SPKG", " BOOT", "  SBL1", " MODM", "  DSP2", " APPL", "  APPS"])
    #expect(image.kind == .firmware)
    #expect(image.versions.family == "SWI9X15C")
    #expect(image.versions.firmware == FirmwareVersion("05.05.66.00"))
    #expect(image.root.header.encoded == Array(Sample.firmware().bytes.prefix(400)))
  }

  @Test("Firmware, carrier and joined files are told apart") func kinds() throws {
    #expect(try SierraImage.read(SharedBytes(Sample.carrier().bytes)).kind == .carrier)
    let both = SierraBuilder.composite(
      Sample.header("SPKG"), [Sample.firmware(), Sample.carrier()])
    #expect(try SierraImage.read(SharedBytes(both.bytes)).kind == .package)
    #expect(
      try SierraImage.read(SharedBytes(Sample.carrier().bytes)).versions.configuration
        == "005.028_000")
  }

  @Test(
    "Real files are read without a flaw",
    arguments: [
      ("sierra-cp.cwe", ["APPL/Y921", "APPS/9X28"], 0x76d3_0e53 as UInt32),
      ("sierra-ls2cp.cwe", ["SPKG/Y921", "META/Y921", "APPS/9X28"], 0x7d25_0f82),
      ("sierra-keystore.cwe", ["KEYS/9X28"], 0x1613_c24e),
    ])
  func real(name: String, tree: [String], crc: UInt32) throws {
    guard let bytes = RealFile.named(name) else { try Test.cancel("\(name) is not here") }
    let image = try SierraImage.read(bytes)
    var drawn: [String] = []
    image.root.visit { node, _ in drawn.append("\(node.type)/\(node.header.product)") }
    #expect(drawn == tree)
    #expect(image.root.header.bodyCRC == crc)
    if name == "sierra-ls2cp.cwe" {
      #expect(image.kind == .difference)
      let described = image.root.children[0].described.map(\.bodyCRC)
      #expect(described == [0x76d3_0e53, 0x0679_a693])
    }
  }

  @Test("A compressed body is checked by what it inflates to") func compressed() throws {
    let content = [UInt8](repeating: 7, count: 300_000) + Sample.payload(2000)
    let stream = deflate(content)
    let good = SierraBuilder.compressed(
      Sample.header("APPS"), stream: stream, contentCRC: CRC32Sierra.of(content))
    let image = try SierraImage.read(SharedBytes(good.bytes))
    #expect(image.root.isChecked)
    #expect(image.root.header.flags == .compressed)
    #expect(
      code(SierraBuilder.compressed(Sample.header("APPS"), stream: stream, contentCRC: 1).bytes)
        == "sierra.image-crc")
    #expect(
      code(
        SierraBuilder.compressed(Sample.header("APPS"), stream: [1, 2, 3], contentCRC: 1).bytes)
        == "sierra.bad-compression")
    #expect(
      code(
        SierraBuilder.compressed(
          Sample.header("APPS"), stream: Array(stream.dropLast(9)), contentCRC: 1
        ).bytes) == "sierra.bad-compression")
    var limits = SierraImage.Limits()
    limits.body = 200_000
    #expect(
      throws: SierraImageError.inflatesTooBig(at: 0, type: "APPS", limit: 200_000)
    ) { try SierraImage.read(SharedBytes(good.bytes), limits: limits) }
    let bomb = SierraImageError.inflatesTooBig(at: 0, type: "APPS", limit: 200_000)
    #expect(bomb.trouble.code == "sierra.inflates-too-big")
  }

  @Test("Each bad file has its own code", arguments: BadFile.all) func bad(file: BadFile) {
    #expect(code(file.bytes) == file.code)
  }

  @Test("A file with a damaged part can still be looked at") func examine() throws {
    let builder = Sample.firmware()
    var bytes = builder.bytes
    bytes[bytes.count - 10] ^= 1
    let image = try SierraImage.examine(SharedBytes(bytes))
    #expect(image.root.children.map(\.type) == ["BOOT", "MODM", "APPL"])
    #expect(image.flaws.count == 3)
    #expect(image.root.children[0].flaws.isEmpty)
  }

  @Test("No bytes make the reader trap, and none are wrongly taken", arguments: 0..<40)
  func mutation(seed: UInt64) throws {
    var dice = Seeded(seed)
    let clean = [Sample.firmware(bytes: 900), Sample.carrier()][Int(seed % 2)].bytes
    for _ in 0..<60 {
      var bytes = clean
      for _ in 0..<(1 + Int(dice.next() % 4)) { mutate(&bytes, &dice) }
      guard bytes != clean else { continue }
      let image = try? SierraImage.examine(SharedBytes(bytes))
      image?.root.visit { node, _ in
        #expect(node.offset + 400 + node.body.count <= bytes.count, "seed \(seed)")
      }
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ dice: inout Seeded) {
    guard !bytes.isEmpty else { return }
    let place = Int(dice.next() % UInt64(bytes.count))
    switch dice.next() % 4 {
    case 0: bytes[place] ^= UInt8(truncatingIfNeeded: 1 << (dice.next() % 8))
    case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(dice.next() % 500)))
    case 2: bytes.insert(contentsOf: Array(bytes.prefix(400)), at: place)
    default:
      // A size field of some header, made extreme.
      let field = 0x114 + 400 * Int(dice.next() % 6)
      guard field + 4 <= bytes.count else { return }
      for index in 0..<4 { bytes[field + index] = dice.next() % 2 == 0 ? 0xff : 0 }
    }
  }

  private func code(_ bytes: [UInt8]) -> String {
    do {
      _ = try SierraImage.read(SharedBytes(bytes))
      return "none"
    } catch {
      #expect(error.trouble.exitCode == .badFile)
      #expect(!error.trouble.advice.isEmpty)
      return error.trouble.code
    }
  }

  private func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var size = compressBound(uLong(bytes.count))
    var output = [UInt8](repeating: 0, count: Int(size))
    let code = unsafe compress(&output, &size, bytes, uLong(bytes.count))
    #expect(code == Z_OK)
    return Array(output.prefix(Int(size)))
  }
}

/// A bad file and the code it has to give.
struct BadFile: Sendable, CustomTestStringConvertible {
  var code: String
  var bytes: [UInt8]
  var testDescription: String { code }

  static let all: [BadFile] = [
    BadFile(code: "sierra.empty", bytes: []),
    BadFile(code: "sierra.truncated-header", bytes: Array(good.prefix(399))),
    BadFile(code: "sierra.not-an-image", bytes: [UInt8](repeating: 0xff, count: 1000)),
    BadFile(code: "sierra.truncated-body", bytes: Array(good.dropLast())),
    BadFile(code: "sierra.trailing-garbage", bytes: good + [0]),
    BadFile(
      code: "sierra.zero-size", bytes: SierraBuilder.payload(Sample.header("APPS"), []).bytes),
    BadFile(code: "sierra.too-big", bytes: changed(0x114, [0x7f, 0xff, 0xff, 0xff])),
    BadFile(code: "sierra.psb-crc", bytes: changed(0x10, [1])),
    BadFile(code: "sierra.image-crc", bytes: changed(good.count - 1, [good[good.count - 1] ^ 1])),
    BadFile(code: "sierra.unknown-type", bytes: changed(0x10c, [UInt8]("WXYZ".utf8))),
    BadFile(code: "sierra.junk-after-version", bytes: changed(0x11c + 80, [0x41])),
    BadFile(code: "sierra.old-header", bytes: changed(0x107, [2])),
    BadFile(code: "sierra.new-header", bytes: changed(0x107, [4])),
    BadFile(code: "sierra.appl-signature", bytes: unsigned.bytes),
    BadFile(code: "sierra.child-out-of-bounds", bytes: childOut),
    BadFile(
      code: "sierra.child-garbage",
      bytes: SierraBuilder.payload(Sample.header("SPKG"), good + [1, 2, 3]).bytes),
    BadFile(code: "sierra.psb-crc", bytes: childWithBadBuffer),
    BadFile(code: "sierra.too-complex", bytes: deep),
    BadFile(
      code: "sierra.wrong-generation",
      bytes: Sample.firmware("01.05.01.00", family: "SWI9X50C").bytes),
  ]

  private static let good = SierraBuilder.payload(
    Sample.header("APPS", version: "SWI9X15C_05.05.66.00"), Sample.payload(600)
  ).bytes

  private static func changed(_ offset: Int, _ values: [UInt8]) -> [UInt8] {
    var bytes = good
    bytes.replaceSubrange(offset..<(offset + values.count), with: values)
    return bytes
  }

  private static let unsigned: SierraBuilder = {
    var header = Sample.header("APPL")
    header.signature = 0
    return .payload(header, Sample.payload(10))
  }()

  private static let childOut: [UInt8] = {
    var child = good
    child[0x117] &+= 1
    return SierraBuilder.payload(Sample.header("SPKG"), child).bytes
  }()

  private static let childWithBadBuffer: [UInt8] = {
    var child = good
    child[3] = 9
    return SierraBuilder.payload(Sample.header("SPKG"), child).bytes
  }()

  private static let deep: [UInt8] = {
    var builder = SierraBuilder.payload(Sample.header("FILE"), [1])
    for _ in 0..<20 { builder = .composite(Sample.header("FILE"), [builder]) }
    return builder.bytes
  }()
}

@Suite("Sierra version texts") struct VersionTextTests {
  @Test(
    "Package texts and file names say what they say",
    arguments: [
      (
        "9999999_9902574_SWI9X15C_05.05.66.00_00_GENNA-UMTS_005.028_000",
        ["9999999", "SWI9X15C", "05.05.66.00", "GENNA-UMTS", "005.028_000"]
      ),
      ("INTERNAL_?_SWI9X15C_05.05.58.00_?_?_?_?", ["INTERNAL", "SWI9X15C", "05.05.58.00", "", ""]),
      (
        "1102816_9905383_WP8548_07.08.02.00_00_Generic_001.002_000",
        ["1102816", "WP8548", "07.08.02.00", "Generic", "001.002_000"]
      ),
      ("SWI9X30C_02.33.03.00.cwe", ["", "SWI9X30C", "02.33.03.00", "", ""]),
      (
        "/tmp/SWI9X30C_02.33.03.00_GENERIC_002.072_000.nvu",
        ["", "SWI9X30C", "02.33.03.00", "GENERIC", "002.072_000"]
      ),
      ("9999999_9999999_?_?_?_?_?", ["9999999", "", "", "", ""]),
      ("Wed Sep 19 15:42:13 UTC 2018", ["", "", "", "", ""]),
      ("/swir/nvdelta/NVUP_X.010", ["", "", "", "", ""]),
    ])
  func texts(text: String, parts: [String]) {
    let read = SierraVersionText(text)
    #expect(
      [
        read.sku ?? "", read.family ?? "", read.firmware?.text ?? "", read.carrier ?? "",
        read.configuration ?? "",
      ] == parts)
  }
}
