import SmithBytes
public import SmithLink

/// One connection of a host to a USB/IP server, without its socket: bytes in, bytes out
/// (Docs/Protocols/usbip.md sections 1 to 3). No bytes make it trap; what is no message ends it.
public struct USBIPSession: Sendable {
  private enum Phase: Sendable {
    case greeting, answered, attached(slot: Int, generation: Int), over
  }

  /// What waits at one endpoint.
  private struct Queue: Sendable {
    /// Transfers that a host asked for and that have no data yet.
    var asked: [(sequence: UInt32, length: Int)] = []
    /// Transfers of the stick that nobody asked for yet; the first may be taken in part.
    var ready: [[UInt8]] = []
    var taken = 0
    var isHalted = false
    /// The halt comes when that many of `ready` are gone.
    var halts: [Int] = []

    var size: Int { ready.reduce(0) { $0 + $1.count } - taken }
  }

  /// What a stick keeps at one endpoint for a host that does not read; the oldest goes first.
  private static let unreadLimit = 4 << 20
  private static let unreadTransfers = 2048
  /// A host that asks for more transfers at once than that is no kernel.
  private static let askedLimit = 4096

  private var phase = Phase.greeting
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var queues: [UInt8: Queue] = [:]
  private var waiting: [USBEmission] = []

  /// A connection that was just made.
  public init() {}

  /// Whether the connection is to be closed once the output was sent.
  public var isOver: Bool { if case .over = phase { true } else { false } }
  /// The slot whose stick the host has.
  public var slot: Int? { if case .attached(let slot, _) = phase { slot } else { nil } }
  /// When the next thing wants to leave.
  public var nextDue: Duration? { waiting.first?.at }
  /// Whether something waits to be sent.
  public var hasOutput: Bool { !output.isEmpty }

  /// What waits to be sent, taken out.
  public mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// Takes bytes of the host.
  public mutating func receive(
    _ bytes: some Collection<UInt8>, _ shelf: inout USBIPShelf, at now: Duration
  ) {
    input.append(contentsOf: bytes)
    var position = 0
    while let next = message(at: position, &shelf, now) { position = next }
    if isOver { input = [] } else { input.removeFirst(position) }
    follow(shelf, at: now)
  }

  /// Takes what the stick did.
  public mutating func deliver(_ emissions: [USBEmission]) {
    for emission in emissions {
      let index = waiting.lastIndex { $0.at <= emission.at }.map { $0 + 1 } ?? 0
      waiting.insert(emission, at: index)
    }
  }

  /// Hands on what is due, and ends when the stick is no longer what was attached.
  public mutating func follow(_ shelf: USBIPShelf, at now: Duration) {
    guard case .attached(let slot, let generation) = phase else { return }
    let due = waiting.prefix { $0.at <= now }
    for emission in due { perform(emission) }
    waiting.removeFirst(due.count)
    if shelf.slots[slot].stick.usbFace?.generation != generation { end() }
  }

  /// The connection is gone: a host without a cable gives no power, so the stick loses it too.
  public mutating func hangUp(_ shelf: inout USBIPShelf, at now: Duration) {
    if case .attached(let slot, let generation) = phase {
      shelf.change(slot) { $0.isTaken = false }
      if shelf.slots[slot].stick.usbFace?.generation == generation {
        shelf.unplug(slot, at: now)
        shelf.plug(slot, at: now)
      }
    }
    end()
  }

  /// Lets the slot go after the session ended by itself.
  public mutating func release(_ shelf: inout USBIPShelf) {
    if let leaving { shelf.change(leaving) { $0.isTaken = false } }
    leaving = nil
  }

  private var leaving: Int?

  private mutating func end() {
    if case .attached(let slot, _) = phase { leaving = slot }
    phase = .over
    queues = [:]
    waiting = []
  }

  // MARK: Messages

