import SmithBytes
public import SmithLink
public import SmithModel

/// Why a conversation with a Balong boot ROM ended; the flash is untouched in every case.
public enum BootROMError: Error, Equatable, Sendable {
  /// The cable or the port failed.
  case link(LinkError)
  /// A packet was answered otherwise than AA, or not at all (nil).
  case refused(step: String, answer: UInt8?)
  /// The end of the loader itself was refused: another chip, or a stick that checks signatures.
  case endRefused(answer: UInt8?)
  /// The file became shorter while it was being sent.
  case fileShrank(String)
}

extension BootROMError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    let again =
      "Unplug the stick, bring it into its boot ROM as before, and run the same command again."
    switch self {
    case .link(let error):
      var trouble = error.trouble
      if error == .gone {
        trouble.advice = [again, "Use a short cable, straight into the computer."]
      }
      trouble.aftermath = .untouched
      trouble.exitCode = error == .gone ? .needsRescue : trouble.exitCode
      return trouble
    case .refused(let step, let answer):
      return Trouble(
        "bootrom.refused", "The boot ROM did not take \(step).",
        facts: [Self.words(answer), "nothing was written to the flash"],
        advice: [again, "Use a short cable, straight into the computer, no hub."],
        exitCode: .needsRescue)
    case .endRefused(let answer):
      return Trouble(
        "bootrom.loader-refused", "The boot ROM took the whole loader and refuses to start it.",
        facts: [Self.words(answer), "nothing was written to the flash"],
        advice: [
          "Get a loader that was made for exactly this chip and model.",
          "If every such loader is refused, the stick checks signatures: it cannot be rescued here.",
        ], exitCode: .needsRescue)
    case .fileShrank(let name):
      return Trouble(
        "file.shrank", "The \(name) ended early: the file changed while it was being sent.",
        advice: ["Copy the file to this computer's own disk.", again], exitCode: .needsRescue)
    }
  }

  private static func words(_ answer: UInt8?) -> String {
    answer.map { "it answered \([$0].hex) in place of aa" } ?? "it did not answer"
  }
}
