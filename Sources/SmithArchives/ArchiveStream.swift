import CArchive
import Glibc
import SmithBytes
import SmithFormats

/// One archive as libarchive reads it, entry by entry; bytes come in and go out in pieces.
@safe final class ArchiveStream {
  /// What an entry is, before its bytes are read.
  struct Entry {
    var name: String
    var isFile: Bool
    var isLink: Bool
    var isEncrypted: Bool
    /// Whether the name would lead out of its folder.
    var leadsOut: Bool
    /// Size, if the archive tells it before the bytes.
    var size: Int?
  }

  private let archive: OpaquePointer
  private let source: Source
  private let place: String
  private let kind: ArchiveFound.Kind
  /// How many streams may lie in one another.
  private let depth: Int

  /// Opens an archive for reading.
  ///
  /// - Parameters:
  ///   - found: the archive and its kind; only the reader for that kind is allowed to look at it.
  ///   - place: where it is, for errors.
  init(_ found: ArchiveFound, at place: String, budget: PeelBudget) throws(ArchiveError) {
    guard let archive = unsafe archive_read_new() else { throw .noRoom(reason: "out of memory") }
    unsafe self.archive = archive
    self.place = place
    kind = found.kind
    depth = budget.limits.depth
    source = Source(found.bytes, budget: budget)
    unsafe Self.allow(found.kind, archive)
    let context = unsafe Unmanaged.passUnretained(source).toOpaque()
    unsafe archive_read_set_callback_data(archive, context)
    unsafe archive_read_set_read_callback(archive) { _, context, start in
      unsafe Source.of(context)?.read(start) ?? -1
    }
    unsafe archive_read_set_skip_callback(archive) { _, context, count in
      unsafe Source.of(context)?.skip(count) ?? 0
    }
    unsafe archive_read_set_seek_callback(archive) { _, context, offset, whence in
      unsafe Source.of(context)?.seek(offset, whence) ?? -1
    }
    guard unsafe archive_read_open1(archive) == ARCHIVE_OK else { throw failure() }
  }

  deinit {
    unsafe archive_read_free(archive)
  }

  /// The next entry; nil at the end.
  func next() throws(ArchiveError) -> Entry? {
    var entry: OpaquePointer?
    let status = unsafe archive_read_next_header(archive, &entry)
    switch status {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN, ARCHIVE_RETRY: break
    default: throw failure()
    }
    guard let entry = unsafe entry else { throw failure() }
    // A stream in a stream, as quines are; the last of the filters is always "none".
    if unsafe archive_filter_count(archive) > Int32(clamping: depth) + 1 {
      throw .tooDeep(at: place, limit: depth)
    }
    return unsafe describe(entry)
  }

  /// Reads the bytes of the entry in pieces and hands each with its offset to `body`.
  func pieces(
    _ body: (UnsafeRawBufferPointer, Int) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    while true {
      var start: UnsafeRawPointer?
      var size = 0
      var offset: Int64 = 0
      let status = unsafe archive_read_data_block(archive, &start, &size, &offset)
      if status == ARCHIVE_EOF { return }
      guard status == ARCHIVE_OK, offset >= 0 else { throw failure() }
      try unsafe body(UnsafeRawBufferPointer(start: start, count: size), Int(offset))
    }
  }

  /// Passes over an entry that nobody wants; free of cost in a zip, where it can be jumped over.
  var canSkip: Bool { kind == .zip }

  private func describe(_ entry: OpaquePointer) -> Entry {
    let bytes = unsafe archive_entry_pathname(entry).map { pointer in
      unsafe [UInt8](
        UnsafeRawBufferPointer(start: pointer, count: min(strlen(pointer), 4096)))
    }
    let type = unsafe archive_entry_filetype(entry)
    let isHardLink = unsafe archive_entry_hardlink(entry) != nil
    let size = unsafe archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : -1
    return Entry(
      name: EntryName.shown(bytes ?? []), isFile: type == 0o100000 || type == 0,
      isLink: isHardLink || type == 0o120000,
      isEncrypted: unsafe archive_entry_is_encrypted(entry) != 0,
      leadsOut: EntryName.leadsOut(bytes ?? []), size: size < 0 ? nil : Int(size))
  }

