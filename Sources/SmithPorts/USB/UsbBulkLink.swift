import Glibc
public import SmithLink
import Synchronization

/// A pair of bulk endpoints as a link: for a port that no kernel driver made a tty of
/// (Docs/Protocols/usb-modes.md section 7).
///
/// A thread of its own reads all the time, as the kernel's serial driver does, so that nothing
/// waits in the stick while nobody listens.
public final class UsbBulkLink: ByteLink {
  /// Opens the link to one interface of a device.
  public typealias Opener = @Sendable (UsbDevice, Int) throws(LinkError) -> any ByteLink

  private let talk: any UsbTalk
  private let interface: Int
  private let output: UInt8
  private let writeLimit: Duration
  private let inbox: Inbox
  private let reader: Task<Void, Never>
  private let thread = Mutex<PortThread?>(nil)
  private let isClosed = Mutex(false)
  private static let patience = Duration.milliseconds(2)

  /// Claims an interface and begins to read.
  ///
  /// - Parameters:
  ///   - talk: the open device.
  ///   - interface: number of the interface.
  ///   - input: address of its bulk endpoint towards the computer.
  ///   - output: address of its bulk endpoint towards the stick.
  ///   - alternate: the setting that has the endpoints.
  ///   - writeLimit: how long the stick may take no byte before `send` gives up.
  /// - Throws: what claiming comes to.
  public init(
    _ talk: any UsbTalk, interface: Int, input: UInt8, output: UInt8, alternate: Int = 0,
    writeLimit: Duration = .seconds(30)
  ) throws(LinkError) {
    guard let inbox = Inbox() else { throw .broken(FileNames.words(errno)) }
    do throws(UsbError) {
      try talk.claim(interface)
    } catch {
      throw error.link
    }
    if alternate != 0 { try? talk.setAlternate(alternate, of: interface) }
    // The kernel's driver raises DTR and RTS at open; sticks that know no such request stall it.
    _ = try? talk.control(
      UsbRequest(
        type: 0x21, request: 0x22, value: 3, index: UInt16(truncatingIfNeeded: interface)),
      within: .milliseconds(500))
    self.talk = talk
    self.interface = interface
    self.output = output
    self.writeLimit = writeLimit
    self.inbox = inbox
    reader = Task(executorPreference: PortThread()) { inbox.fill(from: talk, input) }
  }

  /// Opens an interface of a device as sysfs shows it.
  ///
  /// - Parameter devices: where `/dev` is.
  public static func opener(devices: String = "/dev") -> Opener {
    { device, number throws(LinkError) in
      guard let interface = device.interfaces.first(where: { $0.number == number }),
        let setting = device.descriptors?.setting(
          number, alternate: interface.alternate, configuration: device.configuration),
        let pair = setting.bulkPair
      else { throw .notFound(path: "\(device.place) interface \(number)") }
      let talk: LibUSBDevice
      do throws(UsbError) {
        talk = try LibUSBDevice(path: "\(devices)/\(device.node)")
      } catch {
        throw error.link
      }
      return try UsbBulkLink(
        talk, interface: number, input: pair.input.address, output: pair.output.address,
        alternate: interface.alternate)
    }
  }

  /// Hands all bytes to the stick; `.silent` if it takes none for the write limit.
  public func send(_ bytes: [UInt8]) async throws(LinkError) {
    try checkOpen()
    let (talk, output, limit) = (talk, output, writeLimit)
    try await off { () throws(LinkError) in
      var done = 0
      do throws(UsbError) {
        while done < bytes.count {
          let part = [UInt8](bytes[done..<min(done + 65_536, bytes.count)])
          let taken = try talk.send(part, to: output, within: limit)
          guard taken > 0 else { throw UsbError.silent }
          done += taken
        }
      } catch {
        throw error.link
      }
    }
  }

  /// What has arrived, waiting for the first byte at most `limit`.
  public func receive(within limit: Duration) async throws(LinkError) -> [UInt8] {
    try checkOpen()
    let inbox = inbox
    if PortThread.isCurrent || limit <= Self.patience { return try inbox.take(within: limit) }
    do {
      return try inbox.take(within: Self.patience)
    } catch {
      guard error == .silent else { throw error }
    }
    return try await off { () throws(LinkError) in try inbox.take(within: limit - Self.patience) }
  }

  /// Waits; a cancelled task waits no longer.
  public func pause(_ duration: Duration) async {
    try? await Task.sleep(for: duration)
  }

  /// The system's monotonic time.
  public var now: Duration { MonotonicClock.now }

  /// Stops reading and gives the interface back to its kernel driver.
  public func close() async {
    let first = isClosed.withLock { closed in
      defer { closed = true }
      return !closed
    }
    guard first else { return }
    inbox.end(.gone)
    await reader.value
    talk.release(interface)
    thread.withLock { $0 = nil }
  }

  deinit { inbox.end(.gone) }

  private func checkOpen() throws(LinkError) {
    if isClosed.withLock({ $0 }) { throw .gone }
  }

  private func off<Value: Sendable>(
    _ work: @escaping @Sendable () throws(LinkError) -> Value
  ) async throws(LinkError) -> Value {
    if PortThread.isCurrent { return try work() }
    let thread = thread.withLock { kept in
      let thread = kept ?? PortThread()
      kept = thread
      return thread
    }
    return try await thread.run { Result(catching: work) }.get()
  }
}

/// What has arrived and was not taken yet.
private final class Inbox: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var end: LinkError?
  }

  private let state = Mutex(State())
  private let bell: WakePipe
  /// How much may lie here before reading waits: a stick that floods us does not eat our memory.
  private static let limit = 4 << 20

  init?() {
    guard let bell = WakePipe() else { return nil }
    self.bell = bell
  }

  /// Reads until the end, on a thread where that hurts nobody.
  func fill(from talk: any UsbTalk, _ endpoint: UInt8) {
    var stalls = 0
    while state.withLock({ $0.end == nil }) {
      if state.withLock({ $0.bytes.count }) > Self.limit {
        _ = poll(nil, 0, 10)
        continue
      }
      do throws(UsbError) {
        let bytes = try talk.receive(16_384, from: endpoint, within: .milliseconds(250))
        stalls = 0
        guard !bytes.isEmpty else { continue }
        state.withLock { $0.bytes += bytes }
        bell.wake()
      } catch {
        switch error {
        case .silent: continue
        case .stalled where stalls < 3:
          stalls += 1
          do throws(UsbError) { try talk.clearHalt(endpoint) } catch { end(error.link) }
        default: end(error.link)
        }
      }
    }
  }

  func end(_ error: LinkError) {
    state.withLock { $0.end = $0.end ?? error }
    bell.wake()
  }

  func take(within limit: Duration) throws(LinkError) -> [UInt8] {
    let deadline = Deadline(after: limit)
    while true {
      let (bytes, end) = state.withLock { state in
        defer { state.bytes = [] }
        return (state.bytes, state.end)
      }
      if !bytes.isEmpty { return bytes }
      if let end { throw end }
      let left = deadline.pollMilliseconds
      if left == 0 { throw .silent }
      var watched = pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&watched, 1, left)
      bell.drain()
    }
  }
}
