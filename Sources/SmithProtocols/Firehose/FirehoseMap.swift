public import SmithFormats

/// What lies where on the stick's storage: read from the stick before anything is written
/// (Docs/Protocols/firehose.md section 4).
public struct FirehoseMap: Sendable, Equatable {
  /// One partition.
  public typealias Place = StoragePlace

  /// Known partitions.
  public var places: [Place]

  /// Gathers the parts; without any place nothing can be written.
  public init(places: [Place]) {
    self.places = places
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
    guard label.isEmpty || touched[0].isNamed(label) else {
      throw .protectedPlace("\(label) would go where the stick has \(touched[0].name)")
    }
    return first
  }
}
