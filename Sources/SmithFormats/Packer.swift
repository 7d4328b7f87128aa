internal import CLZMA
internal import CZlib

/// Packs data as the items of a package may be packed.
enum Packer {
  /// `data` packed; as it is if there was no memory to pack it.
  static func packed(_ data: [UInt8], _ packing: Packing) -> [UInt8] {
    switch packing {
    case .none: data
    case .zlib: zlib(data) ?? data
    case .lzma: lzma(data) ?? data
    }
  }

  private static func zlib(_ data: [UInt8]) -> [UInt8]? {
    var size = compressBound(UInt(data.count))
    var output = [UInt8](repeating: 0, count: Int(size))
    let status = unsafe compress2(
      &output, &size, data, UInt(data.count), Z_BEST_COMPRESSION)
    return status == Z_OK ? Array(output.prefix(Int(size))) : nil
  }

  private static func lzma(_ data: [UInt8]) -> [UInt8]? {
    var options = unsafe lzma_options_lzma()
    guard unsafe lzma_lzma_preset(&options, 6) == 0 else { return nil }
    var stream = unsafe lzma_stream()
    guard unsafe lzma_alone_encoder(&stream, &options) == LZMA_OK else { return nil }
    defer { unsafe lzma_end(&stream) }
    var output = [UInt8](repeating: 0, count: data.count + data.count / 2 + 4096)
    let done = unsafe data.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = source.baseAddress
        unsafe stream.avail_in = source.count
        unsafe stream.next_out = target.baseAddress
        unsafe stream.avail_out = target.count
        return unsafe lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END
      }
    }
    return unsafe done ? Array(output.prefix(Int(stream.total_out))) : nil
  }
}
