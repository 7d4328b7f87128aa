public import SmithBytes

/// A simulated stick that serves a web page, beside whatever serial ports its face has.
///
/// A stick with a page alone shows a face without ports. The body says every byte that goes back,
/// so that odd headers, chunks, endless pages and broken connections can be simulated as they are.
public protocol WebBody: StickBody {
  /// Whether something takes connections now: false while off the bus, booting, or in a mode
  /// that has no page.
  var isListening: Bool { get }
  /// Takes one whole request; performs first what has fallen due. Serial bytes that come of it
  /// leave with the next ``StickBody/advance(to:)``.
  mutating func answer(_ call: WebCall, at now: Duration) -> WebReply
}

/// One request as a stick's web server takes it in.
public struct WebCall: Sendable {
  /// `GET`, `POST` or whatever the client wrote.
  public var method: String
  /// Path with its query, as written.
  public var path: String
  /// All header lines in order, Host and Content-Length too.
  public var headers: [WebHeader]
  /// The whole body.
  public var body: SharedBytes

  /// Gathers the parts.
  public init(
    _ method: String, _ path: String, headers: [WebHeader] = [],
    body: SharedBytes = SharedBytes([])
  ) {
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
  }

  /// The first header of that name, whatever its case.
  public subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// The path without its query.
  public var bare: String { String(path.prefix { $0 != "?" }) }
}

/// What a stick sends over the connection, byte for byte, and how the connection ends.
public struct WebReply: Equatable, Sendable {
  /// Bytes and the moment at which they leave.
  public struct Piece: Equatable, Sendable {
    /// What is sent; status line and headers are bytes like any other.
    public var bytes: [UInt8]
    /// When it leaves the stick.
    public var at: Duration

    /// Gathers the parts.
    public init(_ bytes: [UInt8], at: Duration) {
      self.bytes = bytes
      self.at = at
    }
  }

  /// What becomes of the connection after the last piece.
  public enum Ending: Equatable, Sendable {
    /// It stays open for the next request.
    case open
    /// It is closed in order.
    case close
    /// It breaks off.
    case reset
    /// It stays open and nothing ever comes: neither bytes nor an end, nor the next answer.
    case stall
    /// The last piece is sent again and again for as long as somebody reads.
    case endless
  }

  /// In the order of their times.
  public var pieces: [Piece]
  /// What becomes of the connection then.
  public var ending: Ending

  /// Gathers the parts.
  public init(_ pieces: [Piece], ending: Ending) {
    self.pieces = pieces
    self.ending = ending
  }

  /// A well-mannered answer with a length, all of it at once.
  public static func page(
    _ status: Int = 200, headers: [WebHeader] = [], body: [UInt8], at: Duration
  ) -> WebReply {
    var head = "HTTP/1.1 \(status) \(status == 200 ? "OK" : "Other")\r\n"
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    head += "Content-Length: \(body.count)\r\n\r\n"
    return WebReply([Piece(Array(head.utf8) + body, at: at)], ending: .open)
  }

  /// The connection breaks off at that moment without a byte.
  public static func nothing(at: Duration) -> WebReply {
    WebReply([Piece([], at: at)], ending: .reset)
  }
}