  /// Reads one message; the place of the next one, or nil if it is not whole yet.
  private mutating func message(at start: Int, _ shelf: inout USBIPShelf, _ now: Duration) -> Int? {
    switch phase {
    case .over, .answered: return nil
    case .greeting: return greeting(at: start, &shelf)
    case .attached(let slot, let generation):
      guard input.count - start >= USBIPWire.headerSize else { return nil }
      guard let header = USBIPHeader(input, at: start) else {
        end()
        return nil
      }
      let body = start + USBIPWire.headerSize
      guard input.count - body >= header.payload else { return nil }
      // The stick may have gone in the middle of what one read brought.
      guard shelf.slots[slot].stick.usbFace?.generation == generation else {
        end()
        return nil
      }
      if header.command == USBIPWire.unlink {
        unlink(header)
      } else {
        let data = header.isIn ? [] : Array(input[body..<body + header.length])
        submit(header, data, &shelf, slot, now)
      }
      return body + header.payload
    }
  }

  private mutating func greeting(at start: Int, _ shelf: inout USBIPShelf) -> Int? {
    guard input.count - start >= USBIPWire.greetingSize else { return nil }
    let code = UInt16(input[start + 2]) << 8 | UInt16(input[start + 3])
    switch code {
    case USBIPWire.requestList:
      output += shelf.list()
      phase = .answered
      return start + USBIPWire.greetingSize
    case USBIPWire.requestImport:
      guard input.count - start >= USBIPWire.importSize else { return nil }
      let name = String(printable: Array(input[start + 8..<start + USBIPWire.importSize]))
      take(name, &shelf)
      return start + USBIPWire.importSize
    default:
      output += USBIPWire.greeting(code & 0x7fff, status: USBIPWire.Refusal.error.rawValue)
      end()
      return nil
    }
  }

  private mutating func take(_ busid: String, _ shelf: inout USBIPShelf) {
    let index = shelf.index(of: busid)
    let isTaken = index.map { shelf.slots[$0].isTaken } ?? false
    guard let index, !isTaken, let face = shelf.slots[index].stick.usbFace else {
      let reason = isTaken ? USBIPWire.Refusal.busy : .noSuchDevice
      output += USBIPWire.greeting(USBIPWire.replyImport, status: reason.rawValue)
      return end()
    }
    shelf.change(index) { $0.isTaken = true }
    phase = .attached(slot: index, generation: face.generation)
    output += USBIPWire.greeting(USBIPWire.replyImport, status: 0)
    output += USBIPWire.device(face, busid: busid, number: face.generation + 1)
  }

  // MARK: Transfers

  private mutating func submit(
    _ header: USBIPHeader, _ data: [UInt8], _ shelf: inout USBIPShelf, _ slot: Int,
    _ now: Duration
  ) {
    func answer(_ status: Int32, _ length: Int, _ data: ArraySlice<UInt8>, _ out: inout [UInt8]) {
      USBIPHeader.submitted(
        header.sequence, status: status, length: length, data: data, into: &out)
    }
    guard header.packets == 0 else { return answer(USBIPWire.notSupported, 0, [], &output) }
    guard header.endpoint > 0 else {
      return control(header, data, &shelf, slot, now)
    }
    let address = UInt8(header.endpoint) | (header.isIn ? 0x80 : 0)
    if header.isIn {
      guard queues[address, default: Queue()].asked.count < Self.askedLimit else { return end() }
      queues[address, default: Queue()].asked.append((header.sequence, header.length))
      return serve(address)
    }
    guard queues[address]?.isHalted != true else {
      return answer(USBIPWire.stalled, 0, [], &output)
    }
    let emissions = shelf.change(slot) { $0.stick.take(data, endpoint: address, at: now) }
    answer(0, data.count, [], &output)
    deliver(emissions ?? [])
    hand(upTo: now)
  }

