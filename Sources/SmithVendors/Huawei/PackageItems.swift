import SmithBytes
import SmithFormats
import SmithModel
import SmithProtocols

extension FirmwareImage {
  /// The items as the download procedure wants them.
  var balongItems: [BalongItem] {
    segments.map { segment in
      BalongItem(id: segment.id, name: segment.name, size: segment.size) { () throws(Trouble) in
        let source = try ItemSource(segment)
        return { (count: Int) throws(Trouble) -> [UInt8] in try source.next(count) }
      }
    }
  }

  /// Keeps the place in one item between two blocks.
  private final class ItemSource {
    private let stored: SharedBytes
    private var reader: SegmentReader

    init(_ segment: Segment) throws(Trouble) {
      stored = segment.stored
      do { reader = try segment.reader() } catch { throw error.trouble }
    }

    func next(_ count: Int) throws(Trouble) -> [UInt8] {
      do { return try reader.next(count) } catch {
        // Packed data broke off because the file changed: too few bytes say so, as with plain data.
        if stored.hasChanged { return [] }
        throw error.trouble
      }
    }
  }
}
