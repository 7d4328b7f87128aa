import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("A CD-ROM image") struct ISO9660Tests {
  /// A dashboard of Huawei's HiLink kind, with contents of our own.
  static func hilink(joliet: Bool = true) -> ISO9660Builder {
    var builder = ISO9660Builder(volume: "HiLink")
    builder.joliet = joliet
    builder.add(
      "AUTORUN.INF", [UInt8]("[AutoRun]\r\nopen=AutoRun.exe\r\nicon=Startup.ico\r\n".utf8))
    builder.add(
      "ArConfig.dat",
      [UInt8](
        "[PRODUCT_VERSION]\nvalue=22.001.26.01.03\n[REGEDIT]\nPublisher=Huawei Technologies\n".utf8)
    )
    builder.add(
      "Drivers/Windows/ewusbmdm.inf",
      [UInt8](
        "[Version]\r\nDriverVer=01/02/2012,2.0.6.7\r\n%a%=b,USB\\VID_12D1&PID_1506\r\n".utf8))
    builder.add("Setup/Long name of a program.exe", [UInt8](repeating: 0x4d, count: 5000))
    return builder
  }

  static func error(_ bytes: [UInt8], _ limits: ISO9660Limits = .standard) -> ISO9660Error? {
    do throws(ISO9660Error) {
      _ = try ISO9660Image.read(SharedBytes(bytes), limits: limits)
      return nil
    } catch { return error }
  }

  @Test("tells its label, its files with long names, and their bytes") func joliet() throws {
    let image = try ISO9660Image.read(SharedBytes(Self.hilink().build()))
    #expect(image.volume == "HiLink")
    #expect(image.isJoliet)
    #expect(image.created == "2014-06-11 17:25:43")
    #expect(
      Set(image.files.map(\.path)) == [
        "AUTORUN.INF", "ArConfig.dat", "Drivers/Windows/ewusbmdm.inf",
        "Setup/Long name of a program.exe",
      ])
    let program = try #require(image.file("setup/long NAME of a program.exe"))
    #expect(program.size == 5000)
    #expect(program.bytes(limit: 9000) == [UInt8](repeating: 0x4d, count: 5000))
    #expect(program.bytes(limit: 10).count == 10)
    #expect(image.warnings.isEmpty)
  }

  @Test("without Joliet tells its short names") func primary() throws {
    let image = try ISO9660Image.read(SharedBytes(Self.hilink(joliet: false).build()))
    #expect(!image.isJoliet)
    #expect(image.file("ARCONFIG.DAT")?.size == 80)
  }

  @Test("whose long names are broken shows the short ones and says so") func jolietBroken() throws {
    var bytes = Self.hilink().build()
    bytes[17 * 2048 + 158] = 0xff  // where Joliet's root begins
    bytes[17 * 2048 + 160] = 0xff
    let image = try ISO9660Image.read(SharedBytes(bytes))
    #expect(!image.isJoliet)
    #expect(image.files.count == 4)
    #expect(image.warnings == [.jolietBroken])
  }

  @Test("of Huawei, ZTE or Alcatel is recognised by what is in it") func vendors() throws {
    let huawei = try Dashboard.read(SharedBytes(Self.hilink().build()))
    #expect(huawei.vendor == .huawei)
    #expect(huawei.version == "22.001.26.01.03")
    #expect(huawei.autorun["open"] == "AutoRun.exe")
    #expect(huawei.drivers == ["Drivers/Windows/ewusbmdm.inf"])
    #expect(huawei.usbVendors == ["12d1"])
    #expect(huawei.versionFiles == ["ArConfig.dat"])

    var zte = ISO9660Builder(volume: "ZTE_MF823")
    zte.add("ZTEDrvSetup.exe", [0x4d, 0x5a])
    let second = try Dashboard.read(SharedBytes(zte.build()))
    #expect(second.vendor == .zte)
    #expect(second.model == "MF823")
    #expect(second.version == nil)

    var alcatel = ISO9660Builder(volume: "ALCATEL X220")
    alcatel.add("AutoRun.exe", [0x4d, 0x5a])
    alcatel.add("sys/modem.inf", [UInt8]("[Version]\r\n%x%=y,USB\\VID_1BBB&PID_0017".utf8))
    let third = try Dashboard.read(SharedBytes(alcatel.build()))
    #expect(third.vendor == .alcatel)
    #expect(third.model == "X220")

    var holiday = ISO9660Builder(volume: "HOLIDAY")
    holiday.add("a.txt", [UInt8]("Seen with a Huawei and an Alcatel.".utf8))
    #expect(try Dashboard.read(SharedBytes(holiday.build())).vendor == nil)
  }

  @Test("of Mobile Partner tells its UTPS version, and text in UTF-16 is read too") func utps()
    throws
  {
    var builder = ISO9660Builder(volume: "Mobile Partner")
    let text = "[Common]\r\nversion=UTPS23.015.05.08.143\r\n"
    builder.add("SysConfig.dat", [0xff, 0xfe] + text.utf16.flatMap { [UInt8($0 & 0xff), 0] })
    let dashboard = try Dashboard.read(SharedBytes(builder.build()))
    #expect(dashboard.vendor == .huawei)
    #expect(dashboard.version == "UTPS23.015.05.08.143")
  }

  @Test("from a real ZTE stick is read") func real() throws {
    let file = try realFile("dashboard-zte-mf823.iso")
    let dashboard = try Dashboard.read(file)
    #expect(dashboard.image.volume == "ZTE_MF823")
    #expect(dashboard.vendor == .zte)
    #expect(dashboard.model == "MF823")
    #expect(dashboard.image.file("ZTEDrvSetup.exe")?.size == 3_624_496)
    #expect(dashboard.image.file("README.TXT")?.bytes(limit: 10).count == 10)
  }

  @Test("that is none, cut off, or built on odd blocks is refused by name") func refused() {
    let good = Self.hilink().build()
    var odd = good
    odd[16 * 2048 + 129] = 2
    var lost = good
    lost[16 * 2048 + 156] = 0
    var rootless = Self.hilink(joliet: false).build()
    rootless[16 * 2048 + 161] = 0x7f
    let cases: [([UInt8], String)] = [
      ([], "iso.no-descriptor"), ([UInt8](good.prefix(0x8004)), "iso.no-descriptor"),
      (lost, "iso.no-descriptor"), ([UInt8](good.dropLast(2048)), "iso.truncated"),
      (odd, "iso.block-size"), (rootless, "iso.bad-root"),
    ]
    for (bytes, code) in cases {
      #expect(Self.error(bytes)?.trouble.code == code)
      #expect(Self.error(bytes)?.trouble.exitCode == .badFile)
    }
    #expect(Self.error(good, ISO9660Limits(entries: 3))?.trouble.code == "iso.too-many-files")
  }

  @Test("with a directory that leads back to the root ends") func loop() throws {
    var bytes = Self.hilink(joliet: false).build()
    let root = Self.number(bytes, 16 * 2048 + 158)
    let record = try #require(Self.find("DRIVERS", in: bytes)) - 33
    bytes.replaceSubrange((record + 2)..<(record + 6), with: Self.little(root))
    let image = try ISO9660Image.read(SharedBytes(bytes))
    #expect(image.warnings == [.loop("DRIVERS")])
    #expect(image.files.count == 3)
  }

  @Test("with files that overlap, lie outside or claim absurd sizes is read, and says so")
  func absurd() throws {
    let good = Self.hilink(joliet: false).build()
    let record = try #require(Self.find("ARCONFIG.DAT", in: good)) - 33
    let other = try #require(Self.find("AUTORUN.INF", in: good)) - 33
    var outside = good
    outside.replaceSubrange((record + 10)..<(record + 14), with: [0xff, 0xff, 0xff, 0xff])
    let image = try ISO9660Image.read(SharedBytes(outside))
    #expect(image.warnings == [.outside("ARCONFIG.DAT")])
    #expect(image.file("ARCONFIG.DAT")?.bytes(limit: 10) == [])
    var overlap = good
    overlap.replaceSubrange((record + 2)..<(record + 6), with: good[(other + 2)..<(other + 6)])
    let second = try ISO9660Image.read(SharedBytes(overlap))
    #expect(second.warnings == [.overlap("AUTORUN.INF", "ARCONFIG.DAT")])
  }

  @Test("with directories twenty deep is read as far as is sane") func deep() throws {
    var builder = ISO9660Builder(volume: "DEEP")
    builder.add((0..<20).map { "D\($0)/" }.joined() + "A", [1])
    builder.add("B", [2])
    let image = try ISO9660Image.read(SharedBytes(builder.build()))
    #expect(image.files.map(\.path) == ["B"])
    #expect(image.warnings.count == 1)
  }

  @Test("cannot steer a terminal with its names") func names() throws {
    var builder = ISO9660Builder(volume: "\u{1b}[2J")
    builder.add("evil\u{202e}gpj.exe", [1])
    builder.add("..\\..\\up", [2])
    let image = try ISO9660Image.read(SharedBytes(builder.build()))
    #expect(image.volume == "?[2J")
    #expect(image.files.map(\.path) == ["evil?gpj.exe", "..?..?up"])
  }

  @Test("damaged anywhere never traps and stays inside its file", arguments: 0..<20)
  func damaged(seed: Int) {
    var random = Seeded(UInt64(seed))
    let good = Self.hilink(joliet: seed.isMultiple(of: 2)).build()
    for _ in 0..<50 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let at = Int.random(in: 0x8000..<min(bytes.count, 0x8000 + 16 * 2048), using: &random)
        bytes[at] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...4096, using: &random)) }
      guard let dashboard = try? Dashboard.read(SharedBytes(bytes)) else { continue }
      for file in dashboard.image.files {
        for extent in file.extents { #expect(extent.offset + extent.count <= bytes.count) }
      }
    }
  }

  static func find(_ text: String, in bytes: [UInt8]) -> Int? {
    let wanted = [UInt8](text.utf8)
    return (0...(bytes.count - wanted.count)).first {
      bytes[$0] == wanted[0] && bytes[$0..<($0 + wanted.count)].elementsEqual(wanted)
    }
  }

  static func number(_ bytes: [UInt8], _ at: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
  }

  static func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 0xff) } }
}
