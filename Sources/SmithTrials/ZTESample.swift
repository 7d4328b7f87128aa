import SmithFormats
import SmithSimulators

/// Makes packages for the simulated ZTE MF667; nothing of a vendor is in them.
public struct ZTESample: Sendable {
  /// The version that the application tells.
  public var version = "BD_O2MF667V1.0.0B04"
  /// Bytes of all images together, about.
  public var bytes = 65_536
  /// What the loader says of its chip.
  public var chip = "MDM6200"
  /// Who the loader says made it.
  public var maker = "ZTE WCDMA Technologies MSM"
  /// The loader as Intel HEX text instead of with a boot header.
  public var hexLoader = true

  /// A package one build newer than the stick.
  public init() {}

  /// The files of the package, as in a folder.
  public func files() -> [(name: String, bytes: [UInt8])] {
    // The big part of a real package is DSP2, then AMSS and DSP1.
    let images: [(String, UInt32, Int)] = [
      ("amss.mbn", 2, bytes / 8), ("dsp1.mbn", 8, bytes / 8), ("dsp2.mbn", 0x0c, bytes * 5 / 8),
      ("osbl.mbn", 0x0b, bytes / 16), ("fsbl.mbn", 9, bytes / 16),
    ]
    return [("partition.mbn", table.encoded() + [UInt8](repeating: 0, count: 168)), loader]
      + images.map { name, id, size in
        (name, QualcommSimImage.make(id: id, version: version, size: min(size, Self.most(id))))
      }
  }

  /// Room of the partition, headers left out.
  private static func most(_ id: UInt32) -> Int {
    switch id {
    case 2, 8: 3000 * 1024 - 64
    case 0x0c: 20_000 * 1024 - 64
    case 0x0b: 512 * 1024 - 64
    default: 256 * 1024 - 64
    }
  }

  private var loader: (name: String, bytes: [UInt8]) {
    let image = QualcommSimImage.make(
      id: 0x0e, version: "SIM NPRG", size: 3000,
      texts: ["QCOM fast download protocol targ", maker, chip])
    guard hexLoader else { return ("nprg6200.mbn", image) }
    let hex = IntelHexImage(base: 0x0080_0000, entry: 0x0080_0000, bytes: image)
    return ("NPRG6200.hex", Array(hex.encoded().utf8))
  }

  /// The table of a real MF667.
  private var table: UserPartitionTable {
    func kib(_ name: String, _ size: UInt32, _ spare: UInt16) -> UserPartition {
      UserPartition(name: "0:" + name, size: size, spare: spare)
    }
    return UserPartitionTable(partitions: [
      UserPartition(name: "0:MIBIB", size: 10, spare: 4, unit: .blocks),
      UserPartition(name: "0:SIM_SECURE", size: 4, spare: 2, unit: .blocks),
      kib("FSBL", 256, 30), kib("OSBL", 512, 50), kib("AMSS", 3000, 300), kib("DSP1", 3000, 300),
      kib("DSP2", 20_000, 2000), kib("EFS2QDSP", 80_000, 5500), kib("NVBAK", 5000, 300),
      UserPartition(name: "0:EFS2", size: nil, spare: 0, attributes: [1, 0xff, 0xff]),
    ])
  }
}
