import Glibc
public import SmithBytes
import SmithFormats
import SmithModel

/// Looks into whatever file an owner has and lists the images in it.
///
/// Nothing is unpacked to a name on the disk: entries go through memory or through files without
/// a name, names inside are only ever shown, and everything is bounded
/// (Docs/Decisions/0010-bounded-peeling.md).
public struct Peeler: Sendable {
  private let limits: PeelLimits
  private let now: @Sendable () -> Duration

  /// - Parameters:
  ///   - limits: bounds for hostile files.
  ///   - now: a clock that only goes forward.
  public init(
    limits: PeelLimits = .standard, now: (@Sendable () -> Duration)? = nil
  ) {
    self.limits = limits
    self.now = now ?? monotonicNow
  }

  /// Whether a file begins as an archive or CD-ROM image does, so that an image may be inside of
  /// it; programs are told by ``hasArchive(program:)``.
  public static func isArchive(_ file: SharedBytes) -> Bool {
    ArchiveFound.atHead(of: file) != nil
  }

  /// Whether a program carries an archive, as self-extracting ones do.
  public static func hasArchive(program file: SharedBytes) -> Bool {
    !ArchiveFound.inside(program: file).isEmpty
  }

  /// Looks into one file.
  ///
  /// - Parameters:
  ///   - file: all of it, mapped.
  ///   - path: its path; kept in the results.
  /// - Throws: ``ArchiveError`` if a bound is reached; what is merely unreadable is among the
  ///   flaws of the result.
  public func peel(_ file: SharedBytes, path: String) throws(ArchiveError) -> Findings {
    var peel = Peel(budget: PeelBudget(limits, now: now))
    try peel.outermost(file, path: path)
    return peel.findings(path)
  }

  /// Looks into every file of a folder and of the folders in it; links are not followed.
  ///
  /// - Throws: ``ArchiveError`` if there are too many files; a bound that one file reaches is
  ///   among the flaws, and the others are looked into all the same.
  public func peel(folder path: String) throws(ArchiveError) -> Findings {
    var peel = Peel(budget: PeelBudget(limits, now: now))
    let files = try Folder.files(of: path, limit: limits.entries)
    let packages = Set(
      files.filter { PackageFolder.isDescription($0) }.map { PackageFolder.folder(of: $0) })
    for package in packages.sorted() {
      peel.package(package, files: files, folder: path)
    }
    for file in files where !packages.contains(PackageFolder.folder(of: file)) {
      guard let bytes = try? SharedBytes(file: file) else { continue }
      do throws(ArchiveError) {
        try peel.outermost(bytes, path: file, folder: path)
      } catch {
        switch error {
        case .tooSlow, .noRoom: throw error
        default: peel.note(error)
        }
      }
    }
    return peel.findings(path)
  }
}

/// The work on one file or folder.
struct Peel {
  private let budget: PeelBudget
  private var candidates: [Candidate] = []
  private var flaws: [ArchiveError] = []
  private var taken: Set<String> = []
  private var outer = ""
  private var label = ""
  private var isInFolder = false

  init(budget: PeelBudget) {
    self.budget = budget
  }

  mutating func note(_ flaw: ArchiveError) {
    if flaws.count < 64 { flaws.append(flaw) }
  }

  func findings(_ path: String) -> Findings {
    let order = candidates.enumerated().sorted {
      ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
    }
    let found = order.map(\.element)
    return Findings(path: path, candidates: Gathering.packages(in: found) + found, flaws: flaws)
  }

  mutating func outermost(
    _ file: SharedBytes, path: String, folder: String? = nil
  ) throws(ArchiveError) {
    outer = path
    isInFolder = folder != nil
    let name = path.split(separator: "/").last.map(String.init) ?? path
    label = (folder.map { String(path.dropFirst($0.count).drop { $0 == "/" }) } ?? name).shownSafely
    budget.begin(file.count)
    try look(file, [], depth: 0)
  }

  /// One folder on the disk that is a package as a whole.
  mutating func package(_ path: String, files: [String], folder: String) {
    outer = path
    isInFolder = true
    label = String(path.dropFirst(folder.count).drop { $0 == "/" }).shownSafely
    if label.isEmpty { label = PackageFolder.file(of: path).shownSafely }
    let parts = files.filter { PackageFolder.folder(of: $0) == path }.compactMap { file in
      (try? SharedBytes(file: file)).map { (PackageFolder.file(of: file), $0) }
    }
    keep(package: parts, [])
  }

