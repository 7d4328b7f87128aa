public import SmithModel

/// The rule that says whether a Balong file is for a stick (Docs/Protocols/balong-image.md,
/// compatibility text).
public enum BalongProduct {
  /// Width of the compatibility text in an item header.
  static let width = 8

  /// Whether the compatibility text of a file names the product id of a stick.
  ///
  /// The header holds eight characters, so a longer product id counts by its first eight. Whether
  /// the vendor's updater compares more loosely is not known; we do not.
  public static func matches(_ compatibility: String, _ product: String) -> Bool {
    !compatibility.isEmpty && compatibility.prefix(width) == product.prefix(width)
  }

  /// The refusal that names both texts.
  public static func mismatch(stick: String?, file: [String], aftermath: Aftermath) -> Trouble {
    let made = file.isEmpty ? "does not say for which product it is" : "is for \(list(file))"
    let says = stick.map { "says that it is \($0)" } ?? "does not say which product it is"
    let unknown = stick == nil || file.isEmpty
    return Trouble(
      unknown ? "plan.product-unknown" : "plan.wrong-product",
      "The file \(made); the stick \(says).",
      facts: [
        "compatibility text of the file: \(file.isEmpty ? "none" : list(file))",
        "product id of the stick: \(stick ?? "none")",
      ],
      advice: unknown
        ? ["Find a file made for this model, or waive the rule with `--force product-unknown`."]
        : ["Find a file made for exactly this model: `modemsmith info` shows it."],
      aftermath: aftermath, exitCode: .refused)
  }

  private static func list(_ texts: [String]) -> String {
    texts.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
