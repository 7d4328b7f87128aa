import Foundation
import GRDB
import SmithEngine
import SmithFormats
import SmithModel
import SmithSimulators
import Testing

@testable import SmithLibrary

@Suite("Library") struct LibraryTests {
  @Test("Files below folders are added once each, wherever else they lie") func add() throws {
    let scene = try Scene()
    let library = try scene.library()
    try scene.package("a/one.bin")
    try scene.package("a/b/same.bin")
    try scene.package("a/b/two.bin", version: "21.157.98.00.00")
    try scene.write("a/notes.txt", Array("nothing".utf8))
    let heard = Heard<AddEvent>()
    var options = AddOptions()
    options.provenance = "a friend's CD"
    let summary = try library.add(
      ["\(scene.folder)/in"], options: options, hear: { heard.add($0) })
    #expect(summary.added == 2)
    #expect(summary.known == 1)
    #expect(summary.skipped == 1)
    #expect(!summary.stopped)
    let entries = try library.entries()
    #expect(entries.count == 2)
    #expect(entries.flatMap(\.places).count == 3)
    #expect(entries.allSatisfy { $0.provenance == "a friend's CD" && $0.images.count == 1 })
    guard case .progress(let last)? = heard.all.last else {
      Issue.record("no progress")
      return
    }
    #expect(last.files == 4)
    #expect(last.totalFiles == 4)
    #expect(last.bytes == last.totalBytes)

    let again = try library.add(["\(scene.folder)/in"])
    #expect(again.unchanged == 3)
    #expect(again.added == 0)
    #expect(try library.count() == 2)
  }

