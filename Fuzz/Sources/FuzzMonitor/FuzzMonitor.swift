import SmithBytes
import SmithLink
import SmithModel
import SmithProtocols

/// A stick that answers every message with the next pieces of the input, framed or bare.
final class PlayedStick: ByteLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private(set) var now: Duration = .zero
  private(set) var sends = 0

  init(_ bytes: [UInt8]) {
    pieces = bytes.split(separator: 0xfe, omittingEmptySubsequences: true).map { piece in
      piece.first == 0xfd ? HDLC.frame([UInt8](piece.dropFirst())) : [UInt8](piece)
    }
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) { sends += 1 }
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard limit > .zero, !pieces.isEmpty else {
      now += limit
      throw .silent
    }
    now += min(limit, .milliseconds(1))
    return pieces.removeFirst()
  }
  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}

/// Probe and download procedure against a stick that says anything: ends within a bounded time.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMonitor(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  let stick = PlayedStick(bytes)
  let task = Task.immediate {
    guard let state = try? await BalongProbe(stick).state(expectingDownload: true) else { return }
    let monitor = BalongMonitor(stick)
    guard (try? await monitor.open(state, signature: nil)) != nil else { return }
    let item = BalongItem(id: 0x105, name: "Kernel", size: 9000) { () throws(Trouble) in
      { (count: Int) throws(Trouble) -> [UInt8] in [UInt8](repeating: 0x7e, count: count) }
    }
    try? await monitor.write(item) { _ in }
    try? await monitor.reset()
  }
  _ = task
  precondition(stick.now < .seconds(3600), "a wait without a bound")
  return 0
}
