/// Text of sticks is ASCII nearly always, and looked at by the byte it costs a tenth of what it
/// costs by the character. Where other text could make a difference, characters decide.
extension Substring {
  /// Without blanks at both ends: whitespace of any kind, line ends among it.
  public var trimmed: Substring {
    let bytes = utf8
    var start = bytes.startIndex
    var end = bytes.endIndex
    while start < end, isBlank(bytes[start]) { bytes.formIndex(after: &start) }
    while start < end, isBlank(bytes[bytes.index(before: end)]) { bytes.formIndex(before: &end) }
    guard start < end else { return self[start..<start] }
    // Other whitespace, and marks that belong to the blank before them.
    guard bytes[start] < 0x80, bytes[bytes.index(before: end)] < 0x80 else {
      return trimmedByCharacter
    }
    return self[start..<end]
  }

  private var trimmedByCharacter: Substring {
    var rest = self
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return rest
  }
}

extension String {
  /// Without blanks at both ends.
  public var trimmed: String {
    // Most texts have nothing to take off.
    if let first = utf8.first, let last = utf8.last, (0x21...0x7e).contains(first),
      (0x21...0x7e).contains(last)
    {
      return self
    }
    return String(Substring(self).trimmed)
  }

  /// Whether `word`, which is ASCII, stands anywhere in the text.
  public func holds(_ word: String) -> Bool {
    let word = word.utf8
    guard let first = word.first else { return true }
    var at = utf8.startIndex
    while at < utf8.endIndex {
      if utf8[at] == first, utf8[at...].starts(with: word) { return true }
      utf8.formIndex(after: &at)
    }
    return false
  }
}

/// What `Character.isWhitespace` says of ASCII.
private func isBlank(_ byte: UInt8) -> Bool {
  byte == 0x20 || (0x09...0x0d).contains(byte)
}

extension UInt8 {
  /// A capital letter for a small one, and every other byte as it is.
  @inlinable
  public var inUpperCase: UInt8 { self &- 0x61 < 26 ? self - 0x20 : self }
}
