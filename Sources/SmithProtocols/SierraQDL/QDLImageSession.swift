import SmithLink
import SmithModel

/// One image from hello to done, begun again where that is the only safe way on.
struct QDLImageSession {
  let image: QDLImage
  let index: Int
  let version: UInt8
  let limits: QDLLimits
  let progress: (QDLProgress) async throws(Trouble) -> Void
  private(set) var attempt = 1
  /// Whether the last chunk of this image has ever left: from then on the flash may be written.
  private var lastChunkLeft = false

  init(
    image: QDLImage, index: Int, version: UInt8, limits: QDLLimits,
    progress: @escaping (QDLProgress) async throws(Trouble) -> Void
  ) {
    self.image = image
    self.index = index
    self.version = version
    self.limits = limits
    self.progress = progress
  }

  /// How one attempt ended.
  private enum End {
    case written, notNeeded
    /// Begin again; the error is thrown if there were attempts enough.
    case again(QDLError)
  }

  /// Sends the image; false if the stick does not need it.
  mutating func run(_ wire: inout QDLWire) async throws(QDLError) -> Bool {
    while true {
      let end: End
      do {
        end = try await once(&wire)
      } catch {
        throw lastChunkLeft ? afterFlash(error) : error
      }
      switch end {
      case .written: return true
      case .notNeeded: return false
      case .again(let error):
        guard attempt < limits.attempts else { throw lastChunkLeft ? afterFlash(error) : error }
        attempt += 1
        try await wire.drain(quiet: limits.quiet, at: lastChunkLeft ? .flash : .write)
      }
    }
  }

  /// Once the last chunk has left, a failure at any later step says nothing about the flash.
  private func afterFlash(_ error: QDLError) -> QDLError {
    switch error {
    case .silent, .unexpected, .malformed, .refused: .lastAnswerLost(image: image.name)
    case .gone: .gone(.flash)
    case .link(_, let cause): .link(.flash, cause)
    default: error
    }
  }

  private mutating func once(_ wire: inout QDLWire) async throws(QDLError) -> End {
    switch try await SierraQDL.hello(&wire, version, limits, at: .hello) {
    case .agreed: break
    case .refused: return .again(.refused(.hello, image: image.name, code: 7))
    case .silent: return .again(.silent(.hello, image: image.name))
    }
    let chunk: Int
    switch try await open(&wire) {
    case .chunk(let size): chunk = size
    case .notNeeded: return .notNeeded
    case .again(let error): return .again(error)
    }
    if let error = try await write(&wire, chunk) { return .again(error) }
    return try await done(&wire)
  }

  private enum Opened {
    case chunk(Int), notNeeded
    case again(QDLError)
  }

  private func open(_ wire: inout QDLWire) async throws(QDLError) -> Opened {
    try await wire.send(QDLMessage.open(image), at: .open)
    let end = wire.link.now + limits.answer
    while let answer = try await wire.next(
      until: end, broken: limits.quiet, at: .open)
    {
      switch answer.kind {
      case QDLMessage.openResponse:
        guard answer.body.count >= 8, let status = answer.little16(1),
          let most = answer.little32(4)
        else { throw .malformed(.open, count: answer.body.count) }
        if status == 7 { return .notNeeded }
        guard status == 0 else { throw .openRefused(image: image.name, status: status) }
        let chunk = most == 0 ? limits.chunkBytes : min(limits.chunkBytes, Int(most))
        guard (image.size - 1) / chunk < 65_536 else {
          throw .chunksTooSmall(image: image.name, bytes: chunk)
        }
        return .chunk(chunk)
      case QDLMessage.error: return try failure(answer, .open)
      case _ where QDLMessage.answers.contains(answer.kind): continue
      default: throw .unexpected(.open, first: answer.kind)
      }
    }
    return .again(.silent(.open, image: image.name))
  }

  private func failure(
    _ answer: QDLAnswer, _ step: QDLError.Step
  ) throws(QDLError) -> Opened {
    let code = answer.little32(1)
    let error = QDLError.refused(step, image: image.name, code: code ?? 0)
    guard SierraQDL.isTransient(code) else { throw error }
    return .again(error)
  }

