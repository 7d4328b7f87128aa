import Foundation
import Glibc
import Synchronization

/// A child process that is watched while it runs; killed when nobody looks at it any more.
final class Child: Sendable {
  /// Everything that is known of it so far.
  struct Seen: Sendable {
    var out = ""
    var err = ""
    /// Exit code; 128 and the number for a signal, as a shell says it.
    var code: Int32?
    var openPipes = 2

    var isOver: Bool { code != nil && openPipes == 0 }
    /// Lines of standard output that are complete.
    var lines: [String] {
      let complete = out.lastIndex(of: "\n").map { out[..<$0] } ?? ""
      return complete.isEmpty ? [] : complete.split(separator: "\n").map(String.init)
    }
    /// The lines as JSON objects; those that are none are left out.
    var objects: [[String: Any]] { lines.compactMap { Child.object($0) } }
    /// The last line as a JSON object; empty if it is none.
    var report: [String: Any] { lines.last.flatMap { Child.object($0) } ?? [:] }
    /// The code of the trouble in the last line.
    var trouble: String? { (report["trouble"] as? [String: Any])?["code"] as? String }
  }

  /// Something did not happen; says what the child had said by then.
  struct Missing: Error, CustomStringConvertible {
    let what: String
    let seen: Seen

    var description: String {
      "no \(what); code \(seen.code.map(String.init) ?? "none"), out: \(seen.out.suffix(1500)), "
        + "err: \(seen.err.suffix(1500))"
    }
  }

  private static let births = Mutex(())
  private let core = Core()
  private let process: Process

  /// What the system does not let a child do.
  struct Limit: Sendable {
    /// Largest file that it may write, in KiB; more is an error, not a signal.
    var fileKiB: Int
  }

  /// Starts the program of this build, as another user if a number is given (root only), and with
  /// a terminal of that many columns behind standard error if there is to be one.
  init(
    _ arguments: [String], environment: [String: String] = [:], input: FileHandle? = nil,
    asUser user: Int? = nil, limit: Limit? = nil, columns: UInt16? = nil
  ) throws {
    process = Process()
    let program = try Self.program()
    if let limit {
      let script = "trap '' XFSZ; ulimit -f \(limit.fileKiB * 2); exec \"$0\" \"$@\""
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", script, program] + arguments
    } else if let user {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
      process.arguments =
        ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", program] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
    }
    process.environment = ProcessInfo.processInfo.environment
      .merging(["TERM": "xterm-256color"]) { _, new in new }
      .merging(environment) { _, new in new }
    process.standardInput = input ?? FileHandle.nullDevice
    let core = core
    process.terminationHandler = { ended in
      let base: Int32 = ended.terminationReason == .uncaughtSignal ? 128 : 0
      core.change { $0.code = base + ended.terminationStatus }
    }
    // One at a time: a child that is born between another's pipes and its birth would inherit
    // them, and their ends would never be seen.
    try Self.births.withLock { _ in
      let (out, err) = (Pipe(), Pipe())
      let terminal = try columns.map { try Terminal(columns: $0) }
      process.standardOutput = out
      process.standardError = terminal?.side ?? err
      try process.run()
      core.read(out.fileHandleForReading) { $0.out += $1 }
      if let terminal {
        try? terminal.side.close()
        core.read(terminal.main) { $0.err += $1 }
      } else {
        core.read(err.fileHandleForReading) { $0.err += $1 }
      }
    }
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// Runs the program to its end.
  static func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Seen
  {
    try await Child(arguments, environment: environment).end()
  }

  /// What it has said until now.
  var seen: Seen { core.seen }

  /// Sends a signal.
  func signal(_ number: Int32) {
    if process.isRunning { kill(process.processIdentifier, number) }
  }

  /// Waits until the process has ended and everything it said was read.
  func end() async throws -> Seen {
    try await wait("end") { $0.isOver ? $0 : nil }
  }

  /// Waits for a line of standard output.
  @discardableResult
  func line(_ what: String, _ matches: @escaping @Sendable (String) -> Bool) async throws -> String
  {
    try await wait(what) { $0.lines.first(where: matches) }
  }

  /// Waits until `find` finds something; the bound is only for what never comes.
  @discardableResult
  func wait<Found: Sendable>(
    _ what: String, within limit: Int = 60, _ find: @escaping @Sendable (Seen) -> Found?
  ) async throws -> Found {
    try await withCheckedThrowingContinuation { continuation in
      let waiter = Core.Waiter(
        attempt: { seen in
          guard let found = find(seen) else { return false }
          continuation.resume(returning: found)
          return true
        }, fail: { continuation.resume(throwing: Missing(what: what, seen: $0)) })
      core.add(waiter, within: limit)
    }
  }

  private static func object(_ line: String) -> [String: Any]? {
    (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
  }

  /// The program beside the test bundle.
  private static func program() throws -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    for start in [own, CommandLine.arguments.first ?? ""] {
      var folder = URL(fileURLWithPath: start).standardizedFileURL
      while folder.pathComponents.count > 1 {
        folder.deleteLastPathComponent()
        let candidate = folder.appendingPathComponent("modemsmith").path
        let kind = try? FileManager.default.attributesOfItem(atPath: candidate)[.type]
        if kind as? FileAttributeType == .typeRegular { return candidate }
      }
    }
    throw Missing(what: "modemsmith beside \(own)", seen: Seen())
  }

  /// What is known, and who waits for more.
  private final class Core: Sendable {
    struct Waiter: Sendable {
      /// Answers and returns true if its time has come.
      let attempt: @Sendable (Seen) -> Bool
      let fail: @Sendable (Seen) -> Void
    }

    private struct State: Sendable {
      var seen = Seen()
      var waiters: [Int: Waiter] = [:]
      var count = 0
    }

    private let state = Mutex(State())

    var seen: Seen { state.withLock { $0.seen } }

    /// Reads to the end on a thread of its own, which a blocked read may hold. The end of a
    /// terminal is an error.
    func read(_ handle: FileHandle, _ add: @escaping @Sendable (inout Seen, String) -> Void) {
      Thread.detachNewThread {
        var scratch = [UInt8](repeating: 0, count: 65_536)
        while true {
          let room = scratch.count
          let count = unsafe Glibc.read(handle.fileDescriptor, &scratch, room)
          if count < 0, errno == EINTR { continue }
          if count <= 0 { break }
          let text = String(decoding: scratch[..<count], as: UTF8.self)
          self.change { add(&$0, text) }
        }
        self.change { $0.openPipes -= 1 }
      }
    }

    func change(_ work: (inout Seen) -> Void) {
      state.withLock { state in
        work(&state.seen)
        for (id, waiter) in state.waiters where waiter.attempt(state.seen) {
          state.waiters[id] = nil
        }
        guard state.seen.isOver else { return }
        for waiter in state.waiters.values { waiter.fail(state.seen) }
        state.waiters = [:]
      }
    }

    func add(_ waiter: Waiter, within limit: Int) {
      let number = state.withLock { state -> Int? in
        if waiter.attempt(state.seen) { return nil }
        guard !state.seen.isOver else {
          waiter.fail(state.seen)
          return nil
        }
        state.count += 1
        state.waiters[state.count] = waiter
        return state.count
      }
      guard let number else { return }
      DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(limit)) {
        self.state.withLock { state in
          state.waiters.removeValue(forKey: number)?.fail(state.seen)
        }
      }
    }
  }
}
