import Crypto
import Foundation
import Glibc
import SmithBytes
import SmithEngine
import SmithModel

/// What tells one state of a file from another.
struct FileState: Equatable {
  var bytes: Int
  /// Nanoseconds since 1970.
  var modified: Int
  var inode: Int

  /// The state of an open file; nil if it is no regular one.
  init?(_ descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    self.init(status)
  }

  /// The state of the file at a path; nil if it is no regular one. Links are not followed.
  init?(path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  /// The state of all files right in a folder, as one; nil if it is no folder.
  init?(folder: String) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      return nil
    }
    (bytes, modified, inode) = (0, 0, 0)
    for name in names where !name.hasPrefix(".") {
      guard let file = FileState(path: "\(folder)/\(name)") else { continue }
      bytes += file.bytes
      modified &+= file.modified
      inode &+= file.inode
    }
  }

  private init(_ status: stat) {
    bytes = Int(status.st_size)
    modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    inode = Int(truncatingIfNeeded: status.st_ino)
  }
}

/// The SHA-256 of a file, read in pieces.
enum FileSum {
  enum Result: Equatable {
    case sum(String, FileState)
    /// It changed while it was read.
    case changed
    case unreadable(String)
    case stopped
  }

  /// Reads the file once through `buffer`; `passed` hears of every piece and says whether to go on.
  static func of(
    _ path: String, buffer: UnsafeMutableRawBufferPointer, passed: (Int) -> Bool = { _ in true }
  ) -> Result {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else { return .unreadable(unsafe String(cString: strerror(errno))) }
    defer { close(descriptor) }
    guard let before = FileState(descriptor) else { return .unreadable("it is no file") }
    var hash = SHA256()
    var total = 0
    while true {
      let got = unsafe read(descriptor, buffer.baseAddress, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { return .unreadable(unsafe String(cString: strerror(errno))) }
      if got == 0 { break }
      unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      total += got
      guard passed(got) else { return .stopped }
    }
    guard let after = FileState(descriptor), after == before, total == before.bytes else {
      return .changed
    }
    return .sum([UInt8](hash.finalize()).hex, before)
  }

  /// As ``of(_:buffer:passed:)`` with a buffer of its own; of a folder whose files are one
  /// image, the sum that the engine gives it.
  static func of(_ path: String) -> Result {
    if FileState(path: path) == nil, let state = FileState(folder: path) {
      do throws(Trouble) {
        let sum = try CheckedImage(path: path).sha256
        return FileState(folder: path) == state ? .sum(sum, state) : .changed
      } catch { return .unreadable(error.summary) }
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { unsafe buffer.deallocate() }
    return unsafe of(path, buffer: buffer)
  }
}
