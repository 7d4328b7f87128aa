import Glibc
import SmithLink

/// A lock file in the old manner of modem programs: `LCK..ttyUSB0` with the owner's process
/// number, so that programs which know no other manner keep away.
struct LockFile {
  private let path: String

  /// Takes the lock of `device` (a path without links); nil if the directory is not ours to write.
  ///
  /// A file whose owner is dead is taken over.
  ///
  /// - Throws: `.busy` with the owner's name.
  static func take(for device: String, in directory: String) throws(LinkError) -> LockFile? {
    let short = device.hasPrefix("/dev/") ? String(device.dropFirst(5)) : device
    let name = String(short.map { $0 == "/" ? "_" : $0 })
    let path = "\(directory)/LCK..\(name)"
    let own = getpid()
    // Twice: a dead owner's file may be cleared away by someone else at the same moment.
    for _ in 0..<3 {
      if try create(path, owner: own) { return LockFile(path: path) }
      guard errno == EEXIST else { return nil }
      guard let owner = FileNames.text(of: path).flatMap({ Int32($0.filter { $0.isNumber }) })
      else {
        // Unreadable or empty: written by a program that died, or not ours to judge.
        guard unsafe unlink(path) == 0 || errno == ENOENT else { return nil }
        continue
      }
      // Our own number: an earlier process with this number, for the port itself is locked by us.
      if owner == own { return LockFile(path: path) }
      if PortHolders.lives(owner) { throw .busy(holder: PortHolders.name(of: owner)) }
      guard unsafe unlink(path) == 0 || errno == ENOENT else { return nil }
    }
    return nil
  }

  /// Gives the lock back.
  func release() {
    guard FileNames.text(of: path).flatMap({ Int32($0.filter { $0.isNumber }) }) == getpid()
    else { return }
    _ = unsafe unlink(path)
  }

  /// Writes the file aside and links it into place, so that nobody ever reads it half written.
  private static func create(_ path: String, owner: Int32) throws(LinkError) -> Bool {
    let aside = "\(path).\(owner)"
    let descriptor = unsafe open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    let digits = String(owner)
    let line = String(repeating: " ", count: max(0, 10 - digits.count)) + digits + "\n"
    let written = unsafe write(descriptor, line, line.utf8.count)
    close(descriptor)
    let linked = unsafe written == line.utf8.count && link(aside, path) == 0
    let reason = errno
    _ = unsafe unlink(aside)
    errno = reason
    return linked
  }
}