  @Test("A file that changed is added anew; its old contents stay known") func changed() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("one.bin")
    _ = try library.add([path])
    try scene.package("one.bin", version: "21.157.98.00.00")
    #expect(try library.add([path]).added == 1)
    let entries = try library.entries()
    #expect(entries.map { $0.places.count } == [0, 1])
  }

  @Test("A stopped add keeps what it had, and goes on where it stopped") func stopping() throws {
    let scene = try Scene()
    let library = try scene.library()
    for index in 0..<12 { try scene.package("\(index).bin", seed: UInt64(index)) }
    let heard = Heard<Int>()
    var options = AddOptions()
    options.workers = 1
    let first = try library.add(
      ["\(scene.folder)/in"], options: options, isStopped: { heard.all.count >= 5 },
      hear: { if case .added = $0 { heard.add(1) } })
    #expect(first.stopped)
    #expect(first.added == 5)
    #expect(try library.count() == 5)
    let second = try library.add(["\(scene.folder)/in"], options: options)
    #expect(second.unchanged == 5)
    #expect(second.added == 7)
  }

  @Test("A copy lives in the data directory and survives its original") func copies() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("one.bin")
    var options = AddOptions()
    options.copies = true
    _ = try library.add([path], options: options)
    let entry = try library.entry("1")
    let copy = try #require(entry.places.first { $0.isCopy })
    #expect(copy.path == "\(scene.data)/files/\(entry.sha256.prefix(2))/\(entry.sha256)")
    try FileManager.default.removeItem(atPath: path)
    var states: [PlaceCheck.State] = []
    try library.verify { states.append($0.state) }
    #expect(states.sorted { $0.rawValue < $1.rawValue } == [.good, .missing])
    try library.remove(entry)
    #expect(!FileManager.default.fileExists(atPath: copy.path))
    #expect(try library.count() == 0)
    #expect(try library.find("E3531").isEmpty)
  }

  @Test("Half copies of killed processes are cleared away, those of living ones are not")
  func sweeping() throws {
    let scene = try Scene()
    let library = try scene.library()
    let shelf = "\(scene.data)/files/ab"
    try FileManager.default.createDirectory(atPath: shelf, withIntermediateDirectories: true)
    // No process has a number beyond the kernel's largest.
    for name in ["abc.part-99999999-x", "abc.part-\(getpid())-x", "abc"] {
      try Data().write(to: URL(fileURLWithPath: "\(shelf)/\(name)"))
    }
    _ = try library.add([try scene.package("one.bin")])
    let left = try FileManager.default.contentsOfDirectory(atPath: shelf).sorted()
    #expect(left == ["abc", "abc.part-\(getpid())-x"])
  }

  @Test("Removing forgets a file and leaves the owner's own alone") func remove() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("one.bin")
    _ = try library.add([path])
    try library.remove(try library.entry(path))
    #expect(FileManager.default.fileExists(atPath: path))
    #expect(code { _ = try library.entry(path) } == "library.not-found")
    #expect(try library.add([path]).added == 1)
  }

  @Test("A changed file is told from a missing one") func verify() throws {
    let scene = try Scene()
    let library = try scene.library()
    let paths = try (0..<3).map { try scene.package("\($0).bin", seed: UInt64($0)) }
    _ = try library.add(paths)
    try scene.write("1.bin", [1, 2, 3])
    try FileManager.default.removeItem(atPath: paths[2])
    var states: [String: PlaceCheck.State] = [:]
    try library.verify { states[$0.path] = $0.state }
    #expect(states == [paths[0]: .good, paths[1]: .changed, paths[2]: .missing])
  }

  @Test("A file is named by number, path, or enough of its sum") func naming() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("one.bin")
    _ = try library.add([path])
    let entry = try library.entry("1")
    #expect(try library.entry(path) == entry)
    #expect(try library.entry(String(entry.sha256.prefix(8)).uppercased()) == entry)
    #expect(code { _ = try library.entry("ffffffff") } == "library.not-found")
    try library.store.write { database in
      try database.execute(
        sql: "INSERT INTO file(sha256, bytes, added) VALUES (?, 1, '')",
        arguments: [entry.sha256.prefix(10) + String(repeating: "0", count: 54)])
    }
    #expect(
      code { _ = try library.entry(String(entry.sha256.prefix(10))) } == "library.ambiguous")
  }

  @Test("Words are found in products, versions, names and origins") func find() throws {
    let scene = try Scene()
    let library = try scene.library()
    var options = AddOptions()
    options.provenance = "village shop"
    _ = try library.add(
      [try scene.package("E3131_Update_21.157.exe.bin")], options: options)
    _ = try library.add([try scene.package("b.bin", .e3372h, version: "21.180.01.00.00")])
    for query in ["21.157.99", "e3131_update", "village", "e3531", "21.157 shop", "balong exe"] {
      #expect(try library.find(query).map(\.entry.id) == [1], "\(query)")
    }
    #expect(try library.find("firmware").map(\.entry.id) == [2, 1])
    #expect(try library.find("firmware", limit: 1).count == 1)
    for query in ["", "\"", "nothing-like-it", "* OR 1", "e3531 village nowhere", "^ NEAR("] {
      #expect(try library.find(query).isEmpty, "\(query)")
    }
  }

  @Test("What fits the stick comes first: product, customer, version") func ranking() throws {
    let scene = try Scene()
    let library = try scene.library()
    let files = [
      ("other.bin", HuaweiBalongStick.Personality.e3372h, "21.180.99.00.00"),
      ("old.bin", .e3131, "21.100.00.00.00"), ("carrier.bin", .e3131, "21.157.99.00.264"),
      ("new.bin", .e3131, "21.157.98.00.00"), ("newest.bin", .e3131, "21.157.99.00.00"),
      ("hilink.bin", .e3131, "22.157.99.00.00"),
    ]
    for (index, file) in files.enumerated() {
      let path = try scene.package(file.0, file.1, version: file.2, seed: UInt64(index))
      _ = try library.add([path])
    }
    let found = try library.find(for: Scene.device(.e3131, firmware: "21.157.31.00.00"))
    let names = found.map { ($0.entry.places[0].path as NSString).lastPathComponent }
    #expect(names == ["newest.bin", "new.bin", "carrier.bin", "old.bin"])
    #expect(found.map { $0.fit?.answer } == [.fits, .fits, .fits, .doesNotFit])
    #expect(found.last?.fit?.isOlder == true)
  }

  @Test("Bad marks and notes are kept apart from the files") func marks() throws {
    let scene = try Scene()
    let library = try scene.library()
    let path = try scene.package("one.bin")
    _ = try library.add([path])
    let sum = try library.entry(path).sha256
    #expect(try library.knownBad([sum]).isEmpty)
    try library.refuseKnownBad([sum])
    try library.mark(sum, note: "from Ada", bad: "bricks E3131")
    #expect(try library.knownBad([sum]) == ["bricks E3131 (your own mark)"])
    #expect(code { try library.refuseKnownBad([sum]) } == "library.known-bad")
    #expect(try library.find(for: Scene.device(.e3131)).isEmpty)
    try library.mark(sum, bad: "")
    #expect(try library.knownBad([sum]).isEmpty)
    #expect(try library.entry(path).note == "from Ada")
    #expect(code { try library.mark("abc", bad: "x") } == "library.bad-sum")
  }

  @Test("A mark on an archive counts for the image inside, and stops it") func archives() throws {
    let scene = try Scene()
    let library = try scene.library()
    let inner = String(repeating: "ab", count: 32)
    let path = try scene.write("all.zip", Array("PK not really".utf8))
    var options = AddOptions()
    options.reader = ImageReaders.plain { _ in
      [
        FoundImage(
          format: "balong", kinds: [.firmware],
          claims: ImageClaims(products: ["E3531"], firmware: FirmwareVersion("21.157.99.00.00")),
          bytes: 100, inside: "deep/er.bin", sha256: inner)
      ]
    }
    #expect(try library.add([path], options: options).added == 1)
    let entry = try library.entry(path)
    #expect(entry.images.first?.inside == "deep/er.bin")
    try library.mark(entry.sha256, bad: "a trap")
    #expect(try library.knownBad([inner]) == ["a trap (your own mark)"])
  }

  @Test("Links inside folders are not followed, and no path is missing in silence")
  func links() throws {
    let scene = try Scene()
    let library = try scene.library()
    try scene.package("real/one.bin")
    try FileManager.default.createSymbolicLink(
      atPath: "\(scene.folder)/in/loop", withDestinationPath: "\(scene.folder)/in")
    #expect(try library.add(["\(scene.folder)/in"]).added == 1)
    #expect(code { _ = try library.add(["\(scene.folder)/none"]) } == "file.unreadable")
  }
}

