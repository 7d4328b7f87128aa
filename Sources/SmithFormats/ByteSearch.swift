internal import SmithBytes

/// Searches that keep up with the disk.
enum ByteSearch {
  /// Offset of the first 4-byte step at or after `start` (rounded up to 4) and before `end`
  /// where the little-endian number `word` stands.
  ///
  /// Eight double words are tested at once: a 32-bit lane that equals the pattern is zero after
  /// XOR, and subtracting one borrows into its top bit. A borrow out of the low lane can raise a
  /// false alarm in the high lane only if the low one was a true hit, so nothing is missed or
  /// made up.
  static func word(_ word: UInt32, in file: SharedBytes, from start: Int, to end: Int? = nil)
    -> Int?
  {
    let pattern = UInt64(word) << 32 | UInt64(word)
    let ones: UInt64 = 0x0000_0001_0000_0001
    let tops: UInt64 = 0x8000_0000_8000_0000
    let limit = min(end ?? file.count, file.count)
    guard start >= 0, start < limit else { return nil }
    return file.withSpan { span in
      var index = (start + 3) & ~3
      while index + 64 <= limit {
        var alarm: UInt64 = 0
        for lane in 0..<8 {
          let value = unsafe UInt64(
            littleEndian: span.unsafeLoadUnaligned(
              fromUncheckedByteOffset: index + lane * 8, as: UInt64.self))
          let mixed = value ^ pattern
          alarm |= (mixed &- ones) & ~mixed
        }
        if alarm & tops != 0 { break }
        index += 64
      }
      while index + 4 <= limit {
        let value = unsafe UInt32(
          littleEndian: span.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index, as: UInt32.self))
        if value == word { return index }
        index += 4
      }
      return nil
    }
  }

  /// How many bytes from `start` on equal `byte`.
  static func run(of byte: UInt8, in file: SharedBytes, from start: Int) -> Int {
    guard start >= 0, start < file.count else { return 0 }
    let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
    return file.withSpan { span in
      var index = start
      while index + 8 <= file.count {
        let value = unsafe span.unsafeLoadUnaligned(
          fromUncheckedByteOffset: index, as: UInt64.self)
        if value != pattern { break }
        index += 8
      }
      while index < file.count {
        let value = unsafe span.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
        if value != byte { break }
        index += 1
      }
      return index - start
    }
  }
}
