import Foundation
import SmithEngine
import SmithModel
import SmithVendors
import Synchronization

/// Everything that this process says; standard output for answers, standard error for the rest.
enum Output {
  /// Whether standard error is a terminal that wants colour.
  static let isColourful: Bool = {
    let environment = ProcessInfo.processInfo.environment
    let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return isTerminal && !refused && environment["TERM"] != "dumb"
  }()
  /// Whether standard error is a terminal.
  static let isTerminal = isatty(2) == 1

  private static let gate = Mutex(())

  /// One line of an answer.
  static func line(_ text: String = "") {
    write(text + "\n", to: .standardOutput)
  }

  /// One line beside the answer.
  static func error(_ text: String) {
    let fitted = TerminalWidth.columns.map { TerminalWidth.wrapped(text, to: $0) }
    write((fitted ?? text) + "\n", to: .standardError)
  }

  /// Part of a line on the terminal, as it is.
  static func raw(_ text: String) {
    write(text, to: .standardError)
  }

  /// One JSON object a line.
  static func json(_ value: JSONValue) {
    line(value.text)
  }

  private static func write(_ text: String, to handle: FileHandle) {
    gate.withLock { _ in
      // A reader that went away (a closed pipe) is no reason to stop an update.
      try? handle.write(contentsOf: Data(text.utf8))
    }
  }

  /// Text in a colour, where colour is wanted.
  static func paint(_ text: String, _ colour: Colour) -> String {
    isColourful ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
  }

  enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case bold = "1"
    case faint = "2"
  }

  /// A trouble as a small tree: what happened, the state of the stick, what to do.
  static func show(_ trouble: Trouble) {
    error(paint("✗ \(trouble.summary)", .red) + paint("  [\(trouble.code)]", .faint))
    for fact in trouble.facts { error("  · \(fact)") }
    error("  stick: \(words(trouble.aftermath))")
    error("  safe to unplug: \(trouble.safeToUnplug ? "yes" : "no")")
    for (index, advice) in trouble.advice.enumerated() {
      error("  \(index == 0 ? "→ next:" : "  or:  ") \(advice)")
    }
  }

  static func words(_ aftermath: Aftermath) -> String {
    switch aftermath {
    case .untouched: "untouched; nothing that could change it was sent"
    case .stillBoots: "it still starts"
    case .needsRescue: "it waits in download mode; `modemsmith resume` goes on"
    case .unknown: "not known until it is asked again"
    }
  }
}

/// A JSON value with a stable order of keys.
enum JSONValue: Encodable, Sendable {
  case string(String)
  case number(Double)
  case integer(Int)
  case bool(Bool)
  case array([JSONValue])
  case object([String: JSONValue])
  case null

  /// A text, or null.
  static func text(_ value: (some CustomStringConvertible)?) -> JSONValue {
    value.map { .string($0.description) } ?? .null
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .string(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .bool(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    case .null: try container.encodeNil()
    }
  }

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return "null" }
    return String(decoding: data, as: UTF8.self)
  }
}

extension Trouble {
  /// The trouble as an object of the JSON contract.
  var json: JSONValue {
    .object([
      "code": .string(code), "summary": .string(summary),
      "facts": .array(facts.map { .string($0) }), "advice": .array(advice.map { .string($0) }),
      "aftermath": .string(aftermath.rawValue), "safe_to_unplug": .bool(safeToUnplug),
      "exit_code": .integer(Int(exitCode.rawValue)),
    ])
  }
}

/// Runs a command's work and says what went wrong in the way that was asked for.
///
/// - Parameter asReport: whether the last JSON line has to be a report, even of a run that never
///   began.
func explaining(
  json: Bool, asReport: Bool = false,
  _ work: () async throws(Trouble) -> SmithModel.ExitCode
) async throws {
  let code: SmithModel.ExitCode
  do {
    code = try await work()
  } catch {
    if json, asReport {
      var report = UpdateReport(verdict: .unchanged, device: DeviceReport())
      report.trouble = error
      Output.json(report.json)
    } else if json {
      Output.json(.object(["event": .string("error"), "trouble": error.json]))
    } else {
      Output.show(error)
    }
    code = error.exitCode
  }
  if code != .ok { throw Ending(code: code) }
}
