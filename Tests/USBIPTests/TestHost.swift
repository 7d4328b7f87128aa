import SmithBytes
import SmithLink
import SmithModel
import SmithPorts
import SmithSimulators
import Testing

/// The kernel's side of USB/IP, written for the tests: a session without a socket, virtual time.
final class TestHost {
  struct Answer: Equatable {
    var sequence: UInt32
    var status: Int32
    var data: [UInt8]
    var length: Int
  }

  var shelf: USBIPShelf
  var session = USBIPSession()
  var now: Duration = .zero
  var answers: [Answer] = []
  var unlinked: [UInt32: Int32] = [:]
  private var expected: [UInt32: Bool] = [:]
  private var unread: [UInt8] = []
  private var sequence: UInt32 = 0

  init(_ sticks: [any USBStickBody]) {
    shelf = USBIPShelf(sticks)
    for index in sticks.indices { shelf.plug(index, at: .zero) }
  }

  var id: USBID? { shelf.slots[0].stick.usbFace?.id }

  /// Bytes to the session and its output, in one go.
  func exchange(_ bytes: [UInt8]) -> [UInt8] {
    session.receive(bytes, &shelf, at: now)
    return session.takeOutput()
  }

  /// Asks for the list.
  func list() -> [UInt8] {
    var session = USBIPSession()
    session.receive([0x01, 0x11, 0x80, 0x05, 0, 0, 0, 0], &shelf, at: now)
    return session.takeOutput()
  }

  /// Imports; the status of the answer.
  func attach(_ busid: String = "1-1") -> UInt32 {
    session = USBIPSession()
    unread = []
    expected = [:]
    var bytes: [UInt8] = [0x01, 0x11, 0x80, 0x03, 0, 0, 0, 0]
    bytes.append(text: busid, width: 32)
    let answer = exchange(bytes)
    let status = UInt32(answer[7])
    #expect(answer.count == (status == 0 ? 320 : 8))
    return status
  }

  /// Lets time pass; what the attached stick does goes to the session.
  func pass(_ duration: Duration) {
    let end = now + duration
    while now < end {
      let next = min(shelf.nextDue ?? end, session.nextDue ?? end, end)
      now = max(now + .milliseconds(1), next)
      for index in shelf.slots.indices {
        let emissions = shelf.change(index) { $0.stick.advance(to: now) } ?? []
        if index == session.slot { session.deliver(emissions) }
      }
      session.follow(shelf, at: now)
      take(session.takeOutput())
      if session.isOver { session.release(&shelf) }
    }
  }

  /// Sends one transfer; its sequence number.
  @discardableResult
  func submit(
    _ endpoint: UInt8, data: [UInt8] = [], length: Int? = nil, setup: [UInt8] = [],
    flags: UInt32 = 0, packets: UInt32 = 0
  ) -> UInt32 {
    sequence += 1
    let isIn = endpoint & 0x80 != 0
    expected[sequence] = isIn
    var bytes: [UInt8] = []
    for word in [1, sequence, 0x10002, isIn ? 1 : 0, UInt32(endpoint & 0x7f), flags] {
      bytes.append(big: word)
    }
    for word in [UInt32(length ?? data.count), 0, packets, 0] { bytes.append(big: word) }
    bytes += setup.isEmpty ? [0x21, 0x22, 1, 2, 3, 4, 5, 6] : setup
    bytes += isIn ? [] : data
    bytes += [UInt8](repeating: 0, count: Int(packets) * 16)
    take(exchange(bytes))
    return sequence
  }

  /// Takes a transfer back.
  func unlink(_ victim: UInt32) -> Int32? {
    sequence += 1
    var bytes: [UInt8] = []
    for word in [2, sequence, 0x10002, 0, 0, victim] { bytes.append(big: word) }
    take(exchange(bytes + [UInt8](repeating: 0, count: 24)))
    return unlinked[sequence]
  }

  /// The answer to that transfer, if there is one; taken out.
  func answer(_ sequence: UInt32) -> Answer? {
    guard let index = answers.firstIndex(where: { $0.sequence == sequence }) else { return nil }
    return answers.remove(at: index)
  }

  /// A request on endpoint zero with its answer.
  func control(_ setup: [UInt8], data: [UInt8] = []) -> Answer? {
    let isIn = setup[0] & 0x80 != 0
    let length = Int(setup[6]) | Int(setup[7]) << 8
    return answer(submit(isIn ? 0x80 : 0, data: data, length: isIn ? length : nil, setup: setup))
  }

  /// An IN transfer with its answer; nil if it stays open, and it is then taken back.
  func read(_ endpoint: UInt8, _ length: Int) -> Answer? {
    let sequence = submit(endpoint, length: length)
    if let found = answer(sequence) { return found }
    #expect(unlink(sequence) == -104)
    return nil
  }

  /// A SCSI command: data, and the status of the CSW.
  func scsi(_ command: [UInt8], in length: Int = 0) -> (data: [UInt8], status: UInt8?) {
    submit(0x01, data: TestHost.wrapper(command, in: length))
    var data: [UInt8] = []
    if length > 0 {
      let first = read(0x81, length)
      if first?.status == 0 { data = first?.data ?? [] }
      if first?.status == -32 { #expect(control([2, 1, 0, 0, 0x81, 0, 0, 0])?.status == 0) }
    }
    var status = read(0x81, 13)
    if status?.status == -32 {
      #expect(control([2, 1, 0, 0, 0x81, 0, 0, 0])?.status == 0)
      status = read(0x81, 13)
    }
    return (data, status?.data.last)
  }

  static func wrapper(_ command: [UInt8], in length: Int = 0, size: Int? = nil) -> [UInt8] {
    var bytes = Array("USBC".utf8) + [1, 2, 3, 4]
    bytes.append(little: UInt32(length))
    bytes += [length > 0 ? 0x80 : 0, 0, UInt8(size ?? command.count)]
    return bytes + command + [UInt8](repeating: 0, count: 16 - command.count)
  }

  private func take(_ output: [UInt8]) {
    unread += output
    while unread.count >= 48 {
      func word(_ place: Int) -> UInt32 {
        unread[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
      }
      let number = word(4)
      let status = Int32(bitPattern: word(20))
      guard word(0) == 3 else {
        #expect(word(0) == 4, "an answer of no kind")
        unlinked[number] = status
        unread.removeFirst(48)
        continue
      }
      let length = Int(word(24))
      let isIn = expected.removeValue(forKey: number)
      #expect(isIn != nil, "an answer that nobody waits for")
      let payload = isIn == true ? length : 0
      guard unread.count >= 48 + payload else { return }
      answers.append(
        Answer(
          sequence: number, status: status, data: Array(unread[48..<48 + payload]),
          length: length))
      unread.removeFirst(48 + payload)
    }
  }
}

extension TestHost {
  /// A Huawei stick, by default with its disc.
  static func huawei(_ habit: USBStick<HuaweiBalongStick>.DiscHabit = .once) -> TestHost {
    var options = HuaweiBalongStick.Options()
    options.singlePort = false
    return TestHost([
      USBStick(HuaweiBalongStick(personality: .e3131, options: options), disc: habit)
    ])
  }
}
