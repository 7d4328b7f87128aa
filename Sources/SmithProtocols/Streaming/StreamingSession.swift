import SmithBytes
public import SmithFormats
public import SmithLink

/// What a loader says of itself and its flash (Docs/Protocols/streaming.md section 3).
public struct StreamingHello: Equatable, Sendable {
  /// Version of the protocol.
  public var version: UInt8
  /// Most data bytes of one write.
  public var mostData: Int
  /// Name of the flash chip; tells the chip, and so the model, apart.
  public var flashName: String
  /// Requests that it queues.
  public var window: Int
  /// Sizes that it reports; not the erase geometry.
  public var sectorSizes: [UInt32]
  /// Feature bits in common.
  public var features: UInt8
}

/// The streaming download protocol of a loader in RAM: writes flash, image by image
/// (Docs/Protocols/streaming.md).
///
/// Order: ``hello()``, ``security(trusted:)``, ``accept(_:)``, any number of
/// ``write(_:header:size:window:next:progress:)``, ``reset()``.
public final class StreamingSession {
  let line: FramedLine
  private let log: (String) -> Void
  private(set) var most = 1024
  private var hisWindow = 1
  let tries = 3

  /// Speaks over `link`; `log` gets the loader's own remarks.
  public init(_ link: any ByteLink, log: @escaping (String) -> Void = { _ in }) {
    line = FramedLine(link, openingFlag: true)
    self.log = log
  }

  /// Greets the loader: 20 tries in 10 seconds, because it may just be starting.
  public func hello() async throws(StreamingError) -> StreamingHello {
    let request = [1] + Array("QCOM fast download protocol host".utf8) + [3, 3, 9]
    for attempt in 0..<20 {
      let heard: [UInt8]?
      do throws(StreamingError) {
        heard = try await once(
          request, "hello", answer: 2, within: .milliseconds(500),
          quiet: attempt == 0 ? .zero : .milliseconds(50))
      } catch .unexpected(_, let code) where code != 2 && code != 0x13 {
        // An earlier run's answers may still be on their way.
        continue
      } catch { throw error }
      guard let reply = heard else { continue }
      let hello = try Self.hello(reply)
      most = min(hello.mostData, 1024)
      hisWindow = max(1, hello.window)
      return hello
    }
    throw .silent(step: "hello")
  }

  /// Says whether signatures are to be trusted; every loader wants to hear it.
  public func security(trusted: Bool = true) async throws(StreamingError) {
    _ = try await ask([0x17, trusted ? 1 : 0], "security mode", answer: 0x18, within: .seconds(5))
  }

  /// Shows the whole partition table to the loader, which compares it with its own. There is no
  /// way to ask it to change its own: moving a partition loses the calibration.
  public func accept(_ table: UserPartitionTable) async throws(StreamingError) {
    let bytes = table.encoded()
    guard bytes.count <= 512, !table.partitions.isEmpty else {
      throw .badRequest("a partition table of \(bytes.count) bytes")
    }
    let reply = try await ask(
      [0x19, 0] + bytes, "partition table", answer: 0x1a, within: .seconds(60))
    let status = reply.count > 1 ? reply[1] : 0xff
    if status != 0 { throw .tableRefused(status: status) }
  }

  /// Writes one image of `size` bytes, pulled piece by piece from `next` (at most the asked number
  /// of bytes; empty at the end), and closes it.
  ///
  /// A good close means "written", not "bootable". After any error the image is incomplete: write
  /// it again from its start. With `window` above 1 (experimental) pieces travel ahead of their
  /// acknowledgements and nothing is repeated. `progress` hears of the first piece, of every
  /// 32 KiB, and of the end.
  public func write(
    _ target: StreamingTarget, header: [UInt8] = [], size: Int, window: Int = 1,
    next: (Int) -> [UInt8], progress: (Int) async -> Void = { _ in }
  ) async throws(StreamingError) {
    guard size > 0, size < 0xffff_0000 else { throw .badRequest("an image of \(size) bytes") }
    let step = "open image"
    let patience = Duration.seconds(60 + size >> 20)
    let payload = try target.payload(header: header)
    let reply = try await once(
      [0x1b, target.mode] + payload, step, answer: 0x1c, within: patience, quiet: .zero)
    guard let reply else { throw .silent(step: step) }
    let status = reply.count > 1 ? reply[1] : 0xff
    if status != 0 { throw .openRefused(status: status) }
    try await stream(
      size, window: min(max(1, window), hisWindow, 32), next: next, progress: progress)
    // A repeated close would be out of sequence, so that a lost answer cannot be asked for again.
    guard try await once([0x15], "close", answer: 0x16, within: patience, quiet: .zero) != nil
    else { throw .silent(step: "close") }
  }

