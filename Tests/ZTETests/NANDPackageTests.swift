import SmithBytes
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@Suite("A package for Qualcomm flash") struct NANDPackageTests {
  private func read(_ files: [(name: String, bytes: SharedBytes)]) throws(ImageError)
    -> FirmwareImage
  { try ImageRegistry.recognise(folder: files) }

  private func code(_ files: [(name: String, bytes: SharedBytes)]) -> String? {
    do {
      _ = try read(files)
      return nil
    } catch { return error.trouble.code }
  }

  @Test("becomes an image with its parts in the order of writing", arguments: [true, false])
  func whole(hex: Bool) throws {
    let image = try read(NANDScene.files { $0.hexLoader = hex })
    #expect(image.format == .qualcommNAND)
    #expect(image.segments.map(\.name) == ["DSP1", "DSP2", "AMSS", "OSBL", "FSBL"])
    #expect(image.claims.products == ["MDM6x00"])
    #expect(image.claims.firmware?.text == NANDScene.new)
    #expect(image.warnings.isEmpty)
    let package = try #require(image.nand)
    #expect(package.model == "MF667")
    #expect(package.loader.maker == "zte")
    #expect(package.loader.base == 0x0080_0000 && package.loader.entry == 0x0080_0000)
    #expect(package.table.partitions.count == 10)
  }

  @Test("is read by what is in its files, whatever they are called") func names() throws {
    let files = NANDScene.files().enumerated().map { ("\($0).dat", $1.bytes) }
    #expect(try read(files).segments.map(\.name) == ["DSP1", "DSP2", "AMSS", "OSBL", "FSBL"])
  }

  @Test("without one of its parts is refused by name") func incomplete() {
    let files = NANDScene.files()
    #expect(code(files.filter { !$0.name.hasSuffix(".hex") }) == "nand.no-loader")
    #expect(code(files.filter { $0.name != "amss.mbn" }) == "nand.no-application")
    #expect(!NANDPackage.isOne(files.filter { $0.name != "partition.mbn" }))
    do {
      _ = try NANDPackage.read(files.filter { $0.name != "partition.mbn" })
      Issue.record("it was read")
    } catch { #expect(error.trouble.code == "nand.no-table") }
  }

  @Test("with a part twice, too big or cut short is refused") func contradictions() throws {
    var files = NANDScene.files()
    let amss = try #require(files.first { $0.name == "amss.mbn" })
    #expect(code(files + [("copy.mbn", amss.bytes)]) == "nand.two-of-a-kind")
    let cut = SharedBytes(amss.bytes.bytes(0..<(amss.bytes.count - 1)))
    files = files.map { $0.name == "amss.mbn" ? ($0.name, cut) : $0 }
    #expect(code(files) == "mbn.truncated")
    let big = QualcommSimImage.make(id: 9, version: "x", size: 300_000)
    files = NANDScene.files().map { $0.name == "fsbl.mbn" ? ($0.name, SharedBytes(big)) : $0 }
    #expect(code(files) == "nand.too-big")
  }

  @Test("whose loader was changed by somebody is refused") func patched() throws {
    let files = NANDScene.files { $0.hexLoader = false }.map { file in
      file.name.hasPrefix("nprg")
        ? (file.name, SharedBytes(file.bytes.bytes() + [1, 2, 3, 4])) : file
    }
    #expect(code(files) == "nand.patched-loader")
  }

  @Test("never writes identity or calibration, whatever the file is called or holds")
  func treasures() throws {
    let image = QualcommSimImage.make(id: 8, version: "x", size: 900)
    var files = NANDScene.files().filter { $0.name != "dsp1.mbn" }
    for name in ["efs.mbn", "EFS2.mbn", "nvbak.bin", "sim_secure.mbn"] {
      files.append((name, SharedBytes(image)))
    }
    let read = try read(files)
    #expect(read.segments.map(\.name) == ["DSP2", "AMSS", "OSBL", "FSBL"])
    #expect(read.warnings.count == 4)
    #expect("\(read.warnings[0])".contains("never written"))
  }

  @Test("leaves out what has no partition or is nothing we write") func leftOut() throws {
    let files =
      NANDScene.files() + [
        ("dbl.mbn", SharedBytes(QualcommSimImage.make(id: 0x0a, version: "x", size: 900))),
        ("appsboot.mbn", SharedBytes(QualcommSimImage.make(id: 5, version: "x", size: 900))),
        ("notes.txt", SharedBytes(Array("read me before you begin".utf8))),
        ("amsshd.mbn", SharedBytes(QualcommSimImage.make(id: 2, version: "x", size: 900).head(40))),
      ]
    let image = try read(files)
    #expect(image.segments.count == 5)
    #expect(image.warnings.count == 4, "\(image.warnings)")
  }

  @Test("names no version where its application holds two") func twoVersions() throws {
    let two = QualcommSimImage.make(
      id: 2, version: "BD_O2MF667V1.0.0B04", size: 9000, texts: ["BD_O2MF667V1.0.0B05"])
    let files = NANDScene.files().map {
      $0.name == "amss.mbn" ? ($0.name, SharedBytes(two)) : $0
    }
    let image = try read(files)
    #expect(image.claims.firmware == nil && image.nand?.model == nil)
    #expect(image.warnings.count == 1)
  }

  @Test("with a loader of two chips or none names none") func chips() throws {
    for chip in ["MSM", "MDM6200 MSM6246", "MDM"] {
      #expect(try read(NANDScene.files { $0.chip = chip }).claims.products.isEmpty, "\(chip)")
    }
    for (chip, family) in [
      ("MDM6X00 v1.0", "MDM6x00"), ("MDM6600", "MDM6x00"), ("MSM6246", "MSM6246"),
      ("MDM9215", "MDM9x15"),
    ] {
      #expect(try read(NANDScene.files { $0.chip = chip }).claims.products == [family])
    }
  }

  @Test("One part alone is known and is no image", arguments: ["amss.mbn", "NPRG6200.hex"])
  func part(name: String) throws {
    let file = try #require(NANDScene.files().first { $0.name == name })
    #expect(try QualcommPart.recognise(file.bytes) != nil)
    do {
      _ = try ImageRegistry.recognise(file.bytes)
      Issue.record("it was taken for an image")
    } catch {
      #expect(error.trouble.code == (name == "amss.mbn" ? "file.mbn" : "file.intel-hex"))
    }
  }

  @Test("A real loader of an MDM6200 names chip and maker, and that somebody changed it")
  func realLoader() throws {
    let file = try realFile("qualcomm-nprg6200.bin")
    guard case .loader(let loader) = try QualcommPart.recognise(file) else {
      Issue.record("no loader")
      return
    }
    #expect(loader.chip == "MDM6x00" && loader.maker == "zte")
    #expect(loader.base == 0x0080_0000 && loader.isPatched)
  }

  @Test("The sample's table comes to the real table of an MF667")
  func realTable() throws {
    let flash = try SystemPartitionTable(
      reading: try realFile("qualcomm-ptable-mf667-system.bin"))
    let table = try #require(try read(NANDScene.files()).nand?.table)
    let made = try table.systemTable(blockKiB: 128)
    #expect(made.partitions.map(\.name) == flash.partitions.map(\.name))
    #expect(made.partitions.map(\.offset) == flash.partitions.map(\.offset))
    #expect(made.partitions.map(\.length) == flash.partitions.map(\.length))
    #expect(
      ZTESerialStick.layout.map { UInt32($0.start) } == flash.partitions.map(\.offset))
  }
}

extension [UInt8] {
  fileprivate func head(_ count: Int) -> [UInt8] { Array(prefix(count)) }
}
