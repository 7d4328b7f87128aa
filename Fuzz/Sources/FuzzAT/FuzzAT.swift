import FuzzKit
import SmithAT

/// The AT engine: three commands over a modem that says anything; ends, and never traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAT(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  run {
    let session = ATSession(link: PlayedLink(bytes, mark: 0xff, vanishes: true) { $0 })
    for command: ATCommand in ["ATI", "AT^VERSION?", "AT+CGDCONT?"] {
      _ = try? await session.send(command)
    }
  }
  _ = IdentityMask.masked(String(decoding: bytes, as: UTF8.self))
  _ = ATGuard().refusal(of: ATCommand(String(decoding: bytes, as: UTF8.self)))
  return 0
}

/// Runs work that never suspends.
func run(_ work: @escaping () async -> Void) {
  let box = Box(work)
  let task = Task.immediate { await box.work() }
  _ = task
}

final class Box: @unchecked Sendable {
  let work: () async -> Void
  init(_ work: @escaping () async -> Void) { self.work = work }
}
