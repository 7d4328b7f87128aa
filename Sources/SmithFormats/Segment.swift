public import SmithBytes

/// How the stored bytes of a segment become the bytes that are sent.
public enum Packing: String, Sendable, Codable {
  /// Stored as sent.
  case none
  /// A zlib stream.
  case zlib
  /// An LZMA-alone stream of unknown size.
  case lzma
}

/// One part of an image; its bytes stay in the file until they are read.
public struct Segment: Sendable {
  /// Place in the image, from 0.
  public var index: Int
  /// What the stick calls it; sent as it is.
  public var id: UInt32
  /// What people call it; safe to print.
  public var name: String
  /// Bytes as sent, unpacked.
  public var size: Int
  /// Bytes as stored in the file.
  public var storedSize: Int { stored.count }
  /// How the stored bytes are packed.
  public var packing: Packing
  /// Version without its platform, as in `21.157.06.00.264`; may be empty.
  public var version: String
  /// Platform in front of the version, if the text has one.
  public var platform: String?
  /// Product id the part is for; may be empty.
  public var compatibility: String
  /// Version of the part's header.
  public var headerVersion: UInt32
  /// Build date as text; may be empty.
  public var date: String
  /// Build time as text; may be empty.
  public var time: String
  /// Bytes covered by one CRC of the table.
  public var blockSize: Int
  /// Offset of the part's header in the file.
  public var offset: Int
  /// The stored bytes, a slice of the file.
  public var stored: SharedBytes
  /// Memory in bytes that unpacking may take.
  var memoryLimit = ImageLimits.standard.lzmaMemory

  /// Gathers the parts.
  public init(
    index: Int, id: UInt32, name: String, size: Int, packing: Packing = .none,
    version: String = "", platform: String? = nil, compatibility: String = "",
    headerVersion: UInt32 = 0, date: String = "", time: String = "", blockSize: Int = 0,
    offset: Int = 0, stored: SharedBytes
  ) {
    self.index = index
    self.id = id
    self.name = name
    self.size = size
    self.packing = packing
    self.version = version
    self.platform = platform
    self.compatibility = compatibility
    self.headerVersion = headerVersion
    self.date = date
    self.time = time
    self.blockSize = blockSize
    self.offset = offset
    self.stored = stored
  }

  /// Where this part is, for errors.
  var spot: ImageSpot { ImageSpot(offset: offset, item: index, name: name) }

  /// A file name for unpacking, as in `03-00030000-Kernel.bin`
  /// (balong-image.md section 8).
  public var fileName: String {
    let order = index < 10 ? "0\(index)" : "\(index)"
    return "\(order)-\(hex8(id))-\(Self.sanitised(name)).bin"
  }

  /// Letters, digits, dash and underscore of `name`, everything else "_", at most 40.
  static func sanitised(_ name: String) -> String {
    let kept = name.utf8.prefix(40).map { byte -> UInt8 in
      let letter = (0x41...0x5a).contains(byte & 0xdf)
      let digit = (0x30...0x39).contains(byte)
      return letter || digit || byte == 0x2d || byte == 0x5f ? byte : 0x5f
    }
    return kept.isEmpty ? "item" : String(decoding: kept, as: UTF8.self)
  }

  /// Begins to read the part from its start, unpacked.
  ///
  /// - Throws: ``ImageError`` if there is no memory for the unpacker.
  public func reader() throws(ImageError) -> SegmentReader {
    try SegmentReader(self)
  }
}

/// Hands out a segment's unpacked bytes in order, with no more memory than one request and the
/// unpacker's own window.
public struct SegmentReader: ~Copyable {
  private let segment: Segment
  private let stream: UnpackStream?
  /// Bytes handed out so far.
  public private(set) var position = 0

  init(_ segment: Segment) throws(ImageError) {
    self.segment = segment
    do throws(StreamFlaw) {
      stream = try UnpackStream(
        segment.packing, input: segment.stored, memoryLimit: segment.memoryLimit)
    } catch {
      throw error.at(segment.spot, segment.packing)
    }
  }

  /// Bytes that have not been handed out.
  public var left: Int { segment.size - position }

  /// The next `count` unpacked bytes, fewer at the end; empty when all are handed out.
  ///
  /// - Throws: ``ImageError`` if the packed stream is broken, which cannot happen for a segment
  ///   of an image that was read, unless the file changed since.
  public mutating func next(_ count: Int) throws(ImageError) -> [UInt8] {
    let wanted = min(max(count, 0), left)
    guard wanted > 0 else { return [] }
    guard let stream else {
      let bytes = segment.stored.intact(position..<(position + wanted))
      position += bytes.count
      return bytes
    }
    var bytes = [UInt8](repeating: 0, count: wanted)
    do throws(StreamFlaw) {
      var filled = 0
      while filled < wanted {
        let more = try stream.decode(into: &bytes, from: filled)
        if more == 0 { break }
        filled += more
      }
      guard filled == wanted else { throw .broken("it ends too early") }
    } catch {
      throw error.at(segment.spot, segment.packing)
    }
    position += wanted
    return bytes
  }
}
