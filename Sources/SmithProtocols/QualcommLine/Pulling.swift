extension [UInt8] {
  /// Appends exactly `count` bytes from a source that gives at most what it is asked for.
  ///
  /// - Returns: false if the source ended before, or gave more.
  mutating func pull(_ count: Int, from next: (Int) -> [UInt8]) -> Bool {
    let end = self.count + count
    while self.count < end {
      let more = next(end - self.count)
      guard !more.isEmpty, more.count <= end - self.count else { return false }
      self += more
    }
    return true
  }
}
