/// Partitions that hold what makes a stick this stick: identity, calibration, locks, file system
/// of the modem, and the table itself (Docs/Protocols/mibib.md section 4).
public enum ProtectedPartitions {
  /// Whether no one may write or erase a partition of that name; the `0:` prefix, letter case and
  /// an A/B suffix do not matter.
  public static func contains(_ name: String) -> Bool {
    var key = name.lowercased()
    if key.hasPrefix("0:") { key.removeFirst(2) }
    for suffix in ["_a", "_b", "_bak", "_backup"] where key.hasSuffix(suffix) {
      key.removeLast(suffix.count)
    }
    return names.contains(key) || key.hasPrefix("efs") || key.hasPrefix("modemst")
      || key.hasPrefix("nvbak") || key.hasPrefix("sim_secure") || key.hasPrefix("mibib")
  }

  private static let names: Set<String> = [
    "nv", "nvram", "fsg", "fsc", "ssd", "persist", "sec", "simlock", "sim_lock", "fuse", "cefs",
    "oemnv", "factory", "ptable", "partition",
  ]
}
