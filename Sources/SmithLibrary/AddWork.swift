import Foundation
import Glibc
import SmithEngine
import SmithModel
import Synchronization

/// Adding in the making: what its threads share.
final class AddWork: Sendable {
  private struct State {
    var summary = AddSummary()
    var files = 0
    var bytes = 0
    var failure: Trouble?
    var lastTold: ContinuousClock.Instant?
  }

  private let library: Library
  private let walk: FileWalk
  private let options: AddOptions
  private let isStopped: @Sendable () -> Bool
  private let hear: @Sendable (AddEvent) -> Void
  private let state = Mutex(State())
  private let start = ContinuousClock.now

  init(
    _ library: Library, _ walk: FileWalk, _ options: AddOptions,
    _ isStopped: @escaping @Sendable () -> Bool, _ hear: @escaping @Sendable (AddEvent) -> Void
  ) {
    self.library = library
    self.walk = walk
    self.options = options
    self.isStopped = isStopped
    self.hear = hear
  }

  func outcome() throws(Trouble) -> AddSummary {
    let (summary, failure) = state.withLock { ($0.summary, $0.failure) }
    if let failure { throw failure }
    return summary
  }

  /// One worker: takes files until there are none.
  func run() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { unsafe buffer.deallocate() }
    while goesOn(), let (path, size) = walk.next() {
      do throws(Trouble) {
        var passed = 0
        let event = try unsafe add(path, buffer, &passed)
        finish(event, size - passed)
      } catch {
        state.withLock { if $0.failure == nil { $0.failure = error } }
      }
    }
  }

  private func goesOn() -> Bool {
    let stops = isStopped()
    return state.withLock { state in
      if stops { state.summary.stopped = true }
      return !stops && state.failure == nil
    }
  }

  /// Nil if the owner stopped it.
  private func add(
    _ path: String, _ buffer: UnsafeMutableRawBufferPointer, _ passed: inout Int
  ) throws(Trouble) -> AddEvent? {
    guard let state = FileState(path: path) else { return try add(package: path) }
    if try library.isUnchanged(path, state) { return .unchanged(path: path) }
    // First what it is: most files of a folder are no firmware and need no sum.
    let images: [FoundImage]
    do throws(Trouble) { images = try options.reader(path) } catch {
      return .skipped(path: path, reason: error.summary)
    }
    var read = 0
    let sum = unsafe FileSum.of(path, buffer: buffer) { count in
      read += count
      tell(bytes: count)
      return goesOn()
    }
    passed = read
    switch sum {
    case .stopped: return nil
    case .changed: return .skipped(path: path, reason: "it changed while it was read")
    case .unreadable(let reason): return .skipped(path: path, reason: reason)
    case .sum(let sum, let now):
      // What was recognised and what was summed must be one and the same file.
      guard now == state else {
        return .skipped(path: path, reason: "it changed while it was read")
      }
      let copy = options.copies ? try library.copy(path, sum) : nil
      let isNew = try library.insert(
        sum, now, path, images, provenance: options.provenance, copiedTo: copy)
      return isNew
        ? .added(path: path, sha256: sum, images: images.count) : .known(path: path, sha256: sum)
    }
  }

  /// A folder whose files are one image.
  private func add(package path: String) throws(Trouble) -> AddEvent {
    guard let state = FileState(folder: path) else { return .skipped(path: path, reason: "gone") }
    if try library.isUnchanged(path, state) { return .unchanged(path: path) }
    let image: CheckedImage
    do throws(Trouble) { image = try CheckedImage(path: path) } catch {
      return .skipped(path: path, reason: error.summary)
    }
    guard FileState(folder: path) == state else {
      return .skipped(path: path, reason: "it changed while it was read")
    }
    let copy = options.copies ? try library.copy(path, image.sha256) : nil
    let isNew = try library.insert(
      image.sha256, state, path, [FoundImage(image.image)], provenance: options.provenance,
      copiedTo: copy)
    return isNew
      ? .added(path: path, sha256: image.sha256, images: 1)
      : .known(path: path, sha256: image.sha256)
  }

  private func finish(_ event: AddEvent?, _ rest: Int) {
    state.withLock { state in
      state.files += 1
      state.bytes += max(0, rest)
      switch event {
      case .added: state.summary.added += 1
      case .known: state.summary.known += 1
      case .unchanged: state.summary.unchanged += 1
      case .skipped: state.summary.skipped += 1
      case .progress, nil: break
      }
      if let event { hear(event) }
      if state.files == walk.totalFiles { hear(.progress(progress(state))) }
    }
  }

  /// Counts bytes, and says so five times a second.
  private func tell(bytes: Int) {
    state.withLock { state in
      state.bytes += bytes
      let now = ContinuousClock.now
      if let last = state.lastTold, now - last < .milliseconds(200) { return }
      state.lastTold = now
      hear(.progress(progress(state)))
    }
  }

  private func progress(_ state: State) -> AddProgress {
    let took = ContinuousClock.now - start
    let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18
    let rate = seconds > 0.3 && state.bytes > 0 ? Double(state.bytes) / seconds : nil
    return AddProgress(
      files: state.files, totalFiles: walk.totalFiles, bytes: state.bytes,
      totalBytes: max(walk.totalBytes, state.bytes), rate: rate,
      etaSeconds: rate.map { Double(max(0, walk.totalBytes - state.bytes)) / $0 })
  }
}