  /// Reads memory of the loader, at most 1024 bytes a request.
  public func read(at address: UInt32, count: Int) async throws(StreamingError) -> [UInt8] {
    var output: [UInt8] = []
    guard count >= 0, UInt64(address) + UInt64(count) <= 1 << 32, count <= 64 << 20 else {
      throw .badRequest("\(count) bytes at \(address)")
    }
    while output.count < count {
      let wanted = min(1024, count - output.count)
      var body: [UInt8] = [3]
      body.append(little: address + UInt32(output.count))
      let place = Array(body.dropFirst())
      body.append(little: UInt16(wanted))
      let reply = try await ask(body, "read", answer: 4, within: .seconds(5))
      guard reply.count == 5 + wanted, Array(reply[1..<5]) == place else {
        throw .unexpected(step: "read", code: reply[0])
      }
      output += reply.dropFirst(5)
    }
    return output
  }

  /// Leaves the loader; what is on flash boots. The answer is often lost.
  public func reset() async throws(StreamingError) {
    do throws(StreamingError) {
      _ = try await once([0x0b], "reset", answer: 0x0c, within: .seconds(2), quiet: .zero)
    } catch .link(_, .gone) {
      return
    } catch {
      throw error
    }
  }

  private static func hello(_ body: [UInt8]) throws(StreamingError) -> StreamingHello {
    var reader = ByteReader(SharedBytes(body), at: 1)
    guard reader.take(32)?.bytes() == Array("QCOM fast download protocol targ".utf8),
      let version = reader.little(UInt8.self), reader.skip(1),
      let most = reader.little(UInt32.self), reader.skip(4),
      let length = reader.little(UInt8.self), let name = reader.text(Int(length)),
      let window = reader.little(UInt16.self), let sectors = reader.little(UInt16.self),
      most > 0, most <= 1 << 20, Int(sectors) * 4 <= reader.left
    else { throw .unexpected(step: "hello", code: body[0]) }
    var sizes: [UInt32] = []
    for _ in 0..<sectors { if let size = reader.little(UInt32.self) { sizes.append(size) } }
    return StreamingHello(
      version: version, mostData: Int(most), flashName: name, window: Int(window),
      sectorSizes: sizes, features: reader.little(UInt8.self) ?? 0)
  }
}

// MARK: - One question, one answer

extension StreamingSession {
  /// For requests that may be repeated.
  private func ask(_ body: [UInt8], _ step: String, answer: UInt8, within limit: Duration)
    async throws(StreamingError) -> [UInt8]
  {
    for attempt in 0..<tries {
      let reply = try await once(
        body, step, answer: answer, within: limit, quiet: attempt == 0 ? .zero : .milliseconds(50))
      guard let reply else { continue }
      if attempt > 0 { try await settle(step, .milliseconds(50)) }
      return reply
    }
    throw .silent(step: step)
  }

  func once(
    _ body: [UInt8], _ step: String, answer: UInt8, within limit: Duration, quiet: Duration
  ) async throws(StreamingError) -> [UInt8]? {
    try await settle(step, quiet)
    try await send(body, step)
    return try await reply(step, answer: answer, until: line.link.now + limit)
  }

  /// The next reply; logs are passed on, errors thrown.
  func reply(_ step: String, answer: UInt8, until deadline: Duration)
    async throws(StreamingError) -> [UInt8]?
  {
    for _ in 0..<256 {
      let body: [UInt8]?
      do throws(LinkError) {
        body = try await line.next(until: deadline)
      } catch {
        throw .link(step: step, error)
      }
      guard let body else { return nil }
      switch body[0] {
      case answer: return body
      case 0x0e: log(String(printable: Array(body.dropFirst().prefix(200))))
      case 0x0d: throw Self.refusal(body, step)
      default: throw .unexpected(step: step, code: body[0])
      }
    }
    return nil
  }

  private static func refusal(_ body: [UInt8], _ step: String) -> StreamingError {
    guard body.count >= 5 else { return .refused(step: step, code: 0, text: "") }
    let code = (1...4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(body[$1]) }
    return .refused(
      step: step, code: code, text: String(printable: Array(body.dropFirst(5).prefix(200))))
  }

  func send(_ body: [UInt8], _ step: String) async throws(StreamingError) {
    do throws(LinkError) {
      try await line.send(body)
    } catch {
      throw .link(step: step, error)
    }
  }

  func settle(_ step: String, _ quiet: Duration) async throws(StreamingError) {
    do throws(LinkError) {
      try await line.settle(quiet)
    } catch {
      throw .link(step: step, error)
    }
  }
}
