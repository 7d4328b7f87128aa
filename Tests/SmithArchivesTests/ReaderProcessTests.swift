import CArchiveReader
import Foundation
import SmithBench
import SmithBytes
import SmithModel
import Synchronization
import Testing

@testable import SmithArchives

@Suite("The process that reads an archive") struct ReaderProcessTests {
  /// Noise that is more than the process can have unpacked before it is asked for.
  static func packed(_ filter: String = "gzip", _ options: String? = nil) throws -> ArchiveFound {
    var random = Seeded(11)
    let file = Made.File(name: "fw.bin", bytes: random.bytes(3 << 20))
    let bytes = try Made.archive("ustar", filter: filter, options: options, [file])
    return ArchiveFound(kind: .compressed, bytes: SharedBytes(bytes), offset: 0)
  }

  static func budget(
    _ limits: PeelLimits = .standard, now: @escaping @Sendable () -> Duration = monotonicNow
  ) -> PeelBudget { PeelBudget(limits, now: now) }

  /// What comes of reading everything; nil if nothing is wrong.
  static func outcome(_ stream: ArchiveStream) -> ArchiveError? {
    do throws(ArchiveError) {
      while try stream.next() != nil { try unsafe stream.pieces { _, _ in } }
      return nil
    } catch { return error }
  }

  static func text(_ path: String) -> String? {
    // A file of the kernel has no size before it is read, and comes in pieces of a page.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe read(file, &piece, piece.count)
      if count <= 0 { return String(decoding: text, as: UTF8.self) }
      text += piece[..<count]
    }
  }

  /// Whether a descriptor of ours leads to the socket with this number.
  static func isOpen(_ socket: UInt64) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.contains {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
        == "socket:[\(socket)]"
    }
  }

  static func number(of socket: Int32) -> UInt64 {
    var status = stat()
    return unsafe fstat(socket, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  @Test(
    "that is ended in the middle of an entry is a flaw, and nothing of it is left",
    arguments: [SIGKILL, SIGSEGV, SIGABRT])
  func killed(signal: Int32) throws {
    var process: pid_t = 0
    var socket: UInt64 = 0
    do {
      let stream = try ArchiveStream(try Self.packed(), at: "a.tgz", budget: Self.budget())
      process = stream.reader.process
      socket = Self.number(of: stream.reader.socket)
      #expect(Self.isOpen(socket))
      #expect(try stream.next()?.name == "fw.bin")
      try stream.unpack()
      let isThere = try unsafe stream.piece { _, _ in }
      #expect(isThere)
      #expect(kill(process, signal) == 0)
      let error = #expect(throws: ArchiveError.self) {
        while try unsafe stream.piece({ _, _ in }) {}
      }
      #expect(
        error == .damaged(at: "a.tgz", reason: "the archive reader ended: signal \(signal)"))
      #expect(Self.outcome(stream) != nil)
    }
    let taken = waitpid(process, nil, WNOHANG)
    #expect(taken == -1)
    #expect(!Self.isOpen(socket))
  }

  @Test("that nobody wants any more is gone, in the middle of an entry too") func abandoned()
    throws
  {
    var process: pid_t = 0
    var socket: UInt64 = 0
    do {
      let stream = try ArchiveStream(try Self.packed(), at: "a.tgz", budget: Self.budget())
      process = stream.reader.process
      socket = Self.number(of: stream.reader.socket)
      _ = try stream.next()
      try stream.unpack()
      _ = try unsafe stream.piece { _, _ in }
    }
    #expect(kill(process, 0) == -1)
    #expect(!Self.isOpen(socket))
  }

  @Test("that stands still is given up when the time is over") func stopped() throws {
    let time = Mutex((now: 0, step: 0))
    let budget = Self.budget(PeelLimits(time: .seconds(60))) {
      time.withLock {
        $0.now += $0.step
        return .seconds($0.now)
      }
    }
    let stream = try ArchiveStream(try Self.packed(), at: "a.tgz", budget: budget)
    _ = try stream.next()
    #expect(kill(stream.reader.process, SIGSTOP) == 0)
    time.withLock { $0.step = 30 }
    try stream.unpack()
    #expect(throws: ArchiveError.tooSlow(at: "a.tgz", limit: 60)) {
      while try unsafe stream.piece({ _, _ in }) {}
    }
    #expect(stream.reader.process == 0)
  }

  @Test("has one descriptor and no right to anything") func bare() throws {
    // Passed on to children, if nothing is done about it.
    let ours = unsafe open("/dev/null", O_RDONLY)
    defer { close(ours) }
    let reader = try ArchiveStream(try Self.packed(), at: "a", budget: Self.budget()).reader
    let folder = "/proc/\(reader.process)"
    #expect(!reader.canOpenFiles)
    let status = try #require(Self.text("\(folder)/status"))
    #expect(status.contains("NoNewPrivs:\t1"))
    if FileManager.default.fileExists(atPath: "/proc/sys/kernel/seccomp/actions_avail") {
      #expect(reader.isFiltered)
      #expect(status.contains("Seccomp:\t2"))
    }
    let limits = try #require(Self.text("\(folder)/limits")).split(separator: "\n")
    for name in ["Max core file size", "Max open files", "Max file size", "Max processes"] {
      let words = limits.first { $0.hasPrefix(name) }?.dropFirst(name.count).split(separator: " ")
      #expect(words?.prefix(2) == ["0", "0"], "\(name)")
    }
    if geteuid() == 0 {
      // Others may not look.
      let open = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd")
      #expect(open.count == 1, "\(open)")
      #expect(status.contains("Uid:\t65534\t65534"))
      let maps = try #require(Self.text("\(folder)/maps")).split(separator: "\n")
      let shared = maps.filter { $0.contains(" rw-s ") }
      #expect(
        shared.count == 1,
        "\(shared) of \(maps.count) maps; \(Self.text("\(folder)/stat") ?? "no process")")
    }
  }

  @Test("that would need more memory than it gets is told from a damaged one") func memory()
    throws
  {
    let found = try Self.packed("xz", "compression-level=9")
    let stream = try ArchiveStream(found, at: "a.txz", budget: Self.budget(), memory: 8 << 20)
    #expect(
      Self.outcome(stream)
        == .unsupported(at: "a.txz", reason: "reading it takes more than 8 MiB of memory"))
    #expect(
      Self.outcome(try ArchiveStream(found, at: "a.txz", budget: Self.budget())) == nil)
  }

  @Test("with however little memory ends, and we do not", arguments: [0, 4096, 1 << 16, 1 << 20])
  func starved(memory: Int) throws {
    for (name, bytes) in try PeelerTests.kinds() where name != "iso" {
      let found = try #require(ArchiveFound.atHead(of: SharedBytes(bytes)))
      let stream: ArchiveStream
      do throws(ArchiveError) {
        stream = try ArchiveStream(found, at: name, budget: Self.budget(), memory: memory)
      } catch {
        guard case .damaged = error else { throw error }
        continue
      }
      switch Self.outcome(stream) {
      case nil, .damaged, .unsupported: break
      case let error?: Issue.record("\(name): \(error)")
      }
    }
  }
}

