import Foundation
import SmithArchives
import SmithBytes
import SmithFormats
import SmithModel
import Testing

@Suite("Looking into a file") struct PeelerTests {
  static let program = Made.program()

  static func kinds() throws -> [(String, [UInt8])] { try made.get() }

  private static let made = Result { () throws -> [(String, [UInt8])] in
    let file = Made.File(name: "inner/E3131_Update.exe", bytes: program)
    return [
      ("zip", try Made.archive("zip", [file])),
      ("7z", try Made.archive("7zip", [file])),
      ("tar", try Made.archive("ustar", [file])),
      ("tar.gz", try Made.archive("ustar", filter: "gzip", [file])),
      ("tar.xz", try Made.archive("gnutar", filter: "xz", [file])),
      ("tar.bz2", try Made.archive("pax", filter: "bzip2", [file])),
      ("iso", try Made.archive("iso9660", [file])),
      ("cab", Made.cab("inner\\E3131_Update.exe", program)),
      ("rar", Made.rar4("inner\\E3131_Update.exe", program)),
      ("rar5", Made.rar5("inner/E3131_Update.exe", program)),
    ]
  }

  @Test("finds the firmware in every kind of archive, byte for byte") func everyKind() throws {
    for (name, archive) in try Self.kinds() {
      let findings = try Peeler().peel(archive, "outer.\(name)")
      let image = try findings.choose(nil)
      #expect(image.bytes.bytes() == Self.program, "\(name): \(findings.flaws)")
      #expect(image.foundAt == "outer.\(name) > inner/E3131_Update.exe")
      #expect(image.path == "/somewhere/outer.\(name)#inner/E3131_Update.exe")
      #expect(findings.flaws.isEmpty, "\(name): \(findings.flaws)")
    }
  }

  /// The packed bytes of every part, in order.
  static func parts(_ candidate: Candidate) -> [[UInt8]]? {
    candidate.image?.segments.map { $0.stored.bytes() }
  }

  @Test("finds the archive behind a self-extracting program") func selfExtracting() throws {
    let wanted = try Peeler().peel(Self.program).choose(nil)
    for (name, archive) in try Self.kinds()
    where ["zip", "7z", "cab", "rar", "rar5"].contains(name) {
      let whole = Made.selfExtracting(archive)
      // Signatures are put behind the archive.
      for bytes in [whole, whole + [UInt8](repeating: 0x30, count: 6000)] {
        let found = try Peeler().peel(bytes, "setup.exe").choose(nil)
        #expect(Self.parts(found) == Self.parts(wanted), "\(name)")
        if name == "zip" || name == "7z" || name == "cab" {
          #expect(found.foundAt == "setup.exe > inner/E3131_Update.exe", "\(name)")
        }
      }
    }
  }

  @Test("takes single compressed files by their outer name") func single() throws {
    for filter in ["gzip", "xz", "bzip2"] {
      let bytes = try Made.archive(
        "raw", filter: filter, [Made.File(name: "x", bytes: Made.firmware())])
      let image = try Peeler().peel(bytes, "fw.bin.z").choose(nil)
      #expect(image.foundAt == "fw.bin.z > fw.bin", "\(filter)")
      #expect(image.image?.segments.count == 3)
    }
  }

  @Test("goes three archives deep, and says so where there is a fourth") func depth() throws {
    var bytes = try Made.zip([("fw.exe", Self.program)])
    for level in 2...3 { bytes = try Made.zip([("level\(level).zip", bytes)]) }
    let image = try Peeler().peel(bytes, "outer.zip").choose(nil)
    #expect(image.foundAt == "outer.zip > level3.zip > level2.zip > fw.exe")
    #expect(image.insideName == "level3.zip#level2.zip#fw.exe")
    let deeper = try Peeler().peel(try Made.zip([("level4.zip", bytes)]))
    #expect(deeper.images.isEmpty)
    #expect(deeper.code() == "archive.too-deep")
  }

