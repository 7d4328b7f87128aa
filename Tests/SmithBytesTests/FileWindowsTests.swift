import Foundation
import SmithBytes
import Synchronization
import Testing

@Suite("A file that is read in windows") struct FileWindowsTests {
  static let bytes = (0..<300_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

  private func withFile(_ work: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/smith-windows-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/file.bin"
    try Data(Self.bytes).write(to: URL(fileURLWithPath: path))
    try Self.age(path)
    try work(path)
  }

  /// Times are as coarse as the clock tick: what was written just now could change unnoticed.
  static func age(_ path: String) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: path)
  }

  static func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  static func cut(_ path: String, to count: Int) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: UInt64(count))
    try file.close()
  }

  @Test("gives the bytes that an array would give, wherever they are cut") func same() throws {
    try withFile { (path: String) throws in
      let file = try SharedBytes(file: path)
      let memory = SharedBytes(Self.bytes)
      #expect(file.bytes() == Self.bytes)
      #expect(!file.isSteady && memory.isSteady && !file.hasChanged)
      for start in [0, 1, 65_530, 65_533, 65_536, 131_071, 299_990, 300_000] {
        let end = min(start + 70_000, Self.bytes.count)
        #expect(file.bytes(start..<end) == Array(Self.bytes[start..<end]), "\(start)")
        #expect(file.intact(start..<end) == Array(Self.bytes[start..<end]), "\(start)")
        #expect(file.load(UInt64.self, at: start) == memory.load(UInt64.self, at: start))
        let (cut, other) = (file.slice(start..<end), memory.slice(start..<end))
        #expect(cut?.load(UInt32.self, at: 3) == other?.load(UInt32.self, at: 3))
      }
      #expect(file.load(UInt32.self, at: 299_998) == nil)
      var whole: [UInt8] = []
      file.slice(5..<300_001)?.forEachWindow { span, offset in
        #expect(offset == whole.count)
        unsafe span.withUnsafeBytes { unsafe whole.append(contentsOf: $0) }
        return true
      }
      #expect(whole == Array(Self.bytes[5...]))
    }
  }

  @Test("gives zeros to those who look, and nothing to those who send, once it is shorter")
  func shorter() throws {
    try withFile { (path: String) throws in
      let file = try SharedBytes(file: path)
      #expect(file.bytes() == Self.bytes)
      try Self.cut(path, to: 100_000)
      #expect(file.bytes(200_000..<200_004) == [0, 0, 0, 0])
      #expect(file.bytes().count == Self.bytes.count)
      #expect(file.intact(200_000..<200_004).isEmpty)
      #expect(file.intact(40_000..<250_000) == Array(Self.bytes[40_000..<65_536]))
      #expect(file.intact(0..<4) == Array(Self.bytes[0..<4]))
      #expect(file.hasChanged)
      #expect(file.load(UInt32.self, at: 299_000) == 0)
    }
  }

  @Test("notices every byte that is another one, even behind times that were set back")
  func overwritten() throws {
    try withFile { (path: String) throws in
      let before = try FileManager.default.attributesOfItem(atPath: path)
      for offset in [0, 31, 65_535, 65_536, 200_017, 300_000] {
        let file = try SharedBytes(file: path)
        #expect(file.bytes() == Self.bytes)
        try Self.overwrite(path, at: offset, with: [Self.bytes[offset] ^ 1])
        try FileManager.default.setAttributes(
          [.modificationDate: try #require(before[.modificationDate])], ofItemAtPath: path)
        // Leave the window that is at hand.
        _ = file.bytes((offset < 150_000 ? 299_000 : 0)..<(offset < 150_000 ? 299_001 : 1))
        let window = offset & ~65_535
        #expect(file.intact(offset..<(offset + 1)).isEmpty, "\(offset)")
        #expect(file.intact(window..<(window + 1)).isEmpty, "the whole window counts as changed")
        #expect(file.hasChanged)
        try Self.overwrite(path, at: offset, with: [Self.bytes[offset]])
      }
    }
  }

  @Test("says that it changed when it was only appended to") func longer() throws {
    try withFile { (path: String) throws in
      let file = try SharedBytes(file: path)
      try Self.overwrite(path, at: Self.bytes.count, with: [1])
      #expect(file.hasChanged)
      #expect(file.intact(0..<10) == Array(Self.bytes[0..<10]))
    }
  }

  @Test("does not care what becomes of the file once it was copied, and leaves no name behind")
  func copied() throws {
    try withFile { (path: String) throws in
      let folder = (path as NSString).deletingLastPathComponent
      let copy = try SharedBytes(privateCopyOf: path, in: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file.bin"])
      #expect(copy.isSteady)
      try Self.overwrite(path, at: 70_000, with: [1, 2, 3])
      try Self.cut(path, to: 80_000)
      #expect(copy.bytes() == Self.bytes)
      #expect(copy.intact(70_000..<290_000) == Array(Self.bytes[70_000..<290_000]))
      #expect(!copy.hasChanged)
      try Data().write(to: URL(fileURLWithPath: path))
      #expect(try SharedBytes(privateCopyOf: path, in: folder).isEmpty)
    }
  }

  @Test("is no copy if it changed while it was copied", arguments: [true, false])
  func changedMeanwhile(shorter: Bool) throws {
    try withFile { (path: String) throws in
      let folder = (path as NSString).deletingLastPathComponent
      let once = Once {
        if shorter {
          try? Self.cut(path, to: 1000)
        } else {
          try? Self.overwrite(path, at: 299_000, with: [0, 0])
        }
      }
      #expect(throws: CopyFault.changed(path: path)) {
        _ = try SharedBytes(privateCopyOf: path, in: folder, onRead: { once.run() })
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file.bin"])
    }
  }

  @Test("says which of file and folder cannot be used for a copy") func noCopy() throws {
    try withFile { (path: String) throws in
      let folder = (path as NSString).deletingLastPathComponent
      #expect(throws: CopyFault.source(FileFault(path: "\(path)x", errno: ENOENT))) {
        _ = try SharedBytes(privateCopyOf: "\(path)x", in: folder)
      }
      #expect(throws: CopyFault.source(FileFault(path: folder, errno: EISDIR))) {
        _ = try SharedBytes(privateCopyOf: folder, in: folder)
      }
      do throws(CopyFault) {
        // Where the file system shares blocks a copy takes no room, and is made all the same.
        let copy = try SharedBytes(privateCopyOf: path, in: folder, reserve: .max)
        #expect(copy.bytes() == Self.bytes)
      } catch {
        #expect(error == .room(FileFault(path: folder, errno: ENOSPC), needed: Self.bytes.count))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file.bin"])
      do throws(CopyFault) {
        _ = try SharedBytes(privateCopyOf: path, in: "\(folder)/nowhere")
        Issue.record("a copy was made nowhere")
      } catch {
        guard case .room(let fault, needed: Self.bytes.count) = error else {
          Issue.record("\(error)")
          return
        }
        #expect(fault.path == "\(folder)/nowhere")
      }
    }
  }
}

/// Does something the first time only.
final class Once: Sendable {
  private let isDone = Mutex(false)
  private let act: @Sendable () -> Void

  init(_ act: @escaping @Sendable () -> Void) {
    self.act = act
  }

  func run() {
    let isFirst = isDone.withLock { done in
      defer { done = true }
      return !done
    }
    if isFirst { act() }
  }
}
