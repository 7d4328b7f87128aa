internal import CLZMA
internal import CZlib
internal import SmithBytes

/// What is wrong with a packed stream, before it is known where the stream lies.
enum StreamFlaw: Error, Equatable {
  case broken(String)
  case wantsMemory

  func at(_ spot: ImageSpot, _ packing: Packing) -> ImageError {
    switch self {
    case .broken(let reason):
      packing == .zlib ? .zlibBroken(spot, reason: reason) : .lzmaBroken(spot, reason: reason)
    case .wantsMemory: .lzmaMemory(spot)
    }
  }
}

/// A zlib or LZMA-alone stream that is unpacked piece by piece (balong-image.md section 4).
///
/// The states of both libraries must not move in memory, so they live behind pointers that
/// this object alone owns.
@safe final class UnpackStream {
  @safe private enum State {
    case zlib(UnsafeMutablePointer<z_stream>)
    case lzma(UnsafeMutablePointer<lzma_stream>)
  }

  private let state: State
  private let input: SharedBytes
  /// What is being fed, copied out of the input piece by piece, and how much of it was used.
  private var chunk: [UInt8] = []
  private var fed = 0
  private static let chunkSize = 1 << 16
  /// Bytes of the input that were used.
  private(set) var consumed = 0
  /// Whether the stream said that it ends.
  private(set) var finished = false

  /// Begins a stream; nil if nothing is packed.
  init?(_ packing: Packing, input: SharedBytes, memoryLimit: Int) throws(StreamFlaw) {
    self.input = input
    switch packing {
    case .none: return nil
    case .zlib:
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: unsafe z_stream())
      state = unsafe .zlib(stream)
      let size = unsafe Int32(MemoryLayout<z_stream>.size)
      guard unsafe inflateInit_(stream, ZLIB_VERSION, size) == Z_OK else {
        throw .wantsMemory
      }
    case .lzma:
      let stream = UnsafeMutablePointer<lzma_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: lzma_stream())
      state = unsafe .lzma(stream)
      guard unsafe lzma_alone_decoder(stream, UInt64(memoryLimit)) == LZMA_OK else {
        throw .wantsMemory
      }
    }
  }

  deinit {
    switch state {
    case .zlib(let stream):
      _ = unsafe inflateEnd(stream)
      unsafe stream.deallocate()
    case .lzma(let stream):
      unsafe lzma_end(stream)
      unsafe stream.deallocate()
    }
  }

  /// Unpacks into `output` from index `start` on and says how many bytes came; 0 only when the
  /// stream has ended.
  func decode(into output: inout [UInt8], from start: Int) throws(StreamFlaw) -> Int {
    if finished || start >= output.count { return 0 }
    // At most 1 GiB a call: zlib counts with 32 bits.
    let room = min(output.count - start, 1 << 30)
    if fed == chunk.count {
      let next = min(consumed + Self.chunkSize, input.count)
      chunk = input.intact(consumed..<next)
      fed = 0
    }
    let (used, made, result) = unsafe chunk.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        unsafe step(
          UnsafeRawBufferPointer(rebasing: source[fed...]),
          UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + room)]))
      }
    }
    consumed += used
    fed += used
    switch result {
    case .more where used == 0 && made == 0: throw .broken("it ends too early")
    case .more: break
    case .end: finished = true
    case .failed(let flaw): throw flaw
    }
    if made == 0 && !finished { return try decode(into: &output, from: start) }
    return made
  }

  private enum Result {
    case more, end
    case failed(StreamFlaw)
  }

  private func step(
    _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
  ) -> (used: Int, made: Int, result: Result) {
    let from = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let to = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    switch state {
    case .zlib(let stream):
      unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: from)
      unsafe stream.pointee.avail_in = UInt32(source.count)
      unsafe stream.pointee.next_out = to
      unsafe stream.pointee.avail_out = UInt32(target.count)
      let status = unsafe inflate(stream, Z_NO_FLUSH)
      let used = unsafe source.count - Int(stream.pointee.avail_in)
      let made = unsafe target.count - Int(stream.pointee.avail_out)
      return (used, made, Self.judge(zlib: status))
    case .lzma(let stream):
      unsafe stream.pointee.next_in = from
      unsafe stream.pointee.avail_in = source.count
      unsafe stream.pointee.next_out = to
      unsafe stream.pointee.avail_out = target.count
      let status = unsafe lzma_code(stream, LZMA_RUN)
      let used = unsafe source.count - stream.pointee.avail_in
      let made = unsafe target.count - stream.pointee.avail_out
      return (used, made, Self.judge(lzma: status))
    }
  }

  private static func judge(zlib status: Int32) -> Result {
    switch status {
    case Z_OK, Z_BUF_ERROR: .more
    case Z_STREAM_END: .end
    case Z_NEED_DICT: .failed(.broken("it needs a dictionary that nobody has"))
    case Z_MEM_ERROR: .failed(.wantsMemory)
    default: .failed(.broken("its data or its check sum is wrong"))
    }
  }

  private static func judge(lzma status: lzma_ret) -> Result {
    switch status {
    case LZMA_OK, LZMA_BUF_ERROR: .more
    case LZMA_STREAM_END: .end
    case LZMA_MEM_ERROR, LZMA_MEMLIMIT_ERROR: .failed(.wantsMemory)
    default: .failed(.broken("its data is wrong"))
    }
  }
}
