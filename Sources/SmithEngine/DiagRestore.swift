public import SmithLink
public import SmithModel
import SmithProtocols
public import SmithVendors

extension DiagBackup {
  /// Gives the settings that DIAG told back to the stick they came from: only items that are known
  /// to be harmless, whatever the backup file holds (Docs/Protocols/diag.md section 4).
  ///
  /// - Parameters:
  ///   - items: by number in decimal, 128 bytes each in hexadecimal, as a backup file has them.
  ///   - place: the stick; that it is the backup's was checked before.
  /// - Returns: what was written, and what was not, in words.
  public static func restore(_ items: [String: String], at place: Place, on bus: any Bus) async
    -> SettingsRestoration
  {
    var result = SettingsRestoration()
    var wanted: [UInt16: [UInt8]] = [:]
    for (key, text) in items.sorted(by: { $0.key < $1.key }) {
      guard let number = UInt16(key), NVItems.restorable.contains(number),
        !NVItems.isForbidden(number)
      else {
        result.leftOut.append("diagnostic item \(key.prefix(8)): never written")
        continue
      }
      guard let data = bytes(text), data.count == 128 else {
        result.leftOut.append("diagnostic item \(number): the backup's copy is damaged")
        continue
      }
      wanted[number] = data
    }
    guard !wanted.isEmpty else { return result }
    guard let ports = try? await bus.ports(),
      let port = ports.first(where: { $0.place == place && $0.role == .diag }),
      let link = try? await bus.open(port)
    else {
      result.leftOut.append("diagnostic items: the stick shows no diagnostic port")
      return result
    }
    do throws(DiagError) {
      let session = DiagSession(link)
      // The backup file holds no identity; whose stick this is was proven by its IMEI's hash.
      var backup = try await session.backup(items: [])
      backup.items = wanted
      let written = try await session.restore(backup, items: wanted.keys.sorted())
      result.restored = written.map { "diagnostic item \($0)" }
    } catch {
      result.leftOut.append("diagnostic items: \(error.trouble.summary)")
    }
    await link.close()
    return result
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
  }
}
