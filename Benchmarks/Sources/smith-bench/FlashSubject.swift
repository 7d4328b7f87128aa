import SmithBytes
import SmithLink
import SmithModel
import SmithProtocols

/// What is measured: the real download procedure, from the opening of the session to the last
/// acknowledged block.
struct FlashSubject {
  let link: any ByteLink
  /// Repeated over and over as the item's content, so that the item costs no memory.
  let data: [UInt8]

  /// Opens the session; not part of the measured time.
  func open() async throws -> BalongMonitor {
    let monitor = BalongMonitor(link)
    _ = try await monitor.open(.downloadAT, signature: nil)
    return monitor
  }

  /// Writes one item of `bytes` bytes.
  func write(_ bytes: Int, with monitor: BalongMonitor) async throws {
    let data = data
    let item = BalongItem(id: 0x30000, name: "Kernel", size: bytes) {
      var position = 0
      return { count in
        if position + count > data.count { position = 0 }
        defer { position += count }
        return [UInt8](data[position..<(position + count)])
      }
    }
    try await monitor.write(item) { _ in }
  }
}
