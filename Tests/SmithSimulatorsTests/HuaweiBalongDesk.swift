import SmithBytes
import SmithLink
import SmithModel
import SmithSimulators

/// A stick on a desk, with a hand that types bytes and a clock that only the test moves.
struct Desk {
  var stick: HuaweiBalongStick
  var now: Duration = .zero

  init(
    _ personality: HuaweiBalongStick.Personality, seed: UInt64 = 1,
    options: HuaweiBalongStick.Options = .init()
  ) {
    stick = HuaweiBalongStick(personality: personality, seed: seed, options: options)
    stick.plug(at: now)
  }

  /// A stick that already waits in download mode.
  static func download(
    _ personality: HuaweiBalongStick.Personality, seed: UInt64 = 1,
    options: HuaweiBalongStick.Options = .init()
  ) -> Desk {
    var desk = Desk(personality, seed: seed, options: options)
    if options.needsFactoryMode { _ = desk.type("AT^SFM=1") }
    _ = desk.type("AT^GODLOAD")
    desk.waitForReturn()
    return desk
  }

  var role: PortRole? { stick.face?.ports.last }

  mutating func send(_ bytes: [UInt8], port: Int? = nil) -> [UInt8] {
    let index = port ?? max(0, (stick.face?.ports.count ?? 1) - 1)
    return stick.receive(bytes, on: index, at: now).flatMap(\.bytes)
  }

  /// Sends a line with CR and returns the answer as text.
  mutating func type(_ line: String, port: Int? = nil) -> String {
    String(decoding: send([UInt8]("\(line)\r".utf8), port: port), as: UTF8.self)
  }

  /// Sends bytes written in hexadecimal and returns the answer in lower-case hexadecimal.
  mutating func hex(_ text: String) -> String {
    send([UInt8](hex: text) ?? []).hex
  }

  mutating func frame(_ body: [UInt8]) -> String {
    send(HDLC.frame(body)).hex
  }

  mutating func wait(_ duration: Duration) -> [UInt8] {
    now += duration
    return stick.advance(to: now).flatMap(\.bytes)
  }

  /// Lets the stick leave the bus and come back.
  mutating func waitForReturn() { _ = wait(.seconds(30)) }

  mutating func cutPower() {
    stick.unplug(at: now)
    now += .seconds(5)
    stick.plug(at: now)
  }

  mutating func start(_ id: UInt32, _ size: Int) -> String { frame(Self.start(id, size)) }
  mutating func block(_ number: UInt32, _ data: [UInt8]) -> String {
    frame(Self.block(number, data))
  }
  mutating func end(_ id: UInt32, _ size: Int) -> String { frame(Self.end(id, size)) }

  /// Writes one item; stops at the first answer that is no acknowledgement.
  mutating func write(_ id: UInt32, _ data: [UInt8], blockSize: Int = 4096) -> Bool {
    guard start(id, data.count) == ack else { return false }
    var number: UInt32 = 0
    for offset in stride(from: 0, to: data.count, by: blockSize) {
      number += 1
      let part = [UInt8](data[offset..<min(offset + blockSize, data.count)])
      guard block(number, part) == ack else { return false }
    }
    return end(id, data.count) == ack
  }

  static func start(_ id: UInt32, _ size: Int) -> [UInt8] {
    var body: [UInt8] = [0x41]
    body.append(big: id)
    body.append(big: UInt32(size))
    return body + [0, 0, 0]
  }
  static func block(_ number: UInt32, _ data: [UInt8]) -> [UInt8] {
    var body: [UInt8] = [0x42]
    body.append(big: number)
    body.append(big: UInt16(data.count))
    return body + data
  }
  static func end(_ id: UInt32, _ size: Int) -> [UInt8] {
    var body: [UInt8] = [0x43]
    body.append(big: UInt32(size))
    body += [0, 0, 0]
    body.append(big: id)
    return body + [UInt8](repeating: 0, count: 11)
  }
}

/// Fixed answers, as published.
let ack = "7e026ad37e"
let version = "0d0f" + [UInt8]("7200B--SKCBADZM".utf8).hex + "c37b7e"
func refusal(_ code: UInt8) -> String { HDLC.frame([3, 0, code]).hex }

/// A firmware payload of the simulators' own kind.
func payload(_ version: String, count: Int = 9000) -> [UInt8] {
  let head = [UInt8]("SMITHSIM-VERSION:\(version);".utf8)
  return head
    + (0..<max(0, count - head.count)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 5) }
}

/// A small seeded source of numbers.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
