/// The boot ROM of a simulated LTE stick (Docs/Protocols/sahara.md).
struct QualcommSimSahara: Sendable {
  private enum State: Sendable, Equatable {
    case greeting, loading, ended, done, commanding, dead
  }

  var complaints: [String] = []
  var finished = false
  var leaves = false
  var mode: UInt32 = 0
  private var state = State.greeting
  private var input: [UInt8] = []
  private var image: [UInt8] = []
  private var wanted = 0
  private var total = 0
  private var heard = Duration.zero

  /// Whether it has greeted and heard nothing yet.
  var waitsForAnswer: Bool { state == .greeting && input.isEmpty }

  func greeting() -> [UInt8] {
    packet(1, [2, 1, 1024, mode] + [UInt32](repeating: 0, count: 6))
  }

  mutating func take(_ bytes: [UInt8], habits: QualcommLTEBody.Habits, at now: Duration)
    -> [[UInt8]]
  {
    var replies: [[UInt8]] = []
    // The beginning of a packet, or of an image, is not waited for without end.
    if wanted == 0 ? now - heard > .milliseconds(100) : now - heard > .seconds(10) {
      if wanted > 0 { state = .dead }
      wanted = 0
      input.removeAll()
    }
    heard = now
    input += bytes
    while true {
      if state == .loading, wanted > 0 {
        guard input.count >= wanted else { return replies }
        image += input.prefix(wanted)
        input.removeFirst(wanted)
        wanted = 0
        replies.append(nextRead(habits))
        continue
      }
      guard input.count >= 8 else { return replies }
      let length = Int(QualcommSimImage.number(input, 4))
      guard (8...4096).contains(length) else {
        complaints.append("a packet of \(length) bytes")
        input.removeAll()
        state = .dead
        return replies + [packet(4, [0x0d, 5])]
      }
      guard input.count >= length else { return replies }
      let packet = Array(input.prefix(length))
      input.removeFirst(length)
      replies += answer(packet, habits)
    }
  }

  private mutating func answer(_ bytes: [UInt8], _ habits: QualcommLTEBody.Habits) -> [[UInt8]] {
    let command = QualcommSimImage.number(bytes, 0)
    let first = QualcommSimImage.number(bytes, 8)
    switch (command, state, bytes.count) {
    case (0x13, _, 8):
      state = .greeting
      image = []
      wanted = 0
      return [greeting()]
    case (7, _, 8):
      leaves = true
      return [packet(8, [])]
    case (2, .greeting, 0x30):
      let asked = QualcommSimImage.number(bytes, 20)
      if asked == 3, habits.deafToCommands { return end(0x1c) }
      let (spoken, least) = (first, QualcommSimImage.number(bytes, 12))
      guard (1...2).contains(spoken), (1...2).contains(least),
        QualcommSimImage.number(bytes, 16) == 0, mode != 2
      else { return end(2) }
      if asked == 3 {
        state = .commanding
        return [packet(0x0b, [])]
      }
      guard asked == 0 else { return end(0x18) }
      state = .loading
      return [nextRead(habits)]
    case (5, .ended, 8):
      state = .done
      finished = true
      return [packet(6, [habits.neverDone ? 0 : 1])]
    case (0x0d, .commanding, 12):
      guard let data = data(first, habits) else { return [packet(4, [0, 0x1f])] }
      return [packet(0x0e, [first, UInt32(data.count)])]
    case (0x0f, .commanding, 12): return [data(first, habits) ?? []]
    case (0x0c, .commanding, 12):
      state = .greeting
      mode = first
      return [greeting()]
    default:
      complaints.append("packet \(command) in a wrong state")
      return end(1)
    }
  }

  /// Header first, then the declared body in pieces that do not divide it evenly.
  private mutating func nextRead(_ habits: QualcommLTEBody.Habits) -> [UInt8] {
    if image.count == 104 {
      total = 40 + Int(QualcommSimImage.number(image, 16))
      guard QualcommSimImage.number(image, 4) == 3, total >= 104, total <= 1 << 20 else {
        return end(7)[0]
      }
    }
    if !image.isEmpty, image.count >= total {
      // The id tells a programmer; the checksum at its end stands for the signature.
      guard QualcommSimImage.version(of: image, id: 0x0d) != nil else { return end(0x21)[0] }
      let root = QualcommSimImage.root
      if habits.fused, !image.suffix(root.count).elementsEqual(root) {
        return end(0x25)[0]
      }
      state = .ended
      return packet(4, [0x0d, 0])
    }
    wanted = image.isEmpty ? 104 : min(3000, total - image.count)
    let place = [0x0d, UInt32(image.count), UInt32(wanted)]
    if !habits.wide { return packet(3, place) }
    return packet(0x12, place.flatMap { [$0, 0] })
  }

  private func data(_ query: UInt32, _ habits: QualcommLTEBody.Habits) -> [UInt8]? {
    switch query {
    case 1: [0x44, 0x33, 0x22, 0x11]
    case 2: [0, 0, 0, 0, 0xe1, 0x80, 0x04, 0x00]
    case 3: habits.fused ? QualcommSimImage.rootHash : [UInt8](repeating: 0, count: 32)
    default: nil
    }
  }

  private mutating func end(_ status: UInt32) -> [[UInt8]] {
    state = .dead
    wanted = 0
    return [packet(4, [0x0d, status])]
  }

  private func packet(_ command: UInt32, _ words: [UInt32]) -> [UInt8] {
    ([command, UInt32(8 + words.count * 4)] + words).flatMap(QualcommSimImage.word)
  }
}
