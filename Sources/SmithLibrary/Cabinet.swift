import Foundation
import Glibc
import SmithArchives
import SmithBytes
public import SmithModel

/// Cabinet files as the Linux firmware services pass them around: written without packing, read
/// with any (Docs/Protocols/firmware-cabinet.md section 1).
public enum Cabinet {
  /// One file to write.
  public struct Part: Sendable {
    /// Name inside; plain ASCII without folders.
    public var name: String
    /// What it holds.
    public var source: Source

    /// Where the bytes come from.
    public enum Source: Sendable {
      /// Bytes in memory.
      case bytes([UInt8])
      /// A file.
      case file(String, bytes: Int)
    }

    /// Gathers the parts.
    public init(name: String, source: Source) {
      self.name = name
      self.source = source
    }

    var bytes: Int {
      switch source {
      case .bytes(let bytes): bytes.count
      case .file(_, let bytes): bytes
      }
    }
  }

  private static let block = 32_768
  /// Largest contents in bytes: a cabinet counts its blocks in 16 bits.
  public static let largest = 65_535 * block

  /// Writes a cabinet, whole or not at all; never over a file that is there.
  ///
  /// - Throws: `cabinet.not-written`.
  public static func write(_ parts: [Part], to path: String) throws(Trouble) {
    let total = parts.reduce(0) { $0 + $1.bytes }
    guard total <= largest, (1...100).contains(parts.count), parts.allSatisfy({ isName($0.name) })
    else { throw notWritten(path, "it would be too large, or a name in it cannot be written") }
    guard !FileManager.default.fileExists(atPath: path) else {
      throw notWritten(path, "there is such a file already")
    }
    let aside = "\(path).part-\(getpid())"
    guard FileManager.default.createFile(atPath: aside, contents: nil),
      let output = FileHandle(forWritingAtPath: aside)
    else { throw notWritten(path, "the folder cannot be written") }
    do {
      try output.write(contentsOf: Data(head(parts, total)))
      var blocks = BlockWriter(output: output)
      for part in parts { try copy(part, into: &blocks) }
      try blocks.finish()
      try output.synchronize()
      try output.close()
      guard unsafe link(aside, path) == 0 else { throw CocoaError(.fileWriteFileExists) }
      _ = unsafe unlink(aside)
    } catch {
      _ = unsafe unlink(aside)
      throw notWritten(path, error.localizedDescription)
    }
  }

