import CZlib

/// Opens the archive in which the package usb-modeswitch-data brings its files: gzip around tar
/// (Docs/Protocols/usb-modes.md section 6). Read where it is installed; none of it is ours.
enum SwitchArchive {
  /// The most that is unpacked; the real archive holds half a megabyte.
  static let limit = 16 << 20

  /// Unpacks gzip; nil if the bytes are none, or more than the limit comes out.
  static func gunzip(_ packed: [UInt8]) -> [UInt8]? {
    guard packed.count > 18, packed[0] == 0x1f, packed[1] == 0x8b else { return nil }
    var stream = unsafe z_stream()
    // 15 bits of window, and 16 for a gzip head.
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(&stream, 31, ZLIB_VERSION, size) == Z_OK else {
      return nil
    }
    defer { unsafe inflateEnd(&stream) }
    var input = packed
    var output: [UInt8] = []
    var result = Z_OK
    unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe stream.next_in = source.baseAddress
      unsafe stream.avail_in = UInt32(clamping: source.count)
      while result == Z_OK, output.count <= limit {
        let part = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, filled in
          unsafe stream.next_out = buffer.baseAddress
          unsafe stream.avail_out = 65_536
          result = unsafe inflate(&stream, Z_NO_FLUSH)
          filled = unsafe 65_536 - Int(stream.avail_out)
        }
        output += part
        // No way forward without more input is a truncated file.
        if part.isEmpty { break }
      }
    }
    return result == Z_STREAM_END && output.count <= limit ? output : nil
  }

  /// The plain files of a tar archive, by name without folders; what is broken ends the reading.
  static func files(inTar bytes: [UInt8]) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    var at = 0
    while bytes.count - at >= 512 {
      let head = bytes[at..<(at + 512)]
      if head.allSatisfy({ $0 == 0 }) { break }
      guard checksumFits(head), let size = octal(head.dropFirst(124).prefix(12)),
        size <= bytes.count - at - 512
      else { break }
      let kind = head[at + 156]
      if kind == 0 || kind == 0x30 {
        let name = String(decoding: head.prefix(100).prefix { $0 != 0 }, as: UTF8.self)
        if let last = name.split(separator: "/").last {
          files[String(last)] = [UInt8](bytes[(at + 512)..<(at + 512 + size)])
        }
      }
      at += 512 + (size + 511) / 512 * 512
      if at > bytes.count { break }
    }
    return files
  }

  private static func checksumFits(_ head: ArraySlice<UInt8>) -> Bool {
    var sum = 0
    for (index, byte) in head.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
    return octal(head.dropFirst(148).prefix(8)) == sum
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
    guard (1...11).contains(digits.count) else { return nil }
    return digits.reduce(0) { $0 << 3 | Int($1 & 7) }
  }
}
