import SmithBytes
import SmithFormats
import SmithLink
import SmithProtocols
import SmithVendors

/// A loader that answers every request with the next piece of the input, framed.
final class PlayedLoader: ByteLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private var waiting: [[UInt8]] = []
  private(set) var now: Duration = .zero

  init(_ bytes: ArraySlice<UInt8>) {
    pieces = bytes.split(separator: 0xff).map { [UInt8]($0) }
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) {
    if !pieces.isEmpty { waiting.append(HDLC.frame(pieces.removeFirst())) }
  }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard !waiting.isEmpty else {
      now += limit
      if pieces.isEmpty { throw .gone }
      throw .silent
    }
    return waiting.removeFirst()
  }
  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}

/// Sierra images, answer lines and the download procedure: nothing traps, everything ends. The
/// first byte chooses which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSierra(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  switch choice % 3 {
  case 0: fuzzImage(SharedBytes([UInt8](bytes.dropFirst())))
  case 1: fuzzAnswers(String(decoding: bytes.dropFirst(), as: UTF8.self))
  default:
    let link = PlayedLoader(bytes.dropFirst())
    let image = QDLImage(
      name: "x", type: .cwe, header: [UInt8](repeating: 0, count: 400), size: 5000
    ) { range, buffer in
      buffer.append(contentsOf: repeatElement(7, count: range.count))
      return true
    }
    Task.immediate { _ = try? await SierraQDL.download([image], over: link) }
    precondition(link.now < .seconds(7200), "a wait without a bound")
  }
  return 0
}

func fuzzImage(_ bytes: SharedBytes) {
  guard let image = try? SierraImage.examine(bytes) else { return }
  image.root.visit { node, _ in
    precondition(node.offset + SierraHeader.size + node.body.count <= bytes.count, "out of file")
  }
  _ = (image.kind, image.versions, image.flaws.map(\.trouble))
}

func fuzzAnswers(_ text: String) {
  let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
  _ = (SierraInformation(lines: lines), SierraPRI(lines: lines), SierraPreference(lines: lines))
  _ = (SierraImageList(lines: lines), SierraPower(lines: lines))
  _ = (SierraAnswers.mode(status: lines), SierraAnswers.usb(lines: lines))
  _ = lines.map { (SierraRevision($0), SierraVersionText($0)) }
}
