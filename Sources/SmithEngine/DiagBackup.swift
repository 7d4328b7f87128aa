public import SmithLink
public import SmithModel
import SmithProtocols

/// What a Qualcomm stick with a diagnostic port of its own gives besides AT settings
/// (Docs/Protocols/huawei-qualcomm.md section 1).
public enum DiagBackup {
  /// Reads the four harmless items over DIAG; nil if the stick shows no such port or it is silent.
  ///
  /// The identity that binds a backup to its unit stays out: the backup file has its salted hash.
  public static func read(at place: Place, on bus: any Bus) async -> [UInt16: [UInt8]]? {
    guard let ports = try? await bus.ports(),
      let port = ports.first(where: { $0.place == place && $0.role == .diag }),
      let link = try? await bus.open(port)
    else { return nil }
    let saved = try? await DiagSession(link).backup(items: NVItems.restorable.sorted())
    await link.close()
    guard let items = saved?.items, !items.isEmpty else { return nil }
    return items
  }
}
