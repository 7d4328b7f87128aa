public import SmithBytes

/// A 32-bit ELF program as used for later boot loaders and Firehose programmers; read for
/// identification and bounds only (Docs/Protocols/mbn.md section 4).
public struct ELFProgram: Sendable {
  /// One loadable or descriptive part.
  public struct Segment: Equatable, Sendable {
    /// ELF type: 1 is loaded, 0 is not.
    public var type: UInt32
    /// Where in the file its bytes are.
    public var fileRange: Range<Int>
    /// Address in memory.
    public var address: UInt32
    /// Bytes in memory; what exceeds the file's bytes is zero.
    public var memorySize: UInt32
    /// ELF flags; Qualcomm keeps the segment type in bits 24 to 26.
    public var flags: UInt32

    /// Whether this is the segment with the hashes of the others.
    public var isHashTable: Bool { flags >> 24 & 7 == 2 }

    /// Gathers the parts.
    public init(
      type: UInt32, fileRange: Range<Int>, address: UInt32, memorySize: UInt32, flags: UInt32
    ) {
      self.type = type
      self.fileRange = fileRange
      self.address = address
      self.memorySize = memorySize
      self.flags = flags
    }
  }

  /// The whole file.
  public let bytes: SharedBytes
  /// Address of the first instruction.
  public let entry: UInt32
  /// Machine code: 40 is ARM.
  public let machine: UInt16
  /// Program headers in their order.
  public let segments: [Segment]

  /// Reads headers and checks that every segment lies inside the file.
  public init(reading bytes: SharedBytes) throws(QualcommImageError) {
    guard bytes.bytes(0..<6) == [0x7f, 0x45, 0x4c, 0x46, 1, 1] else { throw .noELF }
    var reader = ByteReader(bytes, at: 18)
    guard let machine = reader.little(UInt16.self), reader.skip(4),
      let entry = reader.little(UInt32.self), let table = reader.little(UInt32.self),
      reader.skip(10), let size = reader.little(UInt16.self),
      let count = reader.little(UInt16.self)
    else { throw .elfOutOfBounds("the file header is cut") }
    guard size >= 32, count <= 256 else {
      throw .elfOutOfBounds("\(count) program headers of \(size) bytes")
    }
    var segments: [Segment] = []
    for index in 0..<Int(count) {
      segments.append(
        try Self.segment(bytes, at: Int(table) + index * Int(size), index: index))
    }
    self.bytes = bytes
    self.entry = entry
    self.machine = machine
    self.segments = segments
  }

  /// The boot header inside the hash segment, if there is one that makes sense.
  public var hashHeader: MBNHeader? { hashTable?.header }

  /// A file of loadable segments, each on a 4096-byte border.
  public static func build(
    entry: UInt32, segments: [(address: UInt32, flags: UInt32, bytes: [UInt8])]
  ) -> [UInt8] {
    var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1] + [UInt8](repeating: 0, count: 9)
    for half in [2, 40] as [UInt16] { file.append(little: half) }
    for word in [1, entry, 52, 0, 0x0500_0002] as [UInt32] { file.append(little: word) }
    for half in [52, 32, UInt16(truncatingIfNeeded: segments.count), 40, 0, 0] as [UInt16] {
      file.append(little: half)
    }
    var offset = 4096
    for segment in segments {
      let size = UInt32(truncatingIfNeeded: segment.bytes.count)
      let fields = [
        1, UInt32(truncatingIfNeeded: offset), segment.address, segment.address, size, size,
        segment.flags, 4096,
      ]
      for word in fields { file.append(little: word) }
      offset += (segment.bytes.count + 4095) / 4096 * 4096
    }
    for segment in segments {
      let gap = (4096 - file.count % 4096) % 4096
      file.append(contentsOf: repeatElement(0, count: gap))
      file.append(contentsOf: segment.bytes)
    }
    return file
  }

  private static func segment(_ bytes: SharedBytes, at offset: Int, index: Int)
    throws(QualcommImageError) -> Segment
  {
    var reader = ByteReader(bytes, at: offset)
    let words = reader.words(8)
    guard words.count == 8 else { throw .elfOutOfBounds("program header \(index)") }
    let start = Int(words[1])
    let end = start + Int(words[4])
    // A segment without bytes may name any offset.
    guard words[4] == 0 || end <= bytes.count else {
      throw .elfOutOfBounds("segment \(index) ends at \(end) of \(bytes.count)")
    }
    return Segment(
      type: words[0], fileRange: start..<end, address: words[3], memorySize: words[5],
      flags: words[6])
  }
}
