import Glibc

/// The few questions to the file system that finding ports needs.
enum FileNames {
  /// Names in a directory, sorted; empty if it cannot be read.
  static func entries(of directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { field in
        unsafe String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The path with every symbolic link followed; nil if it leads nowhere.
  static func resolved(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  /// What a symbolic link says; nil if it is none.
  static func target(of link: String) -> String? {
    let bytes = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      guard let base = buffer.baseAddress else { return [UInt8]() }
      let count = unsafe max(0, readlink(link, base, buffer.count))
      return unsafe buffer[..<count].map { UInt8(bitPattern: $0) }
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// A small text file without the blanks at its end; nil if it cannot be read.
  static func text(of path: String, limit: Int = 4096) -> String? {
    guard var bytes = bytes(of: path, limit: limit) else { return nil }
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What the kernel says in a file of sysfs, without the blanks at its end: it gives all of it at
  /// the first reading, and nobody has to ask whether there is more.
  static func attribute(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return unsafe withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
      var count = unsafe max(0, read(descriptor, buffer.baseAddress, buffer.count))
      while count > 0, unsafe buffer[count - 1] <= 0x20 { count -= 1 }
      return unsafe String(decoding: buffer[..<count], as: UTF8.self)
    }
  }

  /// The bytes of a file, up to a little more than `limit`; nil if it cannot be read.
  static func bytes(of path: String, limit: Int) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let part = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = unsafe max(0, read(descriptor, buffer.baseAddress, 4096))
      }
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// What `stat` says, links followed; nil if there is nothing.
  static func status(of path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// The system's own words for an error number.
  static func words(_ number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