/// A test in the place of the process.
final class FakeReader {
  let stream: ArchiveStream
  private let theirs: Int32

  init(_ bytes: [UInt8] = [UInt8](repeating: 7, count: 1000), room: Int32? = nil) throws {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_SEQPACKET.rawValue)
    let made = unsafe socketpair(AF_UNIX, kind, 0, &ends)
    try #require(made == 0)
    theirs = ends[1]
    if var room {
      unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    }
    let region = unsafe mmap(
      nil, smith_region_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    stream = unsafe ArchiveStream(
      ArchiveFound(kind: .tar, bytes: SharedBytes(bytes), offset: 0), at: "a",
      budget: ReaderProcessTests.budget(), memory: 1 << 20,
      reader: ReaderProcess(0, socket: ends[0], region: region))
  }

  deinit { close(theirs) }

  /// Says something; false if nobody can be told any more.
  @discardableResult func say(_ bytes: [UInt8]) -> Bool {
    unsafe send(theirs, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      == bytes.count
  }

  @discardableResult func say(
    _ kind: smith_frame, flags: Int = 0, _ first: Int = 0, _ second: Int = 0, text: [UInt8] = []
  ) -> Bool {
    let head = Made.fields(
      Made.numbers(4, Int(kind.rawValue), flags), Made.numbers(8, first, second))
    return say(head + text)
  }

  /// Ends what it says, so that nobody waits for more.
  func hangUp() { shutdown(theirs, Int32(SHUT_WR)) }
}

@Suite("A process that lies") struct LyingReaderTests {
  /// What comes of it where the next entry is asked for.
  private func entry(_ say: (FakeReader) -> Void) throws -> ArchiveError? {
    let fake = try FakeReader()
    say(fake)
    fake.hangUp()
    do throws(ArchiveError) {
      _ = try fake.stream.next()
      return nil
    } catch { return error }
  }

