import Foundation
import SmithLink
import SmithModel
import Testing

@testable import SmithAT

/// Every recorded AT dialogue, over every kind of cable (skipped where the records are absent).
@Suite("Recorded AT dialogues") struct TranscriptTests {
  struct Dialogue {
    var id: String
    var command: String
    var lines: [String]
    var final: String?
  }

  @Test(
    "Recorded answers are read whole with echo, reports and any split",
    arguments: ["huawei", "zte", "alcatel", "sierra"]) func replay(vendor: String) async throws
  {
    guard let url = Self.folder?.appending(path: "\(vendor)-transcripts.json"),
      let data = try? Data(contentsOf: url)
    else { return }
    let dialogues = try Self.dialogues(data)
    #expect(dialogues.count >= (vendor == "alcatel" ? 5 : 25))
    for dialogue in dialogues { try await check(dialogue) }
  }

  private func check(_ dialogue: Dialogue) async throws {
    let plain = wire(dialogue.lines, dialogue.final)
    let echoed = [UInt8]((dialogue.command + "\r").utf8) + plain
    for bytes in [plain, echoed] {
      try await expect(dialogue, [bytes])
      try await expect(dialogue, bytes.map { [$0] })
      for cut in stride(from: 1, to: bytes.count, by: 1) {
        try await expect(dialogue, [[UInt8](bytes[..<cut]), [UInt8](bytes[cut...])])
      }
    }
    let report = "^HCSQ:\"LTE\",40,30,90,14"
    for place in 0...dialogue.lines.count {
      var lines = dialogue.lines
      lines.insert(report, at: place)
      try await expect(dialogue, [wire(lines, dialogue.final)], reports: 1)
      let head = [UInt8]("\r\n\(report)\r\n\(dialogue.command)\r".utf8)
      try await expect(dialogue, [head + wire(lines, dialogue.final)], reports: 2)
    }
  }

  private func wire(_ lines: [String], _ final: String?) -> [UInt8] {
    let all = lines + (final.map { [$0] } ?? [])
    return [UInt8](("\r\n" + all.joined(separator: "\r\n") + "\r\n").utf8)
  }

  private func expect(_ dialogue: Dialogue, _ chunks: [[UInt8]], reports: Int = 0) async throws {
    let asked = ATLine(dialogue.command).parts.map(\.name)
    let spoken = dialogue.lines.filter { !$0.allSatisfy(\.isWhitespace) }
      .filter { $0.uppercased() != dialogue.command.uppercased() }
    let expected = spoken.filter {
      UnsolicitedLines.name(of: $0, asked: asked) == nil && $0 != "NO CARRIER"
    }
    let id = Comment(rawValue: dialogue.id)
    switch await outcome(of: ATCommand(dialogue.command), chunks) {
    case .success(let response):
      #expect(response.lines == expected, id)
      #expect(response.final == dialogue.final.flatMap { ATFinal.read($0)?.final }, id)
      #expect(response.unsolicited.count == spoken.count - expected.count + reports, id)
    case .failure(let error):
      #expect(dialogue.final == nil, id)
      #expect(error.trouble.code == "at.unfinished", id)
    }
  }

  private func outcome(of command: ATCommand, _ chunks: [[UInt8]]) async
    -> Result<ATResponse, ATError>
  {
    do throws(ATError) {
      return .success(try await answer(to: command, chunks))
    } catch {
      return .failure(error)
    }
  }

  /// Over a session; a command that the guard keeps back is read without one.
  private func answer(to command: ATCommand, _ chunks: [[UInt8]]) async throws(ATError)
    -> ATResponse
  {
    guard ATGuard().refusal(of: command) != nil else {
      let link = ScriptedLink { _ in chunks.map { .init(after: .milliseconds(1), bytes: $0) } }
      return try await ATSession(link: link).send(command)
    }
    var reader = AnswerReader(command: command, limit: 65_536)
    for chunk in chunks {
      guard let final = try reader.take(chunk) else { continue }
      return ATResponse(lines: reader.lines, final: final, unsolicited: reader.unsolicited)
    }
    throw .unfinished(command: command.text, lines: reader.lines)
  }

  private static var folder: URL? {
    let named = ProcessInfo.processInfo.environment["MODEMSMITH_SHARED"]
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (named.map { URL(filePath: $0) } ?? root.appending(path: "../shared"))
      .standardizedFileURL.appending(path: "protocols")
  }

  private static func dialogues(_ data: Data) throws -> [Dialogue] {
    let root = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    var result: [Dialogue] = []
    for entry in root["entries"] as? [[String: Any]] ?? [] {
      guard let id = entry["id"] as? String, let command = entry["command"] as? String,
        command.uppercased().hasPrefix("AT"), !command.contains(" then "),
        var lines = entry["response_lines"] as? [String],
        !lines.contains(where: { $0.hasPrefix("hex ") })
      else { continue }
      var final: String?
      if let last = lines.last, ATFinal.read(last) != nil { final = lines.removeLast() }
      result.append(Dialogue(id: id, command: command, lines: lines, final: final))
    }
    for entry in root["transcripts"] as? [[String: Any]] ?? [] {
      for exchange in entry["exchanges"] as? [[String: Any]] ?? [] {
        guard let id = entry["id"] as? String, let command = exchange["send"] as? String,
          var lines = exchange["receive"] as? [String]
        else { continue }
        var final = exchange["final"] as? String
        if final == nil, let last = lines.last, ATFinal.read(last) != nil {
          final = lines.removeLast()
        }
        // The page shows no end; the modem sent one.
        result.append(Dialogue(id: id, command: command, lines: lines, final: final ?? "OK"))
      }
    }
    return result
  }
}