  /// Only readers built into the library: some of its filters would start other programs.
  private static func allow(_ kind: ArchiveFound.Kind, _ archive: OpaquePointer) {
    switch kind {
    case .zip: unsafe archive_read_support_format_zip_seekable(archive)
    case .sevenZip: unsafe archive_read_support_format_7zip(archive)
    case .rar:
      unsafe archive_read_support_format_rar(archive)
      unsafe archive_read_support_format_rar5(archive)
    case .cab: unsafe archive_read_support_format_cab(archive)
    case .tar: unsafe archive_read_support_format_tar(archive)
    case .iso: unsafe archive_read_support_format_iso9660(archive)
    case .compressed:
      unsafe archive_read_support_filter_gzip(archive)
      unsafe archive_read_support_filter_bzip2(archive)
      unsafe archive_read_support_filter_xz(archive)
      unsafe archive_read_support_filter_zstd(archive)
      unsafe archive_read_support_filter_compress(archive)
      unsafe archive_read_support_format_tar(archive)
      unsafe archive_read_support_format_raw(archive)
    }
  }

  /// What went wrong, from libarchive's own words: its numbers do not tell these apart.
  private func failure() -> ArchiveError {
    if source.wasStopped { return source.stopped(at: place) }
    let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? ""
    let reason = text.isEmpty ? "libarchive gave no reason" : String(text.shownSafely.prefix(200))
    let lower = text.lowercased()
    func says(_ words: String...) -> Bool { words.contains { lower.contains($0) } }
    if says("encrypt", "passphrase", "crypto", "password") { return .encrypted(at: place) }
    if says("truncat", "unexpected end", "premature", "no progress") {
      return .truncated(at: place)
    }
    if says("unsupported", "not supported", "multi-volume", "multivolume", "unavailable") {
      return .unsupported(at: place, reason: reason)
    }
    if text.isEmpty || lower.contains("i/o error"), source.sawEnd { return .truncated(at: place) }
    return .damaged(at: place, reason: reason)
  }
}

/// Feeds an archive's bytes to libarchive, in pieces: a file that is cut short or overwritten
/// meanwhile gives fewer bytes.
@safe private final class Source {
  private let bytes: SharedBytes
  private let budget: PeelBudget
  private let buffer: UnsafeMutableRawBufferPointer
  private var position = 0
  private static let pieceSize = 128 << 10
  private(set) var wasStopped = false
  /// Whether more was asked for than there is.
  private(set) var sawEnd = false

  init(_ bytes: SharedBytes, budget: PeelBudget) {
    self.bytes = bytes
    self.budget = budget
    unsafe buffer = .allocate(byteCount: Self.pieceSize, alignment: 16)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  static func of(_ context: UnsafeMutableRawPointer?) -> Source? {
    unsafe context.map { unsafe Unmanaged<Source>.fromOpaque($0).takeUnretainedValue() }
  }

  func stopped(at place: String) -> ArchiveError {
    .tooSlow(at: place, limit: Int(budget.limits.time.components.seconds))
  }

  func read(_ start: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
    // The library may unpack for long between two of our own looks at the clock.
    if budget.isOver {
      wasStopped = true
      return -1
    }
    let end = min(position + Self.pieceSize, bytes.count)
    let piece = bytes.intact(position..<max(position, end))
    unsafe buffer.copyBytes(from: piece)
    if piece.isEmpty { sawEnd = true }
    position += piece.count
    if let start = unsafe start { unsafe start.pointee = UnsafeRawPointer(buffer.baseAddress) }
    return piece.count
  }

  func skip(_ count: Int64) -> Int64 {
    let step = min(max(Int(count), 0), bytes.count - position)
    position += step
    return Int64(step)
  }

  func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
    let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : bytes.count
    let (wanted, isOver) = Int(offset).addingReportingOverflow(base)
    position = isOver ? bytes.count : min(max(wanted, 0), bytes.count)
    return Int64(position)
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