  /// Sends every chunk once. A chunk without a good answer is never sent again: the loader may
  /// have taken it. The error is the reason to begin the image again.
  private mutating func write(
    _ wire: inout QDLWire, _ chunk: Int
  ) async throws(QDLError) -> QDLError? {
    var offset = 0
    var sequence = 0
    while offset < image.size {
      let count = min(chunk, image.size - offset)
      let isLast = offset + count == image.size
      var packet = QDLMessage.writeHeader(sequence: UInt16(sequence), count: count)
      let header = packet.count
      packet.reserveCapacity(header + count)
      guard image.append(offset..<(offset + count), &packet), packet.count == header + count else {
        throw .sourceFailed(image: image.name, offset: offset)
      }
      if isLast {
        try await report(sent: offset, isFlashing: true)
        lastChunkLeft = true
      }
      try await wire.sendRaw(packet, at: isLast ? .flash : .write)
      if let error = try await writeAnswer(&wire, sequence, count, isLast) { return error }
      offset += count
      sequence += 1
      try await report(sent: offset, isFlashing: isLast)
    }
    return nil
  }

  private func writeAnswer(
    _ wire: inout QDLWire, _ sequence: Int, _ count: Int, _ isLast: Bool
  ) async throws(QDLError) -> QDLError? {
    let step: QDLError.Step = isLast ? .flash : .write
    let limit =
      isLast
      ? limits.flash + .seconds(2) * (image.size >> 20 + 1)
      : limits.chunk + .seconds(10) * (count >> 20 + 1)
    // A broken frame before the last answer may be noise at the begin of flashing: then the
    // stick must be left alone for the whole time.
    let broken = isLast ? nil : limits.answer
    let end = wire.link.now + limit
    while let answer = try await wire.next(until: end, broken: broken, at: step) {
      switch answer.kind {
      case QDLMessage.writeResponse:
        guard answer.body.count >= 9, let number = answer.little16(1),
          let status = answer.little16(7)
        else { throw .malformed(step, count: answer.body.count) }
        // An answer that comes twice belongs to an earlier chunk.
        if Int(number) < sequence { continue }
        guard Int(number) == sequence else { return .unexpected(step, first: answer.kind) }
        if status == 0 { return nil }
        let refused = QDLError.writeRefused(
          image: image.name, sequence: sequence, status: status)
        guard status == 1 else { throw refused }
        return refused
      case QDLMessage.error:
        guard case .again(let error) = try failure(answer, step) else { continue }
        return error
      case _ where QDLMessage.answers.contains(answer.kind): continue
      default: throw .unexpected(step, first: answer.kind)
      }
    }
    return .silent(step, image: image.name)
  }

  private func done(_ wire: inout QDLWire) async throws(QDLError) -> End {
    try await wire.send(QDLMessage.done, at: .done)
    let end = wire.link.now + limits.answer
    while let answer = try await wire.next(
      until: end, broken: limits.quiet, at: .done)
    {
      switch answer.kind {
      case QDLMessage.doneResponse:
        guard answer.body.count >= 4, let status = answer.little16(1) else {
          throw .malformed(.done, count: answer.body.count)
        }
        guard status == 0 else {
          throw .doneRefused(image: image.name, status: status, type: answer.body[3])
        }
        try await report(sent: image.size, isFlashing: false, isDone: true)
        return .written
      case QDLMessage.error:
        guard case .again(let error) = try failure(answer, .done) else { continue }
        return .again(error)
      case _ where QDLMessage.answers.contains(answer.kind): continue
      default: throw .unexpected(.done, first: answer.kind)
      }
    }
    return .again(.silent(.done, image: image.name))
  }

  /// What was sent already is acknowledged only by an answer: a watcher that stops the download
  /// before the last chunk leaves the old firmware whole.
  private func report(sent: Int, isFlashing: Bool, isDone: Bool = false) async throws(QDLError) {
    do {
      try await progress(
        QDLProgress(
          image: index, name: image.name, sent: sent, size: image.size, attempt: attempt,
          isFlashing: isFlashing, isDone: isDone))
    } catch { throw .stopped(error) }
  }
}
