import Glibc
import SmithBytes
import SmithLink
import SmithPorts
import Testing

@Suite("Serial link") struct SerialLinkTests {
  let scratch: Scratch
  let pty: PTY
  /// Where the stick's side may block.
  let stick = PortThread()

  init() throws {
    scratch = try Scratch()
    pty = try PTY()
  }

  func open(writeLimit: Duration = .seconds(300)) throws(LinkError) -> SerialLink {
    try SerialLink(path: pty.path, writeLimit: writeLimit, lockDirectory: scratch.path)
  }

  @Test("Every byte passes unchanged in both directions") func transparent() async throws {
    let link = try open()
    let all = (0...255).map { UInt8($0) }
    try await link.send(all)
    #expect(pty.take(256) == all)
    #expect(pty.write(all[...]) == 256)
    #expect(try await link.take(256) == all)
  }

  @Test("Pieces that arrive one by one are joined, and big writes arrive whole")
  func splitAndJoin() async throws {
    let link = try open()
    for byte in [UInt8](0..<5) { #expect(pty.write([byte]) == 1) }
    #expect(try await link.take(5) == [0, 1, 2, 3, 4])
    let big = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    async let arrived = stick.run { [pty] in pty.take(big.count) }
    try await link.send(big)
    #expect(await arrived == big)
  }

  @Test("A task that prefers a port thread is served on it") func onPortThread() async throws {
    let link = try open()
    let thread = PortThread()
    async let echoed = stick.run { [pty] in pty.write(pty.take(3)[...]) }
    let answer = try await withTaskExecutorPreference(thread) { () throws(LinkError) in
      #expect(PortThread.isCurrent)
      try await link.send([1, 2, 3])
      return try await link.take(3)
    }
    #expect(answer == [1, 2, 3])
    #expect(await echoed == 3)
    #expect(!PortThread.isCurrent)
  }

  @Test("Silence is told apart from a hang-up", arguments: [0, 1, 20])
  func silence(milliseconds: Int) async throws {
    let link = try open()
    await #expect(throws: LinkError.silent) {
      try await link.receive(within: .milliseconds(milliseconds))
    }
    #expect(pty.write([7]) == 1)
    #expect(try await link.receive(within: .seconds(300)) == [7])
  }

  @Test("A port that takes nothing more ends the send within its limit")
  func stuckWrite() async throws {
    let link = try open(writeLimit: .milliseconds(20))
    await #expect(throws: LinkError.silent) {
      try await link.send([UInt8](repeating: 0, count: 4_000_000))
    }
  }

  @Test("A hang-up while waiting, before reading and before writing is 'gone'")
  func hangUp() async throws {
    var unplugged: PTY? = try PTY()
    let path = try #require(unplugged?.path)
    let link = try SerialLink(path: path, lockDirectory: scratch.path)
    let waiting = Task { () async -> LinkError? in
      do throws(LinkError) {
        _ = try await link.receive(within: .seconds(60))
        return nil
      } catch { return error }
    }
    unplugged = nil
    #expect(await waiting.value == .gone)
    await #expect(throws: LinkError.gone) { try await link.receive(within: .zero) }
    await #expect(throws: LinkError.gone) { try await link.send([1]) }
  }

  @Test("A link that leads elsewhere is 'gone', although the old PTY is kept open")
  func movedLink() async throws {
    try scratch.pointLink(at: pty.path)
    let path = "\(scratch.path)/link"
    let link = try SerialLink(path: path, lockDirectory: nil)
    await #expect(throws: LinkError.silent) { try await link.receive(within: .milliseconds(20)) }
    let next = try PTY()
    try scratch.pointLink(at: next.path)
    // What the old one still says is heard first.
    #expect(pty.write([7]) == 1)
    #expect(try await link.receive(within: .seconds(300)) == [7])
    await #expect(throws: LinkError.gone) { try await link.receive(within: .seconds(300)) }
    await link.close()
    let again = try SerialLink(path: path, lockDirectory: nil)
    #expect(unsafe unlink(path) == 0)
    await #expect(throws: LinkError.gone) { try await again.receive(within: .seconds(300)) }
    await again.close()
  }

  @Test("Closing wakes who waits, may be repeated, and leaves the port free")
  func close() async throws {
    let link = try open()
    let waiting = Task { () async -> LinkError? in
      do throws(LinkError) {
        _ = try await link.receive(within: .seconds(60))
        return nil
      } catch { return error }
    }
    await link.close()
    #expect(await waiting.value == .gone)
    await link.close()
    await #expect(throws: LinkError.gone) { try await link.send([1]) }
    let again = try open()
    try await again.send([5])
    #expect(pty.take(1) == [5])
  }

  @Test("What an earlier program left unread is forgotten") func startsEmpty() async throws {
    let first = try open()
    #expect(pty.write([1, 2, 3]) == 3)
    #expect(try await first.receive(within: .seconds(300)).isEmpty == false)
    #expect(pty.write([4, 5, 6]) == 3)
    await first.close()
    let second = try open()
    #expect(pty.write([7]) == 1)
    #expect(try await second.receive(within: .seconds(300)) == [7])
  }

  @Test("The port gets its old settings back") func settings() async throws {
    let other = unsafe Glibc.open(pty.path, O_RDWR | O_NOCTTY)
    defer { Glibc.close(other) }
    var before = termios()
    unsafe tcgetattr(other, &before)
    before.c_lflag |= tcflag_t(ECHO)
    unsafe tcsetattr(other, TCSANOW, &before)
    let link = try open()
    var during = termios()
    unsafe tcgetattr(other, &during)
    #expect(during.c_lflag & tcflag_t(ECHO | ICANON) == 0)
    #expect(during.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
    await link.close()
    var after = termios()
    unsafe tcgetattr(other, &after)
    #expect(after.c_lflag & tcflag_t(ECHO) != 0)
  }
}

