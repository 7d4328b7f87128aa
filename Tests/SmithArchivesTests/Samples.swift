import CArchive
import Glibc
import SmithArchives
import SmithBench
import SmithBytes
import SmithFormats
import SmithModel

enum Made {
  /// A Balong package with contents of our own, larger than what stays in memory.
  static func firmware(_ seed: UInt64 = 1, kinds: Set<ImageKind> = [.firmware]) -> [UInt8] {
    var random = Seeded(seed)
    var builder = BalongBuilder(kind: kinds)
    let isFirmware = kinds.contains(.firmware)
    for id: UInt32 in isFirmware ? [0x01_0000, 0x11_0000, 0x03_0000] : [0x0b_0000] {
      builder.add(
        id: id, data: random.bytes(101_001), version: ":V3R3:21.157.06.00.26\(seed)",
        blockSize: 4096)
    }
    return builder.build()
  }

  static func program(_ seed: UInt64 = 1) -> [UInt8] {
    BalongBuilder.program(around: firmware(seed))
  }

  /// The head of a Windows program with an archive behind it.
  static func selfExtracting(_ archive: [UInt8]) -> [UInt8] {
    var random = Seeded(7)
    // A stub knows the mark of its own archive, without an archive behind that mark.
    return fields(
      [0x4d, 0x5a], random.bytes(9000), [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], text("Rar!"),
      [0x1a, 7, 0], random.bytes(300), archive)
  }

  struct File {
    var name: String
    var bytes: [UInt8]
    var link: String?
  }

  /// An archive written by libarchive.
  static func archive(
    _ format: String, filter: String? = nil, options: String? = nil, password: String? = nil,
    _ files: [File]
  ) throws -> [UInt8] {
    let archive = unsafe archive_write_new()
    guard let archive = unsafe archive else { throw Failure.noWriter("no memory") }
    defer { unsafe archive_write_free(archive) }
    func check(_ status: Int32) throws {
      guard status == ARCHIVE_OK || status == ARCHIVE_WARN else {
        throw Failure.noWriter(
          unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "")
      }
    }
    try unsafe check(archive_write_set_format_by_name(archive, format))
    if let filter { try unsafe check(archive_write_add_filter_by_name(archive, filter)) }
    if let options { try unsafe check(archive_write_set_options(archive, options)) }
    if let password { try unsafe check(archive_write_set_passphrase(archive, password)) }
    let room = files.reduce(1 << 20) { $0 + $1.bytes.count * 2 + 4096 }
    var output = [UInt8](repeating: 0, count: room)
    var used = 0
    let began = Glibc.time(nil)
    try unsafe output.withUnsafeMutableBytes { buffer in
      try unsafe check(
        archive_write_open_memory(archive, buffer.baseAddress, buffer.count, &used))
      for file in files {
        guard let entry = unsafe archive_entry_new() else { throw Failure.noWriter("no memory") }
        defer { unsafe archive_entry_free(entry) }
        unsafe archive_entry_set_pathname(entry, file.name)
        unsafe archive_entry_set_size(entry, Int64(file.bytes.count))
        unsafe archive_entry_set_filetype(entry, file.link == nil ? 0o100000 : 0o120000)
        unsafe archive_entry_set_perm(entry, 0o644)
        unsafe archive_entry_set_uid(entry, 0)
        unsafe archive_entry_set_gid(entry, 0)
        unsafe archive_entry_set_mtime(entry, Made.time, 0)
        if let link = file.link { unsafe archive_entry_set_symlink(entry, link) }
        try unsafe check(archive_write_header(archive, entry))
        if file.link == nil, !file.bytes.isEmpty {
          _ = unsafe archive_write_data(archive, file.bytes, file.bytes.count)
        }
      }
      try unsafe check(archive_write_close(archive))
    }
    let bytes = [UInt8](output.prefix(used))
    return format == "iso9660" ? timeless(bytes, from: began, to: Glibc.time(nil)) : bytes
  }

  /// When everything in the samples was made: 9 September 2001.
  static let time = 1_000_000_000

  /// The writer of CD-ROM images puts the time of writing into them, in three forms: the same
  /// sample is to be the same bytes on every day.
  private static func timeless(_ bytes: [UInt8], from start: Int, to end: Int) -> [UInt8] {
    func forms(_ moment: Int) -> [[UInt8]] {
      var moment = moment
      var parts = unsafe tm()
      _ = unsafe localtime_r(&moment, &parts)
      func text(_ format: String) -> [UInt8] {
        var room = [CChar](repeating: 0, count: 64)
        let count = unsafe strftime(&room, room.count, format, &parts)
        return room[..<count].map { UInt8(bitPattern: $0) }
      }
      let numbers = unsafe [
        parts.tm_year, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
      ]
      return [
        numbers.map { UInt8(truncatingIfNeeded: $0) }, text("%Y%m%d%H%M%S"),
        text("%a %b %e %H:%M:%S %Y"),
      ]
    }
    var result = bytes
    let steady = forms(time)
    for moment in start...end {
      for (form, constant) in Swift.zip(forms(moment), steady) {
        var at = 0
        // All of them stand in front of the files' bytes.
        while at + form.count <= min(result.count, 1 << 17) {
          if result[at] == form[0], result[at..<(at + form.count)].elementsEqual(form) {
            result.replaceSubrange(at..<(at + form.count), with: constant)
            at += form.count
          } else {
            at += 1
          }
        }
      }
    }
    return result
  }

