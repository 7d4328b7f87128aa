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
    let limit = min(end ?? file.count, file.count)
    guard start >= 0, start < limit else { return nil }
    var index = (start + 3) & ~3
    while index + 4 <= limit {
      let (hit, passed) = file.withWindow(at: index) { span in
        find(word, in: span.extracting(first: limit - index))
      }
      if let hit { return index + hit }
      if passed > 0 {
        index += passed
        continue
      }
      // This step lies across two windows.
      guard let value = file.load(UInt32.self, at: index) else { return nil }
      if UInt32(littleEndian: value) == word { return index }
      index += 4
    }
    return nil
  }

  /// The offset of the first step that is `word`, and how many bytes are certainly without one.
  private static func find(_ word: UInt32, in span: RawSpan) -> (hit: Int?, passed: Int) {
    let pattern = UInt64(word) << 32 | UInt64(word)
    let ones: UInt64 = 0x0000_0001_0000_0001
    let tops: UInt64 = 0x8000_0000_8000_0000
    var index = 0
    while index + 64 <= span.byteCount {
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
    while index + 4 <= span.byteCount {
      let value = unsafe UInt32(
        littleEndian: span.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt32.self))
      if value == word { return (index, index) }
      index += 4
    }
    return (nil, index)
  }

  /// How many bytes from `start` on equal `byte`.
  static func run(of byte: UInt8, in file: SharedBytes, from start: Int) -> Int {
    guard start >= 0, start < file.count else { return 0 }
    let pattern = UInt64(byte) &* 0x0101_0101_0101_0101
    var index = start
    while index < file.count {
      let (same, all) = file.withWindow(at: index) { span -> (Int, Int) in
        var index = 0
        while index + 8 <= span.byteCount {
          let value = unsafe span.unsafeLoadUnaligned(
            fromUncheckedByteOffset: index, as: UInt64.self)
          if value != pattern { break }
          index += 8
        }
        while index < span.byteCount {
          let value = unsafe span.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
          if value != byte { break }
          index += 1
        }
        return (index, span.byteCount)
      }
      index += same
      if same < all || all == 0 { break }
    }
    return index - start
  }
}
