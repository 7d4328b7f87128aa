import ArgumentParser
import Foundation
import SmithEngine
import SmithFormats
import SmithLibrary
import SmithModel
import Synchronization

struct LibraryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "library", abstract: "Keeps your firmware files, and finds the one that fits.",
    subcommands: [
      LibraryAddCommand.self, LibraryListCommand.self, LibraryFindCommand.self,
      LibraryShowCommand.self, LibraryVerifyCommand.self, LibraryRemoveCommand.self,
      LibraryMarkCommand.self, LibraryExportCommand.self, LibraryImportCommand.self,
      LibraryTrustCommand.self, LibraryKeyCommand.self, LibraryRepairCommand.self,
    ])
}

/// Where the library is, and how it answers.
struct LibraryOptions: ParsableArguments {
  @Option(name: .long, help: "Folder of the library (default: the XDG data directory).")
  var dataDir: String?
  @Flag(name: .long, help: "Answers as JSON, one object a line.") var json = false

  func library() throws(Trouble) -> Library { try Library(dataDir) }
}

struct LibraryAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds files, and everything below folders; files stay where they are.",
    discussion: """
      Ctrl-C stops it; what was added stays, and the same command goes on where it stopped.
      """)

  @Argument(help: "Files and folders.") var paths: [String]
  @OptionGroup var library: LibraryOptions
  @Flag(name: .long, help: "Copy each file into the library's folder.") var copy = false
  @Option(name: .long, help: "Where the files come from, in your words.") var from: String?

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      var options = AddOptions()
      options.copies = copy
      options.provenance = from
      options.reader = library.reader
      let face = AddFace(json: library.json)
      let signals = SignalWatch()
      signals.start { face.stop() }
      let summary = try shelf.add(
        paths, options: options, isStopped: { face.isStopped }, hear: { face.hear($0) })
      face.show(summary)
      return summary.stopped ? .cancelled : summary.skipped > 0 ? .warnings : .ok
    }
  }
}

/// Shows how adding goes.
final class AddFace: Sendable {
  private let json: Bool
  private let stopping = Mutex(false)
  private let isLive = Mutex(false)

  init(json: Bool) {
    self.json = json
  }

  var isStopped: Bool { stopping.withLock { $0 } }

  func stop() {
    let first = stopping.withLock { stopping in
      defer { stopping = true }
      return !stopping
    }
    if first { Output.error("Stopping after what is at hand; the same command goes on here.") }
  }

  func hear(_ event: AddEvent) {
    switch event {
    case .progress(let progress): show(progress)
    case .added(let path, let sum, let images):
      say("added", path, sum, ["images": .integer(images)], Output.paint("+", .green))
    case .known(let path, let sum): say("known", path, sum, [:], "=")
    case .unchanged(let path): say("unchanged", path, nil, [:], nil)
    case .skipped(let path, let reason):
      say("skipped", path, nil, ["reason": .string(reason)], "-", reason)
    }
  }

  private func say(
    _ event: String, _ path: String, _ sum: String?, _ more: [String: JSONValue], _ mark: String?,
    _ note: String? = nil
  ) {
    if json {
      var object = more
      object["event"] = .string(event)
      object["path"] = .string(path)
      if let sum { object["sha256"] = .string(sum) }
      return Output.json(.object(object))
    }
    guard let mark else { return }
    endLiveLine()
    Output.line("\(mark) \(path)" + (note.map { "  (\($0))" } ?? ""))
  }

  private func show(_ progress: AddProgress) {
    if json {
      return Output.json(
        .object([
          "event": .string("progress"), "files": .integer(progress.files),
          "total_files": .integer(progress.totalFiles), "bytes": .integer(progress.bytes),
          "total_bytes": .integer(progress.totalBytes),
          "rate": progress.rate.map { .number($0.rounded()) } ?? .null,
          "eta_s": progress.etaSeconds.map { .integer(Int(min($0, 1e9).rounded())) } ?? .null,
        ]))
    }
    guard Output.isTerminal else { return }
    var line =
      "\(progress.files) of \(progress.totalFiles) files, \(ProgressText.size(progress.bytes)) of "
      + ProgressText.size(progress.totalBytes)
    if let rate = progress.rate { line += "  \(ProgressText.size(Int(rate)))/s" }
    if let eta = progress.etaSeconds, progress.files < progress.totalFiles {
      line += "  \(ProgressText.time(eta)) left"
    }
    Output.raw("\r\u{1b}[K  \(line)")
    isLive.withLock { $0 = true }
  }

  private func endLiveLine() {
    let wasLive = isLive.withLock { live in
      defer { live = false }
      return live
    }
    if wasLive { Output.raw("\r\u{1b}[K") }
  }

  func show(_ summary: AddSummary) {
    endLiveLine()
    if json {
      return Output.json(
        .object([
          "event": .string("summary"), "added": .integer(summary.added),
          "known": .integer(summary.known), "unchanged": .integer(summary.unchanged),
          "skipped": .integer(summary.skipped), "stopped": .bool(summary.stopped),
        ]))
    }
    Output.line(
      "\(summary.added) added, \(summary.known) known already, \(summary.unchanged) unchanged, "
        + "\(summary.skipped) skipped" + (summary.stopped ? "; stopped" : ""))
  }
}

struct LibraryListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists every file of the library.")

  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      var last = 0
      while true {
        let some = try shelf.entries(after: last)
        guard let end = some.last else { return .ok }
        last = end.id
        for entry in some {
          if library.json { Output.json(entry.json) } else { entry.showLine() }
        }
      }
    }
  }
}

