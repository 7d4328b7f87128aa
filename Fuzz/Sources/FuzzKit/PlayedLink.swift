import SmithBytes
import SmithLink

/// A far end that says what the input says, whatever it is asked; it never suspends.
package final class PlayedLink: ByteLink, @unchecked Sendable {
  private var pieces: [[UInt8]]
  private var ready: [[UInt8]] = []
  private let waitsForSends: Bool
  private let vanishes: Bool
  package private(set) var now: Duration = .zero

  /// - Parameters:
  ///   - mark: the byte that ends a piece.
  ///   - waitsForSends: one piece for each request, instead of all of them as fast as they are read.
  ///   - vanishes: the port is gone behind the last piece, instead of silent.
  ///   - wrap: what becomes of a piece on the wire.
  package init(
    _ bytes: some Collection<UInt8>, mark: UInt8, waitsForSends: Bool = false,
    vanishes: Bool = false, wrap: ([UInt8]) -> [UInt8]
  ) {
    pieces = bytes.split(separator: mark).map { wrap([UInt8]($0)) }
    self.waitsForSends = waitsForSends
    self.vanishes = vanishes
  }

  /// A frame behind FD, and bare bytes otherwise; FE ends a piece.
  package convenience init(frames bytes: some Collection<UInt8>) {
    self.init(bytes, mark: 0xfe) { $0.first == 0xfd ? HDLC.frame([UInt8]($0.dropFirst())) : $0 }
  }

  package func send(_ bytes: [UInt8]) async throws(LinkError) {
    if waitsForSends, !pieces.isEmpty { ready.append(pieces.removeFirst()) }
  }

  package func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    if !waitsForSends, limit > .zero, !pieces.isEmpty { ready.append(pieces.removeFirst()) }
    guard !ready.isEmpty else {
      now += limit
      if vanishes, pieces.isEmpty, limit > .zero { throw .gone }
      throw .silent
    }
    now += min(limit, .milliseconds(1))
    return ready.removeFirst()
  }

  package func pause(_ duration: Duration) async { now += duration }
  package func close() async {}
}
