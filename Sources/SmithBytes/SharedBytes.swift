/// Immutable bytes with one owner and any number of slices: a slice copies nothing.
///
/// The owner is either an array or an open file, so that a firmware file of any size costs one
/// descriptor and a window of memory. A file is never mapped: what is mapped and then cut short
/// by somebody else ends the process. It is read window by window, and a window that is read
/// again has to be the same again (Docs/Decisions/0013-what-was-checked-is-what-is-sent.md).
public struct SharedBytes: Sendable {
  private enum Owner: Sendable {
    case memory(OwnedMemory)
    case file(FileWindows)
  }

  private let owner: Owner
  private let range: Range<Int>

  /// Number of bytes in this slice.
  public var count: Int { range.count }
  /// Whether the slice is empty.
  public var isEmpty: Bool { range.isEmpty }
  /// Offset of this slice in the whole that it was cut from.
  public var offset: Int { range.lowerBound }

  /// Takes over an array.
  public init(_ bytes: [UInt8]) {
    owner = .memory(OwnedMemory(bytes))
    range = 0..<bytes.count
  }

  /// Opens a regular file for reading; others may still write to it.
  ///
  /// - Parameters:
  ///   - path: a path of the local file system.
  ///   - onRead: hears of every look at the disk before it is made, for tests.
  /// - Throws: ``FileFault``; nothing is held open then.
  public init(file path: String, onRead: (@Sendable () -> Void)? = nil) throws(FileFault) {
    self.init(try FileWindows(path, onRead: onRead))
  }

  init(_ file: FileWindows) {
    owner = .file(file)
    range = 0..<file.count
  }

  /// Whether the file behind the bytes is not what it was when it was opened: some of the bytes
  /// that were handed out since may be zeros in place of lost ones.
  public var hasChanged: Bool {
    guard case .file(let file) = owner else { return false }
    return file.hasChanged
  }

  /// Whether nobody else can change the bytes: they are in memory, or in a copy without a name.
  public var isSteady: Bool {
    guard case .file(let file) = owner else { return true }
    return file.isPrivate
  }

  /// The part of this slice at `part` (offsets from the slice's own start), or nil if it does
  /// not lie inside.
  public func slice(_ part: Range<Int>) -> SharedBytes? {
    guard part.lowerBound >= 0, part.upperBound <= count else { return nil }
    return SharedBytes(
      owner: owner,
      range: (range.lowerBound + part.lowerBound)..<(range.lowerBound + part.upperBound))
  }

  /// Lends the bytes from `start` on, as many as are at hand at once: at least one unless `start`
  /// is the end. Where the file lost bytes, zeros stand, and ``hasChanged`` says so.
  public func withWindow<Result, Failure: Error>(
    at start: Int, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let from = range.lowerBound + min(max(start, 0), count)
    switch owner {
    case .memory(let memory):
      let window = unsafe UnsafeRawBufferPointer(
        rebasing: memory.raw[from..<range.upperBound])
      return try unsafe body(RawSpan(_unsafeBytes: window))
    case .file(let file):
      let window = file.window(at: from)
      let end = min(window.end, range.upperBound)
      let bytes = unsafe UnsafeRawBufferPointer(
        rebasing: window.raw[(from - window.start)..<max(from - window.start, end - window.start)])
      defer { withExtendedLifetime(window) {} }
      return try unsafe body(RawSpan(_unsafeBytes: bytes))
    }
  }

  /// Lends all bytes from front to back in windows, each with the offset of its first byte, until
  /// `body` returns false.
  public func forEachWindow<Failure: Error>(
    _ body: (RawSpan, Int) throws(Failure) -> Bool
  ) throws(Failure) {
    var position = 0
    while position < count {
      let (next, goesOn) = try withWindow(at: position) {
        span throws(Failure) -> (Int, Bool) in
        (position + span.byteCount, try body(span, position))
      }
      guard goesOn, next > position else { return }
      position = next
    }
  }

  /// The integer at `offset` as it lies in memory; nil if it is not inside.
  @inlinable
  public func load<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, at offset: Int
  ) -> Value? {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, offset <= count - size else { return nil }
    let whole = withWindow(at: offset) { span -> Value? in
      span.byteCount < size ? nil : unsafe span.unsafeLoadUnaligned(as: type)
    }
    if let whole { return whole }
    // It lies across two windows.
    let cut = bytes(offset..<(offset + size))
    return unsafe cut.withUnsafeBytes { unsafe $0.loadUnaligned(as: type) }
  }

  /// Copies a part of this slice (all of it by default); empty if the part is not inside. Where
  /// the file lost bytes, zeros stand, and ``hasChanged`` says so.
  public func bytes(_ part: Range<Int>? = nil) -> [UInt8] {
    guard let cut = slice(part ?? 0..<count) else { return [] }
    switch owner {
    case .memory(let memory):
      return unsafe [UInt8](UnsafeRawBufferPointer(rebasing: memory.raw[cut.range]))
    case .file(let file): return file.copy(cut.range).bytes
    }
  }

  /// Copies a part of this slice as far as it is what it was: fewer bytes, or none, if the file
  /// was cut short or overwritten meanwhile. Everything that is sent comes from here.
  public func intact(_ part: Range<Int>) -> [UInt8] {
    guard let cut = slice(part) else { return [] }
    guard case .file(let file) = owner else { return cut.bytes() }
    let (bytes, good) = file.copy(cut.range)
    return good == bytes.count ? bytes : Array(bytes.prefix(good))
  }

  private init(owner: Owner, range: Range<Int>) {
    self.owner = owner
    self.range = range
  }
}

/// Why a file could not be opened or read.
public struct FileFault: Error, Equatable, Sendable {
  /// The path as it was given.
  public let path: String
  /// The system's error number.
  public let errno: Int32

  /// Gathers the parts.
  public init(path: String, errno: Int32) {
    self.path = path
    self.errno = errno
  }

  /// The system's own words for the number.
  public var reason: String { systemWords(errno) }
}
