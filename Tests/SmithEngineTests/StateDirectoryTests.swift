import Foundation
import SmithBench
import SmithEngine
import SmithModel
import SmithSimulators
import SmithTrials
import Testing

@Suite("The state directory") struct StateDirectoryTests {
  private func withState(_ work: (StateDirectory) async throws -> Void) async throws {
    let path = NSTemporaryDirectory() + "/smith-state-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await work(StateDirectory(path))
  }

  /// The first record of an update of a stick at `place`.
  private func planned(_ place: Place) async throws -> JournalRecord {
    let bus = VirtualBus(Scenes.stick(.e3131))
    let journal = MemoryJournal()
    _ = await Scenes.updater(bus, journal)
      .update(try Scenes.package(.e3131), at: bus.place, policy: Policy())
    guard case .planned(var header)? = journal.records.first else {
      throw FileJournalMissing()
    }
    header.place = place
    return .planned(header)
  }

  private struct FileJournalMissing: Error {}

  @Test("gives every update of one second a journal of its own, in their order") func sameSecond()
    async throws
  {
    try await withState { state in
      let now = Date(timeIntervalSince1970: 1_700_000_000)
      let made = try (0..<12).map { _ in try state.newJournal(now: now).location }
      #expect(Set(made).count == 12)
      #expect(state.allJournals() == made)
      let later = try state.newJournal(now: now.addingTimeInterval(1)).location
      #expect(state.allJournals().last == later)
    }
  }

  @Test("finds a stick's interrupted update although another stick's was finished since")
  func twoSticks() async throws {
    try await withState { state in
      let first = try state.newJournal()
      try first.append(try await planned(.usb("1-1")))
      try first.append(.entering)
      let second = try state.newJournal()
      try second.append(try await planned(.usb("1-2")))
      try second.append(.ended(.updated))
      #expect(try state.unfinished(at: nil)?.path == first.location)
      #expect(try state.unfinished(at: .usb("1-1"))?.path == first.location)
      #expect(try state.unfinished(at: .usb("1-2")) == nil)
      // A later update of the same stick leaves nothing to resume.
      let third = try state.newJournal()
      try third.append(try await planned(.usb("1-1")))
      try third.append(.ended(.updated))
      #expect(try state.unfinished(at: nil) == nil)
    }
  }
}
