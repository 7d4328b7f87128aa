import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Balong loaders") struct BalongLoaderTests {
  private func read(_ bytes: [UInt8]) throws -> BalongLoader {
    try BalongLoader.read(SharedBytes(bytes))
  }

  @Test(
    "are read part by part, with chip and partition table", arguments: BalongLoader.Chip.allCases)
  func parts(chip: BalongLoader.Chip) throws {
    var builder = BalongLoaderBuilder()
    builder.chip = chip
    let loader = try read(builder.build())
    #expect(loader.parts.map(\.mode) == [1, 2])
    #expect(loader.parts.map(\.offset) == [0x54, 0x54 + 0x36c])
    #expect(loader.chip == chip)
    #expect(loader.surplus == 0)
    #expect(loader.table?.product == "H6920CS_STICK")
    #expect(loader.table?.entries.map(\.name) == ["BootLoad", "BootRom", "FastBoot", "cdromiso"])
    #expect(loader.table?.entries.last?.start == UInt32(0x2c_0000))
  }

  @Test(
    "that erase are told from those that do not, for every pattern",
    arguments: ["v7r1", "v7r2", "v7r11", "v7r22-a", "v7r22-b", "v7r22-c"])
  func patterns(name: String) throws {
    var builder = BalongLoaderBuilder()
    builder.pattern = name
    let chips: [String: BalongLoader.Chip] = ["v7r1": .v7r1, "v7r11": .v7r11]
    builder.chip = chips[name] ?? .v7r1
    // Other chips' addresses are not known: an address that no table has.
    func made(_ kind: BalongLoaderBuilder.Kind) -> [UInt8] {
      builder.kind = kind
      var bytes = builder.build()
      if chips[name] == nil { bytes[0x2c] = 0x77 }
      return bytes
    }
    let safe = made(.safe)
    guard case .safe(let call) = try read(safe).verdict else {
      Issue.record("\(name) is not safe: \(try read(safe).verdict)")
      return
    }
    #expect(call.pattern == name)
    let stock = made(.stock)
    let loader = try read(stock)
    guard case .patchable(let found) = loader.verdict.asHarmless, found == call else {
      Issue.record("\(name) is not patchable: \(loader.verdict)")
      return
    }
    let disarmed = try #require(loader.disarmed())
    #expect(disarmed[0].bytes.bytes() == loader.parts[0].bytes.bytes())
    // Only the call differs, and the whole is what a safe loader is but for it.
    let (before, after) = (loader.parts[1].bytes.bytes(), disarmed[1].bytes.bytes())
    #expect(before.count == after.count)
    let changed = zip(before, after).enumerated().filter { $0.element.0 != $0.element.1 }
    #expect(!changed.isEmpty && changed.count <= 4)
    #expect(changed.allSatisfy { (call.offset..<(call.offset + 4)).contains($0.offset) })
    #expect(Array(stock.suffix(before.count)) == before, "the file itself is as it was")
  }

  @Test("without proof are given no parts to send") func unproven() throws {
    var builder = BalongLoaderBuilder()
    builder.kind = .unknown
    #expect(try read(builder.build()).disarmed() == nil)

    builder.kind = .stock
    builder.chip = .v3r3
    #expect(try read(builder.build()).disarmed() == nil, "no pattern of V3R3 is known")
    builder.pattern = "v7r1"
    #expect(try read(builder.build()).disarmed() == nil, "a pattern of another chip")

    builder = BalongLoaderBuilder()
    builder.ignoresBadBlocks = true
    #expect(try read(builder.build()).disarmed() == nil, "writes over bad blocks")

    builder = BalongLoaderBuilder()
    var twice = builder.build()
    let main = 0x54 + 0x36c
    let pattern = Array(twice[(main + 256)..<(main + 276)])
    twice.replaceSubrange((main + 8192)..<(main + 8212), with: pattern)
    #expect(try read(twice).disarmed() == nil, "two places")

    // The pattern as the last bytes of the file: the place lies behind its end.
    var atEnd = builder.build()
    atEnd.replaceSubrange((main + 256)..<(main + 276), with: [UInt8](repeating: 1, count: 20))
    atEnd.replaceSubrange((atEnd.count - 20)..., with: pattern)
    #expect(try read(atEnd).eraseCalls.count == 1)
    #expect(try read(atEnd).disarmed() == nil)
  }

  @Test("that are damaged are refused by name") func damage() throws {
    func code(_ bytes: [UInt8]) -> String? {
      do {
        _ = try read(bytes)
        return nil
      } catch let error as LoaderError { return error.trouble.code } catch { return "\(error)" }
    }
    let good = BalongLoaderBuilder().build()
    #expect(code(good) == nil)
    for cut in stride(from: 0x60, to: good.count, by: 777) {
      #expect(code(Array(good.prefix(cut))) == "loader.truncated")
    }
    #expect(code([]) == "loader.not-a-loader")
    #expect(code((0..<900).map { UInt8($0 & 7) }) == "loader.not-a-loader")
    #expect(code([UInt8]("<html><head><title>404</title>".utf8)) == "file.web-page")
    func changed(_ offset: Int, _ value: UInt32) -> [UInt8] {
      var bytes = good
      for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
      return bytes
    }
    #expect(code(changed(0x24, 3)) == "loader.bad-part", "mode 3")
    #expect(code(changed(0x24, 2)) == "loader.bad-part", "two loaders")
    #expect(code(changed(0x28, 0)) == "loader.bad-part", "an empty part")
    #expect(code(changed(0x28, 0xffff_ffff)) == "loader.bad-part", "a part of 4 GiB")
    #expect(code(changed(0x30, 0x40)) == "loader.bad-part", "a part inside the list")
    #expect(code(changed(0x40, 0x60)) == "loader.bad-part", "parts over each other")
    #expect(code(changed(0x40, 0xffff_fff0)) == "loader.truncated")
  }

  @Test("survive any bytes", arguments: UInt64(1)...60) func anyBytes(seed: UInt64) {
    var random = Seeded(seed)
    var bytes = BalongLoaderBuilder().build()
    for _ in 0..<(1 + Int(random.next() % 40)) {
      let place = Int(random.next() % UInt64(seed.isMultiple(of: 2) ? 0x60 : bytes.count))
      bytes[place] = UInt8(truncatingIfNeeded: random.next())
    }
    bytes.removeLast(Int(random.next() % 5000))
    guard let loader = try? read(bytes) else { return }
    #expect(loader.size + 0x54 <= bytes.count + 16, "seed \(seed)")
    if let disarmed = loader.disarmed() {
      #expect(disarmed.map(\.bytes.count) == loader.parts.map(\.bytes.count), "seed \(seed)")
    }
  }

  @Test("of the real kind are read, and judged by what is in them") func real() throws {
    let file = try realFile("balong-loader-e303.bin")
    let loader = try BalongLoader.read(file)
    #expect(loader.chip == .v3r3)
    #expect(loader.parts.map(\.bytes.count) == [0x82c, 0x1b_7090])
    #expect(loader.surplus == 0)
    #expect(loader.table?.product == "V3R3_MBB_STICK")
    #expect(loader.table?.version == "BOOTROM_V01.02")
    #expect(loader.table?.entries.count == 11)
    #expect(loader.table?.entries.last?.name == "/CDROMISO")
    #expect(loader.disarmed() == nil, "its publisher's word is no proof")
    let page = try realFile("web-page-saved-as-loader.bin")
    #expect(throws: LoaderError.self) { try BalongLoader.read(page) }
  }
}

extension BalongLoader.Verdict {
  /// A patchable verdict, with its call as it would be afterwards.
  fileprivate var asHarmless: BalongLoader.Verdict {
    guard case .patchable(var call) = self else { return self }
    call.isHarmless = true
    return .patchable(call)
  }
}
