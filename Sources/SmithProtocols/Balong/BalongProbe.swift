import SmithBytes
public import SmithLink

/// What answers on a port, found by asking (Docs/Protocols/balong-download.md section 4).
public enum BalongState: Equatable, Sendable {
  /// A download monitor that speaks HDLC; its version text.
  case download(monitor: String)
  /// A download monitor that wants AT^DATAMODE before HDLC.
  case downloadAT
  /// AT commands of the normal firmware.
  case normal
  /// Qualcomm DIAG of the normal firmware.
  case diag
  /// The boot ROM: it answers "A" with "U".
  case bootROM
  /// Nothing answers.
  case silent
}

/// Asks a port what it is; never infers it from a USB product id.
public struct BalongProbe {
  private let link: any ByteLink
  /// How long each question may stay unanswered.
  private let patience: Duration

  /// A probe over an open port.
  public init(_ link: any ByteLink, patience: Duration = .seconds(1)) {
    self.link = link
    self.patience = patience
  }

  /// The state of the port. Three harmless questions, the likeliest first: `expectingDownload`
  /// says that the stick was told to enter download mode just now.
  ///
  /// - Throws: the link's errors; the stick is untouched.
  public func state(expectingDownload: Bool) async throws(LinkError) -> BalongState {
    try await drain()
    if !expectingDownload, let state = try await askAT() { return state }
    if let state = try await askHDLC() { return state }
    if let state = try await askDownloadVersion() { return state }
    if expectingDownload, let state = try await askAT() { return state }
    return .silent
  }

  private func drain() async throws(LinkError) {
    for _ in 0..<64 {
      do { _ = try await link.receive(within: .zero) } catch .silent { return }
    }
  }

  /// `AT` is unknown to a download monitor and answered by every normal firmware.
  private func askAT() async throws(LinkError) -> BalongState? {
    try await link.send([UInt8]("AT\r".utf8))
    var frames = HDLCDecoder()
    return try await listen { received, new in
      for case .body(let body) in frames.feed(new) where body.first == BalongCommand.refusal {
        return .download(monitor: "")
      }
      if received == [0x55] { return .bootROM }
      return Self.isFinal(received) ? .normal : nil
    }
  }

  private func askHDLC() async throws(LinkError) -> BalongState? {
    try await link.send(HDLC.frame(BalongCommand.version))
    var frames = HDLCDecoder()
    var refused = false
    var isQualcomm = false
    let state: BalongState? = try await listen { received, new in
      for case .body(let body) in frames.feed(new) {
        switch body.first {
        // Boot code and loaders of Qualcomm chips use the same numbers, and say so.
        case 0x0e: isQualcomm = true
        case BalongCommand.versionReply
        where isQualcomm || Self.monitorText(body).hasPrefix("PBL"):
          return .silent
        // An error message of a QDL loader: a number of four bytes where a text would stand.
        case BalongCommand.versionReply where body.count >= 6 && body[2..<5] == [0, 0, 0]:
          return .silent
        case BalongCommand.versionReply: return .download(monitor: Self.monitorText(body))
        case 0x13: return .diag
        case 0x0c: return .normal  // our own bytes: an AT port with echo on
        case BalongCommand.refusal: refused = true
        default: break
        }
      }
      return Self.isFinal(received) ? .normal : nil
    }
    return state ?? (isQualcomm ? .silent : refused ? .download(monitor: "") : nil)
  }

  private func askDownloadVersion() async throws(LinkError) -> BalongState? {
    try await link.send([UInt8]("AT^DLOADVER?\r".utf8))
    return try await listen { received, _ in
      guard Self.isFinal(received) else { return nil }
      return Self.lines(received).contains("2.0") ? .downloadAT : .normal
    }
  }

  /// Collects bytes until `judge` knows or the patience ends; nil if it never knew.
  private func listen(
    _ judge: (_ received: [UInt8], _ new: [UInt8]) -> BalongState?
  ) async throws(LinkError) -> BalongState? {
    let deadline = link.now + patience
    var received: [UInt8] = []
    while received.count < 4096 {
      let left = deadline - link.now
      guard left > .zero else { return nil }
      let new: [UInt8]
      do { new = try await link.receive(within: left) } catch .silent { return nil }
      received += new
      if let state = judge(received, new) { return state }
    }
    return nil
  }

  static func monitorText(_ body: [UInt8]) -> String {
    String(printable: [UInt8](body.dropFirst(2)))
  }

  /// Whether an AT answer is complete: one of its lines is a final result.
  static func isFinal(_ received: [UInt8]) -> Bool {
    lines(received).contains {
      $0 == "OK" || $0 == "ERROR" || $0 == "COMMAND NOT SUPPORT" || $0 == "TOO MANY PARAMETERS"
        || $0.hasPrefix("+CME ERROR")
    }
  }

  /// The lines of an answer that end with CR or LF, trimmed, empty ones left out.
  static func lines(_ received: [UInt8]) -> [String] {
    guard let end = received.lastIndex(where: { $0 == 0x0d || $0 == 0x0a }) else { return [] }
    return received[..<end].split { $0 == 0x0d || $0 == 0x0a }
      .map { String(printable: [UInt8]($0)) }
      .map { $0.hasPrefix(" ") ? String($0.drop { $0 == " " }) : $0 }
      .filter { !$0.isEmpty }
  }
}
