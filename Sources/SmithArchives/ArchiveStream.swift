import CArchiveReader
import Glibc
import SmithBytes
import SmithFormats

/// One archive as libarchive reads it, entry by entry, in a process of its own
/// (Docs/Decisions/0017-archives-in-a-process-of-their-own.md); bytes come in and go out in
/// pieces.
final class ArchiveStream {
  /// What an entry is, before its bytes are read.
  struct Entry {
    /// The name as it is in the archive, 4096 bytes of it at most.
    var rawName: [UInt8]
    var name: String
    var isFile: Bool
    var isLink: Bool
    var isEncrypted: Bool
    /// Whether the name would lead out of its folder.
    var leadsOut: Bool
    /// Size, if the archive tells it before the bytes.
    var size: Int?
  }

  private let bytes: SharedBytes
  private let budget: PeelBudget
  private let place: String
  private let kind: ArchiveFound.Kind
  private let memory: Int
  /// The process that reads; tests look at it and end it.
  let reader: ReaderProcess
  /// Whether more was asked for than there is.
  private var sawEnd = false
  /// Whether the entry has bytes that were not taken yet.
  private var isUnpacking = false
  /// The slot that the next piece is in.
  private var turn = 0
  /// Beyond any file: an offset above it is made up.
  private static let farthest: Int64 = 1 << 48

  /// Opens an archive for reading.
  ///
  /// - Parameters:
  ///   - found: the archive and its kind; only the reader for that kind is allowed to look at it.
  ///   - place: where it is, for errors.
  ///   - memory: bytes that reading may take.
  convenience init(
    _ found: ArchiveFound, at place: String, budget: PeelBudget, memory: Int = ReaderProcess.memory
  ) throws(ArchiveError) {
    let seconds = min(max(budget.limits.time.components.seconds, 1), 3600)
    let reader: ReaderProcess
    do throws(ReaderProcess.Fault) {
      reader = try ReaderProcess.start(
        found.kind, size: found.bytes.count, memory: memory, seconds: Int(seconds) + 2,
        isOver: { budget.isOver })
    } catch {
      throw Self.error(error, at: place, budget)
    }
    self.init(found, at: place, budget: budget, memory: memory, reader: reader)
  }

  /// Reads through a process that runs already.
  init(
    _ found: ArchiveFound, at place: String, budget: PeelBudget, memory: Int,
    reader: ReaderProcess
  ) {
    bytes = found.bytes
    kind = found.kind
    self.place = place
    self.budget = budget
    self.memory = memory
    self.reader = reader
  }

  /// The next entry; nil at the end.
  func next() throws(ArchiveError) -> Entry? {
    while try unsafe piece({ _, _ in }) {}
    try order(smith_order_next)
    let frame = try answer()
    if frame.kind == smith_frame_end.rawValue { return nil }
    guard frame.kind == smith_frame_entry.rawValue else { throw lied("no entry") }
    // A stream in a stream, as quines are; the last of the filters is always "none".
    let depth = budget.limits.depth
    if frame.second > Int64(depth) + 1 { throw .tooDeep(at: place, limit: depth) }
    func has(_ flag: Int) -> Bool { frame.flags & UInt32(flag) != 0 }
    let size = has(smith_has_size) && frame.first >= 0 ? Int(frame.first) : nil
    return Entry(
      rawName: frame.text, name: EntryName.shown(frame.text), isFile: has(smith_is_file),
      isLink: has(smith_is_link), isEncrypted: has(smith_is_encrypted),
      leadsOut: EntryName.leadsOut(frame.text), size: size)
  }

  /// Reads the bytes of the entry in pieces and hands each with its offset to `body`, which may
  /// look at each byte only once: the other process can change them at any time.
  func pieces(
    _ body: (UnsafeRawBufferPointer, Int) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    try unpack()
    while try unsafe piece(body) {}
  }

  /// Begins with the bytes of the entry.
  func unpack() throws(ArchiveError) {
    try order(smith_order_data)
    isUnpacking = true
  }

  /// Hands the next piece to `body`, as ``pieces(_:)`` does; false if there is none.
  func piece(
    _ body: (UnsafeRawBufferPointer, Int) throws(ArchiveError) -> Void
  ) throws(ArchiveError) -> Bool {
    guard isUnpacking else { return false }
    let frame = try answer()
    if frame.kind == smith_frame_data_end.rawValue {
      isUnpacking = false
      return false
    }
    guard frame.kind == smith_frame_piece.rawValue else { throw lied("no piece") }
    guard (0...Self.farthest).contains(frame.first),
      let piece = unsafe reader.slot(turn, count: frame.second)
    else { throw lied("a piece of \(frame.second) bytes at \(frame.first)") }
    try unsafe body(piece, Int(frame.first))
    turn = (turn + 1) % smith_slots
    try order(smith_order_credit)
    return true
  }

  /// Passes over an entry that nobody wants; free of cost in a zip, where it can be jumped over.
  var canSkip: Bool { kind == .zip }

  // MARK: The other process

