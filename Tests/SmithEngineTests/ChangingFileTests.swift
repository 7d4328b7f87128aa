import Foundation
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import SmithTrials
import Synchronization
import Testing

/// What somebody does to the owner's file under our eyes.
enum Mischief: String, CaseIterable, Sendable {
  case cut, overwrite, empty, append

  func befall(_ path: String) {
    guard let file = FileHandle(forWritingAtPath: path), let end = try? file.seekToEnd() else {
      return
    }
    switch self {
    case .cut: try? file.truncate(atOffset: end / 2)
    case .overwrite:
      try? file.seek(toOffset: end / 3)
      try? file.write(contentsOf: Data((0..<(end / 3)).map { UInt8(truncatingIfNeeded: $0) }))
    case .empty: try? file.truncate(atOffset: 0)
    case .append: try? file.write(contentsOf: Data([1, 2, 3]))
    }
    try? file.close()
  }
}

@Suite("A file that changes") struct ChangingFileTests {
  private func withPackage(
    _ kind: Kind, bytes: Int = 400_000, exe: Bool = false,
    _ work: (String, [UInt8], HuaweiBalongStick.Personality) async throws -> Void
  ) async throws {
    let folder = NSTemporaryDirectory() + "/smith-changing-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var sample = SamplePackage(for: .e3372h)
    sample.version = Scenes.newer(.e3372h)
    sample.bytes = bytes
    sample.compressed = kind == .compressed
    sample.signed = kind == .signed
    sample.exe = exe
    let built = sample.build()
    let path = "\(folder)/package.bin"
    try write(built, path)
    try await work(path, built, .e3372h)
  }

  @Test(
    "at any moment of its check is a trouble, and never an image or a crash",
    arguments: Kind.allCases, Mischief.allCases)
  func duringCheck(kind: Kind, mischief: Mischief) async throws {
    try await withPackage(kind, exe: true) { path, built, _ in
      let looks = Mutex(0)
      _ = try CheckedImage(
        try SharedBytes(file: path, onRead: { looks.withLock { $0 += 1 } }), named: path)
      let all = looks.withLock { $0 }
      try #require(all > 8)
      for moment in 1...all {
        try write(built, path)
        let count = Mutex(0)
        let bytes = try SharedBytes(
          file: path,
          onRead: {
            let now = count.withLock { count in
              count += 1
              return count
            }
            if now == moment { mischief.befall(path) }
          })
        do throws(Trouble) {
          _ = try CheckedImage(bytes, named: path)
          Issue.record("\(kind), \(mischief) at look \(moment): taken for an image")
        } catch {
          #expect(error.code == "file.changed", "\(kind), \(mischief) at look \(moment)")
          #expect(error.exitCode == .badFile)
        }
      }
    }
  }

  @Test(
    "between its check and its end stops the update before another byte leaves, and resume works",
    arguments: Kind.allCases, [Mischief.cut, .overwrite, .empty])
  func afterCheck(kind: Kind, mischief: Mischief) async throws {
    try await withPackage(kind) { path, built, personality in
      let image = try CheckedImage(path: path)
      let whole = try CheckedImage(SharedBytes(built), named: path)
      let bus = VirtualBus(Scenes.stick(personality, kind))
      let journal = MemoryJournal()
      let owner = PhaseMeddler(at: .write) { mischief.befall(path) }
      let report = await Scenes.updater(bus, journal, owner: owner)
        .update(image, at: bus.place, policy: Policy())
      #expect(report.trouble?.code == "file.shrank")
      // Before the first block was acknowledged nobody knows what the stick makes of it.
      #expect([.needsRescue, .unknown].contains(report.verdict))
      #expect(try onlyBytes(of: whole, in: bus.body.flash.items), "a byte nobody checked was sent")

      try write(built, path)
      guard case .planned(let header)? = journal.records.first else {
        Issue.record("no plan was journaled")
        return
      }
      let ended = await Scenes.updater(bus, MemoryJournal()).resume(
        try CheckedImage(path: path), header, journal.records, journal: journal, policy: Policy())
      #expect(ended.verdict == .updated, "\(ended)")
    }
  }

  @Test(
    "after it was copied changes nothing: the update ends with what was checked",
    arguments: Kind.allCases, Mischief.allCases)
  func copied(kind: Kind, mischief: Mischief) async throws {
    try await withPackage(kind) { path, built, personality in
      let folder = (path as NSString).deletingLastPathComponent
      let image = try CheckedImage(path: path, keeping: .copied(in: folder))
      let bus = VirtualBus(Scenes.stick(personality, kind))
      let owner = PhaseMeddler(at: .write) { mischief.befall(path) }
      let report = await Scenes.updater(bus, owner: owner)
        .update(image, at: bus.place, policy: Policy())
      #expect(report.verdict == .updated)
      #expect(report.trouble == nil)
      let whole = try CheckedImage(SharedBytes(built), named: path)
      #expect(try onlyBytes(of: whole, in: bus.body.flash.items))
      #expect(FileManager.default.contents(atPath: path) != Data(built))
    }
  }

  @Test("is read from its own place where no copy can be made") func noRoom() async throws {
    try await withPackage(.plain) { path, _, _ in
      let image = try CheckedImage(path: path, keeping: .copied(in: "/proc"))
      #expect(image.sha256 == (try CheckedImage(path: path)).sha256)
    }
  }

  /// Times are as coarse as the clock tick: a file of just now could change unnoticed.
  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: path)
  }

  /// Whether every item on the flash begins as the same item of the package, or is not of it.
  private func onlyBytes(
    of image: CheckedImage, in items: [HuaweiBalongStick.Flash.Item]
  ) throws -> Bool {
    for segment in image.image.segments {
      guard let item = items.first(where: { $0.id == segment.id }) else { continue }
      var reader = try segment.reader()
      let sent = try reader.next(segment.size)
      // An item that was not begun still holds what the stick came with.
      let isOld = item.announced != segment.size
      guard isOld || sent.starts(with: item.bytes) else { return false }
    }
    return true
  }
}
