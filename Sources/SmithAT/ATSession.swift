import SmithBytes
public import SmithLink

/// One AT port: sends a command line, gives back its answer, one at a time.
///
/// Owns no clock: the link does. Not `Sendable`, so the compiler keeps it to one task
/// (Docs/Protocols/at.md).
public final class ATSession {
  /// How a session behaves.
  public struct Options: Sendable {
    /// What may leave.
    public var atGuard: ATGuard
    /// Bound of one answer in bytes.
    public var longestAnswer: Int
    /// Whether a command that follows an unanswered one is preceded by `AT` until the port is
    /// quiet, so that a late answer is never taken for the next one. Download monitors do not
    /// answer `AT`: switch it off for them.
    public var resynchronises: Bool

    /// The usual ones.
    public init(
      atGuard: ATGuard = ATGuard(), longestAnswer: Int = 65_536, resynchronises: Bool = true
    ) {
      self.atGuard = atGuard
      self.longestAnswer = max(64, longestAnswer)
      self.resynchronises = resynchronises
    }
  }

  /// The port.
  public let link: any ByteLink
  /// How this session behaves.
  public let options: Options

  /// Bytes that came when nobody asked.
  private var leftover: [UInt8] = []
  /// Whether an answer is still owed to an earlier command.
  private var isOwed = false

  private static let grace: Duration = .milliseconds(300)
  private static let quiet: Duration = .seconds(1)

  /// Takes a port for its own; nothing is sent yet.
  public init(link: any ByteLink, options: Options = Options()) {
    self.link = link
    self.options = options
  }

  /// Sends one command line and waits for its final result.
  ///
  /// `limit` replaces `ATCommand.usualLimit`. A final result that is no success is an answer,
  /// not an error: see `ATResponse.final`. Nothing leaves if the guard refuses.
  public func send(_ command: ATCommand, within limit: Duration? = nil) async throws(ATError)
    -> ATResponse
  {
    try options.atGuard.check(command)
    if isOwed, options.resynchronises { try await resynchronise() }
    let (early, stale) = try await drain()
    isOwed = true
    try await transmit(command)
    let line = ATLine(command.text)
    var reader = AnswerReader(
      command: command, line: line, stale: stale, limit: options.longestAnswer)
    let final = try await read(
      &reader, command, within: limit ?? ATCommand.usualLimit(of: line))
    isOwed = false
    leftover = reader.rest
    return ATResponse(
      lines: reader.lines, final: final, unsolicited: early + reader.unsolicited,
      raw: reader.raw)
  }

  private func transmit(_ command: ATCommand) async throws(ATError) {
    do throws(LinkError) {
      var line = [UInt8](command.text.utf8)
      line.append(0x0d)
      try await link.send(line)
    } catch {
      throw .link(error)
    }
  }

  private func read(
    _ reader: inout AnswerReader, _ command: ATCommand, within limit: Duration
  ) async throws(ATError) -> ATFinal {
    var now = link.now
    let end = now + limit
    while now <= end {
      let left = end - now
      let isSoft = reader.provisional?.kind == .soft
      let patience = isSoft ? min(left, Self.grace) : left
      let bytes: [UInt8]
      do throws(LinkError) {
        bytes = try await link.receive(within: patience)
      } catch .silent {
        break
      } catch {
        throw .link(error)
      }
      if let final = try reader.take(bytes) { return final }
      now = link.now
    }
    if let final = reader.settle() { return final }
    if reader.looksBinary {
      throw reader.raw.contains(0x7e) ? .binary(reader.raw) : .garbage(reader.raw)
    }
    if reader.lines.isEmpty { throw .silent(command: command.description) }
    throw .unfinished(
      command: command.description, lines: reader.lines.map(IdentityMask.masked))
  }

  /// Takes what is there already: whole lines, and the beginning of one that has not ended.
  private func drain() async throws(ATError) -> (lines: [String], stale: [UInt8]) {
    var bytes = leftover
    leftover = []
    while bytes.count < options.longestAnswer, let more = try await arrived(within: .zero) {
      bytes += more
    }
    // A line that is just coming in is let finish, for a moment.
    while bytes.count < options.longestAnswer, let last = bytes.last, last != 0x0a, last != 0x0d,
      let more = try await arrived(within: .milliseconds(50))
    {
      bytes += more
    }
    if bytes.isEmpty { return ([], []) }
    if bytes.count >= options.longestAnswer { throw .tooLong(limit: options.longestAnswer) }
    var pieces = bytes.split(omittingEmptySubsequences: false) { $0 == 0x0a || $0 == 0x0d }
    let stale = [UInt8](pieces.removeLast()).filter { $0 != 0 }
    let lines = pieces.map { String(decoding: $0, as: UTF8.self).trimmed }.filter { !$0.isEmpty }
    return (lines, stale)
  }

  private func arrived(within limit: Duration) async throws(ATError) -> [UInt8]? {
    do throws(LinkError) {
      return try await link.receive(within: limit)
    } catch .silent {
      return nil
    } catch {
      throw .link(error)
    }
  }

  /// Modems answer in order: once `AT` is answered and the port is quiet, nothing is owed.
  private func resynchronise() async throws(ATError) {
    let probe: ATCommand = "AT"
    _ = try await drain()
    try await transmit(probe)
    var reader = AnswerReader(command: probe, limit: options.longestAnswer)
    _ = try await read(&reader, probe, within: .seconds(5))
    var heard = reader.raw.count
    while let more = try await arrived(within: Self.quiet) {
      heard += more.count
      if heard > options.longestAnswer { throw .tooLong(limit: options.longestAnswer) }
    }
    isOwed = false
  }
}
