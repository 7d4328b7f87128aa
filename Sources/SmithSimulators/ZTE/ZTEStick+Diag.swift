import SmithBytes
import SmithLink

/// The diagnostic port of the service composition (Docs/Protocols/diag.md).
extension ZTEStick {
  /// One numbered setting, as its flash holds it.
  public func item(_ number: UInt16) -> [UInt8]? { diag.items[number] }
  /// Changes one numbered setting behind everybody's back.
  public mutating func setItem(_ number: UInt16, _ data: [UInt8]?) { diag.items[number] = data }

  mutating func receiveDiag(_ bytes: [UInt8], at now: Duration) -> [Emission] {
    frames.feed(bytes).flatMap { frame -> [Emission] in
      guard case .body(let request) = frame, !request.isEmpty else { return [] }
      diag.build = firmware
      let (reply, action) = diag.answer(request)
      complaints += diag.complaints
      diag.complaints = []
      if action == .reset { body.restartAt = now + .milliseconds(200) }
      return [
        Emission(port: 0, bytes: Array(HDLC.frame(reply).dropFirst()), at: now + .milliseconds(2))
      ]
    }
  }
}