@Suite("Port locks") struct PortLockTests {
  let scratch: Scratch
  let pty: PTY
  /// What the lock file of the PTY is called.
  var lockPath: String { "\(scratch.path)/LCK..pts_\(pty.path.dropFirst("/dev/pts/".count))" }

  init() throws {
    scratch = try Scratch()
    pty = try PTY()
  }

  func open() throws(LinkError) -> SerialLink {
    try SerialLink(path: pty.path, lockDirectory: scratch.path)
  }

  func writeLock(_ text: String) throws {
    let descriptor = unsafe Glibc.open(lockPath, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    #expect(descriptor >= 0)
    #expect(unsafe write(descriptor, text, text.utf8.count) == text.utf8.count)
    Glibc.close(descriptor)
  }

  var lockExists: Bool { unsafe access(lockPath, F_OK) == 0 }

  @Test("A second owner is refused and told who the first is") func busy() async throws {
    let first = try open()
    let error = #expect(throws: LinkError.self) { try open() }
    guard case .busy(let holder?) = error else {
      Issue.record("\(String(describing: error)) names nobody")
      return
    }
    #expect(holder.contains("process \(getpid())"))
    await first.close()
    await (try open()).close()
  }

  @Test("The lock file holds our number while the port is ours") func lockFile() async throws {
    let link = try open()
    #expect(lockExists)
    await link.close()
    #expect(!lockExists)
  }

  @Test("A port is free the moment it is closed, though a call has just waited on it")
  func freeAtOnce() async throws {
    for _ in 0..<200 {
      let link = try open()
      // Long enough to be waited for on the link's own thread.
      await #expect(throws: LinkError.silent) { try await link.receive(within: .milliseconds(4)) }
      await link.close()
      #expect(!lockExists)
    }
  }

  @Test("A port is free although a process that was just begun has inherited it")
  func inherited() async throws {
    let link = try open()
    // What a fork gives to its child until that closes it.
    var copies: [Int32] = []
    for descriptor in Int32(3)..<4096
    where unsafe ttyname(descriptor).map({ unsafe String(cString: $0) }) == pty.path {
      copies.append(dup(descriptor))
    }
    #expect(!copies.isEmpty)
    await link.close()
    await (try open()).close()
    for copy in copies { Glibc.close(copy) }
  }

  @Test("A living owner's lock file is respected") func livingOwner() throws {
    try writeLock("         1\n")
    defer { _ = unsafe unlink(lockPath) }
    let error = #expect(throws: LinkError.self) { try open() }
    guard case .busy(let holder?) = error else {
      Issue.record("\(String(describing: error)) names nobody")
      return
    }
    #expect(holder.contains("process 1"))
    #expect(lockExists)
  }

  @Test("A dead owner's lock file is taken over", arguments: ["2147483646\n", "", "nonsense"])
  func deadOwner(text: String) async throws {
    try writeLock(text)
    let link = try open()
    await link.close()
    #expect(!lockExists)
  }

  @Test("A folder that cannot be written costs only the lock file") func noFolder() async throws {
    let link = try SerialLink(path: pty.path, lockDirectory: "/proc/no-such-folder")
    try await link.send([1])
    #expect(pty.take(1) == [1])
  }

  @Test("A path that is no port is refused in words") func noPort() throws {
    #expect(throws: LinkError.notFound(path: "/dev/no-such-port")) {
      try SerialLink(path: "/dev/no-such-port", lockDirectory: nil)
    }
    #expect(throws: LinkError.broken("/dev/null is no serial port")) {
      try SerialLink(path: "/dev/null", lockDirectory: nil)
    }
  }
}
