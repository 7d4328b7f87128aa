import Glibc

/// Immutable bytes with one owner and any number of slices: a slice copies nothing.
///
/// The owner is either an array or a private read-only mapping of a file, so that a firmware
/// file of any size costs address space and no memory.
public struct SharedBytes: Sendable {
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
    owner = Owner(bytes)
    range = 0..<bytes.count
  }

  /// Maps a regular file read-only.
  ///
  /// - Parameter path: a path of the local file system.
  /// - Throws: ``MappingError``; nothing is held open then.
  public init(mapping path: String) throws(MappingError) {
    owner = try Owner(mapping: path)
    range = 0..<owner.count
  }

  /// The part of this slice at `part` (offsets from the slice's own start), or nil if it does
  /// not lie inside.
  public func slice(_ part: Range<Int>) -> SharedBytes? {
    guard part.lowerBound >= 0, part.upperBound <= count else { return nil }
    return SharedBytes(
      owner: owner,
      range: (range.lowerBound + part.lowerBound)..<(range.lowerBound + part.upperBound))
  }

  /// Lends the bytes of this slice.
  public func withSpan<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let window = unsafe UnsafeRawBufferPointer(rebasing: owner.raw[range])
    return try unsafe body(RawSpan(_unsafeBytes: window))
  }

  /// Copies a part of this slice (all of it by default); empty if the part is not inside, shorter
  /// if the file behind it was cut short meanwhile.
  public func bytes(_ part: Range<Int>? = nil) -> [UInt8] {
    guard let cut = slice(part ?? 0..<count) else { return [] }
    return cut.owner.copy(cut.range)
  }

  /// Gives the memory behind a part of this slice back to the system, if it is mapped: the bytes
  /// stay readable and come from the file again. Keeps memory flat while a big file is passed
  /// over once.
  public func release(_ part: Range<Int>) {
    guard let cut = slice(part) else { return }
    owner.release(cut.range)
  }

  private init(owner: Owner, range: Range<Int>) {
    self.owner = owner
    self.range = range
  }

  /// Holds the memory; read-only after `init`, which is why sharing it is safe.
  @safe private final class Owner: @unchecked Sendable {
    let raw: UnsafeRawBufferPointer
    private let mapped: Bool
    /// The mapped file, kept open: reading a file that was cut short through its mapping kills
    /// the process, reading it through this does not. -1 for an array.
    private let descriptor: Int32
    var count: Int { unsafe raw.count }

    init(_ bytes: [UInt8]) {
      let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(bytes.count, 1), alignment: 16)
      unsafe copy.copyBytes(from: bytes)
      unsafe raw = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<bytes.count])
      mapped = false
      descriptor = -1
    }

    func copy(_ range: Range<Int>) -> [UInt8] {
      guard mapped else {
        return unsafe [UInt8](UnsafeRawBufferPointer(rebasing: raw[range]))
      }
      return unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
        while filled < range.count {
          let got = unsafe pread(
            descriptor, buffer.baseAddress.map { unsafe $0 + filled }, range.count - filled,
            range.lowerBound + filled)
          if got < 0, errno == EINTR { continue }
          guard got > 0 else { break }
          filled += got
        }
      }
    }

    init(mapping path: String) throws(MappingError) {
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw MappingError(path: path, errno: errno) }
      var keeps = false
      defer { if !keeps { close(descriptor) } }
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0 else {
        throw MappingError(path: path, errno: errno)
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw MappingError(path: path, errno: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
      }
      let size = Int(status.st_size)
      mapped = size > 0
      guard size > 0 else {
        self.descriptor = -1
        unsafe raw = UnsafeRawBufferPointer(start: nil, count: 0)
        return
      }
      let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
      guard let address = unsafe address, unsafe address != MAP_FAILED else {
        throw MappingError(path: path, errno: errno)
      }
      unsafe raw = UnsafeRawBufferPointer(start: address, count: size)
      self.descriptor = descriptor
      keeps = true
    }

    func release(_ range: Range<Int>) {
      guard mapped, let base = unsafe raw.baseAddress else { return }
      let page = 4096
      let start = range.lowerBound & ~(page - 1)
      let end = range.upperBound == count ? count : range.upperBound & ~(page - 1)
      guard start < end else { return }
      let memory = unsafe UnsafeMutableRawPointer(mutating: base + start)
      _ = unsafe madvise(memory, end - start, MADV_DONTNEED)
    }

    deinit {
      if descriptor >= 0 { close(descriptor) }
      guard let base = unsafe raw.baseAddress else { return }
      let memory = unsafe UnsafeMutableRawPointer(mutating: base)
      if mapped {
        _ = unsafe munmap(memory, raw.count)
      } else {
        unsafe memory.deallocate()
      }
    }
  }
}

/// Why a file could not be mapped.
public struct MappingError: Error, Equatable, Sendable {
  /// The path as it was given.
  public let path: String
  /// The system's error number.
  public let errno: Int32

  /// The system's own words for the number.
  public var reason: String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}
