import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithTrials
import SmithVendors
import Testing

@Suite("Updaters of the Qualcomm era") struct UpdaterFileTests {
  /// A program's first bytes, and a text.
  private func program(_ text: String) -> [UInt8] { [0x4d, 0x5a, 0x90, 0] + [UInt8](text.utf8) }

  private func recognised(_ bytes: [UInt8]) -> FirmwareImage? {
    try? ImageRegistry.recognise(SharedBytes(bytes))
  }

  @Test("are known by two texts, in one byte a character or two") func texts() throws {
    let wide = QualcommSample(product: "", version: "11.608.13.02.00").updater()
    let image = try #require(recognised(wide))
    #expect(image.format == .huaweiUpdater)
    #expect(image.claims.firmware?.text == "11.608.13.02.00")
    #expect(image.segments.isEmpty && image.claims.products.isEmpty)
    #expect(image.warnings == [.layoutUnknown])
    #expect(image.warnings.first?.description.contains("not known") == true)
    #expect(Families.taking(image)?.name == "huawei-qualcomm")
    let narrow = program("huawei ... 11.126.85.00.100 ...")
    #expect(recognised(narrow)?.claims.firmware?.text == "11.126.85.00.100")
    // The version that is named most often is the one.
    let several = program(
      "HUAWEI 11.111.11.11.11 11.126.85.00.00 11.126.85.00.00 x11.126")
    #expect(recognised(several)?.claims.firmware?.text == "11.126.85.00.00")
  }

  @Test(
    "are not seen where a text is missing or only looks like one",
    arguments: [
      "11.126.85.00.00", "HUAWEI 21.126.85.00.00",
      "HUAWEI 1.11.126.85.00.00", "HUAWEI 211.126.85.00.00", "HUAWEI 11.126.85.0.00",
      "HUAWE 11.126.85.00.00", "HUAWEI 11.126.85.00.0",
    ]) func others(text: String)
  {
    #expect(recognised(program(text)) == nil)
    #expect(recognised([0x5a] + program("HUAWEI 11.126.85.00.00")) == nil)
  }

  @Test("are still packages where a package is in them") func package() throws {
    let inner = QualcommSample(product: "E155", version: "11.609.99.00.00").package()
    let program = BalongBuilder.program(
      around: inner, overlay: [UInt8]("HUAWEI 11.111.11.11.11".utf8))
    let image = try #require(recognised(program))
    #expect(image.format == .balong)
    #expect(Families.taking(image)?.name == "huawei-qualcomm")
  }

  @Test("are found across the seams of the search, wherever the texts stand") func seams() {
    let version = [UInt8]("11.126.85.00.00".utf8)
    for shift in [-20, -15, -8, -1, 0, 1] {
      var bytes = [UInt8](repeating: 0x20, count: (1 << 20) + 100)
      bytes.replaceSubrange(0..<10, with: program("HUAWEI"))
      let at = (1 << 20) + shift
      bytes.replaceSubrange(at..<(at + version.count), with: version)
      #expect(recognised(bytes)?.claims.firmware?.text == "11.126.85.00.00", "\(shift)")
    }
  }

  @Test("survive any bytes behind the two letters of a program", arguments: 0..<40 as Range<UInt64>)
  func noise(seed: UInt64) {
    var dice = Seeded(seed)
    let alphabet = [UInt8]("HUAWEI11.0 \0".utf8)
    let bytes =
      [0x4d, 0x5a]
      + (0..<2000).map { _ in alphabet[Int(dice.next() % UInt64(alphabet.count))] }
    if let image = HuaweiUpdater.read(SharedBytes(bytes)) {
      #expect(image.claims.firmware?.text.hasPrefix("11.") == true, "seed \(seed)")
    }
  }

  @Test("fit Qualcomm sticks and no Balong stick, by the same word as the plan's") func fit() throws
  {
    var device = DeviceReport()
    (device.vendor, device.world) = ("huawei", .qualcomm)
    let facts = ImageFacts(try Scenes.updater().image)
    #expect(!Fit.judge(facts, device).reasons.contains { $0.answer == .doesNotFit })
    device.world = .balongStick
    let refused = Fit.judge(facts, device)
    #expect(refused.answer == .doesNotFit)
    #expect(refused.objections.contains { $0.about == "chip" })
  }
}
