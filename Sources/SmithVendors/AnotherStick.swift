import SmithModel

extension Trouble {
  /// A stick that came back in normal mode is another one, or hides its number; nothing that
  /// changes it was sent. The engine adds what became of the interrupted one.
  static func anotherStick() -> Trouble {
    Trouble(
      "stick.another", "Another stick answers where the interrupted one was.",
      facts: ["its identity number differs or is not told; nothing that changes it was sent to it"],
      advice: [
        "Plug the interrupted stick in again, in the same place, and run `modemsmith resume`."
      ], exitCode: .refused)
  }

  /// The diagnostic port, by which a stick is sent into download mode, leads to another stick.
  static func diagOfAnother() -> Trouble {
    Trouble(
      "stick.another", "The diagnostic port is that of another stick.",
      facts: ["its identity number differs from the one on the AT port; nothing was changed"],
      advice: [
        "Name the right one with `--diag-port PATH`; `modemsmith list` shows which ports belong"
          + " together."
      ], exitCode: .refused)
  }
}
