import Foundation
import SmithBench
import SmithEngine
import SmithLink
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

  @Test("finds an interrupted update by the port of download mode, too")
  func downloadPort() async throws {
    try await withState { state in
      guard case .planned(var header) = try await planned(.named("/dev/at")) else { return }
      header.downloadPort = "/dev/download"
      let journal = try state.newJournal()
      try journal.append(.planned(header))
      #expect(try state.unfinished(at: .named("/dev/download"))?.path == journal.location)
      #expect(try state.unfinished(at: .named("/dev/at"))?.path == journal.location)
      #expect(try state.unfinished(at: .named("/dev/other")) == nil)
    }
  }

  @Test("knows the newest journal even if the clock was set back since") func clockSetBack()
    async throws
  {
    try await withState { state in
      let first = try state.newJournal(now: Date(timeIntervalSince1970: 1_900_000_000))
      try first.append(try await planned(.usb("1-1")))
      try first.append(.ended(.updated))
      // A computer without a clock of its own begins in 1970.
      let second = try state.newJournal(now: Date(timeIntervalSince1970: 100))
      try second.append(try await planned(.usb("1-1")))
      try second.append(.entering)
      #expect(state.allJournals() == [first.location, second.location])
      #expect(try state.unfinished(at: .usb("1-1"))?.path == second.location)
    }
  }

  private func spoil(_ path: String, line: Int) throws {
    var lines = try String(contentsOfFile: path, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    lines[line - 1] = "{\"planned\":{\"_0\":{\"ba"
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test("sets a journal aside that nobody can read, and goes on with the next from its beginning")
  func setAside() async throws {
    try await withState { state in
      let first = try state.newJournal()
      try first.append(try await planned(.usb("1-1")))
      for record in [JournalRecord.entering, .itemBegan(0), .itemDone(0), .itemBegan(1)] {
        try first.append(record)
      }
      #expect(try state.unfinished(at: nil)?.records.count == 5)
      let second = try state.newJournal()
      try second.append(try await planned(.usb("1-1")))
      try second.append(.entering)
      let text = FileManager.default.contents(atPath: second.location)
      try spoil(second.location, line: 1)
      let found = try #require(try state.unfinished(at: nil))
      #expect(found.path == first.location)
      #expect(found.notes.count == 2)
      #expect(found.notes.first?.contains("\(second.location).corrupt") == true)
      // It may have written over what the older one had finished.
      #expect(!found.records.contains(.itemDone(0)))
      #expect(state.journalsSetAside() == ["\(second.location).corrupt"])
      #expect(
        FileManager.default.contents(atPath: "\(second.location).corrupt")?.count
          ?? 0 > (text?.count ?? 0) / 100, "kept")
      // The next run still knows of it, and says nothing of renaming.
      let again = try #require(try state.unfinished(at: nil))
      #expect(again.path == first.location && again.notes.count == 1)
      #expect(!again.records.contains(.itemDone(0)))
    }
  }

  @Test("believes nothing but the plan of a journal with a damaged line") func damagedLine()
    async throws
  {
    try await withState { state in
      let journal = try state.newJournal()
      try journal.append(try await planned(.usb("1-1")))
      for record in [JournalRecord.entering, .itemBegan(0), .itemDone(0), .itemBegan(1)] {
        try journal.append(record)
      }
      try spoil(journal.location, line: 4)
      let found = try #require(try state.unfinished(at: nil))
      #expect(found.path == journal.location)
      #expect(found.records.dropFirst() == [.entering, .itemBegan(0)])
      #expect(found.notes.first?.contains("Line 4") == true)
      #expect(state.journalsSetAside().isEmpty)
      try FileJournal(path: journal.location).append(.ended(.updated))
      #expect(try state.unfinished(at: nil) == nil)
    }
  }

  @Test("takes the journal that its owner names, and none that says nothing") func named()
    async throws
  {
    try await withState { state in
      let older = try state.newJournal()
      try older.append(try await planned(.usb("1-1")))
      try older.append(.entering)
      let newer = try state.newJournal()
      try newer.append(try await planned(.usb("1-1")))
      #expect(try state.unfinished(at: nil)?.path == newer.location)
      #expect(try state.unfinished(named: older.location).path == older.location)
      func code(_ path: String) -> String? {
        do throws(Trouble) {
          _ = try state.unfinished(named: path)
          return nil
        } catch { return error.code }
      }
      try newer.append(.ended(.updated))
      #expect(code(newer.location) == "resume.nothing")
      #expect(code("\(state.path)/none.jsonl") == "journal.corrupt")
      try spoil(older.location, line: 1)
      #expect(code(older.location) == "journal.corrupt")
    }
  }

  @Test("ends a torn line before it writes the next, whatever was torn") func tornLine()
    async throws
  {
    try await withState { state in
      let journal = try state.newJournal()
      try journal.append(try await planned(.usb("1-1")))
      try journal.append(.entering)
      try journal.append(.itemBegan(0))
      let whole = try #require(FileManager.default.contents(atPath: journal.location))
      let lastLine = try #require(whole.dropLast().lastIndex(of: 0x0a)) + 1
      for cut in lastLine..<whole.count {
        let path = "\(state.journals)/cut.jsonl"
        try whole.prefix(cut).write(to: URL(fileURLWithPath: path))
        try FileJournal(path: path).append(.itemDone(7))
        let read = ReadJournal(path)
        #expect(read.damagedLine == nil, "cut at \(cut)")
        // A line that lacks only its end counts; a shorter one never happened.
        let isWhole = cut == whole.count - 1
        #expect(read.records.count == (isWhole ? 4 : 3), "cut at \(cut)")
        #expect(read.records.last == .itemDone(7))
      }
    }
  }

  @Test("never writes one backup over another, whatever the clock says") func backups() async throws
  {
    try await withState { state in
      let store = BackupStore.files(in: state)
      let bus = VirtualBus(Scenes.stick(.e3131))
      let (link, subject) = try await Scenes.updater(bus).identify(bus.place, withSettings: true)
      await link.close()
      let backup = Backup(of: subject, time: "1970-01-01T00:00:00Z")
      let paths = try (0..<5).map { _ in try store.save(backup) }
      #expect(Set(paths).count == 5)
      #expect(paths.allSatisfy { store.load($0) == backup })
      try FileManager.default.removeItem(atPath: state.backups)
      #expect(throws: Trouble.self) { try store.save(backup) }
    }
  }

  @Test("leaves no half line behind when the disk is full") func diskFull() async throws {
    // Every write to this device finds a full disk.
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let journal = try FileJournal(path: "/dev/full")
    let full = #expect(throws: Trouble.self) { try journal.append(.entering) }
    #expect(full?.code == "journal.disk-full")
  }
}

