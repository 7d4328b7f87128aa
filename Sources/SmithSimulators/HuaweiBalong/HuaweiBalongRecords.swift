import SmithBytes

extension HuaweiBalongStick {
  /// Input that the stick refused or that a careful host would not have sent.
  public struct Complaint: Equatable, Sendable {
    /// When it arrived.
    public var time: Duration
    /// Index of the port it arrived on.
    public var port: Int
    /// What was wrong, in words.
    public var what: String

    /// Gathers the parts.
    public init(time: Duration, port: Int, what: String) {
      self.time = time
      self.port = port
      self.what = what
    }
  }

  /// One message that went in or out, for a wire log.
  public struct FrameRecord: Equatable, Sendable {
    /// Who sent it.
    public enum Direction: String, Sendable { case host, stick }
    /// What language it is in.
    public enum Kind: String, Sendable { case at, hdlc, bootrom }

    /// When.
    public var time: Duration
    /// Index of the port.
    public var port: Int
    /// Who sent it.
    public var direction: Direction
    /// What language it is in.
    public var kind: Kind
    /// The bytes on the wire; for frames of the host the unescaped body without its CRC.
    public var bytes: [UInt8]

    /// One line of JSON: milliseconds, direction, kind, hexadecimal digits and readable text.
    public var json: String {
      let (seconds, atto) = time.components
      let milliseconds = seconds * 1000 + atto / 1_000_000_000_000_000
      let readable = bytes.map { (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c ? $0 : 46 }
      let text = String(decoding: readable, as: UTF8.self)
      return "{\"ms\":\(milliseconds),\"port\":\(port),\"from\":\"\(direction.rawValue)\","
        + "\"kind\":\"\(kind.rawValue)\",\"hex\":\"\(bytes.hex)\",\"text\":\"\(text)\"}"
    }
  }

  mutating func complain(_ what: String, port: Int) {
    complaintCount += 1
    guard complaints.count < Self.mostRecords else { return }
    complaints.append(Complaint(time: clock, port: port, what: what))
  }

  mutating func record(
    _ direction: FrameRecord.Direction, _ kind: FrameRecord.Kind,
    _ bytes: @autoclosure () -> [UInt8],
    port: Int
  ) {
    guard options.logging, log.count < Self.mostRecords else { return }
    log.append(
      FrameRecord(time: clock, port: port, direction: direction, kind: kind, bytes: bytes()))
  }

  /// Hands out the wire log so far and forgets it; call it often, as only 65536 records are kept.
  public mutating func drainLog() -> [FrameRecord] {
    defer { log.removeAll(keepingCapacity: true) }
    return log
  }

  static let mostRecords = 65_536
}