  /// Folders of an archive that are packages as a whole: the archive is passed once more, and
  /// only their files are kept.
  private mutating func packages(
    _ folders: Set<String>, of archive: ArchiveFound, _ inside: [String]
  ) throws(ArchiveError) {
    let place = place(inside)
    let stream = try ArchiveStream(archive, at: place, budget: budget)
    var files: [String: [RawProgramPackage.File]] = [:]
    while let entry = try stream.next() {
      try budget.countEntry(at: place)
      let name = name(of: entry, archive, inside)
      let folder = PackageFolder.folder(of: name)
      let isWanted = entry.isFile && !entry.isLink && !entry.isEncrypted && !entry.leadsOut
      if isWanted, folders.contains(folder) {
        let bytes = try read(stream, at: self.place(inside + [name]))
        files[folder, default: []].append((PackageFolder.file(of: name), bytes))
      } else if !stream.canSkip, entry.isFile, !entry.isEncrypted {
        try drain(stream, at: place)
      }
    }
    for (folder, files) in files.sorted(by: { $0.key < $1.key }) {
      let name = folder.isEmpty ? PackageFolder.name(files) : folder
      keep(package: files, inside + [unique(name, inside)])
    }
  }

  /// Looks at one file, wherever it was found.
  private mutating func look(
    _ file: SharedBytes, _ inside: [String], depth: Int
  ) throws(ArchiveError) {
    if let found = ArchiveFound.atHead(of: file) {
      if found.kind == .iso { return try disc(file, inside, depth: depth) }
      return try open([found], inside, depth: depth)
    }
    do throws(ImageError) {
      let image = try ImageRegistry.recognise(file)
      keep(.image(image), file, inside)
    } catch {
      let before = candidates.count
      let archives = ArchiveFound.inside(program: file)
      if !archives.isEmpty { try open(archives, inside, depth: depth) }
      if candidates.count == before { keep(failed: error, file, inside) }
    }
  }

  /// What is no image may be something else that is worth a line.
  private mutating func keep(failed error: ImageError, _ file: SharedBytes, _ inside: [String]) {
    switch error {
    case .empty, .blank, .notFirmware: break
    case .foreign(let foreign):
      let dull: [ForeignFile.Kind] = [.webPage, .text, .archive, .windowsProgram]
      if !dull.contains(foreign.kind) { keep(.other(foreign), file, inside) }
    default: keep(.damaged(error), file, inside)
    }
  }

  /// Files that make one image together have no bytes of their own.
  private mutating func keep(package files: [RawProgramPackage.File], _ inside: [String]) {
    let (content, parts) = PackageFolder.content(files)
    keep(content, SharedBytes([]), inside, parts: parts)
  }

  private mutating func keep(
    _ content: Candidate.Content, _ bytes: SharedBytes, _ inside: [String],
    parts: [SharedBytes] = []
  ) {
    guard candidates.count < budget.limits.candidates else { return }
    var candidate = Candidate(
      content: content, outer: outer, label: label, inside: inside, bytes: bytes,
      isInFolder: isInFolder)
    candidate.parts = parts
    candidates.append(candidate)
  }

  /// Archives that lie in one file, one after another.
  private mutating func open(
    _ archives: [ArchiveFound], _ inside: [String], depth: Int
  ) throws(ArchiveError) {
    let place = place(inside)
    guard depth < budget.limits.depth else {
      return note(.tooDeep(at: place, limit: budget.limits.depth))
    }
    for archive in archives {
      let before = candidates.count
      do throws(ArchiveError) {
        if archive.isCutOff { throw .truncated(at: place) }
        try entries(of: archive, inside, depth: depth)
      } catch {
        if error.endsAll { throw error }
        // Nothing out of an archive that is not whole is offered: the download failed.
        candidates.removeLast(candidates.count - before)
        note(error)
      }
    }
  }

  private mutating func entries(
    of archive: ArchiveFound, _ inside: [String], depth: Int
  ) throws(ArchiveError) {
    let place = place(inside)
    let stream = try ArchiveStream(archive, at: place, budget: budget)
    let before = candidates.count
    var described: Set<String> = []
    while let entry = try stream.next() {
      try budget.countEntry(at: place)
      let name = name(of: entry, archive, inside)
      if entry.isFile, PackageFolder.isDescription(name) {
        described.insert(PackageFolder.folder(of: name))
      }
      let here = self.place(inside + [name])
      if entry.isLink {
        note(.link(at: here))
      } else if entry.isEncrypted {
        note(.encrypted(at: here))
      } else if entry.leadsOut, entry.isFile {
        note(.unsafeName(at: here))
      } else if entry.isFile {
        if let size = entry.size, size > budget.limits.entrySize {
          throw .tooLarge(at: here, limit: budget.limits.entrySize)
        }
        try look(read(stream, at: here), inside + [unique(name, inside)], depth: depth + 1)
        continue
      }
      if !stream.canSkip, entry.isFile, !entry.isEncrypted { try drain(stream, at: here) }
    }
    guard !described.isEmpty else { return }
    // The parts of a package are no choices of their own.
    let whole = candidates[before...].filter { $0.image != nil }
    candidates.replaceSubrange(before..., with: whole)
    try packages(described, of: archive, inside)
  }

