import Foundation
import Glibc
public import SmithModel

/// One update per stick, across processes and users; held until it is released or its owner dies.
///
/// Three locks, each for what the others cannot see: a file in the state directory, a file in the
/// system's folder, which users share, and a socket without a file, which needs nobody's leave
/// (Docs/Decisions/0015-locks-between-users.md).
public final class StickLock: Sendable {
  /// What the owner should know if not every lock could be had; nil if all is well.
  public let warning: String?
  private let descriptors: [Int32]

  /// The first path is ours and has to work; the shared one may be missing.
  init(own: String, shared: String, names: [String], place: Place) throws(Trouble) {
    var held: [Int32] = []
    var isDone = false
    defer { if !isDone { for descriptor in held { close(descriptor) } } }
    let descriptor = unsafe open(own, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw FileJournal.notWritable(own) }
    held.append(descriptor)
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 { throw Self.isHeld(place) }
    for name in names {
      switch Self.claim("modemsmith-\(name)") {
      case .held: throw Self.isHeld(place)
      case .ours(let socket): held.append(socket)
      case .failed: break
      }
    }
    switch Self.sharedFile("\(shared)/modemsmith-\(names[0]).lock") {
    case .held: throw Self.isHeld(place)
    case .ours(let file):
      held.append(file)
      warning = nil
    case .failed(let reason):
      warning =
        "\(shared) cannot be used (\(reason)): another user's update of this stick is noticed only"
        + " if it runs outside of a container."
    }
    descriptors = held
    isDone = true
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }

  private enum Claim {
    case ours(Int32)
    case held
    case failed(String)
  }

  /// A file that any user may lock: whoever comes second may only read it, which is enough.
  private static func sharedFile(_ path: String) -> Claim {
    var descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    if descriptor >= 0 {
      // A strict umask must not keep others from seeing the lock.
      _ = fchmod(descriptor, 0o644)
    } else {
      let failure = errno
      descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { return .failed(unsafe String(cString: strerror(failure))) }
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return .ours(descriptor) }
    let failure = errno
    close(descriptor)
    if failure == EWOULDBLOCK { return .held }
    return .failed(unsafe String(cString: strerror(failure)))
  }

  /// A name in the abstract space of local sockets: seen by every user of this system, gone with
  /// its owner.
  private static func claim(_ name: String) -> Claim {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | 0o2_000_000, 0)
    guard descriptor >= 0 else { return .failed("") }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path) - 1
    let bytes = Array(name.utf8.prefix(room))
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
      // The first byte stays zero: the name is no path.
      unsafe UnsafeMutableRawBufferPointer(rebasing: path[1...]).copyBytes(from: bytes)
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + bytes.count)
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length)
      }
    }
    if bound == 0 { return .ours(descriptor) }
    let failure = errno
    close(descriptor)
    return failure == EADDRINUSE ? .held : .failed("")
  }

  private static func isHeld(_ place: Place) -> Trouble {
    Trouble(
      "lock.held", "Another modemsmith works on the stick at \(place).",
      advice: [
        "Wait until it is done; its window shows the progress.",
        "It may be another user's: `ps -C modemsmith -o user,pid,args` names it.",
      ], exitCode: .refused)
  }
}

extension StateDirectory {
  /// Where users share lock files.
  public static let sharedLocks = "/run/lock"

  /// Takes the lock of one stick; the system takes it back from a killed owner.
  ///
  /// - Parameters:
  ///   - place: the stick, as it was named.
  ///   - others: other names of the same place, so that a stick named by its port and the same
  ///     stick named by its place are one.
  ///   - shared: the folder that users share.
  /// - Throws: `lock.held` while another process works on the same stick.
  public func lock(
    _ place: Place, alsoKnownAs others: [Place] = [], shared: String = sharedLocks
  ) throws(Trouble) -> StickLock {
    var names: [String] = []
    for name in ([place] + others).map(\.fileName) where !names.contains(name) {
      names.append(name)
    }
    return try StickLock(
      own: "\(locks)/\(names[0]).lock", shared: shared, names: names, place: place)
  }
}

extension Place {
  /// The place as a part of a file's name.
  fileprivate var fileName: String {
    let plain = description.utf8.map { byte in
      let isPlain =
        byte == 0x2d || byte == 0x2e || (0x30...0x39).contains(byte)
        || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      return isPlain ? String(Unicode.Scalar(byte)) : "_"
    }.joined()
    // The tail of a long path tells more than its head; a socket's name has no more room.
    return String(plain.suffix(90))
  }
}
