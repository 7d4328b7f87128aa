import SmithBytes

/// Reads the answer to one command out of bytes split and joined anywhere; a value without clock
/// and cable (Docs/Protocols/at.md sections 2-4).
struct AnswerReader {
  private(set) var lines: [String] = []
  private(set) var unsolicited: [String] = []
  /// A final result that stands only if nothing better follows.
  private(set) var provisional: (final: ATFinal, kind: ATFinal.Kind)?
  /// Bytes since the command left.
  private(set) var raw: [UInt8] = []
  /// Bytes after the final result: they belong to nobody yet.
  private(set) var rest: [UInt8] = []
  /// Whether the modem sent the command back.
  private(set) var sawEcho = false

  private let limit: Int
  /// The command in upper case.
  private let text: [UInt8]
  /// Names of its commands: lines of these names are answers.
  private let asked: [String]
  private let calls: Bool
  /// Bytes of a line that has not ended.
  private var pending: [UInt8]
  /// Whether `pending` began before the command left.
  private var staleStart: Bool
  private var nextLineIsText = false

  /// A reader for one command, `line` if it was taken apart already; `stale` is the unfinished
  /// line that was there before it left.
  init(command: ATCommand, line: ATLine? = nil, stale: [UInt8] = [], limit: Int) {
    let line = line ?? ATLine(command.text)
    text = command.text.trimmed.utf8.map { $0.inUpperCase }
    asked = line.parts.map(\.name)
    calls = line.calls
    pending = stale
    staleStart = !stale.isEmpty
    self.limit = limit
  }

  /// Adds bytes; the final result as soon as its line has ended.
  mutating func take(_ bytes: [UInt8]) throws(ATError) -> ATFinal? {
    let room = min(bytes.count, max(0, limit - raw.count))
    var index = 0
    while index < room {
      let start = index
      while index < room, !Self.isSpecial(bytes[index]) { index += 1 }
      pending.append(contentsOf: bytes[start..<index])
      raw.append(contentsOf: bytes[start..<index])
      guard index < room else { break }
      let byte = bytes[index]
      raw.append(byte)
      index += 1
      switch byte {
      case 0: continue  // Some ports pad with zeros.
      case 0x0a, 0x0d:
        if let final = endLine() {
          rest = [UInt8](bytes[index...])
          return final
        }
      default:
        pending.append(byte)
        if let frame = binaryFrame() { throw .binary(frame) }
      }
    }
    guard room == bytes.count else { throw .tooLong(limit: limit) }
    return nil
  }

  /// Ends of lines, padding, and the flag of a frame.
  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == 0x0a || byte == 0x0d || byte == 0 || byte == 0x7e
  }

  /// What the answer is when time has run out; nil if there is no final result.
  mutating func settle() -> ATFinal? {
    let last = String(decoding: pending, as: UTF8.self).trimmed
    if !staleStart, !nextLineIsText, let final = endLine(last) { return final }
    return provisional?.final
  }

  private mutating func endLine() -> ATFinal? {
    if pending.isEmpty {
      staleStart = false
      return nil
    }
    defer {
      pending.removeAll(keepingCapacity: true)
      staleStart = false
    }
    return endLine(String(decoding: pending, as: UTF8.self))
  }

  private mutating func endLine(_ line: String) -> ATFinal? {
    let bare = line.trimmed
    if bare.isEmpty { return nil }
    if staleStart {
      // It began before we asked: at most our echo hangs on its end.
      if isSame(bare.utf8.suffix(text.count), text[...]) {
        echoSeen()
      } else {
        unsolicited.append(bare)
      }
      return nil
    }
    if nextLineIsText {
      nextLineIsText = false
      unsolicited.append(line)
      return nil
    }
    if isEcho(bare) {
      echoSeen()
      return nil
    }
    if let name = UnsolicitedLines.name(of: bare, asked: asked) {
      unsolicited.append(bare)
      nextLineIsText = UnsolicitedLines.takesNextLine(name)
      return nil
    }
    if let (final, kind) = ATFinal.read(bare) {
      if kind == .firm || (kind == .call && calls) {
        if let before = provisional { demote(before.final, under: final) }
        return before(final)
      }
      provisional = (final, kind)
      provisionalLine = bare
      return nil
    }
    lines.append(line)
    return nil
  }

  private var provisionalLine = ""

  /// A word such as NO CARRIER before the real end was a report.
  private mutating func demote(_ earlier: ATFinal, under final: ATFinal) {
    if provisional?.kind == .call { unsolicited.append(provisionalLine) }
  }

  /// `NOT IMPLEMENTED` followed by OK is still not implemented.
  private func before(_ final: ATFinal) -> ATFinal {
    if let provisional, provisional.kind == .soft { return provisional.final }
    return final
  }

  private mutating func echoSeen() {
    sawEcho = true
    // Whatever was said before the echo is no answer to this command.
    unsolicited += lines
    lines.removeAll()
  }

  /// The command itself, or the command without the first bytes that a waking port loses.
  private func isEcho(_ line: String) -> Bool {
    let line = line.utf8[...]
    if isSame(line, text[...]) { return true }
    guard !sawEcho, lines.isEmpty, text.starts(with: [0x41, 0x54]), line.count >= 2 else {
      return false
    }
    if isSame(line, text.dropFirst(1)) { return true }
    guard let sign = line.first, ATLine.isSign(sign) else { return false }
    return isSame(line, text.dropFirst(2)) && line.count >= 3
  }

  /// Whether a line is a text in upper case, case of the line ignored.
  private func isSame(_ line: Substring.UTF8View, _ upper: ArraySlice<UInt8>) -> Bool {
    line.count == upper.count && zip(line, upper).allSatisfy { $0.inUpperCase == $1 }
  }

  /// A frame with a good checksum that ends with the last byte, flags and all.
  private func binaryFrame() -> [UInt8]? {
    let window = raw.suffix(600)
    let body = window.dropLast()
    // Text has signs like a flag too.
    guard body.contains(where: Self.isBinary) else { return nil }
    var starts: Set<Int> = [window.startIndex]
    for index in body.indices {
      switch body[index] {
      case 0x7e, 0x0a, 0x0d: starts.insert(index + 1)
      default: break
      }
      // A frame may begin with a byte that looks like the end of a line.
      if body[index] == 0x0d { starts.insert(index) }
    }
    for start in starts.sorted() where start < body.endIndex {
      let candidate = [UInt8](body[start...])
      guard candidate.contains(where: Self.isBinary) else { continue }
      var decoder = HDLCDecoder(limit: 600)
      guard case .body? = decoder.feed(candidate + [0x7e]).first else { continue }
      let opened = start > raw.startIndex && raw[start - 1] == 0x7e
      return (opened ? [0x7e] : []) + candidate + [0x7e]
    }
    return nil
  }

  /// Whether a byte is no part of a text answer.
  static func isBinary(_ byte: UInt8) -> Bool {
    (byte < 0x20 && ![0, 0x09, 0x0a, 0x0d, 0x1a, 0x1b].contains(byte)) || byte == 0x7f
      || byte >= 0x80
  }

  /// Whether what came is rather not text.
  var looksBinary: Bool {
    let odd = raw.count { Self.isBinary($0) }
    return odd > 0 && odd * 4 >= raw.count
  }
}
