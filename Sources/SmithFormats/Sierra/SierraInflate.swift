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
    return stream.withSpan { input in
      unsafe input.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return .damaged }
        unsafe state.next_in = UnsafeMutablePointer(
          mutating: base.assumingMemoryBound(to: UInt8.self))
        unsafe state.avail_in = UInt32(source.count)
        while true {
          let (code, made) = unsafe step(&state, into: &window)
          total += made
          guard total <= limit else { return .tooBig }
          unsafe crc.update(window.span.bytes.extracting(0..<made))
          if code == Z_STREAM_END { break }
          guard code == Z_OK, unsafe made > 0 || state.avail_in > 0 else { return .damaged }
        }
        return unsafe state.avail_in == 0 ? .crc(crc.value) : .damaged
      }
    }
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
