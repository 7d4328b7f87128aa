import SmithBytes
import SmithLink

extension SierraStick {
  /// The thirteen bytes in front of a chunk: neither framed nor escaped.
  mutating func beginChunk(at now: Duration) -> [Emission]? {
    guard loader.state == .open else {
      complaints.append("chunk without an open image")
      loader.input = []
      return error(0x0f, at: now)
    }
    guard loader.input.count >= 13 else { return nil }
    let head = [UInt8](loader.input[..<13])
    loader.input.removeFirst(13)
    let sequence = UInt16(head[1]) | UInt16(head[2]) << 8
    let count = Int(word(head, 7))
    guard CRC16X25.of([UInt8](head[..<11])) == UInt16(head[11]) | UInt16(head[12]) << 8 else {
      complaints.append("chunk header with a wrong CRC")
      loader.input = []
      return writeAnswer(sequence, 1, at: now)
    }
    guard sequence == loader.sequence, count > 0, count <= Int(quirks.largestChunk),
      loader.ram.count + count <= loader.size
    else {
      complaints.append("chunk \(sequence) of \(count) bytes out of sequence or size")
      loader.input = []
      loader.state = .greeted
      return error(0x0f, at: now)
    }
    loader.chunk = (sequence, count)
    return []
  }

  /// Takes what is there of a chunk's payload.
  mutating func collect(
    _ chunk: (sequence: UInt16, left: Int), at now: Duration
  ) -> [Emission]? {
    let count = min(chunk.left, loader.input.count)
    loader.ram += loader.input[..<count]
    loader.input.removeFirst(count)
    guard count == chunk.left else {
      loader.chunk = (chunk.sequence, chunk.left - count)
      return nil
    }
    loader.chunk = nil
    loader.sequence &+= 1
    guard loader.ram.count == loader.size else {
      return writeAnswer(chunk.sequence, quirks.writeStatus ?? 0, at: now)
    }
    return complete(chunk.sequence, at: now)
  }

  /// The last byte of an image has come: check it, then write it.
  private mutating func complete(_ sequence: UInt16, at now: Duration) -> [Emission] {
    loader.state = .complete
    loader.refusal = isWhole ? 0 : 0x89
    let status = quirks.writeStatus ?? 0
    guard loader.refusal == 0, status == 0, quirks.doneStatus ?? 0 == 0 else {
      loader.refusal = quirks.doneStatus ?? loader.refusal
      return writeAnswer(sequence, status, at: now)
    }
    // From here on the old application is not whole: power lost now means boot mode.
    if bringsFirmware, !quirks.keepsOldVersion {
      loader.replaced = flash.application
      flash.application = nil
    }
    let time = timing.flash + timing.flashPerMiB * (loader.size >> 20)
    loader.flashing = (now + time, writeBody(sequence, 0))
    return []
  }

  private var isWhole: Bool {
    loader.header.count == 400
      ? CRC32Sierra.of(loader.ram) == bigWord(loader.header, 0x118) : true
  }

  private func writeBody(_ sequence: UInt16, _ status: UInt16) -> [UInt8] {
    var reply: [UInt8] = [0x28]
    reply.append(little: sequence)
    reply.append(little: UInt32(0))
    reply.append(little: status)
    return reply
  }

  private mutating func writeAnswer(
    _ sequence: UInt16, _ status: UInt16, at now: Duration
  ) -> [Emission] {
    answer(writeBody(sequence, status), at: now)
  }

  mutating func done(at now: Duration) -> [Emission] {
    guard loader.state == .complete || loader.state == .greeted else {
      complaints.append("done in the middle of an image")
      return error(0x0f, at: now)
    }
    var reply: [UInt8] = [0x2a]
    reply.append(little: quirks.doneStatus ?? loader.refusal)
    reply += [loader.refusal == 0 ? 0 : loader.type, 0]
    return answer(reply, at: now)
  }

  mutating func reset(at now: Duration) {
    leaving = (now + timing.leave, quirks.staysInBoot)
  }
}
