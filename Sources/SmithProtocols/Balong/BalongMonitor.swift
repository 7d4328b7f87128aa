import SmithBytes
public import SmithLink

/// A conversation with the download monitor of a Huawei stick: one command, one reply
/// (Docs/Protocols/balong-download.md section 5).
///
/// Owns the framing and the rule for lost, late, doubled and garbled replies; knows nothing of
/// packages. Used from one task.
public final class BalongMonitor {
  /// What a monitor says of itself before anything is written.
  public struct Report: Equatable, Sendable {
    /// Text of the 0C reply, as in `7200B--SKCBADZM`.
    public var monitor: String
    /// Product id of the 45 reply without `HUAWEI `; nil if the monitor keeps it to itself.
    public var product: String?
    /// Software version of the 46 reply, if any.
    public var softwareVersion: String?
    /// Answer to AT^AUTHORITYID?, the unit's IMEI on most sticks; nil if it was not told.
    public var authorityID: String?
  }

  let link: any ByteLink
  private var decoder = HDLCDecoder()
  private var frames: [HDLCDecoder.Frame] = []
  private var frame: [UInt8] = []
  /// Replies still owed by the stick: a repeat may be answered twice.
  private var owed = 0
  /// Whether something unexpected arrived since the last ``clearAnomalies()``.
  private(set) var sawAnomaly = false
  /// The last refusal of a block: what to say if the stick then resets itself.
  public internal(set) var lastRefusal: BalongError?

  /// A conversation over an open download port.
  public init(_ link: any ByteLink) {
    self.link = link
  }

  /// Opens the download session on a port whose state was probed: version, signature, data mode,
  /// and what the monitor says of itself (section 5, steps 1-5).
  ///
  /// - Parameters:
  ///   - state: the probed state, `.download` or `.downloadAT`.
  ///   - signature: what SIGNVER announces; nil for an unsigned package.
  ///   - mayLackDataMode: whether a refused DATAMODE is no refusal: V3 monitors do not know it.
  /// - Throws: ``BalongError``; nothing was written to flash.
  public func open(
    _ state: BalongState, signature: BalongSignature?, mayLackDataMode: Bool = true
  ) async throws(BalongError) -> Report {
    let version = try await text("AT^DLOADVER?") { lines in
      lines.contains("2.0") || lines.contains("ERROR")
    }
    // Silence means that the port is past its AT stage and speaks HDLC only.
    if !version.isEmpty {
      guard BalongProbe.lines(version).contains("2.0") else {
        let answer = String(printable: version)
        throw .wrongMonitor(answer: BalongProbe.lines(version).joined(separator: " ") + answer)
      }
      if let signature { try await announce(signature) }
      try await enterDataMode(mayLackDataMode)
    } else if case .downloadAT = state {
      throw .noAnswer(step: "AT^DLOADVER?", tries: 1)
    }
    guard let hello = try await ask(BalongCommand.version, BalongCommand.versionReply, tries: 3)
    else { throw .notDownloadMode }
    guard !Self.isQualcomm(BalongProbe.monitorText(hello)) else {
      throw .wrongMonitor(answer: BalongProbe.monitorText(hello))
    }
    let product = try await ask(BalongCommand.product, 0x45, tries: 3)
    let software = try await ask(BalongCommand.softwareVersion, 0x46, tries: 1)
    return Report(
      monitor: BalongProbe.monitorText(hello),
      product: product.flatMap(Self.productText),
      softwareVersion: software.flatMap(Self.versionText))
  }

