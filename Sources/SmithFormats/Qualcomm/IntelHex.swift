public import SmithBytes

/// A RAM loader in Intel HEX text (`armprg.hex`, `NPRGxxxx.hex`; Docs/Protocols/mbn.md section
/// 5).
public struct IntelHexImage: Equatable, Sendable {
  /// Lowest linear address.
  public var base: UInt32
  /// Where to start: from the start record, else the base.
  public var entry: UInt32
  /// The bytes from `base` on; holes are FF.
  public var bytes: [UInt8]

  /// No loader is bigger; a hostile file with far apart addresses must not eat the memory.
  static let limit = 16 << 20

  /// Gathers the parts.
  public init(base: UInt32, entry: UInt32, bytes: [UInt8]) {
    self.base = base
    self.entry = entry
    self.bytes = bytes
  }

  /// Reads the text: every line a record, an end record last, no byte claimed twice.
  public init(reading text: SharedBytes) throws(QualcommImageError) {
    var state = ReadingState()
    var line: [UInt8] = []
    var number = 1
    // An empty line or one of blanks is no record and no error.
    for offset in stride(from: 0, to: text.count, by: 65_536) {
      for byte in text.bytes(offset..<min(text.count, offset + 65_536)) {
        if byte == 0x0a {
          try state.take(line, number)
          line.removeAll(keepingCapacity: true)
          number += 1
        } else if byte != 0x0d {
          guard line.count < 600 else { throw .hexLine(number) }
          line.append(byte)
        }
      }
    }
    try state.take(line, number)
    self = try state.image()
  }

  /// The text of this image: `width` bytes a record, one end record.
  public func encoded(width: Int = 32) -> String {
    var text = ""
    var upper: UInt32?
    var position = 0
    while position < bytes.count {
      let address = base &+ UInt32(truncatingIfNeeded: position)
      if upper != address >> 16 {
        upper = address >> 16
        text += Self.record(4, 0, [UInt8(address >> 24), UInt8(address >> 16 & 0xff)])
      }
      let room = 0x10000 - Int(address & 0xffff)
      let count = min(max(1, min(width, 255)), room, bytes.count - position)
      text += Self.record(
        0, UInt16(truncatingIfNeeded: address), Array(bytes[position..<(position + count)]))
      position += count
    }
    var start: [UInt8] = []
    start.append(big: entry)
    return text + Self.record(5, 0, start) + Self.record(1, 0, [])
  }

  private static func record(_ type: UInt8, _ address: UInt16, _ data: [UInt8]) -> String {
    var record = [UInt8(truncatingIfNeeded: data.count)]
    record.append(big: address)
    record.append(type)
    record += data
    record.append(0 &- record.reduce(0, &+))
    return ":" + record.hex.uppercased() + "\r\n"
  }

  private struct ReadingState {
    var upper: UInt64 = 0
    var entry: UInt32?
    var ended = false
    var total = 0
    var chunks: [(address: UInt64, bytes: [UInt8])] = []

    mutating func take(_ line: [UInt8], _ number: Int) throws(QualcommImageError) {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x1a }) { return }
      guard !ended, line.first == 0x3a, line.count >= 11,
        let record = [UInt8](hexLine: line.dropFirst()), record.count == Int(record[0]) + 5
      else { throw .hexLine(number) }
      guard record.reduce(0, &+) == 0 else { throw .hexChecksum(line: number) }
      let data = Array(record[4..<(record.count - 1)])
      let value = data.reduce(UInt64(0)) { $0 << 8 & 0xffff_ffff | UInt64($1) }
      switch (record[3], data.count) {
      case (0, _):
        total += data.count
        guard total <= IntelHexImage.limit else { throw .hexSpan("more than 16 MiB of data") }
        chunks.append((upper + (UInt64(record[1]) << 8 | UInt64(record[2])), data))
      case (1, 0): ended = true
      case (2, 2): upper = value << 4
      case (4, 2): upper = value << 16
      case (3, 4): entry = UInt32(truncatingIfNeeded: (value >> 16) << 4 + (value & 0xffff))
      case (5, 4): entry = UInt32(truncatingIfNeeded: value)
      default: throw .hexLine(number)
      }
    }

    func image() throws(QualcommImageError) -> IntelHexImage {
      let sorted = chunks.filter { !$0.bytes.isEmpty }.sorted { $0.address < $1.address }
      guard ended, let first = sorted.first, let last = sorted.last else { throw .hexEnd }
      let end = last.address + UInt64(last.bytes.count)
      guard end - first.address <= UInt64(IntelHexImage.limit), end <= 1 << 32 else {
        throw .hexSpan("addresses from \(first.address) to \(end)")
      }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(Int(end - first.address))
      for chunk in sorted {
        let gap = Int(chunk.address - first.address) - bytes.count
        guard gap >= 0 else { throw .hexSpan("address \(chunk.address) is claimed twice") }
        bytes.append(contentsOf: repeatElement(0xff, count: gap))
        bytes.append(contentsOf: chunk.bytes)
      }
      let base = UInt32(truncatingIfNeeded: first.address)
      return IntelHexImage(base: base, entry: entry ?? base, bytes: bytes)
    }
  }
}

extension [UInt8] {
  /// Hexadecimal digits without anything between them, as ASCII; nil for anything else.
  fileprivate init?(hexLine digits: ArraySlice<UInt8>) {
    guard digits.count.isMultiple(of: 2) else { return nil }
    var output: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x41...0x46: value = digit - 0x37
      case 0x61...0x66: value = digit - 0x57
      default: return nil
      }
      if let first = high {
        output.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    self = output
  }
}
