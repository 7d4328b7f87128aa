import SmithEngine
import SmithLink
import SmithModel
import SmithVendors

extension Backup {
  /// Writes it where the owner wants it, else among the others of the state directory; the path.
  func keep(at output: String?, in store: BackupStore) throws(Trouble) -> String {
    guard let output else { return try store.save(self) }
    try write(to: output)
    return output
  }

  /// Refuses a stick, reached over its page, that the backup is not of.
  func checkUnit(_ report: DeviceReport, at place: Place, toOtherUnit: Bool) throws(Trouble) {
    let hash = Subject(place: place, state: .normal, report: report).identityHash
    guard hash != nil && hash == identity || toOtherUnit else {
      throw Trouble(
        "restore.other-unit", "The backup is of another stick.",
        facts: report.imei == nil ? ["the page does not tell the stick's identity"] : [],
        advice: ["Plug in the stick that it came from, or add --to-other-unit."],
        exitCode: .refused)
    }
  }
}