extension Library {
  /// Copies a file into the data directory under its sum; whole or not at all.
  func copy(_ path: String, _ sum: String) throws(Trouble) -> (path: String, state: FileState) {
    let shelf = "\(folder)/files/\(sum.prefix(2))"
    let target = "\(shelf)/\(sum)"
    if case .sum(sum, let state) = FileSum.of(target) { return (target, state) }
    let part = "\(target).part-\(getpid())-\(UUID().uuidString.prefix(8))"
    do {
      try FileManager.default.createDirectory(
        atPath: shelf, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      try Self.duplicate(path, part)
      guard case .sum(sum, let state) = FileSum.of(part), Self.sync(part),
        unsafe rename(part, target) == 0
      else { throw CocoaError(.fileWriteUnknown) }
      return (target, state)
    } catch {
      try? FileManager.default.removeItem(atPath: part)
      throw Trouble(
        "library.no-copy", "\(path) cannot be copied into the library.",
        facts: [shelf, "\(error.localizedDescription)"],
        advice: ["Make room on the disk, or add the file without --copy."], exitCode: .refused)
    }
  }

  /// Clears away what killed processes were copying; what a living one copies is left alone.
  func sweep() {
    let manager = FileManager.default
    let shelves = (try? manager.contentsOfDirectory(atPath: "\(folder)/files")) ?? []
    for place in ["\(folder)"] + shelves.map({ "\(folder)/files/\($0)" }) {
      for name in (try? manager.contentsOfDirectory(atPath: place)) ?? [] {
        let rest =
          name.hasPrefix("cabinet-")
          ? name.dropFirst(8) : name.split(separator: ".part-").last ?? ""
        let isOurs = name.hasPrefix("cabinet-") || name.contains(".part-")
        guard isOurs, let owner = pid_t(rest.prefix { $0 != "-" }), owner > 0, kill(owner, 0) != 0,
          errno == ESRCH
        else { continue }
        try? manager.removeItem(atPath: "\(place)/\(name)")
      }
    }
  }

  /// Copies a file, or the files right in a folder.
  private static func duplicate(_ path: String, _ target: String) throws {
    let manager = FileManager.default
    guard FileState(path: path) == nil else {
      return try manager.copyItem(atPath: path, toPath: target)
    }
    try manager.createDirectory(atPath: target, withIntermediateDirectories: false)
    for name in try manager.contentsOfDirectory(atPath: path)
    where !name.hasPrefix(".") && FileState(path: "\(path)/\(name)") != nil {
      try manager.copyItem(atPath: "\(path)/\(name)", toPath: "\(target)/\(name)")
    }
  }

  private static func sync(_ path: String) -> Bool {
    if FileState(path: path) == nil {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return names.allSatisfy { sync("\(path)/\($0)") }
    }
    guard let handle = FileHandle(forWritingAtPath: path) else { return false }
    defer { try? handle.close() }
    return (try? handle.synchronize()) != nil
  }
}
