import SmithBytes
import SmithFormats
import SmithLink

/// Documents and raw bytes of one Firehose conversation (Docs/Protocols/firehose.md section 1).
final class FirehoseWire {
  /// The one `<response>` of a request.
  struct Response {
    var good: Bool
    var raw: Bool
    var attributes: [String: String]
    /// The last remark before it, usually the reason of a refusal.
    var remark: String
  }

  private let link: any ByteLink
  private let log: (String) -> Void
  private var buffer: [UInt8] = []
  private static let end = Array("</data>".utf8)

  init(_ link: any ByteLink, log: @escaping (String) -> Void) {
    self.link = link
    self.log = log
  }

  /// Sends one element and waits for its response. Never repeated: whether the first one was
  /// carried out cannot be known.
  func ask(_ name: String, _ attributes: [(String, String)], within limit: Duration)
    async throws(FirehoseError) -> Response
  {
    try await takeRemarks(name)
    let list = attributes.map { " \($0.0)=\"\(TextXML.escaped($0.1))\"" }.joined()
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><data><\(name)\(list)/></data>"
    try await send(Array(text.utf8), name)
    return try await response(name, within: limit)
  }

  func response(_ step: String, within limit: Duration) async throws(FirehoseError) -> Response {
    let deadline = link.now + limit
    var remark = ""
    for _ in 0..<10_000 {
      guard let document = try nextDocument(step) else {
        try await fill(step, until: deadline)
        continue
      }
      for element in document {
        if element.name == "log" { remark = say(element) }
        guard element.name == "response" else { continue }
        return Response(
          good: element.attributes["value"] == "ACK",
          raw: element.attributes["rawmode"] == "true", attributes: element.attributes,
          remark: remark)
      }
    }
    throw .silent(step: step)
  }

  func send(_ bytes: [UInt8], _ step: String) async throws(FirehoseError) {
    do throws(LinkError) {
      try await link.send(bytes)
    } catch {
      throw .link(step: step, error)
    }
  }

  func raw(_ count: Int, _ step: String, _ sink: ([UInt8]) -> Void) async throws(FirehoseError) {
    var left = count
    while left > 0 {
      if buffer.isEmpty { try await fill(step, until: link.now + .seconds(30)) }
      let piece = Array(buffer.prefix(left))
      buffer.removeFirst(piece.count)
      left -= piece.count
      if !piece.isEmpty { sink(piece) }
    }
  }

  /// Remarks may follow a response; they must not be taken for the answer to the next request.
  private func takeRemarks(_ step: String) async throws(FirehoseError) {
    for _ in 0..<256 {
      do throws(FirehoseError) {
        try await fill(step, until: link.now)
      } catch .silent {
        break
      } catch {
        throw error
      }
    }
    while let document = try? nextDocument(step) {
      for element in document where element.name == "log" { _ = say(element) }
    }
    buffer.removeAll()
  }

  private func say(_ element: TextXML.Element) -> String {
    let text = String(printable: Array((element.attributes["value"] ?? "").utf8.prefix(200)))
    log(text)
    return text
  }

  private func fill(_ step: String, until deadline: Duration) async throws(FirehoseError) {
    do throws(LinkError) {
      let left = deadline - link.now
      buffer += try await link.receive(within: max(left, .zero))
    } catch .silent {
      throw .silent(step: step)
    } catch {
      throw .link(step: step, error)
    }
  }

  /// Cuts one document off the buffer; nil while none is complete.
  private func nextDocument(_ step: String) throws(FirehoseError) -> [TextXML.Element]? {
    guard let end = firstEnd() else {
      // Remarks are short; whatever else fills the buffer is no Firehose.
      guard buffer.count <= 65_536 else { throw .badAnswer(step: step) }
      return nil
    }
    let start = buffer.firstIndex(of: 0x3c) ?? 0
    let document = Array(buffer[start..<end])
    buffer.removeFirst(end)
    do throws(TextXML.Flaw) {
      return try TextXML.elements(of: document)
    } catch {
      throw .badAnswer(step: step)
    }
  }

  private func firstEnd() -> Int? {
    var index = 0
    while let bracket = buffer[index...].firstIndex(of: 0x3c) {
      if buffer[bracket...].starts(with: Self.end) { return bracket + Self.end.count }
      index = bracket + 1
    }
    return nil
  }
}
