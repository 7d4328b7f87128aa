public import SmithBytes
public import SmithLink

/// One part of a loader as the boot ROM is given it.
public struct BootROMPart: Sendable {
  /// Name for people.
  public var name: String
  /// 1 runs at once, 2 starts the loader.
  public var mode: UInt8
  /// Where in the stick's memory it goes.
  public var address: UInt32
  /// Its bytes.
  public var bytes: SharedBytes

  /// Gathers the parts.
  public init(name: String, mode: UInt8, address: UInt32, bytes: SharedBytes) {
    self.name = name
    self.mode = mode
    self.address = address
    self.bytes = bytes
  }
}

/// A conversation with the boot ROM of a Balong chip: one packet, one byte of answer
/// (Docs/Protocols/balong-bootrom.md sections 2 and 3).
///
/// Everything that it sends goes into memory that forgets it with the power. Nothing is repeated:
/// whether the boot ROM takes a packet twice is not known, and beginning anew after a replug is
/// certain. Used from one task.
public final class BalongBootROM {
  private let link: any ByteLink

  static let accepted: UInt8 = 0xaa
  static let blockSize = 1024

  /// A conversation over an open boot ROM port.
  public init(_ link: any ByteLink) {
    self.link = link
  }

  /// Whether the boot ROM answers the handshake.
  ///
  /// - Throws: `.link`; the stick is untouched.
  public func isThere() async throws(BootROMError) -> Bool {
    try await drain()
    try await send([0x41])
    return try await answer(within: .seconds(1)) == 0x55
  }

  /// Gives the boot ROM one part: head, data, end.
  ///
  /// - Parameters:
  ///   - part: the part; all but the last one run before their end is answered.
  ///   - isLast: whether the loader starts after it, so that the port may vanish unanswered.
  ///   - progress: called with the bytes taken so far.
  /// - Throws: ``BootROMError``; the flash is untouched, and the boot ROM wants a replug.
  public func load(
    _ part: BootROMPart, isLast: Bool, progress: (Int) async -> Void
  ) async throws(BootROMError) {
    guard let size = UInt32(exactly: part.bytes.count), size > 0 else {
      throw .refused(step: "the head of the \(part.name)", answer: nil)
    }
    try await drain()
    try await packet(Self.head(part, size), "the head of the \(part.name)")
    var number: UInt8 = 1
    var sent = 0
    while sent < part.bytes.count {
      let data = part.bytes.intact(sent..<min(sent + Self.blockSize, part.bytes.count))
      guard !data.isEmpty else { throw .fileShrank(part.name) }
      try await packet([0xda, number, ~number] + data, "byte \(sent) of the \(part.name)")
      sent += data.count
      number &+= 1
      await progress(sent)
    }
    let step = "the end of the \(part.name)"
    do {
      try await packet([0xed, number, ~number], step, within: .seconds(5))
    } catch .link(.gone) where isLast {
      // It started before its answer had left.
    } catch .refused(_, let answer) {
      throw isLast ? .endRefused(answer: answer) : .refused(step: step, answer: answer)
    }
  }

  private static func head(_ part: BootROMPart, _ size: UInt32) -> [UInt8] {
    var head: [UInt8] = [0xfe, 0x00, 0xff, part.mode]
    head.append(big: size)
    head.append(big: part.address)
    return head
  }

  /// Sends a packet with its CRC and wants its answer.
  private func packet(_ body: [UInt8], _ step: String, within limit: Duration = .seconds(3))
    async throws(BootROMError)
  {
    var packet = body
    packet.append(big: CRC16XMODEM.of(body))
    try await send(packet)
    let byte = try await answer(within: limit)
    guard byte == Self.accepted else { throw .refused(step: step, answer: byte) }
  }

  /// The next byte; nil if none comes.
  private func answer(within limit: Duration) async throws(BootROMError) -> UInt8? {
    do {
      return try await link.receive(within: limit).first
    } catch .silent {
      return nil
    } catch {
      throw .link(error)
    }
  }

  private func send(_ bytes: [UInt8]) async throws(BootROMError) {
    do { try await link.send(bytes) } catch { throw .link(error) }
  }

  private func drain() async throws(BootROMError) {
    for _ in 0..<64 {
      do { _ = try await link.receive(within: .zero) } catch .silent { return } catch {
        throw .link(error)
      }
    }
  }
}