@Suite("Library on bad disks") struct LibraryDiskTests {
  @Test("A full disk stops adding in the open; what was added stays whole") func full() throws {
    let scene = try Scene()
    for index in 0..<60 { try scene.package("\(index).bin", seed: UInt64(index)) }
    let pages = try scene.library().store.read {
      try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0
    }
    let small = try scene.library(pageLimit: pages + 3)
    #expect(code { _ = try small.add(["\(scene.folder)/in"]) } == "library.disk-full")
    small.store.close()
    let library = try scene.library()
    let before = try library.count()
    #expect(before < 60)
    for entry in try library.entries() {
      #expect(entry.images.count == 1 && entry.places.count == 1)
    }
    let summary = try library.add(["\(scene.folder)/in"])
    #expect(summary.added == 60 - before)
    #expect(summary.unchanged == before)
  }

  @Test("A folder that cannot be written is said to be so") func unwritable() {
    #expect(code { _ = try Library("/proc/1/smith") } == "library.not-writable")
  }

  @Test("A library on a disk that cannot be written can still be read") func readOnly() throws {
    let scene = try Scene()
    let writer = try scene.library()
    _ = try writer.add([try scene.package("one.bin")])
    writer.store.close()
    // The gate to changes cannot be opened where a folder has its name.
    try FileManager.default.removeItem(atPath: "\(scene.database).lock")
    try FileManager.default.createDirectory(
      atPath: "\(scene.database).lock", withIntermediateDirectories: false)
    let library = try scene.library()
    #expect(try library.find("e3531").count == 1)
    #expect(code { _ = try library.add(["\(scene.folder)/in"]) } == "library.not-writable")
    #expect(code { try library.remove(try library.entry("1")) } == "library.not-writable")
  }

