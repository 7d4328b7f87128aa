import SmithLink
import SmithModel

/// The line discipline of a simulated stick's AT port: echo, lines, framing.
struct SimAT: Sendable {
  private var line: [UInt8] = []
  private var echoes = true

  /// Takes bytes; `run` answers one command: its lines, or nil for ERROR.
  mutating func take(
    _ bytes: [UInt8], port: Int, at now: Duration, run: (String) -> (lines: [String]?, silent: Bool)
  ) -> [Emission] {
    var sent: [UInt8] = []
    for byte in bytes {
      guard byte == 0x0d else {
        if byte != 0x0a, line.count < 512 { line.append(byte) }
        continue
      }
      let text = String(decoding: line, as: UTF8.self)
      if echoes { sent += line + [0x0d] }
      line = []
      let upper = text.uppercased()
      if upper == "ATE0" || upper == "ATE1" { echoes = upper == "ATE1" }
      let answer: (lines: [String]?, silent: Bool) =
        ["AT", "ATE0", "ATE1", "ATZ", "AT+CMEE=1", "AT+CMEE=2"].contains(upper)
        ? ([], false) : run(text)
      if answer.silent { continue }
      var reply = "\r\n"
      for part in answer.lines ?? [] { reply += part + "\r\n" }
      reply += answer.lines == nil ? "ERROR\r\n" : answer.lines == [] ? "OK\r\n" : "\r\nOK\r\n"
      sent += Array(reply.utf8)
    }
    return sent.isEmpty ? [] : [Emission(port: port, bytes: sent, at: now + .milliseconds(4))]
  }

  /// A restart forgets everything.
  mutating func restart() { self = SimAT() }
}
