public import SmithBytes

/// What is sent for one image, and where its bytes come from.
public struct QDLImage: Sendable {
  /// Image types of the open request (Docs/Protocols/sierra-qdl.md section 4).
  public enum Kind: UInt8, Sendable {
    /// Modem firmware of Gobi 2000.
    case amss = 0x05
    /// Application firmware of Gobi 2000.
    case apps = 0x06
    /// Carrier settings of Gobi 2000.
    case uqcn = 0x0d
    /// Any Sierra image with its header.
    case cwe = 0x80
  }

  /// What to call it, as in a file name.
  public var name: String
  /// How it is announced.
  public var type: Kind
  /// The 400 bytes of a Sierra header; empty for Gobi 2000.
  public var header: [UInt8]
  /// Bytes to send after the header.
  public var size: Int
  /// Appends the bytes at a range (offsets from 0 to `size`) to a buffer; false if it cannot.
  public var append: @Sendable (Range<Int>, inout [UInt8]) -> Bool

  /// Gathers the parts.
  public init(
    name: String, type: Kind, header: [UInt8], size: Int,
    append: @escaping @Sendable (Range<Int>, inout [UInt8]) -> Bool
  ) {
    self.name = name
    self.type = type
    self.header = header
    self.size = size
    self.append = append
  }

  /// An image that lies in a file; nothing is copied before it is sent.
  ///
  /// A Sierra image is split into its header of 400 bytes and the rest. The last 8 bytes of a
  /// Gobi 2000 modem image are not sent. Nil if nothing would be left to send.
  public init?(name: String, type: Kind, file: SharedBytes) {
    let header = type == .cwe ? 400 : 0
    let end = file.count - (type == .amss ? 8 : 0)
    guard header < end, let body = file.slice(header..<end) else { return nil }
    let head = file.intact(0..<header)
    guard head.count == header else { return nil }
    self.init(name: name, type: type, header: head, size: body.count) {
      range, buffer in
      let piece = body.intact(range)
      guard piece.count == range.count else { return false }
      buffer.append(contentsOf: piece)
      return true
    }
  }
}

/// Limits of every wait and every repetition (Docs/Protocols/sierra-qdl.md section 7).
public struct QDLLimits: Sendable {
  /// For answers that need no work: switch, hello, open, done.
  public var answer: Duration = .seconds(5)
  /// For the answer of a chunk, of any size; 10 s for each MiB come on top.
  public var chunk: Duration = .seconds(110)
  /// For the answer of the last chunk, which comes after flashing; 2 s for each MiB of the image
  /// come on top.
  public var flash: Duration = .seconds(300)
  /// Quiet time that ends the discarding of old answers.
  public var quiet: Duration = .milliseconds(100)
  /// How often switch and hello are sent before silence counts.
  public var tries = 3
  /// How often one image is begun.
  public var attempts = 3
  /// Largest chunk that we send, in bytes.
  public var chunkBytes = 1 << 20
  /// Versions of the protocol to offer, best first.
  public var versions: [UInt8] = [6, 5]

  /// The defaults.
  public init() {}
}

/// Where a download is; `isFlashing` is the time in which power must not be cut.
public struct QDLProgress: Equatable, Sendable {
  /// Index of the image.
  public var image: Int
  /// Its name.
  public var name: String
  /// Bytes that the stick has acknowledged.
  public var sent: Int
  /// Bytes of the image.
  public var size: Int
  /// Which beginning of this image this is, from 1.
  public var attempt: Int
  /// Whether the last chunk is under way or acknowledged and the session is not done: the stick
  /// may be writing its flash.
  public var isFlashing: Bool
  /// Whether the stick has confirmed the whole image.
  public var isDone: Bool
}

/// How a download ended.
public struct QDLResult: Equatable, Sendable {
  /// Version of the protocol that was agreed.
  public var version: UInt8
  /// Names of the images that the stick took.
  public var written: [String]
  /// Names of the images that it said it does not need.
  public var notNeeded: [String]
  /// How often an image had to be begun again.
  public var restarts: Int
  /// Frames that could not be used.
  public var garbage: Int
}