  /// Asks what the monitor knows of the stick without changing its mode (section 3, DLOADINFO).
  ///
  /// - Throws: the link's errors; nothing was written.
  public func look() async throws(BalongError) -> Report {
    var report = Report(monitor: "", product: nil, softwareVersion: nil)
    for line in BalongProbe.lines(try await text("AT^DLOADINFO?")) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "?" })
      if line.hasPrefix("swver"), !value.isEmpty { report.softwareVersion = value }
    }
    // Some append ",0" to the number.
    let authority = BalongProbe.lines(try await text("AT^AUTHORITYID?")).first
    report.authorityID = authority.flatMap { $0.split(separator: ",").first.map(String.init) }
    if let hello = try await ask(BalongCommand.version, BalongCommand.versionReply, tries: 1) {
      report.monitor = BalongProbe.monitorText(hello)
      report.product = try await ask(BalongCommand.product, 0x45, tries: 2)
        .flatMap(Self.productText)
      if report.softwareVersion == nil {
        report.softwareVersion = try await ask(BalongCommand.softwareVersion, 0x46, tries: 1)
          .flatMap(Self.versionText)
      }
    }
    return report
  }

  /// Leaves the session: 0A, acknowledged, then the stick restarts about a second later. Returns
  /// when it has left the bus, or after five seconds.
  ///
  /// - Throws: the link's errors other than `.gone`, which is what a restart looks like.
  public func reset() async throws(BalongError) {
    do {
      _ = try await exchange(BalongCommand.reset, "restart", within: .seconds(3), tries: 2)
      let deadline = link.now + .seconds(5)
      while deadline - link.now > .zero {
        guard try await receive(within: deadline - link.now) != nil else { break }
      }
    } catch .noAnswer {
      do { _ = try await text("AT^RESET") } catch .link(.gone) { return }
    } catch .link(.gone) {
      return
    }
  }

  private func announce(_ signature: BalongSignature) async throws(BalongError) {
    let answer = try await text(signature.command) { lines in lines == ["0", "OK"] }
    guard BalongProbe.lines(answer) == ["0", "OK"] else {
      throw .signatureRefused(answer: BalongProbe.lines(answer).joined(separator: " "))
    }
  }

  /// DATAMODE; a monitor that does not know it may still speak HDLC, which the next step finds out.
  private func enterDataMode(_ mayLackIt: Bool) async throws(BalongError) {
    await link.pause(.milliseconds(100))
    let answer = try await text("AT^DATAMODE") { lines in lines.last == "OK" }
    if BalongProbe.lines(answer).last == "OK" { return }
    let speaks = try await ask(BalongCommand.version, BalongCommand.versionReply, tries: 2) != nil
    guard mayLackIt, speaks else {
      throw .datamodeRefused(answer: BalongProbe.lines(answer).joined(separator: " "))
    }
  }

  /// Sends one AT command whole, again if its answer came damaged, and returns the last answer;
  /// empty if nothing came. Every command that is sent this way may be repeated.
  private func text(
    _ command: String, until isGood: ([String]) -> Bool
  ) async throws(BalongError) -> [UInt8] {
    var answer: [UInt8] = []
    for _ in 0..<3 {
      answer = try await text(command)
      let lines = BalongProbe.lines(answer)
      // A clean refusal is an answer; noise around one is not.
      if answer.isEmpty || isGood(lines) || lines == ["ERROR"] { break }
      try await drain(.milliseconds(300))
    }
    return answer
  }

  /// Sends one AT command whole and collects its answer; empty if nothing came.
  private func text(_ command: String) async throws(BalongError) -> [UInt8] {
    try await drain(.zero)
    try await send([UInt8]((command + "\r").utf8))
    let deadline = link.now + .seconds(2)
    var received: [UInt8] = []
    while received.count < 4096, !BalongProbe.isFinal(received) {
      let left = deadline - link.now
      guard left > .zero, let bytes = try await receive(within: left) else { break }
      received += bytes
    }
    return received
  }

  /// Asks until a reply of the wanted kind comes; nil if none does.
  private func ask(_ body: [UInt8], _ kind: UInt8, tries: Int) async throws(BalongError)
    -> [UInt8]?
  {
    for _ in 0..<tries {
      try await drain(.zero)
      try await send(HDLC.frame(body))
      let deadline = link.now + .seconds(2)
      while let reply = try await nextBody(until: deadline) {
        if reply.first == kind { return reply }
        if reply.first == BalongCommand.refusal { break }
      }
    }
    return nil
  }

  /// Sends a command until it is acknowledged or refused in a way that repeating cannot mend.
  ///
  /// - Parameters:
  ///   - body: the command; repeating it must be harmless.
  ///   - step: its name in errors.
  ///   - limit: how long the first try may take; later tries get more.
  /// - Returns: nil when acknowledged, else the refusal.
  func exchange(_ body: [UInt8], _ step: String, within limit: Duration, tries: Int)
    async throws(BalongError) -> BalongRefusal?
  {
    frame.removeAll(keepingCapacity: true)
    HDLC.encode(body, into: &frame)
    try await takeStrays()
    for attempt in 1...tries {
      try await send(frame)
      owed += 1
      switch try await acknowledgement(until: link.now + limit * ((attempt + 1) / 2)) {
      case .accepted:
        if owed > 0 { try await settle(within: limit) }
        return nil
      case .refused(let refusal) where refusal.isAboutTheFrame && attempt < tries:
        sawAnomaly = true
      case .refused(let refusal):
        if owed > 0 { try await settle(within: limit) }
        return refusal
      case .none:
        sawAnomaly = true
      }
    }
    throw .noAnswer(step: step, tries: tries)
  }

  /// Whatever waits before a command is sent answers none of ours: a doubled reply that stayed
  /// would be taken for the next block's, and a lost block would go unnoticed.
  private func takeStrays() async throws(BalongError) {
    if frames.isEmpty, try await receive(within: .zero) == nil { return }
    sawAnomaly = true
    try await drain(.zero)
  }

  /// Starts a new account of unexpected replies.
  func clearAnomalies() {
    sawAnomaly = false
  }

  private enum Acknowledgement { case accepted, refused(BalongRefusal) }

  private func acknowledgement(until deadline: Duration) async throws(BalongError)
    -> Acknowledgement?
  {
    while let body = try await nextBody(until: deadline) {
      owed = max(0, owed - 1)
      if body.first == BalongCommand.acknowledge {
        if !frames.isEmpty { sawAnomaly = true }
        return .accepted
      }
      if body.first == BalongCommand.refusal, body.count >= 3 {
        return .refused(BalongRefusal(code: body[2]))
      }
      sawAnomaly = true
    }
    return nil
  }

  /// Takes in the answers to earlier tries, so that none of them is taken for a later block's.
  private func settle(within limit: Duration) async throws(BalongError) {
    // Answers keep their order: what is owed follows at once, or was lost.
    let deadline = link.now + min(limit, .seconds(5))
    while owed > 0, try await nextBody(until: deadline) != nil { owed -= 1 }
    owed = 0
    try await drain(.milliseconds(20))
  }

  /// Throws away everything that arrives until the line is quiet for `quiet`.
  private func drain(_ quiet: Duration) async throws(BalongError) {
    for _ in 0..<256 {
      guard try await receive(within: quiet) != nil else { break }
    }
    frames.removeAll(keepingCapacity: true)
    decoder.reset()
  }

  /// The next frame with a good CRC; a garbled one shortens the wait, for its sender will not
  /// repeat it unasked.
  private func nextBody(until deadline: Duration) async throws(BalongError) -> [UInt8]? {
    var deadline = deadline
    while true {
      while !frames.isEmpty {
        switch frames.removeFirst() {
        case .body(let body): return body
        case .garbage:
          sawAnomaly = true
          deadline = min(deadline, link.now + .milliseconds(500))
        }
      }
      let left = deadline - link.now
      guard left > .zero, let bytes = try await receive(within: left) else { return nil }
      frames = decoder.feed(bytes)
    }
  }

  private func send(_ bytes: [UInt8]) async throws(BalongError) {
    do { try await link.send(bytes) } catch { throw .link(error) }
  }

  private func receive(within limit: Duration) async throws(BalongError) -> [UInt8]? {
    do {
      return try await link.receive(within: limit)
    } catch .silent {
      return nil
    } catch {
      throw .link(error)
    }
  }

  /// Whether a monitor's text is that of a Qualcomm loader, which takes the same commands and
  /// other packages.
  public static func isQualcomm(_ monitor: String) -> Bool {
    // OEMSBL, QCSBL: secondary boot loaders; Balong's monitors have no such name.
    monitor.contains("SBL")
  }

  private static func versionText(_ body: [UInt8]) -> String? {
    let text = String(printable: [UInt8](body.dropFirst(2)))
    return text.isEmpty ? nil : text
  }

  private static func productText(_ body: [UInt8]) -> String? {
    let text = String(printable: [UInt8](body.dropFirst()))
    let product = text.hasPrefix("HUAWEI ") ? String(text.dropFirst(7)) : text
    return product.isEmpty ? nil : product
  }
}

/// What `AT^SIGNVER` announces (Docs/Protocols/balong-download.md section 5).
public struct BalongSignature: Equatable, Sendable {
  /// Low three bits of the package kind.
  public var type: UInt8
  /// SHA-256 of the public key, 32 bytes.
  public var keyHash: [UInt8]
  /// Size of the signature block in bytes.
  public var size: Int

  /// Gathers the parts.
  public init(type: UInt8, keyHash: [UInt8], size: Int) {
    self.type = type
    self.keyHash = keyHash
    self.size = size
  }

  var command: String { "AT^SIGNVER=\(type),0,\(keyHash.hex.uppercased()),\(size)" }
}
