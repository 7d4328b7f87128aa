import SmithBench
import SmithBytes
import SmithFormats
import SmithModel
import Testing

/// A real file; where it is absent, the test is skipped.
private func realFile(_ name: String) throws -> SharedBytes {
  guard let file = RealFile.named(name) else { try Test.cancel("\(name) is not here") }
  return file
}

@Suite("Qualcomm images") struct QualcommFormatTests {
  @Test("A real 40-byte header describes its file to the byte")
  func shortHeader() throws {
    let file = try realFile("mbn-40-byte-header.mbn")
    let image = try MBNImage(reading: file)
    #expect(image.header.form == .short)
    #expect(image.header.imageName == "DSP1")
    #expect(image.header.destination == 0x8001_3028)
    #expect(image.body.count == file.count - 40)
    #expect(image.trailing.isEmpty)
    #expect(image.header.encoded() == file.bytes(0..<40))
  }

  @Test("A real 80-byte header describes its file to the byte")
  func longHeader() throws {
    let file = try realFile("mbn-80-byte-header.mbn")
    let image = try MBNImage(reading: file)
    #expect(image.header.form == .long)
    #expect(image.header.imageID == 0x0d)
    #expect(image.header.signatureSize == 256 && image.header.certificatesSize == 0x1800)
    #expect(image.code.count == 0x10f20)
    #expect(image.header.encoded() == file.bytes(0..<80))
  }

  @Test("The marker behind a patched loader is kept apart")
  func trailing() throws {
    let image = try MBNImage(reading: try realFile("qualcomm-nprg6200.bin"))
    #expect(image.header.destination == 0x0080_0028)
    #expect(image.trailing.count == 12)
    let zte = try MBNImage(reading: try realFile("qualcomm-nprg9x25-zte.mbn"))
    #expect(zte.header.imageName == "HOSTDL" && zte.trailing.isEmpty)
  }

  @Test("A real programmer's segments and hash header are found")
  func programmer() throws {
    let program = try ELFProgram(reading: try realFile("firehose-mdm9x07.mbn"))
    #expect(program.entry == 0x0800_5800 && program.machine == 40)
    #expect(program.segments.map(\.isHashTable) == [false, true, false])
    #expect(program.segments[2].fileRange == 0x3000..<0x203b0)
    #expect(program.hashHeader?.version == 3)
  }

  @Test("A web page is neither image nor program nor table")
  func webPage() throws {
    let file = try realFile("web-page-saved-as-loader.bin")
    #expect(throws: QualcommImageError.noHeader) { try MBNImage(reading: file) }
    #expect(throws: QualcommImageError.noELF) { try ELFProgram(reading: file) }
    #expect(throws: QualcommImageError.noTable) { try UserPartitionTable(reading: file) }
    #expect(throws: QualcommImageError.noGPT) { try GPT(reading: file) }
    #expect(throws: QualcommImageError.hexLine(1)) { try IntelHexImage(reading: file) }
  }

  @Test("The table a package asks for gives the table that the real MF667 has, byte by byte")
  func tables() throws {
    let file = try realFile("qualcomm-ptable-mf667-user.bin")
    let user = try UserPartitionTable(reading: file)
    #expect(user.encoded() == file.bytes(0..<296))
    let expected = try realFile("qualcomm-ptable-mf667-system.bin")
    let system = try user.systemTable(blockKiB: 128)
    #expect(system.encoded() == expected.bytes())
    #expect(try SystemPartitionTable(reading: expected) == system)
    #expect(system.partitions.first { $0.name == "0:DSP2" }?.length == 173)
    #expect(system.partitions.last?.length == nil)
  }

