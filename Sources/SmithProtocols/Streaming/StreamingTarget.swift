import SmithFormats

/// What a streaming loader may be asked to write (Docs/Protocols/streaming.md section 4).
///
/// Modem file systems (09, 0B), the whole flash (0C), raw access (13) and the boot ROM's own image
/// (01) have no case here, so that nobody can ask for them.
public enum StreamingTarget: Equatable, Sendable {
  case qcsblHeader, qcsbl, oemsbl, amss, apps, obl, fotaUI, appsbl, dsp1, dbl, osbl, fsbl, dsp2
  /// A partition by its name in the table, `0:` included.
  case partition(String)

  /// The mode byte of the open request.
  public var mode: UInt8 {
    switch self {
    case .qcsblHeader: 0x02
    case .qcsbl: 0x03
    case .oemsbl: 0x04
    case .amss: 0x05
    case .apps: 0x06
    case .obl: 0x07
    case .fotaUI: 0x08
    case .appsbl: 0x0a
    case .dsp1: 0x0d
    case .partition: 0x0e
    case .dbl: 0x0f
    case .osbl: 0x10
    case .fsbl: 0x11
    case .dsp2: 0x12
    }
  }

  /// The payload of the open request: the partition's name, or the image's header where the loader
  /// wants one.
  func payload(header: [UInt8]) throws(StreamingError) -> [UInt8] {
    guard case .partition(let name) = self else {
      guard header.count <= 512 else { throw .badRequest("a header of \(header.count) bytes") }
      return header
    }
    if ProtectedPartitions.contains(name) { throw .protectedPartition(name) }
    let text = Array(name.utf8)
    guard text.starts(with: [0x30, 0x3a]), (3...16).contains(text.count),
      text.allSatisfy({ (0x21...0x7e).contains($0) })
    else { throw .badRequest("\(name) is no partition name") }
    return text + [0]
  }
}