  private static func isName(_ name: String) -> Bool {
    (1...200).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        (0x21...0x7e).contains(byte) && byte != 0x2f && byte != 0x5c
      }
  }

  /// Header, one folder, and the list of files.
  private static func head(_ parts: [Part], _ total: Int) -> [UInt8] {
    let blocks = (total + block - 1) / block
    let names = parts.reduce(0) { $0 + 16 + $1.name.utf8.count + 1 }
    let start = 36 + 8 + names
    var bytes = Array("MSCF".utf8)
    func number(_ value: Int, _ width: Int) {
      for shift in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
    }
    number(0, 4)
    number(start + blocks * 8 + total, 4)
    number(0, 4)
    number(36 + 8, 4)
    number(0, 4)
    bytes += [3, 1]
    number(1, 2)
    number(parts.count, 2)
    number(0, 6)
    number(start, 4)
    number(blocks, 2)
    number(0, 2)
    var offset = 0
    for part in parts {
      number(part.bytes, 4)
      number(offset, 4)
      number(0, 2)
      // 1 January 2000: the same contents make the same cabinet.
      number(20 << 9 | 1 << 5 | 1, 2)
      number(0, 2)
      number(0x20, 2)
      bytes += Array(part.name.utf8) + [0]
      offset += part.bytes
    }
    return bytes
  }

  private static func copy(_ part: Part, into blocks: inout BlockWriter) throws {
    switch part.source {
    case .bytes(let bytes): try blocks.add(bytes[...])
    case .file(let path, let size):
      let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? input.close() }
      var done = 0
      while done < size, let data = try input.read(upToCount: min(1 << 20, size - done)),
        !data.isEmpty
      {
        try blocks.add([UInt8](data)[...])
        done += data.count
      }
      guard done == size else { throw CocoaError(.fileReadCorruptFile) }
    }
  }

  /// Cuts bytes into blocks of 32 KiB, each with its sum.
  private struct BlockWriter {
    let output: FileHandle
    private var waiting: [UInt8] = []

    init(output: FileHandle) {
      self.output = output
    }

    mutating func add(_ bytes: ArraySlice<UInt8>) throws {
      waiting += bytes
      var done = 0
      while waiting.count - done >= block {
        try put(waiting[done..<(done + block)])
        done += block
      }
      waiting.removeFirst(done)
    }

    mutating func finish() throws {
      if !waiting.isEmpty { try put(waiting[...]) }
    }

    private func put(_ bytes: ArraySlice<UInt8>) throws {
      let size = UInt32(bytes.count)
      // The sum covers the data first, then the two sizes behind it.
      let sum = Cabinet.sum(bytes) ^ (size | size << 16)
      var head: [UInt8] = []
      for value in [sum, size | size << 16] {
        for shift in 0..<4 { head.append(UInt8(truncatingIfNeeded: value >> (8 * UInt32(shift)))) }
      }
      try output.write(contentsOf: Data(head + bytes))
    }
  }

  /// Exclusive or of little-endian words; what is left over counts the other way round.
  static func sum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var sum: UInt32 = 0
    var at = bytes.startIndex
    while bytes.endIndex - at >= 4 {
      sum ^=
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
        | UInt32(bytes[at + 3]) << 24
      at += 4
    }
    return sum ^ bytes[at...].reduce(0) { $0 << 8 | UInt32($1) }
  }

  // MARK: Reading

  /// Reads a cabinet from its start; `visit` gets each name and a function for the next bytes of
  /// it, which is empty at the end.
  ///
  /// - Throws: `cabinet.unreadable`, or what `visit` throws.
  public static func read(
    _ path: String,
    visit: (_ name: String, _ next: () throws(Trouble) -> [UInt8]) throws(Trouble) -> Void
  ) throws(Trouble) {
    let file: SharedBytes
    do { file = try SharedBytes(file: path) } catch { throw unreadable(path, error.reason) }
    func attempt<Value>(
      _ work: () throws(ArchiveError) -> Value
    ) throws(Trouble) -> Value {
      do { return try work() } catch { throw unreadable(path, reason(of: error)) }
    }
    let files = try attempt { () throws(ArchiveError) in try CabinetFiles(file, path: path) }
    var count = 0
    while let name = try attempt({ () throws(ArchiveError) in try files.next() }) {
      count += 1
      guard count <= 256 else { throw unreadable(path, "it holds too many files") }
      var total = 0
      try visit(String(name.prefix(1000))) { () throws(Trouble) in
        let bytes = try attempt { () throws(ArchiveError) in try files.bytes() }
        total += bytes.count
        guard total <= largest else { throw unreadable(path, "it unpacks to too much") }
        return bytes
      }
    }
  }

  private static func reason(of error: ArchiveError) -> String {
    switch error {
    case .damaged(_, let reason), .unsupported(_, let reason), .noRoom(let reason): reason
    case .truncated: "it is cut off"
    case .encrypted: "it is locked with a password"
    default: "reading it takes too long"
    }
  }

  private static func notWritten(_ path: String, _ reason: String) -> Trouble {
    Trouble(
      "cabinet.not-written", "\(path) cannot be written: \(reason).",
      advice: ["Choose another name, or make room on the disk."], exitCode: .usage)
  }

  /// The refusal of a file that is no cabinet, or a damaged one.
  public static func unreadable(_ path: String, _ reason: String) -> Trouble {
    Trouble(
      "cabinet.unreadable", "The cabinet \(path) cannot be read: \(reason).",
      advice: ["Get it once more from where it came from."], exitCode: .badFile)
  }
}