@Suite("The lock of a stick") struct StickLockTests {
  private func withStates(_ work: (StateDirectory, StateDirectory, String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/smith-locks-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: "\(folder)/shared", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try work(
      try StateDirectory("\(folder)/mine"), try StateDirectory("\(folder)/other"),
      "\(folder)/shared")
  }

  private func refusal(_ work: () throws(Trouble) -> StickLock) -> String? {
    do throws(Trouble) {
      _ = try work()
      return nil
    } catch { return error.code }
  }

  @Test(
    "keeps another state directory out even where users share no folder, and says that it is so")
  func noSharedFolder() throws {
    try withStates { (mine: StateDirectory, other: StateDirectory, shared: String) throws in
      let place = Place.usb("test-\(UUID().uuidString.prefix(8))")
      for folder in ["/proc/nowhere", "/dev/null"] {
        let held = try mine.lock(place, shared: folder)
        #expect(held.warning?.contains(folder) == true)
        withExtendedLifetime(held) {
          #expect(
            refusal { () throws(Trouble) in try other.lock(place, shared: folder) } == "lock.held")
        }
      }
      let good = try mine.lock(place, shared: shared)
      #expect(good.warning == nil)
    }
  }

  @Test("is taken with a file that may only be read, as another user's") func readable() throws {
    try withStates { (mine: StateDirectory, other: StateDirectory, shared: String) throws in
      let place = Place.usb("test-\(UUID().uuidString.prefix(8))")
      let file = "\(shared)/modemsmith-\(place).lock"
      try Data().write(to: URL(fileURLWithPath: file))
      try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: file)
      let held = try mine.lock(place, shared: shared)
      #expect(held.warning == nil)
      withExtendedLifetime(held) {
        #expect(
          refusal { () throws(Trouble) in try other.lock(place, shared: shared) } == "lock.held")
      }
    }
  }

  @Test("knows one stick by each of its names, and lets go of all of them") func names() throws {
    try withStates { (mine: StateDirectory, other: StateDirectory, shared: String) throws in
      let number = "\(UUID().uuidString.prefix(8))"
      let (port, place) = (Place.named("/dev/tty-\(number)"), Place.usb("test-\(number)"))
      var held: StickLock? = try mine.lock(port, alsoKnownAs: [place], shared: shared)
      #expect(held != nil)
      #expect(
        refusal { () throws(Trouble) in try other.lock(place, shared: shared) } == "lock.held")
      #expect(refusal { () throws(Trouble) in try other.lock(port, shared: shared) } == "lock.held")
      held = nil
      #expect(refusal { () throws(Trouble) in try other.lock(place, shared: shared) } == nil)
      #expect(refusal { () throws(Trouble) in try other.lock(port, shared: shared) } == nil)
    }
  }
}