  @Test(
    "Size and reserve are rounded up each for itself",
    arguments: [
      (3000, 300, 27), (20000, 2000, 173), (80000, 5500, 668), (256, 30, 3),
    ])
  func rounding(size: UInt32, spare: UInt16, blocks: UInt64) {
    #expect(UserPartition(name: "0:X", size: size, spare: spare).blocks(of: 128) == blocks)
    let counted = UserPartition(name: "0:X", size: size, spare: spare, unit: .blocks)
    #expect(counted.blocks(of: 128) == UInt64(size) + UInt64(spare))
  }

  @Test("The table block is found in a dump, and not behind the twelfth block")
  func mibib() throws {
    let system = SystemPartitionTable(partitions: [
      NANDPartition(name: "0:MIBIB", offset: 0, length: 4),
      NANDPartition(name: "0:EFS2", offset: 4, length: nil),
    ])
    let user = UserPartitionTable(partitions: [
      UserPartition(name: "0:MIBIB", size: 4, spare: 0, unit: .blocks),
      UserPartition(name: "0:EFS2", size: nil, spare: 0, unit: .blocks),
    ])
    func dump(at block: Int) -> SharedBytes {
      var bytes = [UInt8](repeating: 0xff, count: block * 4 * 512)
      bytes += [0xac, 0x9f, 0x56, 0xfe, 0x7a, 0x12, 0x7f, 0xcd] + [UInt8](repeating: 0, count: 504)
      bytes += system.encoded() + user.encoded()
      return SharedBytes(bytes + [UInt8](repeating: 0xff, count: 2048))
    }
    let block =
      [0xac, 0x9f, 0x56, 0xfe, 0x7a, 0x12, 0x7f, 0xcd] + [UInt8](repeating: 0, count: 2040)
    guard
      case .flashTable(system)? = try QualcommPart.recogniseAlone(
        SharedBytes(block + system.encoded()), named: "x")
    else {
      Issue.record("a dump is not known")
      return
    }
    let found = try MIBIB(searching: dump(at: 3), pageSize: 512, pagesPerBlock: 4)
    #expect(found.block == 3 && found.system == system && found.user == user)
    #expect(throws: QualcommImageError.noTable) {
      try MIBIB(searching: dump(at: 12), pageSize: 512, pagesPerBlock: 4)
    }
    // The dump may end right behind the magic.
    let cut = SharedBytes([0xac, 0x9f, 0x56, 0xfe, 0x7a, 0x12, 0x7f, 0xcd, 1])
    #expect(throws: QualcommImageError.noTable) { try MIBIB(searching: cut) }
  }

  @Test("A built image is read back as it was built")
  func roundTrip() throws {
    for form in [MBNHeader.Form.short, .long] {
      let bytes = MBNImage.build(form: form, imageID: 2, destination: 0x100, code: [1, 2, 3, 4])
      let image = try MBNImage(reading: SharedBytes(bytes))
      #expect(image.header.imageName == "AMSS" && image.code.bytes() == [1, 2, 3, 4])
    }
    let elf = ELFProgram.build(
      entry: 0x1000, segments: [(0x1000, 5, [9, 8, 7]), (0x8000, 0x0220_0000, [1])])
    let program = try ELFProgram(reading: SharedBytes(elf))
    #expect(program.segments.map(\.address) == [0x1000, 0x8000])
    #expect(SharedBytes(elf).bytes(program.segments[0].fileRange) == [9, 8, 7])
    let hashes = MBNImage.build(form: .short, imageID: 4, destination: 0, code: [1, 2])
    let signed = ELFProgram.build(entry: 0, segments: [(0, 0x0220_0000, hashes)])
    guard case .program? = try QualcommPart.recogniseAlone(SharedBytes(signed), named: "x") else {
      Issue.record("a program with hashes is not known")
      return
    }
    #expect(try QualcommPart.recogniseAlone(SharedBytes(elf), named: "x") == nil)
  }

  @Test("Intel HEX crosses 64 KiB borders and keeps holes as FF")
  func hex() throws {
    let image = IntelHexImage(
      base: 0x0080_fff0, entry: 0x0080_fff4, bytes: (0..<100).map { UInt8($0) })
    let text = image.encoded(width: 16)
    #expect(text.hasPrefix(":020000040080"))
    #expect(try IntelHexImage(reading: SharedBytes(Array(text.utf8))) == image)
    let holes = ":020000000102FB\n:0200040003 04F3"
    #expect(throws: QualcommImageError.hexLine(2)) {
      try IntelHexImage(reading: SharedBytes(Array(holes.utf8)))
    }
    let good = ":020000000102FB\n:020004000304F3\n:00000001FF\n"
    let read = try IntelHexImage(reading: SharedBytes(Array(good.utf8)))
    #expect(read.bytes == [1, 2, 0xff, 0xff, 3, 4] && read.entry == 0)
  }

  @Test("Each fault of a HEX file has its own name") func hexFaults() {
    let faults: [(String, QualcommImageError, String)] = [
      (":020000000102FA\n:00000001FF\n", .hexChecksum(line: 1), "ihex.bad-checksum"),
      (":020000000102FB\n", .hexEnd, "ihex.no-end"),
      (":00000001FF\n:020000000102FB\n", .hexLine(2), "ihex.bad-line"),
      (
        ":020000000102FB\n:020001000102FA\n:00000001FF\n",
        .hexSpan("address 1 is claimed twice"), "ihex.bad-span"
      ),
    ]
    for (text, error, code) in faults {
      #expect(throws: error) { try IntelHexImage(reading: SharedBytes(Array(text.utf8))) }
      #expect(error.trouble.code == code)
    }
  }

  @Test("Each fault of a header or table has its own name") func faults() {
    func code(_ body: () throws -> Void) -> String? {
      do { try body() } catch let error as QualcommImageError { return error.trouble.code } catch {}
      return nil
    }
    var cut = MBNImage.build(form: .short, imageID: 2, destination: 0, code: [1, 2, 3, 4])
    cut.removeLast()
    #expect(code { _ = try MBNImage(reading: SharedBytes(cut)) } == "mbn.truncated")
    cut[20] = 9
    #expect(code { _ = try MBNHeader(reading: SharedBytes(cut)) } == "mbn.sizes-disagree")
    #expect(code { _ = try MBNHeader(reading: SharedBytes([])) } == "mbn.no-header")
    var elf = ELFProgram.build(entry: 0, segments: [(0, 5, [1, 2, 3])])
    #expect(code { _ = try ELFProgram(reading: SharedBytes([1])) } == "mbn.no-elf")
    elf.removeLast()
    #expect(code { _ = try ELFProgram(reading: SharedBytes(elf)) } == "mbn.elf-out-of-bounds")
    var table = UserPartitionTable(partitions: [UserPartition(name: "0:A", size: 1, spare: 0)])
      .encoded()
    table[8] = 9
    #expect(
      code { _ = try UserPartitionTable(reading: SharedBytes(table)) } == "mibib.unknown-version")
    table[8] = 3
    table[12] = 2
    #expect(code { _ = try UserPartitionTable(reading: SharedBytes(table)) } == "mibib.truncated")
    table[12] = 1
    table[43] = 7
    #expect(code { _ = try UserPartitionTable(reading: SharedBytes(table)) } == "mibib.bad-entry")
    #expect(code { _ = try UserPartitionTable(reading: SharedBytes([])) } == "mibib.no-table")
  }

  @Test("A GPT survives the round trip and no bit of it may change", arguments: [512, 4096])
  func gpt(sectorSize: Int) throws {
    let table = GPT(
      sectorSize: sectorSize, firstUsable: 34, lastUsable: 9000,
      disk: [UInt8](repeating: 7, count: 16),
      entries: [
        .init(
          type: [UInt8](repeating: 1, count: 16), identifier: [UInt8](repeating: 2, count: 16),
          first: 34, last: 99, name: "modemst1"),
        .init(
          type: [UInt8](repeating: 1, count: 16), identifier: [UInt8](repeating: 3, count: 16),
          first: 100, last: 8999, flags: 4, name: "system"),
      ])
    let bytes = table.encoded(sectors: 10_000)
    #expect(try GPT(reading: SharedBytes(bytes)) == table)
    guard
      case .storageTable(table)? = try QualcommPart.recogniseAlone(
        SharedBytes(bytes), named: "x")
    else {
      Issue.record("it is not known for what it is")
      return
    }
    var header = bytes
    header[sectorSize + 40] ^= 1
    #expect(throws: QualcommImageError.gptChecksum("header")) {
      try GPT(reading: SharedBytes(header))
    }
    var entries = bytes
    entries[2 * sectorSize + 33] ^= 1
    #expect(throws: QualcommImageError.gptChecksum("entries")) {
      try GPT(reading: SharedBytes(entries))
    }
    var overlapping = table
    overlapping.entries[1].first = 99
    #expect(throws: QualcommImageError.gptEntry("system overlaps its neighbour or lies outside")) {
      try GPT(reading: SharedBytes(overlapping.encoded(sectors: 10_000)))
    }
    #expect(QualcommImageError.gptEntry("").trouble.code == "gpt.bad-entry")
    #expect(QualcommImageError.gptChecksum("").trouble.code == "gpt.bad-checksum")
    #expect(QualcommImageError.noGPT.trouble.code == "gpt.no-header")
  }

  @Test("A write description keeps numbers, expressions and awkward names")
  func rawProgram() throws {
    let program = RawProgram(
      programs: [
        .init(
          file: "a & \"b\".mbn", label: "0:AMSS", sectorSize: 2048, sectorCount: 10,
          start: .number(64), pagesPerBlock: 64, lastSector: 73),
        .init(
          file: "gpt_backup0.bin", label: "BackupGPT", sectorSize: 512, sectorCount: 33,
          start: .expression("NUM_DISK_SECTORS-33."), fileSectorOffset: 1),
      ],
      patches: [
        .init(sectorSize: 512, byteOffset: 168, size: 8, start: .number(1), value: "CRC32(1,92)")
      ])
    let text = program.encoded()
    #expect(try RawProgram(reading: SharedBytes(Array(text.utf8))) == program)
  }

  @Test("A description that leads elsewhere, cuts off or defines entities is refused")
  func badDescriptions() {
    let faults: [(String, String)] = [
      ("<data><program filename=\"../x\"/></data>", "rawprogram.bad-attribute"),
      ("<data><program filename=\"x\"/></data>", "rawprogram.bad-attribute"),
      ("<data><format/></data>", "rawprogram.bad-attribute"),
      ("<data><program", "rawprogram.bad-xml"),
      ("<data>text</data>", "rawprogram.bad-xml"),
      ("<!DOCTYPE x [<!ENTITY a \"b\">]><data/>", "rawprogram.bad-xml"),
      ("<data><program filename=\"&a;\"/></data>", "rawprogram.bad-xml"),
      (String(repeating: "<a>", count: 100), "rawprogram.bad-xml"),
    ]
    for (text, code) in faults {
      do {
        _ = try RawProgram(reading: SharedBytes(Array(text.utf8)))
        Issue.record("accepted: \(text.prefix(40))")
      } catch {
        #expect(error.trouble.code == code, "\(text.prefix(40))")
      }
    }
  }

  @Test("Identity partitions are known under all their names") func protected() {
    for name in [
      "0:EFS2", "0:EFS2QDSP", "0:NVBAK", "0:SIM_SECURE", "0:MIBIB", "modemst1", "fsg_a", "FSC",
    ] {
      #expect(ProtectedPartitions.contains(name), "\(name)")
    }
    for name in ["0:AMSS", "0:DSP1", "system", "sbl", "modem", "boot_a"] {
      #expect(!ProtectedPartitions.contains(name), "\(name)")
    }
  }
}

