import CBenchSink
import Foundation
import SmithBytes
import SmithPorts

/// One flash or one ping-pong over a PTY; the far end is a process of its own.
enum Cable {
  struct Result: Codable {
    var seconds: Double
    var cpu: Double
    var peakMiB: Double
  }

  static let blockSize = 4096
  static let content = noise(1 << 20)

  /// Wire bytes of an average block of the content.
  static var wireSize: Int {
    let blocks = stride(from: 0, to: content.count, by: blockSize).map { start in
      HDLC.frame([UInt8](repeating: 0, count: 7) + content[start..<(start + blockSize)]).count
    }
    return blocks.reduce(0, +) / blocks.count
  }

  /// Runs `mode` (see ``child(_:_:)``) in a fresh process and returns what it measured.
  static func run(_ mode: String, mebibytes: Int) throws -> Result {
    var output: Int32 = -1
    let process = bench_spawn_self(mode, String(mebibytes), -1, &output)
    guard process > 0 else { throw Failure(what: "\(mode): no process") }
    let text = FileHandle(fileDescriptor: output, closeOnDealloc: true).readDataToEndOfFile()
    var status: Int32 = 0
    waitpid(process, &status, 0)
    guard status == 0 else { throw Failure(what: "\(mode) failed") }
    return try JSONDecoder().decode(Result.self, from: text)
  }

  /// Runs the work where `update` runs it: on a thread of its own, which may wait for its port.
  private static func asUpdate(_ work: @Sendable () async throws -> Result) async throws -> Result {
    try await withTaskExecutorPreference(PortThread()) { try await work() }
  }

  /// What a child of this program does; false if `mode` is none of its modes.
  static func child(_ mode: String, _ value: String) async throws -> Bool {
    guard let number = Int(value) else { return false }
    switch mode {
    case "sink": _ = bench_sink(3)
    case "pong": bench_pong(3, number)
    case "ping": try show(ping(number << 20))
    case "qdl-sink": QDLSink(descriptor: 3).run()
    case "qdl": try show(await asUpdate { try await QDLSink.measure(number << 20) })
    case "streaming-sink": StreamingSink(descriptor: 3).run()
    case "streaming": try show(await asUpdate { try await StreamingSink.measure(number << 20) })
    case "firehose-sink": FirehoseSink(descriptor: 3).run()
    case "firehose": try show(await asUpdate { try await FirehoseSink.measure(number << 20) })
    case "flash": try show(await flash(number << 20))
    case "flash-thread": try show(await asUpdate { try await flash(number << 20) })
    default: return false
    }
    return true
  }

  private static func show(_ result: Result) throws {
    FileHandle.standardOutput.write(try JSONEncoder().encode(result))
  }

  private static func ping(_ bytes: Int) throws -> Result {
    let size = wireSize
    let (pty, process) = try farEnd("pong", String(size))
    let before = usage()
    let seconds = bench_ping(pty.slave, size, bytes / blockSize)
    let after = usage()
    end(pty, process)
    return Result(seconds: seconds, cpu: after.cpu - before.cpu, peakMiB: after.peakMiB)
  }

  private static func flash(_ bytes: Int) async throws -> Result {
    let (pty, process) = try farEnd("sink", "0")
    let link = try SerialLink(path: pty.path, lockDirectory: nil)
    let subject = FlashSubject(link: link, data: content)
    let monitor = try await subject.open()
    let before = usage()
    let start = ContinuousClock.now
    try await subject.write(bytes, with: monitor)
    let seconds = (ContinuousClock.now - start).seconds
    let after = usage()
    await link.close()
    end(pty, process)
    return Result(seconds: seconds, cpu: after.cpu - before.cpu, peakMiB: after.peakMiB)
  }

  struct Ends {
    var master: Int32 = -1
    var slave: Int32 = -1
    var path = ""
  }

  static func farEnd(_ mode: String, _ value: String) throws -> (Ends, Int32) {
    var ends = Ends()
    var path = [CChar](repeating: 0, count: 64)
    guard bench_open_pty(&ends.master, &ends.slave, &path, path.count) == 0 else {
      throw Failure(what: "no PTY")
    }
    ends.path = String(decoding: path.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
    let process = bench_spawn_self(mode, value, ends.master, nil)
    guard process > 0 else { throw Failure(what: "\(mode): no process") }
    return (ends, process)
  }

  static func end(_ ends: Ends, _ process: Int32) {
    close(ends.slave)
    close(ends.master)
    var status: Int32 = 0
    kill(process, SIGTERM)
    waitpid(process, &status, 0)
  }
}

struct Failure: Error, CustomStringConvertible {
  var what: String
  var description: String { what }
}
