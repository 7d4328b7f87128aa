import Foundation
import SmithBench
import SmithBytes
import SmithEngine
import SmithFormats
import SmithLink
import SmithModel
import SmithSimulators
import SmithTrials
import Synchronization
import Testing

/// A journal that never takes the record which says that only asking is left.
private final class NoVerifyJournal: Journal {
  private let kept: MemoryJournal

  init(_ records: [JournalRecord] = []) { kept = MemoryJournal(records) }

  var location: String { "memory" }
  var records: [JournalRecord] { kept.records }
  func append(_ record: JournalRecord) throws(Trouble) {
    if record == .verifying {
      throw Trouble(
        "journal.disk-full", "The disk is full.", advice: ["Make room."], exitCode: .refused)
    }
    try kept.append(record)
  }
}

/// An owner who agrees and wants to stop once a phase begins.
private final class Stopper: Owner {
  private let phase: Phase
  private let stopped = Mutex(false)

  init(at phase: Phase) { self.phase = phase }

  var wantsToStop: Bool { stopped.withLock { $0 } }
  func consent(to plan: CheckedPlan) async -> Consent? { Consent(how: "test") }
  func hear(_ event: UpdateEvent) async {
    if case .phase(phase, _) = event { stopped.withLock { $0 = true } }
  }
}

@Suite("The end of an update") struct EndingFindingsTests {
  private func updater(
    _ bus: any Bus, _ journal: any Journal, owner: any Owner = TrialOwner()
  ) -> Updater {
    Updater(
      bus: bus, owner: owner,
      surroundings: Surroundings(
        newJournal: { () throws(Trouble) in journal }, backups: .memory(), tool: "test"))
  }

  @Test("in another customer's build is a success that was warned of beforehand") func customer()
    async throws
  {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let owner = TrialOwner(remembers: true)
    let image = try Scenes.package(.e3131, version: "21.157.99.00.74")
    let report = await Scenes.updater(bus, owner: owner)
      .update(image, at: bus.place, policy: Policy())
    let warnings = owner.events.compactMap { event in
      if case .warning(let text) = event { text } else { nil }
    }
    #expect(warnings.contains { $0.contains("customer build") })
    #expect(report.verdict == .updated)
    #expect(report.exitCode == .ok)
    #expect(report.warnings.isEmpty)
  }

  @Test("with another model's name is an update with a warning") func otherName() async throws {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let owner = PhaseMeddler(at: .verify) {
      bus.withBody { stick in
        var renamed = HuaweiBalongStick.Personality.e3131
        renamed.model = "E3531"
        var next = HuaweiBalongStick(personality: renamed)
        next.flash = stick.flash
        next.plug(at: .zero)
        stick = next
      }
    }
    let report = await Scenes.updater(bus, owner: owner)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.verdict == .updated)
    #expect(report.exitCode == .warnings)
    #expect(report.warnings.contains { $0.contains("E3131") && $0.contains("E3531") })
  }

  @Test("is told truly although the journal fails at it again and again") func journalFails()
    async throws
  {
    let image = try Scenes.package(.e3131)
    let bus = VirtualBus(Scenes.stick(.e3131))
    let journal = NoVerifyJournal()
    var report = await updater(bus, journal).update(image, at: bus.place, policy: Policy())
    guard case .planned(let header)? = journal.records.first else {
      Issue.record("no header")
      return
    }
    for _ in 0..<2 {
      #expect(report.verdict == .updated)
      #expect(report.exitCode == .warnings)
      #expect(report.after == image.image.claims.firmware)
      report = await updater(bus, journal)
        .resume(image, header, journal.records, journal: journal, policy: Policy())
    }
    #expect(report.verdict == .updated)

    let old = VirtualBus(Scenes.stick(.e3131))
    let before = HuaweiBalongStick.Personality.e3131.firmware
    let meddler = PhaseMeddler(at: .verify) { old.withBody { $0.flash.firmware = before } }
    let failed = await updater(old, NoVerifyJournal(), owner: meddler)
      .update(image, at: old.place, policy: Policy())
    #expect(failed.verdict == .failedStillWorks)
    #expect(failed.trouble?.code == "update.unverified")
    #expect(failed.trouble?.exitCode == failed.exitCode)
  }

  @Test("by its owner in download mode changes nothing and starts the old firmware")
  func stopped() async throws {
    let before = Scenes.stick(.e3131)
    let bus = VirtualBus(before)
    let report = await Scenes.updater(bus, owner: Stopper(at: .write))
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    #expect(report.trouble?.code == "update.cancelled")
    #expect(report.trouble?.summary.contains("before anything was written") == true)
    #expect(report.verdict == .unchanged)
    #expect(report.exitCode == .cancelled)
    #expect(bus.body.flash.items == before.flash.items)
    #expect(report.after?.text == before.personality.firmware)
  }
}

