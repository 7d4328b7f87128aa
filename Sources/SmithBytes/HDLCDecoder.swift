/// Takes frames out of a byte stream that may be split and joined anywhere.
///
/// Accepts frames without an opening flag and with flags shared between frames; skips empty
/// frames; never keeps more than `limit` bytes (Docs/Protocols/hdlc.md section 2).
public struct HDLCDecoder: Sendable {
  /// What stood between two flags.
  public enum Frame: Equatable, Sendable {
    /// A body whose CRC is right (the CRC itself is taken off).
    case body([UInt8])
    /// Bytes that are no frame: what they were and why.
    case garbage([UInt8], Flaw)
  }

  /// What is wrong with a garbage frame.
  public enum Flaw: Equatable, Sendable {
    case tooShort, badCRC, badEscape, tooLong
  }

  /// The frame that has begun, unescaped, is the first `progress.filled` bytes; the rest is room.
  private var pending: [UInt8] = []
  private var progress: Progress

  /// A decoder for bodies of at most `limit` bytes.
  public init(limit: Int = 65_536) {
    progress = Progress(most: max(0, limit) + 2)
  }

  /// Bytes of a frame that has begun and not ended, unescaped.
  public var unfinished: [UInt8] { [UInt8](pending[..<progress.filled]) }

  /// Forgets what was begun.
  public mutating func reset() {
    progress = Progress(most: progress.most)
  }

  /// Adds received bytes and returns the frames that they complete, in order.
  public mutating func feed(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    makeRoom(for: bytes.count)
    var index = 0
    while take(bytes, &index) {
      if let frame = finish() { frames.append(frame) }
    }
    return frames
  }

  /// Room for what `count` more bytes may add, and a word more to copy eight at a time.
  private mutating func makeRoom(for count: Int) {
    let most = progress.most
    let wanted = min(progress.filled + min(count, most), most) + 8
    guard pending.count < wanted else { return }
    let size = max(wanted, min(2 * pending.count, most + 8))
    pending.append(contentsOf: repeatElement(0, count: size - pending.count))
  }

  /// Takes input up to and with the next flag; false if it ends before one.
  private mutating func take(_ bytes: [UInt8], _ index: inout Int) -> Bool {
    var progress = progress
    let ended = unsafe pending.withUnsafeMutableBytes { room in
      unsafe bytes.withUnsafeBytes { unsafe progress.take($0, &index, room) }
    }
    self.progress = progress
    return ended
  }

  private mutating func finish() -> Frame? {
    defer { reset() }
    if progress.isTooLong { return .garbage(unfinished, .tooLong) }
    if progress.escaped { return .garbage(unfinished, .badEscape) }
    let count = progress.filled
    if count == 0 { return nil }
    guard count >= 3 else { return .garbage(unfinished, .tooShort) }
    var crc = CRC16X25()
    unsafe crc.update(pending.span.bytes.extracting(0..<count))
    guard crc.residueIsGood else { return .garbage(unfinished, .badCRC) }
    return .body([UInt8](pending[..<(count - 2)]))
  }

  /// How far the present frame is.
  private struct Progress {
    /// Bytes that are kept at most: a body and its CRC.
    let most: Int
    var filled = 0
    var escaped = false
    var isTooLong = false

    init(most: Int) { self.most = most }

    mutating func take(
      _ input: UnsafeRawBufferPointer, _ index: inout Int, _ room: UnsafeMutableRawBufferPointer
    ) -> Bool {
      while index < input.count {
        if !escaped { unsafe copyPlain(input, &index, room) }
        guard index < input.count else { return false }
        let byte = unsafe input[index]
        index += 1
        if byte == HDLC.flag {
          return true
        } else if escaped {
          escaped = false
          unsafe keep(byte ^ 0x20, room)
        } else if byte == HDLC.escape {
          escaped = true
          unsafe takeEscapes(input, &index, room)
        } else {
          unsafe keep(byte, room)
        }
      }
      return false
    }

    /// Copies words while they hold nothing special, and what stands before the special byte.
    @inline(__always)
    private mutating func copyPlain(
      _ input: UnsafeRawBufferPointer, _ index: inout Int, _ room: UnsafeMutableRawBufferPointer
    ) {
      while index + 8 <= input.count, filled + 8 <= most {
        let word = unsafe input.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let special = HDLC.special(in: UInt64(littleEndian: word))
        // Too much may be copied; what follows overwrites it.
        unsafe room.storeBytes(of: word, toByteOffset: filled, as: UInt64.self)
        let plain = special == 0 ? 8 : special.trailingZeroBitCount / 8
        index += plain
        filled += plain
        if special != 0 { return }
      }
    }

    /// Takes the other half of an escape, and the escapes right behind it: data full of them is
    /// all escapes.
    @inline(__always)
    private mutating func takeEscapes(
      _ input: UnsafeRawBufferPointer, _ index: inout Int, _ room: UnsafeMutableRawBufferPointer
    ) {
      while unsafe takeFourEscapes(input, &index, room) {}
      while escaped, index < input.count, unsafe input[index] != HDLC.flag {
        unsafe keep(input[index] ^ 0x20, room)
        index += 1
        escaped = false
        if index < input.count, unsafe input[index] == HDLC.escape {
          index += 1
          escaped = true
        }
      }
    }

    /// Takes four escapes at once, the first of which has begun; false if there are no four.
    ///
    /// Seen as lanes of sixteen bits, every low byte must be 7D and no high byte the flag.
    @inline(__always)
    private mutating func takeFourEscapes(
      _ input: UnsafeRawBufferPointer, _ index: inout Int, _ room: UnsafeMutableRawBufferPointer
    ) -> Bool {
      guard escaped, index > 0, index + 7 <= input.count, filled + 8 <= most else { return false }
      let word = unsafe UInt64(
        littleEndian: input.loadUnaligned(fromByteOffset: index - 1, as: UInt64.self))
      var lanes = word >> 8 & 0x00ff_00ff_00ff_00ff
      let flags = lanes ^ 0x007e_007e_007e_007e
      let hasFlag = (flags &- 0x0001_0001_0001_0001) & ~flags & 0x8000_8000_8000_8000 != 0
      guard word & 0x00ff_00ff_00ff_00ff == 0x007d_007d_007d_007d, !hasFlag else { return false }
      lanes ^= 0x0020_0020_0020_0020
      lanes = (lanes | lanes >> 8) & 0x0000_ffff_0000_ffff
      let four = UInt32(truncatingIfNeeded: lanes | lanes >> 16)
      unsafe room.storeBytes(of: four.littleEndian, toByteOffset: filled, as: UInt32.self)
      filled += 4
      index += 7
      guard index < input.count, unsafe input[index] == HDLC.escape else {
        escaped = false
        return false
      }
      index += 1
      return true
    }

    @inline(__always)
    private mutating func keep(_ byte: UInt8, _ room: UnsafeMutableRawBufferPointer) {
      guard filled < most else {
        isTooLong = true
        return
      }
      unsafe room[filled] = byte
      filled += 1
    }
  }
}
