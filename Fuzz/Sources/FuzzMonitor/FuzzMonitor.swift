import FuzzKit
import SmithModel
import SmithProtocols

/// Probe and download procedure against a stick that says anything: ends within a bounded time.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMonitor(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  let stick = PlayedLink(frames: bytes)
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
