public import SmithLink
public import SmithModel

/// Sends images to a Sierra boot loader over QDL versions 5 and 6
/// (Docs/Protocols/sierra-qdl.md section 6).
///
/// The stick is in boot mode already; afterwards it restarts by itself. Nothing here says that
/// the stick was updated: that takes asking it.
public enum SierraQDL {
  /// Switch, hello, every image in the given order, reset.
  ///
  /// - Parameters:
  ///   - images: what to send; the larger file first is what loaders are used to.
  ///   - link: the download port, just opened.
  ///   - limits: waits and repetitions.
  ///   - progress: called after each acknowledged chunk and around flashing; before the last
  ///     chunk of an image leaves, `isFlashing` is true for the first time. A throw stops there.
  /// - Returns: what was written.
  /// - Throws: ``QDLError``; the stick is left in boot mode and no reset is sent.
  public static func download(
    _ images: [QDLImage], over link: any ByteLink, limits: QDLLimits = QDLLimits(),
    progress: @escaping (QDLProgress) async throws(Trouble) -> Void = { _ in }
  ) async throws(QDLError) -> QDLResult {
    try check(images)
    var wire = QDLWire(link)
    let version = try await start(&wire, limits)
    guard images.allSatisfy({ ($0.type == .cwe) == (version >= 6) }) else {
      throw .wrongVersion(version)
    }
    var result = QDLResult(
      version: version, written: [], notNeeded: [], restarts: 0, garbage: 0)
    for (index, image) in images.enumerated() {
      var session = QDLImageSession(
        image: image, index: index, version: version, limits: limits, progress: progress)
      if try await session.run(&wire) {
        result.written.append(image.name)
      } else {
        result.notNeeded.append(image.name)
      }
      result.restarts += session.attempt - 1
    }
    await reset(&wire)
    result.garbage = wire.garbage
    return result
  }

  /// Finds out whether a QDL loader listens, and which version it speaks. Changes nothing.
  public static func probe(
    over link: any ByteLink, limits: QDLLimits = QDLLimits()
  ) async throws(QDLError) -> UInt8 {
    var wire = QDLWire(link)
    return try await start(&wire, limits)
  }

  /// Lets a loader start the firmware it has. There is no answer; the port goes away.
  public static func leave(over link: any ByteLink) async {
    var wire = QDLWire(link)
    await reset(&wire)
  }

  private static func check(_ images: [QDLImage]) throws(QDLError) {
    guard !images.isEmpty else { throw .badPlan("no image") }
    for image in images {
      guard image.size > 0 else { throw .badPlan("\(image.name) is empty") }
      guard image.size <= Int(UInt32.max) - 400 else { throw .badPlan("\(image.name) is too big") }
      guard image.header.count == (image.type == .cwe ? 400 : 0) else {
        throw .badPlan("\(image.name) has a header of \(image.header.count) bytes")
      }
    }
  }

  private static func reset(_ wire: inout QDLWire) async {
    // The loader may be off the bus before the write returns; that is what we asked for.
    do { try await wire.send(QDLMessage.reset, at: .done) } catch {}
  }

  /// Changes over to QDL and agrees on a version. Silence to the switch is no reason to stop: a
  /// loader that was changed over before answers only to hello.
  private static func start(
    _ wire: inout QDLWire, _ limits: QDLLimits
  ) async throws(QDLError) -> UInt8 {
    let wasHeard = try await changeOver(&wire, limits)
    var isHeard = wasHeard
    for version in limits.versions {
      switch try await hello(&wire, version, limits, at: .start) {
      case .agreed: return version
      case .refused: isHeard = true
      case .silent: if !isHeard { throw .noAnswer }
      }
    }
    throw isHeard ? .versionRefused(limits.versions) : .noAnswer
  }

  private static func changeOver(
    _ wire: inout QDLWire, _ limits: QDLLimits
  ) async throws(QDLError) -> Bool {
    for _ in 0..<limits.tries {
      try await wire.send(QDLMessage.switchRequest, at: .start)
      let end = wire.link.now + limits.answer
      while let answer = try await wire.next(
        until: end, broken: limits.quiet, at: .start)
      {
        if answer.isDLOADAcknowledge { return true }
        switch answer.kind {
        case QDLMessage.error:
          let code = answer.little32(1) ?? 0
          guard code == QDLMessage.notSupported else { throw .switchRefused(code) }
          return true
        case 0x13, 0x70: throw .diagPort
        case _ where QDLMessage.answers.contains(answer.kind): continue
        default: throw .unexpected(.start, first: answer.kind)
        }
      }
    }
    return false
  }

  enum Hello { case agreed, refused, silent }

  /// Says hello; also the way to make a loader forget an image that was begun.
  static func hello(
    _ wire: inout QDLWire, _ version: UInt8, _ limits: QDLLimits, at step: QDLError.Step
  ) async throws(QDLError) -> Hello {
    for _ in 0..<limits.tries {
      try await wire.send(QDLMessage.hello(version: version), at: step)
      let end = wire.link.now + limits.answer
      while let answer = try await wire.next(
        until: end, broken: limits.quiet, at: step)
      {
        // An acknowledge of the switch may come late; an answer to what went before, too.
        if answer.isDLOADAcknowledge { continue }
        if answer.isHello {
          let (highest, lowest) = (answer.body[33], answer.body[34])
          return lowest <= version && version <= highest ? .agreed : .refused
        }
        switch answer.kind {
        case QDLMessage.error:
          // A late refusal of the switch, or an answer to the end of a broken chunk.
          if answer.little32(1) == QDLMessage.notSupported { continue }
          if isTransient(answer.little32(1)) { continue }
          return .refused
        case QDLMessage.helloResponse: throw .malformed(.hello, count: answer.body.count)
        case 0x13, 0x70: throw .diagPort
        case _ where QDLMessage.answers.contains(answer.kind): continue
        default: throw .unexpected(.hello, first: answer.kind)
        }
      }
    }
    return .silent
  }

  /// Errors that speak of a broken frame or an earlier state, not of what was asked: bad length,
  /// early end, out of sequence, bad CRC, wrong state, time ran out.
  static func isTransient(_ code: UInt32?) -> Bool {
    guard let code else { return true }
    return [0x03, 0x04, 0x0f, 0x17, 0x18, 0x19].contains(code)
  }
}
