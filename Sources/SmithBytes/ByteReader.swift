/// Reads integers and texts out of shared bytes; a read past the end is nil, never a trap.
public struct ByteReader: Sendable {
  /// What is being read.
  public let bytes: SharedBytes
  /// Offset of the next byte to be read.
  public private(set) var position: Int

  /// Starts at `position` (0 unless told) of `bytes`.
  public init(_ bytes: SharedBytes, at position: Int = 0) {
    self.bytes = bytes
    self.position = max(0, position)
  }

  /// Bytes left after the position.
  public var left: Int { max(0, bytes.count - position) }

  /// The next little-endian integer.
  public mutating func little<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type)
    -> Value?
  {
    integer(type).map { Value(littleEndian: $0) }
  }

  /// The next big-endian integer.
  public mutating func big<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type)
    -> Value?
  {
    integer(type).map { Value(bigEndian: $0) }
  }

  /// The next `count` bytes as a slice.
  public mutating func take(_ count: Int) -> SharedBytes? {
    guard count >= 0, count <= left, let cut = bytes.slice(position..<(position + count)) else {
      return nil
    }
    position += count
    return cut
  }

  /// Skips `count` bytes.
  public mutating func skip(_ count: Int) -> Bool {
    take(count) != nil
  }

  /// A text field of `count` bytes: up to its first zero, bytes outside printable ASCII as "?".
  public mutating func text(_ count: Int) -> String? {
    take(count).map { String(printable: $0.bytes()) }
  }

  private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type)
    -> Value?
  {
    let value = bytes.load(type, at: position)
    if value != nil { position += MemoryLayout<Value>.size }
    return value
  }
}

extension String {
  /// Text of a fixed field: up to the first zero byte, blanks trimmed at the end, anything that
  /// is not printable ASCII replaced by "?", so that a hostile name cannot steer a terminal.
  public init(printable field: [UInt8]) {
    var text = field.prefix { $0 != 0 }
    while text.last == 0x20 { text.removeLast() }
    let shown = text.map { (0x20...0x7e).contains($0) ? $0 : 0x3f }
    self.init(decoding: shown, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Appends an integer, lowest byte first.
  @inlinable
  public mutating func append(little value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Appends an integer, highest byte first.
  @inlinable
  public mutating func append(big value: some FixedWidthInteger) {
    for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Appends `text` as ASCII in a field of `width` bytes, cut or padded with zeros.
  public mutating func append(text: String, width: Int) {
    let field = [UInt8](text.utf8.prefix(width))
    append(contentsOf: field)
    append(contentsOf: repeatElement(0, count: width - field.count))
  }

  /// Lower-case hexadecimal digits without blanks.
  public var hex: String {
    let digits = [UInt8]("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(count * 2)
    for byte in self {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Bytes written as hexadecimal digits; blanks are skipped; nil if anything else stands there.
  public init?(hex text: String) {
    var nibbles: [UInt8] = []
    for character in text where !character.isWhitespace {
      guard let value = character.hexDigitValue else { return nil }
      nibbles.append(UInt8(value))
    }
    guard nibbles.count.isMultiple(of: 2) else { return nil }
    self = stride(from: 0, to: nibbles.count, by: 2).map { nibbles[$0] << 4 | nibbles[$0 + 1] }
  }
}
