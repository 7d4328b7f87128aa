public import SmithBytes
public import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
public import SmithSimulators

/// Makes packages for the simulated LTE stick; nothing of a vendor is in them.
public struct QualcommSample: Sendable {
  /// Firmware version in the images.
  public var version: String
  /// Bytes of the biggest image, about.
  public var bytes = 30_000
  /// Erase blocks of the biggest partition, as the stick has it.
  public var modemBlocks: UInt64 = 2
  /// Whether the programmer is signed with the sample key.
  public var isSigned = true
  /// Whether the package brings its partition table.
  public var hasTable = true
  /// Decides what fills the images.
  public var seed: UInt32 = 1

  /// A package with firmware of that version.
  public init(version: String) {
    self.version = version
  }

  /// Erase blocks that an image of so many bytes wants; the stick must have as many.
  public static func blocks(for bytes: Int) -> UInt64 {
    let block = Int(QualcommSimStorage.sectorsPerBlock) * QualcommSimStorage.sectorSize
    return UInt64(max(2, bytes / block + 2))
  }

  /// Places in the stick's layout.
  private var places: [QualcommSimStorage.Partition] {
    QualcommSimStorage(modemBlocks: modemBlocks).partitions
  }

  /// The programmer that the boot ROM is given.
  public var programmer: [UInt8] {
    QualcommSimImage.make(
      id: 0x0d, version: "firehose", size: 12_000,
      certificates: isSigned ? QualcommSimImage.root : [])
  }

  /// Every file of the folder, by name.
  public func files() -> [(name: String, bytes: SharedBytes)] {
    let images: [(String, [UInt8])] = [
      ("sbl", QualcommSimImage.make(id: 0x15, version: version, size: 12_001, seed: seed)),
      ("modem", QualcommSimImage.make(id: 2, version: version, size: bytes, seed: seed)),
    ]
    var program = RawProgram()
    var files: [(String, [UInt8])] = [("prog_nand_firehose_sim.mbn", programmer)]
    if hasTable {
      files.append(("partition.mbn", table()))
      program.programs.append(entry("0:MIBIB", "partition.mbn", places[0]))
    }
    for (label, bytes) in images {
      guard let place = places.first(where: { $0.name == label }) else { continue }
      program.programs.append(entry(label, "\(label).mbn", place))
      files.append(("\(label).mbn", bytes))
    }
    files.append(("rawprogram_nand.xml", Array(program.encoded().utf8)))
    let patch = RawProgram(patches: [
      .init(
        sectorSize: QualcommSimStorage.sectorSize, byteOffset: 0, size: 4,
        start: .expression("NUM_DISK_SECTORS-1."), value: "0")
    ])
    files.append(("patch_nand.xml", Array(patch.encoded().utf8)))
    return files.map { ($0.0, SharedBytes($0.1)) }
  }

  /// The package, read as any other.
  public func image() throws -> CheckedImage {
    let read = try ImageRegistry.recognise(folder: files())
    return try CheckedImage(image: read, path: "/files/sample", parts: files().map(\.bytes))
  }

  private func table() -> [UInt8] {
    let blocks = QualcommSimStorage.sectorsPerBlock
    return UserPartitionTable(
      partitions: places.map {
        UserPartition(
          name: "0:\($0.name.uppercased())", size: UInt32($0.count / blocks), spare: 0,
          unit: .blocks)
      }
    ).encoded()
  }

  private func entry(_ label: String, _ file: String, _ place: QualcommSimStorage.Partition)
    -> RawProgram.Program
  {
    RawProgram.Program(
      file: file, label: label, sectorSize: QualcommSimStorage.sectorSize,
      sectorCount: place.count, start: .number(place.first),
      pagesPerBlock: Int(QualcommSimStorage.sectorsPerBlock),
      lastSector: place.first + place.count - 1)
  }
}

extension QualcommLTEBody: TrialStick {
  /// Every image to the byte.
  public func holds(_ image: CheckedImage) -> Bool {
    guard let package = image.image.rawProgram else { return false }
    return zip(package.writes, image.image.segments).allSatisfy { write, segment in
      storage.read(write.first, count: write.sectors).starts(with: segment.stored.bytes())
    }
  }

  /// Its boot chain is whole.
  public var isWhole: Bool { bootsVersion != nil }
  /// Its boot chain is not whole.
  public var isHalfWritten: Bool { !isWhole }
  /// The boot ROM is never lost.
  public var isBeyondResume: Bool { false }

  /// S1 and S7 of the house plan.
  public func breaches(
    since before: QualcommLTEBody, image: CheckedImage, records: [JournalRecord]
  ) -> [String] {
    var broken: [String] = []
    var allowed: [Range<UInt64>] = []
    for case .itemBegan(let index) in records {
      guard let write = image.image.rawProgram?.writes[index] else { continue }
      allowed.append(write.first..<(write.first + write.sectors))
    }
    for partition in storage.partitions {
      for sector in partition.first..<(partition.first + partition.count)
      where storage.differs(from: before.storage, at: sector) {
        if ["mibib", "efs2"].contains(partition.name) {
          broken.append("S7: \(partition.name) changed")
        } else if !allowed.contains(where: { $0.contains(sector) }) {
          broken.append("S1: \(partition.name) changed without a record of its door")
        }
        break
      }
    }
    if profiles != before.profiles { broken.append("settings were lost") }
    return broken
  }

  /// One byte of the biggest image.
  public mutating func damage() {
    if storage.writes > 0 { storage.damage("modem") }
  }
}
