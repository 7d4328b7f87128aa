import SmithAT
import SmithLink

/// Asks optional questions and keeps what came back; gives up on a port that falls silent.
final class Asker {
  let session: ATSession
  private(set) var answers: [DeviceReport.Answer] = []
  /// How many questions had no answer.
  private(set) var silences = 0
  /// No more than this many unanswered questions.
  static let patience = 3

  /// Whether the questions of the hour are asked too: signal, network, temperature.
  let asksOfTheHour: Bool

  init(_ session: ATSession, asksOfTheHour: Bool = true) {
    self.session = session
    self.asksOfTheHour = asksOfTheHour
  }

  /// Whether the port stopped answering.
  var gaveUp: Bool { silences >= Self.patience }

  /// A question whose silence is an error.
  func demand(_ command: ATCommand) async throws(ATError) -> ATResponse {
    let response = try await session.send(command)
    keep(command, response)
    return response
  }

  /// A question that may stay unanswered; nil if it did, or if the port gave up before.
  func ask(_ command: ATCommand) async throws(ATError) -> ATResponse? {
    guard !gaveUp else { return nil }
    do throws(ATError) {
      return try await demand(command)
    } catch .silent {
      silences += 1
    } catch .unfinished(_, let lines) {
      silences += 1
      answers.append(.init(command: command.text, lines: lines, final: nil))
      return nil
    }
    answers.append(.init(command: command.text, lines: [], final: nil))
    return nil
  }

  private func keep(_ command: ATCommand, _ response: ATResponse) {
    answers.append(
      .init(command: command.text, lines: response.lines, final: response.final))
  }
}

extension ATSession {
  /// Whether anything answers AT on a port; changes nothing.
  static func answers(over link: any ByteLink) async throws(LinkError) -> Bool {
    do throws(ATError) {
      _ = try await ATSession(link: link).send("AT", within: .seconds(1))
      return true
    } catch .link(let error) {
      throw error
    } catch {
      return false
    }
  }
}