struct LibraryFindCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "find", abstract: "Finds files by words, or those that fit the stick.")

  @Argument(help: "Parts of products, versions or file names.") var words: [String] = []
  @OptionGroup var library: LibraryOptions
  @Flag(name: .long, help: "Rank what fits the stick that is plugged in.") var forDevice = false
  @Option(name: .long, help: "Show this many.") var limit = 50
  @OptionGroup var stick: StickOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      let most = max(1, limit)
      let query = words.joined(separator: " ")
      guard forDevice || !words.isEmpty else {
        throw Trouble(
          "usage.nothing-to-find", "There is nothing to look for.",
          advice: ["Write words, or --for-device."], exitCode: .usage)
      }
      var results: [FindResult]
      var offers: [OfferResult]
      if forDevice {
        let device = try await stick.report(json: library.json)
        results = try shelf.find(for: device, limit: most)
        offers = try shelf.findOffers(for: device, limit: most)
        if !words.isEmpty {
          let mine = Set(try shelf.find(query, limit: 10_000).map(\.entry.id))
          let theirs = Set(try shelf.findOffers(query, limit: 10_000).map(\.entry.sha256))
          results = results.filter { mine.contains($0.entry.id) }
          offers = offers.filter { theirs.contains($0.entry.sha256) }
        }
      } else {
        results = try shelf.find(query, limit: most)
        offers = try shelf.findOffers(query, limit: most)
      }
      show(results, offers)
      return results.isEmpty && offers.isEmpty ? .nothingToDo : .ok
    }
  }

  private func show(_ results: [FindResult], _ offers: [OfferResult]) {
    if library.json {
      for result in results { Output.json(result.json) }
      for offer in offers { Output.json(offer.json) }
      return
    }
    for result in results { result.show() }
    if !offers.isEmpty {
      Output.line("")
      Output.line("Known to catalogues that you trust; you do not have these files:")
      for offer in offers { offer.show() }
    }
    if results.isEmpty, offers.isEmpty { Output.error("Nothing found.") }
  }
}

struct LibraryShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows everything that is known of one file.")

  @Argument(help: "Number, beginning of the SHA-256, or path.") var file: String
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      let entry = try shelf.entry(file)
      let claims = try shelf.claims(of: entry.sha256)
      if library.json {
        Output.json(entry.json)
        return .ok
      }
      entry.show()
      for (signer, claim) in claims {
        Output.line("catalogue \(signer): \(claim.knownBad ?? claim.note ?? "knows it")")
      }
      return .ok
    }
  }
}

struct LibraryVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Reads every file once more and compares the sums.")

  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      var counts: [PlaceCheck.State: Int] = [:]
      try shelf.verify { check in
        counts[check.state, default: 0] += 1
        if library.json {
          Output.json(
            .object([
              "event": .string("place"), "path": .string(check.path),
              "sha256": .string(check.sha256), "state": .string(check.state.rawValue),
            ]))
        } else if check.state != .good {
          Output.line("! \(check.state.rawValue): \(check.path)")
        }
      }
      let bad = counts.filter { $0.key != .good }.values.reduce(0, +)
      if !library.json {
        Output.line("\(counts[.good] ?? 0) good, \(bad) not as they were; the database is sound")
      }
      return bad == 0 ? .ok : .warnings
    }
  }
}

struct LibraryRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Forgets a file; deletes the library's own copy, never your file.")

  @Argument(help: "Number, beginning of the SHA-256, or path.") var file: String
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      let entry = try shelf.entry(file)
      try shelf.remove(entry)
      if library.json {
        Output.json(.object(["event": .string("removed"), "sha256": .string(entry.sha256)]))
      } else {
        Output.line("removed: \(entry.sha256)")
      }
      return .ok
    }
  }
}

struct LibraryMarkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mark", abstract: "Notes something about a file, or marks it as bad.",
    discussion: "A file that is marked as bad is not written to any stick.")

  @Argument(help: "A file of the library, or any SHA-256.") var file: String
  @Option(name: .long, help: "Why it must not be used.") var bad: String?
  @Flag(name: .long, help: "Take your bad mark away.") var good = false
  @Option(name: .long, help: "A note; an empty one takes it away.") var note: String?
  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let shelf = try library.library()
      let sum = file.count == 64 ? file.lowercased() : try shelf.entry(file).sha256
      try shelf.mark(sum, note: note, bad: good ? "" : bad)
      if library.json {
        Output.json(.object(["event": .string("marked"), "sha256": .string(sum)]))
      } else {
        Output.line("marked: \(sum)")
      }
      return .ok
    }
  }
}

struct LibraryRepairCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Sets a damaged database aside and keeps what can be read of it.")

  @OptionGroup var library: LibraryOptions

  func run() async throws {
    try await explaining(json: library.json) { () throws(Trouble) in
      let summary = try Library.repair(library.dataDir)
      if library.json {
        Output.json(
          .object([
            "event": .string("repaired"), "set_aside": .text(summary.setAside),
            "kept": .integer(summary.kept),
          ]))
      } else if let aside = summary.setAside {
        Output.line("The damaged database is at \(aside).")
        Output.line("\(summary.kept) files could be taken over. Add your folders once more.")
      } else {
        Output.line("The database is sound: \(summary.kept) files.")
      }
      return summary.setAside == nil ? .nothingToDo : .warnings
    }
  }
}
