public import SmithBytes

/// A loader for the boot ROM of a Balong chip: its parts, its partition table, and what is known
/// of its erase call (Docs/Protocols/balong-loader.md sections 1 to 4).
public struct BalongLoader: Sendable {
  /// One part, as the boot ROM is given it.
  public struct Part: Sendable {
    /// 1 runs at once, 2 starts the loader.
    public var mode: UInt32
    /// Where in the stick's memory it goes.
    public var address: UInt32
    /// Where in the file it stands.
    public var offset: Int
    /// Its bytes, a slice of the file.
    public var bytes: SharedBytes

    /// What people call it.
    public var name: String { mode == 1 ? "memory set-up" : "loader" }
  }

  /// Chips whose loader addresses are known (Docs/Protocols/balong-loader.md section 2).
  public enum Chip: String, Sendable, Codable, CaseIterable {
    case v3r3 = "Balong V3R3"
    case v7r1 = "Balong V7R1"
    case v7r11 = "Balong V7R11"

    var addresses: [UInt32] {
      switch self {
      case .v3r3: [0xfffd_0000, 0x3010_4000]
      case .v7r1: [0x2ffe_4000, 0x3000_4000]
      case .v7r11: [0x1000_0000, 0x5790_0000]
      }
    }
  }

  /// The parts in the order in which they are sent: set-up first, the loader last.
  public let parts: [Part]
  /// The chip that the addresses tell; nil for addresses that no table knows.
  public let chip: Chip?
  /// The partition table inside the loader, if one was found.
  public let table: BalongTable?
  /// Places of the erase call that were found.
  public let eraseCalls: [EraseCall]
  /// Whether the loader takes bad blocks for good ones.
  public let ignoresBadBlocks: Bool
  /// Bytes of the file that belong to no part.
  public let surplus: Int

  /// Bytes of all parts.
  public var size: Int { parts.reduce(0) { $0 + $1.bytes.count } }

  static let magic: UInt32 = 0x0002_0000
  static let listOffset = 0x24
  static let entrySize = 16
  static let mostEntries = 5
  static let largestPart = 16 << 20

  /// Reads a loader and looks for its erase call; nothing is copied.
  ///
  /// - Throws: ``LoaderError`` for anything that is not whole and of this shape.
  public static func read(_ file: SharedBytes) throws(LoaderError) -> BalongLoader {
    guard !file.isEmpty else { throw .notALoader(size: 0) }
    var reader = ByteReader(file)
    guard reader.little(UInt32.self) == magic, let zeros = reader.take(32),
      zeros.bytes().allSatisfy({ $0 == 0 })
    else {
      if let foreign = ForeignFile.recognise(file) { throw .foreign(foreign) }
      throw .notALoader(size: file.count)
    }
    let parts = try entries(file, &reader)
    guard let main = parts.last else { throw .noParts }
    let end = parts.map { $0.offset + $0.bytes.count }.max() ?? 0
    let chip = Chip.allCases.first { $0.addresses == parts.map(\.address) }
    return BalongLoader(
      parts: parts, chip: chip, table: BalongTable.find(in: main.bytes),
      eraseCalls: ErasePattern.all.flatMap { $0.calls(in: main.bytes) },
      ignoresBadBlocks: ErasePattern.ignoresBadBlocks(main.bytes), surplus: file.count - end)
  }

  private static func entries(_ file: SharedBytes, _ reader: inout ByteReader)
    throws(LoaderError) -> [Part]
  {
    var parts: [Part] = []
    var firstByte = file.count
    while parts.count < mostEntries, reader.position + entrySize <= firstByte {
      guard let mode = reader.little(UInt32.self), let size = reader.little(UInt32.self),
        let address = reader.little(UInt32.self), let offset = reader.little(UInt32.self)
      else { break }
      if mode == 0, size == 0, address == 0, offset == 0 { break }
      let number = parts.count + 1
      guard mode == 1 || mode == 2, size > 0, size <= largestPart else {
        throw .badPart(number, "mode \(mode), \(size) bytes")
      }
      let (end, overflow) = Int(offset).addingReportingOverflow(Int(size))
      guard !overflow, end <= file.count else {
        throw .truncated(part: number, expected: end, found: file.count)
      }
      guard Int(offset) >= reader.position, let bytes = file.slice(Int(offset)..<end) else {
        throw .badPart(number, "it begins inside the list of parts")
      }
      if parts.contains(where: { Int(offset) < $0.offset + $0.bytes.count && end > $0.offset }) {
        throw .badPart(number, "it overlaps another part")
      }
      firstByte = min(firstByte, Int(offset))
      parts.append(Part(mode: mode, address: address, offset: Int(offset), bytes: bytes))
    }
    guard !parts.isEmpty else { throw .noParts }
    guard parts.last?.mode == 2, parts.filter({ $0.mode == 2 }).count == 1, parts.count >= 2
    else { throw .badPart(parts.count, "a memory set-up and then one loader are expected") }
    return parts
  }
}

// MARK: The erase call

extension BalongLoader {
  /// One place where the loader calls its erasing (Docs/Protocols/balong-loader.md section 4).
  public struct EraseCall: Sendable, Equatable {
    /// Name of the pattern, as in `v7r11`.
    public var pattern: String
    /// Offset of the place in the part of mode 2; may lie outside of it in a broken file.
    public var offset: Int
    /// Bytes that make it harmless, as long as the place.
    public var harmless: [UInt8]
    /// Whether they stand there already.
    public var isHarmless: Bool
  }