  /// The bytes of an entry, counted before they are kept.
  private func read(_ stream: ArchiveStream, at place: String) throws(ArchiveError) -> SharedBytes {
    let spool = Spool()
    var end = 0
    try unsafe stream.pieces { (piece, offset) throws(ArchiveError) in
      guard offset >= end else {
        throw .damaged(at: place, reason: "its pieces do not follow one another")
      }
      let next = offset + piece.count
      guard next <= budget.limits.entrySize else {
        throw .tooLarge(at: place, limit: budget.limits.entrySize)
      }
      try budget.count(next - end, at: place)
      end = next
      try unsafe spool.write(piece, at: offset)
    }
    return try spool.finish()
  }

  /// Unpacks and counts what nobody wants: a bomb must not hide in it.
  private func drain(_ stream: ArchiveStream, at place: String) throws(ArchiveError) {
    try unsafe stream.pieces { (piece, _) throws(ArchiveError) in
      try budget.count(piece.count, at: place)
    }
  }

  /// A CD-ROM image is shown as what it is, and its files are slices of it: nothing is unpacked.
  private mutating func disc(
    _ file: SharedBytes, _ inside: [String], depth: Int
  ) throws(ArchiveError) {
    let place = place(inside)
    let dashboard: Dashboard
    do throws(ISO9660Error) { dashboard = try Dashboard.read(file) } catch {
      if case .truncated = error { return note(.truncated(at: place)) }
      return note(.damaged(at: place, reason: error.trouble.summary))
    }
    guard depth < budget.limits.depth else {
      return note(.tooDeep(at: place, limit: budget.limits.depth))
    }
    keep(.dashboard(dashboard), file, inside)
    for entry in dashboard.image.files {
      try budget.countEntry(at: place)
      // A file in several pieces is larger than any firmware.
      guard let bytes = entry.extents.first, entry.extents.count == 1 else { continue }
      try look(bytes, inside + [unique(entry.path, inside)], depth: depth + 1)
    }
  }

  private func place(_ inside: [String]) -> String {
    ([label] + inside).joined(separator: " > ")
  }

  /// A compressed stream has no names in it: it is its own without the ending.
  private func name(
    of entry: ArchiveStream.Entry, _ archive: ArchiveFound, _ inside: [String]
  ) -> String {
    guard archive.kind == .compressed, entry.name == "data" else {
      return entry.name.replacing("#", with: "?")
    }
    let own = inside.last ?? outer
    let file = own.split(separator: "/").last.map(String.init) ?? own
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return "data" }
    return String(file[..<dot]).replacing("#", with: "?")
  }

  /// A name that no other entry of the same archive has.
  private mutating func unique(_ name: String, _ inside: [String]) -> String {
    let base = ([outer] + inside).joined(separator: "#") + "#"
    var result = name
    var number = 2
    while !taken.insert(base + result).inserted {
      result = "\(name) (\(number))"
      number += 1
    }
    return result
  }
}

/// The files below a folder.
enum Folder {
  /// Paths of regular files, sorted, hidden ones left out; links are not followed.
  static func files(of path: String, limit: Int) throws(ArchiveError) -> [String] {
    var result: [String] = []
    var seen = 0
    var waiting = [(path: path, depth: 0)]
    while let next = waiting.popLast() {
      guard let stream = unsafe opendir(next.path) else { continue }
      defer { unsafe closedir(stream) }
      while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { field in
          unsafe String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasPrefix(".") { continue }
        seen += 1
        guard seen <= limit else { throw .tooManyEntries(at: path, limit: limit) }
        var status = stat()
        let full = next.path.hasSuffix("/") ? next.path + name : "\(next.path)/\(name)"
        guard unsafe lstat(full, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 { result.append(full) }
        if status.st_mode & S_IFMT == S_IFDIR, next.depth < 8 {
          waiting.append((full, next.depth + 1))
        }
      }
    }
    return result.sorted()
  }
}