  @Test("puts firmware before other things, and lists what else there is") func order() throws {
    var disc = ISO9660Builder(volume: "Mobile Partner")
    disc.add("AUTORUN.INF", [UInt8]("[AutoRun]\r\nopen=AutoRun.exe".utf8))
    var loader = [UInt8](repeating: 0, count: 4096)
    loader.replaceSubrange(0..<4, with: [0, 0, 2, 0])
    loader[0x28] = 1
    var damaged = Made.firmware(3)
    damaged[70_000] ^= 1
    let archive = try Made.zip([
      ("readme.txt", [UInt8]("Read this before anything else, please.".utf8)),
      ("loader.bin", loader), ("dashboard.iso", disc.build()), ("damaged.bin", damaged),
      ("dashboard.bin", Made.firmware(2, kinds: [.dashboard])), ("fw.bin", Made.firmware(1)),
    ])
    let findings = try Peeler().peel(archive, "set.zip")
    #expect(
      findings.candidates.map(\.insideName) == [
        "fw.bin", "dashboard.bin", "damaged.bin", "dashboard.iso", "loader.bin",
      ])
    #expect(try findings.choose(nil).insideName == "fw.bin")
    #expect(try findings.choose("DASHBOARD.bin").insideName == "dashboard.bin")
    #expect(try findings.choose("2").insideName == "dashboard.bin")
    #expect(findings.code("nothing.bin") == "archive.no-such-entry")
    #expect(findings.list.first?.hasPrefix("1: set.zip > fw.bin: firmware 21.157.06") == true)
  }

  @Test("asks which of two images is meant, and does not if they are the same") func several()
    throws
  {
    let two = try Peeler().peel(
      try Made.zip([("a/fw.bin", Made.firmware(1)), ("b/fw.bin", Made.firmware(2))]))
    #expect(two.code() == "archive.several-images")
    #expect(two.code("fw.bin") == "archive.several-images")
    #expect(try two.choose("b/fw.bin").bytes.bytes() == Made.firmware(2))
    let same = try Peeler().peel(
      try Made.zip([("a/fw.bin", Made.firmware(1)), ("b/fw.bin", Made.firmware(1))]))
    #expect(try same.choose(nil).insideName == "a/fw.bin")
  }

  @Test("tells two entries of one name apart") func sameNames() throws {
    let findings = try Peeler().peel(
      try Made.zip([("fw.bin", Made.firmware(1)), ("fw.bin", Made.firmware(2))]))
    #expect(findings.candidates.map(\.insideName) == ["fw.bin", "fw.bin (2)"])
    #expect(try findings.choose("fw.bin (2)").bytes.bytes() == Made.firmware(2))
  }

  @Test("says of a damaged image what is wrong with it, and where it is") func damagedImage()
    throws
  {
    var bytes = Made.firmware()
    bytes[70_000] ^= 1
    let findings = try Peeler().peel(try Made.zip([("fw.bin", bytes)]), "a.zip")
    do throws(Findings.Choice) {
      _ = try findings.choose(nil)
      Issue.record("a damaged image was chosen")
    } catch {
      #expect(error.trouble.code == "balong.block-crc")
      #expect(error.trouble.facts.contains("found at a.zip > fw.bin"))
    }
  }

  @Test("shows names of any encoding, and none that steers a terminal") func names() throws {
    let findings = try Peeler().peel(
      try Made.archive(
        "ustar",
        [
          Made.File(name: "Обновление/прошивка.bin", bytes: Made.firmware(1)),
          Made.File(name: "evil\u{1b}[2J\u{202e}exe.bin", bytes: Made.firmware(2)),
        ]))
    #expect(
      findings.candidates.map(\.insideName) == ["Обновление/прошивка.bin", "evil?[2J?exe.bin"])
    // Code page 866, as old Russian zips have it.
    let old = Made.rar4("a", Made.firmware(1))
    var zip = try Made.zip([("ABCDEF.bin", Made.firmware(1))])
    for index in zip.indices.dropLast(6) where zip[index..<(index + 6)].elementsEqual("ABCDEF".utf8)
    {
      zip.replaceSubrange(index..<(index + 6), with: [0x8f, 0xe0, 0xae, 0xe8, 0xa8, 0xa2])
    }
    #expect(try Peeler().peel(zip).choose(nil).insideName == "??????.bin")
    #expect(try Peeler().peel(old).choose("A").insideName == "a")
  }

  @Test("tells a dashboard by itself and in an archive") func dashboard() throws {
    var disc = ISO9660Builder(volume: "ZTE_MF823")
    disc.add("ZTEDrvSetup.exe", [0x4d, 0x5a, 0, 0])
    let findings = try Peeler().peel(try Made.zip([("cd/zte.iso", disc.build())]), "a.zip")
    #expect(findings.list == ["1: a.zip > cd/zte.iso: ZTE dashboard named \"ZTE_MF823\""])
    #expect(findings.code() == "archive.nothing-inside")
  }

  @Test("lists every image of a folder and below, without following links") func folder() throws {
    let files = FileManager.default
    let folder = "\(files.temporaryDirectory.path)/smith-peel-\(UUID().uuidString)"
    try files.createDirectory(atPath: "\(folder)/deep", withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: folder) }
    try files.createSymbolicLink(atPath: "\(folder)/loop", withDestinationPath: folder)
    try write(Made.firmware(1), "\(folder)/fw.bin")
    try write([UInt8]("just a note".utf8), "\(folder)/note.txt")
    try write(try Made.zip([("x.bin", Made.firmware(2))]), "\(folder)/deep/a.zip")
    let findings = try Peeler().peel(folder: folder)
    #expect(findings.candidates.map(\.foundAt) == ["deep/a.zip > x.bin", "fw.bin"])
    #expect(findings.code() == "archive.several-images")
    #expect(try findings.choose("fw.bin").path == "\(folder)/fw.bin")
    #expect(try findings.choose("deep/a.zip#x.bin").path == "\(folder)/deep/a.zip#x.bin")
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
