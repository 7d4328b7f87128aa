import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Files that are no Balong package") struct ForeignFileTests {
  private func padded(_ head: [UInt8], at offset: Int = 0) -> [UInt8] {
    [UInt8](repeating: 0, count: offset) + head + [UInt8](repeating: 0x11, count: 600)
  }

  @Test("Nothing and a file of one byte value are told apart from damage") func nothing() {
    #expect(Sample.code([]) == "file.empty")
    #expect(Sample.code([UInt8](repeating: 0xff, count: 5000)) == "file.blank")
    #expect(Sample.code([UInt8](repeating: 0, count: 5000)) == "file.blank")
    #expect(Sample.code([UInt8](repeating: 0xff, count: 5000) + [1]) == "balong.not-firmware")
    #expect(Sample.code([1]) == "balong.not-firmware")
  }

  @Test("A web page saved as firmware is a web page") func webPage() {
    let page = [UInt8]("\u{feff}\r\n <!DOCTYPE html><html><body>404</body></html>".utf8)
    #expect(Sample.code(page) == "file.web-page")
    #expect(Sample.code([UInt8](#"{"payload":{"all":false}}"#.utf8)) == "file.web-page")
    #expect(Sample.code([UInt8]("Install the driver first.\r\n".utf8)) == "file.text")
  }

  @Test("Other formats are named") func others() throws {
    var sierra = [UInt8](repeating: 0, count: 256) + [0xf2, 0x69, 0x7a, 0xa7, 0, 0, 0, 3]
    sierra += [0xff, 0xff, 0xff, 0xff] + [UInt8]("APPL9X15".utf8)
    // Sierra's files have a reader of their own.
    #expect(Sample.code(padded(sierra)) == "sierra.too-big")
    #expect(Sample.code(padded([0x7f] + [UInt8]("ELF".utf8))) == "file.elf")
    #expect(Sample.code(padded([UInt8]("CD001".utf8), at: 0x8001)) == "file.iso")
    #expect(Sample.code(padded([0x44, 0x49, 0x4e, 0x22])) == "file.nv-image")
    #expect(Sample.code(padded([UInt8]("pTableHead".utf8))) == "file.balong-table")
    #expect(Sample.code(BalongExampleTests.example) == "file.balong-item")
    #expect(
      Sample.code(padded([0, 0, 2, 0] + [UInt8](repeating: 0, count: 32)))
        == "file.balong-loader")
    #expect(Sample.code(padded([0xd1, 0xdc, 0x4b, 0x84, 0x34, 0x10, 0xd7, 0x73])) == "file.mbn")
    #expect(
      Sample.code(padded([0xaa, 0x73, 0xee, 0x55, 0xdb, 0xbd, 0x5e, 0xe3]))
        == "file.qualcomm-table")
    #expect(Sample.code(padded([UInt8]("ANDROID!".utf8))) == "file.android-boot")
    #expect(Sample.code(BalongBuilder.program(around: [])) == "file.windows-program")
  }

  @Test(
    "Archives are named",
    arguments: [
      ("zip", "504b0304"), ("7z", "377abcaf271c"), ("rar", "526172211a07"), ("gzip", "1f8b08"),
      ("cab", "4d53434600000000"), ("xz", "fd377a585a00"), ("bzip2", "425a68"),
    ])
  func archives(name: String, head: String) {
    let error = Sample.error(padded([UInt8](hex: head) ?? []))
    #expect(error?.trouble.code == "file.archive")
    #expect(error?.trouble.summary.contains(name) == true)
  }

  @Test("Magics strewn over code are no image") func strayMagics() {
    var random = Seeded(9)
    var code = random.bytes(8192)
    for offset in stride(from: 92, to: 8000, by: 356) {
      code.replaceSubrange(offset..<(offset + 4), with: BalongHeader.magicBytes)
    }
    code[0] = 0x90
    code[92] = 0
    #expect(Sample.code(code) == "balong.not-firmware")
  }

  @Test(
    "Real files are recognised for what they are",
    arguments: [
      ("balong-loader-e303.bin", "file.balong-loader"),
      ("web-page-saved-as-loader.bin", "file.web-page"),
      ("balong-ptable-hilink.bin", "file.balong-table"), ("qualcomm-nprg6200.bin", "file.mbn"),
      ("qualcomm-nprg9x25-zte.mbn", "file.mbn"),
      ("mbn-40-byte-header.mbn", "file.mbn"), ("mbn-80-byte-header.mbn", "file.mbn"),
      ("firehose-mdm9x07.mbn", "file.elf"), ("dashboard-zte-mf823.iso", "file.iso"),
      ("qualcomm-ptable-mf667-system.bin", "file.qualcomm-table"),
      ("qualcomm-ptable-mf667-user.bin", "file.qualcomm-table"),
    ])
  func realFiles(name: String, code: String) throws {
    let file = try realFile(name)
    #expect(throws: ImageError.self) { try ImageRegistry.recognise(file) }
    do throws(ImageError) {
      _ = try ImageRegistry.recognise(file)
    } catch {
      #expect(error.trouble.code == code)
    }
  }

  @Test("Real files of Sierra are read", arguments: ["cp", "keystore", "ls2cp"])
  func realSierra(name: String) throws {
    let file = try realFile("sierra-\(name).cwe")
    #expect(try ImageRegistry.recognise(file).format == .sierraCWE)
    do throws(ImageError) {
      _ = try BalongImage.read(file)
      Issue.record("a Sierra file was taken for a package")
    } catch { #expect(error.trouble.code == "file.sierra") }
  }

  @Test("The magic inside a real loader's code is no package, even without the loader's head")
  func realLoaderCode() throws {
    let file = try realFile("balong-loader-e303.bin")
    let code = [0x4d, 0x5a] + file.bytes(2..<file.count)
    #expect(Sample.code(code) == "file.windows-program")
  }

  @Test("A word is found on every lane, only on 4-byte steps, and never past the end")
  func search() {
    for place in stride(from: 0, to: 200, by: 1) {
      var bytes = [UInt8](repeating: 0x55, count: 203)
      bytes.replaceSubrange(
        place..<min(203, place + 4),
        with: BalongHeader.magicBytes.prefix(
          203 - place))
      let found = ByteSearch.word(BalongHeader.magic, in: SharedBytes(bytes), from: 0)
      #expect(found == (place % 4 == 0 && place + 4 <= 203 ? place : nil))
    }
  }
}
