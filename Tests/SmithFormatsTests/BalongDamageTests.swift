import SmithBench
import SmithBytes
import SmithModel
import Testing

@testable import SmithFormats

@Suite("Damaged Balong packages") struct BalongDamageTests {
  private let package = Sample.package()
  private var headers: [Int] { Sample.headers(package) }

  @Test("A package cut anywhere is an error, unless the cut is between two items")
  func truncated() throws {
    // What is left of a cut between two items is a package in itself; only a check sum of the
    // whole file can tell (balong-image.md section 6).
    let borders = headers.dropFirst().flatMap { next -> [Int] in
      let previous = headers[(headers.firstIndex(of: next) ?? 1) - 1]
      let end =
        previous + Sample.number(package, previous + 4) + Sample.number(package, previous + 0x18)
      return Array(end...next)
    }
    for count in 0..<package.count {
      let code = Sample.code(Array(package.prefix(count)))
      if borders.contains(count) {
        #expect(code == nil, "cut at \(count)")
      } else {
        #expect(code != nil, "cut at \(count)")
      }
      if count > 190 && !borders.contains(count) {
        #expect(code == "balong.truncated", "cut at \(count)")
      }
    }
  }

  @Test("A program cut anywhere inside the package's last item is an error")
  func truncatedProgram() {
    let program = BalongBuilder.program(around: package, overlay: [])
    for count in stride(from: 4096 + headers[2] + 1, to: program.count, by: 3) {
      #expect(Sample.code(Array(program.prefix(count))) == "balong.truncated", "cut at \(count)")
    }
  }

  @Test("Each flipped bit of header, table or data is found") func flippedBits() {
    let filling = Set(headers.dropFirst().flatMap { [$0 - 1, $0 - 2, $0 - 3] })
    for offset in 92..<package.count {
      var bytes = package
      bytes[offset] ^= 1 << UInt8(offset % 8)
      let inFilling = filling.contains(offset) && package[offset] == 0
      #expect(Sample.code(bytes) != nil || inFilling, "byte \(offset)")
    }
  }

  @Test("Each flipped bit of a package inside a program is found", arguments: [11, 12] as [UInt64])
  func flippedBitsInProgram(seed: UInt64) {
    var random = Seeded(seed)
    let program = BalongBuilder.program(around: package)
    let ends = headers.map { header in
      header + Sample.number(package, header + 4) + Sample.number(package, header + 0x18)
    }
    for _ in 0..<600 {
      let offset = Int.random(in: 92..<package.count, using: &random)
      let inItem = zip(headers, ends).contains { ($0..<$1).contains(offset) }
      guard inItem else { continue }
      var bytes = program
      bytes[4096 + offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      #expect(Sample.code(bytes) != nil, "seed \(seed), byte \(offset)")
    }
  }

  @Test("A damaged header names place, expected and found CRC") func headerCRC() {
    for (index, header) in headers.enumerated() {
      var bytes = package
      bytes[header + 0x40] ^= 0x10
      guard case .headerCRC(let spot, let expected, let found) = Sample.error(bytes) else {
        Issue.record("header \(index)")
        continue
      }
      #expect(spot.offset == header && spot.item == index && expected != found)
      #expect(Sample.code(bytes) == "balong.header-crc")
    }
  }

  @Test("A damaged block names item, block and offset") func blockCRC() {
    var bytes = package
    let header = headers[1]
    let data = header + Sample.number(package, header + 4)
    bytes[data + 130] ^= 1
    guard case .blockCRC(let spot, let block, _, _) = Sample.error(bytes) else {
      Issue.record("not found")
      return
    }
    #expect(spot == ImageSpot(offset: data + 128, item: 1, name: "Fastboot") && block == 2)
    #expect(Sample.code(bytes) == "balong.block-crc")
  }

  @Test("A lost first header is an error, bare and inside a program")
  func firstHeaderLost() {
    var lostMagic = package
    lostMagic.replaceSubrange(92..<96, with: [0, 0, 0, 0])
    #expect(Sample.code(lostMagic) == "balong.first-header-lost")
    #expect(
      Sample.code(BalongBuilder.program(around: lostMagic)) == "balong.first-header-lost")
    var lostAll = package
    lostAll.replaceSubrange(0..<190, with: [UInt8](repeating: 0x5a, count: 190))
    #expect(Sample.code(lostAll) == "balong.first-header-lost")
    var lostSize = package
    lostSize[92 + 5] ^= 0x40
    #expect(Sample.code(lostSize) == "balong.header-crc")
    #expect(Sample.code(BalongBuilder.program(around: lostSize)) == "balong.header-crc")
    let cutFront = Array(package.dropFirst(headers[1] - 60))
    #expect(Sample.code(cutFront) == "balong.first-header-lost")
  }

