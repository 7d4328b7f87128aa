/// A named run of sectors, as a partition table tells it.
public struct StoragePlace: Sendable, Equatable {
  /// Name as in the table.
  public var name: String
  /// Which physical partition of the storage.
  public var physicalPartition: Int
  /// Its sectors.
  public var sectors: Range<UInt64>

  /// Gathers the parts.
  public init(name: String, physicalPartition: Int = 0, sectors: Range<UInt64>) {
    self.name = name
    self.physicalPartition = physicalPartition
    self.sectors = sectors
  }

  /// Whether a label of a description means this partition: letter case and `0:` do not matter.
  public func isNamed(_ label: String) -> Bool { Self.key(name) == Self.key(label) }

  private static func key(_ name: String) -> Substring {
    let name = name.lowercased()
    return name.dropFirst(name.hasPrefix("0:") ? 2 : 0)
  }

  /// The partitions of a NAND system table.
  ///
  /// experimental: that a NAND sector of Firehose is one page is inferred.
  ///
  /// - Parameter sectorsPerBlock: pages of an erase block; `sectors` is the size of the chip.
  public static func all(
    of table: SystemPartitionTable, sectorsPerBlock: UInt64, sectors: UInt64
  ) -> [StoragePlace] {
    table.partitions.compactMap { entry in
      let start = UInt64(entry.offset).multipliedReportingOverflow(by: sectorsPerBlock)
      let length = UInt64(entry.length ?? 0).multipliedReportingOverflow(by: sectorsPerBlock)
      guard !start.overflow, !length.overflow, start.partialValue < sectors else { return nil }
      let rest = sectors - start.partialValue
      let size = entry.length == nil ? rest : min(rest, length.partialValue)
      return StoragePlace(
        name: entry.name, sectors: start.partialValue..<(start.partialValue + size))
    }
  }

  /// The partitions of a GPT.
  public static func all(of table: GPT, physicalPartition: Int = 0) -> [StoragePlace] {
    table.entries.compactMap { entry in
      guard entry.last < .max, entry.first <= entry.last else { return nil }
      return StoragePlace(
        name: entry.name, physicalPartition: physicalPartition,
        sectors: entry.first..<(entry.last + 1))
    }
  }
}