@Suite("Qualcomm parsers and hostile bytes") struct QualcommMutationTests {
  /// One valid input for each parser, and what reads it.
  static let parsers:
    [(name: String, input: [UInt8], read: @Sendable (SharedBytes) throws -> Int)] = [
      (
        "mbn40", MBNImage.build(form: .short, imageID: 2, destination: 0, code: [1, 2, 3, 4]),
        { try MBNImage(reading: $0).body.count }
      ),
      (
        "mbn80", MBNImage.build(form: .long, imageID: 2, destination: 0, code: [1, 2, 3, 4]),
        { try MBNImage(reading: $0).body.count }
      ),
      (
        "elf", Array(ELFProgram.build(entry: 0, segments: [(0, 0x0220_0000, [1, 2, 3])])),
        { bytes in
          let program = try ELFProgram(reading: bytes)
          return program.segments.count + (program.hashHeader == nil ? 0 : 1)
        }
      ),
      (
        "hex",
        Array(
          IntelHexImage(base: 0xfff0, entry: 0, bytes: [UInt8](repeating: 3, count: 64)).encoded()
            .utf8),
        { try IntelHexImage(reading: $0).bytes.count }
      ),
      (
        "system",
        SystemPartitionTable(partitions: [NANDPartition(name: "0:A", offset: 0, length: 4)])
          .encoded(),
        { try SystemPartitionTable(reading: $0).partitions.count }
      ),
      (
        "user",
        UserPartitionTable(partitions: [
          UserPartition(name: "0:A", size: 4, spare: 1),
          UserPartition(name: "0:B", size: nil, spare: 1),
        ]).encoded(),
        { try UserPartitionTable(reading: $0).systemTable(blockKiB: 128).partitions.count }
      ),
      (
        "gpt",
        GPT(
          sectorSize: 512, firstUsable: 34, lastUsable: 99, disk: [],
          entries: [.init(type: [1], identifier: [1], first: 34, last: 40, name: "a")]
        ).encoded(sectors: 100),
        { try GPT(reading: $0).entries.count }
      ),
      (
        "xml",
        Array(
          RawProgram(
            programs: [
              .init(file: "a", label: "b", sectorSize: 512, sectorCount: 1, start: .number(1))
            ],
            patches: [.init(sectorSize: 512, byteOffset: 1, size: 4, start: .number(1), value: "0")]
          ).encoded().utf8),
        { try RawProgram(reading: $0).programs.count }
      ),
    ]

