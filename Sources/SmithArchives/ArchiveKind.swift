import Glibc
import SmithBytes
import SmithFormats

/// Which kind of archive bytes are, by what is in them, and where they are.
struct ArchiveFound {
  enum Kind: String {
    case zip, sevenZip = "7z", rar, cab, tar, iso, compressed
  }

  var kind: Kind
  /// The archive itself; for a zip all that is in front of it too, for its offsets count from
  /// there.
  var bytes: SharedBytes
  /// Where it begins in the file that was looked at.
  var offset: Int
  /// Whether it can be seen already that the end is missing.
  var isCutOff = false

  /// What a file begins with; nil if it is no archive.
  static func atHead(of file: SharedBytes) -> ArchiveFound? {
    let head = file.bytes(0..<min(file.count, 512))
    func starts(_ magic: [UInt8]) -> Bool { head.starts(with: magic) }
    func found(_ kind: Kind) -> ArchiveFound { ArchiveFound(kind: kind, bytes: file, offset: 0) }
    if starts([0x50, 0x4b, 3, 4]) || starts([0x50, 0x4b, 5, 6]) {
      if let whole = zip(in: file) { return whole }
      var cut = found(.zip)
      cut.isCutOff = true
      return cut
    }
    if starts(sevenZip) {
      var found = found(.sevenZip)
      found.isCutOff = file.count < 32 || (sevenZipEnd(file, at: 0) ?? 0) > file.count
      return found
    }
    if starts(rar) { return found(.rar) }
    if starts(cab) {
      var found = found(.cab)
      found.isCutOff = number(file, 8).map { $0 > file.count } ?? true
      return found
    }
    let streams: [[UInt8]] = [
      [0x1f, 0x8b, 8], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], [0x42, 0x5a, 0x68],
      [0x28, 0xb5, 0x2f, 0xfd], [0x1f, 0x9d],
    ]
    if streams.contains(where: starts) { return found(.compressed) }
    if head.count == 512, head[257..<262].elementsEqual("ustar".utf8) { return found(.tar) }
    if ISO9660Image.looksLikeOne(file) { return found(.iso) }
    return nil
  }

  /// Archives behind a self-extracting program, first to last.
  static func inside(program file: SharedBytes) -> [ArchiveFound] {
    guard file.bytes(0..<min(2, file.count)) == [0x4d, 0x5a] else { return [] }
    var found: [ArchiveFound] = []
    if let zip = zip(in: file) { found.append(zip) }
    for (kind, magic) in [(Kind.sevenZip, sevenZip), (.rar, rar), (.cab, cab)] {
      var from = 2
      while found.count < 32, let hit = search(magic, in: file, from: from) {
        from = hit + magic.count
        guard let end = end(of: kind, in: file, at: hit), let cut = file.slice(hit..<end) else {
          continue
        }
        found.append(ArchiveFound(kind: kind, bytes: cut, offset: hit))
        from = max(from, end)
      }
    }
    var result: [ArchiveFound] = []
    var covered = 0
    for one in found.sorted(by: { $0.offset < $1.offset }) where one.offset >= covered {
      result.append(one)
      covered = one.offset + (one.kind == .zip ? one.bytes.count - one.offset : one.bytes.count)
    }
    return [ArchiveFound](result.prefix(8))
  }

  private static let sevenZip: [UInt8] = [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]
  private static let rar: [UInt8] = [UInt8]("Rar!".utf8) + [0x1a, 7]
  private static let cab: [UInt8] = [UInt8]("MSCF".utf8) + [0, 0, 0, 0]

  /// Where an archive at `start` ends, if what follows its magic makes sense.
  private static func end(of kind: Kind, in file: SharedBytes, at start: Int) -> Int? {
    switch kind {
    case .sevenZip:
      guard let end = sevenZipEnd(file, at: start), end <= file.count else { return nil }
      return end
    case .rar:
      let head = file.bytes(start..<min(start + 24, file.count))
      guard head.count == 24 else { return nil }
      let isOld = head[6] == 0 && head[9] == 0x73
      // Version 5: check sum, size of one or two bytes, then main (1) or encryption (4) block.
      let isNew = head[6] == 1 && head[7] == 0 && (1...4).contains(head[13] & 0x7f)
      return isOld || isNew ? file.count : nil
    case .cab:
      guard let size = number(file, start + 8), size > 36, start + size <= file.count,
        file.bytes((start + 24)..<(start + 26)) == [3, 1]
      else { return nil }
      return start + size
    default: return nil
    }
  }

  /// Where a 7z archive says that it ends; nil if its start header is damaged.
  private static func sevenZipEnd(_ file: SharedBytes, at start: Int) -> Int? {
    guard let cut = file.slice(start..<(start + 32)) else { return nil }
    let head = cut.bytes()
    var sum: UInt32 = 0xffff_ffff
    for byte in head[12...] {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    guard let stored = number(cut, 8), UInt32(stored) == ~sum else { return nil }
    var reader = ByteReader(cut, at: 12)
    guard let offset = reader.little(UInt64.self), let size = reader.little(UInt64.self),
      offset < 1 << 48, size < 1 << 40
    else { return nil }
    return start + 32 + Int(offset) + Int(size)
  }

  /// The zip whose directory ends the file, a signature or other tail behind it allowed.
  private static func zip(in file: SharedBytes) -> ArchiveFound? {
    let window = min(file.count, 1 << 20)
    let base = file.count - window
    let tail = file.bytes(base..<file.count)
    guard tail.count >= 22 else { return nil }
    for index in stride(from: tail.count - 22, through: 0, by: -1)
    where tail[index] == 0x50 && tail[index + 1] == 0x4b && tail[index + 2] == 5
      && tail[index + 3] == 6
    {
      let at = base + index
      guard let size = number(file, at + 12), let offset = number(file, at + 16) else { continue }
      let comment = Int(tail[index + 20]) | Int(tail[index + 21]) << 8
      let end = min(at + 22 + comment, file.count)
      let directory = at - size
      // The larger form has two more records between the directory and its end.
      let isBig = at >= 20 && file.bytes((at - 20)..<(at - 16)) == [0x50, 0x4b, 6, 7]
      let isEmpty = size == 0 && at == 0
      guard
        isBig || isEmpty
          || size > 0 && directory >= 0
            && file.bytes(directory..<(directory + 4)) == [0x50, 0x4b, 1, 2]
      else { continue }
      guard let cut = file.slice(0..<end) else { continue }
      return ArchiveFound(
        kind: .zip, bytes: cut, offset: isBig ? 0 : max(0, directory - offset))
    }
    return nil
  }

  private static func number(_ file: SharedBytes, _ offset: Int) -> Int? {
    var reader = ByteReader(file, at: offset)
    return reader.little(UInt32.self).map(Int.init)
  }

  /// The next place of `magic` at or after `start`.
  private static func search(_ magic: [UInt8], in file: SharedBytes, from start: Int) -> Int? {
    guard let first = magic.first, start < file.count else { return nil }
    var from = start
    while from + magic.count <= file.count {
      let (hit, passed) = file.withWindow(at: from) { span -> (Int?, Int) in
        unsafe span.withUnsafeBytes { bytes in
          guard let base = bytes.baseAddress,
            let hit = unsafe memchr(base, Int32(first), bytes.count)
          else { return (nil, bytes.count) }
          return unsafe (UnsafeRawPointer(hit) - base, bytes.count)
        }
      }
      guard let hit else {
        if passed == 0 { return nil }
        from += passed
        continue
      }
      from += hit
      if from + magic.count > file.count { return nil }
      if file.bytes(from..<(from + magic.count)) == magic { return from }
      from += 1
    }
    return nil
  }
}
