import Glibc
import SmithBytes

/// Finds out which program holds a port, so that "busy" can name it.
enum PortHolders {
  /// The name of the process that holds the lock of an open file, from /proc/locks.
  static func locker(of descriptor: Int32) -> String? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0,
      let locks = FileNames.text(of: "/proc/locks", limit: 1 << 20)
    else { return nil }
    // "1: FLOCK  ADVISORY  WRITE 1234 00:19:5 0 EOF"
    for line in locks.split(separator: "\n") where line.contains(" FLOCK ") {
      let words = line.split(separator: " ")
      guard words.count >= 6, words[5].hasSuffix(":\(status.st_ino)"), let pid = Int32(words[4])
      else { continue }
      let device = words[5].split(separator: ":")
      guard device.count == 3, let high = UInt32(device[0], radix: 16),
        let low = UInt32(device[1], radix: 16), number(high, low) == status.st_dev
      else { continue }
      return name(of: pid)
    }
    return nil
  }

  /// The device number as `stat` gives it.
  private static func number(_ major: UInt32, _ minor: UInt32) -> UInt {
    let (high, low) = (UInt(major), UInt(minor))
    return (high & ~0xfff) << 32 | (high & 0xfff) << 8 | (low & ~0xff) << 12 | low & 0xff
  }

  /// The name of another process that has `device` (a path without links) open.
  static func user(of device: String) -> String? {
    let own = getpid()
    for entry in FileNames.entries(of: "/proc") {
      guard let pid = Int32(entry), pid != own else { continue }
      let folder = "/proc/\(entry)/fd"
      for descriptor in FileNames.entries(of: folder)
      where FileNames.target(of: "\(folder)/\(descriptor)") == device {
        return name(of: pid)
      }
    }
    return nil
  }

  /// The short name of a process; its number if the system does not tell.
  static func name(of pid: Int32) -> String {
    let comm = FileNames.text(of: "/proc/\(pid)/comm").map { String(printable: [UInt8]($0.utf8)) }
    guard let comm, !comm.isEmpty else { return "process \(pid)" }
    return "\(comm) (process \(pid))"
  }

  /// Whether a process of that number lives.
  static func lives(_ pid: Int32) -> Bool {
    pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)
  }
}