  @Test("Mutated inputs are read or refused, never more than was there", arguments: 0..<8)
  func mutations(_ which: Int) throws {
    let (name, input, read) = Self.parsers[which]
    #expect(try read(SharedBytes(input)) > 0)
    let seed: UInt64 = 0x51_0000 + UInt64(which)
    print("mutating \(name), seed \(seed)")
    var dice = Dice(seed: seed)
    var refused = 0
    for _ in 0..<1500 {
      var bytes = input
      for _ in 0..<Int.random(in: 1...4, using: &dice) {
        // Mostly the beginning, where the lengths stand.
        let at = Int.random(
          in: 0..<min(bytes.count, Bool.random(using: &dice) ? 160 : .max), using: &dice)
        switch UInt8.random(in: 0...3, using: &dice) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &dice)
        case 1: bytes[at] = 0xff
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 5))
        default: bytes.insert(contentsOf: [0xff, 0xff, 0xff, 0x7f], at: at)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do {
        let size = try read(SharedBytes(bytes))
        #expect(size <= 16 << 20, "seed \(seed)")
      } catch { refused += 1 }
    }
    #expect(refused > 100, "seed \(seed)")
    for count in 0..<min(input.count, 300) {
      _ = try? read(SharedBytes(Array(input.prefix(count))))
    }
  }
}
