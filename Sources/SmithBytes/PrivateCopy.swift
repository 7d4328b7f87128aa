import Glibc

/// Why no private copy of a file could be made.
public enum CopyFault: Error, Equatable, Sendable {
  /// The file itself cannot be read.
  case source(FileFault)
  /// There is no room for the copy, or no right to make one.
  case room(FileFault, needed: Int)
  /// The file changed while it was copied.
  case changed(path: String)
}

extension SharedBytes {
  /// Copies a regular file into a file without a name in `folder`, and reads that one: whatever
  /// becomes of the file, the bytes stay what they are. The copy is gone when the last slice is,
  /// or the process.
  ///
  /// Where the file system can share blocks nothing is copied; elsewhere the kernel copies, and
  /// the whole room is taken before the first byte.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - folder: where the copy goes.
  ///   - reserve: room that has to stay free there: a journal that finds a full disk in the middle
  ///     of an update is worse than no copy.
  ///   - onRead: hears of every step before it is made, for tests.
  /// - Throws: ``CopyFault``; nothing is left behind then.
  public init(
    privateCopyOf path: String, in folder: String, reserve: Int = 16 << 20,
    onRead: (@Sendable () -> Void)? = nil
  ) throws(CopyFault) {
    let source: Int32
    let before: FileMark
    do { (source, before) = try FileMark.open(path) } catch { throw .source(error) }
    defer { close(source) }
    let copy: Int32
    do { copy = try Nameless.file(in: folder) } catch {
      throw .room(FileFault(path: folder, errno: error.errno), needed: before.size)
    }
    var keeps = false
    defer { if !keeps { close(copy) } }
    onRead?()
    let (copied, failure) = Self.copy(source, to: copy, before.size, reserve, onRead)
    if failure != 0 { throw .room(FileFault(path: folder, errno: failure), needed: before.size) }
    guard copied == before.size, FileMark(source) == before, let mark = FileMark(copy),
      mark.size == before.size
    else { throw .changed(path: path) }
    keeps = true
    self.init(FileWindows(copy, mark, isPrivate: true, onRead: onRead))
  }

  /// Reads a file without a name that nobody else holds: nothing in it has to be compared later.
  ///
  /// - Parameter descriptor: stays the caller's, who no longer writes to it.
  /// - Throws: ``FileFault``; nothing is held open then.
  public init(nameless descriptor: Int32) throws(FileFault) {
    let (own, mark) = try FileMark.open("/proc/self/fd/\(descriptor)")
    self.init(FileWindows(own, mark, isPrivate: true))
  }

  /// How many bytes were copied, and the error number of writing, 0 if there was none.
  private static func copy(
    _ source: Int32, to copy: Int32, _ size: Int, _ reserve: Int,
    _ onRead: (@Sendable () -> Void)?
  ) -> (Int, Int32) {
    guard size > 0 else { return (0, 0) }
    // FICLONE, which Swift does not see as it is a macro: the blocks are shared until either
    // file changes.
    if ioctl(copy, 0x4004_9409, source) == 0 { return (size, 0) }
    guard hasRoom(copy, size, reserve) else { return (0, ENOSPC) }
    // A full disk shows now, and not in the middle.
    if posix_fallocate(copy, 0, off_t(size)) == ENOSPC { return (0, ENOSPC) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    var done = 0
    while done < size {
      let got = unsafe pread(source, buffer.baseAddress, min(buffer.count, size - done), done)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return (done, 0) }
      var written = 0
      while written < got {
        let step = unsafe pwrite(
          copy, buffer.baseAddress.map { unsafe $0 + written }, got - written, done + written)
        if step < 0, errno == EINTR { continue }
        guard step > 0 else { return (done, step < 0 ? errno : ENOSPC) }
        written += step
      }
      done += got
      onRead?()
    }
    return (done, 0)
  }
}

extension SharedBytes {
  private static func hasRoom(_ descriptor: Int32, _ size: Int, _ reserve: Int) -> Bool {
    var disk = statvfs()
    guard unsafe fstatvfs(descriptor, &disk) == 0 else { return true }
    let free = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
    let (needed, isTooMuch) = UInt64(clamping: size).addingReportingOverflow(
      UInt64(clamping: reserve))
    return free.overflow || !isTooMuch && free.partialValue >= needed
  }
}

/// Files that are gone when they are closed.
public enum Nameless {
  /// Makes one that has no name, or lost it at once where the file system cannot make such.
  ///
  /// - Returns: its descriptor, open for reading and writing.
  public static func file(in folder: String) throws(FileFault) -> Int32 {
    // O_TMPFILE is a macro that Swift does not see.
    let flags = 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC
    let descriptor = unsafe open(folder, flags, 0o600)
    if descriptor >= 0 { return descriptor }
    let failure = errno
    var template = [CChar]("\(folder)/modemsmith-XXXXXX".utf8CString)
    let named = unsafe mkstemp(&template)
    guard named >= 0 else { throw FileFault(path: folder, errno: failure) }
    _ = fcntl(named, F_SETFD, FD_CLOEXEC)
    unsafe unlink(template)
    return named
  }
}
