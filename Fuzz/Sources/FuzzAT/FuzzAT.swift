import SmithAT
import SmithLink

/// A modem that answers every command with the next pieces of the input.
final class PlayedLink: ByteLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private(set) var now: Duration = .zero

  init(_ bytes: [UInt8]) {
    pieces = bytes.split(separator: 0xff, omittingEmptySubsequences: true).map { [UInt8]($0) }
  }

  func send(_ bytes: [UInt8]) async throws(LinkError) {}
  func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    guard limit > .zero, !pieces.isEmpty else {
      now += limit
      if limit > .zero { throw .gone }
      throw .silent
    }
    now += min(limit, .milliseconds(1))
    return pieces.removeFirst()
  }
  func pause(_ duration: Duration) async { now += duration }
  func close() async {}
}

/// The AT engine: three commands over a modem that says anything; ends, and never traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAT(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  run {
    let session = ATSession(link: PlayedLink(bytes))
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