  /// What comes of it where an entry is unpacked.
  private func piece(_ say: (FakeReader) -> Void) throws -> ArchiveError? {
    let fake = try FakeReader()
    fake.say(smith_frame_entry, flags: Int(smith_is_file), 0, 1, text: [0x61])
    say(fake)
    fake.hangUp()
    _ = try fake.stream.next()
    do throws(ArchiveError) {
      try unsafe fake.stream.pieces { _, _ in }
      return nil
    } catch { return error }
  }

  private func isAstray(_ error: ArchiveError?) -> Bool {
    guard case .damaged("a", let reason) = error else { return false }
    return reason.hasPrefix("the archive reader went astray")
  }

  @Test("about the size or kind of a frame is not listened to") func frames() throws {
    #expect(isAstray(try entry { $0.say([1]) }))
    #expect(isAstray(try entry { $0.say([UInt8](repeating: 3, count: 23)) }))
    #expect(
      isAstray(try entry { $0.say(smith_frame_entry, text: .init(repeating: 65, count: 4097)) }))
    #expect(isAstray(try entry { $0.say(smith_frame(rawValue: 99)) }))
    #expect(isAstray(try entry { $0.say(smith_frame_hello) }))
    #expect(isAstray(try entry { $0.say(smith_frame_piece, 0, 10) }))
    #expect(isAstray(try entry { $0.say(smith_frame_data_end) }))
    #expect(isAstray(try piece { $0.say(smith_frame_entry, text: [0x61]) }))
    #expect(isAstray(try piece { $0.say(smith_frame_end) }))
  }

  @Test("about where bytes are gets none and gives none") func offsets() throws {
    #expect(isAstray(try entry { $0.say(smith_frame_need, -1) }))
    #expect(isAstray(try entry { $0.say(smith_frame_need, 1001) }))
    #expect(isAstray(try entry { $0.say(smith_frame_need, .max) }))
    for (offset, count) in [
      (-1, 1), (.min, 1), (.max, 1), (1 << 49, 1), (0, -1), (0, .max), (0, .min),
      (0, Int(smith_slot_size) + 1),
    ] {
      #expect(
        isAstray(try piece { $0.say(smith_frame_piece, offset, count) }), "\(offset) \(count)")
    }
    #expect(try piece { $0.say(smith_frame_piece, 0, Int(smith_slot_size)) } != nil)
  }

  @Test("about an entry is shown as a name without tricks and a size that is unknown")
  func entries() throws {
    let fake = try FakeReader()
    fake.say(
      smith_frame_entry, flags: Int(smith_is_file | smith_has_size), -5, 1,
      text: [0x2e, 0x2e, 0x2f, 0xff, 0x1b])
    let entry = try #require(try fake.stream.next())
    #expect(entry.size == nil && entry.leadsOut && entry.name == "../??")
    fake.say(smith_frame_entry, flags: 0, 0, .max)
    #expect(throws: ArchiveError.tooDeep(at: "a", limit: 3)) { try fake.stream.next() }
  }

  @Test("by its end and by its silence is a flaw") func ends() throws {
    let gone = ArchiveError.damaged(
      at: "a", reason: "the archive reader ended: nobody knows how")
    #expect(try entry { _ in } == gone)
    #expect(try piece { _ in } == gone)
    #expect(try piece { $0.say([]) } == gone)
    #expect(
      try entry { $0.say(smith_frame_failed, 0, 0, text: [0x1b, 0x41]) }
        == .damaged(at: "a", reason: "?A"))
  }

  @Test("and does not listen is not waited for") func deaf() throws {
    let fake = try FakeReader(room: 1)
    var said = 0
    while said < 10_000, fake.say(smith_frame_need, 0) { said += 1 }
    #expect(said > 20)
    let error = #expect(throws: ArchiveError.self) { try fake.stream.next() }
    #expect(
      error
        == .damaged(
          at: "a", reason: "the archive reader went astray: it does not listen"))
  }

  @Test("at random never traps", arguments: 0..<40) func random(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let fake = try FakeReader()
    for _ in 0..<60 {
      // All but the one that says that all is well.
      let kinds = (0...8).filter { $0 != smith_frame_end.rawValue }
      let kind = smith_frame(rawValue: kinds.randomElement(using: &random) ?? 0)
      let values = [0, 1, -1, 5, 1000, Int(smith_slot_size), .max, .min]
      let first = values.randomElement(using: &random) ?? 0
      let second = values.randomElement(using: &random) ?? 0
      let text = random.bytes(Int.random(in: 0...40, using: &random))
      fake.say(kind, flags: Int.random(in: 0...255, using: &random), first, second, text: text)
    }
    fake.hangUp()
    #expect(ReaderProcessTests.outcome(fake.stream) != nil, "seed \(seed)")
  }
}
