import SmithBytes
public import SmithLink
public import SmithModel

/// Why a conversation with a Huawei download monitor ended.
public enum BalongError: Error, Equatable, Sendable {
  /// The cable or the port failed; the stick keeps what it acknowledged.
  case link(LinkError)
  /// No usable answer to a command, after every allowed repeat.
  case noAnswer(step: String, tries: Int)
  /// What answers is no download monitor.
  case wrongMonitor(answer: String)
  /// The port does not speak the download protocol at all.
  case notDownloadMode
  /// The stick does not take the package's signature announcement.
  case signatureRefused(answer: String)
  /// The stick did not switch to data mode.
  ///
  /// - Parameters:
  ///   - answer: its words; empty if it said nothing.
  ///   - announced: whether the package's signature was announced before, and taken.
  case datamodeRefused(answer: String, announced: Bool)
  /// The stick refuses an item before any of it was written.
  case itemRefused(item: String, BalongRefusal)
  /// The stick refuses a block, or the end of an item.
  case blockRefused(item: String, block: Int, BalongRefusal)
  /// The image could not be read while it was being sent.
  case image(Trouble)
  /// A milestone could not be written to the journal: nothing more was sent.
  case journal(Trouble)
}

extension BalongError: TroubleConvertible {
  /// The explanation for people.
  public var trouble: Trouble {
    switch self {
    case .link(let error): error.trouble
    case .image(let trouble), .journal(let trouble): trouble
    case .noAnswer(let step, let tries):
      Trouble(
        "balong.no-answer", "The stick stopped answering at \(step).",
        facts: ["sent \(tries) times without a usable answer"],
        advice: [
          "Unplug the stick, wait five seconds, plug it in again and run `modemsmith resume`.",
          "Use a short cable straight into the computer, no hub.",
        ], aftermath: .needsRescue, exitCode: .needsRescue)
    case .wrongMonitor(let answer):
      Trouble(
        "balong.wrong-monitor",
        "The port answers, but not as a Huawei download monitor (\"\(answer)\").",
        advice: [
          "Run `modemsmith info` to see which state the stick is in.",
          "If it has just been plugged in, wait half a minute and try again.",
        ], exitCode: .refused)
    case .notDownloadMode:
      Trouble(
        "balong.not-download-mode", "No download monitor answers on this port.",
        advice: [
          "Check that this is the stick's AT or download port: `modemsmith list`.",
          "Close other programs that use the stick, unplug it, plug it in and try again.",
        ], exitCode: .noStick)
    case .signatureRefused(let answer):
      Trouble(
        "balong.signature-refused",
        "The stick does not accept the signature of this package (\"\(answer)\").",
        advice: [
          "Use a package made for exactly this model and build.",
          "Unplug the stick and plug it in again: it still has its old firmware.",
        ], exitCode: .refused)
    case .datamodeRefused(let answer, let announced):
      Self.datamodeRefused(answer, announced)
    case .itemRefused(let item, let refusal):
      Trouble(
        "balong.item-refused", "The stick refused to begin \(item): \(refusal).",
        advice: [
          "Unplug the stick, plug it in again and run `modemsmith resume`.",
          "If it refuses again, the package is not for this build of the stick.",
        ], aftermath: .needsRescue, exitCode: .needsRescue)
    case .blockRefused(let item, let block, let refusal):
      Trouble(
        "balong.block-refused",
        "The stick refused \(item) at \(block == 0 ? "its end" : "block \(block)"): \(refusal).",
        advice: [
          "Unplug the stick, plug it in again and run `modemsmith resume`.",
          "If it stops at the same place again, the flash of the stick may be worn out.",
        ], aftermath: .needsRescue, exitCode: .needsRescue)
    }
  }

  /// A monitor that answers a clean ERROR heard the command and does not want it: as far as is
  /// known because it waits for a signature (balong-download.md section 3.3). Any other answer
  /// comes from somebody else.
  private static func datamodeRefused(_ answer: String, _ announced: Bool) -> Trouble {
    let replug =
      "Unplug the stick, wait ten seconds and plug it in: nothing was written, so it starts what"
      + " it ran before; one that was interrupted earlier waits again."
    var trouble = Trouble(
      "balong.datamode-refused", "The stick refused to enter data mode (\"\(answer)\").",
      advice: [], exitCode: .refused)
    if answer != "ERROR" {
      trouble.facts = ["a download monitor answers OK or ERROR, and nothing else"]
      trouble.advice = [
        "Close other programs that use the stick, ModemManager first, and try again.",
        "Check that this is the download port: `modemsmith info --port PATH`.", replug,
      ]
    } else if announced {
      trouble.facts = ["the package is signed, and the stick took the announcement of its key"]
      trouble.advice = [
        replug, "Then try once more: the stick forgets what was announced when it restarts.",
        "If it refuses again, the package is signed for another build of this model.",
      ]
    } else {
      trouble.summary =
        "The stick refused to enter data mode (\"\(answer)\"): it seems to take signed packages"
        + " only, and this one is not signed."
      trouble.facts = ["the package has no signature that could be announced (AT^SIGNVER)"]
      trouble.advice = [
        "Find the signed package for exactly this model; `modemsmith image show FILE` says"
          + " whether a file is signed.",
        replug, "Do not run `resume` with this file: the stick would refuse it again.",
      ]
    }
    return trouble
  }
}
