import Crypto
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@Suite("A rawprogram package") struct PackageTests {
  typealias File = (name: String, bytes: SharedBytes)

  private func files(_ change: (inout QualcommSample) -> Void = { _ in }) -> [File] {
    var sample = QualcommSample(version: "V")
    change(&sample)
    return sample.files()
  }

  private func text(_ file: File) -> String {
    String(decoding: file.bytes.bytes(), as: UTF8.self)
  }

  /// The sample with its description changed.
  private func described(_ old: String, _ new: String) -> [File] {
    files().map { file in
      guard file.name == "rawprogram_nand.xml" else { return file }
      let whole = text(file)
      #expect(whole.contains(old), "\(old)")
      return (
        file.name, SharedBytes(Array(whole.replacing(old, with: new, maxReplacements: 1).utf8))
      )
    }
  }

  private func expect(_ code: String, _ files: [File]) {
    do throws(ImageError) {
      _ = try ImageRegistry.recognise(folder: files)
      Issue.record("\(code): accepted")
    } catch {
      #expect(error.trouble.code == code)
      #expect(error.trouble.exitCode == .badFile)
    }
  }

  @Test("holds programmer, places and images, the boot chain last") func good() throws {
    let image = try ImageRegistry.recognise(folder: files().shuffled())
    let package = try #require(image.rawProgram)
    #expect(image.format == .qualcommRawProgram && image.kinds == [.firmware])
    #expect(image.segments.map(\.name) == ["modem", "sbl"])
    #expect(package.storage == .nand && package.pagesPerBlock == 64)
    #expect(package.programmer.certificates.count == 1)
    #expect(package.programmer.signers == [QualcommSimImage.root])
    #expect(package.layout.count == 5)
    #expect(image.warnings.count == 2)
    #expect(image.claims.signed)
  }

  @Test("that is not whole, or asks for what may not be, is refused with the reason")
  func refused() {
    expect("rawprogram.missing-file", files().filter { $0.name != "modem.mbn" })
    expect("rawprogram.no-programmer", files().filter { !$0.name.hasPrefix("prog_") })
    let second: File = ("other_firehose.mbn", SharedBytes(QualcommSample(version: "").programmer))
    expect("rawprogram.several-programmers", files() + [second])
    expect("rawprogram.protected", described("label=\"modem\"", "label=\"0:EFS2\""))
    expect("rawprogram.protected", described("label=\"modem\"", "label=\"modemst1\""))
    // The label is innocent, the place is not.
    expect("rawprogram.protected", described("start_sector=\"192\"", "start_sector=\"130\""))
    expect("rawprogram.out-of-bounds", described("start_sector=\"192\"", "start_sector=\"384\""))
    expect("rawprogram.out-of-bounds", described("=\"128\"", "=\"4\""))
    expect("rawprogram.out-of-bounds", described("label=\"modem\"", "label=\"system\""))
    expect("rawprogram.overlap", described("start_sector=\"192\"", "start_sector=\"64\""))
    expect("rawprogram.sparse", described("label=\"modem\"", "sparse=\"true\" label=\"modem\""))
    expect("rawprogram.contradiction", described("start_sector=\"192\"", "start_sector=\"X-1.\""))
    expect("rawprogram.contradiction", described("\"2048\"", "\"4096\""))
    let none = Array(RawProgram().encoded().utf8)
    expect("rawprogram.nothing-to-write", [("rawprogram0.xml", SharedBytes(none))])
    let many = (0..<1025).map { (name: "rawprogram\($0).xml", bytes: SharedBytes(none)) }
    expect("rawprogram.too-many-files", many)
    expect("rawprogram.bad-attribute", described("modem.mbn", "../modem.mbn"))
    expect("rawprogram.bad-attribute", described("modem.mbn", "..\\modem.mbn"))
    expect("rawprogram.bad-xml", described("<data>", "<!DOCTYPE d [<!ENTITY a 'b'>]><data>"))
  }

  @Test("with a sparse image that is not said to be one is refused all the same")
  func hiddenSparse() {
    let files = files().map { file -> File in
      file.name == "modem.mbn" ? (file.name, SharedBytes([0x3a, 0xff, 0x26, 0xed, 1, 0])) : file
    }
    expect("rawprogram.sparse", files)
  }

  @Test("never erases: what it asks for is named and left out") func erases() throws {
    let files = described(
      "<data>", "<data><erase num_partition_sectors=\"448\" start_sector=\"0\"/>")
    let image = try ImageRegistry.recognise(folder: files)
    #expect(image.warnings.contains { "\($0)".contains("erase 448 sectors") })
    #expect(image.rawProgram?.writes.count == 2)
  }

  @Test("of an eMMC stick is bounded by the GPT that it brings") func gpt() throws {
    let kind = [UInt8](repeating: 7, count: 16)
    let table = GPT(
      sectorSize: 512, firstUsable: 34, lastUsable: 999, disk: kind,
      entries: [
        .init(type: kind, identifier: kind, first: 40, last: 99, name: "modem"),
        .init(type: kind, identifier: kind, first: 100, last: 199, name: "modemst1"),
      ])
    func package(_ label: String, _ start: UInt64) -> [File] {
      let program = RawProgram(programs: [
        .init(
          file: "gpt.bin", label: "PrimaryGPT", sectorSize: 512, sectorCount: 34, start: .number(0)),
        .init(
          file: "m.bin", label: label, sectorSize: 512, sectorCount: 0, start: .number(start)),
      ])
      return [
        ("rawprogram0.xml", SharedBytes(Array(program.encoded().utf8))),
        ("gpt.bin", SharedBytes(table.encoded(sectors: 1000))),
        ("m.bin", SharedBytes([UInt8](repeating: 1, count: 700))),
        ("prog.mbn", SharedBytes(QualcommSample(version: "").programmer)),
      ]
    }
    let image = try ImageRegistry.recognise(folder: package("modem", 40))
    #expect(image.rawProgram?.storage == .emmc && image.rawProgram?.writes[0].sectors == 2)
    expect("rawprogram.out-of-bounds", package("modem", 38))
    expect("rawprogram.protected", package("modem", 99))
    expect("rawprogram.protected", package("boot", 150))
    var bad = package("modem", 40)
    bad[1].bytes = SharedBytes([UInt8](repeating: 0, count: 4096))
    expect("gpt.no-header", bad)
  }

  @Test("A real programmer's certificates are found and name any hardware")
  func realProgrammer() throws {
    guard let bytes = RealFile.named("firehose-mdm9x07.mbn") else {
      try Test.cancel("the programmer is not here")
    }
    let programmer = try QualcommProgrammer(name: "real", reading: bytes)
    #expect(programmer.certificates.count >= 2)
    #expect(programmer.hardware == nil)
    #expect(programmer.signers.count == 1)
  }

  @Test("Whatever happens to any byte of a package, reading it ends") func mutated() {
    let seed: UInt64 = 0x2026_1121
    print("package seed \(seed)")
    var state = seed
    func roll(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var refused = 0
    for _ in 0..<400 {
      var files = files { $0.bytes = 3000 }
      let index = roll(files.count)
      var bytes = files[index].bytes.bytes()
      for _ in 0..<(1 + roll(4)) where !bytes.isEmpty {
        switch roll(3) {
        case 0: bytes[roll(bytes.count)] = UInt8(roll(256))
        case 1: bytes.removeLast(min(bytes.count, 1 + roll(300)))
        default: bytes.insert(UInt8(roll(256)), at: roll(bytes.count))
        }
      }
      files[index].bytes = SharedBytes(bytes)
      do { _ = try ImageRegistry.recognise(folder: files) } catch { refused += 1 }
    }
    #expect(refused > 40, "seed \(seed)")
  }
}
