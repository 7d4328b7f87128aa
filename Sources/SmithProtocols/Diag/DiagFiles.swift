import SmithBytes

/// One entry of the modem's file system (Docs/Protocols/diag.md section 5).
public struct DiagFile: Equatable, Sendable {
  /// What it is.
  public enum Kind: Equatable, Sendable {
    case file, directory, link, other(Int32)
  }

  /// Whole path.
  public var path: String
  /// What it is.
  public var kind: Kind
  /// POSIX mode bits.
  public var mode: Int32
  /// Bytes.
  public var size: Int
}

/// Reading the modem's file system; nothing here can change it.
extension DiagSession {
  /// Entries of one directory, at most 4096.
  public func list(_ directory: String) async throws(DiagError) -> [DiagFile] {
    let step = "list \(directory)"
    var reader = try await files(11, Array(directory.utf8) + [0], step, least: 8)
    let handle = reader.little(Int32.self) ?? 0
    let number = reader.little(Int32.self) ?? 0
    guard handle != 0, number == 0 else { throw .files(step: step, number: number) }
    let entries: [DiagFile]
    do throws(DiagError) {
      entries = try await self.entries(of: directory, handle, step)
    } catch {
      try? await close(13, handle, step)
      throw error
    }
    try await close(13, handle, step)
    return entries
  }

  /// The whole tree under a directory: at most 16 levels and 20000 entries; links are not followed.
  public func tree(_ root: String = "/") async throws(DiagError) -> [DiagFile] {
    var found: [DiagFile] = []
    var open: [(path: String, depth: Int)] = [(root, 0)]
    while let directory = open.popLast() {
      for entry in try await list(directory.path) {
        found.append(entry)
        guard found.count <= 20_000 else { throw .runaway("more than 20000 entries") }
        guard entry.kind == .directory else { continue }
        guard directory.depth < 16 else { throw .runaway(entry.path) }
        open.append((entry.path, directory.depth + 1))
      }
    }
    return found
  }

  /// Reads one file piece by piece into `sink`; at most `limit` bytes.
  public func read(
    _ path: String, limit: Int = 16 << 20, sink: ([UInt8]) -> Void
  ) async throws(DiagError) {
    let step = "read \(path)"
    var request: [UInt8] = []
    request.append(little: Int32(0))
    request.append(little: Int32(0))
    var reader = try await files(2, request + Array(path.utf8) + [0], step, least: 8)
    let handle = reader.little(Int32.self) ?? -1
    let number = reader.little(Int32.self) ?? 0
    guard handle >= 0 else { throw .files(step: step, number: number) }
    do throws(DiagError) {
      try await pieces(handle, step, limit: limit, sink)
    } catch {
      try? await close(3, handle, step)
      throw error
    }
    try await close(3, handle, step)
  }

  private func pieces(_ handle: Int32, _ step: String, limit: Int, _ sink: ([UInt8]) -> Void)
    async throws(DiagError)
  {
    var offset = 0
    while true {
      var request: [UInt8] = []
      for value in [handle, 512, Int32(truncatingIfNeeded: offset)] {
        request.append(little: value)
      }
      var reader = try await files(4, request, step, least: 16)
      let sameHandle = reader.little(Int32.self) == handle
      let sameOffset = reader.little(Int32.self) == Int32(truncatingIfNeeded: offset)
      let count = reader.little(Int32.self) ?? -1
      let number = reader.little(Int32.self) ?? 0
      guard number == 0, count >= 0 else { throw .files(step: step, number: number) }
      guard sameHandle, sameOffset, count <= 512, let data = reader.take(Int(count)) else {
        throw .unexpected(step: step)
      }
      if count == 0 { return }
      offset += Int(count)
      guard offset <= min(limit, 1 << 30) else { throw .runaway(step) }
      sink(data.bytes())
    }
  }

  private func entries(of directory: String, _ handle: Int32, _ step: String)
    async throws(DiagError) -> [DiagFile]
  {
    var entries: [DiagFile] = []
    for sequence in 1...4096 as ClosedRange<Int32> {
      var request: [UInt8] = []
      request.append(little: handle)
      request.append(little: sequence)
      var reader = try await files(12, request, step, least: 36)
      let same = reader.little(Int32.self) == handle && reader.little(Int32.self) == sequence
      let number = reader.little(Int32.self) ?? 0
      let kind = reader.little(Int32.self) ?? 0
      let mode = reader.little(Int32.self) ?? 0
      let size = reader.little(Int32.self) ?? 0
      guard same, reader.skip(12) else { throw .unexpected(step: step) }
      guard number == 0 else { throw .files(step: step, number: number) }
      let name = reader.text(min(reader.left, 1024)) ?? ""
      if name.isEmpty { return entries }
      if name == "." || name == ".." { continue }
      entries.append(
        DiagFile(
          path: directory.hasSuffix("/") ? directory + name : directory + "/" + name,
          kind: kind == 0 ? .file : kind == 1 ? .directory : kind == 2 ? .link : .other(kind),
          mode: mode, size: max(0, Int(size))))
    }
    throw .runaway(step)
  }

  private func close(_ command: UInt8, _ handle: Int32, _ step: String) async throws(DiagError) {
    var request: [UInt8] = []
    request.append(little: handle)
    _ = try await files(command, request, step, least: 4)
  }

  /// One request of subsystem 13; a reader behind the four bytes of the answer's head.
  private func files(_ command: UInt8, _ data: [UInt8], _ step: String, least: Int)
    async throws(DiagError) -> ByteReader
  {
    let reply = try await ask(
      [0x4b, 0x13, command, 0] + data, step, least: 4 + least, echo: 4)
    return ByteReader(SharedBytes(reply), at: 4)
  }
}