  enum Failure: Error { case noWriter(String) }

  static func zip(_ files: [(String, [UInt8])]) throws -> [UInt8] {
    try archive("zip", files.map { File(name: $0.0, bytes: $0.1) })
  }

  static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(value >> (8 * $0) & 0xff) }
  }

  /// Fields one after another: chains of `+` are more than the type checker likes.
  static func fields(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

  /// Numbers of a width.
  static func numbers(_ width: Int, _ values: Int...) -> [UInt8] {
    Array(values.map { number($0, width) }.joined())
  }

  static func text(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

  static func crc32(_ bytes: [UInt8]) -> Int {
    var sum: UInt32 = 0xffff_ffff
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    return Int(~sum)
  }

  /// A cabinet without compression.
  static func cab(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
    var data: [UInt8] = []
    var blocks = 0
    for start in stride(from: 0, to: bytes.count, by: 32768) {
      let block = [UInt8](bytes[start..<min(start + 32768, bytes.count)])
      data += fields(number(0, 4), numbers(2, block.count, block.count), block)
      blocks += 1
    }
    let file = fields(
      numbers(4, bytes.count, 0), numbers(2, 0, 0x4a21, 0, 0x20), text(name), [0])
    let folder = fields(number(36 + 8 + file.count, 4), numbers(2, blocks, 0))
    let size = 36 + folder.count + file.count + data.count
    let head = fields(
      text("MSCF"), numbers(4, 0, size, 0, 44, 0), [3, 1], numbers(2, 1, 1, 0, 7, 0))
    return fields(head, folder, file, data)
  }

  /// An archive of RAR version 4 without compression.
  static func rar4(_ name: String, _ bytes: [UInt8], encrypted: Bool = false) -> [UInt8] {
    func block(_ rest: [UInt8]) -> [UInt8] { fields(number(crc32(rest) & 0xffff, 2), rest) }
    let length = name.utf8.count
    let flags = encrypted ? 0x8004 : 0x8000
    let file = fields(
      [0x74], numbers(2, flags, 32 + length), numbers(4, bytes.count, bytes.count), [2],
      numbers(4, crc32(bytes), 0x4a21_0000), [20, 0x30], number(length, 2), number(0x20, 4),
      text(name))
    return fields(
      text("Rar!"), [0x1a, 7, 0], block(fields([0x73], numbers(2, 0, 13), number(0, 6))),
      block(file), bytes, block(fields([0x7b], numbers(2, 0x4000, 7))))
  }

  /// An archive of RAR version 5 without compression.
  static func rar5(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
    func vint(_ value: Int) -> [UInt8] {
      value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + vint(value >> 7)
    }
    func block(_ inner: [UInt8]) -> [UInt8] {
      let sized = vint(inner.count) + inner
      return fields(number(crc32(sized), 4), sized)
    }
    let file = fields(
      [2, 2], vint(bytes.count), [4], vint(bytes.count), vint(0x20), number(crc32(bytes), 4),
      [0, 0], vint(name.utf8.count), text(name))
    return fields(
      text("Rar!"), [0x1a, 7, 1, 0], block([1, 0, 0]), block(file), bytes, block([5, 0, 0]))
  }

  /// A zip of empty files, written without a library so that it is quick.
  static func emptyFiles(_ count: Int) -> [UInt8] {
    var local: [UInt8] = []
    var directory: [UInt8] = []
    for index in 0..<count {
      let name = text("f\(index)")
      let common = fields(number(0, 8), number(0, 12), numbers(2, name.count, 0))
      directory += fields([0x50, 0x4b, 1, 2], numbers(2, 20, 20), common, number(0, 10))
      directory += fields(number(local.count, 4), name)
      local += fields([0x50, 0x4b, 3, 4], number(20, 2), common, name)
    }
    let short = min(count, 0xffff)
    let start = local.count
    var end: [UInt8] = []
    if count > 0xffff {
      end += fields([0x50, 0x4b, 6, 6], number(44, 8), numbers(2, 45, 45), number(0, 8))
      end += numbers(8, count, count, directory.count, start)
      end += fields(
        [0x50, 0x4b, 6, 7], number(0, 4), number(start + directory.count, 8), number(1, 4))
    }
    end += fields([0x50, 0x4b, 5, 6], number(0, 4), numbers(2, short, short))
    end += fields(numbers(4, directory.count, start), number(0, 2))
    return fields(local, directory, end)
  }
}

extension Peeler {
  func peel(_ bytes: [UInt8], _ name: String = "outer") throws -> Findings {
    try peel(SharedBytes(bytes), path: "/somewhere/\(name)")
  }
}

extension Findings {
  /// Code of the trouble that choosing ends with; nil if there is an image.
  func code(_ wanted: String? = nil) -> String? {
    do throws(Choice) {
      _ = try choose(wanted)
      return nil
    } catch { return error.trouble.code }
  }
}