  /// What may be done with a loader (Docs/Protocols/balong-loader.md section 4.1).
  public enum Verdict: Sendable, Equatable {
    /// Its erase call is out of action already.
    case safe(EraseCall)
    /// It erases everything; a copy in memory can be made harmless.
    case patchable(EraseCall)
    /// Nothing proves that it leaves the flash alone; the reason in words.
    case unproven(String)
  }

  /// The verdict on this file.
  public var verdict: Verdict {
    if ignoresBadBlocks { return .unproven("it takes bad blocks of the flash for good ones") }
    guard let call = eraseCalls.first else {
      return .unproven("none of the known erase calls is in it")
    }
    guard eraseCalls.count == 1 else {
      return .unproven("\(eraseCalls.count) places look like its erase call")
    }
    guard let main = parts.last, call.offset >= 0,
      call.offset + call.harmless.count <= main.bytes.count
    else { return .unproven("its erase call lies outside of it") }
    if let chip, !ErasePattern.fits(call.pattern, chip) {
      return .unproven("its erase call is one of another chip than \(chip.rawValue)")
    }
    return call.isHarmless ? .safe(call) : .patchable(call)
  }

  /// The parts with the erase call put out of action, as they may be sent; nil for a loader of
  /// which nothing proves that it is harmless then. The file itself is never changed.
  public func disarmed() -> [Part]? {
    switch verdict {
    case .safe: return parts
    case .unproven: return nil
    case .patchable(let call):
      guard var main = parts.last else { return nil }
      var bytes = main.bytes.bytes()
      guard call.offset >= 0, call.offset + call.harmless.count <= bytes.count else { return nil }
      bytes.replaceSubrange(call.offset..<(call.offset + call.harmless.count), with: call.harmless)
      main.bytes = SharedBytes(bytes)
      return parts.dropLast() + [main]
    }
  }
}

/// The bytes around an erase call (Docs/Protocols/balong-loader.md section 4).
struct ErasePattern: Sendable {
  let name: String
  let bytes: [UInt8]
  let distance: Int
  /// Whether three bits are set in place of a whole instruction.
  let setsBits: Bool

  private static let returnZero: [UInt8] = [0x00, 0x00, 0xa0, 0xe3]
  /// More hits than this prove nothing, and counting them all would only cost time.
  private static let mostCalls = 8

  /// Every place that the pattern points at.
  func calls(in part: SharedBytes) -> [BalongLoader.EraseCall] {
    Self.places(of: bytes, in: part, most: Self.mostCalls).map { place in
      let offset = place + bytes.count + distance
      let size = setsBits ? 1 : Self.returnZero.count
      let found = offset >= 0 ? part.bytes(offset..<(offset + size)) : []
      let harmless = setsBits ? found.map { $0 | 0xe0 } : Self.returnZero
      return BalongLoader.EraseCall(
        pattern: name, offset: offset, harmless: harmless,
        isHarmless: !found.isEmpty && found == harmless)
    }
  }

  static func ignoresBadBlocks(_ part: SharedBytes) -> Bool {
    places(of: badBlockQuestion, in: part, most: 4096).contains { place in
      let end = place + badBlockQuestion.count
      return part.bytes(end..<(end + returnZero.count)) == returnZero
    }
  }

  /// Offsets on 4-byte steps from 8 on.
  private static func places(of pattern: [UInt8], in part: SharedBytes, most: Int) -> [Int] {
    guard pattern.count >= 4 else { return [] }
    let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(pattern[$1]) << (8 * UInt32($1)) }
    var found: [Int] = []
    var start = 8
    while found.count < most, let hit = ByteSearch.word(word, in: part, from: start) {
      if hit + pattern.count <= part.count, part.bytes(hit..<(hit + pattern.count)) == pattern {
        found.append(hit)
      }
      start = hit + 4
    }
    return found
  }

  /// Whether a pattern can be that of a chip; a chip without known pattern takes none.
  static func fits(_ pattern: String, _ chip: BalongLoader.Chip) -> Bool {
    switch chip {
    case .v3r3: false
    case .v7r1: pattern == "v7r1"
    case .v7r11: pattern == "v7r11"
    }
  }

  private static let badBlockQuestion: [UInt8] = [4, 0x10, 0x8d, 0xe2, 4, 0, 0xa0, 0xe1]

  static let all: [ErasePattern] = [
    pattern("v7r1", "3de2e0e3 00e09ee5 5cc39fe5 0c005ee1 0000000a", 0),
    pattern(
      "v7r2",
      """
      0030a0e3 9a3f07ee ff2f0fe3 e12f44e3 073002e5 9a3f07ee 0040a0e3 e04f44e3 4e3604e3 4c3444e3
      303384e5
      """, 16),
    pattern(
      "v7r11",
      """
      000050e3 7080bd08 0030a0e3 4e2604e3 e03f44e3 552244e3 4c019fe5 4ec604e3 48419fe5 0210a0e1
      4cc444e3 5c2383e5 00008fe0 40c383e5
      """, 4),
    pattern(
      "v7r22-a", "123ba0e3 4a354ae3 0020a0e3 7820c3e5 7920c3e5 7a20c3e5 7b20c3e5 0000a0e3", -37,
      setsBits: true),
    pattern("v7r22-b", "183094e5 102094e5 0d00a0e1 304084e2 14308de5 10208de5", 0),
    pattern("v7r22-c", "103094e5 0d00a0e1 10308de5 183094e5 14308de5", 0),
  ]

  private static func pattern(
    _ name: String, _ hex: String, _ distance: Int, setsBits: Bool = false
  ) -> ErasePattern {
    ErasePattern(
      name: name, bytes: [UInt8](hex: hex) ?? [], distance: distance, setsBits: setsBits)
  }
}
