public import SmithFormats

/// What lies where on the stick's storage: read from the stick before anything is written
/// (Docs/Protocols/firehose.md section 4).
public struct FirehoseMap: Sendable, Equatable {
  /// One partition.
  public struct Place: Sendable, Equatable {
    /// Name as in the stick's own table.
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
  }

  /// Known partitions.
  public var places: [Place]

  /// Gathers the parts; without any place nothing can be written.
  public init(places: [Place]) {
    self.places = places
  }

  /// The partitions of a NAND system table.
  ///
  /// experimental: that a NAND sector of Firehose is one page is inferred.
  ///
  /// - Parameter sectorsPerBlock: pages of an erase block; `sectors` is the size of the chip.
  public init(_ table: SystemPartitionTable, sectorsPerBlock: UInt64, sectors: UInt64) {
    places = table.partitions.compactMap { entry in
      let start = UInt64(entry.offset).multipliedReportingOverflow(by: sectorsPerBlock)
      let length = UInt64(entry.length ?? 0).multipliedReportingOverflow(by: sectorsPerBlock)
      guard !start.overflow, !length.overflow, start.partialValue < sectors else { return nil }
      let rest = sectors - start.partialValue
      let size = entry.length == nil ? rest : min(rest, length.partialValue)
      return Place(
        name: entry.name, sectors: start.partialValue..<(start.partialValue + size))
    }
  }

  /// The partitions of a GPT.
  public init(_ table: GPT, physicalPartition: Int = 0) {
    places = table.entries.compactMap { entry in
      guard entry.last < .max, entry.first <= entry.last else { return nil }
      return Place(
        name: entry.name, physicalPartition: physicalPartition,
        sectors: entry.first..<(entry.last + 1))
    }
  }

  /// Whether `count` sectors from `start` on may be changed: they must lie wholly in one partition
  /// that is not protected, and touch no other.
  func check(label: String, start: RawProgram.Sector, count: UInt64, physicalPartition: Int)
    throws(FirehoseError) -> UInt64
  {
    if ProtectedPartitions.contains(label) { throw .protectedPlace(label) }
    guard case .number(let first) = start else {
      throw .protectedPlace("a place that only the stick can compute")
    }
    let (end, overflow) = first.addingReportingOverflow(count)
    guard !overflow, count > 0 else { throw .badRequest("\(count) sectors at \(first)") }
    let touched = places.filter {
      $0.physicalPartition == physicalPartition && $0.sectors.overlaps(first..<end)
    }
    if let bad = touched.first(where: { ProtectedPartitions.contains($0.name) }) {
      throw .protectedPlace(bad.name)
    }
    guard touched.count == 1, touched[0].sectors.lowerBound <= first,
      end <= touched[0].sectors.upperBound
    else { throw .protectedPlace("sectors \(first) to \(end) are not inside one partition") }
    return first
  }
}