  private mutating func hand(upTo now: Duration) {
    let due = waiting.prefix { $0.at <= now }
    for emission in due { perform(emission) }
    waiting.removeFirst(due.count)
  }

  private mutating func control(
    _ header: USBIPHeader, _ data: [UInt8], _ shelf: inout USBIPShelf, _ slot: Int,
    _ now: Duration
  ) {
    let request = header.request
    if request.type == 0x02, request.request == 1, request.value == 0 {
      let address = UInt8(truncatingIfNeeded: request.index)
      queues[address]?.isHalted = false
    }
    if request.type == 0x00, request.request == 9 { forgetAll() }
    let answer = shelf.change(slot) { $0.stick.control(request, data: data, at: now) }
    switch answer {
    case .done(let bytes)?:
      let limit = min(header.length, Int(request.length))
      let kept = request.isIn && header.isIn ? bytes.prefix(limit) : []
      let count = header.isIn ? kept.count : data.count
      USBIPHeader.submitted(
        header.sequence, status: 0, length: count, data: kept, into: &output)
    case .stall?, nil:
      USBIPHeader.submitted(
        header.sequence, status: USBIPWire.stalled, length: 0, into: &output)
    }
    // A halt that was cleared lets what waited behind it go.
    for address in queues.keys where address & 0x80 != 0 { serve(address) }
  }

  /// A chosen configuration begins with empty endpoints.
  private mutating func forgetAll() {
    for address in queues.keys {
      queues[address]?.ready = []
      queues[address]?.halts = []
      queues[address]?.taken = 0
      queues[address]?.isHalted = false
    }
  }

  private mutating func unlink(_ header: USBIPHeader) {
    for address in queues.keys {
      guard let index = queues[address]?.asked.firstIndex(where: { $0.sequence == header.victim })
      else { continue }
      queues[address]?.asked.remove(at: index)
      USBIPHeader.unlinked(header.sequence, status: USBIPWire.wasUnlinked, into: &output)
      return
    }
    USBIPHeader.unlinked(header.sequence, status: 0, into: &output)
  }

  private mutating func perform(_ emission: USBEmission) {
    let address = emission.endpoint
    var queue = queues.removeValue(forKey: address) ?? Queue()
    switch emission.event {
    case .transfer(let bytes):
      queue.ready.append(bytes)
      while queue.ready.count > Self.unreadTransfers
        || queue.ready.count > 1 && queue.size > Self.unreadLimit
      {
        queue.ready.removeFirst()
        queue.taken = 0
        queue.halts = queue.halts.map { max(0, $0 - 1) }
      }
    case .halt:
      if address & 0x80 == 0 {
        queue.isHalted = true
      } else {
        queue.halts.append(queue.ready.count)
      }
    case .forget:
      queue.ready = []
      queue.taken = 0
      queue.halts = []
    }
    queues[address] = queue
    serve(address)
  }

  /// Answers what the host asked for at an IN endpoint, as far as there is something.
  private mutating func serve(_ address: UInt8) {
    guard address & 0x80 != 0, var queue = queues.removeValue(forKey: address) else { return }
    while let asked = queue.asked.first {
      if !queue.isHalted, queue.halts.first == 0 {
        queue.halts.removeFirst()
        queue.isHalted = true
      }
      if queue.isHalted {
        USBIPHeader.submitted(
          asked.sequence, status: USBIPWire.stalled, length: 0, into: &output)
      } else if let chunk = queue.ready.first {
        let end = min(chunk.count, queue.taken + asked.length)
        let data = chunk[queue.taken..<end]
        USBIPHeader.submitted(
          asked.sequence, status: 0, length: data.count, data: data, into: &output)
        queue.taken = end
        if end == chunk.count {
          queue.ready.removeFirst()
          queue.taken = 0
          queue.halts = queue.halts.map { $0 - 1 }
        }
      } else {
        break
      }
      queue.asked.removeFirst()
    }
    queues[address] = queue
  }
}