  @Test("The only header without its magic is an error") func onlyHeaderLost() {
    var builder = BalongBuilder()
    builder.add(id: 0x11_0000, data: [1, 2, 3])
    var bytes = builder.build()
    bytes[92] ^= 1
    #expect(Sample.code(bytes) == "balong.first-header-lost")
  }

  @Test("A lost header in the middle or at the end is never the end of the package")
  func chainBroken() {
    for header in headers.dropFirst() {
      var bytes = package
      bytes[header + 1] ^= 4
      #expect(Sample.code(bytes) == "balong.chain-broken")
      #expect(Sample.code(BalongBuilder.program(around: bytes)) == "balong.chain-broken")
    }
    var wiped = package
    wiped.replaceSubrange(headers[1]..<(headers[1] + 98), with: [UInt8](repeating: 0, count: 98))
    #expect(
      Sample.error(wiped)
        == .chainBroken(
          ImageSpot(offset: 92, item: 0, name: "Ptable"), next: headers[2]))
  }

  @Test("Unknown data behind a bare package is an error") func trailing() {
    #expect(Sample.code(package + [UInt8]("garbage".utf8)) == "balong.trailing-data")
    var wiped = package
    let last = headers[2]
    wiped.replaceSubrange(last..<(last + 98), with: [UInt8](repeating: 0, count: 98))
    #expect(Sample.code(wiped) == "balong.trailing-data")
  }

  @Test("A second package in the file is an error") func twoPackages() {
    let padded = package + [UInt8](repeating: 0, count: 4 - package.count % 4)
    #expect(Sample.code(padded + Sample.package(2)) == "balong.two-packages")
  }

  @Test("Kinds that do not exist are refused", arguments: [0, 8, 0x10, 0xff] as [UInt8])
  func kindInvalid(kind: UInt8) {
    var bytes = package
    bytes[0] = kind
    #expect(Sample.code(bytes) == "balong.kind-invalid")
  }

  @Test("Sealed headers with impossible numbers are refused") func impossibleNumbers() {
    let set = { (field: Int, value: UInt32) in
      Sample.code(Sample.setting(field, to: value, ofHeaderAt: 92, in: package))
    }
    #expect(set(0x5e, 0) == "balong.block-size-zero")
    #expect(set(0x18, 0) == "balong.empty")
    #expect(set(0x04, 97) == "balong.header-size")
    #expect(set(0x04, 0xffff_ffff) == "balong.header-size")
    #expect(set(0x18, 0xffff_ffff) == "balong.header-size")
    let huge = Sample.setting(0x5e, to: 0xffff_ffff, ofHeaderAt: 92, in: package)
    let one = Sample.setting(0x04, to: 100, ofHeaderAt: 92, in: huge)
    #expect(
      Sample.code(Sample.setting(0x18, to: 0xffff_fff0, ofHeaderAt: 92, in: one))
        == "balong.truncated")
  }

  @Test("More than 120 items are refused") func tooMany() {
    var builder = BalongBuilder()
    for id in 1...200 as ClosedRange<UInt32> { builder.add(id: id, data: [1]) }
    #expect(Sample.code(builder.build()) == "balong.too-many-items")
  }

  @Test("The same id twice is refused") func duplicate() {
    var builder = BalongBuilder()
    builder.add(id: 0x11_0000, data: [1])
    builder.add(id: 0x03_0000, data: [2])
    builder.add(id: 0x11_0000, data: [3])
    guard case .duplicateItem(let spot, 0x11_0000, first: 0) = Sample.error(builder.build()) else {
      Issue.record("not refused")
      return
    }
    #expect(spot.item == 2)
    #expect(Sample.code(builder.build()) == "balong.duplicate-item")
  }

  @Test("An item that swallows the next ones is refused, whatever its check sums say")
  func overlap() {
    let inner = Array(package.dropFirst(headers[1]))
    for cut in [inner.count, inner.count - 50] {
      var builder = BalongBuilder()
      builder.add(id: 0x01_0000, data: [1, 2, 3, 4] + inner.prefix(cut))
      var bytes = builder.build()
      bytes += inner.suffix(inner.count - cut)
      #expect(Sample.code(bytes) == "balong.item-overlap", "cut \(cut)")
    }
  }

  @Test("Items beyond the limits are refused") func tooBig() {
    var limits = ImageLimits.standard
    limits.itemSize = 250
    #expect(Sample.code(package, limits: limits) == "balong.item-too-big")
    limits = .standard
    limits.totalSize = 500
    #expect(Sample.code(package, limits: limits) == "balong.item-too-big")
  }

  @Test("Trouble of a damaged package ends with the exit code of a bad file and an advice")
  func trouble() {
    let trouble = Sample.error(Array(package.dropLast()))?.trouble
    #expect(trouble?.exitCode == .badFile)
    #expect(trouble?.aftermath == .untouched)
    #expect(trouble?.advice.isEmpty == false)
    #expect(trouble?.summary.contains("item 3 (Kernel)") == true)
    #expect(trouble?.summary.contains(hex(headers[2])) == true)
  }
}
