import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Bad content of Balong items") struct BalongContentTests {
  private func package(_ stored: [UInt8]) -> [UInt8] {
    var builder = BalongBuilder()
    builder.add(id: 0x03_0000, data: stored)
    return builder.build()
  }

  private let text = [UInt8](String(repeating: "firmware ", count: 500).utf8)

  @Test("A zlib bomb and an LZMA bomb are refused before they fill the memory")
  func bombs() {
    let zeros = [UInt8](repeating: 0, count: 300_000)
    var limits = ImageLimits.standard
    limits.itemSize = 200_000
    #expect(Sample.code(package(Packer.packed(zeros, .zlib)), limits: limits) == "balong.bomb")
    #expect(Sample.code(package(Packer.packed(zeros, .lzma)), limits: limits) == "balong.bomb")
    limits = .standard
    limits.freeSize = 1000
    limits.ratio = 50
    #expect(Sample.code(package(Packer.packed(zeros, .zlib)), limits: limits) == "balong.bomb")
    #expect(Sample.code(package(Packer.packed(zeros, .zlib))) == nil)
  }

  @Test("A zlib stream that is cut or damaged is refused though its check sums are right")
  func zlibBroken() {
    let packed = Packer.packed(text, .zlib)
    #expect(Sample.code(package(Array(packed.dropLast()))) == "balong.zlib-broken")
    #expect(Sample.code(package(Array(packed.prefix(2)))) == "balong.zlib-broken")
    var damaged = packed
    damaged[packed.count - 1] ^= 1
    #expect(Sample.code(package(damaged)) == "balong.zlib-broken")
  }

  @Test("An LZMA stream that is cut or damaged is refused though its check sums are right")
  func lzmaBroken() {
    let packed = Packer.packed(text, .lzma)
    #expect(packed[0] == 0x5d && packed[5..<13].allSatisfy { $0 == 0xff })
    #expect(Sample.code(package(Array(packed.dropLast()))) == "balong.lzma-broken")
    #expect(Sample.code(package(Array(packed.prefix(13)))) == "balong.lzma-broken")
    var damaged = packed
    damaged[14] ^= 0xff
    #expect(Sample.code(package(damaged)) == "balong.lzma-broken")
  }

  @Test("An LZMA stream that wants gigabytes of memory is refused") func lzmaMemory() {
    var packed = Packer.packed(text, .lzma)
    packed.replaceSubrange(1..<5, with: [0, 0, 0, 0x80])
    #expect(Sample.code(package(packed)) == "balong.lzma-memory")
  }

  @Test("Bytes behind a packed stream are refused", arguments: [Packing.zlib, .lzma])
  func packedTrailing(packing: Packing) {
    let packed = Packer.packed(text, packing)
    #expect(Sample.code(package(packed + [0])) == "balong.packed-trailing")
  }

  @Test("A packed stream of nothing is refused", arguments: [Packing.zlib, .lzma])
  func packedNothing(packing: Packing) {
    #expect(Sample.code(package(Packer.packed([], packing))) == "balong.empty")
  }

  @Test("Impossible sizes of a signature block are refused", arguments: [0, 49, 70_000, 5000])
  func signatureNonsense(size: Int) {
    var stored = [UInt8](repeating: 3, count: 4000)
    stored.append(little: UInt32(size))
    stored += [0, 0, 0, 0, 0xfa, 0xaf, 0xaa, 0xff]
    #expect(Sample.code(package(stored)) == "balong.signature-nonsense")
    #expect(Sample.code(package(Packer.packed(stored, .zlib))) == "balong.signature-nonsense")
  }

  @Test("The mark of a signature on less than twelve bytes is data") func shortMark() throws {
    let image = try Sample.image(package([1, 0xfa, 0xaf, 0xaa, 0xff]))
    #expect(image.signature == nil)
  }

  @Test("The reader of an item that changed after the check says so and does not trap")
  func readerOfBrokenStream() throws {
    let packed = Array(Packer.packed(text, .zlib).dropLast(20))
    let segment = Segment(
      index: 0, id: 1, name: "x", size: text.count, packing: .zlib, stored: SharedBytes(packed))
    var reader = try segment.reader()
    var failed = false
    do throws(ImageError) {
      while try !reader.next(100).isEmpty {}
    } catch {
      failed = error.trouble.code == "balong.zlib-broken"
    }
    #expect(failed)
  }
}

@Suite("Folders of Balong items") struct BalongFolderTests {
  private func entry(_ name: String, _ bytes: [UInt8] = [1, 2, 3]) -> (
    name: String, bytes: SharedBytes
  ) {
    (name, SharedBytes(bytes))
  }

  private func code(_ entries: [(name: String, bytes: SharedBytes)]) -> String? {
    do throws(ImageError) {
      _ = try BalongImage.read(folder: entries)
      return nil
    } catch {
      return error.trouble.code
    }
  }

  @Test("A folder is read in the order of its numbers, other files left out") func good() throws {
    let image = try BalongImage.read(folder: [
      entry("01-00030000-Kernel.bin", [4, 5]), entry("readme.txt"),
      entry("00-00110000-Fastboot.bin"),
    ])
    #expect(image.format == .balongFolder)
    #expect(image.segments.map(\.id) == [0x11_0000, 0x03_0000])
    #expect(image.kinds == [.firmware])
    #expect(image.warnings == [.fileIgnored("readme.txt")])
    #expect(try Sample.content(image.segments[1]) == [4, 5])
  }

  @Test("What is unpacked from a package is read back as a folder") func roundTrip() throws {
    let image = try Sample.image(Sample.package())
    let folder = try image.segments.map { entry($0.fileName, try Sample.content($0)) }
    let again = try BalongImage.read(folder: folder)
    #expect(again.segments.map(\.id) == image.segments.map(\.id))
    for (one, other) in zip(again.segments, image.segments) {
      #expect(try Sample.content(one) == Sample.content(other))
    }
  }

  @Test("Folders that are no package are refused") func bad() {
    #expect(code([]) == "balong.folder-empty")
    #expect(code([entry("readme.txt")]) == "balong.folder-empty")
    #expect(code([entry("01.bin")]) == "balong.folder-name")
    #expect(code([entry("00-0011000g-a.bin")]) == "balong.folder-name")
    #expect(code([entry("00_00110000-a.bin")]) == "balong.folder-name")
    #expect(code([entry("01-00110000-a.bin")]) == "balong.folder-order")
    #expect(
      code([entry("00-00110000-a.bin"), entry("00-00120000-b.bin")]) == "balong.folder-order")
    #expect(
      code([entry("00-00110000-a.bin"), entry("01-00110000-b.bin")]) == "balong.duplicate-item")
    #expect(
      code([entry("00-00110000-a.bin", BalongExampleTests.example)]) == "balong.folder-header")
    #expect(code([entry("00-00110000-a.bin", [])]) == "balong.empty")
    #expect(
      code((0..<31).map { entry("\($0 < 10 ? "0" : "")\($0)-000000\(10 + $0)-a.bin") })
        == "balong.folder-too-many")
  }
}