  /// The next frame that says something about the archive; its bytes are fed meanwhile.
  private func answer() throws(ArchiveError) -> ReaderProcess.Frame {
    while true {
      let frame: ReaderProcess.Frame
      do throws(ReaderProcess.Fault) {
        frame = try reader.receive { budget.isOver }
        if frame.kind == smith_frame_need.rawValue {
          try feed(frame.first)
          continue
        }
      } catch { throw fault(error) }
      if frame.kind == smith_frame_failed.rawValue { throw refusal(frame) }
      return frame
    }
  }

  /// Gives the process a piece of the archive: a file that is cut short or overwritten meanwhile
  /// gives fewer bytes.
  private func feed(_ offset: Int64) throws(ReaderProcess.Fault) {
    // The library may unpack for long between two of our own looks at the clock.
    if budget.isOver { throw .overdue }
    guard (0...Int64(bytes.count)).contains(offset) else { throw .lied("bytes at \(offset)") }
    let start = Int(offset)
    let piece = bytes.intact(start..<min(start + smith_input_size, bytes.count))
    if piece.isEmpty { sawEnd = true }
    try reader.give(piece)
  }

  private func order(_ order: smith_order) throws(ArchiveError) {
    do throws(ReaderProcess.Fault) { try reader.order(order) } catch { throw fault(error) }
  }

  private func lied(_ what: String) -> ArchiveError { fault(.lied(what)) }

  /// Nothing more is taken from a process that once did what it should not.
  private func fault(_ fault: ReaderProcess.Fault) -> ArchiveError {
    isUnpacking = false
    reader.end()
    return Self.error(fault, at: place, budget)
  }

  private static func error(
    _ fault: ReaderProcess.Fault, at place: String, _ budget: PeelBudget
  ) -> ArchiveError {
    switch fault {
    case .overdue:
      return .tooSlow(at: place, limit: Int(budget.limits.time.components.seconds))
    case .ended(let status?) where status & 0x7f == SIGXCPU:
      return .tooSlow(at: place, limit: Int(budget.limits.time.components.seconds))
    case .ended(let status):
      return .damaged(at: place, reason: "the archive reader ended: \(words(status))")
    case .lied(let what):
      return .damaged(at: place, reason: "the archive reader went astray: \(what)")
    case .noProcess(let number):
      let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "\(number)"
      return .noRoom(reason: "no process can be started for reading it (\(words))")
    }
  }

  /// How a process ended.
  private static func words(_ status: Int32?) -> String {
    guard let status else { return "nobody knows how" }
    if status & 0x7f != 0 { return "signal \(status & 0x7f)" }
    let code = status >> 8 & 0xff
    return code == smith_exit_by_library ? "libarchive gave up" : "exit code \(code)"
  }

  /// What went wrong, from libarchive's own words: its numbers do not tell these apart.
  private func refusal(_ frame: ReaderProcess.Frame) -> ArchiveError {
    isUnpacking = false
    let text = String(decoding: frame.text, as: UTF8.self)
    let reason = text.isEmpty ? "libarchive gave no reason" : String(text.shownSafely.prefix(200))
    let lower = text.lowercased()
    func says(_ words: String...) -> Bool { words.contains { lower.contains($0) } }
    if frame.first == Int64(ENOMEM) {
      return .unsupported(
        at: place, reason: "reading it takes more than \(memory >> 20) MiB of memory")
    }
    if says("encrypt", "passphrase", "crypto", "password") { return .encrypted(at: place) }
    if says("truncat", "unexpected end", "premature", "no progress") {
      return .truncated(at: place)
    }
    if says("unsupported", "not supported", "multi-volume", "multivolume", "unavailable") {
      return .unsupported(at: place, reason: reason)
    }
    if text.isEmpty || lower.contains("i/o error"), sawEnd { return .truncated(at: place) }
    return .damaged(at: place, reason: reason)
  }
}

/// Names of entries, in whatever encoding they are.
enum EntryName {
  /// The name as people may see it, with `/` between folders and without `.` folders; bytes that
  /// are no UTF-8 are "?".
  static func shown(_ bytes: [UInt8]) -> String {
    let text =
      String(validating: bytes, as: UTF8.self)
      ?? String(decoding: bytes.map { $0 < 0x80 ? $0 : 0x3f }, as: UTF8.self)
    let parts = text.split { $0 == "/" || $0 == "\\" }.filter { $0 != "." }
    let joined = parts.joined(separator: "/").shownSafely
    return joined.isEmpty ? "unnamed" : String(joined.suffix(200))
  }

  /// Whether unpacking to that name could write outside of the folder it is unpacked in.
  static func leadsOut(_ bytes: [UInt8]) -> Bool {
    let separators: Set<UInt8> = [0x2f, 0x5c]
    if let first = bytes.first, separators.contains(first) { return true }
    if bytes.count >= 2, bytes[1] == 0x3a, (0x41...0x5a).contains(bytes[0] & 0xdf) { return true }
    return bytes.split(whereSeparator: separators.contains).contains { $0.elementsEqual([46, 46]) }
  }
}
