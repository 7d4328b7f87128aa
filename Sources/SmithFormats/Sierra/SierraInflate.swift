import CZlib
import SmithBytes

/// The CRC of a zlib stream's content, in constant memory.
enum SierraInflate {
  enum Outcome: Equatable {
    case crc(UInt32)
    case damaged
    case tooBig
  }

  /// Inflates `stream`, which has to be one whole zlib stream and nothing more, and keeps only
  /// the CRC; stops at `limit` bytes of content.
  static func crc(of stream: SharedBytes, limit: Int) -> Outcome {
    guard stream.count <= Int(UInt32.max) else { return .tooBig }
    var state = unsafe z_stream()
    let size = Int32(unsafe MemoryLayout<z_stream>.size)
    guard unsafe inflateInit_(&state, ZLIB_VERSION, size) == Z_OK else { return .damaged }
    defer { _ = unsafe inflateEnd(&state) }
    var crc = CRC32Sierra()
    var total = 0
    var window = [UInt8](repeating: 0, count: 1 << 16)
    // Nothing but the end of the stream and of its bytes together makes it whole.
    var outcome = Outcome.damaged
    stream.forEachWindow { input, offset in
      unsafe input.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return false }
        unsafe state.next_in = UnsafeMutablePointer(
          mutating: base.assumingMemoryBound(to: UInt8.self))
        unsafe state.avail_in = UInt32(source.count)
        while true {
          let (code, made) = unsafe step(&state, into: &window)
          total += made
          unsafe crc.update(window.span.bytes.extracting(0..<made))
          if total > limit {
            outcome = .tooBig
            return false
          }
          let isEmpty = unsafe state.avail_in == 0
          if code == Z_STREAM_END {
            if isEmpty, offset + source.count == stream.count { outcome = .crc(crc.value) }
            return false
          }
          guard code == Z_OK || code == Z_BUF_ERROR, made > 0 || isEmpty else { return false }
          // A full output window may hide more that is ready.
          if isEmpty, made < window.count { return true }
        }
      }
    }
    return outcome
  }

  private static func step(_ state: inout z_stream, into window: inout [UInt8]) -> (Int32, Int) {
    unsafe window.withUnsafeMutableBufferPointer { buffer in
      unsafe state.next_out = buffer.baseAddress
      unsafe state.avail_out = UInt32(buffer.count)
      let code = unsafe inflate(&state, Z_NO_FLUSH)
      return unsafe (code, buffer.count - Int(state.avail_out))
    }
  }
}
