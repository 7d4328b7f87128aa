import SmithBytes

/// What a session lets out (Docs/Protocols/at.md section 7).
///
/// Judges the whole line, with blanks and quotes taken off and case ignored, so that a command
/// cannot hide behind another one. Commands that write identity, lock lists or calibration have
/// no exception.
public struct ATGuard: Sendable, Equatable {
  /// A write that a caller may name one by one.
  public enum Exception: Sendable, Hashable {
    /// `AT!UDPID=`, `AT!UDUSBCOMP=` and `AT!USBCOMP=` of Sierra, after `=?` listed the value.
    case sierraComposition
    /// `AT^CARDLOCK="..."` with eight digits or `AT^CARDUNLOCK="..."` with a hash, alone on its
    /// line: one attempt for one word of the owner.
    case lockCode
  }

  private var exceptions: Set<Exception>

  /// Lets out what changes neither identity nor locks nor raw storage, and these exceptions.
  public init(allowing exceptions: Set<Exception> = []) {
    self.exceptions = exceptions
  }

  /// Throws `.refusedByGuard` for a command that must not leave.
  public func check(_ command: ATCommand) throws(ATError) {
    if let reason = refusal(of: command) {
      throw .refusedByGuard(command: command.description, reason: reason)
    }
  }

  /// Why a command must not leave; nil if it may.
  public func refusal(of command: ATCommand) -> String? {
    guard command.text.utf8.count <= 512 else { return "the line is longer than 512 bytes" }
    guard command.text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
      return "the line holds bytes that are no printable ASCII"
    }
    let line = Line(command.text)
    guard line.begins("AT") else { return "the line does not begin with AT" }
    if Self.changesLineEnd(line) { return "it changes the characters that end a command" }
    // Most commands hold none of the names that need a closer look.
    guard line.containsAny(of: Self.suspects) else { return nil }
    if let entry = Self.never.first(where: { line.contains($0.name) }) { return entry.reason }
    if let reason = nvRefusal(line) { return reason }
    if let reason = lockRefusal(line) { return reason }
    return setRefusal(line)
  }

  /// Names that are refused whatever follows, with their reasons.
  private static let never: [(name: Name, reason: String)] = [
    ("^CIMEI", "it writes the identity"), ("+EGMR", "it writes the identity"),
    ("^NVRESTORE", "it overwrites data of the unit"), ("!NVRESTORE", "it overwrites settings"),
    ("!RMARESET", "it overwrites settings"), ("!QPSTDLOAD", "it stops the firmware for good"),
    ("!NVENCRYPTIMEI", "it writes the identity"), ("!NVIMEIUNLOCK", "it writes the identity"),
    ("!NVWRITE", "it writes raw storage"), ("$QCNVW", "it writes raw storage"),
    ("+SIMEI", "it writes the identity"), ("+ZIMEI", "it writes the identity"),
  ]

  /// Names that are refused when they set something.
  private static let neverSet: [(name: Name, reason: String)] = [
    ("^PHYNUM", "it writes the identity"), ("^SN", "it writes the serial number"),
    ("^DATALOCK", "it opens identity data for writing"),
    ("+ZNCK", "a wrong code costs a try for good"), ("!SETCND", "it changes the password"),
    ("!USBPID", "it can make the stick unreachable"), ("!IMEI", "it writes the identity"),
    ("!MEID", "it writes the identity"), ("!FSN", "it writes the serial number"),
    ("+SN", "it writes the serial number"), ("+ZSN", "it writes the serial number"),
  ]

  private static let nvWrites: Name = "^NVWR"
  private static let facilities: Name = "+CLCK"
  private static let locks: [Name] = ["^CARDLOCK", "^CARDUNLOCK"]
  private static let compositions: [Name] = ["!UDPID", "!UDUSBCOMP", "!USBCOMP"]
  private static let imageStores: [Name] = ["!IMAGE", "!GOBIIMAGE"]
  private static let identities: [Name] = ["+CGSN", "+GSN"]
  /// Every name that a rule below asks for.
  private static let suspects =
    never.map(\.name) + neverSet.map(\.name) + [nvWrites, facilities] + locks + compositions
    + imageStores + identities

  /// S3, S4 and S5 move the ends that this guard relies on.
  private static func changesLineEnd(_ line: Line) -> Bool {
    let bytes = line.bytes
    for start in bytes.indices where bytes[start] == 0x53 {
      var at = start + 1
      var register = 0
      while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
        register = min(register * 10 + Int(bytes[at] - 0x30), 1000)
        at += 1
      }
      guard at > start + 1, (3...5).contains(register), at < bytes.count, bytes[at] == 0x3d else {
        continue
      }
      if at + 1 == bytes.count || bytes[at + 1] != 0x3f { return true }
    }
    return false
  }

  /// Identity, lock lists, secrets and calibration live there, and nothing brings them back.
  private func nvRefusal(_ line: Line) -> String? {
    for tail in line.tails(of: Self.nvWrites) {
      let value = tail.drop { $0.isLetter }
      if value != "=?", !value.hasPrefix("=?;") { return "it writes raw storage" }
    }
    return nil
  }

  /// A wrong code costs one of ten tries for good, so codes leave one by one or not at all.
  private func lockRefusal(_ line: Line) -> String? {
    guard Self.locks.contains(where: { Self.sets($0, in: line) }) else { return nil }
    guard exceptions.contains(.lockCode) else { return "a wrong code costs a try for good" }
    for (name, length) in [("AT^CARDLOCK=", 8), ("AT^CARDUNLOCK=", 32)] where line.begins(name) {
      let value = line.bytes.dropFirst(name.utf8.count)
      let isPlain = value.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) }
      if value.count == length, isPlain { return nil }
    }
    return "it is no single code of the usual length"
  }

  private func setRefusal(_ line: Line) -> String? {
    if let entry = Self.neverSet.first(where: { Self.sets($0.name, in: line) }) {
      return entry.reason
    }
    if !exceptions.contains(.sierraComposition) {
      for name in Self.compositions where Self.sets(name, in: line) {
        return "it can make the stick unreachable"
      }
    }
    for name in Self.imageStores {
      for tail in line.tails(of: name) where tail.hasPrefix("=") {
        // 1 lists, 2 tells the maximum, 0 deletes.
        guard let operation = tail.dropFirst().first, "?12".contains(operation) else {
          return "it deletes stored firmware"
        }
      }
    }
    // 27.007 knows +CGSN=0...3 as a question; a longer value is an identity.
    for name in Self.identities {
      for tail in line.tails(of: name) where tail.hasPrefix("=") {
        if tail.dropFirst().prefix(while: { $0 != ";" }).count > 1 {
          return "it writes the identity"
        }
      }
    }
    return facilityRefusal(line)
  }

  /// Personalisation locks through +CLCK: a wrong code costs a try for good.
  private func facilityRefusal(_ line: Line) -> String? {
    for tail in line.tails(of: Self.facilities) where tail.hasPrefix("=") {
      let fields = tail.dropFirst().prefix { $0 != ";" }.split(
        separator: ",", omittingEmptySubsequences: false)
      guard fields.count >= 2, ["PN", "PU", "PP", "PC", "PF", "PS"].contains(String(fields[0]))
      else { continue }
      if fields[1] != "2" { return "a wrong code costs a try for good" }
    }
    return nil
  }

  static func sets(_ name: Name, in line: Line) -> Bool {
    line.tails(of: name).contains { tail in
      tail.hasPrefix("=") && !(tail == "=?" || tail.hasPrefix("=?;"))
    }
  }

  /// A name to look for: some forty of them in every command, so most are told apart by their
  /// first eight bytes at once.
  struct Name: ExpressibleByStringLiteral, Sendable {
    let text: String
    fileprivate let head: UInt64
    fileprivate let mask: UInt64

    init(stringLiteral value: String) {
      text = value
      head = Line.head([UInt8](value.utf8)[...])
      mask = value.utf8.count >= 8 ? .max : (1 << (8 * UInt64(value.utf8.count))) - 1
    }
  }

  /// A command line in upper case without blanks and quotes, as bytes: the guard looks at every
  /// command that leaves, so it looks quickly.
  struct Line {
    let bytes: [UInt8]
    /// Where names of extended commands begin.
    private let starts: [(index: Int, head: UInt64)]

    init(_ text: String) {
      let bytes: [UInt8] = text.utf8.compactMap { byte in
        byte == 0x20 || byte == 0x22 ? nil : byte.inUpperCase
      }
      self.bytes = bytes
      var starts: [(index: Int, head: UInt64)] = []
      for index in bytes.indices where ATLine.isSign(bytes[index]) {
        starts.append((index, Self.head(bytes[index...])))
      }
      self.starts = starts
    }

    /// The first eight bytes, or as many as there are.
    fileprivate static func head(_ bytes: ArraySlice<UInt8>) -> UInt64 {
      var word: UInt64 = 0
      for (place, byte) in bytes.prefix(8).enumerated() { word |= UInt64(byte) << (8 * place) }
      return word
    }

    func begins(_ name: String) -> Bool {
      holds(name.utf8, at: 0)
    }

    func contains(_ name: Name) -> Bool {
      firstIndex(of: name, from: 0) != nil
    }

    /// Whether any of some extended commands stands in the line, wherever it begins.
    func containsAny(of names: [Name]) -> Bool {
      starts.contains { place in
        names.contains { name in
          place.head & name.mask == name.head
            && (name.text.utf8.count <= 8 || holds(name.text.utf8, at: place.index))
        }
      }
    }

    /// What follows each occurrence of `name`.
    func tails(of name: Name) -> [Substring] {
      var result: [Substring] = []
      var from = 0
      while let at = firstIndex(of: name, from: from) {
        let end = at + name.text.utf8.count
        result.append(Substring(decoding: bytes[end...], as: UTF8.self))
        from = at + 1
      }
      return result
    }

    private func firstIndex(of name: Name, from start: Int) -> Int? {
      let text = name.text.utf8
      guard let first = text.first else { return nil }
      guard ATLine.isSign(first) else {
        return bytes.indices.first { $0 >= start && holds(text, at: $0) }
      }
      for place in starts where place.head & name.mask == name.head && place.index >= start {
        if text.count <= 8 || holds(text, at: place.index) { return place.index }
      }
      return nil
    }

    private func holds(_ name: String.UTF8View, at start: Int) -> Bool {
      var at = start
      for byte in name {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
      }
      return true
    }
  }
}
