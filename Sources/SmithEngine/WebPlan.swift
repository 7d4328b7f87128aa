import Foundation
import SmithBytes
import SmithFormats
import SmithModel
import SmithVendors

/// Plans of updates through a page; pure.
enum WebPlan {
  /// Stands where a file's name stands, if the stick loads its update itself.
  static let onlineFile = "(loaded by the stick itself)"

  /// The plan for a file.
  ///
  /// - Throws: a refusal: not for this model, older, or resting on inference.
  static func upload(
    _ image: CheckedImage, _ bytes: SharedBytes, _ subject: Subject, _ page: any StickPage,
    _ place: UploadPlace, _ policy: Policy, expecting wanted: FirmwareVersion?
  ) throws(Trouble) -> Plan {
    let report = subject.report
    guard bytes.count <= place.limit else {
      throw PageError.tooBig(bytes: bytes.count, limit: place.limit).trouble
    }
    try checkProduct(bytes, report, policy)
    try checkAge(report, wanted, policy)
    try checkInference(place.inferences, policy)
    var plan = base(image, subject, page, policy)
    plan.after = wanted
    plan.products = report.model.map { [$0] } ?? []
    plan.file = URL(fileURLWithPath: image.path).lastPathComponent
    plan.items = [PlannedItem(id: 0, name: "firmware file", bytes: bytes.count)]
    plan.expectedSeconds = 240 + Double(bytes.count) / 1_000_000
    plan.inferences = place.inferences + plan.inferences
    if wanted == nil {
      plan.cannotVerify.append("the version (name it with --expect to have it compared)")
    }
    return plan
  }

  /// The plan for the stick's own update.
  static func online(
    _ image: CheckedImage, version: String?, bytes: Int?, _ subject: Subject,
    _ page: any StickPage, _ policy: Policy
  ) throws(Trouble) -> Plan {
    try checkInference(page.onlineInferences, policy)
    var plan = base(image, subject, page, policy)
    plan.after = version.map { FirmwareVersion($0) }
    plan.file = onlineFile
    plan.items = [
      PlannedItem(id: 0, name: "the maker's update", bytes: bytes ?? 0)
    ]
    plan.expectedSeconds = 600
    plan.inferences = page.onlineInferences + plan.inferences
    if version == nil {
      plan.cannotVerify.append("the version (the page does not say which one it offers)")
    }
    plan.warnings.append("The stick loads its update over its own connection; it may cost money.")
    return plan
  }

  private static func base(
    _ image: CheckedImage, _ subject: Subject, _ page: any StickPage, _ policy: Policy
  ) -> Plan {
    var cannotVerify: [String] = []
    if subject.identityHash == nil {
      cannotVerify.append("that it is the same stick afterwards (its page keeps the IMEI back)")
    }
    let mayRestore = page.profileInferences.isEmpty || policy.experimental
    return Plan(
      route: page.route, vendor: page.vendor, model: subject.report.model, products: [],
      before: subject.report.firmware, after: nil, carrier: nil, file: "", sha256: image.sha256,
      signed: false, items: [],
      stages: [.write, .restart, .verify] + (mayRestore ? [.restoreSettings] : []),
      expectedSeconds: 0,
      cannotBackUp: [
        "the firmware now on the stick (its page does not give it away)",
        "user names and passwords of connection profiles",
      ], cannotVerify: cannotVerify,
      warnings: mayRestore
        ? []
        : ["Connection profiles are saved and compared; writing them back takes --experimental."],
      inferences: mayRestore ? page.profileInferences : [], evidence: "simulator")
  }

  /// The stick alone can read the file, but a file for it names its model or project.
  private static func checkProduct(_ bytes: SharedBytes, _ report: DeviceReport, _ policy: Policy)
    throws(Trouble)
  {
    if policy.forced.contains(.productUnknown) { return }
    let names = [report.model, report.customerCode].compactMap { $0 }.filter { $0.count >= 3 }
    if names.contains(where: { FileText.contains($0, bytes) }) { return }
    throw Trouble(
      "plan.product-unknown",
      "The file does not say that it is for this stick (\(names.joined(separator: ", "))).",
      facts: ["it is a container that only the stick itself can read"],
      advice: [
        "Find the file that the maker offers for exactly this model and operator.",
        "If you are sure, use `--force product-unknown`.",
      ], exitCode: .refused)
  }

  private static func checkAge(
    _ report: DeviceReport, _ wanted: FirmwareVersion?, _ policy: Policy
  ) throws(Trouble) {
    guard let wanted, let old = report.firmware.flatMap({ ZTERevision($0.text) }),
      let new = ZTERevision(wanted.text), new.isOlder(than: old) == true, !policy.allowDowngrade
    else { return }
    throw Trouble(
      "plan.downgrade",
      "The file is older (\(wanted)) than the stick's firmware (\(report.firmware?.text ?? "-")).",
      advice: ["Leave the stick as it is.", "If you are sure, use `--allow-downgrade`."],
      exitCode: .refused)
  }

  private static func checkInference(_ inferences: [String], _ policy: Policy) throws(Trouble) {
    if !inferences.isEmpty, !policy.experimental { throw experimental(inferences) }
  }

  /// Names what was never proven.
  static func experimental(_ inferences: [String]) -> Trouble {
    Trouble(
      "plan.experimental", "A part of this rests on inference and was never proven.",
      facts: inferences,
      advice: ["Leave the stick as it is; or accept the risk with `--experimental`."],
      exitCode: .refused)
  }
}