@Suite("Files and folders") struct FileFindingsTests {
  private func withFolder(_ work: (String) async throws -> Void) async throws {
    let path = NSTemporaryDirectory() + "/smith-files-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await work(path)
  }

  private static let sharedLocks = FileManager.default.isWritableFile(atPath: "/run/lock")

  @Test(
    "Two state directories are no way to update one stick twice", .enabled(if: sharedLocks))
  func twoOwners() async throws {
    try await withFolder { folder in
      let name = "test-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: "/run/lock/modemsmith-\(name).lock") }
      let mine = try StateDirectory("\(folder)/mine")
      let other = try StateDirectory("\(folder)/other")
      func refusal() -> String? {
        do throws(Trouble) {
          _ = try other.lock(.usb(name))
          return nil
        } catch { return error.code }
      }
      let held = try mine.lock(.usb(name))
      withExtendedLifetime(held) { #expect(refusal() == "lock.held") }
    }
  }

  @Test("A file that becomes shorter is sent as far as it goes") func shrunkBytes()
    async throws
  {
    try await withFolder { folder in
      let path = "\(folder)/file.bin"
      let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let file = try SharedBytes(file: path)
      #expect(file.intact(0..<40_000) == bytes)
      try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 10_000)
      // What is at hand stays good; a new look finds less.
      let other = try SharedBytes(file: path)
      #expect(other.count == 10_000)
      #expect(file.hasChanged)
    }
  }

  @Test(
    "A file that becomes shorter while it is sent is named as the cause", arguments: Kind.allCases)
  func shrunkPackage(kind: Kind) async throws {
    try await withFolder { folder in
      let personality = HuaweiBalongStick.Personality.e3372h
      var sample = SamplePackage(for: personality)
      sample.version = Scenes.newer(personality)
      sample.bytes = 400_000
      sample.compressed = kind == .compressed
      sample.signed = kind == .signed
      let path = "\(folder)/package.bin"
      let bytes = sample.build()
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let image = try CheckedImage(path: path)
      let bus = VirtualBus(Scenes.stick(personality, kind))
      let owner = PhaseMeddler(at: .write) {
        try? FileHandle(forWritingTo: URL(fileURLWithPath: path))
          .truncate(atOffset: UInt64(bytes.count / 2))
      }
      let report = await Scenes.updater(bus, owner: owner)
        .update(image, at: bus.place, policy: Policy())
      #expect(report.trouble?.code == "file.shrank", "\(kind)")
      #expect(report.verdict == .needsRescue)
      #expect(report.exitCode == .needsRescue)
      #expect(!bus.body.flash.allPartsComplete)
    }
  }

  @Test("A folder of parts is refused without a product, and written when that is waived")
  func parts() async throws {
    try await withFolder { folder in
      let package = try Scenes.package(.e3131)
      for segment in package.image.segments {
        var reader = try segment.reader()
        try Data(try reader.next(segment.size))
          .write(to: URL(fileURLWithPath: "\(folder)/\(segment.fileName)"))
      }
      let image = try CheckedImage(path: folder)
      #expect(image.image.format == .balongFolder)
      #expect(image.image.segments.map(\.id) == package.image.segments.map(\.id))
      #expect(image.image.claims.products.isEmpty)

      let stick = Scenes.stick(.e3131)
      let bus = VirtualBus(stick)
      let refused = await Scenes.updater(bus).update(image, at: bus.place, policy: Policy())
      #expect(refused.trouble?.code == "plan.product-unknown")
      #expect(refused.exitCode == .refused)
      #expect(bus.body.flash == stick.flash)

      var policy = Policy()
      policy.forced = [.productUnknown]
      let written = await Scenes.updater(bus).update(image, at: bus.place, policy: policy)
      #expect(written.verdict == .updated, "\(String(describing: written.trouble))")
      #expect(bus.body.flash.firmware == Scenes.newer(.e3131))
    }
  }
}