  @Test(
    "A damaged database is never made anew: it is named, set aside, and read as far as it goes",
    arguments: ["empty", "text", "foreign", "header", "middle", "cut"])
  func damage(_ kind: String) throws {
    let scene = try Scene()
    do {
      let library = try scene.library()
      for index in 0..<40 { try scene.package("\(index).bin", seed: UInt64(index)) }
      _ = try library.add(["\(scene.folder)/in"])
      try library.mark(String(repeating: "a", count: 64), bad: "never")
      library.store.close()
    }
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scene.database)))
    switch kind {
    case "empty": bytes = []
    case "text": bytes = Array("this is no database".utf8)
    case "foreign": bytes.replaceSubrange(68..<72, with: [0, 0, 0, 9])
    case "header": for index in 0..<16 { bytes[index] = 0xff }
    case "middle": for index in 4096..<(bytes.count / 2) { bytes[index] = 0xa5 }
    default: bytes = Array(bytes.prefix(bytes.count / 2))
    }
    try Data(bytes).write(to: URL(fileURLWithPath: scene.database))
    let found = code {
      let library = try scene.library()
      try library.verify { _ in }
    }
    #expect(found == "library.corrupt")
    #expect(try Data(contentsOf: URL(fileURLWithPath: scene.database)) == Data(bytes))
    let repaired = try Library.repair(scene.data)
    let aside = try #require(repaired.setAside)
    #expect(try Data(contentsOf: URL(fileURLWithPath: aside)) == Data(bytes))
    let library = try scene.library()
    try library.verify { _ in }
    #expect(try library.count() == repaired.kept)
    let again = try library.add(["\(scene.folder)/in"])
    #expect(again.added + again.unchanged + again.known == 40)
    if ["foreign", "header"].contains(kind) { #expect(repaired.kept == 40) }
  }

  @Test("A sound database is not repaired, and none is made by repairing") func sound() throws {
    let scene = try Scene()
    #expect(code { _ = try Library.repair(scene.data) } == "library.nothing-to-repair")
    _ = try scene.library()
    #expect(try Library.repair(scene.data) == RepairSummary(setAside: nil, kept: 0))
  }

  @Test("The log of a lost database is not played into a new one") func strayLog() throws {
    let scene = try Scene()
    _ = try scene.library()
    try FileManager.default.removeItem(atPath: scene.database)
    try Data(repeating: 7, count: 5000).write(
      to: URL(fileURLWithPath: scene.database + "-wal"))
    #expect(try scene.library().count() == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: scene.data)
    #expect(names.contains { $0.hasPrefix("library.sqlite-wal.lost") })
  }

  @Test("Two at once lose nothing and add nothing twice") func together() async throws {
    let scene = try Scene()
    for index in 0..<30 { try scene.package("\(index).bin", seed: UInt64(index)) }
    let path = "\(scene.folder)/in"
    let summaries = try await withThrowingTaskGroup(of: AddSummary.self) { group in
      for _ in 0..<3 {
        group.addTask { try Library(scene.data).add([path]) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(summaries.reduce(0) { $0 + $1.added } == 30)
    let library = try scene.library()
    #expect(try library.count() == 30)
    #expect(try library.store.flaws().isEmpty)
  }

  @Test("A writer that holds the database too long is named") func busy() throws {
    let scene = try Scene()
    _ = try scene.library()
    var configuration = Configuration()
    configuration.busyMode = .immediateError
    let other = try DatabaseQueue(path: scene.database, configuration: configuration)
    let mine = try DatabaseQueue(path: scene.database, configuration: configuration)
    try other.inDatabase { held in
      try held.execute(sql: "BEGIN IMMEDIATE")
      do {
        try mine.write { try $0.execute(sql: "DELETE FROM remark") }
        Issue.record("nobody was in the way")
      } catch {
        #expect(Store.trouble(error, scene.database, Tables.library).code == "library.busy")
      }
      try held.execute(sql: "ROLLBACK")
    }
  }

  @Test("A copy that cannot be made is said to be so") func noCopy() throws {
    let scene = try Scene()
    let library = try scene.library()
    try Data().write(to: URL(fileURLWithPath: "\(scene.data)/files"))
    var options = AddOptions()
    options.copies = true
    let path = try scene.package("one.bin")
    #expect(code { _ = try library.add([path], options: options) } == "library.no-copy")
    #expect(try library.count() == 0)
  }
}
