import SmithFormats
import SmithModel

/// What is known of the 3G sticks whose loader speaks HIP, and where that ends
/// (Docs/Protocols/sierra-hip.md sections 4 and 5).
enum SierraHIPRules {
  /// Whether a stick is one of them: its loader says so, or its version names a line by a letter,
  /// as in `K1_0_2_4AP`.
  static func apply(to report: DeviceReport, _ state: StickState) -> Bool {
    state == .waiting(.hip) || (!state.isWaiting && report.productID?.count == 1)
  }

  /// Takes one application image: everything else is launched or joined in ways nobody wrote down.
  ///
  /// - Throws: `sierra.hip-loader`.
  static func check(_ images: [SierraClaim]) throws(Trouble) {
    guard let image = images.first, images.count == 1 else {
      throw refusal("several files in one job: only single images were ever described")
    }
    let type = image.type
    guard type == "APPL" else {
      throw refusal(
        launched.contains(type)
          ? "a \(type) image is started in memory; what the stick does then is not known"
          : "a \(type) image; only APPL is known to be written to the flash")
    }
  }

  private static let launched: Set<String> = ["BOOT", "QCOM", "USBD", "EXEC", "SWOC"]

  /// What the owner accepts with `--experimental`.
  static let inferences = [
    "the HIP download is known from one library of the vendor and was never seen on a stick",
    "that the loader writes nothing before it has the whole image, and restarts when told to",
    "that the stick keeps its settings although it is not told to save them first, as the vendor's"
      + " host tells it",
    "that the letter of the version names the line: only the loader compares the product code",
  ]

  private static func refusal(_ why: String) -> Trouble {
    Trouble(
      "sierra.hip-loader", "The way of this file into a 3G stick is not known.", facts: [why],
      advice: [
        "Look for the single application image (APPL): `modemsmith image show` tells the type.",
        "Use the vendor's own tool for this file.",
      ], aftermath: .untouched, exitCode: .refused)
  }
}
