import SmithBytes
import SmithLink
import SmithModel
import Testing

/// A stick whose page answers each request with the next of some prepared replies.
struct RawPage: WebBody {
  var replies: [WebReply]
  var calls: [WebCall] = []
  private var generation = 0
  private var powered = false

  init(_ replies: [WebReply]) {
    self.replies = replies
  }

  /// Raw text at once, and how it ends.
  init(_ text: String, ending: WebReply.Ending = .close) {
    self.init([WebReply([.init(Array(text.utf8), at: .zero)], ending: ending)])
  }

  var face: StickFace? {
    powered ? StickFace(generation: generation, id: USBID(0x12d1, 0x14dc), ports: []) : nil
  }
  var nextDue: Duration? { nil }
  var isListening: Bool { powered }

  mutating func advance(to now: Duration) -> [Emission] { [] }
  mutating func receive(_ bytes: [UInt8], on port: Int, at now: Duration) -> [Emission] { [] }
  mutating func plug(at now: Duration) {
    powered = true
    generation += 1
  }
  mutating func unplug(at now: Duration) { powered = false }

  mutating func answer(_ call: WebCall, at now: Duration) -> WebReply {
    calls.append(call)
    return replies.isEmpty ? .nothing(at: now) : replies.removeFirst()
  }
}

/// What both links must make of the same bytes.
struct PageCase: Sendable, CustomTestStringConvertible {
  var name: String
  var text: String
  var ending: WebReply.Ending
  /// The body, or why there is none.
  var expected: Result<String, WebError>

  var testDescription: String { name }

  init(
    _ name: String, _ text: String, _ ending: WebReply.Ending, _ expected: Result<String, WebError>
  ) {
    self.name = name
    self.text = text
    self.ending = ending
    self.expected = expected
  }

  static let limit = 1000

  static let all = [
    PageCase(
      "with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .open, .success("hello")
    ),
    PageCase("until the end", "HTTP/1.0 200 OK\r\n\r\nhello", .close, .success("hello")),
    PageCase("bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", .open, .success("hi")),
    PageCase(
      "in chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
      .open, .success("hello")),
    PageCase(
      "after an interim answer",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", .open,
      .success("hi")),
    PageCase(
      "more than the length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more", .close,
      .success("hi")),
    PageCase("nothing at all", "", .close, .failure(.gone)),
    PageCase("reset at once", "", .reset, .failure(.gone)),
    PageCase(
      "less than the length", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", .close,
      .failure(.gone)),
    PageCase(
      "another protocol", "SSH-2.0-dropbear_2019\r\nhello\r\n\r\n", .close, .failure(.garbled)),
    PageCase(
      "no number of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .close,
      .failure(.garbled)),
    PageCase(
      "longer than allowed", "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: limit + 1),
      .open, .failure(.tooLong(limit: limit))),
    PageCase(
      "without end", "HTTP/1.1 200 OK\r\n\r\nmore and more", .endless,
      .failure(.tooLong(limit: limit))),
    PageCase("never", "HTTP/1.1 200 OK\r\n", .stall, .failure(.silent)),
  ]
}
