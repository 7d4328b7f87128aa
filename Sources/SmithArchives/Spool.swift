import Glibc
import SmithBytes

/// Takes the bytes of one entry: small ones in memory, large ones in a file without a name, which
/// is gone when the process ends however it ends.
final class Spool {
  private(set) var count = 0
  private var memory: [UInt8] = []
  private var descriptor: Int32 = -1
  /// Entries up to this size stay in memory.
  static let memoryLimit = 256 << 10

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The first bytes, `Spool.memoryLimit` at most.
  var head: [UInt8] { memory }

  /// Adds bytes at `offset`; what was left out before reads as zeros.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ArchiveError) {
    let end = offset + bytes.count
    if descriptor < 0, end <= Self.memoryLimit {
      if offset > memory.count {
        memory += [UInt8](repeating: 0, count: offset - memory.count)
      }
      unsafe memory.append(contentsOf: bytes)
      count = end
      return
    }
    if descriptor < 0 {
      descriptor = try Self.nameless()
      let head = memory
      try check(unsafe head.withUnsafeBytes { unsafe put($0, at: 0) })
    }
    try check(unsafe put(bytes, at: offset))
    count = end
  }

  /// The bytes, read from the file if they are many; the spool is of no use afterwards.
  func finish() throws(ArchiveError) -> SharedBytes {
    guard descriptor >= 0 else { return SharedBytes(memory) }
    do { return try SharedBytes(nameless: descriptor) } catch {
      throw .noRoom(reason: error.reason)
    }
  }

  private func check(_ failure: Int32) throws(ArchiveError) {
    if failure != 0 { throw Self.failed(failure) }
  }

  /// Writes everything and says which error stopped it; 0 if none.
  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
    var done = 0
    while done < bytes.count {
      let wrote = unsafe pwrite(
        descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, offset + done)
      if wrote < 0, errno == EINTR { continue }
      guard wrote > 0 else { return wrote < 0 ? errno : ENOSPC }
      done += wrote
    }
    return 0
  }

  /// A file that has no name, or lost it at once where the file system cannot make such.
  private static func nameless() throws(ArchiveError) -> Int32 {
    let named = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) }
    var failure: Int32 = ENOENT
    for folder in [named, "/var/tmp", "/tmp"].compactMap({ $0 }) where !folder.isEmpty {
      do { return try Nameless.file(in: folder) } catch { failure = error.errno }
    }
    throw failed(failure)
  }

  private static func failed(_ number: Int32) -> ArchiveError {
    let words = unsafe strerror(number).map { unsafe String(cString: $0) }
    return .noRoom(reason: words ?? "error \(number)")
  }
}
